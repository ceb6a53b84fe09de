/**
 * From tags to the file with the bytes that have to be signed.
 *
 * @module
 */
import { equalBytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { USER_AGENT } from "../http/send.ts";
import { assembleBatch, type Part } from "../signing/batch.ts";
import type { Origin } from "../signing/origin.ts";
import type { Job } from "../signing/scheme.ts";
import { trustTime } from "../tuf/edit.ts";
import { AT_ONCE, mapAtOnce } from "../signing/at_once.ts";
import { type ImagesChange, imageWords } from "./image_changes.ts";
import type { ImagesResult } from "./images.ts";
import { type PreparedChange, prepareTags, type TagsToSign } from "./notary_v1/prepare_tags.ts";
import { partOf } from "./notary_v1/scheme.ts";
import type { ManifestOfTag } from "./notary_v1/tag_change.ts";
import { timeless } from "./same_work.ts";
import { documentOf, type SigningData, type UnsignedData } from "./signing_data.ts";

/** What is to be signed, and what is signed already. */
export interface PreparedData {
  /** The file to send; without payloads where there is nothing to sign. */
  readonly data: UnsignedData;
  /** Repositories whose tags are all as they shall be in Docker Content Trust. */
  readonly unchanged: readonly { readonly repository: string; readonly tags: readonly ManifestOfTag[] }[];
  /** Repositories all of whose images are signed already in a scheme. */
  readonly unchangedImages: readonly ImagesResult[];
}

/**
 * Makes signing data. All of `work` goes into one file: one signing request, one approval.
 *
 * @throws {TagsealError} what preparing one of the repositories throws
 */
export async function createSigningData(
  work: readonly TagsToSign[],
  at: Date,
  images: readonly Job<ImagesResult>[] = [],
  origin?: Origin,
): Promise<PreparedData> {
  const [prepared, jobs] = await Promise.all([
    mapAtOnce(work, AT_ONCE, (task) => prepareTags(task, at)),
    mapAtOnce(images, AT_ONCE, (job) => job.prepare(at)),
  ]);
  const changes = prepared.flatMap(({ change }) => change ?? []);
  const imageParts = jobs.flatMap((job) => job.outcome === "to-sign" ? job.part : []);
  return {
    data: assembleSigningData(changes, at, imageParts, origin),
    unchanged: prepared.filter(({ change }) => !change).map(({ repository, tags }) => ({ repository, tags })),
    unchangedImages: jobs.flatMap((job) => job.outcome === "unchanged" ? job.result : []),
  };
}

/** One file of what is to be signed in several repositories. */
export function assembleSigningData(
  changes: readonly PreparedChange[],
  at: Date,
  images: readonly Part[] = [],
  origin?: Origin,
): UnsignedData {
  return documentOf(assembleBatch([...images, ...changes.map(partOf)], trustTime(at), USER_AGENT, origin).file);
}

/** Older signing data is made anew: what it signs would expire that much sooner. */
const SAME_FOR_MS = 86_400_000;

/**
 * Whether `there`, which somebody has made before, would sign the same as `data` does: the same roles of the same
 * repositories, byte for byte but for the time at which they expire, which is at most a day earlier.
 */
export function isSameWork(there: SigningData, data: UnsignedData): boolean {
  const facts = ({ repositories, images }: UnsignedData) => {
    const unhashed = repositories.map(({ roles, ...rest }) => [rest, roles.map(({ sha256: _, ...role }) => role)]);
    const timeless = images.map((one) => imageWords({ ...one, signatures: one.signatures.map(withoutHash) }));
    return canonicalJson(JSON.parse(JSON.stringify([unhashed, timeless])));
  };
  const age = Date.parse(data.created) - Date.parse(there.created);
  return there.signatures.size === 0 && age >= 0 && age <= SAME_FOR_MS && equalBytes(facts(there), facts(data)) &&
    [...data.payloads].every(([name, bytes]) => {
      const before = there.payloads.get(name);
      return before !== undefined && equalBytes(timeless(name, before), timeless(name, bytes));
    });
}

/** Notation signs the time, so that the hash of the same work is another one each time. */
function withoutHash<T extends ImagesChange["signatures"][number]>(signature: T): T {
  return { ...signature, sha256: "" };
}
