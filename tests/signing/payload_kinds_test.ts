/** Payloads of all kinds, with keys of all kinds, through SignPath: by a file, by hashes, and by hashes of older servers. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { recognizeByRules, type SignatureRules } from "../../lib/crypto/signature_rules.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { SIGNING_ALGORITHMS } from "../../lib/local/certificates.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { assembleBatch, type UnnamedPayload } from "../../lib/signing/batch.ts";
import { hashSigner } from "../../lib/signing/hash_signer.ts";
import { zipSigner } from "../../lib/signing/zip_signer.ts";
import { connect, serve } from "../support/signpath_world.ts";
import { signingCertificate } from "../support/rsa_keys.ts";

const AT = new Date("2026-06-01T12:00:00Z");
const CLOCK = { now: () => AT, sleep: () => Promise.resolve() };
const FOLLOW = { ...CLOCK, timeoutMs: 60_000, signal: new AbortController().signal, onProgress: () => {} };
const ABOUT = { repository: "r.test/app", subject: "a signature", facts: {}, tags: [], removedTags: [] };
const PLAIN: SignatureRules = { hash: "sha256", rsaPadding: "pkcs1" };
/** What Notation wants of each key. */
const JWS = {
  "rsa-2048": "sha256",
  "rsa-3072": "sha384",
  "rsa-4096": "sha512",
  "ecdsa-p256": "sha256",
  "ecdsa-p384": "sha384",
  "ecdsa-p521": "sha512",
} as const;

for (const algorithm of SIGNING_ALGORITHMS) {
  Deno.test(`a role, cosign's two forms and Notation's are signed by the rules of each (${algorithm})`, async (t) => {
    const made = await signingCertificate({ commonName: "signer", algorithm, now: AT, days: 365 });
    const key = keyOfCertificate(readCertificate(made.certificatePem));
    const jws = { hash: JWS[algorithm], rsaPadding: "pss" } as const;
    const payload = (words: string, more: Pick<UnnamedPayload, "rules" | "label" | "extension">): UnnamedPayload => ({
      bytes: utf8(words),
      keys: [key],
      about: ABOUT,
      ...more,
    });
    const batch = assembleBatch(
      [{
        member: "signatures",
        payloads: [
          payload('{"a":"role"}', { rules: PLAIN }),
          payload('{"critical":{}}', { rules: PLAIN, label: "cosign_app_1.0" }),
          payload("DSSEv1", { rules: PLAIN, label: "bundle_app_1.0", extension: "dsse" }),
          payload("e30.e30", { rules: jws, label: "notation_app_1.0", extension: "jws" }),
        ],
        words: (all) => ({ all: all.map(({ id, bytes }) => ({ payload: id, sha256: sha256Hex(bytes) })) }),
      }],
      "2026-06-01T12:00:00Z",
      "tests",
    );
    const policy = {
      slug: "auto",
      approval: "automatic",
      certificate: made.certificateDer,
      key: fileSigningKey(made.privateKey),
    } as const;
    const projects = [
      { slug: "files", policies: [policy] },
      { slug: "hashes", kind: "hash-signing-data", policies: [policy] },
    ] as const;
    for (const [way, older] of [["file", false], ["hashes", false], ["hashes", true]] as const) {
      await t.step(older ? `${way}, older server` : way, async () => {
        const client = connect(serve({ projects, older }).handle);
        const submission = { projectSlug: way === "file" ? "files" : "hashes", signingPolicySlug: "auto" };
        const signer = way === "file" ? zipSigner(client, submission, FOLLOW) : hashSigner(client, submission, {});
        const { signatures, failures } = await signer.sign(batch);
        assert.deepEqual([...failures], []);
        assert.deepEqual([...signatures.keys()], [
          "payload/0001.json",
          "payload/0002_cosign_app_1.0.json",
          "payload/0003_bundle_app_1.0.dsse",
          "payload/0004_notation_app_1.0.jws",
        ]);
        for (const { id, bytes, rules } of batch.parts.flat()) {
          const raw = signatures.get(id)!;
          assert.ok(await recognizeByRules(key, rules, bytes, raw), id);
          assert.equal(await recognizeByRules(key, rules, utf8("something else"), raw), undefined, id);
        }
      });
    }
  });
}
