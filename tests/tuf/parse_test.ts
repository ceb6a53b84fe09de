import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue, parseJson } from "../../lib/bytes/json.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { certificatePem } from "../../lib/crypto/x509.ts";
import { namedKeys } from "../../lib/tuf/models.ts";
import { parseEnvelope, parseListing, parseRoot, parseTargets } from "../../lib/tuf/parse.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";
import { damaged, random } from "../support/random.ts";
import { recordedFiles } from "../support/recorded.ts";
import {
  buildFiles,
  certified,
  certify,
  type Change,
  changed,
  DIGEST,
  KEYS,
  newKey,
  signedFile,
} from "../support/trust_builder.ts";

function keyObject(type: JsonValue, publicPart: JsonValue, privatePart: JsonValue = null): JsonObject {
  return jsonObject([["keytype", type], ["keyval", jsonObject([["private", privatePart], ["public", publicPart]])]]);
}

const FILES = await buildFiles({ targets: { tags: { v1: DIGEST } } });
const RELEASES = KEYS.releases.publicKey.id;
const SHA1_KEY = (await certified(newKey(), { hash: "SHA-1" })).publicKey;
const SHORT_CERTIFICATE = await certify(Uint8Array.fromBase64(spki("rsa", { modulusLength: 1024 })), {
  issuer: KEYS.stranger,
});

function parse(role: RoleName, bytes: Bytes): unknown {
  switch (role) {
    case "root":
      return parseRoot(bytes);
    case "snapshot":
    case "timestamp":
      return parseListing(role, bytes);
    default:
      return parseTargets(role, bytes);
  }
}

function signedOf(role: RoleName): JsonObject {
  const document = parseJson(FILES.get(role)!);
  assert.ok(isJsonObject(document) && isJsonObject(document["signed"]));
  return document["signed"];
}

const written = (role: RoleName, ...changes: Change[]) =>
  signedFile(changes.reduce((value, [path, to]) => changed(value, path, to), signedOf(role)), [KEYS.stranger]);

Deno.test("parse: files of the real notary client and server are read", () => {
  for (const [role, bytes] of recordedFiles()) {
    assert.equal(parseEnvelope(role, bytes).signatures.length, 1);
    parse(role, bytes);
  }
  const root = parseRoot(recordedFiles().get("root")!);
  assert.equal(root.version, 2);
  assert.match(root.expiresText, /\.\d{7,9}Z$/, "Go writes nanoseconds");
  assert.equal(root.expires.toISOString().slice(0, 19), root.expiresText.slice(0, 19));
});

const META = ["meta", "targets"] as const;
const TARGET = ["targets", "v1"] as const;
type Case = readonly [role: RoleName, path: Change[0], value: JsonValue | undefined, words: string];
const REFUSED: readonly Case[] = [
  ["root", ["_type"], "root", 'signed._type: "Root" is needed'],
  ["root", ["_type"], undefined, "signed._type: a string is needed"],
  ["targets", ["_type"], "Root", 'signed._type: "Targets" is needed'],
  ["snapshot", ["_type"], "Timestamp", 'signed._type: "Snapshot" is needed'],
  ["timestamp", ["_type"], "Snapshot", 'signed._type: "Timestamp" is needed'],
  ["targets", ["version"], 0, "signed.version: an integer from 1 is needed"],
  ["targets", ["version"], -1, "signed.version: an integer from 1 is needed"],
  ["targets", ["version"], "1", "signed.version: an integer from 1 is needed"],
  ["targets", ["version"], null, "signed.version: an integer from 1 is needed"],
  ["targets", ["version"], undefined, "signed.version: an integer from 1 is needed"],
  ["targets", ["expires"], undefined, "signed.expires: a string is needed"],
  ["targets", ["expires"], 1, "signed.expires: a string is needed"],
  ...[
    "",
    "tomorrow",
    "2027-06-01",
    "2027-06-01 12:00:00Z",
    "2027-06-01t12:00:00z",
    "2027-06-01T12:00Z",
    "2027-06-01T12:00:00",
    "2027-06-01T12:00:00.Z",
    "2027-06-01T12:00:00.1234567890Z",
    "2027-06-01T12:00:60Z",
    "2027-06-01T24:00:00Z",
    "2027-02-29T12:00:00Z",
    "2027-02-30T12:00:00Z",
    "2027-04-31T12:00:00Z",
    "2027-13-01T12:00:00Z",
    "2027-00-01T12:00:00Z",
    "2027-01-00T12:00:00Z",
    "2027-06-01T12:00:00+99:00",
    "+002027-06-01T12:00:00Z",
    "12027-06-01T12:00:00Z",
    " 2027-06-01T12:00:00Z",
    "2027-06-01T12:00:00Z\n",
  ].map((time) => ["timestamp", ["expires"], time, "signed.expires: an RFC 3339 time is needed"] satisfies Case),
  ["root", ["roles"], undefined, "signed.roles: an object is needed"],
  ["root", ["roles", "timestamp"], undefined, "signed.roles.timestamp: an object is needed"],
  ["root", ["roles", "root", "threshold"], 0, "signed.roles.root.threshold: an integer from 1 is needed"],
  ["root", ["roles", "root", "threshold"], -1, "signed.roles.root.threshold: an integer from 1 is needed"],
  ["root", ["roles", "root", "threshold"], undefined, "signed.roles.root.threshold: an integer from 1 is needed"],
  ["root", ["roles", "root", "keyids"], undefined, "signed.roles.root.keyids: an array is needed"],
  ["root", ["roles", "root"], null, "signed.roles.root: an object is needed"],
  ["root", ["roles"], null, "signed.roles: an object is needed"],
  ...[null, 0, "true", [], jsonObject()].map((value) =>
    ["root", ["consistent_snapshot"], value, "signed.consistent_snapshot: true or false is needed"] satisfies Case
  ),
  ["root", ["roles", "root", "keyids", 0], "00", "signed.roles.root.keyids[0]: this key is not among the file's keys"],
  ["root", ["roles", "root", "keyids", 0], 1, "signed.roles.root.keyids[0]: a string is needed"],
  ["root", ["keys"], null, "signed.roles.root.keyids[0]: this key is not among the file's keys"],
  ["root", ["keys"], undefined, "signed.keys: an object is needed"],
  ["root", ["keys"], [], "signed.keys: an object is needed"],
  ["root", ["keys", "00"], null, 'signed.keys["00"]: an object is needed'],
  ["root", ["keys", "00"], jsonObject([["keytype", "new"]]), 'signed.keys["00"].keyval: an object is needed'],
  ["root", ["keys", "00"], keyObject(7, "AAAA"), 'signed.keys["00"].keytype: a string is needed'],
  ["root", ["keys", "00"], keyObject("new", "A"), 'signed.keys["00"].keyval.public: base64 is needed'],
  ["root", ["keys", "00"], keyObject("new", "AAAA", 7), 'signed.keys["00"].keyval.private: a string is needed'],
  [
    "root",
    ["keys", KEYS.alice.publicKey.id],
    jsonObject([["keytype", "ecdsa"], ["keyval", jsonObject([["public", "\ud83d\ude00"]])]]),
    `signed.keys["${KEYS.alice.publicKey.id}"].keyval.public: base64 is needed`,
  ],
  ["targets", ["delegations"], undefined, "signed.delegations: an object is needed"],
  ["targets", ["delegations"], null, "signed.delegations: an object is needed"],
  [
    "targets",
    ["delegations", "keys"],
    null,
    "signed.delegations.roles[0].keyids[0]: this key is not among the file's keys",
  ],
  ["targets", ["delegations", "roles"], undefined, "signed.delegations.roles: an array is needed"],
  ...[
    "targets",
    "releases",
    "targets/",
    "targets/A",
    "targets/a/b",
    "targets/a.b",
    "targets/é",
    "targets/a b",
    "TARGETS/a",
    "targets//a",
    "targets/a/",
    "/targets/a",
    "targets/../a",
    "targets/a\n",
    `targets/${"a".repeat(248)}`,
  ].map((name) =>
    [
      "targets",
      ["delegations", "roles", 0, "name"],
      name,
      'signed.delegations.roles[0].name: "targets/" and a name',
    ] satisfies Case
  ),
  [
    "targets",
    ["delegations", "roles", 0, "name"],
    "targets/alice",
    "signed.delegations.roles: a delegation stands there twice",
  ],
  [
    "targets/releases",
    ["delegations", "roles", 0],
    jsonObject([["name", "targets/a"]]),
    '"targets/releases/" and a name',
  ],
  ["targets", ["delegations", "roles", 0, "threshold"], 0, "roles[0].threshold: an integer from 1 is needed"],
  ["targets", ["delegations", "roles", 0, "paths"], "v", "roles[0].paths: an array is needed"],
  ["targets", ["delegations", "roles", 0, "paths", 0], 1, "roles[0].paths[0]: a string is needed"],
  [
    "targets",
    ["delegations", "roles", 0, "keyids", 0],
    "no",
    "roles[0].keyids[0]: this key is not among the file's keys",
  ],
  ["targets", ["targets"], undefined, "signed.targets: an object is needed"],
  ["targets", ["targets"], [], "signed.targets: an object is needed"],
  ["targets", TARGET, null, 'signed.targets["v1"]: an object is needed'],
  ["targets", [...TARGET, "length"], -1, 'signed.targets["v1"].length: an integer from 0 is needed'],
  ["targets", [...TARGET, "length"], undefined, 'signed.targets["v1"].length: an integer from 0 is needed'],
  ["targets", [...TARGET, "hashes"], null, 'signed.targets["v1"].hashes: an object is needed'],
  ["targets", [...TARGET, "hashes", "sha256"], undefined, 'signed.targets["v1"].hashes["sha256"]: a string is needed'],
  [
    "targets",
    [...TARGET, "hashes", "sha256"],
    "",
    'signed.targets["v1"].hashes["sha256"]: base64 of 32 bytes is needed',
  ],
  ["targets", [...TARGET, "hashes", "sha256"], DIGEST, "base64 of 32 bytes is needed"],
  ["targets", [...TARGET, "hashes", "sha256"], `${"A".repeat(42)}B=`, "base64 of 32 bytes is needed"],
  ["targets", [...TARGET, "hashes", "sha256"], "A".repeat(43), "base64 of 32 bytes is needed"],
  ["targets", [...TARGET, "hashes", "sha256"], `${"A".repeat(43)}=\n`, "base64 of 32 bytes is needed"],
  ["targets", [...TARGET, "hashes", "sha256"], `${"-".repeat(42)}8=`, "base64 of 32 bytes is needed"],
  ["snapshot", ["meta"], undefined, "signed.meta: an object is needed"],
  ["snapshot", ["meta", "root"], undefined, 'signed.meta: "root" is missing'],
  ["snapshot", ["meta", "targets"], undefined, 'signed.meta: "targets" is missing'],
  ["timestamp", ["meta", "snapshot"], undefined, 'signed.meta: "snapshot" is missing'],
  ["snapshot", [...META, "length"], -1, "signed.meta.targets.length: an integer from 0 is needed"],
  ["snapshot", [...META, "length"], undefined, "signed.meta.targets.length: an integer from 0 is needed"],
  ["snapshot", [...META, "hashes", "sha256"], undefined, "signed.meta.targets.hashes: a sha256 is needed"],
  [
    "snapshot",
    [...META, "hashes", "sha256"],
    "AAAA",
    'signed.meta.targets.hashes["sha256"]: base64 of 32 bytes is needed',
  ],
  [
    "snapshot",
    [...META, "hashes", "sha512"],
    "AAAA",
    'signed.meta.targets.hashes["sha512"]: base64 of 64 bytes is needed',
  ],
  [
    "snapshot",
    ["meta", "targets/alice", "hashes"],
    jsonObject(),
    'signed.meta["targets/alice"].hashes: a sha256 is needed',
  ],
];

for (const [role, path, value, words] of REFUSED) {
  Deno.test(`parse: ${role} with ${path.join(".")} = ${JSON.stringify(value)?.slice(0, 60)} is refused`, async () => {
    const bytes = await written(role, [path, value]);
    const error = await failsWith(
      () => parse(role, bytes),
      "trust-invalid",
      `The trust data of "${role}" is malformed: `,
      words,
    );
    assert.equal(error.details["role"], role);
  });
}

const ACCEPTED: readonly [role: RoleName, path: Change[0], value: JsonValue | undefined][] = [
  ["targets", ["version"], 2 ** 31],
  ["timestamp", ["version"], 2 ** 53 - 1],
  ["root", ["version"], 2 ** 53 - 1],
  ["targets", ["version"], 1],
  ["timestamp", ["expires"], "2028-02-29T23:59:59Z"],
  ["timestamp", ["expires"], "2027-06-01T12:00:00.123456789Z"],
  ["timestamp", ["expires"], "2027-06-01T00:00:00+02:00"],
  ["timestamp", ["expires"], "0001-01-01T00:00:00Z"],
  ["root", ["consistent_snapshot"], undefined],
  ["root", ["consistent_snapshot"], true],
  ["root", ["keys", "00"], keyObject("dilithium", "AAAA")],
  ["root", ["keys", "00"], KEYS.alice.publicKey.json],
  ["root", ["roles", "timestamp", "keyids"], null],
  ["targets", ["targets"], null],
  ["targets", ["delegations"], jsonObject([["keys", null], ["roles", null]])],
  ["targets", ["delegations", "roles", 0, "keyids"], null],
  ["root", ["roles", "root", "threshold"], 1000],
  ["root", ["something"], jsonObject([["new", [null]]])],
  ["targets", ["delegations", "roles"], null],
  ["targets", ["delegations", "roles"], []],
  ["targets", ["delegations", "roles", 0, "paths"], null],
  ["targets", ["delegations", "roles", 0, "paths"], undefined],
  ["targets", ["delegations", "roles", 0, "name"], "targets/-a_0"],
  ["targets", ["delegations", "roles", 0, "name"], `targets/${"a".repeat(247)}`],
  ["targets", [...TARGET, "length"], 0],
  ["targets", [...TARGET, "custom"], jsonObject([["x", 1]])],
  ["targets", [...TARGET, "hashes", "md5"], "whatever"],
  ["targets", ["targets", "__proto__"], signedTarget()],
  ["targets", ["targets", ""], signedTarget()],
  ["targets", ["Expires"], "never"],
  ["snapshot", [...META, "hashes", "sha512"], undefined],
  ["snapshot", ["meta", "targets/alice", "hashes", "sha256"], undefined],
  ["timestamp", ["meta", "root"], undefined],
];

function signedTarget(): JsonValue {
  return (signedOf("targets")["targets"] as JsonObject)["v1"]!;
}

for (const [role, path, value] of ACCEPTED) {
  Deno.test(`parse: ${role} with ${path.join(".")} = ${JSON.stringify(value)?.slice(0, 60)} is read`, async () => {
    assert.ok(parse(role, await written(role, [path, value])));
  });
}

Deno.test("parse: outside of signed, members may be of any kind, and numbers too", async () => {
  const more = '{"x":[1.5,1e999,-0,12345678901234567890,{"signed":1.0,"custom":null}],"signed":';
  const file = signedText().replace('{"signed":', more).replace('"keyid"', '"weight":0.5,"x":null,"keyid"');
  assert.equal(parseTargets("targets", utf8(file)).envelope.signatures.length, 1);
  for (const number of ["1.5", "9007199254740993", "1e3"]) {
    const inside = utf8(file.replace('"version":1', `"version":1,"x":{"signed":${number}}`));
    await failsWith(() => parseTargets("targets", inside), "trust-invalid", `the number ${number} is not`);
  }
});

/** Keys that a role may name, why they do not count, and whether the role is barred by them. */
const UNUSABLE: readonly (readonly [key: JsonValue, reason: string, bars: boolean, barsInRoot?: boolean])[] = [
  [keyObject("dilithium", "AAAA"), "a key is of an unknown type", false],
  [keyObject("ecdsa", "AAAA"), "a public key is not a SubjectPublicKeyInfo", false],
  [keyObject("ed25519", new Uint8Array(32).toBase64()), "small order", false],
  [keyObject("ecdsa", KEYS.alice.publicKey.spki.toBase64(), "AAAA"), "a key object holds a private key", false],
  [keyObject("rsa", spki("rsa", { modulusLength: 1024 })), "an RSA key has 1024 bits", false],
  [keyObject("ecdsa-x509", utf8("hello").toBase64()), "there is no certificate", false],
  [keyObject("ecdsa-x509", "/w=="), "a certificate is not in PEM", false],
  [KEYS.alice.publicKey.json, `its id is ${KEYS.alice.publicKey.id}`, true, true],
  [SHA1_KEY.json, "its certificate is signed with a broken hash", true, false],
  [keyObject("rsa-x509", utf8(certificatePem(SHORT_CERTIFICATE)).toBase64()), "an RSA key has 1024 bits", true, false],
];

function spki(...kind: ["rsa", { modulusLength: number }]): string {
  return new Uint8Array(generateKeyPairSync(...kind).publicKey.export({ type: "spki", format: "der" })).toBase64();
}

for (const [key, reason, bars, barsInRoot = false] of UNUSABLE) {
  Deno.test(`parse: a key that cannot be used concerns its role only: ${reason}`, async () => {
    const id = key === SHA1_KEY.json ? SHA1_KEY.id : "0".repeat(64);
    const targets = parseTargets(
      "targets",
      await written("targets", [["delegations", "keys", id], key], [["delegations", "roles", 0, "keyids", 1], id]),
    );
    const [releases, alice] = targets.delegations;
    assert.deepEqual([[...releases!.keys.keys()], alice!.unusable], [[RELEASES], undefined]);
    const [named] = [...releases!.unusable!];
    assert.deepEqual([named![0], named![1].bars], [id, bars]);
    assert.ok(named![1].reason.includes(reason), named![1].reason);
    assert.deepEqual(namedKeys(releases!).map(({ id }) => id), [RELEASES, id]);

    const { roles } = parseRoot(await written("root", [["keys", id], key], [["roles", "targets", "keyids", 1], id]));
    const inRoot = roles.targets.unusable?.get(id);
    assert.deepEqual([roles.targets.keys.size, inRoot?.bars], key === SHA1_KEY.json ? [2, undefined] : [1, barsInRoot]);
  });
}

Deno.test("parse: what is read", () => {
  const targets = parseTargets("targets", FILES.get("targets")!);
  assert.deepEqual(namedKeys(targets.delegations[0]!).map(({ id }) => id), [RELEASES]);
  assert.deepEqual(targets.targets, new Map([["v1", { length: 528, sha256: DIGEST }]]));
  assert.deepEqual(targets.delegations.map((d) => [d.name, [...d.keys.keys()], d.threshold, d.paths]), [
    ["targets/releases", [RELEASES], 1, [""]],
    ["targets/alice", [KEYS.alice.publicKey.id], 1, [""]],
  ]);
  assert.equal(
    parseListing("timestamp", FILES.get("timestamp")!).meta.get("snapshot")!.length,
    FILES.get("snapshot")!.length,
  );
});

const signedText = () => new TextDecoder().decode(FILES.get("targets")!);
const ENVELOPES: readonly [name: string, document: string, words: string][] = [
  ["nothing", "", "it is not strict JSON: unexpected end"],
  ["an array", "[]", "an object is needed"],
  [
    "signed: null",
    signedText().replace(/"signed":\{.*\},"signatures"/, '"signed":null,"signatures"'),
    "signed: an object is needed",
  ],
  ["no signed", '{"signatures":[]}', "signed: an object is needed"],
  ["no signatures", signedText().replace(/"signatures":.*/, '"x":1}'), "signatures: an array is needed"],
  ["an empty signature list", signedText().replace(/"signatures":.*/, '"signatures":[]}'), "it has no signatures"],
  [
    "a signature that is null",
    signedText().replace(/"signatures":.*/, '"signatures":[null]}'),
    "signatures[0]: an object is needed",
  ],
  ["a lax signature", signedText().replace(/("sig":"[^"]{8})/, "$1\\n"), "signatures[0].sig: base64 is needed"],
  [
    "a signature without its key",
    signedText().replace('"keyid"', '"KeyID"'),
    "signatures[0].keyid: a string is needed",
  ],
  [
    "too many signatures",
    signedText().replace(/"signatures":.*/, `"signatures":[${"{},".repeat(2000)}{}]}`),
    "signatures: at most 2000 entries are read",
  ],
  ["signatures: null", signedText().replace(/"signatures":.*/, '"signatures":null}'), "it has no signatures"],
  [
    "a repeated member below targets",
    signedText().replace('"targets":{"v1"', '"targets":{"v1":{},"v1"'),
    'it is not strict JSON: the member "v1" stands there twice',
  ],
  [
    "signed twice",
    signedText().replace('{"signed":', '{"signed":{},"signed":'),
    'the member "signed" stands there twice',
  ],
  [
    "a version written as a float",
    signedText().replace(/"version":1/, '"version":1.0'),
    "the number 1.0 is not written as an integer",
  ],
  ["a byte order mark", `\ufeff${signedText()}`, "it is not strict JSON"],
];

for (const [name, document, words] of ENVELOPES) {
  Deno.test(`parse: an envelope with ${name} is refused`, async () => {
    await failsWith(
      () => parseTargets("targets", utf8(document)),
      "trust-invalid",
      'The trust data of "targets" is malformed: ',
      words,
    );
  });
}

Deno.test("parse: what a file may hold has bounds, which are told", async () => {
  const [signature] = parseEnvelope("targets", FILES.get("targets")!).signatures;
  const entry = JSON.stringify({ keyid: "x", method: "ecdsa", sig: signature!.bytes.toBase64() });
  const many = (count: number) =>
    utf8(signedText().replace(/"signatures":.*/, `"signatures":[${Array(count).fill(entry)}]}`));
  assert.equal(parseEnvelope("targets", many(2000)).signatures.length, 2000);
  await failsWith(
    () => parseEnvelope("targets", many(2001)),
    "trust-invalid",
    "signatures: at most 2000 entries are read",
  );
  const keys = jsonObject(Array.from({ length: 2001 }, (_, i) => [`${i}`, keyObject("new", "AAAA")]));
  const bytes = await written("targets", [["delegations", "keys"], keys]);
  await failsWith(
    () => parse("targets", bytes),
    "trust-invalid",
    "signed.delegations.keys: at most 2000 keys are read",
  );
  const others = Object.entries(keys).slice(3);
  const most = await written("targets", ...others.map(([id, key]): Change => [["delegations", "keys", id], key]));
  assert.equal(parseTargets("targets", most).delegations.length, 2);
});

Deno.test("parse: pretty printing changes neither the signed bytes nor what is read", () => {
  const pretty = utf8(JSON.stringify(JSON.parse(signedText()), null, 3));
  const [plain, read] = [parseTargets("targets", FILES.get("targets")!), parseTargets("targets", pretty)];
  assert.deepEqual(read.envelope.payload, plain.envelope.payload);
  assert.deepEqual(read.targets, plain.targets);
  assert.notDeepEqual(read.envelope.bytes, plain.envelope.bytes);
});

Deno.test("parse: damaged files are trust-invalid or read, never anything else", () => {
  const next = random(7);
  for (const [role, bytes] of [...recordedFiles(), ...FILES]) {
    for (let i = 0; i < 300; i++) {
      try {
        parse(role, damaged(next, bytes));
      } catch (error) {
        assert.ok(isTagsealError(error, "trust-invalid"), String((error as Error).stack));
      }
    }
  }
});
