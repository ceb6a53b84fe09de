/** What is read of an envelope, member by member, whoever signed it: what two readers may take for two things is no envelope. */
import assert from "node:assert/strict";
import { text, utf8 } from "../../../lib/bytes/bytes.ts";
import {
  MAX_ENVELOPE_BYTES,
  plainDescriptor,
  readEnvelope,
  sameDescriptor,
  textsOf,
} from "../../../lib/schemes/notation/read_envelope.ts";
import { fixture } from "../../support/notation.ts";

type Members = Readonly<Record<string, unknown>>;

const url = { alphabet: "base64url", omitPadding: true } as const;
const decoded = (part: string) => JSON.parse(text(Uint8Array.fromBase64(part, { alphabet: "base64url" })));
const encoded = (value: unknown) => utf8(JSON.stringify(value)).toBase64(url);

const MADE: Readonly<Record<"payload" | "protected" | "signature", string>> & { readonly header: Members } = JSON.parse(
  text(fixture("made-by-real-tools/notation-1.3.2-p256.envelope.json")),
);
const PROTECTED: Members = decoded(MADE.protected);
const TARGET: Members = decoded(MADE.payload).targetArtifact;
const [CERTIFICATE] = MADE.header["x5c"] as string[];
const TIME = "io.cncf.notary.signingTime";
const EXPIRY = "io.cncf.notary.expiry";
const SCHEME = "io.cncf.notary.signingScheme";
const AGENT = "io.cncf.notary.signingAgent";
const STAMP = "io.cncf.notary.timestampSignature";

interface Change {
  readonly top?: Members;
  readonly protected?: Members;
  readonly header?: Members;
  readonly target?: Members;
  readonly payload?: Members;
}

function read(change: Change = {}) {
  return readEnvelope(utf8(JSON.stringify({
    ...MADE,
    protected: encoded({ ...PROTECTED, ...change.protected }),
    payload: encoded({ targetArtifact: { ...TARGET, ...change.target }, ...change.payload }),
    header: { ...MADE.header, ...change.header },
    ...change.top,
  })));
}

const expires = (time: string) => ({ [EXPIRY]: time, crit: [SCHEME, EXPIRY] });
const refused = (change: Change) =>
  assert.throws(() => read(change), SyntaxError, JSON.stringify(change).slice(0, 120));

Deno.test("notation envelope: what is read", () => {
  const plain = read();
  const { annotations: _, ...image } = TARGET;
  assert.deepEqual([plain.alg, plain.tag, plain.image, "expiry" in plain], ["ES256", "1.4.2", image, false]);
  assert.deepEqual(plain.signingTime, new Date(PROTECTED[TIME] as string));
  assert.deepEqual(plain.chain.map(({ der }) => der.toBase64()), [CERTIFICATE]);
  assert.equal(plain.signature.toBase64(url), MADE.signature);
  assert.equal(text(plain.signingInput), `${encoded(PROTECTED)}.${encoded({ targetArtifact: TARGET })}`);
  assert.equal("tag" in read({ target: { annotations: undefined } }), false);
  assert.equal("tag" in read({ target: { annotations: { other: "v1" } } }), false);
  const second = "2026-11-28T04:16:26Z";
  assert.deepEqual(read({ protected: expires(second) }).expiry, new Date(second));
  assert.deepEqual(read({ protected: { ...expires(second), crit: [EXPIRY, SCHEME] } }).expiry, new Date(second));
  assert.equal(read({ header: { x5c: Array(10).fill(CERTIFICATE) } }).chain.length, 10);
  for (const header of [{ [AGENT]: undefined }, { [STAMP]: "AAAA" }, { other: 1 }]) assert.ok(read({ header }));
  assert.ok(read({ top: { other: null }, protected: { other: 1 }, payload: { other: 1 }, target: { other: 1 } }));
});

Deno.test("notation envelope: what is refused", () => {
  const rows: Change[] = [
    ...["payload", "protected", "signature"].flatMap((name) => [
      { top: { [name]: undefined } },
      { top: { [name]: 1 } },
      { top: { [name]: "" } },
      { top: { [name]: `${MADE[name as "payload"]}=` } },
      { top: { [name]: "+/+/" } },
    ]),
    { top: { header: undefined } },
    { top: { header: [] } },
    { top: { payload: encoded([]) } },
    { top: { protected: encoded("text") } },
    ...["Payload", "PROTECTED", "ſignature", "HEADER"].map((name) => ({ top: { [name]: 1 } })),
    ...["ALG", "Cty", "CRIT", SCHEME.toUpperCase(), TIME.toUpperCase()].map((name) => ({ protected: { [name]: 1 } })),
    ...["X5C", AGENT.toUpperCase(), STAMP.toUpperCase()].map((name) => ({ header: { [name]: 1 } })),
    { payload: { TargetArtifact: 1 } },
    ...["MediaType", "DIGEST", "ſize", "Annotations", "URLS", "Data", "Platform", "ArtifactType"]
      .map((name) => ({ target: { [name]: 1 } })),
    ...["urls", "data", "platform", "artifactType"].map((name) => ({ target: { [name]: null } })),
    { target: { digest: "sha256:short" } },
    { target: { size: -1 } },
    { target: { annotations: null } },
    { target: { annotations: [] } },
    { target: { annotations: { tag: "v1", other: 1 } } },
    { payload: { targetArtifact: undefined } },
    { protected: { alg: 1 } },
    { protected: { cty: "another" } },
    { protected: { [SCHEME]: "notary.x509.signingAuthority" } },
    { protected: { "io.cncf.notary.more": 1 } },
    { protected: { crit: undefined } },
    { protected: { crit: SCHEME } },
    { protected: { crit: { 0: SCHEME } } },
    { protected: { crit: [] } },
    { protected: { crit: [SCHEME, EXPIRY] } },
    { protected: { crit: [SCHEME, SCHEME] } },
    { protected: { [EXPIRY]: "2026-11-28T04:16:26Z" } },
    { protected: expires(PROTECTED[TIME] as string) },
    { protected: expires("2026-11-28T04:16:24Z") },
    { header: { x5c: undefined } },
    { header: { x5c: CERTIFICATE } },
    { header: { x5c: [] } },
    { header: { x5c: [1] } },
    { header: { x5c: ["AAAA"] } },
    { header: { x5c: [`${CERTIFICATE} `] } },
    { header: { x5c: Array(11).fill(CERTIFICATE) } },
    { header: { [AGENT]: 1 } },
    { header: { [STAMP]: 1 } },
    { header: { [STAMP]: "" } },
    { header: { [STAMP]: "AA" } },
    { header: { [STAMP]: "__8=" } },
  ];
  for (const change of rows) refused(change);
  assert.throws(() => readEnvelope(utf8("[]")), /something is no object/);
  assert.throws(() => readEnvelope(utf8("null")), /something is no object/);
});

Deno.test("notation envelope: times are RFC 3339, and from the year 2 on", () => {
  const rows: [time: string, at: string][] = [
    ["2026-02-28T23:59:59Z", "2026-02-28T23:59:59.000Z"],
    ["2026-02-28T12:00:00.123456789Z", "2026-02-28T12:00:00.123Z"],
    ["2026-02-28T00:30:00+01:00", "2026-02-27T23:30:00.000Z"],
    ["0002-01-01T00:00:00Z", "0002-01-01T00:00:00.000Z"],
  ];
  for (const [time, at] of rows) assert.equal(read({ protected: { [TIME]: time } }).signingTime.toISOString(), at);
  const wrong = [
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-02-28T24:00:00Z",
    "2026-02-28T12:60:00Z",
    "2026-02-28T12:00:60Z",
    "2026-02-28T12:00:00",
    "2026-02-28T12:00:00+24:00",
    "2026-02-28T12:00:00.Z",
    "2026-02-28 12:00:00Z",
    " 2026-02-28T12:00:00Z",
    "+2026-02-28T12:00:00Z",
    "2026-02-28T12:00:00Z ",
    "2026-02-28T12:00:00Z7",
    "0001-12-31T23:59:59Z",
    "",
  ];
  for (const time of wrong) refused({ protected: { [TIME]: time } });
  refused({ protected: { [TIME]: 1 } });
});

Deno.test("notation envelope: how long it may be", () => {
  const room = MAX_ENVELOPE_BYTES - utf8(JSON.stringify({ ...MADE, more: "" })).length;
  const long = (length: number) => () => readEnvelope(utf8(JSON.stringify({ ...MADE, more: "x".repeat(length) })));
  assert.equal(long(room)().alg, "ES256");
  assert.throws(long(room + 1), /an envelope is too long/);
  assert.equal(MAX_ENVELOPE_BYTES, 1_048_576);
});

Deno.test("notation descriptors: the same content as the same thing; annotations are texts", () => {
  const { descriptor } = plainDescriptor(decoded(MADE.payload).targetArtifact);
  assert.ok(sameDescriptor(descriptor, { ...descriptor }));
  for (const change of [{ mediaType: "x/y" }, { size: 1 }, { digest: `sha256:${"0".repeat(64)}` as const }]) {
    assert.equal(sameDescriptor(descriptor, { ...descriptor, ...change }), false);
  }
  assert.deepEqual([textsOf(undefined), textsOf({ a: "b" })], [{}, { a: "b" }]);
});
