import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { parsePem } from "../../lib/bytes/pem.ts";
import { decryptPrivateKey, encryptPrivateKey, WrongPassphrase } from "../../lib/crypto/pkcs8.ts";
import { newPrivateKey, readPrivateKey } from "../../lib/crypto/private_key.ts";
import { verifySignature } from "../../lib/crypto/algorithms.ts";
import { derEncoded, derSequence, TAG } from "../../lib/crypto/der.ts";
import { publicKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import { rsaKey } from "../support/rsa_keys.ts";
import { below, bytesFrom, damaged, random } from "../support/random.ts";
import { RECORDED, recordedKey } from "../support/recorded.ts";
import { KEYS } from "../support/trust_builder.ts";

const PAYLOAD = utf8("what is signed");
const newPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const der = (key: KeyObject): Bytes => new Uint8Array(key.export({ type: "pkcs8", format: "der" }));

for (const role of ["root", "targets"] as const) {
  Deno.test(`pkcs8: opens the ${role} key file that notary wrote`, async () => {
    const [block] = parsePem(recordedKey(role));
    assert.equal(block!.label, "ENCRYPTED PRIVATE KEY");
    assert.equal(block!.headers.get("role"), role);
    const key = await decryptPrivateKey(block!.bytes, RECORDED.passphrases[role]);
    assert.equal(key.publicKey.id, RECORDED.keys[role]);
    await assert.rejects(decryptPrivateKey(block!.bytes, `${RECORDED.passphrases[role]} `), WrongPassphrase);
  });
}

Deno.test("pkcs8: what is encrypted opens again, with its passphrase only", async () => {
  const keys = [KEYS.targets.privateKey, generateKeyPairSync("ed25519").privateKey];
  keys.push(generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey);
  for (const key of keys) {
    for (const passphrase of ["password", "", "p\u00e4ss\u{1f511} word"]) {
      const sealed = await encryptPrivateKey(der(key), passphrase);
      assert.equal((await decryptPrivateKey(sealed, passphrase)).pkcs8.toHex(), der(key).toHex());
      await assert.rejects(decryptPrivateKey(sealed, `${passphrase}x`), {
        name: "WrongPassphrase",
        message: "the passphrase does not open the key",
      });
    }
  }
});

Deno.test("pkcs8: two encryptions of a key have nothing in common, and neither shows it", async () => {
  const [a, b] = [
    await encryptPrivateKey(der(KEYS.targets.privateKey), "x"),
    await encryptPrivateKey(der(KEYS.targets.privateKey), "x"),
  ];
  assert.notEqual(a.toHex().slice(-64), b.toHex().slice(-64));
  assert.equal(a.toHex().includes(KEYS.targets.publicKey.spki.toHex().slice(-64)), false);
});

Deno.test("pkcs8: node's own encryption (HMAC-SHA256) opens, too", async () => {
  const key = KEYS.targets.privateKey;
  const sealed = key.export({ type: "pkcs8", format: "der", cipher: "aes-256-cbc", passphrase: "password" });
  assert.equal((await decryptPrivateKey(new Uint8Array(sealed), "password")).pkcs8.toHex(), der(key).toHex());
});

Deno.test("pkcs8: a wrong passphrase is always told as one, also where the padding looks right", async () => {
  const sealed = await encryptPrivateKey(der(KEYS.targets.privateKey), "password");
  for (let i = 0; i < 600; i++) await assert.rejects(decryptPrivateKey(sealed, `wrong ${i}`), WrongPassphrase);
});

Deno.test("pkcs8: files that Notary does not write are refused, with the reason", async () => {
  const sealed = await encryptPrivateKey(der(KEYS.targets.privateKey), "password");
  const replaced = (from: string, to: string) => {
    assert.ok(sealed.toHex().includes(from));
    return Uint8Array.fromHex(sealed.toHex().replace(from, to));
  };
  // Whatever the count takes in place of its two octets, the salt gives.
  const withCount = (integer: string, saltBytes: number) => {
    const file = sealed.toHex().replace(/0408(.{16})02020800/, `040${saltBytes}${"5a".repeat(saltBytes)}${integer}`);
    assert.equal(file.length, sealed.length * 2);
    return Uint8Array.fromHex(file);
  };
  const withHash = (oid: string) => {
    const own = KEYS.targets.privateKey.export({
      type: "pkcs8",
      format: "der",
      cipher: "aes-256-cbc",
      passphrase: "x",
    });
    const hex = new Uint8Array(own).toHex();
    assert.ok(hex.includes("2a864886f70d0209"), "node names HMAC-SHA256");
    return Uint8Array.fromHex(hex.replace("2a864886f70d0209", oid));
  };
  const cases: [Bytes, string][] = [
    [new Uint8Array(), "not DER"],
    [sealed.slice(0, -1), "not DER"],
    [Uint8Array.fromHex(`${sealed.toHex()}00`), "not the expected DER"],
    [der(KEYS.targets.privateKey), "not the expected DER"],
    [replaced("06092a864886f70d01050d", "06092a864886f70d01050a"), "it is not encrypted with PBES2"],
    [replaced("06092a864886f70d01050c", "06092a864886f70d01050b"), "other algorithms were used"],
    [replaced("060960864801650304012a", "0609608648016503040116"), "other algorithms were used"],
    [withCount("020400989681", 6), "its iteration count is out of bounds"],
    [withCount("020100", 9), "its iteration count is out of bounds"],
    [replaced("02020800", "02020000"), "not an unsigned INTEGER"],
    [replaced("0410", "0510"), "a value is missing"],
    [withHash("2a864886f70d020b"), "another hash was used"],
    [replaced("02020800", "0202ffff"), "not an unsigned INTEGER"],
    [replaced("02020800", "04020800"), "a value is missing"],
  ];
  for (const [file, words] of cases) {
    await assert.rejects(decryptPrivateKey(file, "password"), (error) => {
      assert.ok(error instanceof SyntaxError, String(error));
      assert.ok(error.message.includes(words), error.message);
      return true;
    });
  }
});

Deno.test("pkcs8: each part of the file is looked at", async () => {
  const sequence = (...parts: Bytes[]) => derEncoded(TAG.sequence, ...parts);
  const octets = (bytes: Bytes) => derEncoded(TAG.octetString, bytes);
  const oid = (hex: string) => Uint8Array.fromHex(hex);
  const count = (hex: string) => derEncoded(TAG.integer, Uint8Array.fromHex(hex));
  const [sealed, salt, one] = [octets(new Uint8Array(32)), octets(new Uint8Array(8)), count("01")];
  const iv = (bytes: number) => octets(new Uint8Array(bytes));
  const SHA256 = sequence(oid("06082a864886f70d0209"), oid("0500"));
  const file = ({ kdf = sequence(salt, one), vector = iv(16), rest = [sealed] }) =>
    sequence(
      sequence(
        oid("06092a864886f70d01050d"),
        sequence(
          sequence(oid("06092a864886f70d01050c"), kdf),
          sequence(oid("060960864801650304012a"), vector),
        ),
      ),
      ...rest,
    );
  // Read to the end: only the passphrase, which nobody knows, is wrong.
  const SHA1 = sequence(oid("06082a864886f70d0207"), oid("0500"));
  const sound = [{}, { kdf: sequence(salt, one, SHA1) }, { kdf: sequence(salt, one, SHA256) }, {
    kdf: sequence(salt, one, count("20"), SHA256),
  }];
  for (const parts of sound) await assert.rejects(decryptPrivateKey(file(parts), "x"), WrongPassphrase);
  const rows: [Parameters<typeof file>[0], string][] = [
    [{ kdf: sequence(salt, count("00")) }, "its iteration count is out of bounds"],
    [{ kdf: sequence(salt, count("00989681")) }, "its iteration count is out of bounds"],
    [{ kdf: sequence(salt) }, "a value is missing"],
    [{ kdf: sequence(one, one) }, "a value is missing"],
    [{ kdf: sequence(salt, one, sequence()) }, "another hash was used"],
    [{ vector: iv(15) }, "its initialization vector has the wrong size"],
    [{ vector: iv(17) }, "its initialization vector has the wrong size"],
    [{ vector: new Uint8Array() }, "a value is missing"],
    [{ rest: [] }, "a value is missing"],
    [{ rest: [one] }, "a value is missing"],
  ];
  for (const [parts, words] of rows) {
    await assert.rejects(decryptPrivateKey(file(parts), "x"), (error) => {
      assert.ok(error instanceof SyntaxError && error.message.includes(words), `${words}: ${error}`);
      return true;
    });
  }
  for (const der of [sequence(sequence()), sequence(), sequence(sealed)]) {
    await assert.rejects(decryptPrivateKey(der, "x"), SyntaxError);
  }
});

Deno.test("pkcs8: garbage is WrongPassphrase or SyntaxError, never anything else", async () => {
  const sealed = await encryptPrivateKey(der(KEYS.targets.privateKey), "password");
  const next = random(6);
  const judge = async (file: Bytes) => {
    try {
      await decryptPrivateKey(file, "password");
    } catch (error) {
      if (error instanceof WrongPassphrase || error instanceof SyntaxError) return;
      throw new Error(`${error} for ${file.toHex()}`);
    }
  };
  for (let i = 0; i < 1500; i++) {
    // The iteration count is left alone: damage there costs seconds each time, and is bounded.
    const file = damaged(next, sealed);
    const at = file.toHex().indexOf("02020800");
    if (at > 0) await judge(file);
    await judge(bytesFrom(next, below(next, 80)));
  }
});

Deno.test("pkcs8: an unencrypted key of notary, version 1 without a public key, is read", async () => {
  const key = der(KEYS.targets.privateKey);
  assert.equal(key.toHex().slice(4, 12).includes("020100"), true);
  const asNotary = Uint8Array.fromHex(key.toHex().replace("020100", "020101"));
  assert.equal((await readPrivateKey(asNotary)).pkcs8.toHex(), key.toHex());
  await assert.rejects(readPrivateKey(new Uint8Array([0x30, 0])), { name: "SyntaxError", message: "not PKCS#8" });
  const hollow = Uint8Array.fromHex("3010" + "020100" + "300506032b6570" + "040401020304");
  await assert.rejects(readPrivateKey(hollow), { name: "SyntaxError", message: "the private key cannot be read" });
  assert.throws(() => createPrivateKey({ key: new Uint8Array([0x30, 0]) as never, format: "der", type: "pkcs8" }));
});

Deno.test("private keys: of every kind that Notary has, the public part is the one that was made with it", async () => {
  const kinds: KeyObject[] = ["P-256", "P-384", "P-521"].map((namedCurve) =>
    generateKeyPairSync("ec", { namedCurve }).privateKey
  );
  for (const key of [...kinds, rsaKey(2048), rsaKey(4096), generateKeyPairSync("ed25519").privateKey]) {
    const { publicKey, pkcs8 } = await readPrivateKey(der(key));
    assert.deepEqual(publicKey, publicKeyOf(key));
    const signed = await localSigner({ publicKey, pkcs8 }).sign(PAYLOAD);
    assert.equal(await verifySignature(signed.method, publicKey, PAYLOAD, signed.bytes), true);
  }
  const made = await newPrivateKey();
  assert.deepEqual((await readPrivateKey(made.pkcs8)).publicKey, made.publicKey);
  assert.deepEqual(made.publicKey.shape, { family: "ecdsa", curve: "P-256" });
});

Deno.test("private keys: RSA without its parameters, as notary writes it, is the same key", async () => {
  const usual = der(rsaKey(2048));
  const [version, , key] = derSequence(usual);
  const bare = derEncoded(TAG.sequence, Uint8Array.fromHex("06092a864886f70d010101"));
  const read = await readPrivateKey(derEncoded(TAG.sequence, version!.bytes, bare, key!.bytes));
  assert.equal(read.pkcs8.toHex(), usual.toHex());
});

Deno.test("private keys: what Notary has no keys of, and what belongs to another key, is refused", async () => {
  const [one, other] = [newPair(), newPair()].map((key) => der(key));
  const mixed = one!.slice();
  mixed.set(other!.subarray(-64), one!.length - 64); // the public key that stands within
  const cases: [Bytes, string][] = [
    [der(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey), "a private key is neither"],
    [der(generateKeyPairSync("x25519").privateKey), "a private key is neither"],
    [der(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey), "an RSA key has 1024 bits"],
    [mixed, "the private key cannot be read"],
    ...[[0, "0500"], [1, "0500"], [2, "0500"], [2, "310100"]].map(([at, hex]): [Bytes, string] => {
      const parts = derSequence(one!).map(({ bytes }) => bytes);
      return [derEncoded(TAG.sequence, ...parts.with(at as number, Uint8Array.fromHex(hex as string))), "not PKCS#8"];
    }),
    [one!.subarray(1), "not DER"],
    [Uint8Array.fromHex(`${one!.toHex()}00`), "not the expected DER"],
  ];
  for (const [bytes, words] of cases) {
    await assert.rejects(
      readPrivateKey(bytes),
      (error) => error instanceof SyntaxError && error.message.includes(words),
    );
  }
});
