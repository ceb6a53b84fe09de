/** A signing data file with what its manifest says in all schemes. @module */
import type { Bytes } from "../bytes/bytes.ts";
import type { JsonObject, JsonValue } from "../bytes/json.ts";
import { isJsonObject, parseJson } from "../bytes/json.ts";
import { keyOfCertificate, type PublicKey, readPublicKey } from "../crypto/keys.ts";
import { type Origin, originIn, originWords } from "../signing/origin.ts";
import { malformed } from "../signing/manifest_words.ts";
import {
  readSigningFile,
  type SigningFile,
  trustName,
  type UnsignedFile,
  writeSigningFile,
} from "../signing/signing_data.ts";
import { imageChangesIn, type ImagesChange, imageWords } from "./image_changes.ts";
import { DCT, type SchemeName, SCHEMES } from "./names.ts";
import { changesIn, type RepositoryChange, wordsOf } from "./notary_v1/changes.ts";

export type { RepositoryChange, RoleChange, TagChange, TagRemoval } from "./notary_v1/changes.ts";

/** A signing data file, read or to be written. */
export interface SigningData extends Omit<SigningFile, "manifest"> {
  /** What is to be signed for content trust. */
  readonly repositories: readonly RepositoryChange[];
  /** What is to be signed beside images, by scheme and repository. */
  readonly images: readonly ImagesChange[];
  /** Who has it signed, in their own words. */
  readonly origin?: Origin | undefined;
}

/** Signing data that nobody has signed yet. */
export type UnsignedData = Omit<SigningData, "signatures">;

/**
 * What the manifest of `file` says.
 *
 * @throws {TagsealError} `bad-input` where it is not what {@linkcode writeSigningData} writes
 */
export function documentOf<T extends UnsignedFile>({ manifest, ...file }: T): Omit<T, "manifest"> & UnsignedData {
  const repositories = changesIn(manifest);
  const images = imageChangesIn(manifest);
  const known = new Set([
    ...repositories.flatMap(({ roles }) => roles.map(({ payload }) => payload)),
    ...images.flatMap(({ signatures }) => signatures.map(({ payload }) => payload)),
  ]);
  const foreign = [...file.payloads.keys()].find((name) => !known.has(name));
  if (foreign !== undefined) throw malformed(`"${foreign}" is of a scheme that is not known`);
  const origin = originIn(manifest);
  return { ...file, repositories, images, ...origin ? { origin } : {} };
}

/**
 * Reads a file, signed or not.
 *
 * @throws {TagsealError} `bad-input` where it is not signing data; `trust-invalid` where a payload is not the one that
 *   its manifest names
 */
export async function readSigningData(zip: Bytes): Promise<SigningData> {
  return documentOf(await readSigningFile(zip));
}

/** Writes a file to be signed: the same input gives the same bytes. */
export async function writeSigningData({ repositories, images, origin, ...file }: UnsignedData): Promise<Bytes> {
  const manifest = {
    ...originWords(origin),
    ...(images.length > 0 ? { images: images.map(imageWords) } : {}),
    ...(repositories.length > 0 ? { repositories: repositories.map(wordsOf) } : {}),
  };
  return await writeSigningFile({ ...file, manifest });
}

/** The schemes that a file holds payloads of. */
export function schemesOf({ manifest }: SigningFile): SchemeName[] {
  const images = new Set(imageChangesIn(manifest).map(({ scheme }) => scheme));
  return SCHEMES.filter((scheme) => scheme === DCT ? changesIn(manifest).length > 0 : images.has(scheme));
}

/** The key that a file is for, as its certificates or its trust data show it: good enough for advice. */
export function keyOf({ manifest, trust }: SigningFile): PublicKey | undefined {
  const [images] = imageChangesIn(manifest);
  if (images) return keyOfCertificate(images.certificates[0]);
  return changesIn(manifest).flatMap(({ delegationKeyId }, i) =>
    delegationKeysIn(trust.get(trustName(i + 1, "targets"))).filter(({ canonicalId }) =>
      canonicalId === delegationKeyId
    )
  )[0];
}

function delegationKeysIn(targets: Bytes | undefined): PublicKey[] {
  try {
    const keys = ["signed", "delegations", "keys"].reduce(
      (value: JsonValue | undefined, name) => isJsonObject(value) ? value[name] : undefined,
      targets && parseJson(targets),
    );
    return isJsonObject(keys) ? Object.values(keys as JsonObject).map(readPublicKey) : [];
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return [];
    throw error;
  }
}
