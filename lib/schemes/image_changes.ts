/** What a signing data file says of signatures beside images: its manifest's member `images`. @module */
import type { JsonObject, JsonValue } from "../bytes/json.ts";
import { plain } from "../bytes/printable.ts";
import { type Certificate, readCertificate } from "../crypto/x509.ts";
import type { Descriptor } from "../registry/descriptor.ts";
import type { Digest } from "../registry/image_ref.ts";
import { digest, list, malformed, object, whole, word } from "../signing/manifest_words.ts";

/** One manifest to sign under one tag. */
export interface TaggedImage {
  /** The tag. */
  readonly tag: string;
  /** The manifest or index that the tag stands for, or one that the index names. */
  readonly image: Descriptor;
  /** What an entry of an index runs on: `linux/arm64`. */
  readonly platform?: string | undefined;
}

/** A form of a signature: `classic` and `bundle` are cosign's, `jws` is Notation's. */
export type SignatureForm = "classic" | "bundle" | "jws";

/** One signature that is to be made. */
export interface ImageSignature extends TaggedImage {
  /** Its form. */
  readonly form: SignatureForm;
}

/** What a file says of one scheme's signatures in one repository. */
export interface ImagesChange {
  /** `cosign` or `notation`. */
  readonly scheme: string;
  /** The repository. */
  readonly repository: string;
  /** The signing key's certificate, and those above it. */
  readonly certificates: readonly [Certificate, ...Certificate[]];
  /** The signatures to make; what is signed already is left out. */
  readonly signatures: readonly (ImageSignature & { readonly payload: string; readonly sha256: string })[];
}

/** More than any request holds. */
const MAX_CERTIFICATES = 10;
const FORMS: readonly string[] = ["classic", "bundle", "jws"] satisfies SignatureForm[];

/** The manifest's member. */
export function imageWords({ scheme, repository, certificates, signatures }: ImagesChange): JsonObject {
  return {
    scheme,
    repository,
    certificates: certificates.map(({ der }) => der.toBase64()),
    signatures: signatures.map(({ tag, image, platform, form, payload, sha256 }) => ({
      tag,
      ...image,
      ...(platform === undefined ? {} : { platform }),
      form,
      payload,
      sha256,
    })),
  };
}

/** What a manifest says. @throws {TagsealError} `bad-input` where it is not what {@linkcode imageWords} writes */
export function imageChangesIn(manifest: JsonObject): ImagesChange[] {
  if (manifest["images"] === undefined) return [];
  return list(manifest, "images").map((value, i) => {
    const entry = object(value, `images[${i}]`);
    const signatures = list(entry, "signatures").map((one) => readSignature(object(one, `images[${i}].signatures`)));
    if (signatures.length === 0) throw malformed(`nothing is to be signed in images[${i}]`);
    return {
      scheme: word(entry, "scheme"),
      repository: word(entry, "repository"),
      certificates: readChain(list(entry, "certificates")),
      signatures,
    };
  });
}

function readChain(values: readonly JsonValue[]): [Certificate, ...Certificate[]] {
  if (values.length === 0 || values.length > MAX_CERTIFICATES) throw malformed("it has no certificate, or too many");
  const [first, ...others] = values.map((value) => {
    try {
      return readCertificate(Uint8Array.fromBase64(plain(value), { lastChunkHandling: "strict" }));
    } catch (error) {
      if (error instanceof SyntaxError) throw malformed("a certificate in it cannot be read");
      throw error;
    }
  });
  return [first!, ...others];
}

function readSignature(entry: JsonObject): ImagesChange["signatures"][number] {
  const form = word(entry, "form");
  if (!FORMS.includes(form)) throw malformed(`"${form.slice(0, 30)}" is no form of a signature`);
  return {
    tag: word(entry, "tag"),
    image: {
      mediaType: word(entry, "mediaType"),
      digest: digest(entry, "digest") as Digest,
      size: whole(entry, "size"),
    },
    ...(entry["platform"] === undefined ? {} : { platform: word(entry, "platform") }),
    form: form as SignatureForm,
    payload: word(entry, "payload"),
    sha256: word(entry, "sha256"),
  };
}
