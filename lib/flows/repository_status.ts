/** The health of a repository, as facts; what to do about it is in `status_advice.ts`. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError } from "../errors.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import { parseListing, parseRoot, parseTargets } from "../tuf/parse.ts";
import { BASE_ROLES, isDelegation, type RoleName } from "../tuf/roles.ts";
import type { RepositoryView } from "../tuf/view.ts";
import { type Look, lookAtRepository } from "./look_at_expired.ts";
import { canonicalIds, type RoleFacts, rolesOf, signerFacts } from "./inspect_repository.ts";
import type { Trust } from "../notary/repository.ts";
import { rootTrust } from "./root_trust.ts";
import { serverSnapshotKey } from "../notary/snapshot_key.ts";
import { adviceFor, type Problem } from "./status_advice.ts";
import type { CertificateStatus, KeyHere, RoleStatus, StatusFacts } from "./status_facts.ts";

/** The health of a repository. */
export interface RepositoryStatus extends StatusFacts {
  /** What to do, worst first. */
  readonly problems: readonly Problem[];
}

const DAY_MS = 86_400_000;

/**
 * Finds out how a repository is. Expired data is looked at and marked, not trusted; anything else that is wrong is
 * thrown, as reading does. Asks the server for the public half of its snapshot key, which it makes where it has none.
 */
export async function repositoryStatus(
  trust: Trust,
  keys: Pick<KeyStore, "list">,
  gun: string,
): Promise<RepositoryStatus> {
  const before = await trust.store.read(gun); // reading brings the copy up to date
  return await statusOf(trust, keys, before, await lookAtRepository(trust, gun));
}

/** The same of a repository that was looked at; `before` is the copy as it was until then. */
export async function statusOf(
  trust: Trust,
  keys: Pick<KeyStore, "list">,
  before: ReadonlyMap<RoleName, Bytes>,
  look: Look,
): Promise<RepositoryStatus> {
  const { gun } = look.seen;
  const at = trust.now();
  const { seen } = look;
  const here = await keysOf(seen, keys);
  const facts = {
    repository: gun,
    notaryUrl: trust.server.url.href.replace(/\/+$/, ""),
    checkedAt: at.toISOString(),
    trusted: look.trusted !== undefined,
    rootTrustedBy: rootTrust(trust, before),
    roles: rolesOf(seen).map((facts) => roleStatus(look, facts, before.get(facts.role), at)),
    certificates: certificatesOf(seen, at),
    managedBy: { snapshot: await managerOfSnapshot(trust, seen, here), timestamp: "server" },
    signers: signerFacts(seen),
    keysHere: here,
  } as const;
  return { ...facts, problems: adviceFor(facts) };
}

function roleStatus({ trusted, seen }: Look, facts: RoleFacts, cached: Bytes | undefined, at: Date): RoleStatus {
  const { role, expires } = facts;
  const daysLeft = expires === null ? null : daysUntil(new Date(expires), at);
  const { unusable = [] } = isDelegation(role) ? seen.delegations.get(role)!.delegation : seen.root.roles[role];
  const unusableKeys = [...unusable].map(([keyId, key]) => ({ keyId, ...key }));
  const cachedVersion = cached ? versionIn(role, cached) : null;
  const base = { ...facts, cachedVersion, daysLeft, ...(unusableKeys.length > 0 ? { unusableKeys } : {}) };
  if (expires !== null && new Date(expires) <= at) return { ...base, state: "expired" };
  const states = [trusted, seen].map((repository) => repository && delegationState(repository, role));
  const skipped = states.find((state) => state?.kind === "skipped");
  if (skipped?.kind === "skipped") return { ...base, state: "skipped", reason: skipped.reason };
  return { ...base, state: expires === null ? "unpublished" : "ok" };
}

function delegationState(repository: RepositoryView, role: RoleName) {
  return repository.delegations.get(role as `targets/${string}`);
}

function versionIn(role: RoleName, bytes: Bytes): number | null {
  try {
    if (role === "root") return parseRoot(bytes).version;
    const listing = role === "snapshot" || role === "timestamp";
    return (listing ? parseListing(role, bytes) : parseTargets(role, bytes)).version;
  } catch (error) {
    if (!isTagsealError(error, "trust-invalid")) throw error;
    return null; // a damaged copy
  }
}

function certificatesOf(repository: RepositoryView, at: Date): CertificateStatus[] {
  const held = [
    ...[...repository.root.roles.root.keys.values()].map((key) => ["root" as RoleName, key] as const),
    ...[...repository.delegations].flatMap(([role, { delegation }]) =>
      [...delegation.keys.values()].map((key) => [role as RoleName, key] as const)
    ),
  ];
  return [...Map.groupBy(held, ([, key]) => key.id).values()].flatMap((holders) => {
    const [, { canonicalId, certificate }] = holders[0]!;
    if (!certificate) return [];
    const { subject, notAfter } = certificate;
    const roles = holders.map(([role]) => role);
    return [{ roles, keyId: canonicalId, subject, expires: notAfter.toISOString(), daysLeft: daysUntil(notAfter, at) }];
  });
}

async function keysOf(repository: RepositoryView, keys: Pick<KeyStore, "list">): Promise<KeyHere[]> {
  const roles = [
    ...BASE_ROLES.map((role) => [role, canonicalIds(repository.root.roles[role])] as const),
    ...[...repository.delegations].map(([role, { delegation }]) => [role, canonicalIds(delegation)] as const),
  ];
  return (await keys.list()).map(({ id, role, gun }) => ({
    keyId: id,
    role,
    gun,
    signsFor: roles.filter(([, ids]) => ids.includes(id)).map(([name]) => name),
  })).filter(({ gun, signsFor }) => signsFor.length > 0 || gun === repository.gun)
    .map(({ keyId, role, signsFor }) => ({ keyId, role, signsFor }));
}

async function managerOfSnapshot(
  { server }: Trust,
  repository: RepositoryView,
  keysHere: readonly KeyHere[],
): Promise<"server" | "here" | "elsewhere" | "unknown"> {
  if (keysHere.some(({ signsFor }) => signsFor.includes("snapshot"))) return "here";
  const keyId = await serverSnapshotKey(server, repository.gun);
  if (keyId === undefined) return "unknown";
  return canonicalIds(repository.root.roles.snapshot).includes(keyId) ? "server" : "elsewhere";
}

function daysUntil(then: Date, at: Date): number {
  return Math.floor((then.getTime() - at.getTime()) / DAY_MS);
}
