/** Which method a raw signature was made with: signing services do not always say. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { ecdsaReadings, methodsOf, verifySignature } from "./algorithms.ts";
import type { PublicKey } from "./keys.ts";
import type { RawSignature } from "./signer.ts";

/**
 * The signature in the form metadata holds it, with the method that verified it; `undefined` where none does.
 * RSA is tried with both paddings, ECDSA as r‖s and as DER.
 */
export async function recognizeSignature(
  key: PublicKey,
  payload: Bytes,
  raw: Bytes,
): Promise<RawSignature | undefined> {
  const readings = key.shape.family === "ecdsa" ? ecdsaReadings(raw, key.shape.curve) : [raw];
  const candidates = methodsOf(key.shape).flatMap((method) => readings.map((bytes) => ({ method, bytes })));
  // Side by side: each is looked at in a thread of its own.
  const good = await Promise.all(candidates.map(({ method, bytes }) => verifySignature(method, key, payload, bytes)));
  return candidates.find((_, i) => good[i]);
}
