/** What the manifest of a signing data file says of content trust: its member `repositories`. @module */
import type { JsonObject, JsonValue } from "../../bytes/json.ts";
import {
  digest,
  digestOrNull,
  hex,
  hexes,
  list,
  malformed,
  object,
  whole,
  word,
} from "../../signing/manifest_words.ts";

/** More keys than any delegation has. */
const MAX_KEYS = 1000;

/** One tag to sign. */
export interface TagChange {
  /** The tag. */
  readonly tag: string;
  /** The manifest that it shall stand for: `sha256:<hex>`. */
  readonly digest: string;
  /** The manifest's size in bytes. */
  readonly length: number;
  /** The manifest's media type, where the registry was asked. */
  readonly mediaType?: string;
  /** What the tag stood for in `targets/releases` before: `sha256:<hex>`, or `null` where it was not there. */
  readonly previousDigest: string | null;
}

/** One tag to withdraw. */
export interface TagRemoval {
  /** The tag. */
  readonly tag: string;
  /** What it stood for in `targets/releases` before: `sha256:<hex>`, or `null` where it was not there. */
  readonly previousDigest: string | null;
}

/** One role to sign. */
export interface RoleChange {
  /** The delegation. */
  readonly role: string;
  /** The version that the payload was derived from; 0 where the role was not published yet. */
  readonly baseVersion: number;
  /** The payload's version. */
  readonly version: number;
  /** The payload's entry in the ZIP. */
  readonly payload: string;
  /** SHA-256 of the payload, hex. */
  readonly sha256: string;
}

/** What is to be signed in one repository. */
export interface RepositoryChange {
  /** The GUN. */
  readonly repository: string;
  /** The Notary server that the trust data came from. */
  readonly notaryUrl: string;
  /** The root that was trusted. */
  readonly root: { readonly version: number; readonly sha256: string };
  /** The canonical id of the key that has to sign. */
  readonly delegationKeyId: string;
  /**
   * The canonical ids of further keys, one of which may have signed instead; left out where there are none. Readers that
   * do not know the member take the signature of the one key alone.
   */
  readonly alternativeKeyIds?: readonly string[];
  /** The tags. */
  readonly tags: readonly TagChange[];
  /**
   * The tags whose signature is withdrawn. Readers that do not know the member refuse such a file, as its payloads are
   * not what the tags alone make.
   */
  readonly removedTags: readonly TagRemoval[];
  /** The roles. */
  readonly roles: readonly RoleChange[];
}

/** The manifest's member; `removedTags` only where there are some. */
export function wordsOf({ tags, removedTags, roles, ...facts }: RepositoryChange): JsonObject {
  const words = { ...facts, tags, ...(removedTags.length > 0 ? { removedTags } : {}), roles };
  return JSON.parse(JSON.stringify(words));
}

/**
 * What a manifest says.
 *
 * @throws {TagsealError} `bad-input` where it is not what {@linkcode wordsOf} writes
 */
export function changesIn(manifest: JsonObject): RepositoryChange[] {
  if (manifest["repositories"] === undefined) return [];
  const repositories = list(manifest, "repositories").map((value, i) => readRepository(value, `repositories[${i}]`));
  if (new Set(repositories.map(({ repository }) => repository)).size < repositories.length) {
    throw malformed("a repository stands there twice");
  }
  for (const { repository, tags, removedTags, roles } of repositories) {
    if (roles.length === 0) throw malformed(`nothing is to be signed for "${repository.slice(0, 255)}"`);
    const seen = new Set<string>();
    for (const { tag } of [...tags, ...removedTags]) {
      if (seen.has(tag)) {
        throw malformed(`the tag "${tag.slice(0, 128)}" of "${repository.slice(0, 255)}" stands there twice`);
      }
      seen.add(tag);
    }
  }
  return repositories;
}

function readRepository(value: JsonValue, at: string): RepositoryChange {
  const entry = object(value, at);
  const root = object(entry["root"], `${at}.root`);
  return {
    repository: word(entry, "repository"),
    notaryUrl: word(entry, "notaryUrl"),
    root: { version: whole(root, "version"), sha256: hex(root, "sha256") },
    delegationKeyId: hex(entry, "delegationKeyId"),
    ...(entry["alternativeKeyIds"] === undefined
      ? {}
      : { alternativeKeyIds: hexes(entry, "alternativeKeyIds", MAX_KEYS) }),
    tags: list(entry, "tags").map((tag) => readTag(object(tag, `${at}.tags`))),
    removedTags: entry["removedTags"] === undefined
      ? []
      : list(entry, "removedTags").map((tag) => readRemoval(object(tag, `${at}.removedTags`))),
    roles: list(entry, "roles").map((role) => readRole(object(role, `${at}.roles`))),
  };
}

function readTag(entry: JsonObject): TagChange {
  return {
    tag: word(entry, "tag"),
    digest: digest(entry, "digest"),
    length: whole(entry, "length"),
    ...(entry["mediaType"] === undefined ? {} : { mediaType: word(entry, "mediaType") }),
    previousDigest: digestOrNull(entry, "previousDigest"),
  };
}

function readRemoval(entry: JsonObject): TagRemoval {
  return { tag: word(entry, "tag"), previousDigest: digestOrNull(entry, "previousDigest") };
}

function readRole(entry: JsonObject): RoleChange {
  return {
    role: word(entry, "role"),
    baseVersion: whole(entry, "baseVersion"),
    version: whole(entry, "version"),
    payload: word(entry, "payload"),
    sha256: hex(entry, "sha256"),
  };
}
