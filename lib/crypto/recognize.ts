/** Which method a raw signature was made with: signing services do not always say. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { ecdsaReadings, methodsOf } from "./algorithms.ts";
import type { PublicKey } from "./keys.ts";
import { KnownSignatures } from "./known_signatures.ts";
import type { RawSignature } from "./signer.ts";

/**
 * The signature in the form metadata holds it, with the method that verified it; `undefined` where none does.
 * RSA is tried with both paddings, that of signing services first, ECDSA as r‖s and as DER.
 *
 * @param seen what need not be verified again
 */
export async function recognizeSignature(
  key: PublicKey,
  payload: Bytes,
  raw: Bytes,
  seen: KnownSignatures = new KnownSignatures(),
): Promise<RawSignature | undefined> {
  const readings = key.shape.family === "ecdsa" ? ecdsaReadings(raw, key.shape.curve) : [raw];
  for (const method of methodsOf(key.shape).reverse()) {
    for (const bytes of readings) if (await seen.verify(method, key, payload, bytes)) return { method, bytes };
  }
  return undefined;
}
