import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { jsonObject, type JsonValue } from "../../lib/bytes/json.ts";
import type { Signer } from "../../lib/crypto/signer.ts";
import { assembleFile } from "../../lib/tuf/edit.ts";
import { parseEnvelope } from "../../lib/tuf/parse.ts";
import { checkSignatures, requireSigned } from "../../lib/tuf/threshold.ts";
import { failsWith } from "../support/failures.ts";
import { certified, KEYS, newKey, type TestKey } from "../support/trust_builder.ts";

const PAYLOAD = utf8('{"_type":"Targets"}');

const roleOf = (threshold: number, ...keys: TestKey[]) => ({
  keys: new Map(keys.map(({ publicKey }) => [publicKey.id, publicKey])),
  threshold,
});

async function envelope(...signers: { id: string; signer: Signer; method?: string }[]) {
  const signatures: JsonValue[] = await Promise.all(signers.map(async ({ id, signer, method }) => {
    const signature = await signer.sign(PAYLOAD);
    return jsonObject([["keyid", id], ["method", method ?? signature.method], ["sig", signature.bytes.toBase64()]]);
  }));
  return parseEnvelope(
    "targets",
    utf8(`{"signed":{ "_type" : "Targets" },"signatures":${JSON.stringify(signatures)}}`),
  );
}

const by = ({ publicKey, signer }: TestKey, method?: string) => ({
  id: publicKey.id,
  signer,
  ...(method === undefined ? {} : { method }),
});

Deno.test("threshold: the report says who has signed, and how many are needed", async () => {
  const [a, b, c] = [newKey(), newKey(), newKey()];
  const signed = await envelope(by(a), by(KEYS.stranger), by(b), by(a));
  assert.deepEqual(await checkSignatures(signed, roleOf(2, a, b, c)), {
    ok: true,
    signedBy: [a.publicKey.id, b.publicKey.id],
    distinct: 2,
    threshold: 2,
  });
  assert.equal((await checkSignatures(signed, roleOf(3, a, b, c))).ok, false);
});

Deno.test("threshold: a certificate's key and its plain form are one key, under whichever id they sign", async () => {
  const plain = newKey(), filed = await certified(plain);
  const both = await checkSignatures(await envelope(by(plain), by(filed)), roleOf(2, plain, filed));
  assert.deepEqual(both, { ok: false, signedBy: [plain.publicKey.id, filed.publicKey.id], distinct: 1, threshold: 2 });
  assert.equal((await checkSignatures(await envelope(by(filed)), roleOf(1, filed))).ok, true);
  assert.equal(
    (await checkSignatures(await envelope(by(plain)), roleOf(1, filed))).ok,
    false,
    "the id of another form",
  );
});

Deno.test("threshold: methods count in any case; unknown ones, or ones of other keys, do not", async () => {
  const count = async (method: string) =>
    (await checkSignatures(await envelope(by(KEYS.targets, method)), roleOf(1, KEYS.targets))).distinct;
  assert.equal(await count("ecdsa"), 1);
  assert.equal(await count("ECDSA"), 1);
  for (const method of ["", "none", "rsapss", "eddsa", "__proto__", "toString"]) {
    assert.equal(await count(method), 0, method);
  }
});

Deno.test("threshold: a bad signature before a good one of the same key does no harm", async () => {
  const posing = { ...by(KEYS.targets), signer: KEYS.stranger.signer };
  assert.equal((await checkSignatures(await envelope(posing, by(KEYS.targets)), roleOf(1, KEYS.targets))).ok, true);
});

Deno.test("threshold: requireSigned says whose signatures are missing", async () => {
  const signed = await envelope(by(KEYS.stranger));
  const error = await failsWith(
    requireSigned(signed, roleOf(2, KEYS.targets), "targets", "the key that root names"),
    "trust-invalid",
    'The trust data of "targets" is not signed by the key that root names: 0 of 2 needed signatures are good',
  );
  assert.deepEqual(error.details, { role: "targets", good: 0, threshold: 2 });
  assert.equal(error.reason, "role");
  await requireSigned(signed, roleOf(1, KEYS.stranger), "targets", "the key that root names");
});

Deno.test("threshold: a key that must not stand there bars the role, one that does not count does not", async () => {
  const signed = await envelope(by(KEYS.targets));
  const role = (...bars: boolean[]) => ({
    ...roleOf(1, KEYS.targets),
    unusable: new Map(bars.map((bars, i) => [`${i}23456789`, { reason: "it is broken", bars }])),
  });
  assert.equal((await checkSignatures(signed, role(false))).ok, true);
  for (const barred of [role(true), role(true, false)]) assert.equal((await checkSignatures(signed, barred)).ok, false);
  await failsWith(
    requireSigned(signed, role(true, false), "targets", "the key that root names"),
    "trust-invalid",
    "1 of 1 needed signatures are good; the key 0234567… must not stand there: it is broken; " +
      "the key 1234567… does not count: it is broken",
  );
});

Deno.test("assembleFile: what is signed here is verified here, byte by byte", async () => {
  const signature = await KEYS.targets.signer.sign(PAYLOAD);
  const file = assembleFile(PAYLOAD, [{ keyId: KEYS.targets.publicKey.id, signature }]);
  const read = parseEnvelope("targets", file);
  assert.deepEqual(read.payload, PAYLOAD);
  assert.equal((await checkSignatures(read, roleOf(1, KEYS.targets))).ok, true);
  const other = assembleFile(utf8('{"_type":"targets"}'), [{ keyId: KEYS.targets.publicKey.id, signature }]);
  assert.equal((await checkSignatures(parseEnvelope("targets", other), roleOf(1, KEYS.targets))).ok, false);
});
