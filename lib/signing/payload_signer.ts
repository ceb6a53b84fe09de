/**
 * Who signs: one interface for all, so that what is signed, checked and published is the same whoever signs. A new way of
 * signing is one more implementation of {@linkcode PayloadSigner}, with {@linkcode perPayload} where it signs one by one.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { KeyId } from "../crypto/keys.ts";
import { mapAtOnce } from "./at_once.ts";
import type { Batch } from "./batch.ts";
import type { Payload } from "./payload.ts";
import { distinctPayloads } from "./same_payloads.ts";

/**
 * {@linkcode PayloadSigner.spread} of services, where each attempt in vain may cost an approval: of eight who begin at the
 * same moment, each has two signatures made.
 */
export const SERVICE_SPREAD = 44;

/** Who holds the key. */
export type KeyHolder =
  | {
    readonly kind: "keys";
    /** Canonical ids of the keys at hand. */
    atHand(): Promise<ReadonlySet<KeyId>>;
  }
  | {
    readonly kind: "service";
    /** Asks what the service will sign with; `undefined` where it does not tell. */
    policyKey?(): Promise<PolicyKey | undefined>;
  };

/** `holder`, of which keys are asked for once, however many repositories are signed. */
export function askedOnce(holder: KeyHolder): KeyHolder {
  if (holder.kind === "service") return holder;
  let keys: Promise<ReadonlySet<KeyId>> | undefined;
  return { kind: "keys", atHand: () => keys ??= holder.atHand() };
}

/** The key of a signing policy. */
export interface PolicyKey {
  /** The policy's name. */
  readonly policy: string;
  /** The key's canonical id. */
  readonly keyId: KeyId;
}

/** What came back from signing. Whether a signature is good is judged where it is published, not here. */
export interface SignedBatch {
  /** Raw signatures by payload. */
  readonly signatures: ReadonlyMap<string, Bytes>;
  /** The payloads that could not be signed, and why. */
  readonly failures: ReadonlyMap<string, unknown>;
  /** The last signing request; `null` where no service was asked. */
  readonly signingRequestId: string | null;
  /** What was signed in place of a payload, where an earlier run had it signed: the same, but for the time. */
  readonly payloads?: ReadonlyMap<string, Bytes>;
  /** When that was made. */
  readonly madeAt?: Date;
  /** Whether the signing service keeps the signed file, so that publishing can be done again without signing again. */
  readonly isKept: boolean;
  /** How many more signing requests may be there than were wanted: tries that were sent again. */
  readonly unclearRequests: number;
}

/** Signs payloads. */
export interface PayloadSigner {
  /** Who holds the key. */
  readonly holder: KeyHolder;
  /** How often to sign anew where others were faster: a request may want an approval each time, a key does not. */
  readonly attempts: number;
  /**
   * Over how long a time those draw apart who were overtaken, in multiples of the time in which they can be, from the
   * reading to the answer: the longer, the fewer of them are overtaken again.
   */
  readonly spread: number;
  /**
   * Signs every payload.
   *
   * @throws {TagsealError} where nothing could be signed
   */
  sign(batch: Batch): Promise<SignedBatch>;
  /** Told in the end what has failed, nothing where all is published: who remembers requests forgets those of no use. */
  ended?(failures: readonly unknown[]): Promise<void>;
}

/** One signature. */
export interface OneSigned {
  /** The raw signature. */
  readonly signature: Bytes;
  /** The signing request that it is from, where there is one. */
  readonly signingRequestId?: string | undefined;
  /** How many more may be there. */
  readonly unclearRequests?: number | undefined;
}

/**
 * `sign` of a signer that signs payloads one by one: some parts at a time, in each of them one after another. Payloads of a
 * part that are the same are signed once. After the first failure of a part the rest of it is left alone, since a part is
 * published as a whole or not at all. Services, once they have signed, sign as many payloads of a part at a time: who begins
 * anew is overtaken less often the sooner it is signed.
 *
 * @param probeFirst whether to wait for the first part, and to fail with it: for services where one refusal means all
 */
export function perPayload(
  sign: (payload: Payload) => Promise<OneSigned>,
  { atOnce, probeFirst }: { readonly atOnce: number; readonly probeFirst: boolean },
): PayloadSigner["sign"] {
  let hasSigned = false;
  return async ({ parts }) => {
    const signatures = new Map<string, Bytes>();
    const failures = new Map<string, unknown>();
    let signingRequestId: string | null = null;
    let unclearRequests = 0;
    const together = probeFirst && hasSigned ? atOnce : 1;
    const signAll = (some: Batch["parts"]) =>
      mapAtOnce(some, atOnce, (part) =>
        mapAtOnce(distinctPayloads(part), together, async ({ payload, ids }) => {
          if (part.some(({ id }) => failures.has(id))) return;
          try {
            const signed = await sign(payload);
            for (const id of ids) signatures.set(id, signed.signature);
            signingRequestId = signed.signingRequestId ?? signingRequestId;
            unclearRequests += signed.unclearRequests ?? 0;
          } catch (error) {
            failures.set(payload.id, error);
          }
        }));
    const first = probeFirst ? parts.slice(0, 1) : [];
    await signAll(first);
    for (const failure of failures.values()) throw failure;
    await signAll(parts.slice(first.length));
    hasSigned = true;
    return { signatures, failures, signingRequestId, isKept: false, unclearRequests };
  };
}
