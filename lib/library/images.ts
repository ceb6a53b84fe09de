/** cosign and Notation signatures in scripts: with whose certificate, and in which forms. @module */
import { equalBytes, fileText } from "../bytes/bytes.ts";
import { readCertificateFile } from "../crypto/certificate_file.ts";
import { keyOfCertificate } from "../crypto/keys.ts";
import { type Certificate, readCertificates } from "../crypto/x509.ts";
import { messageOf, TagsealError } from "../errors.ts";
import { type BundleChoice, describeFormWarning } from "../schemes/cosign/forms.ts";
import { requireWritable } from "../registry/blob.ts";
import { askedFirst, type ImagesResult, type ImagesToSign } from "../schemes/images.ts";
import { imageJob, type ImageOptions } from "../schemes/jobs.ts";
import { DCT, IMAGE_SCHEMES, type SchemeName, SCHEMES } from "../schemes/names.ts";
import type { Job } from "../signing/scheme.ts";
import { bytesOf } from "./pins.ts";

/** In which formats tags are signed. */
export interface SchemeChoice {
  /**
   * Docker Content Trust alone (`dct`) unless said. They are published in the order cosign, Notation, content trust.
   */
  readonly schemes?: readonly SchemeName[] | undefined;
  /** For cosign and Notation: the signing key's certificate, as PEM together with the CAs above it, or alone as DER. */
  readonly certificate?: string | Uint8Array | undefined;
  /** When sigstore bundles are written beside classic cosign signatures; `auto` unless said. */
  readonly cosignBundle?: BundleChoice | undefined;
}

/** A choice that was read. */
export interface ReadSchemes {
  /** Whether content trust is among them. */
  readonly dct: boolean;
  /** What they have to do at the registry. */
  readonly access: "pull" | "push,pull";
  /** The jobs of the others, in the order in which they are published. */
  jobs(images: Omit<ImagesToSign, "certificates" | "key">): Job<ImagesResult>[];
}

/**
 * Reads a choice; `notice` is told what somebody should know before images are signed.
 *
 * @throws {TagsealError} `usage` where it names none, or no certificate where that is needed; `bad-input` for one that
 *   is none
 */
export function readSchemes(
  { schemes = ["dct"], certificate, cosignBundle: bundle = "auto" }: SchemeChoice,
  notice: (line: string) => void,
): ReadSchemes {
  const foreign = schemes.find((one) => !SCHEMES.includes(one));
  if (schemes.length === 0 || foreign !== undefined) {
    const what = foreign === undefined ? "No scheme is named" : `"${String(foreign).slice(0, 40)}" is no scheme`;
    throw new TagsealError("usage", what, { remedy: `Name some of ${SCHEMES.join(", ")}` });
  }
  const images = IMAGE_SCHEMES.filter((one) => schemes.includes(one));
  const dct = schemes.includes(DCT);
  if (images.length === 0) return { dct, access: "pull", jobs: () => [] };
  if (certificate === undefined) {
    throw new TagsealError("usage", "cosign and Notation need the certificate of the signing key", {
      remedy: "Give it as certificate; SignPath's signer has it",
    });
  }
  const certificates = chainOf(certificate);
  const key = keyOfCertificate(certificates[0]);
  const options: ImageOptions = {
    bundle,
    onWarning: (warning, { tag }) => notice(describeFormWarning(warning, tag)),
    onOddSalt: (bytes) => notice(`RSA signatures come with salts of ${bytes} bytes: Notation's JWS takes them`),
  };
  return {
    dct,
    access: "push,pull",
    jobs: (some) => {
      const writable = askedFirst(() => requireWritable(some.registry));
      return images.map((scheme) => imageJob(scheme, { ...some, certificates, key, writable }, options));
    },
  };
}

/** The one certificate that is no CA, or the only one, first. */
function chainOf(file: string | Uint8Array): readonly [Certificate, ...Certificate[]] {
  const bytes = bytesOf(file);
  try {
    const { certificate, count } = readCertificateFile(bytes);
    const others = count === 1 ? [] : readCertificates(fileText(bytes));
    return [certificate, ...others.filter(({ der }) => !equalBytes(der, certificate.der))];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new TagsealError("bad-input", `The signing key's certificate cannot be used: ${messageOf(error)}`, {
      remedy: "Give it as PEM or DER",
      cause: error,
    });
  }
}
