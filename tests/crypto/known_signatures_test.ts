/** What was verified is known; whatever differs from it in anything is not. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { KnownSignatures } from "../../lib/crypto/known_signatures.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { certified, KEYS, newKey } from "../support/trust_builder.ts";
import { verifications } from "../support/verifications.ts";

const PAYLOAD = utf8("a payload");

Deno.test("known signatures: a good one is verified once, a bad one each time", async () => {
  const seen = new KnownSignatures();
  const { publicKey, signer } = KEYS.targets;
  const { method, bytes } = await signer.sign(PAYLOAD);
  const [good, copy] = [() => seen.verify(method, publicKey, PAYLOAD, bytes), bytes.slice()];
  assert.equal(await verifications(async () => assert.equal(await good(), true)), 1);
  assert.equal(await verifications(async () => assert.equal(await good(), true)), 0);
  const again = () => seen.verify(method, publicKey, PAYLOAD.slice(), copy);
  assert.equal(await verifications(async () => assert.equal(await again(), true)), 0, "the same in other arrays");
  const stranger = newKey().publicKey;
  const bad = () => seen.verify(method, stranger, PAYLOAD, bytes);
  for (let i = 0; i < 2; i++) assert.equal(await verifications(async () => assert.equal(await bad(), false)), 1);
});

Deno.test("known signatures: what is asked twice at once is verified once, and a bad one is not known afterwards", async () => {
  const seen = new KnownSignatures();
  const { publicKey, signer } = KEYS.targets;
  const { method, bytes } = await signer.sign(PAYLOAD);
  const twice = async (key: typeof publicKey) => {
    const ask = () => seen.verify(method, key, PAYLOAD, bytes);
    return await Promise.all([ask(), ask()]);
  };
  assert.equal(await verifications(async () => assert.deepEqual(await twice(publicKey), [true, true])), 1);
  const stranger = newKey().publicKey;
  assert.deepEqual(await twice(stranger), [false, false]);
  const alone = async () => assert.equal(await seen.verify(method, stranger, PAYLOAD, bytes), false);
  assert.equal(await verifications(alone), 1);
});

Deno.test("known signatures: another payload, key, signature or method is another question", async () => {
  const seen = new KnownSignatures();
  const { publicKey, signer } = KEYS.targets;
  const { method, bytes } = await signer.sign(PAYLOAD);
  assert.equal(await seen.verify(method, publicKey, PAYLOAD, bytes), true);
  for (let at = 0; at < PAYLOAD.length; at++) {
    const other = PAYLOAD.slice();
    other[at]! ^= 1;
    assert.equal(await seen.verify(method, publicKey, other, bytes), false, `byte ${at} of the payload`);
  }
  for (let at = 0; at < bytes.length; at++) {
    const other = bytes.slice();
    other[at]! ^= 1;
    assert.equal(await seen.verify(method, publicKey, PAYLOAD, other), false, `byte ${at} of the signature`);
  }
  assert.equal(await seen.verify(method, publicKey, PAYLOAD.slice(1), bytes), false);
  assert.equal(await seen.verify(method, KEYS.stranger.publicKey, PAYLOAD, bytes), false);
  assert.equal(await seen.verify("eddsa", publicKey, PAYLOAD, bytes), false);
  assert.equal(await seen.verify("rsapss", publicKey, PAYLOAD, bytes), false);
});

Deno.test("known signatures: what is changed in place after it was verified is not known", async () => {
  const seen = new KnownSignatures();
  const { publicKey, signer } = KEYS.targets;
  const payload = PAYLOAD.slice();
  const { method, bytes } = await signer.sign(payload);
  assert.equal(await seen.verify(method, publicKey, payload, bytes), true);
  payload[0]! ^= 1;
  assert.equal(await seen.verify(method, publicKey, payload, bytes), false);
});

Deno.test("known signatures: a certificate that was found unforged says nothing of another", async () => {
  const seen = new KnownSignatures();
  const { certificate } = (await certified(newKey())).publicKey;
  const good = async () => assert.equal(await seen.isForged(certificate!), false);
  assert.deepEqual([await verifications(good), await verifications(good)], [1, 0]);
  const forged = certificate!.der.slice();
  forged[forged.length - 1]! ^= 1;
  const bad = async () => assert.equal(await seen.isForged(readCertificate(forged)), true);
  assert.deepEqual([await verifications(bad), await verifications(bad)], [1, 1]);
  await good();
});
