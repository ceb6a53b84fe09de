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
import { BASE_ROLES } from "../tuf/roles.ts";
import type { UnsignedData } from "./create_signing_data.ts";
import { readSigned } from "./signed_file.ts";
import type { SigningService } from "./signing_keys.ts";

/** What came back from signing. Whether a signature is good is judged where it is published, not here. */
export interface SignedPayloads {
  /** Raw signatures by payload entry name. */
  readonly signatures: ReadonlyMap<string, Bytes>;
  /** The repositories that could not be signed, and why. */
  readonly failures: ReadonlyMap<string, unknown>;
  /** The last signing request; `null` where no service was asked. */
  readonly signingRequestId: string | null;
  /** Whether the signing service keeps the signed file, so that publishing can be done again without signing again. */
  readonly isKept: boolean;
  /** How many more signing requests may be there than were wanted: tries that were sent again. */
  readonly unclearRequests: number;
}

/** Signs all payloads of a file. */
export interface PayloadSigner {
  /**
   * Signs every payload.
   *
   * @param keys the public keys that have to sign, by canonical id
   * @throws {TagsealError} where nothing could be signed
   */
  sign(data: UnsignedData, keys: ReadonlyMap<KeyId, PublicKey>): Promise<SignedPayloads>;
  /** Canonical ids of the keys at hand; left out where it is a service that signs. */
  keysAtHand?(): Promise<ReadonlySet<KeyId>>;
  /** The service that signs; left out where it is keys at hand. */
  readonly service?: SigningService;
}

/** Has a signing data file signed, by whatever signs. */
export type SignFile = (file: Bytes, data: UnsignedData) => Promise<SignedFile>;

/** A file that came back from signing. */
export interface SignedFile {
  /** The file. */
  readonly signed: Bytes;
  /** The signing request that it is from. */
  readonly signingRequestId: string;
  /** How many more signing requests may be there than this one; none unless said. */
  readonly unclearRequests?: number;
}

/** Signs by sending the signing data file away; it must come back with nothing but signatures added. */
export function fileSigner(signFile: SignFile, service: SigningService = {}): PayloadSigner {
  return {
    service,
    async sign(data) {
      const file = await writeSigningData(data);
      const { signed, signingRequestId, unclearRequests = 0 } = await signFile(file, data);
      const received = await readSigned(signed, signingRequestId);
      requireSame(await readSigningData(file), received, signingRequestId);
      return { signatures: received.signatures, failures: new Map(), signingRequestId, isKept: true, unclearRequests };
    },
  };
}

/**
 * Signs with keys of a key store: the trust directory, or a PKCS#11 token.
 *
 * @param openEarly whether a key may be opened before it is sure that it signs, where there is just one: nobody is asked
 *   for anything then, and it is open by the time that the Notary server has answered
 */
export function keySigner(store: KeyStore, openEarly = false): PayloadSigner {
  const signers = new Map<KeyId, Promise<Signer>>();
  return {
    async keysAtHand() {
      const keys = await store.list();
      const [only, ...others] = keys.filter(({ role }) => !BASE_ROLES.some((base) => base === role));
      if (openEarly && only && others.length === 0) {
        const opening = store.open(only.id);
        opening.catch(() => {}); // said where it is used
        signers.set(only.id, opening);
      }
      return new Set(keys.map(({ id }) => id));
    },
    async sign({ repositories, payloads }) {
      const signatures = new Map<string, Bytes>();
      const failures = new Map<string, unknown>();
      for (const { repository, delegationKeyId, roles } of repositories) {
        // One passphrase, asked for once, whatever comes of it.
        const opening = signers.get(delegationKeyId) ?? store.open(delegationKeyId);
        signers.set(delegationKeyId, opening);
        try {
          const signer = await opening;
          for (const { payload } of roles) signatures.set(payload, (await signer.sign(payloads.get(payload)!)).bytes);
        } catch (error) {
          failures.set(repository, error);
        }
      }
      return { signatures, failures, signingRequestId: null, isKept: false, unclearRequests: 0 };
    },
  };
}

/** Nothing but signatures may have been added on the way to the signing service and back. */
function requireSame(sent: UnsignedData, received: UnsignedData, signingRequestId: string): void {
  const payloads = [...sent.payloads].every(([name, bytes]) => {
    const back = received.payloads.get(name);
    return back && equalBytes(back, bytes);
  });
  if (payloads && JSON.stringify(manifestOf(sent)) === JSON.stringify(manifestOf(received))) return;
  throw new TagsealError("trust-invalid", "The signed file is not the one that was sent for signing", {
    remedy: "Nothing was published. Find out who changes the file on its way to the signing service and back",
    request: { id: signingRequestId, goesOn: false },
  });
}
