/** What a command has verified already: the same signature of the same bytes under the same key is good for ever. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { type SignatureMethod, verifySignature } from "./algorithms.ts";
import { digest } from "./hash.ts";
import type { PublicKey } from "./keys.ts";
import type { Certificate } from "./x509.ts";
import { isForged } from "./x509_signature.ts";

/**
 * Verifies, and remembers what was good. It knows neither roles nor repositories: who may sign what, versions and expiry are
 * judged anew each time. Of a question it remembers all that is asked, of the payload the hash, so that it answers no
 * other one.
 */
export class KnownSignatures {
  /** By question: what was good, and what is being found out; who asks the same meanwhile waits for that. */
  readonly #good = new Map<string, Promise<boolean>>();
  readonly #unforged = new Set<string>();

  /** `verifySignature`, not for variants of a method. */
  async verify(
    method: SignatureMethod,
    key: Pick<PublicKey, "shape" | "spki">,
    payload: Bytes,
    signature: Bytes,
  ): Promise<boolean> {
    const parts = [
      method,
      JSON.stringify(key.shape),
      ...[key.spki, signature, await digest("sha256", payload)].map(hex),
    ];
    const question = parts.join(" ");
    const asked = this.#good.get(question) ?? verifySignature(method, key, payload, signature);
    this.#good.set(question, asked);
    let isGood = false;
    try {
      return isGood = await asked;
    } finally {
      if (!isGood) this.#good.delete(question);
    }
  }

  /** {@linkcode isForged}. */
  async isForged(certificate: Certificate): Promise<boolean> {
    const question = hex(certificate.der);
    if (this.#unforged.has(question)) return false;
    const found = await isForged(certificate);
    if (!found) this.#unforged.add(question);
    return found;
  }
}

function hex(bytes: Bytes): string {
  return bytes.toHex();
}
