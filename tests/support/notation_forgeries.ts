/**
 * Notation signatures with something changed, one thing each: most are wrong, some are harmless. The same ones are put
 * to `notation verify` and to ours.
 *
 * @module
 */
import { constants, type KeyObject, sign } from "node:crypto";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { derOfRs } from "../../lib/crypto/algorithms.ts";
import type { Certificate } from "../../lib/crypto/x509.ts";
import { digestOf } from "../../lib/registry/blob.ts";
import type { Descriptor } from "../../lib/registry/descriptor.ts";
import {
  base64Url,
  envelopeBy,
  type EnvelopePlan,
  type Identity,
  identity,
  keyOf,
  manifestOf,
  newKey,
} from "./notation.ts";

/** One attempt. */
export interface Forgery {
  readonly name: string;
  readonly manifest: Bytes;
  readonly blobs: readonly Bytes[];
}

/** Those that are good for the tag 1.4.2: what was changed is nothing that decides. */
export const HARMLESS: readonly string[] = [
  "time 2026-11-28T00:00:00.5Z",
  "time 2026-11-28T02:00:00+02:00",
  "time 2020-01-01T00:00:00Z",
  "expiry to come",
  "another attribute",
  "header with blanks",
  "tag and more",
  "another member of the payload",
  "payload with blanks",
  "nothing changed",
  "salt 0",
  "salt 1",
  "salt 31",
  "salt 33",
  "salt 222",
  "agent missing",
  "time stamp garbage",
  "another unprotected member",
  "envelope with blanks",
  "another member of the envelope",
  "artifact type",
  "subject with another size",
  "no annotations",
  "wrong thumbprint",
  "P-384",
  "issued by a CA",
  "issued by a CA below a CA",
  "issued by a CA on P-521",
  "certificate: plain",
  "certificate: for anything",
];

/** Those who are trusted, and their attempts. */
export interface Forgeries {
  readonly trusted: readonly Certificate[];
  readonly forgeries: readonly Forgery[];
}

const SCHEME = "io.cncf.notary.signingScheme";
const TIME = "io.cncf.notary.signingTime";
const EXPIRY = "io.cncf.notary.expiry";
const PAST = "2026-02-01T00:00:00Z";
const FUTURE = "2040-01-01T00:00:00Z";

const RIGHT_HEADER = {
  alg: "PS256",
  crit: [SCHEME],
  cty: "application/vnd.cncf.notary.payload.v1+json",
  [SCHEME]: "notary.x509",
  [TIME]: "2026-11-28T00:00:00Z",
};
const HEADER = JSON.stringify(RIGHT_HEADER);

/** Changes of the protected header, which are signed. */
const HEADERS: Readonly<Record<string, Readonly<Record<string, unknown>> | string>> = {
  ...Object.fromEntries(
    ["PS384", "PS512", "ES256", "RS256", "HS256", "none", "ps256", "", null, 5].map((alg) => [`alg ${alg}`, { alg }]),
  ),
  ...Object.fromEntries(
    [undefined, "", null, [], "text/plain", "application/vnd.cncf.notary.payload.v2+json"].map((cty) => [
      `cty ${JSON.stringify(cty)}`,
      { cty },
    ]),
  ),
  ...Object.fromEntries(
    [undefined, null, [], "x", SCHEME, ["x"], [SCHEME, "x"], [SCHEME, SCHEME], [SCHEME, EXPIRY], [5], [TIME], [
      SCHEME,
      TIME,
    ]].map((crit) => [`crit ${JSON.stringify(crit)}`, { crit }]),
  ),
  ...Object.fromEntries(
    [undefined, null, "", "notary.x509.signingAuthority", "NOTARY.X509", "x"].map((scheme) => [
      `scheme ${scheme}`,
      { [SCHEME]: scheme },
    ]),
  ),
  ...Object.fromEntries(
    [
      undefined,
      null,
      "",
      5,
      "2026-11-28",
      "2026-11-28 00:00:00Z",
      "2026-02-30T00:00:00Z",
      "2026-11-28T24:00:00Z",
      "2026-11-28T00:00:00",
      "2026-11-28T00:00:00z",
      "0001-01-01T00:00:00Z",
      "2026-11-28T00:00:00.5Z",
      "2026-11-28T02:00:00+02:00",
      "2020-01-01T00:00:00Z",
    ].map((time) => [`time ${time}`, { [TIME]: time }]),
  ),
  "expiry past": { [EXPIRY]: PAST, [TIME]: "2026-01-02T00:00:00Z", crit: [SCHEME, EXPIRY] },
  "expiry before signing": { [EXPIRY]: FUTURE, [TIME]: "2041-01-01T00:00:00Z", crit: [SCHEME, EXPIRY] },
  "expiry not critical": { [EXPIRY]: FUTURE },
  "expiry no time": { [EXPIRY]: "soon", crit: [SCHEME, EXPIRY] },
  "expiry null": { [EXPIRY]: null },
  "expiry to come": { [EXPIRY]: FUTURE, crit: [SCHEME, EXPIRY] },
  "a plugin": { "io.cncf.notary.verificationPlugin": "x", crit: [SCHEME, "io.cncf.notary.verificationPlugin"] },
  "a plugin, not critical": { "io.cncf.notary.verificationPlugin": "x" },
  "authentic time": { "io.cncf.notary.authenticSigningTime": "2026-11-28T00:00:00Z" },
  "another attribute": { foo: "bar" },
  "another attribute, critical": { foo: "bar", crit: [SCHEME, "foo"] },
  "Alg beside alg": { Alg: "ES256" },
  "CTY beside cty": { CTY: "text/plain" },
  "Crit beside crit": { Crit: [] },
  "alg twice": HEADER.replace("{", '{"alg":"ES256",'),
  "alg twice, the wrong one last": HEADER.replace(/}$/, ',"alg":"ES256"}'),
  "cty twice, the wrong one first": HEADER.replace("{", '{"cty":"text/plain",'),
  "scheme twice": HEADER.replace("{", `{"${SCHEME}":"x",`),
  "header with blanks": JSON.stringify(RIGHT_HEADER, undefined, 2),
  "header an array": `[${HEADER}]`,
  "header null": "null",
  "header and more": `${HEADER} {}`,
  "header with a byte order mark": `\ufeff${HEADER}`,
};

/** Changes of the target, which are signed: of its members, or of all the payload. */
function targets(image: Descriptor): Readonly<Record<string, Readonly<Record<string, unknown>> | string>> {
  const right = JSON.stringify({ annotations: { tag: "1.4.2" }, ...image });
  const whole = `{"targetArtifact":${right}}`;
  const other = `sha256:${"0".repeat(64)}`;
  return {
    "digest other": { digest: other },
    "digest in capitals": { digest: image.digest.toUpperCase() },
    "digest with a blank": { digest: `${image.digest} ` },
    "digest without sha256": { digest: image.digest.slice(7) },
    "no digest": { digest: undefined },
    "size other": { size: image.size + 1 },
    "size a text": { size: `${image.size}` },
    "size with a fraction": whole.replace(`"size":${image.size}`, `"size":${image.size}.0`),
    "size with an exponent": whole.replace(`"size":${image.size}`, `"size":${image.size}e0`),
    "no size": { size: undefined },
    "size null": { size: null },
    "media type other": { mediaType: "application/vnd.docker.distribution.manifest.v2+json" },
    "no media type": { mediaType: undefined },
    "no tag": { annotations: undefined },
    "annotations null": { annotations: null },
    "annotations an array": { annotations: [] },
    "annotations of numbers": { annotations: { tag: 1.4 } },
    "tag other": { annotations: { tag: "1.4.3" } },
    "tag longer": { annotations: { tag: "1.4.2-rc" } },
    "tag in capitals": { annotations: { Tag: "1.4.2" } },
    "tag and more": { annotations: { tag: "1.4.2", more: "x" } },
    "tag twice, the right one first": whole.replace('"tag":"1.4.2"', '"tag":"1.4.2","tag":"1.4.3"'),
    "tag twice, the right one last": whole.replace('"tag":"1.4.2"', '"tag":"1.4.3","tag":"1.4.2"'),
    "digest twice, the right one first": whole.replace('"size"', `"digest":"${other}","size"`),
    "digest twice, the right one last": whole.replace('"annotations"', `"digest":"${other}","annotations"`),
    "Digest beside digest": whole.replace('"size"', `"Digest":"${other}","size"`),
    "TargetArtifact beside it": whole.replace(/}$/, `,"TargetArtifact":{"digest":"${other}"}}`),
    "target twice": whole.replace(/}$/, `,"targetArtifact":{"digest":"${other}"}}`),
    "target twice, the right one last": whole.replace("{", `{"targetArtifact":{"digest":"${other}"},`),
    "a long s": whole.replace(/}}$/, ',"\u017fize":1}}'),
    "urls": { urls: ["https://example.com"] },
    "urls no texts": { urls: [1] },
    "data": { data: "AAAA" },
    "data no base64": { data: "!" },
    "platform": { platform: { os: "linux", architecture: "amd64" } },
    "another member of the target": { more: { any: 1.5 } },
    "another member of the payload": whole.replace(/}$/, ',"more":1}'),
    "payload with blanks": JSON.stringify(JSON.parse(whole), undefined, 2),
    "payload an array": `[${whole}]`,
    "payload and more": `${whole}{}`,
    "payload empty": "",
    "payload without a target": "{}",
    "target null": '{"targetArtifact":null}',
  };
}

type Change = Omit<EnvelopePlan, "identity" | "image"> & { readonly identity?: Identity };
const bytesOf = (bytes: Uint8Array): Bytes => new Uint8Array(bytes);

/** What is done to signatures, certificates and the envelope around them, which nobody signs. */
function envelopes(own: Identity, stranger: Identity, ec: Identity): Readonly<Record<string, Change>> {
  const pss = (saltLength: number, hash = "sha256") => (input: Bytes, key: KeyObject) =>
    bytesOf(sign(hash, input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }));
  const right = pss(32);
  const changed = (change: (signature: Bytes) => Bytes): Change => ({
    sign: (input, key) => change(right(input, key)),
  });
  const member = (name: string, change: (value: string) => unknown): Change => ({
    members: (envelope) => ({ ...envelope, [name]: change(envelope[name] as string) }),
  });
  const der = own.certificate.der.toBase64();
  const x5c = (value: unknown): Change => ({ unprotected: { x5c: value } });
  const source = (change: (source: string) => string | Bytes): Change => ({ sealed: change });
  return {
    "nothing changed": {},
    ...Object.fromEntries([0, 1, 31, 33, 222].map((salt) => [`salt ${salt}`, { sign: pss(salt) }])),
    "by SHA-512": { sign: pss(64, "sha512") },
    "by PKCS#1": { rules: { hash: "sha256", rsaPadding: "pkcs1" } },
    "by PKCS#1, said so": { rules: { hash: "sha256", rsaPadding: "pkcs1" }, header: { alg: "RS256" } },
    "by another key": { sign: (input) => pss(32)(input, stranger.key) },
    "of other bytes": { sign: (_, key) => right(utf8("other"), key) },
    "first bit changed": changed((s) => concat(Uint8Array.of(s[0]! ^ 1), s.subarray(1))),
    "last bit changed": changed((s) => concat(s.subarray(0, -1), Uint8Array.of(s.at(-1)! ^ 1))),
    "signature shorter": changed((s) => s.slice(0, -1)),
    "signature longer": changed((s) => concat(s, Uint8Array.of(0))),
    "signature with a zero before": changed((s) => concat(Uint8Array.of(0), s)),
    "signature of zeros": changed((s) => new Uint8Array(s.length)),
    "signature missing": member("signature", () => undefined),
    "signature empty": member("signature", () => ""),
    "signature null": member("signature", () => null),
    "signature padded": member("signature", (s) => `${s}==`),
    "signature with a line end": member("signature", (s) => `${s.slice(0, 10)}\n${s.slice(10)}`),
    "signature with a blank": member("signature", (s) => ` ${s}`),
    "signature in plain base64": member("signature", (s) => s.replaceAll("-", "+").replaceAll("_", "/")),
    "signature with loose bits": member("signature", (s) => s.slice(0, -1) + (s.endsWith("A") ? "B" : next(s.at(-1)!))),
    "payload replaced": member("payload", () => base64Url(utf8('{"targetArtifact":{}}'))),
    "payload missing": member("payload", () => undefined),
    "payload with a line end": member("payload", (s) => `${s}\n`),
    "payload padded": member("payload", (s) => `${s}=`),
    "protected replaced": member("protected", () => base64Url(utf8(HEADER.replace("PS256", "PS512")))),
    "protected missing": member("protected", () => undefined),
    "protected with a line end": member("protected", (s) => `${s}\n`),
    "no x5c": x5c(undefined),
    "x5c null": x5c(null),
    "x5c empty": x5c([]),
    "x5c a text": x5c(der),
    "x5c unpadded": x5c([der.replace(/=*$/, "").padEnd(der.length - 1, "A").slice(0, -1)]),
    "x5c with a line end": x5c([`${der.slice(0, 64)}\n${der.slice(64)}`]),
    "x5c in base64url": x5c([base64Url(own.certificate.der)]),
    "x5c PEM": x5c([utf8(`-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n`).toBase64()]),
    "x5c the stranger's": x5c([stranger.certificate.der.toBase64()]),
    "x5c the stranger's, then ours": x5c([stranger.certificate.der.toBase64(), der]),
    "x5c ours, then the stranger's": x5c([der, stranger.certificate.der.toBase64()]),
    "x5c ours twice": x5c([der, der]),
    "x5c with a byte behind": x5c([concat(own.certificate.der, Uint8Array.of(0)).toBase64()]),
    "x5c garbage": x5c(["AAAA"]),
    "x5c of numbers": x5c([1]),
    "by the stranger": { identity: stranger },
    "by the stranger, ours behind": { identity: stranger, above: [own.certificate] },
    "by an EC key with our name": { identity: ec },
    "header missing": member("header", () => undefined),
    "header null": member("header", () => null),
    "agent missing": { unprotected: { "io.cncf.notary.signingAgent": undefined } },
    "agent a number": { unprotected: { "io.cncf.notary.signingAgent": 1 } },
    "time stamp garbage": { unprotected: { "io.cncf.notary.timestampSignature": "AAAA" } },
    "time stamp no base64": { unprotected: { "io.cncf.notary.timestampSignature": "!" } },
    "another unprotected member": { unprotected: { more: 1 } },
    "payload twice": source((s) => s.replace("{", '{"payload":"AAAA",')),
    "payload twice, the wrong one last": source((s) => s.replace(/}$/, ',"payload":"AAAA"}')),
    "PAYLOAD beside it": source((s) => s.replace(/}$/, ',"PAYLOAD":"AAAA"}')),
    "Signature beside it": source((s) => s.replace(/}$/, ',"Signature":"AAAA"}')),
    "header twice": source((s) => s.replace(/}$/, `,"header":{"x5c":["${stranger.certificate.der.toBase64()}"]}}`)),
    "envelope with blanks": source((s) => JSON.stringify(JSON.parse(s), undefined, 2)),
    "envelope an array": source((s) => `[${s}]`),
    "envelope and more": source((s) => `${s}x`),
    "envelope with a byte order mark": source((s) => `\ufeff${s}`),
    "envelope with bytes that are no UTF-8": source((s) => {
      const at = s.indexOf('"tests"') + 1;
      return concat(utf8(s.slice(0, at)), Uint8Array.of(0xff), utf8(s.slice(at)));
    }),
    "general form": source((s) => {
      const { payload, protected: head, header, signature } = JSON.parse(s);
      return JSON.stringify({ payload, signatures: [{ protected: head, header, signature }] });
    }),
    "compact form": source((s) => {
      const { payload, protected: head, signature } = JSON.parse(s);
      return `${head}.${payload}.${signature}`;
    }),
    "another member of the envelope": member("more", () => 1),
  };
}

function next(digit: string): string {
  const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return all[all.indexOf(digit) ^ 1]!;
}

/** What is done to the manifest. */
function manifests(envelope: Bytes, image: Descriptor): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const layer = { mediaType: "application/jose+json", digest: digestOf(envelope), size: envelope.length };
  const config = { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(utf8("{}")), size: 2 };
  return {
    "layer of another type": { layers: [{ ...layer, mediaType: "application/cose" }] },
    "layer of no known type": { layers: [{ ...layer, mediaType: "text/plain" }] },
    "layer twice": { layers: [layer, layer] },
    "no layers": { layers: [] },
    "layer with another size": { layers: [{ ...layer, size: layer.size + 1 }] },
    "artifact type": { config, artifactType: "application/vnd.cncf.notary.signature" },
    "subject with another size": { subject: { ...image, size: 1 } },
    "no annotations": { annotations: undefined },
    "wrong thumbprint": { annotations: { "io.cncf.notary.x509chain.thumbprint#S256": '["00"]' } },
  };
}

/** Certificates that were made for it, and chains. */
async function chains(): Promise<{ trusted: Certificate[]; by: Readonly<Record<string, Change>> }> {
  const key = keyOf("P-256");
  const ca = await identity(newKey("P-256"), { ca: true });
  const middle = await identity(newKey("P-256"), { ca: true, name: "Between", issuer: ca });
  const short = await identity(newKey("P-256"), { ca: true, name: "Short", pathLength: 0 });
  const below = await identity(newKey("P-256"), { ca: true, name: "Below", issuer: short });
  const idle = await identity(newKey("P-256"), { ca: true, name: "Idle", usage: 0x40 });
  const silent = await identity(newKey("P-256"), { ca: true, name: "Silent", usage: null });
  const late = await identity(newKey("P-256"), { ca: true, name: "Late", to: "2026-02-01T00:00:00Z" });
  const curve = await identity(newKey("P-521"), { ca: true, name: "Curve", hash: "SHA-512" });
  const [leaf, deep, tooDeep, byIdle, bySilent, byLate, byCurve] = await Promise.all(
    [ca, middle, below, idle, silent, late, curve].map((issuer) => identity(key, { issuer })),
  ) as [Identity, Identity, Identity, Identity, Identity, Identity, Identity];
  const listed = await identity(key, { issuer: ca, crl: "http://127.0.0.1:9/none.crl" });
  const expired = await identity(key, { issuer: ca, to: "2026-02-01T00:00:00Z" });
  const all = [ca, short, idle, silent, late, curve].map(({ certificate }) => certificate);
  const chain = (who: Identity, ...above: readonly Identity[]): Change => ({
    identity: who,
    above: above.map(({ certificate }) => certificate),
  });
  return {
    trusted: all,
    by: {
      "issued by a CA": chain(leaf, ca),
      "issued by a CA below a CA": chain(deep, middle, ca),
      "issued by a CA on P-521": chain(byCurve, curve),
      "the CA left out": chain(leaf),
      "the one between left out": chain(deep, ca),
      "the root left out": chain(deep, middle),
      "in the wrong order": chain(deep, ca, middle),
      "the root twice": chain(leaf, ca, ca),
      "another CA behind": chain(leaf, ca, idle),
      "another CA's name": chain(leaf, idle),
      "too many below": chain(tooDeep, below, short),
      "a CA that issues nothing": chain(byIdle, idle),
      "a CA without key usage": chain(bySilent, silent),
      "a CA that expired": chain(byLate, late),
      "issued, and expired": chain(expired, ca),
      "may have been revoked": chain(listed, ca),
      "the CA signs itself": { identity: ca },
    },
  };
}

/** All attempts on an image, with the tag 1.4.2; those who are trusted are self-signed and CAs. */
export async function notationForgeries(image: Descriptor): Promise<Forgeries> {
  const own = await identity(keyOf("RSA 2048"));
  const stranger = await identity(newKey("RSA 2048"), { name: "A signer" });
  const ec = await identity(newKey("P-256"));
  const curve = await identity(keyOf("P-384"), { hash: "SHA-384" });
  const forgeries: Forgery[] = [];
  const add = async (name: string, change: Change, members = {}) => {
    const envelope = await envelopeBy({ identity: own, image, ...change });
    forgeries.push({ name, manifest: manifestOf(envelope, image, members), blobs: [envelope] });
  };
  for (const [name, header] of Object.entries(HEADERS)) await add(name, { header });
  for (const [name, target] of Object.entries(targets(image))) await add(name, { target });
  for (const [name, change] of Object.entries(envelopes(own, stranger, ec))) await add(name, change);
  const right = await envelopeBy({ identity: own, image });
  for (const [name, members] of Object.entries(manifests(right, image))) await add(name, {}, members);

  const rules = { hash: "sha384", rsaPadding: "pss" } as const;
  const ieee = (input: Bytes, key: KeyObject) => bytesOf(sign("sha384", input, { key, dsaEncoding: "ieee-p1363" }));
  await add("P-384", { identity: curve, rules });
  await add("P-384 in DER", { identity: curve, sign: (input, key) => derOfRs(ieee(input, key)) });
  await add("P-384 by SHA-256", { identity: curve, rules: { ...rules, hash: "sha256" } });
  await add("P-384, r longer by a zero", {
    identity: curve,
    sign: (input, key) => concat(Uint8Array.of(0), ieee(input, key)),
  });

  const { trusted, by } = await chains();
  for (const [name, change] of Object.entries(by)) await add(name, change);
  const special: Certificate[] = [];
  for (const [name, options] of Object.entries(SPECIAL)) {
    const made = await identity(keyOf("P-256"), { name, ...options });
    special.push(made.certificate);
    await add(`certificate: ${name}`, { identity: made });
  }
  const certificates = [own, curve].map(({ certificate }) => certificate);
  return { trusted: [...certificates, ...trusted, ...special], forgeries };
}

/** Certificates of signers. */
const SPECIAL: Readonly<Record<string, Parameters<typeof identity>[1]>> = {
  "plain": {},
  "for certificates as well": { usage: 0x21 },
  "for key agreement as well": { usage: 0x11 },
  "for nothing but deciphering as well": { usage: 0x101 },
  "no key usage": { usage: null },
  "key usage not critical": { usageCritical: false },
  "for TLS clients": { purposes: ["1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.2"] },
  "for OCSP": { purposes: ["1.3.6.1.5.5.7.3.9"] },
  "for anything": { purposes: ["2.5.29.37.0"] },
  "expired": { to: "2026-02-01T00:00:00Z" },
  "to come": { from: "2040-01-01T00:00:00Z" },
};
