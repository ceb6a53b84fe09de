/**
 * Takes keys away from delegations, and shows beforehand which tags stop being trusted by it.
 *
 * `targets/releases` is where Docker looks, so a key that is to sign no more has to leave it, too; only there it stays
 * where another signer's delegation still holds it.
 *
 * @module
 */
import { canonicalJson } from "../bytes/canonical_json.ts";
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import { TagsealError } from "../errors.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import { requirePublished } from "../notary/publish.ts";
import { assembleFile, nextTargets, withDelegationKeys } from "../tuf/edit.ts";
import { type Delegation, namedKeys, type Targets } from "../tuf/models.ts";
import { resolveAll } from "../tuf/resolve.ts";
import { type DelegationRole, RELEASES, signerRole } from "../tuf/roles.ts";
import { checkSignatures } from "../tuf/threshold.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import type { DelegationState, RepositoryView } from "../tuf/view.ts";
import { openRepository, publish, REBASE_ATTEMPTS, type Trust } from "../notary/repository.ts";
import { openRoleSigner, type RoleSigner } from "./role_signer.ts";

/** What is to be taken away: a name, a key, or one key of one name. */
export interface Removal {
  /** The repository. */
  readonly gun: string;
  /** The name of a signer's delegation. */
  readonly name?: string | undefined;
  /** The id of a key, canonical or as metadata has it, or the first digits of one. */
  readonly keyId?: string | undefined;
  /** Take away everything else instead, and keep this. */
  readonly allOther: boolean;
}

/** What a removal does to those who pull. */
export interface Consequences {
  /** Tags that are trusted now and will not be any more. */
  readonly lost: readonly string[];
  /** Tags that will stand for another digest, as `targets` holds them, too. */
  readonly moved: readonly string[];
  /** Nobody can sign any more: `targets/releases` has no key left. */
  readonly noSigner: boolean;
}

/** A delegation and its keys. */
export interface DelegationKeys {
  /** The delegation. */
  readonly role: DelegationRole;
  /** Canonical ids. */
  readonly keyIds: readonly KeyId[];
}

/** What was taken away, proved by reading it back. */
export interface RemovalResult {
  /** `unchanged` where nothing else was there to be taken away. */
  readonly outcome: "published" | "unchanged";
  /** What is gone. */
  readonly removed: readonly DelegationKeys[];
  /** What the repository shows now. */
  readonly delegations: readonly DelegationKeys[];
  /** The version of targets now. */
  readonly targetsVersion: number;
  /** What that meant for tags. */
  readonly consequences: Consequences;
}

/** A key that a delegation names, whether it can be used or not. */
type NamedKey = Pick<PublicKey, "id" | "canonicalId">;
/** The keys that each delegation that changes is left with; none where the delegation goes. */
type Plan = ReadonlyMap<DelegationRole, readonly NamedKey[]>;

/**
 * Takes keys away and publishes; what others publish meanwhile is kept. `confirm` is asked before anything is published
 * that breaks a tag, or leaves nobody who can sign; it throws to stop.
 *
 * @throws {TagsealError} `not-found` where there is no such key or delegation, or the targets key is not here; what
 *   publishing throws
 */
export async function removeDelegation(
  trust: Trust,
  keys: KeyStore,
  removal: Removal,
  confirm: (consequences: Consequences) => Promise<void>,
): Promise<RemovalResult> {
  const { gun, name, allOther } = removal;
  const role = name === undefined ? undefined : signerRole(name);
  const before = (await openRepository(trust, gun)).repository;
  const keyId = removal.keyId === undefined ? undefined : resolveKeyId(before, removal.keyId);
  const planFor = ({ targets }: TrustedRepository) => plan(targets, role, keyId, allOther);
  requirePresent(before, role, keyId, planFor(before), allOther);

  let targetsKey: RoleSigner | undefined;
  let removed: DelegationKeys[] = [];
  let consequences: Consequences = { lost: [], moved: [], noSigner: false };
  const { outcome, repository } = requirePublished(
    await publish(trust, gun, [], { attempts: REBASE_ATTEMPTS }, {
      isThere: (repository) => planFor(repository).size === 0,
      async make(repository) {
        const { targets } = repository;
        const changes = planFor(repository);
        requireThresholds(repository, changes);
        if (!targetsKey || !repository.root.roles.targets.keys.has(targetsKey.keyId)) {
          targetsKey = await openRoleSigner(repository, "targets", keys);
        }
        const now = await consequencesOf(repository, changes);
        if (goesBeyond(now, consequences)) await confirm(now);
        consequences = now;
        removed = removedBy(targets, changes);
        const edited = [...changes].reduce(
          (signed, [name, left]) => withDelegationKeys(signed, name, left.map(({ id }) => id)),
          targets.envelope.signed,
        );
        const payload = canonicalJson(nextTargets(edited, targets.version + 1, trust.now()));
        const signature = await targetsKey.signer.sign(payload);
        return new Map([["targets" as const, assembleFile(payload, [{ keyId: targetsKey.keyId, signature }])]]);
      },
    }),
  );
  const { targets } = repository;
  const delegations = targets.delegations.map((each) => ({ role: each.name, keyIds: idsOf(namedKeys(each)) }));
  return { outcome, removed, delegations, targetsVersion: targets.version, consequences };
}

function plan(targets: Targets, role: DelegationRole | undefined, keyId: KeyId | undefined, allOther: boolean): Plan {
  const signers = targets.delegations.filter(({ name }) => name !== RELEASES);
  const matches = (name: DelegationRole, key: NamedKey) =>
    (role === undefined || name === role) && (keyId === undefined || key.canonicalId === keyId);
  const left = new Map(
    signers.map((each) => [each.name, namedKeys(each).filter((key) => matches(each.name, key) === allOther)] as const),
  );
  const releases = targets.delegations.find(({ name }) => name === RELEASES);
  if (releases) {
    const kept = new Set([...left.values()].flat().map(({ canonicalId }) => canonicalId));
    const gone = new Set(
      signers.flatMap((each) =>
        namedKeys(each).filter((key) => matches(each.name, key)).map(({ canonicalId }) => canonicalId)
      ),
    );
    // A key that is named alone leaves in any case: also one that was only ever in targets/releases.
    if (keyId !== undefined && role === undefined) (allOther ? kept : gone).add(keyId);
    const stays = ({ canonicalId: id }: NamedKey) => allOther ? kept.has(id) : kept.has(id) || !gone.has(id);
    left.set(RELEASES, namedKeys(releases).filter(stays));
  }
  const sizes = new Map(targets.delegations.map((each) => [each.name, namedKeys(each).length]));
  // A delegation without keys is of no use to anybody, and goes along.
  return new Map([...left].filter(([name, keys]) => keys.length === 0 || keys.length < sizes.get(name)!));
}

function resolveKeyId({ gun, targets }: TrustedRepository, given: string): KeyId {
  const wanted = given.toLowerCase();
  const keys = targets.delegations.flatMap(namedKeys);
  const named = (id: KeyId) => id === wanted || (wanted.length >= 7 && id.startsWith(wanted));
  const found = idsOf(keys.filter(({ id, canonicalId }) => named(id) || named(canonicalId)));
  if (found.length === 1) return found[0]!;
  const [code, what] = found.length === 0 ? ["not-found", "is in no delegation"] as const : [
    "usage",
    `stands for ${found.length} keys`,
  ] as const;
  throw new TagsealError(code, `The key "${given.slice(0, 64)}" ${what} of "${gun}"`, {
    remedy: "Give the whole id of a key that is in a delegation, or at least 7 digits that are unique",
    next: { do: "show-delegation-keys" },
    details: { repository: gun, keyIds: idsOf(keys) },
  });
}

function requirePresent(
  { gun, targets }: TrustedRepository,
  role: DelegationRole | undefined,
  keyId: KeyId | undefined,
  changes: Plan,
  allOther: boolean,
): void {
  const there = role === undefined ? undefined : targets.delegations.find(({ name }) => name === role);
  const hasKey = (delegation: Delegation) => idsOf(namedKeys(delegation)).includes(keyId!);
  if ((role === undefined || (there && (keyId === undefined || hasKey(there)))) && (allOther || changes.size > 0)) {
    return;
  }
  const what = there ? `The key ${keyId?.slice(0, 7)}… is not in "${role}"` : `There is no delegation "${role}"`;
  throw new TagsealError("not-found", `${what} of "${gun}"`, {
    remedy: "Nothing was changed. Look at which delegations and keys there are",
    next: { do: "show-delegations" },
    details: { repository: gun, delegations: targets.delegations.map(({ name }) => name) },
  });
}

/** A delegation whose keys are fewer than its threshold would be one that nobody can sign. */
function requireThresholds({ gun, targets }: TrustedRepository, changes: Plan): void {
  for (const { name, threshold } of targets.delegations) {
    const left = changes.get(name)?.length ?? 0;
    if (left === 0 || left >= threshold) continue;
    throw new TagsealError(
      "bad-input",
      `"${name}" of "${gun}" needs ${threshold} signatures and would have ${left} keys`,
      {
        remedy: "Add another key first, or take the whole delegation away",
        next: { do: "delegate-first" },
        details: { repository: gun, role: name, threshold },
      },
    );
  }
}

/** What those who pull will see, made by judging what is there with the keys that are left. */
async function consequencesOf(repository: TrustedRepository, changes: Plan): Promise<Consequences> {
  const states = await Promise.all([...repository.delegations].map(async ([name, state]) => {
    const left = changes.get(name);
    return left?.length === 0 ? [] : [[name, left ? await judgedBy(state, left) : state] as const];
  }));
  const whatIf: RepositoryView = { ...repository, delegations: new Map(states.flat()) };
  const after = new Map(resolveAll(whatIf).map((tag) => [tag.tag, tag]));
  const before = resolveAll(repository);
  return {
    lost: before.filter(({ tag }) => !after.has(tag)).map(({ tag }) => tag),
    moved: before.filter(({ tag, sha256 }) => (after.get(tag)?.sha256 ?? sha256) !== sha256).map(({ tag }) => tag),
    noSigner: changes.get(RELEASES)?.length === 0,
  };
}

async function judgedBy(state: DelegationState, left: readonly NamedKey[]): Promise<DelegationState> {
  const stays = new Set(left.map(({ id }) => id));
  const only = <T>(keys: ReadonlyMap<KeyId, T> = new Map()) => new Map([...keys].filter(([id]) => stays.has(id)));
  const { keys, unusable, ...rest } = state.delegation;
  const delegation = { ...rest, keys: only(keys), unusable: only(unusable) };
  if (state.kind !== "trusted") return { ...state, delegation };
  const { ok } = await checkSignatures(state.file.envelope, delegation);
  return ok ? { ...state, delegation } : { kind: "skipped", delegation, reason: "signed by a key that was taken away" };
}

function goesBeyond(now: Consequences, before: Consequences): boolean {
  const more = (a: readonly string[], b: readonly string[]) => a.some((tag) => !b.includes(tag));
  return more(now.lost, before.lost) || more(now.moved, before.moved) || (now.noSigner && !before.noSigner);
}

function removedBy(targets: Targets, changes: Plan): DelegationKeys[] {
  return targets.delegations.flatMap((each) => {
    const left = changes.get(each.name);
    if (!left) return [];
    const stays = new Set(left.map(({ id }) => id));
    return [{ role: each.name, keyIds: idsOf(namedKeys(each).filter(({ id }) => !stays.has(id))) }];
  });
}

function idsOf(keys: Iterable<NamedKey>): KeyId[] {
  return [...new Set([...keys].map(({ canonicalId }) => canonicalId))];
}
