/** Keys that other tools put onto a token: of all kinds, found by public key objects and by certificates. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { concat, utf8 } from "../../lib/bytes/bytes.ts";
import { type SignatureMethod, verifySignature } from "../../lib/crypto/algorithms.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { keyOfSpki } from "../../lib/crypto/keys.ts";
import { recognizeByRules } from "../../lib/crypto/signature_rules.ts";
import { type Attribute, CKA, CKK } from "../../lib/keystore/pkcs11_addon.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { failsWith } from "../support/failures.ts";
import { FakeToken, newPair, type Pair, PAYLOAD, storeOf } from "../support/fake_token.ts";
import { RULES } from "../support/token_signatures.ts";
import { certify, KEYS } from "../support/trust_builder.ts";

/** What a key signs before it signs the hash of something unknown. */
const PROOF = utf8("tagseal asks whether this private key belongs to the public key beside it");
const bytes = (length: number) => new Uint8Array(length).fill(0xa5);
const rsa = (modulus: Uint8Array, exponent: number): Attribute[] => [
  { type: CKA.MODULUS, value: modulus },
  { type: CKA.PUBLIC_EXPONENT, value: Uint8Array.of(exponent) },
];
const point = (value: Uint8Array, curve = "06082a8648ce3d030107"): Attribute[] => [
  { type: CKA.EC_PARAMS, value: Uint8Array.fromHex(curve) },
  { type: CKA.EC_POINT, value },
];
const NAMED: Attribute = { type: CKA.ID, value: Uint8Array.of(1) };
const DER = (await certify(KEYS.alice)).der;
const BELOW_A_CA = (await certify(KEYS.alice, { ca: true, issuer: KEYS.stranger })).der;
const SHORT = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" }).n!;

/** A key that somebody else made, under one id; `shown` says whether there is a public key object. */
function foreign(token: FakeToken, pair: Pair, id = 1, shown = true, privately: Attribute[] = []): void {
  const named = [{ type: CKA.ID, value: Uint8Array.of(id) }];
  const [publicKey] = token.add(named, [...named, ...privately], pair);
  if (!shown) token.objects.delete(publicKey[0]!);
}

const idOf = (key: KeyObject) => keyOfSpki(new Uint8Array(key.export({ type: "spki", format: "der" }))).canonicalId;

const FOREIGN: readonly [string, SignatureMethod, () => Pair][] = [
  ["RSA 2048", "rsapkcs1v15", () => generateKeyPairSync("rsa", { modulusLength: 2048 })],
  ["RSA 2056, exponent 3", "rsapkcs1v15", () => generateKeyPairSync("rsa", { modulusLength: 2056, publicExponent: 3 })],
  ["P-384", "ecdsa", () => generateKeyPairSync("ec", { namedCurve: "P-384" })],
  ["P-521", "ecdsa", () => generateKeyPairSync("ec", { namedCurve: "P-521" })],
];

Deno.test("pkcs11: keys of all kinds that Notary knows sign payloads, and hashes after they proved themselves", async (t) => {
  for (const [name, method, make] of FOREIGN) {
    await t.step(name, async () => {
      const token = Object.assign(new FakeToken(), { alwaysAuthenticate: true });
      const pair = make();
      foreign(token, pair);
      using store = storeOf(token);
      const id = idOf(pair.publicKey);
      assert.deepEqual(await store.list(), [{ id, role: "", token: "fake" }]);
      const signer = await store.open(id);
      const signed = await signer.sign(PAYLOAD);
      assert.equal(signed.method, method);
      assert.ok(await verifySignature(method, signer.publicKey, PAYLOAD, signed.bytes));

      token.payloads = [PAYLOAD];
      token.calls.length = 0;
      const ofHash = await signer.signHash(hash("sha256", PAYLOAD));
      assert.equal(ofHash.method, method);
      assert.ok(await verifySignature(method, signer.publicKey, PAYLOAD, ofHash.bytes));
      assert.deepEqual(token.calls, ["C_SignInit", "C_Login for one signature", "C_Sign"], "it is proven already");

      token.payloads.push(PROOF);
      const pss = await signer.signHash(hash("sha256", PAYLOAD), "rsapss");
      assert.equal(pss.method, method === "ecdsa" ? "ecdsa" : "rsapss");
      assert.ok(await verifySignature(pss.method, signer.publicKey, PAYLOAD, pss.bytes));
      const short = await failsWith(signer.signHash(new Uint8Array(20)), "bad-input", "has 32, 48 or 64 bytes, not 20");
      assert.match(short.remedy, /SHA-256/);
    });
  }
});

Deno.test("pkcs11: keys of all kinds sign by rules, and prove each signature", async (t) => {
  for (const [name, , make] of FOREIGN) {
    await t.step(name, async () => {
      const token = new FakeToken();
      const pair = make();
      foreign(token, pair);
      token.payloads = [PAYLOAD];
      using store = storeOf(token);
      const signer = await store.open(idOf(pair.publicKey));
      for (const rules of RULES) {
        const { bytes } = await signer.sign(PAYLOAD, rules);
        const good = await recognizeByRules(signer.publicKey, rules, PAYLOAD, bytes);
        assert.deepEqual(good?.bytes, bytes, JSON.stringify(rules));
      }
    });
  }
  const token = new FakeToken();
  foreign(token, { publicKey: newPair().publicKey, privateKey: newPair().privateKey });
  token.payloads.push(PAYLOAD);
  using store = storeOf(token);
  const signer = await store.open((await store.list())[0]!.id);
  await failsWith(signer.sign(PAYLOAD, RULES[3]), "bad-input", "signed with another key than it shows");
});

Deno.test("pkcs11: a wrong private key signs no hash either", async () => {
  const token = new FakeToken();
  foreign(token, { publicKey: newPair().publicKey, privateKey: newPair().privateKey });
  token.payloads.push(PROOF);
  using store = storeOf(token);
  const signer = await store.open((await store.list())[0]!.id);
  await failsWith(signer.signHash(hash("sha256", PAYLOAD)), "bad-input", "signed with another key than it shows");
  assert.equal(token.calls.filter((call) => call === "C_Sign").length, 1, "the proof, and nothing else");
});

Deno.test("pkcs11: what begins at once is done one after the other, with one question for the PIN", async () => {
  const token = new FakeToken();
  const pairs = [newPair(), newPair()];
  for (const [i, pair] of pairs.entries()) foreign(token, pair, i + 1);
  let asked = 0;
  const askPin = async () => {
    asked++;
    await new Promise((resolve) => setTimeout(resolve, 1));
    return token.pin;
  };
  using store = storeOf(token, { askPin });
  const signers = await Promise.all(pairs.map(({ publicKey }) => store.open(idOf(publicKey))));
  const signed = await Promise.all([...signers, ...signers].map((signer) => signer.sign(PAYLOAD)));
  for (const [i, { method, bytes }] of signed.entries()) {
    assert.ok(await verifySignature(method, signers[i % 2]!.publicKey, PAYLOAD, bytes));
  }
  assert.equal(asked, 1);
});

Deno.test("pkcs11: a key without a public key object is found by its certificate", async (t) => {
  const { certificateDer, privateKey } = await createSigningCertificate({
    algorithm: "rsa-2048",
    commonName: "SignPath",
    now: new Date(),
    days: 1,
  });
  const own: [string, KeyObject, Uint8Array][] = [["RSA", privateKey, certificateDer], [
    "EC",
    KEYS.alice.privateKey,
    DER,
  ]];
  for (const [name, privateKey, der] of own) {
    await t.step(name, async () => {
      const token = new FakeToken();
      foreign(token, { privateKey, publicKey: createPublicKey(privateKey) }, 0x9c, false);
      const label = { type: CKA.LABEL, value: Buffer.from("Schl\xfcssel", "latin1") };
      token.addCertificate(der, [{ type: CKA.ID, value: Uint8Array.of(0x9c) }, label]);
      using store = storeOf(token);
      const id = idOf(createPublicKey(privateKey));
      assert.deepEqual(await store.list(), [{ id, role: "", token: "fake" }]);
      const signer = await store.open(id);
      const { method, bytes } = await signer.sign(PAYLOAD);
      assert.ok(await verifySignature(method, signer.publicKey, PAYLOAD, bytes));
      assert.equal(signer.publicKey.certificate, undefined, "the plain key: metadata may hold another certificate");
    });
  }

  await t.step("of somebody whose private key is elsewhere", async () => {
    const token = new FakeToken();
    token.addCertificate(DER, [{ type: CKA.ID, value: Uint8Array.of(7) }]);
    foreign(token, generateKeyPairSync("rsa", { modulusLength: 2048 }), 7, false);
    using store = storeOf(token);
    await failsWith(
      store.open((await store.list())[0]!.id),
      "not-found",
      'The token "fake" has no private key for the',
    );
  });

  await t.step("an old one beside a new key does not count", async () => {
    const token = new FakeToken();
    const pair = newPair();
    token.addCertificate(DER, [{ type: CKA.ID, value: Uint8Array.of(2) }]);
    foreign(token, pair, 2);
    using store = storeOf(token, { existingKeys: new Map([["root", "02"]]) });
    assert.deepEqual((await store.list()).map(({ id }) => id), [idOf(pair.publicKey)]);
    assert.equal((await store.create({ role: "root" })).signer.publicKey.canonicalId, idOf(pair.publicKey));
  });
});

const NO_KEYS: readonly [string, (token: FakeToken) => void][] = [
  ["a certificate without an id", (token) => token.addCertificate(DER, [])],
  ["a cut certificate", (token) => token.addCertificate(DER.subarray(0, 200), [NAMED])],
  ["a certificate of garbage", (token) => token.addCertificate(bytes(3000), [NAMED])],
  ["a certificate without end", (token) => token.addCertificate(concat(DER, bytes(70_000)), [NAMED])],
  ["a certificate without a value", (token) => token.addCertificate(bytes(0), [NAMED])],
  ["an endless id", (token) => token.addCertificate(DER, [{ type: CKA.ID, value: bytes(5000) }])],
  ["the certificate of a CA below another", (token) => token.addCertificate(BELOW_A_CA, [NAMED])],
  ["RSA with 1024 bits", (token) => token.addPublicKey(CKK.RSA, rsa(Buffer.from(SHORT, "base64url"), 3))],
  ["RSA with more bits than can be verified", (token) => token.addPublicKey(CKK.RSA, rsa(bytes(1024), 3))],
  ["RSA with more bytes than are read", (token) => token.addPublicKey(CKK.RSA, rsa(bytes(5000), 3))],
  ["RSA with exponent 1, which signs for anybody", (token) => token.addPublicKey(CKK.RSA, rsa(bytes(256), 1))],
  ["RSA without an exponent", (token) => token.addPublicKey(CKK.RSA, rsa(bytes(256), 3).slice(0, 1))],
  ["a point off its curve", (token) => token.addPublicKey(CKK.EC, point(concat(Uint8Array.of(4), bytes(64))))],
  ["a point of odd DER", (token) => token.addPublicKey(CKK.EC, point(Uint8Array.of(4, 0x84)))],
  ["a compressed point", (token) => token.addPublicKey(CKK.EC, point(concat(Uint8Array.of(4, 33, 2), bytes(32))))],
  ["no point", (token) => token.addPublicKey(CKK.EC, point(bytes(0)).slice(0, 1))],
  ["secp256k1", (token) => token.addPublicKey(CKK.EC, point(bytes(65), "06052b8104000a"))],
];

Deno.test("pkcs11: objects that are no keys of Notary's, or garbage, are passed over", async (t) => {
  for (const [name, put] of NO_KEYS) {
    await t.step(name, async () => {
      const token = new FakeToken();
      const pair = newPair();
      put(token);
      foreign(token, pair, 9);
      using store = storeOf(token);
      assert.deepEqual(await store.list(), [{ id: idOf(pair.publicKey), role: "", token: "fake" }]);
    });
  }
  await t.step("what they were made from is seen where nothing is wrong with it", async () => {
    const token = new FakeToken();
    token.addCertificate(DER, [NAMED]);
    token.addPublicKey(CKK.RSA, rsa(bytes(256), 3));
    using store = storeOf(token);
    const ids = (await store.list()).map(({ id }) => id);
    assert.equal(ids.length, 2);
    assert.ok(ids.includes(KEYS.alice.publicKey.canonicalId));
  });
});

Deno.test("pkcs11: a key that may not sign says so", async () => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const token = new FakeToken();
  foreign(token, pair, 1, true, [{ type: CKA.SIGN, value: false }]);
  using store = storeOf(token);
  const error = await failsWith(store.open(idOf(pair.publicKey)), "bad-input", "sign (CKA_SIGN is false)");
  assert.match(error.remedy, /made for signatures/);

  const other = new FakeToken();
  foreign(other, pair, 1, true, [{ type: CKA.SIGN, value: true }]);
  using refusing = storeOf(other);
  const signer = await refusing.open(idOf(pair.publicKey));
  for (const name of ["KEY_FUNCTION_NOT_PERMITTED", "MECHANISM_INVALID", "KEY_SIZE_RANGE"] as const) {
    other.refuses = { signInit: name };
    const refused = await failsWith(signer.sign(PAYLOAD), "bad-input", `does not sign with this key: CKR_${name}`);
    assert.match(refused.remedy, /CKM_RSA_PKCS/);
  }
});

Deno.test("pkcs11: two private keys with one id are told from each other by their kind only", async () => {
  const [rsa, ec, twin] = [generateKeyPairSync("rsa", { modulusLength: 2048 }), newPair(), newPair()];
  const token = new FakeToken();
  foreign(token, rsa);
  foreign(token, ec);
  using store = storeOf(token);
  for (const { publicKey } of [rsa, ec]) await (await store.open(idOf(publicKey))).sign(PAYLOAD);
  foreign(token, twin);
  await failsWith(store.open(idOf(ec.publicKey)), "bad-input", "has several private keys for the key");
  await store.open(idOf(rsa.publicKey));
});
