/**
 * Projects and signing policies of the embedded SignPath service, and how the API shows them
 * (https://docs.signpath.io/, crypto providers, REST API, "Retrieve Signing Policy details").
 *
 * @module
 */
import { createPublicKey } from "node:crypto";
import { type Bytes, concat } from "../bytes/bytes.ts";
import type { LocalSigningKey } from "./signpath_keys.ts";

/** A signing policy: a key, and who has to agree. */
export interface LocalSigningPolicy {
  /** Its name in the API. */
  readonly slug: string;
  /** RSA or ECDSA key. */
  readonly key: LocalSigningKey;
  /** The certificate of `key` (DER). */
  readonly certificate: Bytes;
  /** `manual` leaves requests waiting until they are approved or denied. */
  readonly approval: "automatic" | "manual";
}

/** A project with its signing policies. */
export interface LocalProject {
  /** Its name in the API. */
  readonly slug: string;
  /** What it signs: files, unless given, or hashes in fast signing requests. */
  readonly kind?: "docker-signing-data" | "hash-signing-data";
  /** Slug of its only artifact configuration; `docker-signing-data` unless given. */
  readonly artifactConfiguration?: string;
  /** Its signing policies. */
  readonly policies: readonly LocalSigningPolicy[];
}

/** `signingPolicies` of the answer to `GET /Cryptoki/MySigningPolicies?projectSlug=&signingPolicySlug=`. */
export function policiesOf(projects: readonly LocalProject[], query: URLSearchParams): Record<string, unknown>[] {
  const asked = (name: string, slug: string) => (query.get(name) ?? slug) === slug;
  return projects.filter((project) => asked("projectSlug", project.slug)).flatMap((project) =>
    project.policies.filter((policy) => asked("signingPolicySlug", policy.slug)).map((policy) => ({
      projectSlug: project.slug,
      signingPolicySlug: policy.slug,
      certificateBytes: policy.certificate.toBase64(),
      ...publicKeyOf(policy.key),
    }))
  );
}

function publicKeyOf({ publicKey: { spki, shape } }: LocalSigningKey): Record<string, unknown> {
  const publicKey = createPublicKey({ key: spki as never, format: "der", type: "spki" });
  const jwk = publicKey.export({ format: "jwk" });
  const bytes = (value: string | undefined) => Uint8Array.fromBase64(value ?? "", { alphabet: "base64url" });
  if (shape.family === "ecdsa") {
    const [x, y] = [bytes(jwk.x), bytes(jwk.y)];
    const bits = { "P-256": 256, "P-384": 384, "P-521": 521 }[shape.curve];
    return { keyType: "Ecdsa", keySizeInBits: bits, publicKeyBytes: concat(Uint8Array.of(4), x, y).toBase64() };
  }
  return {
    keyType: "Rsa",
    keySizeInBits: publicKey.asymmetricKeyDetails?.modulusLength,
    publicKeyBytes: new Uint8Array(publicKey.export({ type: "pkcs1", format: "der" })).toBase64(),
    rsaParameters: { publicExponent: bytes(jwk.e).toBase64(), modulus: bytes(jwk.n).toBase64() },
  };
}
