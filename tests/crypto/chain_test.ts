import "reflect-metadata";
import assert from "node:assert/strict";
import * as x509 from "@peculiar/x509";
import { chainsTo } from "../../lib/crypto/chain.ts";
import { type Certificate, readCertificate } from "../../lib/crypto/x509.ts";

const AT = new Date("2026-06-01T12:00:00Z");
const P256 = { name: "ECDSA", namedCurve: "P-256" };
const keys = new Map<string, Promise<CryptoKeyPair>>();
const keyOf = (name: string): Promise<CryptoKeyPair> => {
  if (!keys.has(name)) {
    keys.set(name, crypto.subtle.generateKey(P256, true, ["sign", "verify"]) as Promise<CryptoKeyPair>);
  }
  return keys.get(name)!;
};

interface Special {
  readonly ca?: boolean;
  readonly pathLength?: number;
  readonly usage?: number;
  readonly from?: string;
  readonly to?: string;
  readonly hash?: string;
  /** Whose key signs, where it is not the issuer's. */
  readonly signer?: string;
  readonly constraints?: boolean;
}

async function certificate(subject: string, issuer: string, special: Special = {}): Promise<Certificate> {
  const { ca = subject !== "leaf" } = special;
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: "01",
    subject: [{ CN: [subject] }],
    issuer: [{ CN: [issuer] }],
    notBefore: new Date(special.from ?? "2026-01-01T00:00:00Z"),
    notAfter: new Date(special.to ?? "2036-01-01T00:00:00Z"),
    publicKey: (await keyOf(subject)).publicKey,
    signingKey: (await keyOf(special.signer ?? issuer)).privateKey,
    signingAlgorithm: { ...P256, hash: special.hash ?? "SHA-256" },
    extensions: [
      ...(special.constraints === false ? [] : [new x509.BasicConstraintsExtension(ca, special.pathLength, true)]),
      ...(special.usage === undefined ? [] : [new x509.KeyUsagesExtension(special.usage, true)]),
    ],
  });
  return readCertificate(new Uint8Array(made.rawData));
}

const ROOT = await certificate("root", "root");
const { keyCertSign, digitalSignature } = x509.KeyUsageFlags;
type Case = readonly [name: string, expected: boolean, ca: Certificate, bundle: Certificate[]];
const CASES: readonly Case[] = [
  ["directly below", true, ROOT, [await certificate("leaf", "root")]],
  ["with one between", true, ROOT, [await certificate("leaf", "mid"), await certificate("mid", "root")]],
  ["with two between, out of order", true, ROOT, [
    await certificate("leaf", "low"),
    await certificate("mid", "root"),
    await certificate("low", "mid"),
  ]],
  ["with the CA itself in the bundle", true, ROOT, [await certificate("leaf", "root"), ROOT]],
  ["without the one between", false, ROOT, [await certificate("leaf", "mid")]],
  ["of another CA", false, ROOT, [await certificate("leaf", "other"), await certificate("other", "other")]],
  ["with the CA's name, signed by another key", false, ROOT, [await certificate("leaf", "root", { signer: "other" })]],
  ["signed by itself in the CA's name", false, ROOT, [await certificate("leaf", "root", { signer: "leaf" })]],
  ["signed by the CA's key in another name", false, ROOT, [await certificate("leaf", "other", { signer: "root" })]],
  ["below a leaf", false, ROOT, [
    await certificate("leaf", "mid"),
    await certificate("mid", "root", { ca: false }),
  ]],
  ["below one without basic constraints", false, ROOT, [
    await certificate("leaf", "mid"),
    await certificate("mid", "root", { constraints: false }),
  ]],
  ["below one that may not sign certificates", false, ROOT, [
    await certificate("leaf", "mid"),
    await certificate("mid", "root", { usage: digitalSignature }),
  ]],
  ["below one that may", true, ROOT, [
    await certificate("leaf", "mid"),
    await certificate("mid", "root", { usage: keyCertSign }),
  ]],
  ["that is out of date", false, ROOT, [await certificate("leaf", "root", { to: "2026-06-01T12:00:00Z" })]],
  ["that is not valid yet", false, ROOT, [await certificate("leaf", "root", { from: "2026-06-01T12:00:01Z" })]],
  ["below one that is out of date", false, ROOT, [
    await certificate("leaf", "mid"),
    await certificate("mid", "root", { to: "2026-05-01T00:00:00Z" }),
  ]],
  ["signed with SHA-1", false, ROOT, [await certificate("leaf", "root", { hash: "SHA-1" })]],
  ["below a CA that is out of date", false, await certificate("root", "root", { to: "2026-05-01T00:00:00Z" }), [
    await certificate("leaf", "root"),
  ]],
  ["below a CA that allows nothing between", true, await certificate("root", "root", { pathLength: 0 }), [
    await certificate("leaf", "root"),
  ]],
  ["one lower than the CA allows", false, await certificate("root", "root", { pathLength: 0 }), [
    await certificate("leaf", "mid"),
    await certificate("mid", "root"),
  ]],
  ["one lower than the one between allows", false, ROOT, [
    await certificate("leaf", "low"),
    await certificate("low", "mid"),
    await certificate("mid", "root", { pathLength: 0 }),
  ]],
  ["of a pinned certificate that is no CA", false, await certificate("leaf", "leaf"), [
    await certificate("leaf", "leaf"),
  ]],
  ["of nothing", false, ROOT, []],
];

for (const [name, expected, ca, bundle] of CASES) {
  Deno.test(`chain: a leaf ${name} ${expected ? "leads" : "does not lead"} to the CA`, () => {
    assert.equal(chainsTo(bundle, ca, AT), expected);
  });
}

Deno.test("chain: CAs that issued each other in a ring come to an end", async () => {
  const ring = [await certificate("a", "b"), await certificate("b", "c"), await certificate("c", "a")];
  assert.equal(chainsTo([await certificate("leaf", "a"), ...ring], ROOT, AT), false);
});

Deno.test("chain: CAs that all issued each other are looked at once each, not in every order", async () => {
  const same = await Promise.all(Array.from({ length: 8 }, () => certificate("mid", "mid")));
  const started = performance.now();
  assert.equal(chainsTo([await certificate("leaf", "mid"), ...same], ROOT, AT), false);
  const seconds = (performance.now() - started) / 1000;
  assert.ok(seconds < 5, `it took ${seconds} s`); // along all paths it is minutes
});
