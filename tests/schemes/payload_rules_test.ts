/** How payloads are signed, by what their entries end in. */
import assert from "node:assert/strict";
import type { KeyShape } from "../../lib/crypto/algorithms.ts";
import type { SchemeName } from "../../lib/schemes/names.ts";
import { payloadRules, rulesOf } from "../../lib/schemes/payload_rules.ts";
import { failsWith } from "../support/failures.ts";

const PLAIN = { hash: "sha256", rsaPadding: "pkcs1" } as const;
const P256: KeyShape = { family: "ecdsa", curve: "P-256" };
const RSA: KeyShape = { family: "rsa", bits: 3072 };
const ED25519: KeyShape = { family: "ed25519" };

const kinds = (shape: KeyShape, ...schemes: SchemeName[]) =>
  payloadRules(shape, schemes).map(({ extension, rules }) => [extension, rules]);

Deno.test("roles and what cosign signs are SHA-256 and PKCS #1; what Notation signs goes by the key", () => {
  for (const shape of [P256, RSA, ED25519]) {
    assert.deepEqual(kinds(shape, "dct"), [["json", PLAIN]]);
    assert.deepEqual(kinds(shape, "cosign"), [["json", PLAIN], ["dsse", PLAIN]]);
    assert.deepEqual(kinds(shape, "dct", "cosign"), kinds(shape, "cosign"), "each kind once");
  }
  assert.deepEqual(kinds(RSA, "notation"), [["jws", { hash: "sha384", rsaPadding: "pss" }]]);
  assert.equal(rulesOf("jws", P256)?.hash, "sha256");
  const all = kinds(RSA, "dct", "cosign", "notation").map(([kind]) => kind);
  assert.deepEqual(new Set(all), new Set(["json", "dsse", "jws"]));
});

Deno.test("Notation has no place for Ed25519, which matters where it is to sign", async () => {
  assert.equal(rulesOf("jws", ED25519), undefined);
  const told = await failsWith(
    () => payloadRules(ED25519, ["cosign", "notation"]),
    "bad-input",
    "no key of this kind",
  );
  assert.match(told.remedy, /or leave the scheme notation out$/);
});
