/** The keys of an admin, wherever they are kept. @module */
import type { Bytes } from "../bytes/bytes.ts";
import type { KeyId } from "../crypto/keys.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import type { KeyInfo, KeyStore } from "../keystore/keystore.ts";
import { parseRoot } from "../tuf/parse.ts";
import { canonicalIds } from "./inspect_repository.ts";

const ROLES = ["root", "targets", "snapshot"];

/** The keys of all `stores`: root first, then targets, then the others; within a role by repository. */
export async function listKeys(stores: readonly KeyStore[]): Promise<KeyInfo[]> {
  const rank = ({ role }: KeyInfo) => (ROLES.indexOf(role) + ROLES.length + 1) % (ROLES.length + 1);
  const order = (key: KeyInfo) => `${rank(key)} ${key.role} ${key.gun ?? ""} ${key.id}`;
  return (await Promise.all(stores.map((store) => store.list()))).flat().sort((a, b) => order(a) < order(b) ? -1 : 1);
}

/** The repositories whose root names a key, by the key's canonical id; `roots` are what lies in a trust directory. */
export function repositoriesOfRootKeys(roots: ReadonlyMap<string, Bytes>): ReadonlyMap<KeyId, readonly string[]> {
  const found = new Map<KeyId, string[]>();
  for (const [gun, bytes] of roots) {
    for (const id of rootKeysOf(bytes)) found.set(id, [...found.get(id) ?? [], gun]);
  }
  return found;
}

function rootKeysOf(root: Bytes): readonly KeyId[] {
  try {
    return canonicalIds(parseRoot(root).roles.root);
  } catch (error) {
    if (isTagsealError(error)) return []; // what is damaged is told by those who need it
    throw error;
  }
}

/**
 * The key with this id, or the only one whose id starts so.
 *
 * @throws {TagsealError} `not-found`; `usage` where several start so
 */
export function findKey(keys: readonly KeyInfo[], idOrPrefix: string): KeyInfo {
  const wanted = idOrPrefix.toLowerCase();
  const found = /^[0-9a-f]{4,64}$/.test(wanted) ? keys.filter(({ id }) => id.startsWith(wanted)) : [];
  if (found.length === 1) return found[0]!;
  const [code, what] = found.length === 0 ? ["not-found", "is not here"] as const : ["usage", "is not unique"] as const;
  throw new TagsealError(code, `The key "${idOrPrefix.slice(0, 64)}" ${what}`, {
    remedy: "Give the id of a key that is here, or its first digits (4 at least)",
    next: { do: "list-keys" },
    details: { keyIds: (found.length > 0 ? found : keys).map(({ id }) => id) },
  });
}
