/**
 * The file of `sign --from`: one tag per line, `name:tag[@sha256:…] [length]`. Blank lines count for nothing, nor does what
 * stands behind a `#` at the start of a line or after a blank.
 *
 * @module
 */
import { shown } from "../bytes/printable.ts";
import { TagsealError } from "../errors.ts";
import { type Digest, type ImageName, parseImageReference } from "../registry/image_ref.ts";
import { MAX_MANIFEST_BYTES } from "../registry/manifest.ts";
import type { Host } from "./host.ts";
import { inLine, readList } from "./repositories.ts";

/** A tag to sign, with what is known of its manifest. */
export interface ListedTag {
  /** The tag. */
  readonly tag: string;
  /** SHA-256 of the manifest that the tag must stand for; whatever the registry says where left out. */
  readonly digest?: Digest;
  /** Size of that manifest in bytes; never without the digest. With both the registry need not be asked. */
  readonly length?: number;
}

/** The tags to sign in one repository. */
export interface ListedRepository {
  /** The repository. */
  readonly name: ImageName;
  /** Each once, in the order of their first lines; never empty. */
  readonly tags: readonly ListedTag[];
}

const MAX_LIST_BYTES = 32 * 2 ** 20;
const MAX_LINES = 200_000;
const MAX_REPOSITORIES = 10_000;

/**
 * Reads the file at `path`, or standard input for `-`, as {@linkcode parseTagList} does.
 *
 * @throws {TagsealError} `bad-input`; `not-found`
 */
export async function readTagList(path: string, host: Host): Promise<ListedRepository[]> {
  return parseTagList(await readList(path, MAX_LIST_BYTES, host), path === "-" ? "standard input" : path);
}

/**
 * The repositories of a tag list in the order of their first lines; `path` is for messages. The same line again changes
 * nothing.
 *
 * @throws {TagsealError} `bad-input` where a line is malformed or contradicts another, there is no tag, or too much
 */
export function parseTagList(text: string, path: string): ListedRepository[] {
  const found = new Map<string, { name: ImageName; tags: Map<string, ListedTag & { line: number }> }>();
  // Two more than may be: one too many, and the empty one behind the last line's end.
  const lines = text.split(/\r\n|\n|\r/, MAX_LINES + 2);
  if (lines.at(-1) === "") lines.pop();
  if (lines.length > MAX_LINES) throw unusable(path, `it has more than ${MAX_LINES} lines`);
  for (const [i, line] of lines.entries()) {
    const fields = line.replace(/(?:^|[ \t])#.*/s, "").split(/[ \t]+/).filter(Boolean);
    if (fields.length === 0) continue;
    inLine(i + 1, path, () => {
      const { name, ...listed } = readFields(fields);
      const { tags } = found.get(name.gun) ?? { tags: new Map() };
      const before = tags.get(listed.tag);
      if (before && (before.digest !== listed.digest || before.length !== listed.length)) {
        throw malformed(
          `"${name.gun}:${listed.tag}" was something else in line ${before.line}`,
          "Leave one of the two lines, or write the same digest and length in both",
        );
      }
      if (!before) tags.set(listed.tag, { ...listed, line: i + 1 });
      found.set(name.gun, { name, tags });
    });
    if (found.size > MAX_REPOSITORIES) throw unusable(path, `it names more than ${MAX_REPOSITORIES} repositories`);
  }
  if (found.size === 0) throw unusable(path, "it names no tag");
  return [...found.values()].map(({ name, tags }) => ({
    name,
    tags: [...tags.values()].map(({ line: _, ...listed }) => listed),
  }));
}

function readFields([reference = "", length, ...more]: readonly string[]): ListedTag & { readonly name: ImageName } {
  const { name, tag, digest } = parseImageReference(reference);
  if (tag === undefined) {
    throw malformed(`"${shown(reference, 300)}" names no tag`, `Write it like ${name.gun}:v1`);
  }
  if (length === undefined) return { name, tag, ...(digest === undefined ? {} : { digest }) };
  if (more.length > 0) {
    throw malformed(
      `"${shown(more[0]!)}" stands where nothing is expected`,
      "Write one tag per line; # starts a comment",
    );
  }
  const bytes = /^[1-9]\d{0,8}$/.test(length) ? Number(length) : Infinity;
  if (bytes > MAX_MANIFEST_BYTES) {
    throw malformed(
      `"${shown(length)}" is not the length of a manifest`,
      `Write the manifest's size in bytes, 1 to ${MAX_MANIFEST_BYTES}, or leave it out: then the registry is asked`,
    );
  }
  if (digest !== undefined) return { name, tag, digest, length: bytes };
  throw malformed(
    "There is a length, but no digest",
    "Write the digest behind the tag, as @sha256:…, or leave both out",
  );
}

function malformed(message: string, remedy: string): TagsealError {
  return new TagsealError("bad-input", message, { remedy });
}

function unusable(path: string, why: string): TagsealError {
  return new TagsealError("bad-input", `The list of tags "${path}" cannot be used: ${why}`, {
    remedy: "Write one tag per line, as name:tag, name:tag@sha256:…, or name:tag@sha256:… <length>",
    details: { path },
  });
}
