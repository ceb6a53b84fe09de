/** Two key stores as one: new keys go where their role says, keys that exist are found wherever they are. @module */
import type { KeyInfo, KeyPlace, KeyStore } from "./keystore.ts";

/** Joins the file store and another one, which gets the new keys of `roles`. */
export function routedKeyStore(files: KeyStore, other: KeyStore, roles: ReadonlySet<string>): KeyStore {
  return {
    create: (info) => (roles.has(info.role) ? other : files).create(info),
    async list(): Promise<KeyInfo[]> {
      return [...await files.list(), ...await other.list()];
    },
    async places(): Promise<KeyPlace[]> {
      const elsewhere = await other.places?.().catch(() => []) ?? []; // a token that is not there holds nothing
      return [...await files.places?.() ?? [], ...elsewhere];
    },
    async open(id) {
      const inFiles = (await files.list()).some((key) => key.id === id);
      const elsewhere = !inFiles && (await other.list()).some((key) => key.id === id);
      return await (elsewhere ? other : files).open(id);
    },
  };
}
