/**
 * A PKCS#11 module in memory, for what SoftHSM does not do: lock its PIN, refuse to make keys as a YubiKey does, wait
 * for a touch. It knows the payloads it may be asked to sign, as it only gets their digests.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { equalBytes } from "../../lib/bytes/bytes.ts";
import { type Attribute, CKA, CKF, CKO, CKU, type Handle, type Pkcs11Addon } from "../../lib/keystore/pkcs11_addon.ts";
import { CKR } from "../../lib/keystore/pkcs11_failures.ts";

type Refusal = keyof typeof CKR;

interface FakeObject {
  readonly key: KeyObject;
  readonly attributes: Map<number, Uint8Array>;
}

/** How the token behaves; all may be changed between calls. */
export class FakeToken {
  /** The labels of the plugged-in tokens; all are this one. */
  labels = ["fake"];
  /** The PIN. */
  pin = "1234";
  /** Wrong PINs until it locks. */
  triesLeft = 3;
  /** Refusals by function. */
  refuses: { generate?: Refusal; setId?: Refusal; login?: Refusal; sign?: Refusal } = {};
  /** Whether keys want the PIN for each signature. */
  alwaysAuthenticate = false;
  /** Whether the public point comes without its OCTET STRING. */
  bare = false;
  /** A touch: what a signature waits for. */
  touch: Promise<void> = Promise.resolve();
  /** What making a key waits for. */
  generating: Promise<void> = Promise.resolve();
  /** What it may be asked to sign. */
  payloads: Uint8Array[] = [];
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
        C_SignInit = (_: Handle, _m: unknown, key: Handle) => {
          token.calls.push("C_SignInit");
          token.#signing = token.objects.get(key[0]!)!.key;
        };
        C_SignAsync = async (_: Handle, digest: Uint8Array) => {
          await token.touch;
          token.calls.push("C_Sign");
          if (token.refuses.sign) refuse(token.refuses.sign);
          const payload = token.payloads.find((one) => equalBytes(createHash("sha256").update(one).digest(), digest))!;
          return sign("sha256", payload, { key: token.#signing!, dsaEncoding: "ieee-p1363" });
        };
      },
    };
  };

  #found: Handle[] = [];
  #signing: KeyObject | undefined;

  /** Puts a key pair onto it; both get their attributes and what belongs to the key. */
  add(publicKey: Attribute[], privateKey: Attribute[], pair = newPair()): [Handle, Handle] {
    const spki = pair.publicKey.export({ type: "spki", format: "der" });
    const point = spki.subarray(-65);
    const wrapped = this.bare ? point : Buffer.concat([Buffer.from([0x04, 65]), point]);
    const curve = Uint8Array.fromHex("06082a8648ce3d030107");
    const handle = (kind: number, key: KeyObject, given: Attribute[], own: [number, Uint8Array][]): Handle => {
      const at = this.#next++;
      const base: [number, Uint8Array][] = [[CKA.CLASS, Uint8Array.of(kind)], [CKA.KEY_TYPE, Uint8Array.of(3)]];
      const named = given.map(({ type, value }) => [type, bytesOf(value)] as const);
      this.objects.set(at, { key, attributes: new Map([...base, ...own, ...named]) });
      return Uint8Array.of(at);
    };
    const always = Uint8Array.of(this.alwaysAuthenticate ? 1 : 0);
    return [
      handle(CKO.PUBLIC_KEY, pair.publicKey, publicKey, [[CKA.EC_PARAMS, curve], [CKA.EC_POINT, wrapped]]),
      handle(CKO.PRIVATE_KEY, pair.privateKey, privateKey, [[CKA.ALWAYS_AUTHENTICATE, always]]),
    ];
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

/** A new P-256 key pair. */
export function newPair(): { publicKey: KeyObject; privateKey: KeyObject } {
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
