/** Which keys live on a PKCS#11 token, and how that is found and opened: flags, variables, PIN. @module */
import { isTagsealError, TagsealError } from "../errors.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import type { KeyId } from "../crypto/keys.ts";
import type { HashSigner } from "../crypto/signer.ts";
import { routedKeyStore } from "../keystore/routed_keystore.ts";
import { choice, text, type Values } from "./flags.ts";
import { remedyOf } from "./hints.ts";
import type { Host } from "./host.ts";

/** Where private keys are kept. */
const PLACES = ["file", "pkcs11"] as const;

/** Which token, and how to reach it. */
export const tokenFlags = {
  pkcs11Module: text(
    "--pkcs11-module <file>",
    "for keys on a token: its PKCS#11 module (else YubiKey's, SoftHSM's or OpenSC's where they usually are)",
    "TAGSEAL_PKCS11_MODULE",
  ),
  pkcs11Token: text("--pkcs11-token <label>", "for keys on a token: its label, where there are several"),
};

/** Where keys live, and which token. */
export const keyStoreFlags = {
  rootKeyStore: choice("--root-key-store <place>", "where the root key lives: file, or pkcs11 for a token", PLACES),
  targetsKeyStore: choice("--targets-key-store <place>", "where the targets key lives: file or pkcs11", PLACES),
  ...tokenFlags,
};

/** For new root keys on tokens whose user cannot make keys. */
export const existingRootKeyFlag = {
  pkcs11RootKey: text("--pkcs11-root-key <id>", "P-256 key on the token (CKA_ID in hex) that becomes the root key"),
};

/** Values of these flags; a command without them uses files alone. */
export type KeyStoreValues = Partial<Values<typeof keyStoreFlags> & Values<typeof existingRootKeyFlag>>;

/** The keys of files, and those of a token where flags or variables name one. It is closed with the host. */
export function withToken(files: KeyStore, values: KeyStoreValues, host: Host): KeyStore {
  const { pkcs11Module, pkcs11Token, pkcs11RootKey } = values;
  const roles = new Set<string>();
  if (values.rootKeyStore === "pkcs11") roles.add("root");
  if (values.targetsKeyStore === "pkcs11") roles.add("targets");
  if (pkcs11RootKey !== undefined && !roles.has("root")) {
    throw new TagsealError("usage", "--pkcs11-root-key names a key on a token, and the root key is kept in a file", {
      remedy: "Add --root-key-store pkcs11, or leave --pkcs11-root-key out",
    });
  }
  if (roles.size === 0 && pkcs11Module === undefined && pkcs11Token === undefined) return files;
  return routedKeyStore(
    files,
    roles.size > 0 ? openToken(values, host) : optional(openToken(values, host), host),
    roles,
  );
}

/** The keys of a token, which sign digests. */
export interface TokenKeyStore extends KeyStore {
  /** A signer for a key. */
  open(id: KeyId): Promise<HashSigner>;
}

/** The keys of the token that flags or variables name, or of the only one there is: loaded and opened when first asked. */
export function openToken(values: KeyStoreValues, host: Host): TokenKeyStore {
  let opened: Promise<TokenKeyStore> | undefined;
  const token = () => opened ??= import("./token.ts").then(({ createToken }) => createToken(values, host));
  return {
    create: async (info) => await (await token()).create(info),
    list: async () => await (await token()).list(),
    places: async () => await (await token()).places?.() ?? [],
    open: async (id) => await (await token()).open(id),
  };
}

/** A module that is only named, perhaps by a variable that is always set: without its token the files still count. */
function optional(token: KeyStore, host: Host): KeyStore {
  let told = false;
  return {
    ...token,
    async list() {
      try {
        return await token.list();
      } catch (error) {
        if (!isTagsealError(error, "not-found") && !isTagsealError(error, "forbidden")) throw error;
        if (!told) host.warn(`only key files were looked at. ${error.message}. ${remedyOf(error)}`);
        told = true;
        return [];
      }
    },
  };
}
