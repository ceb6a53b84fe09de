import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { type JsonObject, jsonObject, type JsonValue, parseJson } from "../../lib/bytes/json.ts";
import { keyOfCertificate, keyOfSpki, type PublicKey, readPublicKey } from "../../lib/crypto/keys.ts";
import { shapeOf } from "../../lib/crypto/spki.ts";
import { certificatePem, readCertificate } from "../../lib/crypto/x509.ts";
import { RECORDED, recordedFiles } from "../support/recorded.ts";
import { certified, certify, KEYS, newKey } from "../support/trust_builder.ts";

const spkiOf = (key: KeyObject): Bytes => new Uint8Array(key.export({ type: "spki", format: "der" }));
const keyJson = (type: string, bytes: Uint8Array, priv: JsonValue = null): JsonObject =>
  jsonObject([["keytype", type], ["keyval", jsonObject([["private", priv], ["public", bytes.toBase64()]])]]);
const refuses = (json: JsonValue, words: RegExp) =>
  assert.throws(() => readPublicKey(json), (e) => e instanceof SyntaxError && words.test(e.message));

Deno.test("keys: the ids of a repository that notary made", () => {
  const ofRole = new Map<string, { id: string; key: PublicKey }[]>();
  for (const role of ["root", "targets"] as const) {
    const { signed } = parseJson(recordedFiles().get(role)!) as unknown as { signed: JsonObject };
    const keys = (role === "root" ? signed : signed["delegations"] as JsonObject)["keys"] as JsonObject;
    ofRole.set(role, Object.entries(keys).map(([id, json]) => ({ id, key: readPublicKey(json) })));
  }
  const all = [...ofRole.values()].flat();
  assert.equal(all.length, 6);
  for (const { id, key } of all) assert.equal(key.id, id);
  assert.deepEqual(all.map(({ key }) => key.type).sort(), [
    "ecdsa",
    "ecdsa",
    "ecdsa",
    "ecdsa-x509",
    "ecdsa-x509",
    "rsa-x509",
  ]);

  const root = ofRole.get("root")!.find(({ key }) => key.type === "ecdsa-x509")!.key;
  assert.equal(root.canonicalId, RECORDED.keys.root, "the key file is named by the canonical id");
  assert.notEqual(root.id, root.canonicalId);
  assert.equal(root.certificate!.commonName, RECORDED.gun);
  assert.ok(ofRole.get("root")!.some(({ id }) => id === RECORDED.keys.targets));
});

Deno.test("keys: a certificate's key and the plain key share the canonical id", async () => {
  const plain = newKey();
  const { publicKey } = await certified(plain);
  assert.equal(publicKey.type, "ecdsa-x509");
  assert.equal(publicKey.canonicalId, plain.publicKey.id);
  assert.notEqual(publicKey.id, plain.publicKey.id);
  assert.deepEqual(readPublicKey(publicKey.json), publicKey);
  assert.deepEqual(readPublicKey(plain.publicKey.json), plain.publicKey);
});

Deno.test("keys: an id counts private: null in, however the member is written", () => {
  const { json, id, spki } = KEYS.targets.publicKey;
  const [kept, absent] = [readPublicKey(json), readPublicKey(keyJson("ecdsa", spki, ""))];
  assert.equal(kept.id, id);
  assert.equal(absent.id, id);
  refuses(keyJson("ecdsa", spki, "c2VjcmV0"), /a key object holds a private key/);
});

const ecdsa = KEYS.targets.publicKey;
const ed25519 = spkiOf(generateKeyPairSync("ed25519").publicKey).subarray(12);

Deno.test("keys: malformed key objects are refused", () => {
  const cases: [JsonValue, RegExp][] = [
    [null, /a key is not an object with a keyval/],
    ["key", /a key is not an object with a keyval/],
    [jsonObject([["keytype", "ecdsa"]]), /a key is not an object with a keyval/],
    [jsonObject([["keytype", "ecdsa"], ["keyval", jsonObject()]]), /a key has no public part/],
    [keyJson("dsa", ecdsa.spki), /a key is of an unknown type/],
    [keyJson("ECDSA", ecdsa.spki), /a key is of an unknown type/],
    [keyJson("__proto__", ecdsa.spki), /a key is of an unknown type/],
    [keyJson("rsa", ecdsa.spki), /a key labelled "rsa" is of another type/],
    [keyJson("ecdsa", spkiOf(generateKeyPairSync("ed25519").publicKey)), /a key labelled "ecdsa" is of another type/],
    [
      keyJson("rsa-x509", utf8(certificatePem(KEYS.root.publicKey.certificate!))),
      /labelled "rsa-x509" is of another type/,
    ],
    [keyJson("ecdsa-x509", KEYS.root.publicKey.certificate!.der), /a certificate is not in PEM/],
    [keyJson("ecdsa-x509", utf8("nothing")), /there is no certificate/],
    [keyJson("ecdsa", new Uint8Array()), /a public key is not a SubjectPublicKeyInfo/],
    [keyJson("ecdsa", concat(ecdsa.spki, new Uint8Array(1))), /not a SubjectPublicKeyInfo|oddly encoded/],
    [keyJson("ed25519", ed25519.subarray(1)), /an ed25519 key does not have 32 bytes/],
  ];
  for (const [json, words] of cases) {
    assert.throws(() => readPublicKey(json), (error) => {
      assert.ok(error instanceof SyntaxError, String(error));
      assert.match(error.message, words);
      return true;
    });
  }
});

Deno.test("keys: another encoding of a good key is refused, as its id would be another for other readers", () => {
  const encoded = ecdsa.spki.toBase64();
  const odd = (text: string) =>
    jsonObject([["keytype", "ecdsa"], ["keyval", jsonObject([["private", null], ["public", text]])]]);
  assert.equal(readPublicKey(odd(encoded)).id, ecdsa.id);
  refuses(odd(`${encoded.slice(0, 64)}\n${encoded.slice(64)}`), /a key is oddly encoded/);
  const { x, y } = createPublicKey({ key: ecdsa.spki as never, format: "der", type: "spki" }).export({ format: "jwk" });
  const [xBytes, yBytes] = [x!, y!].map((part) => Uint8Array.fromBase64(part, { alphabet: "base64url" }));
  const compressed = concat(
    Uint8Array.fromHex("3039301306072a8648ce3d020106082a8648ce3d030107032200"),
    new Uint8Array([2 + yBytes!.at(-1)! % 2]),
    xBytes!,
  );
  refuses(keyJson("ecdsa", compressed), /a key is oddly encoded/);
  const pem = certificatePem(KEYS.root.publicKey.certificate!);
  assert.equal(readPublicKey(keyJson("ecdsa-x509", utf8(pem))).id, KEYS.root.publicKey.id);
  refuses(keyJson("ecdsa-x509", utf8(`hello\n${pem}`)), /a key is oddly encoded/);
  refuses(keyJson("ecdsa-x509", utf8(pem.replaceAll("\n", "\r\n"))), /a key is oddly encoded/);
});

Deno.test("keys: ed25519 points of small order are refused, in every encoding", () => {
  assert.deepEqual(readPublicKey(keyJson("ed25519", ed25519)).shape, { family: "ed25519" });
  const points = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ];
  for (const point of points) {
    const bytes = Uint8Array.fromHex(point);
    refuses(keyJson("ed25519", bytes), /an ed25519 key is of small order/);
    bytes[31]! |= 0x80;
    refuses(keyJson("ed25519", bytes), /an ed25519 key is of small order/);
  }
});

Deno.test("keys: other algorithms and RSA keys under 2048 bits are refused", () => {
  const { publicKey: rsa1024 } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  refuses(keyJson("rsa", spkiOf(rsa1024)), /an RSA key has 1024 bits; at least 2048 are needed/);
  const k256 = Uint8Array.fromHex(
    "3056301006072a8648ce3d020106052b8104000a034200" +
      "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" +
      "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
  );
  refuses(keyJson("ecdsa", k256), /an ECDSA key is not on P-256, P-384 or P-521|not a SubjectPublicKeyInfo/);
  const edwards = keyOfSpki(spkiOf(generateKeyPairSync("ed25519").publicKey));
  assert.throws(() => keyOfCertificate({ ...KEYS.root.publicKey.certificate!, spki: edwards.spki }), {
    name: "SyntaxError",
    message: "Notary has no certificates for ed25519 keys",
  });
  const { publicKey: x25519 } = generateKeyPairSync("x25519");
  assert.throws(() => shapeOf(x25519), /a key is neither ECDSA, RSA nor Ed25519/);
});

Deno.test("keys: every curve of Notary is read", () => {
  for (const curve of ["P-256", "P-384", "P-521"] as const) {
    const key = keyOfSpki(spkiOf(generateKeyPairSync("ec", { namedCurve: curve }).publicKey));
    assert.deepEqual(key.shape, { family: "ecdsa", curve });
    assert.deepEqual(readPublicKey(key.json), key);
  }
});

Deno.test("keys: of a bundle the first certificate is the key's, and the id stands for all of it", async () => {
  const ca = newKey();
  const leaf = await certify(KEYS.root, { issuer: ca });
  const authority = await certify(ca, { commonName: "An issuer", ca: true });
  const other = await certify(KEYS.stranger);
  const bundle = (...certificates: typeof leaf[]) =>
    keyJson("ecdsa-x509", utf8(certificates.map(certificatePem).join("")));

  const key = readPublicKey(bundle(leaf, authority));
  assert.deepEqual(key.certificate!.der, leaf.der);
  assert.equal(key.canonicalId, KEYS.root.publicKey.canonicalId);
  assert.notEqual(key.id, keyOfCertificate(leaf).id);
  refuses(bundle(authority, leaf), /a certificate bundle has a leaf that is not its first or not its only one/);
  refuses(bundle(leaf, other), /a certificate bundle has a leaf that is not its first or not its only one/);
  assert.ok(readPublicKey(bundle(authority)).certificate!.isCa, "openssl's own certificates are CAs: delegations may");
  assert.deepEqual(readCertificate(certificatePem(authority) + certificatePem(leaf)).der, leaf.der);
});
