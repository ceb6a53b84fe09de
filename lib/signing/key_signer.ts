/** Signs with keys of a key store: the trust directory, or a PKCS#11 token. @module */
import type { KeyId } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import { BASE_ROLES } from "../tuf/roles.ts";
import { type PayloadSigner, perPayload } from "./payload_signer.ts";

/** A key signs in no time: whoever was faster costs next to nothing. */
const ATTEMPTS = 50;
/** So is the time better spent on another attempt than on waiting: eight at once post twice for each tag at most. */
const SPREAD = 8;

/**
 * A signer over `store`. A key is opened once, whatever comes of it: nobody is asked twice for a passphrase.
 *
 * @param openEarly whether a key may be opened before it is sure that it signs, where there is just one: nobody is asked
 *   for anything then, and it is open by the time that the servers have answered
 */
export function keySigner(store: KeyStore, openEarly = false): PayloadSigner {
  const signers = new Map<KeyId, Promise<Signer>>();
  const open = (id: KeyId) => {
    const opening = signers.get(id) ?? store.open(id);
    signers.set(id, opening);
    return opening;
  };
  return {
    holder: {
      kind: "keys",
      async atHand() {
        const keys = await store.list();
        const [only, ...others] = keys.filter(({ role }) => !BASE_ROLES.some((base) => base === role));
        if (openEarly && only && others.length === 0) open(only.id).catch(() => {}); // said where it is used
        return new Set(keys.map(({ id }) => id));
      },
    },
    attempts: ATTEMPTS,
    spread: SPREAD,
    sign: perPayload(async ({ bytes, rules, keys }) => {
      const signer = await open(keys[0].canonicalId);
      return { signature: (await signer.sign(bytes, rules)).bytes };
    }, { atOnce: 1, probeFirst: false }),
  };
}
