/** The keys of roles, as root and targets files hold them. @module */
import { type KeyId, type PublicKey, readPublicKey } from "../crypto/keys.ts";
import { ShortKey } from "../crypto/spki.ts";
import { isBrokenlySigned } from "../crypto/x509.ts";
import { messageOf } from "../errors.ts";
import type { RoleKeys, UnusableKey } from "./models.ts";
import { MAX_LIST, type Place } from "./place.ts";

/** A key that a role names; `undefined` where the file does not have it. */
export type KeyReader = (id: KeyId) => PublicKey | UnusableKey | undefined;

/**
 * The keys of a file. One that no role names may be of any kind; one that cannot be used concerns its roles only.
 *
 * @throws {TagsealError} `trust-invalid` where it is no key at all
 */
export function keyReader(place: Place): KeyReader {
  const entries = new Map(place.members());
  if (entries.size > MAX_LIST) throw place.fail(`at most ${MAX_LIST} keys are read`);
  for (const at of entries.values()) {
    const value = at.member("keyval");
    at.member("keytype").text();
    value.member("public").base64();
    if (value.member("private").value) value.member("private").base64();
  }
  const read = new Map<KeyId, PublicKey | UnusableKey>();
  return (id) => {
    const at = entries.get(id);
    if (!at) return undefined;
    const key = read.get(id) ?? readKey(id, at);
    read.set(id, key);
    return key;
  };
}

/** Notary refuses the whole delegation, too, where this says `bars`; keys of other kinds it passes over, like this. */
function readKey(id: KeyId, at: Place): PublicKey | UnusableKey {
  const isOfDelegation = at.role !== "root";
  try {
    const key = readPublicKey(at.object());
    if (key.id !== id) return { reason: `its id is ${key.id}`, bars: true };
    // Root says for itself what becomes of such certificates: those of root keys do not count.
    if (isOfDelegation && key.certificate && isBrokenlySigned(key.certificate)) {
      return { reason: "its certificate is signed with a broken hash", bars: true };
    }
    return key;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const isCertificate = at.member("keytype").text().endsWith("-x509");
    return { reason: messageOf(error), bars: isOfDelegation && isCertificate && error instanceof ShortKey };
  }
}

/** Keys and threshold of a role. @throws {TagsealError} `trust-invalid` */
export function readRoleKeys(place: Place, keyOf: KeyReader): RoleKeys {
  const keys = new Map<KeyId, PublicKey>(), unusable = new Map<KeyId, UnusableKey>();
  for (const at of place.member("keyids").list()) {
    const id = at.text();
    const key = keyOf(id);
    if (!key) throw at.fail("this key is not among the file's keys");
    if ("reason" in key) unusable.set(id, key);
    else keys.set(id, key);
  }
  return { keys, threshold: place.member("threshold").integer(1), ...(unusable.size > 0 ? { unusable } : {}) };
}
