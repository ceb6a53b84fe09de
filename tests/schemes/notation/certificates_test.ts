/** Which certificates are taken: those that `notation` 1.3.2 was asked about, and chains. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { text } from "../../../lib/bytes/bytes.ts";
import { type Certificate, readCertificate } from "../../../lib/crypto/x509.ts";
import { refusedCertificate } from "../../../lib/schemes/notation/certificate_words.ts";
import { checkCertificates, judgeChain, revocable } from "../../../lib/schemes/notation/certificates.ts";
import { fixture, identity, KEY_KINDS, keyOf, newKey } from "../../support/notation.ts";

const AT = new Date("2026-11-28T12:00:00Z");
const recorded = (name: string) => readCertificate(text(fixture(`certificates/${name}.pem`)));

/** What `notation verify` refused at the level strict, and why it is refused here. */
const REFUSED: Readonly<Record<string, string>> = {
  "ca-issued-without-chain": "issuer-missing",
  "ca-true": "is-ca",
  "eku-em": "extended-key-usage",
  "eku-sa": "extended-key-usage",
  "eku-ts": "extended-key-usage",
  "exp": "expired",
  "fut": "not-yet-valid",
  "ku-cs": "key-usage",
  "ku-ke": "key-usage",
  "ku-noncrit": "key-usage-not-critical",
  "ku-none": "key-usage-missing",
  "ku-nro": "key-usage",
  "pss-cert": "signature-algorithm",
  "rsa1024": "key",
};

Deno.test("notation: certificates that the program refuses are refused, each for its one reason", async (t) => {
  for (const [name, reason] of Object.entries(REFUSED)) {
    await t.step(name, async () => {
      const { problems } = await checkCertificates(recorded(name), [], AT);
      assert.deepEqual(problems.map((problem) => problem.reason), [reason]);
    });
  }
});

Deno.test("notation: certificates that the program takes are taken", async (t) => {
  for (const name of ["bc-nc", "bc-none", "cn-only", "comma", "eku-any", "eku-none", "ku-nr", "sha1"]) {
    await t.step(name, async () => {
      const { problems } = await checkCertificates(recorded(name), [], AT);
      assert.deepEqual(problems.map((problem) => problem.reason), []);
    });
  }
  for (const kind of KEY_KINDS) {
    await t.step(kind, async () => {
      const { certificate } = await identity(keyOf(kind));
      const checked = await checkCertificates(certificate, [], AT);
      assert.deepEqual(checked.problems, []);
      if ("chain" in checked) assert.deepEqual(checked.chain, [certificate]);
    });
  }
  await t.step("signed with PSS and a salt as long as the hash", async () => {
    const { certificate } = await identity(keyOf("RSA 2048"), { hash: "SHA-384", pssSalt: 48 });
    assert.deepEqual((await checkCertificates(certificate, [], AT)).problems, []);
  });
});

Deno.test("notation: one moment decides of a certificate's time", async () => {
  const { certificate } = await identity(keyOf("P-256"), { from: "2026-01-01T00:00:00Z", to: "2026-06-01T00:00:00Z" });
  const reasonAt = async (at: string) => (await checkCertificates(certificate, [], new Date(at))).problems[0]?.reason;
  assert.equal(await reasonAt("2025-12-31T23:59:59Z"), "not-yet-valid");
  assert.equal(await reasonAt("2026-01-01T00:00:00Z"), undefined);
  assert.equal(await reasonAt("2026-05-31T23:59:59Z"), undefined);
  assert.equal(await reasonAt("2026-06-01T00:00:00Z"), "expired");
});

Deno.test("notation: a chain is put in order, whatever the order of the file and whatever else is in it", async () => {
  const root = await identity(newKey("P-384"), { ca: true, name: "Root", hash: "SHA-384" });
  const middle = await identity(newKey("RSA 2048"), { ca: true, name: "Middle", issuer: root, pathLength: 0 });
  const other = await identity(newKey("P-256"), { ca: true, name: "Middle" });
  const { certificate: leaf } = await identity(keyOf("P-256"), { issuer: middle });
  const files: Certificate[][] = [
    [root, middle, other].map(({ certificate }) => certificate),
    [other, middle, root].map(({ certificate }) => certificate),
    [leaf, middle.certificate, other.certificate, root.certificate],
  ];
  for (const others of files) {
    const checked = await checkCertificates(leaf, others, AT);
    assert.ok("chain" in checked, JSON.stringify(checked.problems.map(({ reason }) => reason)));
    assert.deepEqual(checked.chain, [leaf, middle.certificate, root.certificate]);
    assert.equal(checked.algorithm.alg, "ES256");
    assert.deepEqual(revocable(checked.chain), []);
  }
  const reasons = async (...others: Certificate[]) =>
    (await checkCertificates(leaf, others, AT)).problems.map(({ reason }) => reason);
  assert.deepEqual(await reasons(), ["issuer-missing"]);
  assert.deepEqual(await reasons(middle.certificate), ["issuer-missing"]);
  assert.deepEqual(await reasons(root.certificate), ["issuer-missing"]);
  assert.deepEqual(await reasons(other.certificate), ["signature"], "another CA of the same name");
});

Deno.test("notation: a refusal names each certificate and each reason, and the next safe move", async () => {
  const { certificate } = await identity(keyOf("P-256"), { usage: null, to: "2026-02-01T00:00:00Z", purposes: [] });
  const { problems } = await checkCertificates(certificate, [], AT);
  const [first, ...more] = problems;
  const error = refusedCertificate([first!, ...more]);
  assert.equal(error.code, "bad-input");
  assert.match(error.message, /CN=A signer": it expired at 2026-02-01T00:00:00.000Z; .*it has no key usage$/);
  assert.match(error.remedy, /critical key usage .*nothing was signed$/);
  const early = refusedCertificate([(await checkCertificates(recorded("fut"), [], AT)).problems[0]!]);
  const over = refusedCertificate([(await checkCertificates(recorded("exp"), [], AT)).problems[0]!]);
  assert.deepEqual([error.byClock, early.byClock, over.byClock], [undefined, "early", "over"]);
  assert.match(early.remedy, /^Check this machine's clock; if it is right, have a certificate made that is valid now/);
  const issued = await checkCertificates(recorded("ca-issued-without-chain"), [], AT);
  assert.match(refusedCertificate([issued.problems[0]!]).remedy, /^Give the certificates of its issuers/);
});

Deno.test("notation: whoever issues must be a CA that may, and no deeper than it may", async () => {
  type Options = Parameters<typeof identity>[1];
  const reasons = async (root: Options, middle: Options = {}) => {
    const top = await identity(newKey("P-256"), { ca: true, name: "Root", ...root });
    const below = await identity(newKey("P-256"), { ca: true, name: "Middle", issuer: top, ...middle });
    const { certificate: leaf } = await identity(keyOf("P-256"), { issuer: below });
    const { problems } = await judgeChain([leaf, below.certificate, top.certificate], AT);
    return problems.map(({ certificate, reason }) =>
      `${certificate === top.certificate ? "root" : "middle"} ${reason}`
    );
  };
  assert.deepEqual(await reasons({}), []);
  assert.deepEqual(await reasons({ pathLength: 1 }, { pathLength: 0 }), []);
  assert.deepEqual(await reasons({ pathLength: 0 }), ["root no-ca"]);
  assert.deepEqual(await reasons({}, { ca: false, usage: 0x20 }), ["middle no-ca"]);
  assert.deepEqual(await reasons({}, { usage: 0x20 }), []);
  assert.deepEqual(await reasons({}, { usage: 0x40 }), ["middle key-usage"]);
  assert.deepEqual(await reasons({}, { usage: 0x80 }), ["middle key-usage"], "encipherOnly");
  assert.deepEqual(await reasons({}, { usage: null }), ["middle key-usage-missing"]);
  assert.deepEqual(await reasons({}, { usageCritical: false }), ["middle key-usage-not-critical"]);
});

Deno.test("notation: SHA-1 is taken where a certificate stands alone, and not where another one vouches for it", async () => {
  const ca = await identity(keyOf("RSA 2048"), { ca: true });
  const { certificate: leaf } = await identity(keyOf("P-256"), { issuer: ca, hash: "SHA-1" });
  const { problems } = await judgeChain([leaf, ca.certificate], AT);
  assert.deepEqual(problems, [{ certificate: leaf, reason: "signature-algorithm" }]);
});

Deno.test("notation: a CA may have made a certificate for its own key, by another name", async () => {
  const ca = await identity(newKey("P-256"), { ca: true });
  const { certificate: leaf } = await identity(ca.key, { issuer: ca });
  assert.deepEqual((await judgeChain([leaf, ca.certificate], AT)).problems, []);
});

Deno.test("notation: keys in another form than the usual one, and those that nobody should use, are refused wherever they stand", async () => {
  const ca = await identity(newKey("P-256"), { ca: true });
  const { certificate: leaf } = await identity(keyOf("P-256"), { issuer: ca });
  const { certificate: lone } = await identity(keyOf("P-256"));
  const point = lone.spki.length - 64;
  const compressed = lone.spki.slice(0, point + 32); // RFC 5480, 2.2: a byte that says which y, and x
  compressed.set([lone.spki.at(-1)! % 2 === 0 ? 2 : 3], point - 1);
  for (const at of [1, 24]) compressed[at]! -= 32;
  const odd = { ...lone, spki: compressed };
  assert.deepEqual((await judgeChain([odd], AT)).problems, [{ certificate: odd, reason: "key" }]);
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
  const weak = { ...ca.certificate, spki: new Uint8Array(short.export({ type: "spki", format: "der" })) };
  const { problems } = await judgeChain([leaf, weak], AT);
  assert.deepEqual(problems, [leaf, weak].map((certificate) => ({ certificate, reason: "key" })));
});

Deno.test("notation: one that signed itself ends a chain, and a CA may have made a new one for its own name", async () => {
  const old = await identity(newKey("P-256"), { ca: true, name: "Root" });
  const itself = await identity(newKey("P-256"), { ca: true, name: "Root" });
  const renewed = await identity(newKey("P-256"), { ca: true, name: "Root", issuer: old });
  const reasons = async (middle: typeof old) => {
    const { certificate: leaf } = await identity(keyOf("P-256"), { issuer: middle });
    return (await judgeChain([leaf, middle.certificate, old.certificate], AT)).problems.map(({ reason }) => reason);
  };
  assert.deepEqual([await reasons(renewed), await reasons(itself)], [[], ["self-signed-in-chain"]]);
  const { certificate: lone } = await identity(keyOf("P-256"));
  const { certificate: another } = await identity(newKey("P-256"));
  const checked = await checkCertificates(lone, [another], AT);
  assert.deepEqual("chain" in checked && checked.chain, [lone]);
  // Two that issued each other lead nowhere.
  const [a, b] = [newKey("P-256"), newKey("P-256")];
  const first = await identity(a, { ca: true, name: "A", issuer: await identity(b, { ca: true, name: "B" }) });
  const second = await identity(b, { ca: true, name: "B", issuer: await identity(a, { ca: true, name: "A" }) });
  const { certificate: leaf } = await identity(keyOf("P-256"), { issuer: first });
  const { problems } = await checkCertificates(leaf, [first.certificate, second.certificate], AT);
  assert.deepEqual(problems, [{ certificate: second.certificate, reason: "issuer-missing" }]);
});

Deno.test("notation: ten certificates are a chain, eleven are none; all that is wrong with a signer's is told", async () => {
  const chained = async (length: number) => {
    let issuer = await identity(newKey("P-256"), { ca: true, name: "CA 1" });
    const others = [issuer.certificate];
    for (let i = 2; i < length; i++) {
      issuer = await identity(newKey("P-256"), { ca: true, name: `CA ${i}`, issuer });
      others.push(issuer.certificate);
    }
    const { certificate: leaf } = await identity(keyOf("P-256"), { issuer });
    return (await checkCertificates(leaf, others, AT)).problems.map(({ reason }) => reason);
  };
  assert.deepEqual([await chained(10), await chained(11)], [[], ["issuer-missing"]]);
  const late = await checkCertificates(recorded("rsa1024"), [], new Date("2126-01-01T00:00:00Z"));
  assert.deepEqual(late.problems.map(({ reason }) => reason), ["expired", "key"]);
});

Deno.test("notation: of a chain all but the root are told that say where to ask whether they were revoked", async () => {
  const crl = "http://crl.test/";
  const root = await identity(newKey("P-256"), { ca: true, name: "Root", crl });
  const middle = await identity(newKey("P-256"), { ca: true, name: "Middle", issuer: root, crl });
  const { certificate: leaf } = await identity(keyOf("P-256"), { issuer: middle });
  const chain = [leaf, middle.certificate, root.certificate];
  const reason = "revocation-not-checked";
  assert.deepEqual(revocable(chain), [{ certificate: middle.certificate, reason }]);
  const { certificate: signer } = await identity(keyOf("P-256"), { issuer: root, crl });
  assert.deepEqual(revocable([signer, root.certificate]), [{ certificate: signer, reason }]);
});

Deno.test("notation: each other purpose and each other use of a signer's key is refused, any beside code signing as well", async () => {
  const key = keyOf("P-256");
  const reasons = async (options: Parameters<typeof identity>[1]) => {
    const { certificate } = await identity(key, options);
    return (await checkCertificates(certificate, [], AT)).problems.map(({ reason }) => reason);
  };
  const [SIGNING, ...others] = ["3", "1", "2", "4", "8", "9"].map((n) => `1.3.6.1.5.5.7.3.${n}`);
  for (const other of others) {
    assert.deepEqual(await reasons({ purposes: [SIGNING!, other!] }), ["extended-key-usage"], other);
  }
  // keyEncipherment … decipherOnly, each beside digitalSignature (RFC 5280, 4.2.1.3, in the order of its bits).
  for (const bit of [2, 3, 4, 5, 6, 7, 8]) {
    assert.deepEqual(await reasons({ usage: 1 | (1 << bit) }), ["key-usage"], `bit ${bit}`);
  }
  assert.deepEqual(await reasons({ usage: 3 }), [], "nonRepudiation");
  assert.deepEqual(await reasons({ usage: 0 }), ["key-usage"]);
});
