/** `verify --scheme`: images with the cosign and Notation signatures that flags ask for. @module */
import { fileText } from "../bytes/bytes.ts";
import { readCertificateFile } from "../crypto/certificate_file.ts";
import { type Certificate, readCertificates } from "../crypto/x509.ts";
import { TagsealError } from "../errors.ts";
import { type JudgedImage, type TrustedSigners, verifyImages } from "../flows/verify_images.ts";
import { registryStore } from "../registry/image_store.ts";
import { openOciLayout } from "../registry/oci_layout.ts";
import { readVerificationKeys } from "../schemes/cosign/keys.ts";
import { requireGiven } from "./flags.ts";
import type { Host } from "./host.ts";
import { imageSignerFlags, type ImageSignerValues, type Target } from "./image_target.ts";
import { refused } from "./image_words.ts";
import type { Session } from "./session.ts";
import type { Offline } from "./tag_report.ts";

/** What was verified, and what stood in for the registry. */
export interface VerifiedImages {
  /** All of them good in every scheme that was asked for. */
  readonly images: readonly JudgedImage[];
  /** The layout, where one was read. */
  readonly offline: Offline | undefined;
}

const MAX_FILE_BYTES = 2 ** 20;

/**
 * The images of a target, if all are signed in all the image schemes that flags name.
 *
 * @throws {TagsealError} `usage` where it is not said whose signatures, `not-signed`, and what `verifyImages` throws
 */
export async function verifiedImages(
  values: ImageSignerValues,
  session: Session,
  host: Host,
  { name, references, expected }: Target,
): Promise<VerifiedImages> {
  const signers = await trustedSigners(values, host);
  const { ociLayout } = values;
  const store = ociLayout === undefined
    ? registryStore(await session.registry(name))
    : await openOciLayout(host.path(ociLayout), name.gun);
  const at = host.now();
  const images = await verifyImages({ repository: name.gun, store, references, expected, signers, at });
  const refusal = refused(name.gun, images);
  if (refusal) throw refusal;
  if (ociLayout === undefined) return { images, offline: undefined };
  host.warn(
    `"${name.gun}" is verified from "${ociLayout}", offline: what its tags stand for at the registry now, and whether a ` +
      "signature was withdrawn since, nobody can tell from that",
  );
  return { images, offline: { file: ociLayout, judgedAt: at.toISOString() } };
}

/** Whose signatures are asked for, by the files that flags name. @throws {TagsealError} `usage`, `bad-input` */
export async function trustedSigners(
  values: Pick<ImageSignerValues, "scheme" | "key" | "certificate">,
  host: Host,
): Promise<TrustedSigners> {
  const { scheme, key, certificate } = values;
  const cosign = scheme.includes("cosign") ? requireGiven(imageSignerFlags.key, key) : undefined;
  const notation = scheme.includes("notation") ? requireGiven(imageSignerFlags.certificate, certificate) : undefined;
  const read = async <T>(path: string, as: (bytes: Uint8Array<ArrayBuffer>) => T): Promise<T> => {
    const bytes = await host.readFile(path, MAX_FILE_BYTES);
    try {
      return as(bytes);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const remedy = "Give the public key or certificate of the signer, as PEM or DER";
      throw new TagsealError("bad-input", `"${path}" cannot be used: ${error.message}`, { remedy, details: { path } });
    }
  };
  return {
    ...cosign === undefined ? {} : { cosign: await read(cosign, readVerificationKeys) },
    ...notation === undefined ? {} : { notation: await read(notation, readTrusted) },
  };
}

/** All certificates of a PEM file, or the one of another file. */
function readTrusted(file: Uint8Array<ArrayBuffer>): readonly Certificate[] {
  try {
    return readCertificates(fileText(file));
  } catch {
    return [readCertificateFile(file).certificate];
  }
}
