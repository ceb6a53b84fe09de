/**
 * Every way to damage or forge a file of a repository, for every role: what somebody does, and what becomes of it.
 *
 * @module
 */
import "reflect-metadata";
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { type JsonObject, jsonObject, type JsonValue } from "../../lib/bytes/json.ts";
import { formatPem } from "../../lib/bytes/pem.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import type { TagsealErrorCode } from "../../lib/errors.ts";
import { BASE_ROLES, type DelegationRole, parentOf, type RoleName } from "../../lib/tuf/roles.ts";
import {
  buildFiles,
  certified,
  type Change,
  type DelegationPlan,
  DIGEST,
  EXPIRES,
  KEYS,
  type Plan,
  target,
  type TestKey,
} from "./trust_builder.ts";

/** A delegation below `targets/releases`. */
export const BETA: DelegationRole = "targets/releases/beta";
/** The roles that are attacked. */
export const ROLES: readonly RoleName[] = [...BASE_ROLES, "targets/releases", BETA];
const DELEGATED: Readonly<Record<DelegationRole, DelegationPlan>> = {
  "targets/releases": { keys: [KEYS.releases], tags: { v1: DIGEST } },
  [BETA]: { keys: [KEYS.alice], tags: { beta: DIGEST } },
};

/** What is special about some roles. */
export type Specials = Readonly<Partial<Record<RoleName, DelegationPlan>>>;

/** A repository with all its roles at `version`, which expire at `expires`, but for what is special. */
export function moment(version: number, specials: Specials = {}, expires: string = EXPIRES): Plan {
  const special = (role: RoleName) => ({ version, expires, ...specials[role] });
  return {
    ...Object.fromEntries(BASE_ROLES.map((role) => [role, special(role)])),
    delegations: Object.fromEntries(
      Object.entries(DELEGATED).map(([role, plan]) => [role, { ...plan, ...special(role as RoleName) }]),
    ),
  };
}

/** What a machine knows that knows the repository. */
export const KNOWN: ReadonlyMap<RoleName, Bytes> = await buildFiles(moment(2));

/** Another value at a path of what `role` signs. */
function setIn(role: RoleName, path: Change[0], value: JsonValue | undefined): Specials {
  return { [role]: { set: [[path, value]] as Change[] } } as Specials;
}

/** Where the keys, threshold and paths of `role` stand. */
function inParent(role: RoleName, path: Change[0], value: JsonValue | undefined): Specials {
  if (!isBelowTargets(role)) return setIn("root", ["roles", role, ...path], value);
  return setIn(parentOf(role), ["delegations", "roles", 0, ...path], value);
}

/** Whether a role is a delegation. */
export function isBelowTargets(role: RoleName): role is DelegationRole {
  return role.startsWith("targets/");
}

/** The file that says where and what the keys of `role` are. */
function authorityOf(role: RoleName): RoleName {
  return isBelowTargets(role) ? parentOf(role) : "root";
}

/** The file that names the length and hashes of `role`. */
function listingOf(role: RoleName): "timestamp" | "snapshot" {
  return role === "snapshot" ? "timestamp" : "snapshot";
}

const text = (bytes: Bytes) => new TextDecoder().decode(bytes);
/** Changes the text of a file. */
const rewritten = (from: string | RegExp, to: string) => (file: Bytes): Bytes => {
  const changed = text(file).replace(from, to);
  assert.notEqual(changed, text(file), `there is no ${from} in it`);
  return utf8(changed);
};

const KEY_OF: Readonly<Record<string, TestKey>> = {
  ...KEYS,
  "targets/releases": KEYS.releases,
  [BETA]: KEYS.alice,
};

/** One attack on one or several roles. */
export interface Attack {
  /** What somebody does. */
  readonly name: string;
  /** To which roles; all unless said. */
  readonly roles?: readonly RoleName[];
  /** How. */
  readonly specials: (role: RoleName) => Specials;
  /** More of the plan: keys and thresholds of base roles. */
  readonly plan?: (role: RoleName) => Plan;
  /** Changes what the server shows in the end. */
  readonly serve?: (files: Map<RoleName, Bytes>, role: RoleName) => void;
  /** Where it must have been known before, or must not. */
  readonly state?: "fresh" | "cached";
  /** What becomes of it. A delegation is skipped where only its own signatures are refused. */
  readonly outcome: "refused" | "accepted";
  /** The class of the refusal; `trust-invalid` unless said. */
  readonly code?: (role: RoleName) => TagsealErrorCode;
  /** The words of the refusal. */
  readonly words?: (role: RoleName) => string | readonly string[];
}

const on = (special: DelegationPlan | ((role: RoleName) => DelegationPlan)) => (role: RoleName): Specials => ({
  [role]: typeof special === "function" ? special(role) : special,
});
const sealed = (change: (file: Bytes) => Bytes) => on({ sealed: change });
const malformed = (words: string) => (role: RoleName) => [`The trust data of "${role}" is malformed: `, words];
const notStrict = (words: string) => (role: RoleName) => [...malformed("it is not strict JSON: ")(role), words];
/** How the refusal of a role's signatures begins. */
export const unsigned = (role: RoleName): string => `The trust data of "${role}" is not signed by`;

/** The same file with a value of `signed` changed and everything signed properly. */
function valued(name: string, path: Change[0], value: JsonValue | undefined, words: string): Attack {
  return { name, specials: on({ set: [[path, value]] }), outcome: "refused", words: malformed(words) };
}

/** The same file with its text changed before its parent names it. */
function texted(name: string, change: (file: Bytes) => Bytes, words: string): Attack {
  return { name, specials: sealed(change), outcome: "refused", words: notStrict(words) };
}

/** The parent that names keys and threshold of a role is malformed. */
function inAuthority(name: string, specials: Attack["specials"], words: string): Attack {
  return { name, specials, outcome: "refused", words: (role) => malformed(words)(authorityOf(role)) };
}

/** A certificate with an RSA key of 1024 bits. */
async function shortCertificate(): Promise<Bytes> {
  const algorithm = {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: [{ CN: ["A signer"] }],
    signingAlgorithm: algorithm,
    notBefore: new Date("2026-01-01T00:00:00Z"),
    notAfter: new Date("2036-01-01T00:00:00Z"),
  });
  return new Uint8Array(made.rawData);
}

function certificateKey(type: "ecdsa-x509" | "rsa-x509", der: Bytes): JsonObject {
  return keyObject(type, utf8(formatPem("CERTIFICATE", der)).toBase64());
}

function spki(publicKey: KeyObject): string {
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" })).toBase64();
}

const ROOT_DER = KEYS.root.publicKey.certificate!.der;
/** The root certificate with two bytes behind it. */
const TRAILING = certificateKey("ecdsa-x509", concat(ROOT_DER, new Uint8Array(2)));

/** Keys that Notary passes over where a role names them; of the private part and the small order it takes no notice. */
const PASSED_OVER: readonly (readonly [name: string, key: JsonObject, words: string])[] = [
  ["a key of an unknown type", keyObject("dilithium", "AAAA"), "a key is of an unknown type"],
  ["a key type named like a member of Object", keyObject("__proto__", "AAAA"), "a key is of an unknown type"],
  ["a key that is none", keyObject("ecdsa", "AAAA"), "a public key is not a SubjectPublicKeyInfo"],
  [
    "a key on another curve",
    keyObject("ecdsa", spki(generateKeyPairSync("ec", { namedCurve: "secp224r1" }).publicKey)),
    "a",
  ],
  [
    "an RSA key of 1024 bits",
    keyObject("rsa", spki(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey)),
    "an RSA key has 1024 bits; at least 2048 are needed",
  ],
  ["an ed25519 key of 3 bytes", keyObject("ed25519", "AAAA"), "an ed25519 key does not have 32 bytes"],
  [
    "an ed25519 key that anybody can sign for",
    keyObject("ed25519", new Uint8Array(32).toBase64()),
    "small order",
  ],
  [
    "a key that holds a private part",
    keyObject("ecdsa", KEYS.stranger.publicKey.spki.toBase64(), "AAAA"),
    "a key object holds a private key",
  ],
  [
    "a certificate that is cut off",
    certificateKey("ecdsa-x509", ROOT_DER.slice(0, 90)),
    "a certificate cannot be read",
  ],
  ["a certificate with bytes behind it", TRAILING, "a certificate cannot be read"],
  ["a certificate that is not in PEM", keyObject("ecdsa-x509", ROOT_DER.toBase64()), "a certificate is not in PEM"],
  ["text in the place of a certificate", keyObject("ecdsa-x509", utf8("hello").toBase64()), "there is no certificate"],
];

/** Certificates for which Notary refuses the repository where a delegation names them: here, that delegation. */
const BARRING: readonly (readonly [name: string, key: JsonObject])[] = [
  ["a SHA-1 certificate", (await certified(KEYS.stranger, { hash: "SHA-1" })).publicKey.json],
  ["a certificate with an RSA key of 1024 bits", certificateKey("rsa-x509", await shortCertificate())],
];

const LISTED = ROLES.filter((role) => role !== "timestamp");
const CHILDREN = ROLES.filter((role) => role !== "timestamp" && role !== "root");

/** All of them. */
export const ATTACKS: readonly Attack[] = [
  // Nothing is wrong
  { name: "nothing at all", roles: ["root"], specials: () => ({}), outcome: "accepted" },
  {
    name: "an unknown member in signed",
    specials: on({ set: [[["x-new"], jsonObject([["a", [1, null, true]]])]] }),
    outcome: "accepted",
  },
  {
    name: "an unknown member in the envelope",
    specials: sealed(rewritten("{", '{"x-new":[{}],')),
    outcome: "accepted",
  },
  {
    name: "an unknown member in a signature",
    specials: sealed(rewritten('"keyid"', '"x-new":1,"keyid"')),
    outcome: "accepted",
  },
  {
    name: "numbers of every kind outside of signed",
    specials: sealed((file) =>
      rewritten("{", '{"x-new":[0.5,-0,1e999,12345678901234567890],')(rewritten('"keyid"', '"x-new":1.5,"keyid"')(file))
    ),
    outcome: "accepted",
  },
  {
    name: "as many signatures as anybody makes",
    specials: sealed((file) => {
      const document = JSON.parse(text(file));
      const stranger = { ...document.signatures[0], keyid: "0".repeat(64) };
      return utf8(JSON.stringify({ ...document, signatures: [...Array(1999).fill(stranger), document.signatures[0]] }));
    }),
    outcome: "accepted",
  },
  {
    name: "as many keys as anybody has",
    roles: ["root", "targets", "targets/releases"],
    specials: on((role) => {
      const own = Object.values(KEYS).map(({ publicKey }): [string, JsonValue] => [publicKey.id, publicKey.json]);
      const others = Array.from({ length: 2000 - own.length }, (_, i): [string, JsonValue] => [
        `${i}`,
        keyObject("new", utf8(`${i}`).toBase64()),
      ]);
      return { set: [[[...(role === "root" ? [] : ["delegations"]), "keys"], jsonObject([...own, ...others])]] };
    }),
    outcome: "accepted",
  },
  {
    name: "a member whose name differs from a known one by case",
    specials: on({ set: [[["Expires"], "2001-01-01T00:00:00Z"], [["VERSION"], 1]] }),
    outcome: "accepted",
  },
  {
    name: "members named like those of Object",
    specials: on({ set: [[["__proto__"], jsonObject([["version", 1]])], [["constructor"], 1]] }),
    outcome: "accepted",
  },
  {
    name: "pretty printing",
    specials: sealed((file) => utf8(JSON.stringify(JSON.parse(text(file)), null, 3))),
    outcome: "accepted",
  },
  {
    name: "a method in capitals",
    specials: sealed(rewritten('"method":"ecdsa"', '"method":"ECDSA"')),
    outcome: "accepted",
  },
  {
    name: "the signature of a stranger beside the right one",
    specials: on((role) => ({ signers: [KEYS.stranger, KEY_OF[role]!] })),
    outcome: "accepted",
  },
  {
    name: "the right signature twice",
    specials: on((role) => ({ signers: [KEY_OF[role]!, KEY_OF[role]!] })),
    outcome: "accepted",
  },
  {
    name: "odd tags",
    roles: ["targets", "targets/releases"],
    specials: on({
      set: ["__proto__", "constructor", "", "\u0000\u001b[2J", "ä\u{1f600}\ue000", '"\\', "V1 "]
        .map((tag): Change => [["targets", tag], target(DIGEST)]),
    }),
    outcome: "accepted",
  },
  {
    name: "custom data with numbers as Go writes them",
    roles: ["targets", "targets/releases"],
    specials: on({ set: [[["targets", "x"], jsonObject([...Object.entries(target(DIGEST)), ["custom", [1, "a"]]])]] }),
    outcome: "accepted",
  },
  {
    name: "a file that nobody knows named like a member of Object",
    roles: ["snapshot", "timestamp"],
    specials: on({
      set: [[
        ["meta", "__proto__"],
        jsonObject([["hashes", jsonObject([["sha256", new Uint8Array(32).toBase64()]])], ["length", 1]]),
      ]],
    }),
    outcome: "accepted",
  },
  // Missing
  {
    name: "withholding the file",
    specials: () => ({}),
    serve: (files, role) => files.delete(role),
    outcome: "refused",
    code: (role) => role === "root" ? "not-found" : "trust-invalid",
    words: (role) =>
      role === "root"
        ? "has no trust data"
        : isBelowTargets(role)
        ? "the snapshot names it, and the server does not have it"
        : `does not have "${role}", though it must exist`,
  },
  {
    name: "an empty file",
    specials: () => ({}),
    serve: (files, role) => files.set(role, utf8("")),
    roles: ["root", "timestamp"],
    outcome: "refused",
    words: notStrict("unexpected end"),
  },
  // Bit flips and JSON damage
  {
    name: "a bit flipped in signed",
    specials: sealed(rewritten('"version":3', '"version":7')),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "a bit flipped in the signature",
    specials: sealed((file) => {
      const document = JSON.parse(text(file));
      const sig = Uint8Array.fromBase64(document.signatures[0].sig);
      sig[40]! ^= 4;
      document.signatures[0].sig = sig.toBase64();
      return utf8(JSON.stringify(document));
    }),
    outcome: "refused",
    words: unsigned,
  },
  texted("cutting off the last byte", (file) => file.slice(0, -1), "at position"),
  texted("cutting off the second half", (file) => file.slice(0, file.length >> 1), "at position"),
  texted("a second document behind", (file) => concat(file, file), "more than one value"),
  texted("a byte order mark", (file) => concat(utf8("\ufeff"), file), "at position 0"),
  texted("bytes that are no UTF-8", invalidUtf8, "not UTF-8"),
  texted("half of a surrogate pair", rewritten("{", '{"\\ud800":1,'), "half of a surrogate pair"),
  texted("a raw control character", rewritten("{", '{"\u0001":1,'), "a control character"),
  texted("nesting without end", rewritten("{", `{"x":${"[".repeat(5000)}${"]".repeat(5000)},`), "nested too deeply"),
  texted("a trailing comma", rewritten(/}$/, ",}"), "a member name is missing"),
  // Duplicate members
  texted(
    "a duplicate member in signed",
    rewritten('"signed":{', '"signed":{"version":3,'),
    'the member "version" stands there twice',
  ),
  texted(
    "a duplicate member by an escape",
    rewritten('"signed":{', '"signed":{"\\u0076ersion":3,'),
    'the member "version" stands there twice',
  ),
  texted("signed twice", rewritten("{", '{"signed":{},'), 'the member "signed" stands there twice'),
  texted("two signature lists", rewritten("{", '{"signatures":[],'), 'the member "signatures" stands there twice'),
  texted("a duplicate in a signature", rewritten('"keyid"', '"keyid":"","keyid"'), 'the member "keyid" stands there'),
  {
    ...texted("a tag added by a duplicate", (file) => file, ""),
    roles: ["targets", "targets/releases", BETA],
    specials: sealed(rewritten('"targets":{', '"targets":{},"targets":{')),
    words: notStrict('the member "targets" stands there twice'),
  },
  // Numbers
  texted("a version written as a float", rewritten('"version":3', '"version":3.0'), "is not written as an integer"),
  texted("a version with an exponent", rewritten('"version":3', '"version":3e0'), "is not written as an integer"),
  texted("a version beyond 2^53", rewritten('"version":3', '"version":9007199254740993'), "not an integer within 2^53"),
  texted("a version with a leading zero", rewritten('"version":3', '"version":03'), "at position"),
  valued("a version that is a string", ["version"], "3", "signed.version: an integer from 1 is needed"),
  valued("a version of 0", ["version"], 0, "signed.version: an integer from 1 is needed"),
  valued("a negative version", ["version"], -3, "signed.version: an integer from 1 is needed"),
  valued("a version that is null", ["version"], null, "signed.version: an integer from 1 is needed"),
  valued("no version", ["version"], undefined, "signed.version: an integer from 1 is needed"),
  {
    name: "a version beyond what servers keep",
    specials: on({ version: 2 ** 53 - 1 }),
    roles: ROLES.filter((role) => role !== "root"),
    outcome: "accepted",
  },
  {
    name: "a first root of a version beyond what servers keep",
    specials: on({ version: 2 ** 53 - 1 }),
    roles: ["root"],
    state: "fresh",
    outcome: "accepted",
  },
  ...[null, 1, "true", []].map((value): Attack => ({
    ...valued(
      `a consistent_snapshot of ${JSON.stringify(value)}`,
      ["consistent_snapshot"],
      value,
      "signed.consistent_snapshot: true or false is needed",
    ),
    roles: ["root"],
  })),
  // Types
  valued("no _type", ["_type"], undefined, "signed._type: a string is needed"),
  valued("the _type of no role", ["_type"], "Mirrors", "signed._type: "),
  {
    name: "the _type in lower case",
    specials: on((role) => ({ set: [[["_type"], isBelowTargets(role) ? "targets" : role]] })),
    outcome: "refused",
    words: malformed("signed._type: "),
  },
  {
    name: "the _type of another role",
    specials: on((role) => ({ set: [[["_type"], role === "root" ? "Targets" : "Root"]] })),
    outcome: "refused",
    words: malformed("signed._type: "),
  },
  valued("no expiry", ["expires"], undefined, "signed.expires: a string is needed"),
  valued("an expiry that is a number", ["expires"], 4102444800, "signed.expires: a string is needed"),
  valued("an expiry that is no day", ["expires"], "2027-02-30T00:00:00Z", "signed.expires: an RFC 3339 time is needed"),
  valued("an expiry in local time", ["expires"], "2027-02-01T00:00:00", "signed.expires: an RFC 3339 time is needed"),
  {
    name: "signed that is null",
    specials: sealed(rewritten(/"signed":\{.*\},"signatures"/, '"signed":null,"signatures"')),
    outcome: "refused",
    words: malformed("signed: an object is needed"),
  },
  {
    name: "signatures that are an object",
    specials: sealed(rewritten(/"signatures":.*$/, '"signatures":{}}')),
    outcome: "refused",
    words: malformed("signatures: an array is needed"),
  },
  {
    name: "more signatures than anybody makes",
    specials: sealed(rewritten(/"signatures":\[/, `"signatures":[${"{},".repeat(2000)}`)),
    outcome: "refused",
    words: malformed("signatures: at most 2000 entries are read"),
  },
  {
    name: "a signature in lax base64",
    specials: sealed(rewritten(/"sig":"(.{8})/, '"sig":"$1\\n')),
    outcome: "refused",
    words: malformed("signatures[0].sig: base64 is needed"),
  },
  ...(["targets", "targets/releases", BETA] as const).flatMap((role): Attack[] => [
    { ...valued("targets that are a list", ["targets"], [], "signed.targets: an object is needed"), roles: [role] },
    {
      ...valued(
        "a tag without hash",
        ["targets", "x"],
        jsonObject([["length", 1], ["hashes", jsonObject()]]),
        'signed.targets.x.hashes["sha256"]: ',
      ),
      roles: [role],
    },
    {
      ...valued(
        "a tag of negative length",
        ["targets", "x"],
        jsonObject([...Object.entries(target(DIGEST)), ["length", -1]]),
        "signed.targets.x.length: ",
      ),
      roles: [role],
    },
    {
      ...valued(
        "a tag with a short digest",
        ["targets", "x"],
        jsonObject([["length", 1], ["hashes", jsonObject([["sha256", "AAAA"]])]]),
        "base64 of 32 bytes is needed",
      ),
      roles: [role],
    },
    ...["targets/__proto__/x", "targets/UP", "targets", `${role}/../x`, `${role}/`, `${role}/a\u0000`].map((name) => ({
      ...valued(
        `a delegation named ${JSON.stringify(name)}`,
        ["delegations", "roles"],
        [jsonObject([["name", name], ["keyids", []], ["paths", [""]], ["threshold", 1]])],
        "delegations.roles[0].name: ",
      ),
      roles: [role],
    })),
  ]),
  // Signatures
  { name: "no signature", specials: on({ signers: [] }), outcome: "refused", words: malformed("it has no signatures") },
  {
    name: "the signature of a stranger",
    specials: on({ signers: [KEYS.stranger] }),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "the signature of another role's key",
    specials: on((role) => ({ signers: [KEYS[role === "timestamp" ? "snapshot" : "timestamp"]] })),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "the signature of a stranger under the right key id",
    specials: on((role) => ({ signers: [{ ...KEYS.stranger, publicKey: KEY_OF[role]!.publicKey }] })),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "an unknown signature method",
    specials: sealed(rewritten('"method":"ecdsa"', '"method":"none"')),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "a method named like a member of Object",
    specials: sealed(rewritten('"method":"ecdsa"', '"method":"__proto__"')),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "the method of another kind of key",
    specials: sealed(rewritten('"method":"ecdsa"', '"method":"rsapss"')),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "the signature over another file of the same role",
    specials: () => ({}),
    serve: (files, role) => files.set(role, graft(files.get(role)!, KNOWN.get(role)!)),
    roles: ["root", "timestamp"],
    outcome: "refused",
    words: unsigned,
  },
  // Thresholds
  ...[0, -1, null, "1", undefined].map((value) =>
    inAuthority(
      `a threshold of ${JSON.stringify(value)}`,
      (role) => inParent(role, ["threshold"], value),
      "threshold: an integer from 1 is needed",
    )
  ),
  {
    name: "a threshold that one key cannot meet",
    specials: (role) => inParent(role, ["threshold"], 2),
    outcome: "refused",
    words: (role) => [unsigned(role), "1 of 2 needed signatures are good"],
  },
  {
    name: "a threshold of two met by one key that signs twice",
    specials: (role) => merge(inParent(role, ["threshold"], 2), on({ signers: [KEY_OF[role]!, KEY_OF[role]!] })(role)),
    outcome: "refused",
    words: (role) => [unsigned(role), "1 of 2 needed signatures are good"],
  },
  // Keys
  {
    name: "keys that no role names",
    specials: (role) => filing(role, "0".repeat(64), KEYS.stranger.publicKey.json),
    outcome: "accepted",
  },
  ...PASSED_OVER.map(([name, key]): Attack => ({
    name: `${name} beside the right key`,
    roles: ["root", "timestamp", "targets/releases"],
    specials: (role) => naming(role, keyIdOf(key), key),
    outcome: "accepted",
  })),
  ...PASSED_OVER.map(([name, key, words]): Attack => ({
    name: `${name} in the place of the right key`,
    roles: ["timestamp", "targets/releases", BETA],
    specials: (role) => naming(role, keyIdOf(key), key, 0),
    outcome: "refused",
    words: (role) => [unsigned(role), "0 of 1 needed signatures are good", " does not count: ", words],
  })),
  ...PASSED_OVER.map(([name, key, words]): Attack => ({
    name: `${name} in the place of the right key`,
    roles: ["root"],
    specials: (role) => naming(role, keyIdOf(key), key, 0),
    state: "fresh",
    outcome: "refused",
    words: () => ["has no usable certificate: ", words],
  })),
  ...BARRING.map(([name, key]): Attack => ({
    name: `${name} beside the right key`,
    roles: ["targets/releases", BETA],
    specials: (role) => naming(role, keyIdOf(key), key),
    outcome: "refused",
    words: (role) => [unsigned(role), "1 of 1 needed signatures are good", " must not stand there: "],
  })),
  ...BARRING.map(([name, key]): Attack => ({
    name: `${name} beside the right key, which Notary passes over`,
    roles: ["timestamp", "snapshot", "targets"],
    specials: (role) => naming(role, keyIdOf(key), key),
    outcome: "accepted",
  })),
  {
    name: "a key under a wrong id beside the right key",
    specials: (role) => naming(role, "0".repeat(64), KEYS.stranger.publicKey.json),
    outcome: "refused",
    words: (role) => [unsigned(role), " must not stand there: its id is "],
  },
  inAuthority("a key that is null", (role) => filing(role, "0".repeat(64), null), "an object is needed"),
  inAuthority(
    "a key that is no base64",
    (role) => filing(role, "0".repeat(64), keyObject("new", "A")),
    "keyval.public: base64 is needed",
  ),
  inAuthority(
    "a key id that is not among the keys",
    (role) => inParent(role, ["keyids", 0], "f".repeat(64)),
    "keyids[0]: this key is not among the file's keys",
  ),
  inAuthority(
    "key ids that are no list",
    (role) => inParent(role, ["keyids"], jsonObject()),
    "keyids: an array is needed",
  ),
  {
    name: "key ids that are null, as Go writes an empty list",
    roles: ROLES.filter((role) => role !== "root"),
    specials: (role) => inParent(role, ["keyids"], null),
    outcome: "refused",
    words: (role) => [unsigned(role), "0 of 1 needed signatures are good"],
  },
  {
    name: "no root keys, as Go writes an empty list",
    roles: ["root"],
    specials: (role) => inParent(role, ["keyids"], null),
    state: "fresh",
    outcome: "refused",
    words: () => "has no usable certificate: it names no root key",
  },
  // Lengths and hashes
  ...([["length", "length"], ["sha512", "hashes", "sha512"]] as const).map(([name, ...path]): Attack => ({
    name: `another ${name} in its parent`,
    roles: LISTED,
    specials: (role) =>
      setIn(listingOf(role), ["meta", role, ...path], name === "length" ? 7 : new Uint8Array(64).toBase64()),
    outcome: "refused",
    words: (role) =>
      `The trust data of "${role}" is not acceptable: it is not the file that the ${listingOf(role)} names`,
  })),
  {
    name: "another sha256 in its parent",
    roles: CHILDREN,
    specials: (role) => setIn(listingOf(role), ["meta", role, "hashes", "sha256"], new Uint8Array(32).toBase64()),
    outcome: "refused",
    words: (role) => [`"${role}"`, "does not have"],
  },
  {
    name: "a negative length in its parent",
    roles: LISTED,
    specials: (role) => setIn(listingOf(role), ["meta", role, "length"], -1),
    outcome: "refused",
    words: (role) => malformed("length: an integer from 0 is needed")(listingOf(role)),
  },
  {
    name: "no hash in its parent",
    roles: LISTED,
    specials: (role) => setIn(listingOf(role), ["meta", role, "hashes"], jsonObject()),
    outcome: "refused",
    words: (role) => malformed("hashes: a sha256 is needed")(listingOf(role)),
  },
  {
    name: "more bytes than its parent names",
    roles: CHILDREN,
    specials: on({ served: (file) => concat(file, utf8(" ".repeat(100_000))) }),
    outcome: "refused",
    words: (role) => [`"${role}"`, "does not have"],
  },
  {
    name: "a root with more bytes than snapshot names",
    roles: ["root"],
    specials: on({ served: (file) => concat(file, utf8(" ".repeat(100_000))) }),
    outcome: "refused",
    words: () => "it is not the file that the snapshot names",
  },
  // Freeze
  {
    name: "a file that expires this second",
    specials: on({ expires: "2026-06-01T12:00:00Z" }),
    outcome: "refused",
    words: (role) => `The trust data of "${role}" expired on 2026-06-01T12:00:00Z`,
  },
  { name: "a file that expires in a second", specials: on({ expires: "2026-06-01T12:00:01Z" }), outcome: "accepted" },
  // Rollback
  {
    name: "an older version than the known one",
    specials: on({ version: 1 }),
    state: "cached",
    outcome: "refused",
    words: (role) =>
      `The trust data of "${role}" is not acceptable: it has version 1, and version 2 was trusted before (rollback)`,
  },
  {
    name: "the known version with other content",
    specials: on({ version: 2, set: [[["x-new"], 1]] }),
    state: "cached",
    outcome: "refused",
    words: (role) =>
      `The trust data of "${role}" is not acceptable: it has version 2 like the trusted one, but other content`,
  },
  {
    name: "the known version with a longer life",
    specials: on({ version: 2, expires: "2028-01-01T00:00:00Z" }),
    state: "cached",
    outcome: "refused",
    words: (role) => `"${role}" is not acceptable: it has version 2 like the trusted one, but other content`,
  },
  {
    name: "the known version, padded beyond the size of the known file, with other content",
    specials: on({ version: 2, set: [[["x-new"], "x".repeat(100_000)]] }),
    state: "cached",
    outcome: "refused",
    words: () => "it has version 2 like the trusted one, but other content",
  },
  {
    name: "the known version and content in other bytes",
    specials: on({ version: 2, expires: EXPIRES, sealed: (file) => concat(file, utf8("\n")) }),
    roles: ["root", "targets/releases", BETA],
    state: "cached",
    outcome: "accepted",
  },
  {
    name: "a jump ahead by many versions",
    specials: on({ version: 2_000_000 }),
    roles: ROLES.filter((role) => role !== "root"),
    outcome: "accepted",
  },
  {
    name: "a root that is further ahead than is followed",
    specials: on({ version: 300 }),
    roles: ["root"],
    state: "cached",
    outcome: "refused",
    words: () => "297 versions ahead of the trusted one",
  },
  {
    name: "a role that vanishes from snapshot",
    roles: ["targets/releases", BETA],
    specials: on({ published: false }),
    state: "cached",
    outcome: "refused",
    words: (role) => `"${role}" is not acceptable: it was published before, and the snapshot does not name it any more`,
  },
  // Mix and match
  {
    name: "the known file among newer ones",
    roles: CHILDREN,
    specials: () => ({}),
    serve: (files, role) => files.set(role, KNOWN.get(role)!),
    outcome: "refused",
    words: (role) => [`"${role}"`, "does not have"],
  },
];

/** Another signature list than the file's own. */
function graft(file: Bytes, from: Bytes): Bytes {
  return utf8(JSON.stringify({ ...JSON.parse(text(file)), signatures: JSON.parse(text(from)).signatures }));
}

function invalidUtf8(file: Bytes): Bytes {
  return concat(file.slice(0, 2), new Uint8Array([0xc3, 0x28]), file.slice(2));
}

function filing(role: RoleName, id: string, key: JsonValue): Specials {
  return setIn(authorityOf(role), isBelowTargets(role) ? ["delegations", "keys", id] : ["keys", id], key);
}

/** A key that `role` names, beside its own or at the place of its own. */
function naming(role: RoleName, id: string, key: JsonValue, at: 0 | 1 = 1): Specials {
  const [authority, filed, named] = [authorityOf(role), filing(role, id, key), inParent(role, ["keyids", at], id)];
  return { [authority]: { set: [filed, named].flatMap((special) => special[authority]!.set!) } } as Specials;
}

function keyIdOf(key: JsonValue): string {
  return sha256Hex(canonicalJson(key));
}

function keyObject(type: string, publicPart: string, privatePart: string | null = null): JsonObject {
  return jsonObject([
    ["keytype", type],
    ["keyval", jsonObject([["private", privatePart], ["public", publicPart]])],
  ]);
}

function merge(a: Specials, b: Specials): Specials {
  const roles = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<RoleName>;
  return Object.fromEntries([...roles].map((role) => [role, { ...a[role], ...b[role] }]));
}
