/**
 * Who signs the payloads: SignPath by a file, SignPath by hashes, or a key at hand. One interface for all, so that what
 * is signed, checked and published is the same whoever signs.
 *
 * @module
 */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { TagsealError } from "../errors.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import { manifestOf, readSigningData, writeSigningData } from "../signpath/signing_data.ts";
import type { UnsignedData } from "./create_signing_data.ts";

/** What came back from signing. Whether a signature is good is judged where it is published, not here. */
export interface SignedPayloads {
  /** Raw signatures by payload entry name. */
  readonly signatures: ReadonlyMap<string, Bytes>;
  /** The last signing request; `null` where no service was asked. */
  readonly signingRequestId: string | null;
  /** Whether the signing service keeps the signed file, so that publishing can be done again without signing again. */
  readonly isKept: boolean;
}

/** Signs all payloads of a file. */
export interface PayloadSigner {
  /**
   * Signs every payload.
   *
   * @param keys the public keys that have to sign, by canonical id
   * @throws {TagsealError} where not all of them could be signed
   */
  sign(data: UnsignedData, keys: ReadonlyMap<KeyId, PublicKey>): Promise<SignedPayloads>;
  /** Canonical ids of the keys at hand; left out where it is a service that signs. */
  keysAtHand?(): Promise<ReadonlySet<KeyId>>;
}

/** Has a signing data file signed, by whatever signs. */
export type SignFile = (file: Bytes) => Promise<{ readonly signed: Bytes; readonly signingRequestId: string }>;

/** Signs by sending the signing data file away; it must come back with nothing but signatures added. */
export function fileSigner(signFile: SignFile): PayloadSigner {
  return {
    async sign(data) {
      const file = await writeSigningData(data);
      const { signed, signingRequestId } = await signFile(file);
      const received = await readSigningData(signed);
      requireSame(await readSigningData(file), received);
      return { signatures: received.signatures, signingRequestId, isKept: true };
    },
  };
}

/** Signs with keys of a key store: the trust directory, or a PKCS#11 token. */
export function keySigner(store: KeyStore): PayloadSigner {
  return {
    async keysAtHand() {
      return new Set((await store.list()).map(({ id }) => id));
    },
    async sign({ repositories, payloads }) {
      const signers = new Map<KeyId, Signer>();
      const signatures = new Map<string, Bytes>();
      for (const { delegationKeyId, roles } of repositories) {
        const signer = signers.get(delegationKeyId) ?? await store.open(delegationKeyId);
        signers.set(delegationKeyId, signer);
        for (const { payload } of roles) signatures.set(payload, (await signer.sign(payloads.get(payload)!)).bytes);
      }
      return { signatures, signingRequestId: null, isKept: false };
    },
  };
}

/** Nothing but signatures may have been added on the way to the signing service and back. */
function requireSame(sent: UnsignedData, received: UnsignedData): void {
  const payloads = [...sent.payloads].every(([name, bytes]) => {
    const back = received.payloads.get(name);
    return back && equalBytes(back, bytes);
  });
  if (payloads && JSON.stringify(manifestOf(sent)) === JSON.stringify(manifestOf(received))) return;
  throw new TagsealError("trust-invalid", "The signed file is not the one that was sent for signing", {
    remedy: "Nothing was published. Find out who changes the file on its way to the signing service and back",
  });
}
