/**
 * Which root keys count, and which root is the right one: the two decisions that everything else hangs from.
 *
 * Root keys are certificates. For a GUN only those certificates count that name it (CN = GUN, or a prefix ending in
 * `*`), are valid now (a day of leeway at the start), are no CA, are for signatures, are not signed with MD5 or SHA-1
 * and bear no false self-signature; the others are ignored, and one at least must remain (Notary `trustpinning/trustpin.go`, `trustpinning/certs.go`).
 *
 * @module
 */
import { text } from "../bytes/bytes.ts";
import type { JsonObject } from "../bytes/json.ts";
import { chainsTo } from "../crypto/chain.ts";
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import { KnownSignatures } from "../crypto/known_signatures.ts";
import { type Certificate, isBrokenlySigned, readBundle } from "../crypto/x509.ts";
import { type ByClock, TagsealError } from "../errors.ts";
import type { RoleKeys, Root } from "./models.ts";
import { checkSignatures, requireSigned } from "./threshold.ts";

const DAY_MS = 86_400_000;

/** A root key that must have signed: the key itself, or one certificate of it. */
export interface KeyPin {
  /** The key's canonical id. */
  readonly keyId: KeyId;
  /** DER of the certificate in hex, where the pin is a whole certificate. */
  readonly certificateDerHex?: string;
}

/** A CA that must have issued the certificate of a root key that signed (Notary's `trust_pinning.ca`). */
export interface CaPin {
  /** The CA's certificate. */
  readonly ca: Certificate;
}

/** What a root is held to: one pin; any one of several; or `"required"`: none is known, and first use is refused. */
export type RootPin = KeyPin | CaPin | { readonly anyOf: readonly (KeyPin | CaPin)[] } | "required";

/**
 * The root role with the keys that count for `gun` at the time `at`.
 *
 * @throws {TagsealError} `trust-invalid` where no key remains
 */
export async function usableRootKeys(
  root: Root,
  gun: string,
  at: Date,
  seen = new KnownSignatures(),
): Promise<RoleKeys> {
  const { keys, unusable = new Map() } = root.roles.root;
  const reasons = [...unusable.values()].map(({ reason }) => reason);
  let byClock: ByClock | undefined;
  const usable = new Map<KeyId, PublicKey>();
  for (const [id, key] of keys) {
    const fault = await faultOf(key, gun, at, seen);
    if (!fault) usable.set(id, key);
    else reasons.push(fault.why);
    byClock ??= fault?.byClock;
  }
  if (usable.size > 0) return { ...root.roles.root, keys: usable };
  throw new TagsealError(
    "trust-invalid",
    `The root of "${gun}" has no usable certificate: ${reasons.join("; ") || "it names no root key"}`,
    {
      remedy: `${
        byClock ? "Check this machine's clock. If it is right, do" : "Do"
      } not use this data. The repository's administrator can rotate the root key`,
      details: { repository: gun },
      byClock,
    },
  );
}

async function faultOf(
  key: PublicKey,
  gun: string,
  at: Date,
  seen: KnownSignatures,
): Promise<{ why: string; byClock?: ByClock } | undefined> {
  const why = await whyUnusable(key, gun, seen);
  if (why !== undefined) return { why };
  const { notBefore, notAfter } = key.certificate!;
  if (at >= notAfter) return { why: `a certificate expired on ${notAfter.toISOString()}`, byClock: "over" };
  if (at.getTime() + DAY_MS < notBefore.getTime()) return { why: "a certificate is not valid yet", byClock: "early" };
  return undefined;
}

async function whyUnusable(key: PublicKey, gun: string, seen: KnownSignatures): Promise<string | undefined> {
  const certificate = key.certificate;
  if (!certificate) return "a root key is not a certificate";
  if (!isFor(key, gun)) return `a certificate is for "${certificate.commonName.slice(0, 300)}"`;
  if (certificate.isCa) return "a certificate is a CA";
  if (isBrokenlySigned(certificate)) return "a certificate is signed with a broken hash";
  if (certificate.isNotForSigning) return "a certificate is not for signatures";
  if (await seen.isForged(certificate)) return "a certificate is not signed by its own key, though it says so";
  return undefined;
}

/** Whether a root holds a pin: a key that fits it is among the root keys for `gun`, and has signed. */
export async function isPinned(
  root: Root,
  gun: string,
  pin: RootPin,
  at: Date,
  seen?: KnownSignatures,
): Promise<boolean> {
  return (await checkSignatures(root.envelope, { keys: pinnedKeys(root, gun, pin, at), threshold: 1 }, seen)).ok;
}

/**
 * Holds `root` to a pin: a key that fits must be a root key and must have signed. That it is listed proves nothing, since
 * anybody can list a public key beside one of their own (Notary counts the pinned certificates alone, too).
 *
 * @throws {TagsealError} `trust-invalid`
 */
export async function requirePinned(
  root: Root,
  gun: string,
  pin: RootPin,
  at: Date,
  seen?: KnownSignatures,
): Promise<void> {
  const keys = pinnedKeys(root, gun, pin, at);
  if (keys.size > 0) return await requireSigned(root.envelope, { keys, threshold: 1 }, "root", "the pinned key", seen);
  const served = [...new Set([...root.roles.root.keys.values()].map((key) => key.canonicalId))];
  const pinned = namesOf(pin);
  const which = pinned.some((id) => served.includes(id))
    ? `it has the key ${served.join(", ")} in another certificate than the pin's`
    : `it has the key ${served.join(", ")}, and the pin is ${pinned.join(" or ") || "none"}`;
  throw new TagsealError("trust-invalid", `The root of "${gun}" is not the pinned one: ${which}`, {
    remedy: "Compare both with the repository's administrator. If the pin is right, the server shows a forged root",
    details: { repository: gun, pinned, served },
  });
}

function pinnedKeys(root: Root, gun: string, pin: RootPin, at: Date): Map<KeyId, PublicKey> {
  return new Map([...root.roles.root.keys].filter(([, key]) => isFor(key, gun) && fits(key, pin, at)));
}

function fits(key: PublicKey, pin: RootPin, at: Date): boolean {
  if (pin === "required") return false;
  if ("anyOf" in pin) return pin.anyOf.some((each) => fits(key, each, at));
  if ("ca" in pin) return chainsTo(bundleOf(key), pin.ca, at);
  return key.canonicalId === pin.keyId &&
    (pin.certificateDerHex === undefined || key.certificate?.der.toHex() === pin.certificateDerHex);
}

/** Root keys of one administrator often serve many repositories; the certificate says for which one a key speaks. */
function isFor(key: PublicKey, gun: string): boolean {
  const name = key.certificate?.commonName;
  return name !== undefined && (name === gun || (name.endsWith("*") && gun.startsWith(name.slice(0, -1))));
}

/** The certificate of a key that comes as one, and the CAs that came with it. */
function bundleOf(key: PublicKey): readonly Certificate[] {
  const { public: pem } = key.json["keyval"] as JsonObject;
  return readBundle(text(Uint8Array.fromBase64(pem as string)));
}

function namesOf(pin: RootPin): string[] {
  if (pin === "required") return [];
  if ("anyOf" in pin) return pin.anyOf.flatMap(namesOf);
  return ["ca" in pin ? pin.ca.subject : pin.keyId];
}
