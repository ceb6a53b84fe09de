/** A sigstore bundle is read to the last member: what all readers take alike, and nothing that one of them might not. */
import assert from "node:assert/strict";
import { text, utf8 } from "../../../lib/bytes/bytes.ts";
import { BUNDLE, preAuthenticationEncoding, readBundle, statementOf } from "../../../lib/schemes/cosign/bundle.ts";
import { SAMPLE_IMAGE } from "../../support/cosign.ts";

const { digest, tag } = SAMPLE_IMAGE;
const STATEMENT = statementOf({ digest, tag });

// deno-lint-ignore no-explicit-any -- what is changed is of no type
type Change = (it: any) => unknown;

/** A bundle that is good but for what is changed in it, or in its statement. */
function read(change: Change, about: Change = () => {}) {
  const statement = JSON.parse(text(STATEMENT));
  about(statement);
  const bundle = {
    mediaType: BUNDLE,
    verificationMaterial: { publicKey: { hint: "a hint" } },
    dsseEnvelope: {
      payload: utf8(JSON.stringify(statement)).toBase64(),
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ sig: "AAAA" }],
    },
  };
  change(bundle);
  return readBundle(utf8(JSON.stringify(bundle)));
}

Deno.test("cosign: a bundle that is good says what is signed, and about which image", () => {
  const signedBytes = preAuthenticationEncoding(STATEMENT);
  const good = { signedBytes, signature: new Uint8Array(3), digest, tag };
  assert.deepEqual(read(() => {}), good);
  assert.deepEqual(read((it) => delete it.verificationMaterial.publicKey.hint), good);
  assert.deepEqual(read((it) => it.dsseEnvelope.signatures[0].keyid = ""), good);
  const named = read(() => {}, (it) => it.subject[0].name = "a");
  assert.ok(typeof named === "object");
  assert.deepEqual([named.digest, named.tag], [digest, tag]);
  for (const change of [(it: { tag?: unknown }) => delete it.tag, (it: { tag?: unknown }) => it.tag = 7]) {
    const tagless = read(() => {}, (it) => change(it.subject[0].annotations));
    assert.ok(typeof tagless === "object" && !("tag" in tagless));
  }
});

Deno.test("cosign: a bundle that is anything else is refused", () => {
  const malformed: readonly Change[] = [
    (it) => it.mediaType = 7,
    (it) => it.verificationMaterial.publicKey = "a hint",
    (it) => it.verificationMaterial.publicKey.hint = 7,
    (it) => it.verificationMaterial.publicKey.more = 1,
    (it) => it.dsseEnvelope.more = 1,
    (it) => it.dsseEnvelope.payload = 7,
    (it) => it.dsseEnvelope.payload = "A",
    (it) => it.dsseEnvelope.signatures = { 0: { sig: "AAAA" }, length: 1 },
    (it) => it.dsseEnvelope.signatures = ["AAAA"],
    (it) => it.dsseEnvelope.signatures.push({ sig: "AAAA" }),
    (it) => it.dsseEnvelope.signatures[0].sig = 7,
    (it) => it.dsseEnvelope.signatures[0].sig = "A",
    (it) => it.dsseEnvelope.signatures[0].keyid = 7,
    (it) => it.dsseEnvelope.signatures[0].more = 1,
  ];
  for (const change of malformed) assert.equal(read(change), "malformed-bundle", change.toString());
  for (const bytes of ["7", "null", "[]", "{", '"x"']) assert.equal(readBundle(utf8(bytes)), "malformed-bundle", bytes);
  const others: readonly Change[] = [
    (it) => it.more = 1,
    (it) => delete it.dsseEnvelope,
    (it) => it.verificationMaterial = {},
    (it) => it.verificationMaterial = [],
    (it) => it.verificationMaterial.more = 1,
  ];
  for (const change of others) assert.equal(read(change), "bundle-of-other-kind", change.toString());
});

Deno.test("cosign: a statement that is anything else is refused", () => {
  const malformed: readonly Change[] = [
    (it) => it.more = 1,
    (it) => it._type = "https://in-toto.io/Statement/v0.1",
    (it) => it.predicate = [],
    (it) => it.predicate = null,
    (it) => it.subject = [],
    (it) => it.subject = { 0: it.subject[0], length: 1 },
    (it) => it.subject = ["x"],
    (it) => it.subject.push(it.subject[0]),
    (it) => it.subject[0].name = 7,
    (it) => it.subject[0].more = 1,
    (it) => delete it.subject[0].digest,
    (it) => it.subject[0].digest.sha512 = "x",
    (it) => it.subject[0].digest = { sha512: "x" },
    (it) => it.subject[0].digest.sha256 = [it.subject[0].digest.sha256],
    (it) => it.subject[0].digest.sha256 = "x",
    (it) => it.subject[0].annotations = [],
    (it) => it.subject[0].annotations = null,
  ];
  for (const about of malformed) assert.equal(read(() => {}, about), "malformed-bundle", about.toString());
  assert.equal(read((it) => it.dsseEnvelope.payloadType = "text/plain"), "bundle-is-no-signature");
  for (const predicateType of ["https://slsa.dev/provenance/v1", 7]) {
    assert.equal(read(() => {}, (it) => it.predicateType = predicateType), "bundle-is-no-signature");
  }
});
