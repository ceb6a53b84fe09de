/**
 * A program: what all keys of a token sign, by the key store. Its arguments are the addon's folder, the module, the
 * token's label and its PIN. It is a process of its own, as a module is initialized once for a process.
 *
 * @module
 */
import { utf8 } from "../../lib/bytes/bytes.ts";
import { hash } from "../../lib/crypto/hash.ts";
import type { SignatureRules } from "../../lib/crypto/signature_rules.ts";
import { TagsealError } from "../../lib/errors.ts";
import { loadPkcs11Addon } from "../../lib/keystore/pkcs11_addon.ts";
import { createPkcs11KeyStore } from "../../lib/keystore/pkcs11_keystore.ts";

/** What each key signs. */
export const PAYLOAD = utf8('{"payload":1}');

/** The rules by which each key signs it as well. */
export const RULES: readonly SignatureRules[] = (["sha256", "sha384", "sha512"] as const).flatMap((hash) =>
  (["pkcs1", "pss"] as const).map((rsaPadding) => ({ hash, rsaPadding }))
);

/**
 * What a key did: signatures of the payload, of its hash, and of its hash with PSS where it is an RSA key, and of the
 * payload by each of the rules; or why not.
 */
export interface TokenSignatures {
  readonly id: string;
  readonly signed: readonly { readonly method: string; readonly base64: string }[];
  readonly byRules: readonly string[];
  readonly error?: string;
}

if (import.meta.main) {
  const [addon = "", module = "", tokenLabel = "", pin = ""] = Deno.args;
  using store = createPkcs11KeyStore({
    addon: () => loadPkcs11Addon(addon),
    modulePaths: [module],
    tokenLabel,
    askPin: () => Promise.resolve(pin),
    signal: new AbortController().signal,
  });
  const digest = hash("sha256", PAYLOAD);
  const keys = await Promise.all((await store.list()).map(async ({ id }): Promise<TokenSignatures> => {
    try {
      const signer = await store.open(id);
      const all = [signer.sign(PAYLOAD), signer.signHash(digest), signer.signHash(digest, "rsapss")];
      const signed = (await Promise.all(all)).map(({ method, bytes }) => ({ method, base64: bytes.toBase64() }));
      const byRules = await Promise.all(RULES.map((rules) => signer.sign(PAYLOAD, rules)));
      return { id, signed, byRules: byRules.map(({ bytes }) => bytes.toBase64()) };
    } catch (error) {
      if (!(error instanceof TagsealError)) throw error;
      return { id, signed: [], byRules: [], error: error.message };
    }
  }));
  await Deno.stdout.write(utf8(JSON.stringify(keys)));
  Deno.exit(); // as the program ends, and for its reason: see tasks/main.ts
}
