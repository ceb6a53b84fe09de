/** What the embedded SignPath service signs in a ZIP, for each kind of payload and key. */
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { recognizeByRules, type SignatureRules } from "../../lib/crypto/signature_rules.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { type RawSignatureFormat, signArtifact } from "../../lib/local/signpath_signing.ts";
import { rsaKey } from "../support/rsa_keys.ts";

const LIMITS = { entries: 100, entryBytes: 1e6, totalBytes: 1e6 };
const rsa = (modulusLength: number) => generateKeyPairSync("rsa", { modulusLength }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;
const NAMES = [
  "docker-signing-data.json",
  "payload/0001.json",
  "payload/0002_cosign_app_1.4.2_linux-amd64.json",
  "payload/0003_bundle_app_1.4.2_index.dsse",
  "payload/0004_notation_app_1.4.2_index.jws",
  "payload/deeper/0005.jws",
  "payload/0006.txt",
  "trust/1/root.json",
];
const FILES = NAMES.map((name) => ({ name, bytes: utf8(`this is ${name}`) }));
const PLAIN = { hash: "sha256", rsaPadding: "pkcs1" } as const;

async function signaturesOf(key: ReturnType<typeof fileSigningKey>, format: RawSignatureFormat, files = FILES) {
  const signed = await readZip(await signArtifact(await writeZip(files), key, format), LIMITS);
  for (const { name, bytes } of files) assert.deepEqual(signed.get(name), bytes, "what is sent stays as it is");
  return new Map([...signed].filter(([name]) => name.endsWith(".sig")).map(([name, sig]) => [name.slice(0, -4), sig]));
}

const KEYS: [name: string, key: KeyObject, notation: SignatureRules["hash"]][] = [
  ["RSA 2048", rsaKey(2048), "sha256"],
  ["RSA 3072", rsaKey(3072), "sha384"],
  ["RSA 4096", rsaKey(4096), "sha512"],
  ["P-256", ec("P-256"), "sha256"],
  ["P-384", ec("P-384"), "sha384"],
  ["P-521", ec("P-521"), "sha512"],
];

for (const [name, privateKey, hash] of KEYS) {
  Deno.test(`each kind of payload is signed as its format wants it, and nothing else (${name})`, async () => {
    const key = fileSigningKey(privateKey);
    const jws = { hash, rsaPadding: "pss" } as const;
    for (const ecdsaFormat of ["ieee", "asn1"] as const) {
      const signatures = await signaturesOf(key, { ecdsaFormat });
      assert.deepEqual([...signatures.keys()], NAMES.slice(1, 5));
      for (const [entry, signature] of signatures) {
        const [rules, other] = entry.endsWith(".jws") ? [jws, PLAIN] : [PLAIN, jws];
        const payload = utf8(`this is ${entry}`);
        assert.ok(await recognizeByRules(key.publicKey, rules, payload, signature), entry);
        if (name === "P-256") continue; // one rule for all
        assert.equal(await recognizeByRules(key.publicKey, other, payload, signature), undefined, entry);
      }
    }
  });
}

Deno.test("an artifact configuration of before signs *.json alone, and fails where there is none", async () => {
  const key = fileSigningKey(KEYS[2]![1]);
  const before = { signs: ["json"] } as const;
  assert.deepEqual([...(await signaturesOf(key, before)).keys()], NAMES.slice(1, 3));
  await assert.rejects(
    signaturesOf(key, before, FILES.slice(3, 5)),
    (error) => isTagsealError(error, "bad-input") && /no file that matches "payload\/\*\.json"$/.test(error.message),
  );
});

Deno.test("salts are as long as the key's store makes them", async (t) => {
  for (const [name, privateKey, hash] of KEYS.slice(0, 3)) {
    for (const saltLength of [0, 1, 20, 32, 33, 64, 190]) {
      await t.step(`${name}, ${saltLength}`, async () => {
        const key = fileSigningKey(privateKey, { saltLength });
        const [[entry, signature]] = [...await signaturesOf(key, {}, FILES.slice(4, 5))] as [[string, never]];
        const rules = { hash, rsaPadding: "pss" } as const;
        const recognized = await recognizeByRules(key.publicKey, rules, utf8(`this is ${entry}`), signature);
        assert.equal(recognized?.saltLength, saltLength);
      });
    }
  }
});

Deno.test("a key that Notation has no place for signs all but its payloads", async () => {
  const signatures = await signaturesOf(fileSigningKey(rsa(2560)), {});
  assert.deepEqual([...signatures.keys()], NAMES.slice(1, 4));
});
