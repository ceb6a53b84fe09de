/** What the payload of a role does to the role as it was: read from the bytes that are signed, and from nothing else. @module */
import { areJoined, type Bytes, equalBytes } from "../../bytes/bytes.ts";
import { isTagsealError, messageOf } from "../../errors.ts";
import { assembleFile, LIFETIME_DAYS } from "../../tuf/edit.ts";
import type { Targets } from "../../tuf/models.ts";
import { parseTargets } from "../../tuf/parse.ts";
import { mayHold } from "../../tuf/resolve.ts";
import type { DelegationRole } from "../../tuf/roles.ts";
import type { TrustedRepository } from "../../tuf/trusted.ts";
import type { RepositoryChange, RoleChange } from "../../schemes/notary_v1/changes.ts";
import { baseOf, type RoleBase } from "../../schemes/notary_v1/role_base.ts";
import { digestIn, editedForm } from "../../schemes/notary_v1/tag_change.ts";

/** A tag that a payload changes. */
export interface TagMove {
  /** The tag. */
  readonly tag: string;
  /** `sha256:<hex>` of what it stood for; `null` where it was not there. */
  readonly from: string | null;
  /** `sha256:<hex>` of what it shall stand for; `null` where it is withdrawn. */
  readonly to: string | null;
  /** The size of that manifest in bytes. */
  readonly length?: number;
}

/** What a payload says. */
export interface ShownRole {
  /** The role. */
  readonly role: string;
  /** The version that it is made from, as the trust data shows it; `null` where that cannot be verified. */
  readonly baseVersion: number | null;
  /** Its own version; `null` where it cannot be read, as all that follows. */
  readonly version: number | null;
  /** When it expires. */
  readonly expires: string | null;
  /** What it changes; all that it holds where nothing can be compared. */
  readonly moves: readonly TagMove[];
  /** How many tags it leaves as they are. */
  readonly unchanged: number;
  /** What is wrong: each the end of the sentence "the payload …". */
  readonly problems: readonly string[];
}

/** Reads a payload and compares it with `repository`, and with what the manifest says. */
export function readRolePayload(
  change: RepositoryChange,
  { role, version, baseVersion }: RoleChange & { readonly role: DelegationRole },
  bytes: Bytes,
  repository: TrustedRepository | undefined,
  created: Date,
): ShownRole {
  const problems: string[] = [];
  const file = readFile(role, bytes);
  if (typeof file === "string") {
    return { role, baseVersion: null, version: null, expires: null, moves: [], unchanged: 0, problems: [file] };
  }
  const base = repository && baseOf(repository, role);
  const moves = movesBetween(base?.file, file);
  if (!equalBytes(file.envelope.payload, bytes)) problems.push("is not in canonical form");
  if (file.version !== version) problems.push(`has version ${file.version}, where the manifest says ${version}`);
  const days = (file.expires.getTime() - created.getTime()) / 86_400_000;
  if (!(days > 0 && days <= LIFETIME_DAYS.targets + 1)) problems.push(`expires at ${file.expiresText}, out of bounds`);
  if (base && repository) {
    if (base.version !== baseVersion || file.version !== base.version + 1) {
      problems.push(`does not follow version ${base.version}, which the trust data in the file shows`);
    } else if (!areJoined(bytes, changedOnly(base, moves, file.expiresText, created))) {
      problems.push("changes something else than tags");
    }
    const barred = moves.filter(({ tag, to }) => to !== null && !mayHold(repository, role, tag));
    for (const { tag } of barred) problems.push(`holds "${tag}", which the role may not`);
  }
  problems.push(...contradictions(change, file, moves, base !== undefined));
  const unchanged = file.targets.size - moves.filter(({ to }) => to !== null).length;
  const baseIs = base ? base.version : null;
  return { role, baseVersion: baseIs, version: file.version, expires: file.expiresText, moves, unchanged, problems };
}

/** What the payload would be if it changed nothing but these tags. */
function changedOnly(base: RoleBase, moves: readonly TagMove[], expires: string, at: Date): readonly Bytes[] {
  const tags = moves.flatMap(({ tag, to, length }) => to === null ? [] : [{ tag, digest: to, length: length! }]);
  const removedTags = moves.filter(({ to }) => to === null);
  return editedForm(base, { tags, removedTags }, at, expires);
}

/** Where the payload does something that the manifest does not say, or does not do what it says. */
function* contradictions(
  { tags, removedTags }: RepositoryChange,
  file: Targets,
  moves: readonly TagMove[],
  isCompared: boolean,
): Generator<string> {
  const said = new Map<string, string | null>([
    ...tags.map(({ tag, digest }) => [tag, digest] as const),
    ...removedTags.map(({ tag }) => [tag, null] as const),
  ]);
  for (const [tag, digest] of said) {
    const signed = digestIn(file, tag);
    if (signed === digest) continue;
    const what = (value: string | null) => value ?? "nothing";
    yield `signs "${tag}" as ${what(signed)}, where the manifest says ${what(digest)}`;
  }
  for (const { tag, length } of tags) {
    const signed = file.targets.get(tag);
    if (signed && signed.length !== length) yield `gives "${tag}" another size than the manifest says`;
  }
  if (!isCompared) return;
  for (const { tag, to } of moves) {
    if (!said.has(tag)) yield `${to === null ? "withdraws" : "signs"} "${tag}", of which the manifest says nothing`;
  }
}

function movesBetween(before: Targets | undefined, after: Targets): TagMove[] {
  const tags = [...new Set([...before?.targets.keys() ?? [], ...after.targets.keys()])].sort();
  return tags.flatMap((tag): TagMove[] => {
    const [from, to] = [digestIn(before, tag), digestIn(after, tag)];
    const length = after.targets.get(tag)?.length;
    if (from === to && before?.targets.get(tag)?.length === length) return [];
    return [{ tag, from, to, ...(length === undefined ? {} : { length }) }];
  });
}

/** The payload as a role's file, or why it is none. */
function readFile(role: DelegationRole, bytes: Bytes): Targets | string {
  try {
    const unsigned = { keyId: "0".repeat(64), signature: { method: "ecdsa" as const, bytes: new Uint8Array(64) } };
    return parseTargets(role, assembleFile(bytes, [unsigned]));
  } catch (error) {
    if (!isTagsealError(error)) throw error;
    return `cannot be read as what "${role}" signs: ${messageOf(error)}`;
  }
}
