/** Places in a file, keys that roles name, and pins: what each is taken for, and what is said where it is none. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { type JsonObject, jsonObject } from "../../lib/bytes/json.ts";
import { certificatePem } from "../../lib/crypto/x509.ts";
import { malformed, Place } from "../../lib/tuf/place.ts";
import { pinOfCertificate, pinOfKeyId } from "../../lib/tuf/pins.ts";
import { keyReader } from "../../lib/tuf/role_keys.ts";
import { certify, KEYS, newKey } from "../support/trust_builder.ts";

Deno.test("place: members are a file's own, and what is wrong is told with its place", () => {
  const place = new Place("targets", "", { a: { "b c": 1 } });
  assert.equal(place.member("constructor").value, undefined);
  const words = 'The trust data of "targets" is malformed: ';
  assert.equal(place.fail("a list is needed").message, `${words}a list is needed`);
  const inner = place.member("a").member("b c");
  assert.deepEqual([inner.value, inner.fail("a list is needed").message], [1, `${words}a["b c"]: a list is needed`]);
  assert.equal(malformed("targets", "odd").reason, "role");
  assert.equal(malformed("targets", "odd", new SyntaxError("odd")).reason, "not-json");
});

Deno.test("keys: each is read once, however many roles name it", () => {
  const { id, json } = KEYS.targets.publicKey;
  const keyOf = keyReader(new Place("targets", "keys", jsonObject([[id, json as JsonObject]])));
  const key = keyOf(id);
  assert.ok(key && "id" in key && key.id === id);
  assert.equal(keyOf(id), key);
  assert.equal(keyOf("ab".repeat(32)), undefined);
});

Deno.test("pins: an id is 64 lower-case hex digits; a CA's certificate is for what it issues, another for itself", async () => {
  const id = "0f".repeat(32);
  assert.deepEqual(pinOfKeyId(id), { keyId: id });
  for (const odd of [`${id}0`, `0${id}`, id.toUpperCase(), id.slice(1), ""]) {
    assert.equal(pinOfKeyId(odd), undefined, odd);
  }
  const ca = await certify(newKey(), { commonName: "An issuer", ca: true });
  assert.deepEqual(pinOfCertificate(utf8(certificatePem(ca))), { ca });
  const leaf = await certify(KEYS.releases, { commonName: "SignPath" });
  assert.deepEqual(pinOfCertificate(leaf.der), {
    keyId: KEYS.releases.publicKey.canonicalId,
    certificateDerHex: leaf.der.toHex(),
  });
});
