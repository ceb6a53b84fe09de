/**
 * A PKCS#11 module in memory, for what SoftHSM does not do: lock its PIN, refuse to make keys as a YubiKey does, wait
 * for a touch. It knows the payloads it may be asked to sign, as it only gets their digests.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Bytes, concat, equalBytes, utf8 } from "../../lib/bytes/bytes.ts";
import { createSignature, type SignatureMethod } from "../../lib/crypto/algorithms.ts";
import { shapeOf } from "../../lib/crypto/spki.ts";
import {
  type Attribute,
  CKA,
  CKC,
  CKF,
  CKM,
  CKO,
  CKU,
  type Handle,
  type Mechanism,
  type Pkcs11Addon,
} from "../../lib/keystore/pkcs11_addon.ts";
import { CKR } from "../../lib/keystore/pkcs11_failures.ts";
import { createPkcs11KeyStore, type Pkcs11KeyStore, type Pkcs11Options } from "../../lib/keystore/pkcs11_keystore.ts";

type Refusal = keyof typeof CKR;

interface FakeObject {
  readonly key: KeyObject | undefined;
  readonly attributes: Map<number, Uint8Array>;
}

const METHODS = new Map<number, SignatureMethod>([
  [CKM.ECDSA, "ecdsa"],
  [CKM.RSA_PKCS, "rsapkcs1v15"],
  [CKM.RSA_PKCS_PSS, "rsapss"],
]);
const CURVES = new Map([
  ["prime256v1", "06082a8648ce3d030107"],
  ["secp384r1", "06052b81040022"],
  ["secp521r1", "06052b81040023"],
]);
/** By hash: DigestInfo, and CK_RSA_PKCS_PSS_PARAMS. */
const HASHES = {
  sha256: ["3031300d060960864801650304020105000420", { type: 5, hashAlg: CKM.SHA256, mgf: 2, saltLen: 32 }],
  sha384: ["3041300d060960864801650304020205000430", { type: 5, hashAlg: CKM.SHA384, mgf: 3, saltLen: 48 }],
  sha512: ["3051300d060960864801650304020305000440", { type: 5, hashAlg: CKM.SHA512, mgf: 4, saltLen: 64 }],
} as const;

/** How the token behaves; all may be changed between calls. */
export class FakeToken {
  /** The labels of the plugged-in tokens; all are this one. */
  labels = ["fake"];
  /** The PIN. */
  pin = "1234";
  /** Wrong PINs until it locks. */
  triesLeft = 3;
  /** Refusals by function. */
  refuses: { generate?: Refusal; setId?: Refusal; login?: Refusal; signInit?: Refusal; sign?: Refusal } = {};
  /** Whether keys want the PIN for each signature. */
  alwaysAuthenticate = false;
  /** Whether the public point comes without its OCTET STRING. */
  bare = false;
  /** A touch: what a signature waits for. */
  touch: Promise<void> = Promise.resolve();
  /** What making a key waits for. */
  generating: Promise<void> = Promise.resolve();
  /** What it may be asked to sign. */
  payloads: Bytes[] = [];
  /** What was called, without what only reads. */
  readonly calls: string[] = [];
  /** The objects. */
  readonly objects = new Map<number, FakeObject>();
  #next = 1;

  /** The addon with this token. */
  readonly addon: () => Pkcs11Addon = () => {
    // deno-lint-ignore no-this-alias -- the module is a class of its own
    const token = this;
    return {
      PKCS11: class {
        load = (path: string) => void token.calls.push(`load ${path}`);
        close = () => void token.calls.push("close");
        C_Initialize = () => void token.calls.push("C_Initialize");
        C_Finalize = () => void token.calls.push("C_Finalize");
        C_GetSlotList = () => token.labels.map((_, slot) => Uint8Array.of(slot));
        C_GetTokenInfo = (slot: Handle) => ({ label: token.labels[slot[0]!]!.padEnd(32), flags: token.#flags() });
        C_OpenSession = (_: Handle, flags: number) => Uint8Array.of(flags);
        C_Login = (_: Handle, user: number, pin: string) => token.#login(user, pin);
        C_FindObjectsInit = (_: Handle, template: Attribute[]) => void (token.#found = token.#find(template));
        C_FindObjects = (_: Handle, max: number) => token.#found.splice(0, max);
        C_FindObjectsFinal = () => void (token.#found = []);
        C_GetAttributeValue = (_: Handle, object: Handle, [{ type }]: [Attribute]) => {
          const value = token.objects.get(object[0]!)!.attributes.get(type);
          return value ? [{ value }] : refuse("ATTRIBUTE_TYPE_INVALID");
        };
        C_SetAttributeValue = (_: Handle, object: Handle, [{ type, value }]: [Attribute]) => {
          if (token.refuses.setId) refuse(token.refuses.setId);
          token.objects.get(object[0]!)!.attributes.set(type, bytesOf(value));
        };
        C_DestroyObject = (_: Handle, object: Handle) => {
          token.calls.push("C_DestroyObject");
          token.objects.delete(object[0]!);
        };
        C_GenerateKeyPairAsync = async (_: Handle, _m: unknown, publicKey: Attribute[], privateKey: Attribute[]) => {
          token.calls.push("C_GenerateKeyPair");
          await token.generating;
          if (token.refuses.generate) refuse(token.refuses.generate);
          const [a, b] = token.add(publicKey, privateKey);
          return { publicKey: a, privateKey: b };
        };
        C_SignInit = (_: Handle, { mechanism, parameter }: Mechanism, key: Handle) => {
          token.calls.push("C_SignInit");
          if (token.refuses.signInit) refuse(token.refuses.signInit);
          if (token.#signing) throw new Error("CKR_OPERATION_ACTIVE:144");
          const method = METHODS.get(mechanism)!;
          token.#signing = { method, parameter, key: token.objects.get(key[0]!)!.key! };
        };
        C_SignAsync = async (_: Handle, data: Uint8Array) => {
          const { method, parameter, key } = token.#signing!;
          await token.touch;
          token.#signing = undefined;
          token.calls.push("C_Sign");
          if (token.refuses.sign) refuse(token.refuses.sign);
          const asked = (Object.keys(HASHES) as (keyof typeof HASHES)[]).flatMap((name) =>
            token.payloads.map((payload) => ({ name, payload, digest: createHash(name).update(payload).digest() }))
          );
          const wanted = asked.find(({ name, digest }) =>
            equalBytes(method === "rsapkcs1v15" ? concat(Uint8Array.fromHex(HASHES[name][0]), digest) : digest, data)
          );
          assert.ok(wanted, "signs what it was not to sign");
          const { name, payload } = wanted;
          assert.deepEqual(parameter, method === "rsapss" ? HASHES[name][1] : undefined);
          const variant = { hash: name, saltLength: HASHES[name][1].saltLen };
          const pkcs8 = new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
          return await createSignature(method, { shape: shapeOf(key), pkcs8 }, payload, variant);
        };
      },
    };
  };

  #found: Handle[] = [];
  #signing:
    | { readonly method: SignatureMethod; readonly parameter: Mechanism["parameter"]; readonly key: KeyObject }
    | undefined;

  /** Puts a key pair onto it; both get their attributes and what belongs to the key. */
  add(publicKey: Attribute[], privateKey: Attribute[], pair: Pair = newPair()): [Handle, Handle] {
    const always = Uint8Array.of(this.alwaysAuthenticate ? 1 : 0);
    const type: [number, Uint8Array] = [
      CKA.KEY_TYPE,
      Uint8Array.of(pair.publicKey.asymmetricKeyType === "rsa" ? 0 : 3),
    ];
    return [
      this.#put(CKO.PUBLIC_KEY, pair.publicKey, [type, ...this.#shown(pair.publicKey)], publicKey),
      this.#put(CKO.PRIVATE_KEY, pair.privateKey, [type, [CKA.ALWAYS_AUTHENTICATE, always]], privateKey),
    ];
  }

  /** Puts a certificate onto it. */
  addCertificate(der: Uint8Array, given: Attribute[]): Handle {
    const own: [number, Uint8Array][] = [[CKA.CERTIFICATE_TYPE, Uint8Array.of(CKC.X_509)], [CKA.VALUE, der]];
    return this.#put(CKO.CERTIFICATE, undefined, own, given);
  }

  /** Puts any public key object onto it. */
  addPublicKey(type: number, given: Attribute[]): Handle {
    return this.#put(CKO.PUBLIC_KEY, undefined, [[CKA.KEY_TYPE, Uint8Array.of(type)]], given);
  }

  #put(kind: number, key: KeyObject | undefined, own: [number, Uint8Array][], given: Attribute[]): Handle {
    const named = given.map(({ type, value }) => [type, bytesOf(value)] as const);
    const at = this.#next++;
    this.objects.set(at, { key, attributes: new Map([[CKA.CLASS, Uint8Array.of(kind)], ...own, ...named]) });
    return Uint8Array.of(at);
  }

  /** What a token shows of a public key. */
  #shown(key: KeyObject): [number, Uint8Array][] {
    const { n = "", e = "", x = "", y = "" } = key.export({ format: "jwk" });
    const bytes = (text: string) => Uint8Array.fromBase64(text, { alphabet: "base64url" });
    if (key.asymmetricKeyType === "rsa") return [[CKA.MODULUS, bytes(n)], [CKA.PUBLIC_EXPONENT, bytes(e)]];
    const curve = Uint8Array.fromHex(CURVES.get(key.asymmetricKeyDetails!.namedCurve!)!);
    const point = concat(Uint8Array.of(0x04), bytes(x), bytes(y));
    const header = point.length < 0x80 ? [0x04, point.length] : [0x04, 0x81, point.length];
    return [[CKA.EC_PARAMS, curve], [CKA.EC_POINT, this.bare ? point : concat(Uint8Array.from(header), point)]];
  }

  #flags(): number {
    const [low, final, none] = [this.triesLeft < 3, this.triesLeft === 1, this.triesLeft === 0];
    return CKF.TOKEN_INITIALIZED | (low ? CKF.USER_PIN_COUNT_LOW : 0) | (final ? CKF.USER_PIN_FINAL_TRY : 0) |
      (none ? CKF.USER_PIN_LOCKED : 0);
  }

  #login(user: number, pin: string): void {
    this.calls.push(user === CKU.CONTEXT_SPECIFIC ? "C_Login for one signature" : "C_Login");
    if (this.refuses.login) refuse(this.refuses.login);
    if (this.triesLeft === 0) refuse("PIN_LOCKED");
    if (pin !== this.pin) {
      this.triesLeft--;
      refuse("PIN_INCORRECT");
    }
    this.triesLeft = 3;
  }

  #find(template: Attribute[]): Handle[] {
    return [...this.objects].filter(([, { attributes }]) =>
      template.every(({ type, value }) => equalBytes(attributes.get(type) ?? new Uint8Array(), bytesOf(value)))
    ).map(([at]) => Uint8Array.of(at));
  }
}

/** What tests sign. */
export const PAYLOAD: Bytes = utf8("{}");

/** The store of a token that is found by its module: any file that is there, as the fake does not load it. */
export function storeOf(token: FakeToken, options: Partial<Pkcs11Options> = {}): Pkcs11KeyStore {
  token.payloads.push(PAYLOAD);
  return createPkcs11KeyStore({
    addon: token.addon,
    modulePaths: ["/nowhere/libykcs11.so", new URL(import.meta.url).pathname],
    askPin: () => Promise.resolve(token.pin),
    signal: new AbortController().signal,
    ...options,
  });
}

/** A key pair. */
export interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A new P-256 key pair. */
export function newPair(): Pair {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

/** As the addon says it: some calls throw a text only. */
function refuse(name: Refusal): never {
  throw new Error(`CKR_${name}:${CKR[name]}\n    at Error (native)`);
}

function bytesOf(value: Attribute["value"]): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return typeof value === "string" ? Buffer.from(value) : Uint8Array.of(Number(value));
}
