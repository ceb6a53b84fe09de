/** What becomes of a role when tags are signed or withdrawn: the one definition that making and checking share. @module */
import type { Bytes } from "../../bytes/bytes.ts";
import { canonicalJson } from "../../bytes/canonical_json.ts";
import type { JsonObject } from "../../bytes/json.ts";
import {
  emptyTargets,
  expiryAfter,
  LIFETIME_DAYS,
  nextForm,
  nextTargets,
  withoutTargets,
  withTargets,
} from "../../tuf/edit.ts";
import type { Target, Targets } from "../../tuf/models.ts";
import type { RoleBase } from "./role_base.ts";

/** What a tag stands for in the registry. */
export interface ManifestOfTag {
  /** The tag. */
  readonly tag: string;
  /** `sha256:<hex>` of the manifest (of the index for multi-platform images). */
  readonly digest: string;
  /** The manifest's size in bytes. */
  readonly length: number;
  /** The manifest's media type, where the registry was asked. */
  readonly mediaType?: string;
}

/** A tag and the manifest it is to stand for. */
export type TagEntry = Pick<ManifestOfTag, "tag" | "digest" | "length">;

/** Tags to sign, and tags to withdraw. */
export interface TagEdit {
  /** Tags that shall be there, as they are here. */
  readonly tags: readonly TagEntry[];
  /** Tags that shall not be there. */
  readonly removedTags: readonly { readonly tag: string }[];
}

/** `sha256:<hex>` that a file holds for a tag, or `null`. */
export function digestIn(file: Targets | undefined, tag: string): string | null {
  const target = file?.targets.get(tag);
  return target ? `sha256:${target.sha256}` : null;
}

/** Whether a file is as `edit` wants it. */
export function isEdited(file: Targets | undefined, { tags, removedTags }: TagEdit): boolean {
  return tags.every((tag) => holdsTag(file, tag)) && removedTags.every(({ tag }) => !file?.targets.has(tag));
}

/**
 * The next version of a role in canonical form: what is there now (nothing, where the role is new), edited. In parts that
 * follow one another, most of which are those of the file that is there.
 */
export function editedForm(
  base: RoleBase,
  edit: TagEdit,
  at: Date,
  expires: string = expiryAfter(at, LIFETIME_DAYS.targets),
): readonly Bytes[] {
  const { version, file } = base;
  if (!file?.inPlace) return [canonicalJson({ ...editedRole(base, edit, at), expires })];
  const removed = edit.removedTags.map(({ tag }) => [tag, undefined] as const);
  return nextForm(file.inPlace, new Map([...removed, ...changedTags(file, edit)]), version + 1, expires);
}

/** The same as an object. */
export function editedRole({ version, file }: RoleBase, edit: TagEdit, at: Date): JsonObject {
  const kept = withoutTargets(file?.envelope.signed ?? emptyTargets(at), edit.removedTags.map(({ tag }) => tag));
  return nextTargets(withTargets(kept, new Map(changedTags(file, edit))), version + 1, at);
}

/** Entries that are right already are left as they are: they may hold more than digest and length. */
function changedTags(file: Targets | undefined, { tags }: TagEdit): [string, Target][] {
  const changed = tags.filter((tag) => !holdsTag(file, tag));
  return changed.map(({ tag, digest, length }) => [tag, { length, sha256: digest.slice(7) }]);
}

function holdsTag(file: Targets | undefined, { tag, digest, length }: TagEntry): boolean {
  return digestIn(file, tag) === digest && file?.targets.get(tag)?.length === length;
}
