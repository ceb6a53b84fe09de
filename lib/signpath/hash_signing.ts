/**
 * Hash signing: what is sent, and what comes back.
 *
 * There are two forms. The route `SignHash` of today takes a JSON document and repeats its hash beside the signature.
 * Older servers sign the artifact of a fast signing request, a JSON document that comes back with the signature in it.
 * Either answer is believed in nothing: it must repeat what was sent, and whether the signature is good for the payload is
 * found out with the delegation's key.
 *
 * Source: https://docs.signpath.io/, crypto providers, REST API, "Sign hash" and "Artifact format for signing hash digests".
 *
 * @module
 */
import { type Bytes, equalBytes, utf8 } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import type { KeyShape } from "../crypto/algorithms.ts";
import type { SignatureHash } from "../crypto/hash.ts";
import { DIGEST_BYTES } from "../crypto/rsa_padding.ts";
import type { SignatureRules } from "../crypto/signature_rules.ts";
import { messageOf, TagsealError } from "../errors.ts";

/** The key that is to sign, as far as it matters here. */
export interface HashKey {
  /** Its kind. */
  readonly shape: Pick<KeyShape, "family">;
}

/** A hash, and how it is to be signed. */
export interface HashToSign {
  /** The hash. */
  readonly digest: Bytes;
  /** How. */
  readonly rules: SignatureRules;
  /** The key that signs. */
  readonly key: HashKey;
}

/** The name that SignPath's own crypto providers give to the artifact. */
export const HASH_ARTIFACT_NAME = "payload.json";

/** What a signature is for, as SignPath's audit log shows it. */
export interface HashMetadata {
  /** The GUN. */
  readonly repository: string;
  /** What is signed, in a few words: `targets/releases, version 3`. */
  readonly subject: string;
  /** The same as facts, by name: `Role`, `Version`. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** The tags that change, with the manifests (`sha256:<hex>`) they shall stand for. */
  readonly tags: readonly { readonly tag: string; readonly digest: string }[];
  /** The tags that are withdrawn. */
  readonly removedTags: readonly { readonly tag: string }[];
}

/** The names of hashes: in the route of today, and in the form of older servers (RFC 8017, appendix B.1). */
export const HASH_NAMES: Readonly<Record<SignatureHash, { readonly name: string; readonly oid: string }>> = {
  sha256: { name: "Sha256", oid: "2.16.840.1.101.3.4.2.1" },
  sha384: { name: "Sha384", oid: "2.16.840.1.101.3.4.2.2" },
  sha512: { name: "Sha512", oid: "2.16.840.1.101.3.4.2.3" },
};
/** As many tags are shown in full; their number is told in any case. */
const MAX_TAGS_SHOWN = 100;
/** The audit log shows a command line on one line. */
const MAX_COMMAND_LINE = 1000;
/** RSA with 8192 bits takes 1024 bytes; that in base64. */
const MAX_SIGNATURE_CHARS = 1368;

/**
 * `hashSigningData` of `SignHash`. ECDSA keys sign whatever hash they are given, so that none is named for them; how long
 * salts of PSS are cannot be said.
 *
 * @throws {TagsealError} `bad-input` for Ed25519 keys, which SignPath does not have, and for what is no hash of the rules
 */
export function hashSigningData(hash: HashToSign, metadata: HashMetadata): Record<string, unknown> {
  requireDigest(hash);
  return {
    ...optionsOf(hash),
    hash: hash.digest.toBase64(),
    metadata: { sourceProcess: { commandLine: commandLineOf(metadata) } },
  };
}

function optionsOf({ key, rules }: HashToSign): Record<string, unknown> {
  switch (key.shape.family) {
    case "rsa": {
      const paddingMode = rules.rsaPadding === "pss" ? "Pss" : "Pkcs1";
      return { signatureAlgorithm: "Rsa", rsaOptions: { hashAlgorithmName: HASH_NAMES[rules.hash].name, paddingMode } };
    }
    case "ecdsa":
      return { signatureAlgorithm: "Ecdsa", ecdsaOptions: { signatureFormat: "Ieee" } };
    case "ed25519":
      throw noEd25519();
  }
}

/** What a service would be asked to sign in vain, or what would be signed as something else. */
function requireDigest({ digest, rules }: HashToSign): void {
  if (DIGEST_BYTES[rules.hash] === digest.length) return;
  throw new TagsealError("bad-input", `What is to be signed, ${digest.length} bytes, is no hash of "${rules.hash}"`, {
    remedy: "Hash the payload with the algorithm of its rules: sha256, sha384 or sha512",
  });
}

/** `sourceProcess` has this text for whatever is to be told. */
function commandLineOf({ repository, subject, tags, removedTags }: HashMetadata): string {
  const parts = [
    subject,
    ...some("sign", tags.map(({ tag, digest }) => `${tag}@${digest}`)),
    ...some("remove", removedTags.map(({ tag }) => tag)),
  ];
  const line = `tagseal sign --repository ${repository} (${parts.join("; ")})`;
  return line.length > MAX_COMMAND_LINE ? `${line.slice(0, MAX_COMMAND_LINE - 1)}…` : line;
}

function some(action: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${action} ${names.length}: ${names.join(", ")}`];
}

/**
 * The raw signature in the answer of `SignHash`, which must be about `digest`.
 *
 * @throws {TagsealError} `trust-invalid` where the answer is anything else
 */
export function readSignedHash(digest: Bytes, answer: Bytes): Bytes {
  const { hashSigningData: data, hashSigningResult: result } = documentOf(answer);
  const repeated = isJsonObject(data) ? data["hash"] : undefined;
  if (repeated !== digest.toBase64()) throw untrusted("the hash in it is not the one that was sent");
  return signatureOf(isJsonObject(result) ? result["signature"] : undefined);
}

/**
 * The same as an artifact, for older servers.
 *
 * @throws {TagsealError} as {@linkcode hashSigningData}
 */
export function hashArtifact(hash: HashToSign, metadata: HashMetadata): Bytes {
  requireDigest(hash);
  return utf8(JSON.stringify({
    ...algorithmOf(hash),
    Base64EncodedHash: hash.digest.toBase64(),
    Metadata: { CreatingProcess: processOf(metadata) },
  }));
}

function algorithmOf({ key, rules }: HashToSign): Record<string, string> {
  switch (key.shape.family) {
    case "rsa": {
      const SignatureAlgorithm = rules.rsaPadding === "pss" ? "RsaPss" : "RsaPkcs1";
      return { SignatureAlgorithm, RsaHashAlgorithm: HASH_NAMES[rules.hash].oid };
    }
    case "ecdsa":
      return { SignatureAlgorithm: "Ecdsa", EcdsaSignatureFormat: "Ieee" };
    case "ed25519":
      throw noEd25519();
  }
}

function noEd25519(): TagsealError {
  return new TagsealError("bad-input", "SignPath signs no hashes with Ed25519 keys", {
    remedy: "Add the certificate of an RSA or ECDSA key as delegation, or let SignPath sign a file",
    next: { do: "sign-with-other-key-kind" },
  });
}

function processOf({ repository, facts, tags, removedTags }: HashMetadata): Record<string, unknown> {
  return {
    CommandLine: "tagseal sign",
    Repository: repository,
    ...facts,
    TagCount: tags.length,
    Tags: tags.slice(0, MAX_TAGS_SHOWN).map(({ tag, digest }) => ({ Tag: tag, Digest: digest })),
    ...(removedTags.length > 0
      ? { RemovedTagCount: removedTags.length, RemovedTags: removedTags.slice(0, MAX_TAGS_SHOWN).map(({ tag }) => tag) }
      : {}),
  };
}

/**
 * The raw signature in `answer`, which must be the artifact `sent` with a `Signature` added.
 *
 * @throws {TagsealError} `trust-invalid` where the answer is anything else
 */
export function readHashSignature(sent: Bytes, answer: Bytes): Bytes {
  const asked = documentOf(sent);
  const given = documentOf(answer);
  for (const [name, value] of Object.entries(asked)) {
    const repeated = given[name];
    if (repeated === undefined || !equalBytes(canonicalJson(repeated), canonicalJson(value))) {
      throw untrusted(`its member "${name}" is not what was sent`);
    }
  }
  return signatureOf(given["Signature"]);
}

function signatureOf(signature: JsonValue | undefined): Bytes {
  if (typeof signature !== "string" || signature === "") throw untrusted("it has no signature");
  if (signature.length > MAX_SIGNATURE_CHARS) throw untrusted("its signature is longer than any key's");
  try {
    return Uint8Array.fromBase64(signature, { lastChunkHandling: "strict" });
  } catch {
    throw untrusted("its signature is not base64");
  }
}

function documentOf(bytes: Bytes): JsonObject {
  try {
    const document = parseJson(bytes);
    if (isJsonObject(document)) return document;
  } catch (error) {
    throw untrusted("it is not JSON", messageOf(error));
  }
  throw untrusted("it is not a JSON object");
}

function untrusted(why: string, cause?: string): TagsealError {
  return new TagsealError("trust-invalid", `SignPath's answer to signing a hash is not to be trusted: ${why}`, {
    remedy: "Nothing was published. Check the API address and what answers there; if it is SignPath, report this to " +
      "its support",
    next: { do: "distrust-signpath-answer" },
    cause,
  });
}
