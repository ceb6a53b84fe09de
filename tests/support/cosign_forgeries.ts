/**
 * Forged cosign signatures: every part of a good one changed in every way that may matter, with and without the key. Most
 * must be refused; which are taken is for the real verifiers to say.
 *
 * @module
 */
import { type Bytes, concat, text, utf8 } from "../../lib/bytes/bytes.ts";
import { derSequence, TAG } from "../../lib/crypto/der.ts";
import { digestOf } from "../../lib/registry/blob.ts";
import type { Descriptor } from "../../lib/registry/descriptor.ts";
import { BUNDLE, preAuthenticationEncoding, statementOf } from "../../lib/schemes/cosign/bundle.ts";
import { SIGNATURE_ANNOTATION, SIGNATURE_LAYER, signatureTag } from "../../lib/schemes/cosign/classic.ts";
import type { CosignForm } from "../../lib/schemes/cosign/forms.ts";
import { simpleSigningPayload } from "../../lib/schemes/cosign/payload.ts";
import {
  type AnyJson,
  attachBundle,
  type LayerJson,
  layerJson,
  type OddBundle,
  signatureImage,
  SignatureStore,
  type TestKey,
} from "./cosign.ts";

/** What a forger has. */
export interface Forger {
  /** The repository. */
  readonly gun: string;
  /** The tag. */
  readonly tag: string;
  /** The image. */
  readonly image: Descriptor;
  /** The key that verifiers trust. */
  readonly ours: TestKey;
  /** Another one. */
  readonly theirs: TestKey;
  /** Certificates of other keys, in PEM. */
  readonly certificates: { readonly valid: string; readonly expired: string };
}

/** One forgery. */
export interface Forgery {
  /** What is forged. */
  readonly name: string;
  /** The form of the signature. */
  readonly form: CosignForm;
  /** Makes it. */
  make(forger: Forger): Promise<SignatureStore>;
}

const OTHER = `sha256:${"0f".repeat(32)}` as const;
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const payloadOf = ({ gun, tag, image }: Forger) => simpleSigningPayload({ gun, tag, digest: image.digest });

function classic(name: string, make: (forger: Forger, payload: Bytes) => Promise<SignatureStore>): Forgery {
  return { name, form: "classic", make: (forger) => make(forger, payloadOf(forger)) };
}

function stored(
  { image }: Forger,
  layers: readonly LayerJson[],
  payloads: readonly Bytes[],
  change: Record<string, unknown> = {},
): SignatureStore {
  const store = new SignatureStore();
  store.sign(image.digest, signatureImage(layers, payloads, change));
  return store;
}

/** The payload is changed after it was signed. */
const CHANGED_PAYLOADS = [0, 15, 60, 120, 180, 220].map((at) =>
  classic(`bit 0 of byte ${at} of the payload flipped`, async (forger, payload) => {
    const changed = payload.slice();
    changed[at]! ^= 1;
    return stored(forger, [layerJson(changed, await forger.ours.sign(payload))], [changed]);
  })
).concat(([
  ["a blank before the payload", (it) => concat(utf8(" "), it)],
  ["a line end behind the payload", (it) => concat(it, utf8("\n"))],
  ["the payload cut off", (it) => it.slice(0, -1)],
  ["an empty payload", () => new Uint8Array()],
  ["the payload written anew", (it) => utf8(JSON.stringify(JSON.parse(text(it)), null, 1))],
] satisfies [string, (payload: Bytes) => Bytes][]).map(([name, change]) =>
  classic(name, async (forger, payload) => {
    const changed = change(payload);
    return stored(forger, [layerJson(changed, await forger.ours.sign(payload))], [changed]);
  })
));

/** The signature is changed. */
const CHANGED_SIGNATURES = ([
  ...[0, 1, 3, 10, 40, -1].map((
    at,
  ): [string, (signature: Bytes) => Bytes] => [`bit 0 of byte ${at} of the signature flipped`, (it) => {
    const changed = it.slice();
    changed[at < 0 ? changed.length + at : at]! ^= 1;
    return changed;
  }]),
  ["the signature cut off", (it) => it.slice(0, -1)],
  ["the signature without its first byte", (it) => it.slice(1)],
  ["a zero before the signature", (it) => concat(Uint8Array.of(0), it)],
  ["a zero behind the signature", (it) => concat(it, Uint8Array.of(0))],
  ["the signature twice", (it) => concat(it, it)],
  ["zeros as signature", (it) => new Uint8Array(it.length)],
  ["a signature of 1 MiB", () => new Uint8Array(2 ** 20).fill(1)],
] satisfies [string, (signature: Bytes) => Bytes][]).map(([name, change]) =>
  classic(name, async (forger, payload) => {
    return stored(forger, [layerJson(payload, change(await forger.ours.sign(payload)))], [payload]);
  })
);

const number = (bytes: Bytes) => BigInt(`0x${bytes.toHex() || "0"}`);
const integer = (content: Bytes) => concat(Uint8Array.of(TAG.integer, content.length), content);
const unsigned = (value: bigint) => {
  const hex = value.toString(16);
  const bytes = Uint8Array.fromHex(hex.length % 2 ? `0${hex}` : hex);
  return integer(bytes[0]! >= 0x80 ? concat(Uint8Array.of(0), bytes) : bytes);
};
const sequence = (...parts: Bytes[]) => {
  const content = concat(...parts);
  return concat(Uint8Array.of(TAG.sequence, content.length), content);
};
const fixed = (value: bigint, size = 32) => Uint8Array.fromHex(value.toString(16).padStart(2 * size, "0"));

/** An ECDSA signature (P-256) in other forms; some of them are as good. */
const ECDSA_SIGNATURES = ([
  ["r and s exchanged", (r, s) => sequence(unsigned(s), unsigned(r))],
  ["n - s for s", (r, s) => sequence(unsigned(r), unsigned(P256_ORDER - s))],
  ["r + n for r", (r, s) => sequence(unsigned(r + P256_ORDER), unsigned(s))],
  ["r alone", (r) => sequence(unsigned(r))],
  ["three integers", (r, s) => sequence(unsigned(r), unsigned(s), unsigned(s))],
  ["r and s as zero", () => sequence(unsigned(0n), unsigned(0n))],
  ["r and s as one", () => sequence(unsigned(1n), unsigned(1n))],
  ["r with a needless zero", (r, s) => sequence(integer(concat(Uint8Array.of(0, 0), fixed(r))), unsigned(s))],
  ["r as a negative number", (r, s) => sequence(integer(concat(Uint8Array.of(0xff), fixed(r))), unsigned(s))],
  ["a length in two bytes", (r, s) => {
    const der = sequence(unsigned(r), unsigned(s));
    return concat(Uint8Array.of(TAG.sequence, 0x81), der.slice(1));
  }],
  ["a length without end", (r, s) => {
    const der = sequence(unsigned(r), unsigned(s));
    return concat(Uint8Array.of(TAG.sequence, 0x80), der.slice(2), Uint8Array.of(0, 0));
  }],
  ["something behind s in the sequence", (r, s) => sequence(unsigned(r), unsigned(s), Uint8Array.of(5, 0))],
  ["a set for the sequence", (r, s) => {
    const der = sequence(unsigned(r), unsigned(s));
    der[0] = TAG.set;
    return der;
  }],
  ["r‖s", (r, s) => concat(fixed(r), fixed(s))],
  ["s‖r", (r, s) => concat(fixed(s), fixed(r))],
  ["r‖s in 66 bytes", (r, s) => concat(fixed(r, 33), fixed(s, 33))],
  ["r‖s and a byte", (r, s) => concat(fixed(r), fixed(s), Uint8Array.of(0))],
] satisfies [string, (r: bigint, s: bigint) => Bytes][]).map(([name, change]) =>
  classic(name, async (forger, payload) => {
    const [r, s] = derSequence(await forger.ours.sign(payload)).map(({ content }) => number(content)) as [
      bigint,
      bigint,
    ];
    return stored(forger, [layerJson(payload, change(r, s))], [payload]);
  })
);

/** A signature by our key, by other rules. */
const OTHER_RULES = ([
  ["over SHA-384", { hash: "SHA-384" }],
  ["over SHA-512", { hash: "SHA-512" }],
  ["with PSS", { pss: true }],
  ["with PSS over SHA-512", { pss: true, hash: "SHA-512" }],
] as const).map(([name, odd]) =>
  classic(
    name,
    async (forger, payload) => stored(forger, [layerJson(payload, await forger.ours.sign(payload, odd))], [payload]),
  )
);

/** What stands in the annotation for the signature. */
const ANNOTATIONS = ([
  ["base64 of two lines", (it) => `${it.slice(0, 40)}\n${it.slice(40)}`],
  ["base64 with a blank", (it) => `${it.slice(0, 40)} ${it.slice(40)}`],
  ["base64 and a line end", (it) => `${it}\n`],
  ["base64 without padding", (it) => it.replaceAll("=", "")],
  ["base64 with more padding", (it) => `${it}====`],
  ["base64 of the other alphabet", (it) => it.replaceAll("+", "-").replaceAll("/", "_")],
  ["base64 with something behind it", (it) => `${it}.`],
  ["base64 twice", (it) => `${it}${it}`],
  ["base64 of base64", (it) => btoa(it)],
  ["hex", (it) => Uint8Array.fromBase64(it).toHex()],
  ["nothing", () => ""],
] satisfies [string, (base64: string) => string][]).map(([name, change]) =>
  classic(`the signature as ${name}`, async (forger, payload) => {
    // Some signatures need no padding, or none of the letters in which the alphabets differ: those would be as good.
    for (let i = 0;; i++) {
      const signed = utf8(text(payload).replace('"optional":{', `"optional":{"n":${i},`));
      const base64 = (await forger.ours.sign(signed)).toBase64();
      if (change(base64) === base64) continue;
      const annotations = { [SIGNATURE_ANNOTATION]: change(base64) };
      return stored(forger, [{ ...layerJson(signed, new Uint8Array()), annotations }], [signed]);
    }
  })
);

const edit = (change: (payload: AnyJson, forger: Forger) => unknown) => (payload: Bytes, forger: Forger): Bytes => {
  const json = JSON.parse(text(payload));
  return utf8(JSON.stringify(change(json, forger) ?? json));
};
const rewrite = (change: (payload: string) => string) => (payload: Bytes) => utf8(change(text(payload)));
const referring = (to: (forger: Forger) => string) =>
  edit((it, forger) => void (it.critical.identity["docker-reference"] = to(forger)));
const digested = (to: (forger: Forger) => unknown) =>
  edit((it, forger) => void (it.critical.image["docker-manifest-digest"] = to(forger)));
const optional = (value: unknown) => edit((it) => void (it.optional = value));

/** Payloads that our key signed, and that say something else. */
const SIGNED_PAYLOADS = ([
  ["about another manifest", digested(() => OTHER)],
  ["with the digest in capitals", digested(({ image }) => image.digest.toUpperCase())],
  ["with the digest alone", digested(({ image }) => image.digest.slice(7))],
  ["with a blank behind the digest", digested(({ image }) => `${image.digest} `)],
  ["with a digest of another algorithm", digested(() => `sha512:${"0f".repeat(64)}`)],
  ["with no digest", digested(() => null)],
  ["about another tag", referring(({ gun }) => `${gun}:other`)],
  ["about a longer tag", referring(({ gun, tag }) => `${gun}:${tag}-rc`)],
  ["about no tag", referring(({ gun }) => gun)],
  ["about the digest", referring(({ gun, image }) => `${gun}@${image.digest}`)],
  ["about tag and digest", referring(({ gun, tag, image }) => `${gun}:${tag}@${image.digest}`)],
  ["about another repository", referring(({ gun, tag }) => `${gun}/other:${tag}`)],
  ["about the repository above", referring(({ gun, tag }) => `${gun.slice(0, gun.lastIndexOf("/"))}:${tag}`)],
  ["about another host", referring(({ gun, tag }) => `registry.example.com/${gun.slice(gun.indexOf("/") + 1)}:${tag}`)],
  ["about 127.0.0.1", referring(({ gun, tag }) => `${gun.replace("localhost", "127.0.0.1")}:${tag}`)],
  ["about the host in capitals", referring(({ gun, tag }) => `${gun.replace("localhost", "LOCALHOST")}:${tag}`)],
  ["about a URL", referring(({ gun, tag }) => `https://${gun}:${tag}`)],
  ["about a transport's name", referring(({ gun, tag }) => `docker://${gun}:${tag}`)],
  ["with a blank behind the reference", referring(({ gun, tag }) => `${gun}:${tag} `)],
  ["with a line end behind the reference", referring(({ gun, tag }) => `${gun}:${tag}\n`)],
  ["with a slash too many", referring(({ gun, tag }) => `${gun}/:${tag}`)],
  ["with an empty reference", referring(() => "")],
  ["with a reference that is no text", edit((it) => void (it.critical.identity["docker-reference"] = null))],
  ["of another type", edit((it) => void (it.critical.type = "atomic container signature"))],
  ["of no type", edit((it) => void delete it.critical.type)],
  ["without optional", edit(({ critical }) => ({ critical }))],
  ["with optional null", optional(null)],
  ["with an empty optional", optional({})],
  ["with a list as optional", optional([])],
  ["with a text as optional", optional("a")],
  ["with a creator that is a number", optional({ creator: 1 })],
  ["with a timestamp that is a text", optional({ timestamp: "1" })],
  ["with a timestamp that is no integer", optional({ timestamp: 1.5 })],
  ["with a timestamp", optional({ timestamp: 1764331200 })],
  ["with things in optional", optional({ a: { b: [1, null, true] }, creator: "cosign" })],
  ["with a number that no double holds", rewrite((it) => it.replace('"optional":{', '"optional":{"n":1e999,'))],
  ["with a further member", edit((it) => void (it.more = 1))],
  ["with a further critical member", edit((it) => void (it.critical.more = 1))],
  ["with a further member of the image", edit((it) => void (it.critical.image.more = 1))],
  ["without an identity", edit((it) => void delete it.critical.identity)],
  ["with Critical for critical", rewrite((it) => it.replace('"critical"', '"Critical"'))],
  [
    "with critical and Critical",
    edit((it) => void (it.Critical = { ...it.critical, image: { "docker-manifest-digest": OTHER } })),
  ],
  [
    "with another digest first",
    rewrite((it) =>
      it.replace('"docker-manifest-digest"', `"docker-manifest-digest":"${OTHER}","docker-manifest-digest"`)
    ),
  ],
  [
    "with another digest last",
    rewrite((it) => it.replace(/("docker-manifest-digest":"[^"]*")/, `$1,"docker-manifest-digest":"${OTHER}"`)),
  ],
  ["with optional twice", rewrite((it) => it.replace('"optional"', '"optional":null,"optional"'))],
  [
    "with a name twice in optional",
    rewrite((it) => it.replace('"creator":"tagseal"', '"creator":"tagseal","creator":"x"')),
  ],
  ["with a name escaped", rewrite((it) => it.replace('"critical"', '"\\u0063ritical"'))],
  ["with a value escaped", rewrite((it) => it.replace("sha256:", "\\u0073ha256:"))],
  ["with half a surrogate pair", rewrite((it) => it.replace("tagseal", "\\ud800"))],
  ["that is not UTF-8", (it) => {
    const bytes = it.slice();
    bytes[text(it).indexOf("tagseal")] = 0xff;
    return bytes;
  }],
  ["with blanks and line ends", rewrite((it) => `\n ${JSON.stringify(JSON.parse(it), null, 2)}\n`)],
  ["with a byte order mark", rewrite((it) => `\ufeff${it}`)],
  ["with a comma too many", rewrite((it) => it.replace(/\}$/, ",}"))],
  ["with a comment", rewrite((it) => `/**/${it}`)],
  ["with another document behind it", rewrite((it) => `${it}{}`)],
  ["with a zero behind it", rewrite((it) => `${it}\0`)],
  ["in a list", rewrite((it) => `[${it}]`)],
  ["that is a bundle's statement", (_, { image, tag }) => statementOf({ digest: image.digest, tag })],
  ["that is null", rewrite(() => "null")],
] satisfies [string, (payload: Bytes, forger: Forger) => Bytes][]).map(([name, change]) =>
  classic(`a signed payload ${name}`, async (forger, payload) => {
    const changed = change(payload, forger);
    return stored(forger, [layerJson(changed, await forger.ours.sign(changed))], [changed]);
  })
);

/** Layers that are named otherwise. */
const LAYERS = ([
  ["of another type", (it) => ({ ...it, mediaType: "application/octet-stream" })],
  ["of an attestation's type", (it) => ({ ...it, mediaType: "application/vnd.dsse.envelope.v1+json" })],
  ["of a type in capitals", (it) => ({ ...it, mediaType: SIGNATURE_LAYER.toUpperCase() })],
  ["of a type with parameters", (it) => ({ ...it, mediaType: `${SIGNATURE_LAYER};a=b` })],
  ["of no type", ({ mediaType: _, ...it }) => it],
  ["one byte longer", (it) => ({ ...it, size: it["size"] as number + 1 })],
  ["one byte shorter", (it) => ({ ...it, size: it["size"] as number - 1 })],
  ["of size 0", (it) => ({ ...it, size: 0 })],
  ["of a negative size", (it) => ({ ...it, size: -1 })],
  ["of a size as text", (it) => ({ ...it, size: `${it["size"]}` })],
  ["of a size with a fraction", (it) => ({ ...it, size: it["size"] as number + 0.5 })],
  ["of no size", ({ size: _, ...it }) => it],
  ["that is missing", (it) => ({ ...it, digest: OTHER })],
  ["with its digest in capitals", (it) => ({ ...it, digest: `${it["digest"]}`.toUpperCase() })],
  ["without a digest", ({ digest: _, ...it }) => it],
  ["without annotations", ({ annotations: _, ...it }) => it],
  ["with annotations null", (it) => ({ ...it, annotations: null })],
  ["with Annotations for annotations", ({ annotations, ...it }) => ({ ...it, Annotations: annotations })],
  ["with a number among its annotations", (it) => ({ ...it, annotations: { ...Object(it["annotations"]), n: 1 } })],
  [
    "with the annotation in capitals",
    (it) => ({
      ...it,
      annotations: { [SIGNATURE_ANNOTATION.toUpperCase()]: Object(it["annotations"])[SIGNATURE_ANNOTATION] },
    }),
  ],
  ["to be fetched from elsewhere", (it) => ({ ...it, urls: ["http://127.0.0.1:9/a"] })],
  ["with other data in it", (it) => ({ ...it, data: "e30=" })],
  ["with data that is no base64", (it) => ({ ...it, data: "?" })],
  ["with a platform that is none", (it) => ({ ...it, platform: "linux" })],
  ["with a further member", (it) => ({ ...it, more: { a: 1 } })],
] satisfies [string, (layer: LayerJson) => LayerJson][]).map(([name, change]) =>
  classic(`a layer ${name}`, async (forger, payload) => {
    return stored(forger, [change(layerJson(payload, await forger.ours.sign(payload)))], [payload]);
  })
);

/** Manifests that are written otherwise; the layer is good. */
const MANIFESTS = ([
  ["of Docker's type", () => ({ mediaType: "application/vnd.docker.distribution.manifest.v2+json" })],
  ["of schema version 1", () => ({ schemaVersion: 1 })],
  ["of schema version 3", () => ({ schemaVersion: 3 })],
  ["without schema version", () => ({ schemaVersion: undefined })],
  ["with a schema version as text", () => ({ schemaVersion: "2" })],
  ["without config", () => ({ config: undefined })],
  ["with config null", () => ({ config: null })],
  ["with a config that is a text", () => ({ config: "a" })],
  ["with layers null", () => ({ layers: null })],
  ["with layers that are no list", (layer) => ({ layers: { 0: layer } })],
  ["with Layers for layers", (layer) => ({ layers: undefined, Layers: [layer] })],
  ["with layers and Layers", () => ({ Layers: [] })],
  ["with manifests", () => ({ manifests: [] })],
  ["with fsLayers", () => ({ fsLayers: [] })],
  ["with history", () => ({ history: [] })],
  ["with a number among its annotations", () => ({ annotations: { n: 1 } })],
  ["with annotations", () => ({ annotations: { a: "b" } })],
  ["with an artifact type", () => ({ artifactType: "application/vnd.example" })],
  ["with a number as artifact type", () => ({ artifactType: 1 })],
  ["with a subject that is none", () => ({ subject: "a" })],
  ["with a further member", () => ({ more: 1 })],
  ["with a good layer behind one that is missing", (layer) => ({ layers: [{ ...layer, digest: OTHER }, layer] })],
  [
    "with a good layer behind one without digest",
    (layer) => ({ layers: [{ mediaType: SIGNATURE_LAYER, size: 1 }, layer] }),
  ],
  ["with a good layer behind one of null", (layer) => ({ layers: [null, layer] })],
  ["with 1001 good layers", (layer) => ({ layers: Array(1001).fill(layer) })],
] satisfies [string, (layer: LayerJson) => Record<string, unknown>][]).map(([name, change]) =>
  classic(`a manifest ${name}`, async (forger, payload) => {
    const layer = layerJson(payload, await forger.ours.sign(payload));
    return stored(forger, [layer], [payload], change(layer));
  })
);

/** Manifests whose text is forged, or that a registry forges. */
const TEXTS = ([
  ["with layers twice, the last ones empty", (it) => it.replace(/\}$/, ',"layers":[]}')],
  ["with layers twice, the first ones empty", (it) => it.replace('"layers"', '"layers":[],"layers"')],
  ["with something behind it", (it) => `${it}{}`],
  ["with a byte order mark", (it) => `\ufeff${it}`],
  ["with a line end behind it", (it) => `${it}\n`],
  ["cut off", (it) => it.slice(0, -1)],
  ["of nothing", () => ""],
] satisfies [string, (manifest: string) => string][]).map(([name, change]) =>
  classic(`a manifest ${name}`, async (forger, payload) => {
    const store = stored(forger, [layerJson(payload, await forger.ours.sign(payload))], [payload]);
    const tag = signatureTag(forger.image.digest);
    const bytes = utf8(change(text(store.manifests.get(tag)!.bytes)));
    store.manifests.set(tag, { ...store.manifests.get(tag)!, bytes, digest: digestOf(bytes) });
    return store;
  })
);

const REGISTRIES = [
  classic("a registry that gives another payload for the digest", async (forger, payload) => {
    const changed = payload.slice();
    changed[200]! ^= 1;
    const store = stored(forger, [layerJson(payload, await forger.ours.sign(payload))], [payload]);
    store.blobs.set(digestOf(payload), changed);
    return store;
  }),
  classic("a registry that gives a payload and more", async (forger, payload) => {
    const store = stored(forger, [layerJson(payload, await forger.ours.sign(payload))], [payload]);
    store.blobs.set(digestOf(payload), concat(payload, payload));
    return store;
  }),
  classic("a registry that says Docker's type of an OCI manifest", async (forger, payload) => {
    const store = stored(forger, [layerJson(payload, await forger.ours.sign(payload))], [payload]);
    const tag = signatureTag(forger.image.digest);
    const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
    store.manifests.set(tag, { ...store.manifests.get(tag)!, mediaType });
    return store;
  }),
  classic("signatures under the tag of another image", async (forger, payload) => {
    const store = new SignatureStore();
    store.sign(OTHER, signatureImage([layerJson(payload, await forger.ours.sign(payload))], [payload]));
    return store;
  }),
  classic("no signatures", () => Promise.resolve(new SignatureStore())),
  classic("a signature by another key", async (forger, payload) => {
    return stored(forger, [layerJson(payload, await forger.theirs.sign(payload))], [payload]);
  }),
  classic("a good signature behind others", async (forger, payload) => {
    const noJson = utf8("no JSON");
    return stored(forger, [
      layerJson(payload, await forger.theirs.sign(payload)),
      layerJson(noJson, await forger.theirs.sign(noJson)),
      { ...layerJson(payload, new Uint8Array()), annotations: {} },
      layerJson(payload, await forger.ours.sign(payload)),
    ], [payload, noJson]);
  }),
];

const REKOR = { SignedEntryTimestamp: "AAAA", Payload: { body: "AAAA", integratedTime: 1, logIndex: 2, logID: "ab" } };

/** Things that stand beside a good signature. */
const BESIDE = ([
  ["certificate", "that is valid", ({ certificates }) => certificates.valid],
  ["certificate", "that is expired", ({ certificates }) => certificates.expired],
  ["certificate", "that is none", () => "no certificate"],
  ["certificate", "that is cut off", ({ certificates }) => certificates.valid.slice(0, -40)],
  ["certificate", "that is empty", () => ""],
  [
    "certificate",
    "that is a public key",
    ({ certificates }) => certificates.valid.replaceAll("CERTIFICATE", "PUBLIC KEY"),
  ],
  ["certificate", "in DER's place", () => "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ["chain", "of two certificates", ({ certificates }) => certificates.valid + certificates.expired],
  ["chain", "that is none", () => "no chain"],
  ["bundle", "of a log", () => JSON.stringify(REKOR)],
  ["bundle", "that is no JSON", () => "{"],
  [
    "bundle",
    "with a text for a number",
    () => JSON.stringify({ ...REKOR, Payload: { ...REKOR.Payload, logIndex: "2" } }),
  ],
  ["bundle", "that is null", () => "null"],
  ["rfc3161timestamp", "that is one", () => '{"SignedRFC3161Timestamp":"AAAA"}'],
  ["rfc3161timestamp", "that is a number", () => '{"SignedRFC3161Timestamp":1}'],
  ["rfc3161timestamp", "that is no JSON", () => "AAAA"],
] satisfies [string, string, (forger: Forger) => string][]).map(([what, how, value]) =>
  classic(`a ${what} ${how} beside the signature`, async (forger, payload) => {
    const annotations = { [`dev.sigstore.cosign/${what}`]: value(forger) };
    return stored(forger, [layerJson(payload, await forger.ours.sign(payload), annotations)], [payload]);
  })
);

/** A bundle that is good but for what is told. */
function bundle(name: string, odd: (forger: Forger) => Partial<OddBundle> & { readonly by?: TestKey }): Forgery {
  return {
    name: `a bundle ${name}`,
    form: "bundle",
    async make(forger) {
      const { by = forger.ours, ...rest } = odd(forger);
      const store = new SignatureStore();
      const about = statementOf({ digest: forger.image.digest, tag: forger.tag });
      await attachBundle(store, forger.image, by, { about, ...rest });
      return store;
    },
  };
}

const changed = (change: (bundle: AnyJson) => void) => () => ({ change });
const outer = (manifest: (manifest: AnyJson) => void) => () => ({ manifest });
const stating = (change: (statement: AnyJson) => unknown) => ({ image, tag }: Forger) => {
  const json = JSON.parse(text(statementOf({ digest: image.digest, tag })));
  return { about: utf8(JSON.stringify(change(json) ?? json)) };
};
const statingText = (change: (statement: string) => string) => ({ image, tag }: Forger) => ({
  about: utf8(change(text(statementOf({ digest: image.digest, tag })))),
});

const BUNDLES: readonly Forgery[] = [
  bundle("by another key", ({ theirs }) => ({ by: theirs })),
  bundle("over SHA-384", () => ({ odd: { hash: "SHA-384" } })),
  bundle("over SHA-512", () => ({ odd: { hash: "SHA-512" } })),
  bundle("with PSS", () => ({ odd: { pss: true } })),
  bundle("as r‖s", () => ({ odd: { ieee: true } })),
  bundle("without a hint", changed((it) => delete it.verificationMaterial.publicKey.hint)),
  bundle("with another hint", changed((it) => it.verificationMaterial.publicKey.hint = "x")),
  bundle("with a hint that is a number", changed((it) => it.verificationMaterial.publicKey.hint = 1)),
  bundle("with a key id", changed((it) => it.dsseEnvelope.signatures[0].keyid = "a")),
  bundle("with an empty key id", changed((it) => it.dsseEnvelope.signatures[0].keyid = "")),
  bundle("with two signatures", changed((it) => it.dsseEnvelope.signatures.push(it.dsseEnvelope.signatures[0]))),
  bundle("without a signature", changed((it) => it.dsseEnvelope.signatures = [])),
  bundle("with a certificate", changed((it) => it.verificationMaterial = { certificate: { rawBytes: "AAAA" } })),
  bundle("with an empty log", changed((it) => it.verificationMaterial.tlogEntries = [])),
  bundle("with a log entry that is none", changed((it) => it.verificationMaterial.tlogEntries = [{}])),
  bundle("without material", changed((it) => delete it.verificationMaterial)),
  bundle("of version 0.1", changed((it) => it.mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.1")),
  bundle("of version 0.2", changed((it) => it.mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.2")),
  bundle("of version 0.4", changed((it) => it.mediaType = BUNDLE.replace("0.3", "0.4"))),
  bundle("of no version", changed((it) => delete it.mediaType)),
  bundle("with a further member", changed((it) => it.more = 1)),
  bundle("with a further member of the envelope", changed((it) => it.dsseEnvelope.more = 1)),
  bundle(
    "with names as protobuf writes them",
    () => ({ text: (it) => it.replace("verificationMaterial", "verification_material") }),
  ),
  bundle(
    "with a name twice",
    () => ({ text: (it) => it.replace('"dsseEnvelope"', '"dsseEnvelope":null,"dsseEnvelope"') }),
  ),
  bundle("with something behind it", () => ({ text: (it) => `${it}{}` })),
  bundle("with a payload that was changed", ({ image }) => ({
    change: (it) => it.dsseEnvelope.payload = statementOf({ digest: image.digest, tag: "x" }).toBase64(),
  })),
  bundle("with a payload of another type", changed((it) => it.dsseEnvelope.payloadType = "text/plain")),
  bundle("with the type signed, too", ({ image, tag }) => {
    const about = statementOf({ digest: image.digest, tag });
    return {
      signed: utf8(
        text(preAuthenticationEncoding(about)).replaceAll("application/vnd.in-toto+json", "text/plain").replace(
          " 28 ",
          " 10 ",
        ),
      ),
      change: (it) => it.dsseEnvelope.payloadType = "text/plain",
    };
  }),
  bundle("over the statement alone", ({ image, tag }) => ({ signed: statementOf({ digest: image.digest, tag }) })),
  bundle("over a classic payload", (forger) => ({ about: payloadOf(forger), signed: payloadOf(forger) })),
  bundle("that holds a classic payload", (forger) => ({ about: payloadOf(forger) })),
  bundle("about another manifest", stating((it) => void (it.subject[0].digest.sha256 = OTHER.slice(7)))),
  bundle(
    "about the digest in capitals",
    stating((it) => void (it.subject[0].digest.sha256 = it.subject[0].digest.sha256.toUpperCase())),
  ),
  bundle(
    "about the digest with its algorithm",
    stating((it) => void (it.subject[0].digest.sha256 = `sha256:${it.subject[0].digest.sha256}`)),
  ),
  bundle("about no manifest", stating((it) => void (it.subject = []))),
  bundle("about two manifests", stating((it) => void it.subject.unshift({ digest: { sha256: OTHER.slice(7) } }))),
  bundle("about another tag", stating((it) => void (it.subject[0].annotations.tag = "other"))),
  bundle("about no tag", stating((it) => void delete it.subject[0].annotations)),
  bundle("about a tag that is a number", stating((it) => void (it.subject[0].annotations.tag = 1))),
  bundle("that is an attestation", stating((it) => void (it.predicateType = "https://slsa.dev/provenance/v1"))),
  bundle("of no predicate type", stating((it) => void delete it.predicateType)),
  bundle("of an older statement", stating((it) => void (it._type = "https://in-toto.io/Statement/v0.1"))),
  bundle("of no statement", stating((it) => void (it._type = "x"))),
  bundle("with a predicate that is a list", stating((it) => void (it.predicate = []))),
  bundle("without a predicate", stating((it) => void delete it.predicate)),
  bundle("with a further member of the statement", stating((it) => void (it.more = 1))),
  bundle("with a further member of the subject", stating((it) => void (it.subject[0].more = 1))),
  bundle("with subjects twice", statingText((it) => it.replace('"subject"', '"subject":[],"subject"'))),
  bundle("with blanks in the statement", statingText((it) => ` ${it}\n`)),
  bundle("under a manifest of two layers", outer((it) => it.layers.push(it.layers[0]))),
  bundle("under a manifest without layers", outer((it) => it.layers = [])),
  bundle("under a manifest about another image", outer((it) => it.subject.digest = OTHER)),
  bundle("under a manifest without subject", outer((it) => delete it.subject)),
  bundle("under a manifest without artifact type", outer((it) => delete it.artifactType)),
  bundle("under a manifest of another artifact type", outer((it) => it.artifactType = "application/vnd.example")),
  bundle("as a layer of another type", outer((it) => it.layers[0].mediaType = "application/json")),
  bundle("as a layer of another size", outer((it) => it.layers[0].size++)),
];

/** Those for a key of each kind; with another key, PSS means nothing. */
export const FORGERIES: Readonly<Record<"p256" | "rsa2048", readonly Forgery[]>> = {
  p256: [
    ...CHANGED_PAYLOADS,
    ...CHANGED_SIGNATURES,
    ...ECDSA_SIGNATURES,
    ...OTHER_RULES.slice(0, 2),
    ...ANNOTATIONS,
    ...SIGNED_PAYLOADS,
    ...LAYERS,
    ...MANIFESTS,
    ...TEXTS,
    ...REGISTRIES,
    ...BESIDE,
    ...BUNDLES.filter(({ name }) => !name.includes("PSS")),
  ],
  rsa2048: [
    ...CHANGED_PAYLOADS.slice(0, 2),
    ...CHANGED_SIGNATURES,
    ...OTHER_RULES,
    ...ANNOTATIONS.slice(0, 3),
    ...BUNDLES.slice(0, 5),
  ],
};
