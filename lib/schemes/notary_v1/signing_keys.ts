/** Which keys may sign a change: those that both delegations hold, the one that a policy has, the ones at hand. @module */
import type { KeyId, PublicKey } from "../../crypto/keys.ts";
import { TagsealError } from "../../errors.ts";
import type { SigningKeys } from "../../signing/payload.ts";
import type { PolicyKey } from "../../signing/payload_signer.ts";
import type { Delegation } from "../../tuf/models.ts";
import { type DelegationRole, RELEASES, signerRole } from "../../tuf/roles.ts";
import type { TrustedRepository } from "../../tuf/trusted.ts";

/**
 * The keys that may sign tags as `signer`: those of both delegations that `keyId` does not exclude. Where keys are at hand
 * it must be clear which of them signs; of a service whichever key is allowed will do.
 *
 * @throws {TagsealError} `not-found`, `bad-input`
 */
export function signingKeys(
  repository: TrustedRepository,
  { signer, keyId = "" }: { readonly signer: string; readonly keyId?: string | undefined },
  atHand: ReadonlySet<KeyId> | undefined,
): SigningKeys {
  const { gun } = repository;
  const role = signerRole(signer);
  const both = keysOfBoth(repository, role);
  const wanted = both.filter(({ canonicalId }) => canonicalId.startsWith(keyId));
  const [key, ...others] = wanted.filter(({ canonicalId }) => atHand?.has(canonicalId) ?? true);
  const details = { repository: gun, keyIds: idsOf(both) };
  if (key) {
    if (others.length === 0 || (!atHand && keyId === "")) return [key, ...others];
    throw new TagsealError(
      "bad-input",
      `Cannot tell which key signs for "${gun}": "${role}" has several keys, and it is not clear which one signs`,
      {
        remedy: `Name one of them, or its certificate: ${shortIds(idsOf([key, ...others]))}`,
        next: { do: "name-key", keyIds: idsOf([key, ...others]) },
        details,
      },
    );
  }
  if (wanted.length > 0) {
    throw new TagsealError("not-found", `No key that may sign as "${role}" for "${gun}" is here`, {
      remedy: `Bring its private key (${shortIds(idsOf(wanted))}) to where keys are looked for, or let SignPath sign`,
      next: { do: "bring-key", keyIds: idsOf(wanted) },
      details,
    });
  }
  throw new TagsealError(
    "bad-input",
    `Cannot tell which key signs for "${gun}": the key is not in both "${RELEASES}" and "${role}"`,
    { remedy: "Add its certificate to both", next: { do: "add-certificate" }, details },
  );
}

/**
 * The key of `policy` among `allowed`; all of them where nobody knows which one the policy has.
 *
 * @throws {TagsealError} `bad-input` where the policy has another key: what it signs would be worth nothing
 */
export function keysOfPolicy(
  { gun }: TrustedRepository,
  allowed: SigningKeys,
  policy: PolicyKey | undefined,
): SigningKeys {
  if (!policy) return allowed;
  requirePolicyKey(gun, idsOf(allowed), policy);
  return [allowed.find(({ canonicalId }) => canonicalId === policy.keyId)!];
}

/** Refuses a policy whose key is none of `allowed`. @throws {TagsealError} `bad-input` */
export function requirePolicyKey(gun: string, allowed: readonly KeyId[], policy: PolicyKey): void {
  if (allowed.includes(policy.keyId)) return;
  throw new TagsealError(
    "bad-input",
    `The signing policy "${policy.policy}" signs with the key ${
      policy.keyId.slice(0, 12)
    }, which may not sign for "${gun}"`,
    {
      remedy:
        `Nothing was sent to SignPath. Name the policy of one of the keys that may (${shortIds(allowed)}), or add ` +
        "this one, with the targets key",
      next: { do: "name-policy-or-delegate", repository: gun, keyIds: allowed },
      details: { repository: gun, keyIds: allowed, policyKeyId: policy.keyId },
    },
  );
}

/** The keys that both `targets/releases` and `role` hold, each once: a renewed certificate files one a second time. */
function keysOfBoth(repository: TrustedRepository, role: DelegationRole): PublicKey[] {
  const { gun } = repository;
  const delegations = [RELEASES, role].map((name) => repository.targets.delegations.find((each) => each.name === name));
  const absent = [RELEASES, role].filter((_, i) => !delegations[i]);
  if (absent.length > 0) throw noDelegation(repository, absent);
  const [releases, named] = delegations as [Delegation, Delegation];
  const several = [releases, named].find(({ threshold }) => threshold > 1);
  if (several) {
    throw new TagsealError("bad-input", `The role "${several.name}" needs ${several.threshold} signatures`, {
      remedy: "Tagseal signs with one key; ask the repository's administrator to set the threshold to 1",
      details: { repository: gun, role: several.name },
    });
  }
  requireUnbarred(gun, [releases, named]);
  const inReleases = new Set([...releases.keys.values()].map(({ canonicalId }) => canonicalId));
  const keys = new Map([...named.keys.values()].map((key) => [key.canonicalId, key]));
  return [...keys.values()].filter(({ canonicalId }) => inReleases.has(canonicalId));
}

function noDelegation({ gun, targets }: TrustedRepository, absent: readonly DelegationRole[]): TagsealError {
  const signers = targets.delegations.map(({ name }) => name).filter((name) => name !== RELEASES);
  // What is in "targets/releases" alone Docker shows as signed by "Repo Admin", whoever's key it is.
  const alone = !absent.includes(RELEASES) && signers.length === 0
    ? `: "${RELEASES}" is its only one, and tags that nobody else holds have no signer's name`
    : "";
  const others = signers.map((name) => name.slice("targets/".length)).slice(0, 10);
  return new TagsealError("not-found", `The repository "${gun}" has no delegation "${absent.join('", "')}"${alone}`, {
    remedy: "Have whoever holds the targets key add it, with the signing key's certificate" +
      (others.length > 0 ? `; or sign as another one: ${others.join(", ")}` : ""),
    next: { do: "have-delegation-added", others },
    details: { repository: gun, roles: absent, delegations: targets.delegations.map(({ name }) => name) },
  });
}

/** Whoever signs such a role signs in vain: neither Notary nor anybody here trusts it. */
function requireUnbarred(gun: string, delegations: readonly Delegation[]): void {
  for (const { name, unusable = [] } of delegations) {
    const [keyId, { reason }] = [...unusable].find(([, { bars }]) => bars) ?? [undefined, { reason: "" }];
    if (keyId === undefined) continue;
    throw new TagsealError("bad-input", `"${name}" of "${gun}" names a key that Notary refuses: ${reason}`, {
      remedy: `Have the repository's administrator take the key ${keyId} away`,
      next: { do: "have-key-removed", repository: gun, keyId },
      details: { repository: gun, role: name, keyId },
    });
  }
}

function idsOf(keys: readonly PublicKey[]): KeyId[] {
  return keys.map(({ canonicalId }) => canonicalId);
}

function shortIds(ids: readonly KeyId[]): string {
  return ids.map((id) => id.slice(0, 12)).join(", ");
}
