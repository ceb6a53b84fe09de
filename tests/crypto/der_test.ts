import assert from "node:assert/strict";
import { derElements } from "../../lib/crypto/der.ts";

const read = (hex: string) =>
  derElements(Uint8Array.fromHex(hex)).map(({ tag, content }): [number, string] => [tag, content.toHex()]);

Deno.test("der: elements one after the other, with short and long lengths", () => {
  assert.deepEqual(read(""), []);
  assert.deepEqual(read("0500020107"), [[5, ""], [2, "07"]]);
  assert.deepEqual(read(`3081${"80"}${"aa".repeat(128)}`), [[0x30, "aa".repeat(128)]]);
  assert.deepEqual(read(`30820101${"bb".repeat(257)}0500`), [[0x30, "bb".repeat(257)], [5, ""]]);
});

Deno.test("der: what is cut off, or has no length, is refused", () => {
  for (const hex of ["30", "3001", "0500020207", "3081", "308200", "30800000", "3084000000010", "30ff"]) {
    assert.throws(() => read(hex.length % 2 ? `${hex}0` : hex), { name: "SyntaxError", message: "not DER" }, hex);
  }
});
