/**
 * Keys on a PKCS#11 token: a YubiKey, an HSM, SoftHSM. They are made there, and only signatures leave it.
 *
 * A key that is made here carries `tagseal <role> <GUN>` as its label and its canonical key id as CKA_ID, where the
 * token lets them be set. Keys that other tools made are found by their public part.
 *
 * @see PKCS#11 v2.40: 4.9 private keys, Mechanisms 2.3 for ECDSA (r‖s, EC_POINT as a DER OCTET STRING)
 * @module
 */
import { Buffer } from "node:buffer";
import { type Bytes, concat, equalBytes, text, utf8 } from "../bytes/bytes.ts";
import { verifySignature } from "../crypto/algorithms.ts";
import { derElements } from "../crypto/der.ts";
import { hash } from "../crypto/hash.ts";
import { type KeyId, keyOfSpki, type PublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { TagsealError } from "../errors.ts";
import type { KeyInfo, KeyStore, NewKey } from "./keystore.ts";
import { CKA, CKK, CKM, CKO, type Handle } from "./pkcs11_addon.ts";
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
export interface Pkcs11KeyStore extends KeyStore, Disposable {}

interface TokenKey {
  readonly publicKey: PublicKey;
  readonly label: string;
  readonly objectId: Bytes | undefined;
}

const P256 = Uint8Array.fromHex("06082a8648ce3d030107");
const EC_PUBLIC_KEY = Uint8Array.fromHex("06072a8648ce3d0201");
const LABEL = /^tagseal ([a-z]{1,20})(?: (\S{1,300}))?$/;
const SIGNATURE_BYTES = 132;

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
  const open = async () => {
    current = await (opening ??= Token.open(options));
    if (closed) current[Symbol.dispose](); // while it was being looked for
    return current;
  };

  async function signerOf(token: Token, key: TokenKey): Promise<Signer> {
    await token.login();
    const privateKey = privateKeyOf(token, key);
    return signer(token, key.publicKey, privateKey, () => options.onSign?.(token.label));
  }

  return {
    async create(info) {
      const token = await open();
      const named = options.existingKeys?.get(info.role);
      if (named !== undefined) {
        const signer = await signerOf(token, existing(token, named));
        return { signer, discard: () => Promise.resolve() }; // it was not made here
      }
      await token.login();
      return await generate(token, info, options);
    },

    async list() {
      return keysOf(await open()).map(infoOf).sort((a, b) => a.id < b.id ? -1 : 1);
    },

    async open(id) {
      const token = await open();
      const key = keysOf(token).find(({ publicKey }) => publicKey.canonicalId === id);
      if (key) return await signerOf(token, key);
      throw new TagsealError("not-found", `The key ${id.slice(0, 7)}… is not on the token "${token.label}"`, {
        remedy: "Plug in the token that holds it, and name it with --pkcs11-token",
        details: { keyId: id, token: token.label },
      });
    },

    [Symbol.dispose]() {
      closed = true;
      current?.[Symbol.dispose]();
    },
  };
}

function infoOf({ publicKey, label }: TokenKey): KeyInfo {
  const [, role = "", gun] = LABEL.exec(label) ?? [];
  return { id: publicKey.canonicalId, role, ...(gun ? { gun } : {}) };
}

/** The elliptic curve keys whose public part the token shows, each once. */
function keysOf(token: Token): TokenKey[] {
  const found = new Map<KeyId, TokenKey>();
  const template = [{ type: CKA.CLASS, value: CKO.PUBLIC_KEY }, { type: CKA.KEY_TYPE, value: CKK.EC }];
  for (const object of token.find(template)) {
    const key = readKey(token, object);
    if (key && !found.has(key.publicKey.canonicalId)) found.set(key.publicKey.canonicalId, key);
  }
  return [...found.values()];
}

function readKey(token: Token, object: Handle): TokenKey | undefined {
  const curve = token.attribute(object, CKA.EC_PARAMS);
  const point = token.attribute(object, CKA.EC_POINT);
  const label = token.attribute(object, CKA.LABEL);
  if (!curve || !point) return undefined;
  try {
    return {
      publicKey: keyOfSpki(spkiOf(curve, rawPoint(point))),
      label: label ? text(label) : "",
      objectId: token.attribute(object, CKA.ID),
    };
  } catch (error) {
    // On a curve that Notary does not know, or with a label that is no text: nobody's key here.
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The point 04‖x‖y. The standard wraps it in an OCTET STRING, which some modules leave out. */
function rawPoint(value: Bytes): Bytes {
  if (value[0] === 0x04 && value.length % 2 === 1 && [65, 97, 133].includes(value.length)) return value;
  const [octets, ...rest] = derElements(value);
  if (octets?.tag === 0x04 && rest.length === 0) return octets.content;
  throw new SyntaxError("not a point");
}

function spkiOf(curve: Bytes, point: Bytes): Bytes {
  const der = (tag: number, content: Bytes) =>
    concat(
      content.length < 0x80 ? Uint8Array.of(tag, content.length) : Uint8Array.of(tag, 0x81, content.length),
      content,
    );
  return der(0x30, concat(der(0x30, concat(EC_PUBLIC_KEY, curve)), der(0x03, concat(Uint8Array.of(0), point))));
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

function privateKeyOf(token: Token, { publicKey, label, objectId }: TokenKey): Handle {
  const kind = [{ type: CKA.CLASS, value: CKO.PRIVATE_KEY }, { type: CKA.KEY_TYPE, value: CKK.EC }];
  const sameId = objectId ? token.find([...kind, { type: CKA.ID, value: Buffer.from(objectId) }]) : [];
  const found = sameId.length > 0
    ? sameId
    : token.find([...kind, { type: CKA.LABEL, value: Buffer.from(utf8(label)) }]);
  if (found.length === 1) return found[0]!;
  const how = found.length === 0 ? "no private key" : "several private keys";
  throw new TagsealError(
    found.length === 0 ? "not-found" : "bad-input",
    `The token "${token.label}" has ${how} for the key ${publicKey.canonicalId.slice(0, 7)}…`,
    {
      remedy: "Give the private key and its public key the same id (CKA_ID) with the token's own tool",
      details: { token: token.label, keyId: publicKey.canonicalId },
    },
  );
}

function signer(token: Token, publicKey: PublicKey, privateKey: Handle, onSign: () => void): Signer {
  const always = token.attribute(privateKey, CKA.ALWAYS_AUTHENTICATE)?.[0] === 1;
  return {
    publicKey,
    async sign(payload) {
      const digest = Buffer.from(hash("sha256", payload));
      onSign();
      token.call("sign", (module, session) => module.C_SignInit(session, { mechanism: CKM.ECDSA }, privateKey));
      if (always) token.loginForOneSignature();
      const out = Buffer.alloc(SIGNATURE_BYTES);
      const bytes = new Uint8Array(
        await token.callLong("sign", (module, session) => module.C_SignAsync(session, digest, out), {
          interruptible: true,
        }),
      );
      if (await verifySignature("ecdsa", publicKey, payload, bytes)) return { method: "ecdsa", bytes };
      throw new TagsealError("bad-input", `The token "${token.label}" signed with another key than it shows`, {
        remedy: "Check with the token's own tool that the private key and the public key of one id are a pair",
        details: { token: token.label, keyId: publicKey.canonicalId },
      });
    },
  };
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
    const key = readKey(token, pair.publicKey);
    if (!key) {
      throw new TagsealError("bad-input", `The token "${token.label}" does not show the public key that it made`, {
        remedy: "Use another PKCS#11 module for this token",
        details: { token: token.label },
      });
    }
    nameById(token, [pair.publicKey, pair.privateKey], key.publicKey.canonicalId);
    return { signer: signer(token, key.publicKey, pair.privateKey, () => options.onSign?.(token.label)), discard };
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
