/**
 * A repository as `docker trust inspect` shows it, member for member and in its order (docker/cli 28,
 * `cli/command/trust/inspect.go` and `common.go`, measured).
 *
 * What surprises in it is kept: root and targets keys go by the id that metadata files them under, signers by the
 * canonical one; a tag that `targets/releases` and `targets` hold with two digests has two rows; signers stand in falling
 * order. One thing is not kept: Docker shows entries that a delegation's paths do not allow, and nothing here does.
 *
 * @module
 */
import { REPO_ADMIN } from "../tuf/resolve.ts";
import { RELEASES } from "../tuf/roles.ts";
import type { RepositoryView } from "../tuf/view.ts";
import { canonicalIds } from "./inspect_repository.ts";
import { entriesBelow, isReleased, signerName } from "../schemes/notary_v1/role_entries.ts";

/** Somebody with their keys, in Docker's shape. */
export interface DockerSigner {
  /** Name of the signer, or "Root", "Repository". */
  readonly Name: string;
  /** Their keys; no member at all where there are none. */
  readonly Keys?: readonly { readonly ID: string }[];
}

/** One element of what `docker trust inspect` prints. */
export interface DockerInspection {
  /** The name as the user typed it, with the tag if there was one. */
  readonly Name: string;
  /** Signed tags in natural order. */
  readonly SignedTags: readonly {
    readonly SignedTag: string;
    readonly Digest: string;
    readonly Signers: readonly string[];
  }[];
  /** Signers. */
  readonly Signers: readonly DockerSigner[];
  /** Root and targets. */
  readonly AdministrativeKeys: readonly DockerSigner[];
}

/** Describes `repository` under the name that the user typed; with `tag`, only its rows. */
export function dockerInspection(repository: RepositoryView, typed: string, tag?: string): DockerInspection {
  const entries = entriesBelow(repository, "targets").filter((entry) => tag === undefined || entry.tag === tag);
  const rows = [...Map.groupBy(entries, (entry) => `${entry.tag} ${entry.sha256}`).values()]
    .filter((row) => row.some(({ role }) => isReleased(role)))
    .map((row) => {
      const signers = row.filter(({ role }) => !isReleased(role)).map(({ role }) => signerName(role));
      const { tag, sha256 } = row[0]!;
      return { SignedTag: tag, Digest: sha256, Signers: signers.length > 0 ? signers : [REPO_ADMIN] };
    });
  const signers = [...repository.delegations.values()].map(({ delegation }) => delegation)
    .filter(({ name }) => name !== RELEASES)
    .map((delegation) => signer(signerName(delegation.name), canonicalIds(delegation)));
  return {
    Name: tag === undefined ? typed : `${typed}:${tag}`,
    SignedTags: rows.sort((a, b) => compareNaturally(a.SignedTag, b.SignedTag)),
    Signers: signers.sort((a, b) => a.Name > b.Name ? -1 : 1),
    AdministrativeKeys: [
      signer("Root", [...repository.root.roles.root.keys.keys()]),
      signer("Repository", [...repository.root.roles.targets.keys.keys()]),
    ],
  };
}

function signer(Name: string, ids: readonly string[]): DockerSigner {
  return ids.length > 0 ? { Name, Keys: ids.map((ID) => ({ ID })) } : { Name };
}

/** Numbers by their value, digits before anything else: the order of Docker's tables (`fvbommel/sortorder`). */
function compareNaturally(a: string, b: string): number {
  const parts = (text: string): string[] => text.match(/\d+|\D/gu) ?? [];
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = comparePart(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function comparePart(a: string, b: string): number {
  const [left, right] = [/^\d/.test(a), /^\d/.test(b)];
  if (left !== right) return left ? -1 : 1;
  if (!left) return a < b ? -1 : a > b ? 1 : 0;
  const [x, y] = [a, b].map((digits) => digits.replace(/^0+/, "")) as [string, string];
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : a.length - b.length;
}
