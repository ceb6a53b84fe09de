/**
 * From Docker Content Trust to other schemes: what it vouches for is signed there, by the digests that it names.
 *
 * @module
 */
import { isTagsealError, TagsealError } from "../errors.ts";
import type { Trust } from "../notary/repository.ts";
import { findImage, type ImageWithEntries } from "../registry/image_entries.ts";
import { type Digest, isTag } from "../registry/image_ref.ts";
import type { RegistryRepository } from "../registry/repository.ts";
import { type ImagesResult, MANIFESTS_AT_ONCE } from "../schemes/images.ts";
import { listTags, verifyTags } from "../schemes/notary_v1/verify_tags.ts";
import { mapAtOnce } from "../signing/at_once.ts";
import type { Job } from "../signing/scheme.ts";
import { RELEASES } from "../tuf/roles.ts";

/** One repository whose tags are to be signed in other schemes. */
export interface MigrationTask {
  /** Its trust data; a local copy does not stand in where the server is out of reach. */
  readonly trust: Trust;
  /** The GUN. */
  readonly gun: string;
  /** The same at its registry, to read. */
  readonly registry: RegistryRepository;
  /** Only these tags, all of which must be signed. */
  readonly tags?: readonly string[] | undefined;
}

/** A tag as Docker Content Trust vouches for it. */
export interface VouchedTag {
  /** The tag. */
  readonly tag: string;
  /** The digest that it is signed as. */
  readonly digest: Digest;
}

/** A tag whose signed image is in the registry, under another name or none. */
export interface MovedTag extends VouchedTag {
  /** What the tag stands for now; `null` for nothing, or nothing that is an image. */
  readonly now: Digest | null;
}

/** A tag whose image cannot be signed. */
export interface RefusedTag extends VouchedTag {
  /** Why. */
  readonly error: TagsealError;
}

/** What can be signed of one repository, and what cannot. */
export interface Migration {
  /** The GUN. */
  readonly repository: string;
  /** The tags whose signed images are in the registry: they are to be signed, `moved` among them. */
  readonly tags: readonly VouchedTag[];
  /** Those images, by digest. */
  readonly found: ReadonlyMap<string, ImageWithEntries>;
  /** The tags that stand for something else now. */
  readonly moved: readonly MovedTag[];
  /** The tags whose signed images are not in the registry. */
  readonly gone: readonly VouchedTag[];
  /** The tags whose images no scheme can sign. */
  readonly refused: readonly RefusedTag[];
}

/**
 * Verifies what is signed, and looks for each signed image in the registry. Nothing of a tag keeps the others from being
 * found.
 *
 * @throws {TagsealError} `trust-invalid`; `not-signed` for a tag of `tags`; `not-found` where none of the images is there;
 *   what reading throws
 */
export async function planMigration({ trust, gun, registry, tags }: MigrationTask): Promise<Migration> {
  const signed = await vouchedTags({ ...trust, offline: "refused" }, gun, tags);
  const fates = await mapAtOnce(signed, MANIFESTS_AT_ONCE, (tag) => fateOf(registry, tag));
  const there = fates.flatMap((fate) => "image" in fate ? [fate] : []);
  const refused = fates.flatMap((fate) => "error" in fate ? [fate] : []);
  if (signed.length > 0 && there.length === 0) {
    if (refused[0]) throw refused[0].error;
    throw new TagsealError("not-found", `The registry has none of the ${signed.length} signed images of "${gun}"`, {
      remedy: "Nothing of it was signed. Check that this is the registry which they were pushed to",
      details: { repository: gun, tags: signed.map(({ tag }) => tag) },
    });
  }
  return {
    repository: gun,
    tags: there.map(({ tag, digest }) => ({ tag, digest })),
    found: new Map(there.map(({ digest, image }) => [digest, image])),
    moved: there.flatMap(({ tag, digest, now }) => now === digest ? [] : [{ tag, digest, now }]),
    gone: fates.flatMap((fate) => "isGone" in fate ? [{ tag: fate.tag, digest: fate.digest }] : []),
    refused,
  };
}

/** The work of one repository, by scheme. It is planned once, when the first scheme is prepared. */
export function migrationJobs(
  repository: string,
  schemes: readonly string[],
  plan: () => Promise<Migration>,
  jobsFor: (migration: Migration) => Promise<readonly Job<ImagesResult>[]>,
): Job<ImagesResult>[] {
  let planned: Promise<readonly Job<ImagesResult>[]> | undefined;
  return schemes.map((scheme) => ({
    repository,
    scheme,
    async prepare(at) {
      const jobs = await (planned ??= plan().then(jobsFor));
      return await jobs.find((job) => job.scheme === scheme)!.prepare(at);
    },
  }));
}

async function vouchedTags(trust: Trust, gun: string, tags: readonly string[] | undefined): Promise<VouchedTag[]> {
  const list = tags === undefined ? await listTags(trust, gun) : await verifyTags(trust, gun, tags);
  const blind = list.skipped.find(({ role }) => role === RELEASES);
  if (blind === undefined) return list.tags.map(({ tag, sha256 }) => ({ tag, digest: `sha256:${sha256}` as Digest }));
  // What "targets" says may be what that role has replaced.
  throw new TagsealError("trust-invalid", `"${RELEASES}" of "${gun}" is not trusted: ${blind.reason}`, {
    remedy: "Nothing of it was signed. Have that role signed anew, or use trust data of when it was good",
    details: { repository: gun, role: RELEASES },
  });
}

type Fate =
  | VouchedTag & { readonly image: ImageWithEntries; readonly now: Digest | null }
  | VouchedTag & { readonly isGone: true }
  | RefusedTag;

async function fateOf(registry: RegistryRepository, vouched: VouchedTag): Promise<Fate> {
  const { tag, digest } = vouched;
  // Notary signs names of any kind.
  if (!isTag(tag)) return { ...vouched, error: noTag(tag) };
  const current = await orWhyNot(() => findImage(registry, tag));
  const now = current === undefined || isTagsealError(current) ? null : current.image.digest;
  if (now === digest) return { ...vouched, image: current as ImageWithEntries, now };
  const image = await orWhyNot(() => findImage(registry, digest));
  if (image === undefined) return { ...vouched, isGone: true };
  return isTagsealError(image) ? { ...vouched, error: image } : { ...vouched, image, now };
}

function noTag(name: string): TagsealError {
  return new TagsealError("bad-input", `"${name.slice(0, 200)}" is signed, and cannot be a tag of an image`, {
    remedy: "Leave it out: name the tags that are to be signed",
  });
}

/** What `work` gives, or why this one image is of no use; whatever else fails would fail for all images. */
async function orWhyNot<T>(work: () => Promise<T>): Promise<T | TagsealError> {
  try {
    return await work();
  } catch (error) {
    const isKeptBack = isTagsealError(error, "forbidden") && error.call?.status === 412;
    if (isKeptBack || isTagsealError(error, "bad-input", "trust-invalid", "not-found")) return error;
    throw error;
  }
}
