/**
 * Keys on a PKCS#11 token: a YubiKey, an HSM, SoftHSM. They are made there, and only signatures leave it.
 *
 * A key that is made here carries `tagseal <role> <GUN>` as its label and its canonical key id as CKA_ID, where the
 * token lets them be set. Keys that other tools made, ECDSA or RSA, are found by their public part or a certificate.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { equalBytes } from "../bytes/bytes.ts";
import type { KeyId } from "../crypto/keys.ts";
import type { HashSigner } from "../crypto/signer.ts";
import { TagsealError } from "../errors.ts";
import type { KeyInfo, KeyStore, NewKey } from "./keystore.ts";
import { CKA, CKM, type Handle } from "./pkcs11_addon.ts";
import { keyOfObject, keysOf, privateKeyOf, type TokenKey } from "./pkcs11_keys.ts";
import { tokenSigner } from "./pkcs11_signer.ts";
import { Token, type TokenOptions } from "./pkcs11_token.ts";

/** A token as a key store. */
export interface Pkcs11Options extends TokenOptions {
  /**
   * For tokens whose user cannot make keys. By role, a P-256 key that is on the token already and takes the place of
   * the one `create` would make: its object id (CKA_ID) in hex, as `pkcs11-tool -O` shows it, or its canonical key id.
   */
  readonly existingKeys?: ReadonlyMap<string, string>;
  /** Told before each signature, as the token may wait for a touch. */
  onSign?(token: string): void;
}

/** A key store that holds a module and sessions until it is disposed of. */
export interface Pkcs11KeyStore extends KeyStore, Disposable {
  /**
   * A signer for a key of the token, whoever made it; asks for the PIN, once.
   *
   * @throws {TagsealError} `not-found`, `bad-input` (several private keys, or one that may not sign)
   */
  open(id: KeyId): Promise<HashSigner>;
}

const P256 = Uint8Array.fromHex("06082a8648ce3d030107");
const LABEL = /^tagseal ([a-z]{1,20})(?: (\S{1,300}))?$/;

/**
 * The keys of a token. It is looked for at the first use; listing needs no PIN.
 *
 * @throws {TagsealError} what {@linkcode Token.open} throws, from each method; from those that need the PIN what
 * {@linkcode Token.login} throws
 */
export function createPkcs11KeyStore(options: Pkcs11Options): Pkcs11KeyStore {
  let opening: Promise<Token> | undefined;
  let current: Token | undefined;
  let closed = false;
  /** One at a time: two that begin at once must not both ask for the PIN. */
  const withToken = async <T>(use: (token: Token) => T | Promise<T>): Promise<T> => {
    const token = current = await (opening ??= Token.open(options));
    if (closed) token[Symbol.dispose](); // while it was being looked for
    return await token.inTurn(() => use(token));
  };

  async function signerOf(token: Token, key: TokenKey): Promise<HashSigner> {
    await token.login();
    return tokenSigner(token, key.publicKey, privateKeyOf(token, key), () => options.onSign?.(token.label));
  }

  return {
    create: (info) =>
      withToken(async (token) => {
        const named = options.existingKeys?.get(info.role);
        if (named !== undefined) {
          const signer = await signerOf(token, existing(token, named));
          return { signer, discard: () => Promise.resolve() }; // it was not made here
        }
        await token.login();
        return await generate(token, info, options);
      }),

    list: () =>
      withToken((token) => keysOf(token).map((key) => infoOf(key, token.label)).sort((a, b) => a.id < b.id ? -1 : 1)),

    open: (id) =>
      withToken(async (token) => {
        const key = keysOf(token).find(({ publicKey }) => publicKey.canonicalId === id);
        if (key) return await signerOf(token, key);
        throw new TagsealError("not-found", `The key ${id.slice(0, 7)}… is not on the token "${token.label}"`, {
          remedy: "Plug in the token that holds it, and name it",
          next: { do: "name-token-of-key" },
          details: { keyId: id, token: token.label },
        });
      }),

    places: () => withToken((token) => [{ kind: "token", label: token.label }]),

    [Symbol.dispose]() {
      closed = true;
      current?.[Symbol.dispose]();
    },
  };
}

function infoOf({ publicKey, label }: TokenKey, token: string): KeyInfo {
  const [, role = "", gun] = LABEL.exec(label) ?? [];
  return { id: publicKey.canonicalId, role, ...(gun ? { gun } : {}), token };
}

function existing(token: Token, wanted: string): TokenKey {
  const id = wanted.toLowerCase();
  const fits = ({ publicKey, objectId }: TokenKey) => publicKey.canonicalId === id || objectId?.toHex() === id;
  const keys = keysOf(token);
  const [key, ...more] = keys.filter(fits);
  const { shape } = key?.publicKey ?? {};
  if (key && more.length === 0 && shape?.family === "ecdsa" && shape.curve === "P-256") return key;
  const ids = keys.map(({ objectId, publicKey }) => objectId?.toHex() ?? publicKey.canonicalId);
  const there = ids.length > 0 ? ids.join(", ") : "none";
  throw new TagsealError(
    "not-found",
    `The token "${token.label}" has no P-256 key "${wanted.slice(0, 80)}"; its keys: ${there}`,
    {
      remedy: "Give the id of one of these, or make a key with the token's own tool",
      details: { token: token.label, keyIds: ids },
    },
  );
}

async function generate(
  token: Token,
  info: { readonly role: string; readonly gun?: string },
  options: Pkcs11Options,
): Promise<NewKey> {
  const label = Buffer.from(["tagseal", info.role, ...(info.gun ? [info.gun] : [])].join(" "));
  const common = [{ type: CKA.TOKEN, value: true }, { type: CKA.LABEL, value: label }];
  const publicTemplate = [
    ...common,
    { type: CKA.PRIVATE, value: false }, // so that it can be found without the PIN
    { type: CKA.VERIFY, value: true },
    { type: CKA.EC_PARAMS, value: Buffer.from(P256) },
  ];
  const privateTemplate = [
    ...common,
    { type: CKA.PRIVATE, value: true },
    { type: CKA.SENSITIVE, value: true },
    { type: CKA.EXTRACTABLE, value: false },
    { type: CKA.SIGN, value: true },
  ];
  // Not to be interrupted: a key that nobody waits for would stay on the token.
  const pair = await token.callLong(
    "make a key",
    (module, session) =>
      module.C_GenerateKeyPairAsync(session, { mechanism: CKM.EC_KEY_PAIR_GEN }, publicTemplate, privateTemplate),
    { write: true, interruptible: false },
  );
  const discard = async () => {
    await token.idle();
    for (const object of [pair.privateKey, pair.publicKey]) {
      token.call("remove the key", (module, session) => module.C_DestroyObject(session, object), true);
    }
  };
  try {
    options.signal.throwIfAborted();
    const key = keyOfObject(token, pair.publicKey);
    if (!key) {
      throw new TagsealError("bad-input", `The token "${token.label}" does not show the public key that it made`, {
        remedy: "Use another PKCS#11 module for this token",
        details: { token: token.label },
      });
    }
    nameById(token, [pair.publicKey, pair.privateKey], key.publicKey.canonicalId);
    const signer = tokenSigner(token, key.publicKey, pair.privateKey, () => options.onSign?.(token.label));
    return { signer, discard: () => token.inTurn(discard) };
  } catch (error) {
    await discard();
    throw error;
  }
}

/** The id is known once the key is there. Where the token keeps its own ids, keys are found by their public part. */
function nameById(token: Token, objects: readonly Handle[], id: KeyId): void {
  const value = Buffer.from(id, "hex");
  try {
    for (const object of objects) {
      token.call(
        "be used",
        (module, session) => module.C_SetAttributeValue(session, object, [{ type: CKA.ID, value }]),
        true,
      );
    }
  } catch (error) {
    const ids = objects.map((object) => token.attribute(object, CKA.ID) ?? new Uint8Array());
    if (!equalBytes(ids[0]!, ids[1]!)) throw error; // half named: the pair could not be told to be one
  }
}
