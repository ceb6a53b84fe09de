/** Has a role signed? A report ({@linkcode checkSignatures}), a fault, and a throw. @module */
import { signatureMethod } from "../crypto/algorithms.ts";
import type { KeyId } from "../crypto/keys.ts";
import { KnownSignatures } from "../crypto/known_signatures.ts";
import { TagsealError } from "../errors.ts";
import type { Envelope, RoleKeys, UnusableKey } from "./models.ts";

/** What became of the signatures of one envelope. */
export interface SignatureReport {
  /** Whether enough different keys have signed, and the role names none that bars it. */
  readonly ok: boolean;
  /** The keys with a good signature, by the id metadata files them under. */
  readonly signedBy: readonly KeyId[];
  /** How many different keys those are: two forms of one key count once. */
  readonly distinct: number;
  /** How many are needed. */
  readonly threshold: number;
}

/**
 * Verifies the signatures of `envelope` against the keys of a role (TUF 5.3.4 and its siblings). Signatures of other
 * keys, of unknown methods and bad ones do not count; a key counts once, also where metadata holds it in two forms.
 *
 * @param seen what need not be verified again
 */
export async function checkSignatures(
  envelope: Envelope,
  role: RoleKeys,
  seen: KnownSignatures = new KnownSignatures(),
): Promise<SignatureReport> {
  const candidates = envelope.signatures.map(async ({ keyId, method, bytes }) => {
    const key = role.keys.get(keyId);
    const known = signatureMethod(method);
    return key && known && await seen.verify(known, key, envelope.payload, bytes) ? key : undefined;
  });
  const good = (await Promise.all(candidates)).filter((key) => key !== undefined);
  const distinct = new Set(good.map((key) => key.canonicalId)).size;
  return {
    ok: distinct >= role.threshold && !unusableOf(role).some(([, { bars }]) => bars),
    signedBy: [...new Set(good.map((key) => key.id))],
    distinct,
    threshold: role.threshold,
  };
}

/**
 * {@linkcode checkSignatures}, failing closed.
 *
 * @throws {TagsealError} `trust-invalid`; `whose` says in the message whose keys were asked for
 */
export async function requireSigned(
  envelope: Envelope,
  role: RoleKeys,
  name: string,
  whose: string,
  seen?: KnownSignatures,
): Promise<void> {
  const fault = await signatureFault(envelope, role, name, whose, seen);
  if (fault) throw fault;
}

/** What is wrong with the signatures; `whose` says in the message whose keys were asked for. */
export async function signatureFault(
  envelope: Envelope,
  role: RoleKeys,
  name: string,
  whose: string,
  seen?: KnownSignatures,
): Promise<TagsealError | undefined> {
  const report = await checkSignatures(envelope, role, seen);
  if (report.ok) return undefined;
  return new TagsealError(
    "trust-invalid",
    `The trust data of "${name}" is not signed by ${whose}: ${report.distinct} of ${report.threshold} needed ` +
      `signatures are good${unusableOf(role).map(described).join("")}`,
    {
      remedy: "Do not use this data: it may have been tampered with. Tell the repository's administrator",
      details: { role: name, good: report.distinct, threshold: report.threshold },
      reason: "role",
    },
  );
}

function unusableOf(role: RoleKeys): [KeyId, UnusableKey][] {
  return [...role.unusable ?? []];
}

function described([id, { reason, bars }]: [KeyId, UnusableKey]): string {
  return `; the key ${id.slice(0, 7)}… ${bars ? "must not stand there" : "does not count"}: ${reason}`;
}
