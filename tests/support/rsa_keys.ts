/** RSA keys: making one takes a second of work, of 3072 bits or more several. @module */
import { createPrivateKey, type KeyObject } from "node:crypto";
import {
  createSigningCertificate,
  type SigningCertificate,
  type SigningCertificateRequest,
} from "../../lib/local/certificates.ts";

/** How many bits recorded keys have. */
export type RsaBits = 2048 | 3072 | 4096;

/** The recorded key of that many bits. */
export function rsaKey(bits: RsaBits): KeyObject {
  return createPrivateKey(
    Deno.readTextFileSync(new URL(`../../fixtures/after_dct/rsa${bits}/key.pem`, import.meta.url)),
  );
}

/** A certificate as SignPath makes them, over the recorded key where it is an RSA key. */
export function signingCertificate(request: SigningCertificateRequest): Promise<SigningCertificate> {
  const [, bits] = /^rsa-(2048|3072|4096)$/.exec(request.algorithm) ?? [];
  return createSigningCertificate(
    bits === undefined ? request : { ...request, key: rsaKey(Number(bits) as RsaBits) },
  );
}
