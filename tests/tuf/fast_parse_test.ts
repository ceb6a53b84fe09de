/** The fast reader takes what is canonical to the last byte, and leaves all else to the strict one. */
import assert from "node:assert/strict";
import { concat, text, utf8 } from "../../lib/bytes/bytes.ts";
import { readCanonicalEnvelope, readCanonicalRole, readPlainTarget } from "../../lib/tuf/fast_parse.ts";

const SIGNED = '{"a":1,"delegations":{"keys":{"k":{"x":{}}},"roles":[]},"version":1}';
const SIGNATURES = '[{"keyid":"k","method":"ecdsa","sig":"AA=="}]';
const envelope = (signed: string, signatures = SIGNATURES) => `{"signed":${signed},"signatures":${signatures}}`;

Deno.test("fast reader: an envelope that is canonical is read, and inherits no names", () => {
  const bytes = utf8(envelope(SIGNED));
  const { document, payload } = readCanonicalEnvelope(bytes)!;
  assert.equal(text(payload), SIGNED);
  assert.equal(JSON.stringify(document), envelope(SIGNED));
  // deno-lint-ignore no-explicit-any -- as it was read
  const { signed } = document as any;
  for (const object of [document, signed, signed.delegations, signed.delegations.keys]) {
    assert.equal(Object.getPrototypeOf(object), null);
  }
});

Deno.test("fast reader: an envelope that says the same in another way is left alone", () => {
  const odd: readonly (readonly [name: string, document: string])[] = [
    ["a blank before", ` ${envelope(SIGNED)}`],
    ["a line end behind", `${envelope(SIGNED)}\n`],
    ["a byte order mark", `\ufeff${envelope(SIGNED)}`],
    ["a blank within", envelope(SIGNED).replace(":", ": ")],
    ["the halves in another order", `{"signatures":${SIGNATURES},"signed":${SIGNED}}`],
    ["a member more", envelope(SIGNED).replace(/\}$/, ',"x":1}')],
    ["a member between", envelope(SIGNED).replace(',"signatures"', ',"x":1,"signatures"')],
    ["a half twice", envelope(SIGNED).replace("{", `{"signed":${SIGNED},`)],
    ["an empty half before", envelope(SIGNED).replace("{", '{"signed":{},')],
    ["signed in another order", envelope('{"b":1,"a":2}')],
    ["signatures in another order", envelope(SIGNED, '[{"method":"ecdsa","keyid":"k","sig":"AA=="}]')],
    ["as many characters in signed", envelope('{"a":1e3 }')],
    ["as many characters in signatures", envelope(SIGNED, '[{"a":1e3 }]')],
    ["an escape in signed", envelope('{"\\u0061":1}')],
    ["an escape in signatures", envelope(SIGNED, '[{"keyid":"\\u006b"}]')],
    ["no signatures", `{"signed":${SIGNED}}`],
    ["nothing signed", `{"signatures":${SIGNATURES}}`],
    ["a list", "[]"],
    ["null", "null"],
    ["no JSON", "{"],
  ];
  for (const [name, document] of odd) assert.equal(readCanonicalEnvelope(utf8(document)), undefined, name);
  assert.equal(readCanonicalEnvelope(concat(utf8(envelope('{"a":"')), Uint8Array.of(0xff))), undefined);
});

const entry = (length: number) => `{"hashes":{"sha256":"${new Uint8Array(32).toBase64()}"},"length":${length}}`;
const role = (before: string, tags = `"v1":${entry(5)}`) =>
  `{${before}"expires":"2028-01-01T00:00:00Z","targets":{${tags}},"version":1}`;

Deno.test("fast reader: a role's tags are found where they stand, and nowhere else", () => {
  const bytes = utf8(envelope(role('"_type":"Targets",')));
  const read = readCanonicalRole(bytes)!;
  assert.deepEqual([...read.tags], [["v1", { length: 5, sha256: "00".repeat(32) }]]);
  assert.equal(text(read.payload), role('"_type":"Targets",'));
  assert.equal(JSON.stringify(read.rest), role('"_type":"Targets",', ""));
  const odd = [
    envelope(role(`"a":{"b":1,"targets":{"v0":${entry(1)}}},`)), // the first place is another member's
    envelope(`[${role("")}]`),
    envelope(SIGNED),
    envelope(role("", `"v1":${entry(5)},"v1":${entry(5)}`)),
    envelope(role("", `"v2":${entry(5)},"v1":${entry(5)}`)),
    `${envelope(role(""))}\n`,
  ];
  for (const document of odd) assert.equal(readCanonicalRole(utf8(document)), undefined, document);
});

Deno.test("fast reader: a tag's entry is read where it is in good order", () => {
  const sha256 = new Uint8Array(32).toBase64();
  assert.deepEqual(readPlainTarget({ hashes: { sha256 }, length: 0 }), { length: 0, sha256: "00".repeat(32) });
  const odd = [
    undefined,
    null,
    [],
    { hashes: { sha256 } },
    { length: 1 },
    { hashes: null, length: 1 },
    { hashes: { sha256 }, length: -1 },
    { hashes: { sha256 }, length: "1" },
    { hashes: { sha256: 7 }, length: 1 },
    { hashes: { sha256: ` ${sha256.slice(1)}` }, length: 1 },
    { hashes: { sha256: `${sha256.slice(0, 42)}==` }, length: 1 },
    { hashes: { sha256: new Uint8Array(33).toBase64() }, length: 1 },
    { hashes: { sha256: `${sha256.slice(0, 9)} ${sha256.slice(9)}` }, length: 1 },
    { hashes: { sha256: "*".repeat(44) }, length: 1 },
  ];
  for (const entry of odd) assert.equal(readPlainTarget(entry), undefined, JSON.stringify(entry));
});
