/**
 * Whether two signing data files would sign the same, whenever they were made: a run that is begun anew makes other bytes,
 * as they say when they expire, or when they were signed.
 *
 * @module
 */
import { type Bytes, concat, text, utf8 } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { parsePlainly } from "../bytes/fast_canonical_json.ts";
import { isJsonObject } from "../bytes/json.ts";
import { sha256Hex } from "../crypto/hash.ts";
import type { UnsignedFile } from "../signing/signing_data.ts";
import type { WorkUnit } from "../signing/work_unit.ts";
import { documentOf, type UnsignedData } from "./signing_data.ts";

/**
 * What a file is to sign, payload by payload. Which of a delegation's keys signs is no part of it, nor is the root: both
 * are judged by what is there when it is published.
 *
 * @throws {TagsealError} `bad-input` where its manifest is malformed
 */
export function workIn(file: UnsignedFile): WorkUnit[] {
  const { repositories, images, payloads }: UnsignedData = documentOf(file);
  const unit = (repository: string, payload: string, purpose: readonly unknown[], more: readonly unknown[]) => {
    const [what, rest] = [utf8(JSON.stringify([repository, ...purpose])), utf8(JSON.stringify(more))];
    const whole = concat(utf8(`${what.length} ${rest.length} `), what, rest, timeless(payload, payloads.get(payload)!));
    return { repository, payload, purpose: sha256Hex(what), sha256: sha256Hex(whole) };
  };
  return [
    ...images.flatMap(({ scheme, repository, signatures }) =>
      signatures.map(({ tag, image, form, payload }) =>
        unit(repository, payload, [scheme, form, tag, image.digest, image.mediaType, image.size], [])
      )
    ),
    ...repositories.flatMap(({ repository, notaryUrl, tags, removedTags, roles }) => {
      const wanted = tags.map(({ tag, digest, length }) => [tag, digest, length]);
      const removed = removedTags.map(({ tag }) => tag);
      const before = [...tags, ...removedTags].map(({ tag, previousDigest }) => [tag, previousDigest]);
      return roles.map(({ role, baseVersion, version, payload }) =>
        unit(repository, payload, [notaryUrl, role, wanted, removed], [before, baseVersion, version])
      );
    }),
  ];
}

/** A payload without the time at which it expires; of a Notation signature what is signed, without when. */
export function timeless(name: string, payload: Bytes): Bytes {
  try {
    if (name.endsWith(".jws")) return utf8(/^[\w-]+\.([\w-]+)$/.exec(text(payload))?.[1] ?? "");
    const signed = name.endsWith(".json") ? parsePlainly(text(payload)) : undefined;
    if (isJsonObject(signed) && signed["expires"] !== undefined) return canonicalJson({ ...signed, expires: "" });
  } catch {
    // It comes from outside, and may be anything: then nothing is left out of it.
  }
  return payload;
}
