import assert from "node:assert/strict";
import { constants, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import {
  createSignature,
  ecdsaReadings,
  methodsOf,
  type SignatureMethod,
  signatureMethod,
  verifySignature,
} from "../../lib/crypto/algorithms.ts";
import { type KeyShape, MIN_RSA_BITS } from "../../lib/crypto/algorithms.ts";
import { keyOfSpki } from "../../lib/crypto/keys.ts";
import { privateKeyOf, publicKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner } from "../../lib/crypto/signer.ts";

const PAYLOAD = utf8('{"_type":"Root"}');
const OTHER = utf8('{"_type":"root"}');
const der = (key: KeyObject): Bytes => new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
const bytesOf = (buffer: Uint8Array): Bytes => new Uint8Array(buffer);

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const PRIVATE: Readonly<Record<string, KeyObject>> = {
  "P-256": generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  "P-384": generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
  "P-521": generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey,
  rsa,
  ed25519: generateKeyPairSync("ed25519").privateKey,
};

const CASES: readonly [method: SignatureMethod, key: string, length: number][] = [
  ["ecdsa", "P-256", 64],
  ["ecdsa", "P-384", 96],
  ["ecdsa", "P-521", 132],
  ["rsapss", "rsa", 256],
  ["rsapkcs1v15", "rsa", 256],
  ["eddsa", "ed25519", 64],
];

for (const [method, name, length] of CASES) {
  Deno.test(`signatures: ${method} with ${name} holds for its payload, its key and its length only`, async () => {
    const key = PRIVATE[name]!;
    const publicKey = publicKeyOf(key);
    const stranger = publicKeyOf(name === "rsa" ? other(key) : other(key));
    const signature = await createSignature(method, { shape: publicKey.shape, pkcs8: der(key) }, PAYLOAD);
    assert.equal(signature.length, length);
    assert.equal(await verifySignature(method, publicKey, PAYLOAD, signature), true);
    assert.equal(await verifySignature(method, publicKey, OTHER, signature), false);
    assert.equal(await verifySignature(method, stranger, PAYLOAD, signature), false);
    for (const at of [0, length >> 1, length - 1]) {
      const flipped = signature.slice();
      flipped[at]! ^= 1;
      assert.equal(await verifySignature(method, publicKey, PAYLOAD, flipped), false);
    }
    const wrongSizes = [signature.slice(0, -1), signature.slice(1), concat(signature, new Uint8Array(1))];
    wrongSizes.push(concat(new Uint8Array(1), signature), new Uint8Array(), new Uint8Array(length));
    for (const wrong of wrongSizes) assert.equal(await verifySignature(method, publicKey, PAYLOAD, wrong), false);
    for (const [otherMethod] of CASES) {
      if (otherMethod === method) continue;
      assert.equal(await verifySignature(otherMethod, publicKey, PAYLOAD, signature), false, otherMethod);
    }
  });
}

function other(key: KeyObject): KeyObject {
  switch (key.asymmetricKeyType) {
    case "rsa":
      return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    case "ed25519":
      return generateKeyPairSync("ed25519").privateKey;
    default:
      return generateKeyPairSync("ec", { namedCurve: key.asymmetricKeyDetails!.namedCurve! }).privateKey;
  }
}

Deno.test("signatures: PSS with a salt of another length than 32 is refused", async () => {
  const publicKey = publicKeyOf(rsa);
  const pss = (saltLength: number) =>
    bytesOf(sign("sha256", PAYLOAD, { key: rsa, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }));
  assert.equal(await verifySignature("rsapss", publicKey, PAYLOAD, pss(32)), true);
  for (const salt of [0, 20, 31, 33, 64]) {
    assert.equal(await verifySignature("rsapss", publicKey, PAYLOAD, pss(salt)), false, `${salt}`);
  }
});

Deno.test("signatures: SHA-512 where SHA-256 is meant is refused", async () => {
  const padding = constants.RSA_PKCS1_PADDING;
  assert.equal(
    await verifySignature(
      "rsapkcs1v15",
      publicKeyOf(rsa),
      PAYLOAD,
      bytesOf(sign("sha256", PAYLOAD, { key: rsa, padding })),
    ),
    true,
  );
  assert.equal(
    await verifySignature(
      "rsapkcs1v15",
      publicKeyOf(rsa),
      PAYLOAD,
      bytesOf(sign("sha512", PAYLOAD, { key: rsa, padding })),
    ),
    false,
  );
});

Deno.test("signatures: DER is no metadata signature, but both readings of a signing service's answer are tried", async () => {
  for (const curve of ["P-256", "P-384"] as const) {
    const key = PRIVATE[curve]!;
    const publicKey = publicKeyOf(key);
    for (let i = 0; i < 40; i++) { // short integers come up by chance
      const asDer = bytesOf(sign("sha256", PAYLOAD, { key, dsaEncoding: "der" }));
      assert.equal(await verifySignature("ecdsa", publicKey, PAYLOAD, asDer), false);
      const readings = ecdsaReadings(asDer, curve);
      const verdicts = await Promise.all(readings.map((r) => verifySignature("ecdsa", publicKey, PAYLOAD, r)));
      assert.equal(verdicts.filter(Boolean).length, 1);
    }
  }
});

const INT = (hex: string) => `02${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`;
const SEQ = (hex: string) => `30${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`;
const READINGS: readonly [name: string, hex: string, rs: readonly string[]][] = [
  ["r‖s as it is", "07".repeat(64), ["07".repeat(64)]],
  ["DER of small integers", SEQ(INT("01") + INT("7f")), ["00".repeat(31) + "01" + "00".repeat(31) + "7f"]],
  ["DER with a sign byte", SEQ(INT("0080") + INT("01")), ["00".repeat(31) + "80" + "00".repeat(31) + "01"]],
  ["DER of 64 bytes, read both ways", SEQ(INT("01".repeat(29)) + INT("01".repeat(29))), [
    SEQ(INT("01".repeat(29)) + INT("01".repeat(29))),
    "000000" + "01".repeat(29) + "000000" + "01".repeat(29),
  ]],
  ["DER of zero", SEQ(INT("00") + INT("01")), ["00".repeat(63) + "01"]],
  ["an integer too long for the curve", SEQ(INT("01".repeat(33)) + INT("01")), []],
  ["a negative integer", SEQ(INT("80") + INT("01")), []],
  ["a zero too many", SEQ(INT("0001") + INT("01")), []],
  ["an empty integer", SEQ("0200" + INT("01")), []],
  ["one integer", SEQ(INT("01")), []],
  ["three integers", SEQ(INT("01") + INT("01") + INT("01")), []],
  ["a byte behind", SEQ(INT("01") + INT("01")) + "00", []],
  ["a length that lies", "3008" + INT("01") + INT("01"), []],
  ["an integer that reaches beyond the end", "3006" + "020101" + "020401", []],
  ["an indefinite length", "3080" + INT("01") + INT("01") + "0000", []],
  ["nothing", "", []],
  ["a tag alone", "30", []],
  ["63 bytes", "07".repeat(63), []],
];

for (const [name, hex, rs] of READINGS) {
  Deno.test(`signatures: ecdsaReadings of ${name}`, () => {
    assert.deepEqual(ecdsaReadings(Uint8Array.fromHex(hex), "P-256").map((r) => r.toHex()), rs);
  });
}

Deno.test("signatures: ecdsaReadings of P-521, whose DER has a long length", () => {
  const body = INT("01".repeat(66)) + INT("00ff" + "01".repeat(64));
  const long = `3081${(body.length / 2).toString(16)}${body}`;
  assert.deepEqual(ecdsaReadings(Uint8Array.fromHex(long), "P-521").map((r) => r.toHex()), [
    "01".repeat(66) + "00ff" + "01".repeat(64),
  ]);
  const just = INT("01".repeat(62)) + INT("01".repeat(62)); // 128 bytes: the least that needs a long length
  assert.equal(ecdsaReadings(Uint8Array.fromHex(`308180${just}`), "P-521").length, 1);
  assert.deepEqual(
    ecdsaReadings(Uint8Array.fromHex(`3081${"06"}${INT("01")}${INT("01")}`), "P-256"),
    [],
    "not minimal",
  );
});

Deno.test("signatures: method names are matched in any case, and no other name is one", () => {
  assert.equal(signatureMethod("ecdsa"), "ecdsa");
  assert.equal(signatureMethod("RSAPSS"), "rsapss");
  assert.equal(signatureMethod("RSApkcs1v15"), "rsapkcs1v15");
  for (const name of ["", "toString", "__proto__", "constructor", "ecdsa ", "pyca-ecdsa"]) {
    assert.equal(signatureMethod(name), undefined, name);
  }
});

Deno.test("signatures: a key signs with the method that Notary uses for it", async () => {
  const first = (shape: KeyShape) => methodsOf(shape)[0];
  assert.equal(first({ family: "rsa", bits: MIN_RSA_BITS }), "rsapss");
  assert.equal(first({ family: "ecdsa", curve: "P-384" }), "ecdsa");
  assert.equal(first({ family: "ed25519" }), "eddsa");
  for (const key of Object.values(PRIVATE)) {
    const signer = localSigner(privateKeyOf(key));
    const { method, bytes } = await signer.sign(PAYLOAD);
    assert.equal(await verifySignature(method, signer.publicKey, PAYLOAD, bytes), true);
    assert.equal(signer.publicKey.id, keyOfSpki(signer.publicKey.spki).id);
  }
});

Deno.test("signatures: an RSA key under 2048 bits is no signer", () => {
  const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  assert.throws(() => localSigner(privateKeyOf(small)), /an RSA key has 1024 bits; at least 2048 are needed/);
  assert.equal(
    createPublicKey(createPrivateKey({ key: der(small) as never, format: "der", type: "pkcs8" })).asymmetricKeyType,
    "rsa",
  );
});
