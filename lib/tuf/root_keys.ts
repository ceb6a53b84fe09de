/**
 * Which root keys count, and which root is the right one: the two decisions that everything else hangs from.
 *
 * Root keys are certificates. For a GUN only those certificates count that name it (CN = GUN, or a prefix ending in
 * `*`), are valid now (a day of leeway at the start), are no CA, are for signatures, are not signed with MD5 or SHA-1
 * and bear no false self-signature; the others are ignored, and one at least must remain (Notary `trustpinning/trustpin.go`, `trustpinning/certs.go`).
 *
 * @module
 */
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import { isBrokenlySigned, isForged } from "../crypto/x509.ts";
import { TagsealError } from "../errors.ts";
import type { RoleKeys, Root } from "./models.ts";

const DAY_MS = 86_400_000;

/** The one root to accept on first sight. */
export interface RootPin {
  /** The canonical id of a root key that must be among the keys of the root. */
  readonly keyId: KeyId;
  /** DER of the certificate in hex, where the pin is a whole certificate. */
  readonly certificateDerHex?: string;
}

/**
 * The root role with the keys that count for `gun` at the time `at`.
 *
 * @throws {TagsealError} `trust-invalid` where no key remains
 */
export function usableRootKeys(root: Root, gun: string, at: Date): RoleKeys {
  const { keys, threshold } = root.roles.root;
  const reasons: string[] = [];
  const usable = new Map<KeyId, PublicKey>();
  for (const [id, key] of keys) {
    const reason = whyUnusable(key, gun, at);
    if (reason) reasons.push(reason);
    else usable.set(id, key);
  }
  if (usable.size > 0) return { keys: usable, threshold };
  throw new TagsealError("trust-invalid", `The root of "${gun}" has no usable certificate: ${reasons.join("; ")}`, {
    remedy: "Do not use this data. The repository's administrator can rotate the root key",
    details: { gun },
  });
}

function whyUnusable(key: PublicKey, gun: string, at: Date): string | undefined {
  const certificate = key.certificate;
  if (!certificate) return "a root key is not a certificate";
  const name = certificate.commonName;
  const wildcard = name.endsWith("*") && gun.startsWith(name.slice(0, -1));
  if (name !== gun && !wildcard) return `a certificate is for "${name.slice(0, 300)}"`;
  if (certificate.isCa) return "a certificate is a CA";
  if (isBrokenlySigned(certificate)) return "a certificate is signed with a broken hash";
  if (certificate.isNotForSigning) return "a certificate is not for signatures";
  if (isForged(certificate)) return "a certificate is not signed by its own key, though it says so";
  if (at >= certificate.notAfter) return `a certificate expired on ${certificate.notAfter.toISOString()}`;
  if (at.getTime() + DAY_MS < certificate.notBefore.getTime()) return "a certificate is not valid yet";
  return undefined;
}

/**
 * Holds `root` to a pin.
 *
 * @throws {TagsealError} `trust-invalid`
 */
export function requirePinned(root: Root, gun: string, pin: RootPin): void {
  const keys = [...root.roles.root.keys.values()];
  const found = keys.some((key) =>
    key.canonicalId === pin.keyId &&
    (pin.certificateDerHex === undefined || key.certificate?.der.toHex() === pin.certificateDerHex)
  );
  if (found) return;
  throw new TagsealError("trust-invalid", `The root of "${gun}" is not the pinned one`, {
    remedy: "Compare the pin with the repository's administrator. If they agree, the server shows a forged root",
    details: { gun, pinned: pin.keyId, served: keys.map((key) => key.canonicalId) },
  });
}
