import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { type Bytes, text, utf8 } from "../../lib/bytes/bytes.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { publicKeyOf } from "../../lib/crypto/key_object.ts";
import { isTagsealError } from "../../lib/errors.ts";
import {
  hashArtifact,
  type HashMetadata,
  hashSigningData,
  readHashSignature,
  readSignedHash,
} from "../../lib/signpath/hash_signing.ts";
import { failsWith } from "../support/failures.ts";
import { rsaKey } from "../support/rsa_keys.ts";

const RSA = publicKeyOf(rsaKey(2048));
const EC = publicKeyOf(generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey);
const ED = publicKeyOf(generateKeyPairSync("ed25519").privateKey);
const SHA256 = hash("sha256", utf8("payload"));
const PLAIN = { digest: SHA256, rules: { hash: "sha256", rsaPadding: "pkcs1" } } as const;
const DIGEST = `sha256:${"ab".repeat(32)}`;
const METADATA: HashMetadata = {
  repository: "r.test/app",
  subject: "targets/releases, version 7",
  facts: { Role: "targets/releases", Version: 7 },
  tags: [{ tag: "1.0", digest: DIGEST }],
  removedTags: [],
};

Deno.test("the artifact names algorithm, hash, and what it is for", async (t) => {
  const rows = [
    ["RSA", RSA, { SignatureAlgorithm: "RsaPkcs1", RsaHashAlgorithm: "2.16.840.1.101.3.4.2.1" }],
    ["ECDSA", EC, { SignatureAlgorithm: "Ecdsa", EcdsaSignatureFormat: "Ieee" }],
  ] as const;
  for (const [name, key, algorithm] of rows) {
    await t.step(name, () =>
      assert.deepEqual(JSON.parse(text(hashArtifact({ ...PLAIN, key }, METADATA))), {
        ...algorithm,
        Base64EncodedHash: SHA256.toBase64(),
        Metadata: {
          CreatingProcess: {
            CommandLine: "tagseal sign",
            Repository: "r.test/app",
            Role: "targets/releases",
            Version: 7,
            TagCount: 1,
            Tags: [{ Tag: "1.0", Digest: DIGEST }],
          },
        },
      }));
  }
  await t.step("Ed25519", () =>
    assert.throws(
      () => hashArtifact({ ...PLAIN, key: ED }, METADATA),
      (e) => isTagsealError(e, "bad-input") && /no hashes with Ed25519/.test(e.message),
    ));
});

Deno.test("both forms name the hash and the padding of the rules; for ECDSA keys neither", async (t) => {
  const names = [["sha256", "Sha256", "1"], ["sha384", "Sha384", "2"], ["sha512", "Sha512", "3"]] as const;
  for (const [name, hashAlgorithmName, last] of names) {
    for (const [rsaPadding, paddingMode] of [["pkcs1", "Pkcs1"], ["pss", "Pss"]] as const) {
      await t.step(`${name}, ${rsaPadding}`, () => {
        const asked = { digest: hash(name, utf8("payload")), rules: { hash: name, rsaPadding } };
        const { metadata: _, ...today } = hashSigningData({ ...asked, key: RSA }, METADATA);
        assert.deepEqual(today, {
          signatureAlgorithm: "Rsa",
          rsaOptions: { hashAlgorithmName, paddingMode },
          hash: asked.digest.toBase64(),
        });
        const { Metadata: __, ...older } = JSON.parse(text(hashArtifact({ ...asked, key: RSA }, METADATA)));
        assert.deepEqual(older, {
          SignatureAlgorithm: `Rsa${paddingMode}`,
          RsaHashAlgorithm: `2.16.840.1.101.3.4.2.${last}`,
          Base64EncodedHash: asked.digest.toBase64(),
        });
        const { metadata: ___, ...curve } = hashSigningData({ ...asked, key: EC }, METADATA);
        assert.deepEqual(curve, {
          signatureAlgorithm: "Ecdsa",
          ecdsaOptions: { signatureFormat: "Ieee" },
          hash: asked.digest.toBase64(),
        });
      });
    }
  }
});

Deno.test("what is no hash of the rules is not sent", async (t) => {
  const rows: [string, string, number][] = [
    ["half", "sha256", 16],
    ["shorter", "sha512", 32],
    ["longer", "sha256", 48],
    [
      "nothing",
      "sha256",
      0,
    ],
    ["an unknown hash", "md5", 16],
    ["a member of all objects", "toString", 16],
  ];
  for (const [name, algorithm, length] of rows) {
    await t.step(name, () => {
      const rules = { hash: algorithm as "sha256", rsaPadding: "pkcs1" } as const;
      for (const key of [RSA, EC]) {
        const asked = { digest: new Uint8Array(length), rules, key };
        for (const make of [hashSigningData, hashArtifact]) {
          assert.throws(
            () => make(asked, METADATA),
            (error) => isTagsealError(error, "bad-input") && error.message.includes(`is no hash of "${algorithm}"`),
          );
        }
      }
    });
  }
});

Deno.test("of many tags the first hundred are shown, and their number", () => {
  const tags = Array.from({ length: 5000 }, (_, i) => ({ tag: `${i}`.padStart(128, "x"), digest: DIGEST }));
  const artifact = hashArtifact({ ...PLAIN, key: EC }, { ...METADATA, tags, removedTags: tags });
  const { Tags, TagCount, RemovedTags, RemovedTagCount } = JSON.parse(text(artifact)).Metadata.CreatingProcess;
  assert.deepEqual([Tags.length, TagCount, RemovedTags.length, RemovedTagCount], [100, 5000, 100, 5000]);
  assert.deepEqual([Tags[99].Tag, RemovedTags[99]], [tags[99]!.tag, tags[99]!.tag]);
  assert.ok(artifact.length < 65_536, `${artifact.length} bytes`);
});

Deno.test("SignHash is told what is signed and what is withdrawn, on one line of a thousand characters", () => {
  const line = (changes: Partial<HashMetadata>): string => {
    const { metadata } = hashSigningData({ ...PLAIN, key: EC }, { ...METADATA, ...changes });
    return (metadata as { sourceProcess: { commandLine: string } }).sourceProcess.commandLine;
  };
  const begin = "tagseal sign --repository r.test/app (targets/releases, version 7";
  assert.equal(line({}), `${begin}; sign 1: 1.0@${DIGEST})`);
  const removedTags = [{ tag: "old" }, { tag: "older" }];
  assert.equal(line({ removedTags }), `${begin}; sign 1: 1.0@${DIGEST}; remove 2: old, older)`);
  assert.equal(line({ tags: [] }), `${begin})`);
  const long = (length: number) =>
    line({ tags: [], removedTags: [{ tag: "x".repeat(length - `${begin}; remove 1: )`.length) }] });
  assert.match(long(1000), /x\)$/);
  assert.deepEqual([long(1000).length, long(1001).length, long(1001).slice(-2)], [1000, 1000, "x…"]);
});

Deno.test("an answer that repeats what was sent gives the signature, however it is laid out", () => {
  const sent = hashArtifact({ ...PLAIN, key: RSA }, METADATA);
  const document = JSON.parse(text(sent));
  const reordered = Object.fromEntries(Object.entries({ ...document, Signature: "AQID", More: "of it" }).toReversed());
  for (const answer of [{ ...document, Signature: "AQID" }, reordered]) {
    assert.deepEqual(readHashSignature(sent, utf8(JSON.stringify(answer, null, 2))), Uint8Array.of(1, 2, 3));
  }
});

Deno.test("the answer of SignHash is trusted where it is about the hash, and its signature no longer than any key's", async () => {
  const of = (document: unknown) => readSignedHash(SHA256, utf8(JSON.stringify(document)));
  const good = { hashSigningData: { hash: SHA256.toBase64() }, hashSigningResult: { signature: "A".repeat(1368) } };
  assert.equal(of(good).length, 1026);
  const next = { do: "distrust-signpath-answer" };
  for (const hashSigningData of [null, undefined, [], { hash: "AAAA" }]) {
    const error = await failsWith(
      () => of({ ...good, hashSigningData }),
      "trust-invalid",
      "the hash in it is not the one",
    );
    assert.deepEqual(error.next, next);
  }
  for (const hashSigningResult of [null, undefined, [], { signature: 7 }]) {
    await failsWith(() => of({ ...good, hashSigningResult }), "trust-invalid", "it has no signature");
  }
});

Deno.test("no form is made for Ed25519 keys, and one withdrawn tag is told as well", async () => {
  for (const form of [hashSigningData, hashArtifact]) {
    const error = await failsWith(
      () => form({ ...PLAIN, key: ED }, METADATA),
      "bad-input",
      "no hashes with Ed25519 keys",
    );
    assert.deepEqual(error.next, { do: "sign-with-other-key-kind" });
  }
  const artifact = hashArtifact({ ...PLAIN, key: EC }, { ...METADATA, removedTags: [{ tag: "old" }] });
  const { RemovedTags, RemovedTagCount } = JSON.parse(text(artifact)).Metadata.CreatingProcess;
  assert.deepEqual([RemovedTags, RemovedTagCount], [["old"], 1]);
});

Deno.test("an answer that is anything else is not trusted", async (t) => {
  const sent = hashArtifact({ ...PLAIN, key: RSA }, METADATA);
  const document = JSON.parse(text(sent));
  const answer = (changes: Record<string, unknown>): Bytes =>
    utf8(JSON.stringify({ ...document, Signature: "AQID", ...changes }));
  const process = document.Metadata.CreatingProcess;
  const rows: [string, Bytes, RegExp][] = [
    ["empty", utf8(""), /it is not JSON$/],
    ["HTML", utf8("<html>"), /it is not JSON$/],
    ["not UTF-8", Uint8Array.of(0xff), /it is not JSON$/],
    ["a list", utf8("[]"), /it is not a JSON object$/],
    ["a member twice", utf8(text(answer({})).replace("{", '{"Signature":"BBBB",')), /it is not JSON$/],
    ["another hash", answer({ Base64EncodedHash: "AAAA" }), /"Base64EncodedHash" is not what was sent$/],
    ["no hash", answer({ Base64EncodedHash: undefined }), /"Base64EncodedHash" is not what was sent$/],
    ["another algorithm", answer({ SignatureAlgorithm: "RsaPss" }), /"SignatureAlgorithm" is not what was sent$/],
    ["another hash algorithm", answer({ RsaHashAlgorithm: "1.3.14.3.2.26" }), /"RsaHashAlgorithm" is not/],
    ["no metadata", answer({ Metadata: null }), /"Metadata" is not what was sent$/],
    [
      "another tag",
      answer({ Metadata: { CreatingProcess: { ...process, Tags: [{ Tag: "2.0", Digest: DIGEST }] } } }),
      /"Metadata" is not what was sent$/,
    ],
    ["the artifact itself", sent, /it has no signature$/],
    ["an empty signature", answer({ Signature: "" }), /it has no signature$/],
    ["a signature that is no text", answer({ Signature: 7 }), /it has no signature$/],
    ["a signature that is not base64", answer({ Signature: "A*==" }), /its signature is not base64$/],
    ["a long signature", answer({ Signature: "A".repeat(1372) }), /its signature is longer than any key's$/],
  ];
  for (const [name, bytes, words] of rows) {
    await t.step(name, () =>
      assert.throws(() => readHashSignature(sent, bytes), (error) => {
        assert.ok(isTagsealError(error, "trust-invalid"), String(error));
        assert.match(error.message, words);
        assert.match(error.remedy, /^Nothing was published/);
        return true;
      }));
  }
});
