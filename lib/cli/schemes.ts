/** The schemes that flags name, and what cosign and Notation want beside tags: the key's certificate. @module */
import { fileText } from "../bytes/bytes.ts";
import { keyOfCertificate } from "../crypto/keys.ts";
import { readCertificateFile } from "../crypto/certificate_file.ts";
import { type Certificate, readCertificate, readCertificates } from "../crypto/x509.ts";
import { TagsealError } from "../errors.ts";
import type { ImageName } from "../registry/image_ref.ts";
import { BUNDLE_CHOICES, describeFormWarning } from "../schemes/cosign/forms.ts";
import type { ImagesChange } from "../schemes/image_changes.ts";
import type { ImagesResult, ImagesToSign } from "../schemes/images.ts";
import type { ImageOptions } from "../schemes/jobs.ts";
import { IMAGE_SCHEMES, type ImageScheme } from "../schemes/names.ts";
import type { KeyHolder } from "../signing/payload_signer.ts";
import type { Job } from "../signing/scheme.ts";
import type { connectionFlags, signerFlags } from "./common_flags.ts";
import { choice, text, type Values } from "./flags.ts";
import type { Host } from "./host.ts";
import { schemeFlag } from "./scheme_flag.ts";
import type { Session } from "./session.ts";

/** Which schemes, and what they take. */
export const schemeFlags = {
  scheme: schemeFlag,
  cosignBundle: choice(
    "--cosign-bundle <when>",
    "sigstore bundles beside classic cosign signatures: auto where cosign 3 would not see those, always, never, only",
    BUNDLE_CHOICES,
  ),
  certificateChain: text(
    "--certificate-chain <file>",
    "for cosign and notation: the CAs above --delegation-certificate, as PEM",
  ),
};

/** Values of these flags, and of those that say whose key it is. */
export type SchemeValues =
  & Values<typeof schemeFlags & Pick<typeof signerFlags, "delegationCertificate"> & typeof connectionFlags>
  & { readonly projectSlug?: string | undefined; readonly signingPolicySlug?: string | undefined };

const MAX_CERTIFICATE_BYTES = 2 ** 20;

/** The image schemes that flags name, in the order in which they are published. */
export function imageSchemes({ scheme }: Pick<SchemeValues, "scheme">): ImageScheme[] {
  return IMAGE_SCHEMES.filter((one) => scheme.includes(one));
}

/**
 * The signing key's certificate and those above it: from the file that flags name, else from the signing policy.
 *
 * @throws {TagsealError} `usage` where neither is named; `bad-input` for a file that is none
 */
export async function signingCertificates(
  values: SchemeValues,
  session: Session,
  host: Host,
): Promise<readonly [Certificate, ...Certificate[]]> {
  const { delegationCertificate: path, certificateChain, projectSlug, signingPolicySlug } = values;
  if (path !== undefined) {
    const bytes = await host.readFile(path, MAX_CERTIFICATE_BYTES);
    return [
      asCertificate(() => readCertificateFile(bytes).certificate, path),
      ...await readChain(certificateChain, host),
    ];
  }
  if (projectSlug && signingPolicySlug) {
    const client = await session.signPath();
    const der = await client.certificate(projectSlug, signingPolicySlug, { signal: host.signal });
    const source = `signing policy ${signingPolicySlug}`;
    return [asCertificate(() => readCertificate(der), source), ...await readChain(certificateChain, host)];
  }
  throw new TagsealError("usage", "cosign and notation need the certificate of the signing key", {
    remedy: "Give --delegation-certificate <file> (or TAGSEAL_DELEGATION_CERTIFICATE)",
  });
}

async function readChain(path: string | undefined, host: Host): Promise<Certificate[]> {
  if (path === undefined) return [];
  const pem = fileText(await host.readFile(path, MAX_CERTIFICATE_BYTES), false);
  return asCertificate(() => readCertificates(pem), path);
}

function asCertificate<T>(read: () => T, source: string): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new TagsealError("bad-input", `"${source}" is no certificate: ${error.message}`, {
      remedy: "Give the certificate of the signing key, as PEM or DER",
    });
  }
}

/** How images of one repository are signed in the schemes that flags name. */
export async function openImageJobs(
  values: SchemeValues,
  session: Session,
  host: Host,
  access: "pull" | "push,pull",
  holder: KeyHolder | undefined,
): Promise<
  (name: ImageName, what: Pick<ImagesToSign, "tags" | "digestOf" | "found">) => Promise<Job<ImagesResult>[]>
> {
  const schemes = imageSchemes(values);
  if (schemes.length === 0) return () => Promise.resolve([]);
  // Who signs for content trust alone does not wait for what the others take.
  const { imageJob, requireTaken } = await import("../schemes/jobs.ts");
  const { askedFirst, MANIFESTS_AT_ONCE } = await import("../schemes/images.ts");
  const { requireWritable } = await import("../registry/blob.ts");
  const { askedAtMost } = await import("../registry/repository.ts");
  const certificates = await signingCertificates(values, session, host);
  await requireTaken(schemes, certificates, host.now());
  const key = keyOfCertificate(certificates[0]);
  return async (name, what) => {
    const registry = askedAtMost(await session.registry(name, access), MANIFESTS_AT_ONCE); // by all schemes together
    const writable = access === "push,pull" ? askedFirst(() => requireWritable(registry)) : undefined;
    const images = { ...what, repository: name.gun, registry, certificates, key, holder, writable };
    return schemes.map((scheme) => imageJob(scheme, images, imageOptions(values, host)));
  };
}

const BUNDLE_OF_OURS = "; --cosign-bundle auto adds a bundle of ours";

function imageOptions({ cosignBundle }: Pick<SchemeValues, "cosignBundle">, host: Host): ImageOptions {
  return {
    bundle: cosignBundle,
    onWarning: (warning, { tag }) =>
      host.warn(describeFormWarning(warning, tag) + (warning === "hidden-from-cosign-3" ? BUNDLE_OF_OURS : "")),
    onOddSalt: (bytes) =>
      host.warn(`SignPath salts RSA signatures with ${bytes} bytes, which Notation's JWS takes; other formats may not`),
  };
}

/** What is to be signed beside images, in JSON. */
export function imagesJson({ scheme, repository, signatures }: ImagesChange): object {
  return {
    scheme,
    repository,
    signatures: signatures.map(({ tag, image: { digest }, platform, form }) => ({
      tag,
      digest,
      ...(platform === undefined ? {} : { platform }),
      form,
    })),
  };
}

/** The same in lines. */
export function imageLines({ scheme, repository, signatures }: ImagesChange): string[] {
  return signatures.map(({ tag, image: { digest }, platform, form }) =>
    `${repository}:${tag} ${digest} (${
      [scheme, ...form === "bundle" ? [form] : [], ...platform ? [platform] : []].join(", ")
    })`
  );
}
