/** What a repository is made of: roles, keys, signers. @module */
import type { KeyId } from "../crypto/keys.ts";
import { type Delegation, type Metadata, namedKeys, type RoleKeys } from "../tuf/models.ts";
import { resolveAll } from "../tuf/resolve.ts";
import { BASE_ROLES, parentOf, RELEASES, type RoleName } from "../tuf/roles.ts";
import type { RepositoryView } from "../tuf/view.ts";
import { openRepository, type Trust } from "../notary/repository.ts";
import { signerName } from "../schemes/notary_v1/role_entries.ts";
import { type TagList, tagListOf } from "../schemes/notary_v1/verify_tags.ts";

/** A role of a repository. */
export interface RoleFacts {
  /** As TUF names it: `root`, `targets/releases`. */
  readonly role: RoleName;
  /** The version of its trusted file; `null` where there is none: not published, or skipped. */
  readonly version: number | null;
  /** When that expires, as the file says (RFC 3339). */
  readonly expires: string | null;
  /** How many keys must sign. */
  readonly threshold: number;
  /** Canonical ids of the keys that may sign. */
  readonly keyIds: readonly KeyId[];
  /** Delegations only: prefixes of the tags that it may sign. */
  readonly paths?: readonly string[];
}

/** Somebody whom Docker names as a signer: a delegation beside `targets/releases`. */
export interface SignerFacts {
  /** `targets/<name>`. */
  readonly name: string;
  /** Canonical ids of their keys. */
  readonly keyIds: readonly KeyId[];
}

/** A repository with all that is signed in it. */
export interface Inspection extends TagList {
  /** The four base roles, then delegations, parents first. */
  readonly roles: readonly RoleFacts[];
  /** Signers by name. */
  readonly signers: readonly SignerFacts[];
  /** Canonical ids of the root keys. */
  readonly rootKeyIds: readonly KeyId[];
  /** Canonical ids of the targets keys. */
  readonly targetsKeyIds: readonly KeyId[];
}

/** Reads, verifies and describes a repository. Throws what reading throws. */
export async function inspectRepository(trust: Trust, gun: string): Promise<Inspection> {
  return inspect((await openRepository(trust, gun)).repository);
}

/** Describes a repository that was read. */
export function inspect(repository: RepositoryView): Inspection {
  return {
    ...tagListOf(repository, resolveAll(repository)),
    roles: rolesOf(repository),
    signers: signerFacts(repository),
    rootKeyIds: canonicalIds(repository.root.roles.root),
    targetsKeyIds: canonicalIds(repository.root.roles.targets),
  };
}

/** The roles of a repository: the four base roles, then delegations, parents first. */
export function rolesOf(repository: RepositoryView): RoleFacts[] {
  const facts = (role: RoleName, keys: RoleKeys, file: Metadata | undefined): RoleFacts => ({
    role,
    version: file?.version ?? null,
    expires: file?.expiresText ?? null,
    threshold: keys.threshold,
    keyIds: canonicalIds(keys),
  });
  return [
    ...BASE_ROLES.map((role) => facts(role, repository.root.roles[role], repository[role])),
    ...[...repository.delegations.values()].map((state) => ({
      ...facts(state.delegation.name, state.delegation, state.kind === "trusted" ? state.file : undefined),
      paths: state.delegation.paths,
    })),
  ];
}

/** The named signers: delegations right below targets, `targets/releases` left out. */
export function signerFacts(repository: RepositoryView): SignerFacts[] {
  return namedSigners(repository).map((delegation) => ({
    name: signerName(delegation.name),
    keyIds: canonicalIds(delegation),
  })).sort((a, b) => a.name < b.name ? -1 : 1);
}

function namedSigners(repository: RepositoryView): Delegation[] {
  return [...repository.delegations.values()].map(({ delegation }) => delegation)
    .filter(({ name }) => name !== RELEASES && parentOf(name) === "targets");
}

/** The canonical ids of a role's keys; two forms of one key are one. */
export function canonicalIds(role: RoleKeys): KeyId[] {
  return [...new Set(namedKeys(role).map((key) => key.canonicalId))];
}
