import assert from "node:assert/strict";
import { derElements, derSequence, derUnsigned } from "../../lib/crypto/der.ts";

const read = (hex: string) =>
  derElements(Uint8Array.fromHex(hex)).map(({ tag, content }): [number, string] => [tag, content.toHex()]);

Deno.test("der: elements one after the other, with short and long lengths", () => {
  assert.deepEqual(read(""), []);
  assert.deepEqual(read("0500020107"), [[5, ""], [2, "07"]]);
  assert.deepEqual(read(`3081${"80"}${"aa".repeat(128)}`), [[0x30, "aa".repeat(128)]]);
  assert.deepEqual(read(`30820101${"bb".repeat(257)}0500`), [[0x30, "bb".repeat(257)], [5, ""]]);
});

Deno.test("der: what is cut off, has no length or one longer than needed, or a tag of several octets, is refused", () => {
  const cases = ["30", "3001", "0500020207", "3081", "308200", "30800000", "308400000001aa", "30ff"];
  const longer = [
    "308101aa",
    "30817f" + "aa".repeat(127),
    "308200ff" + "aa".repeat(255),
    "308300ffff" + "aa".repeat(65535),
  ];
  for (const hex of [...cases, ...longer, "1f0100", "bf1f00"]) {
    assert.throws(() => read(hex), { name: "SyntaxError", message: "not DER" }, hex.slice(0, 20));
  }
});

Deno.test("der: a SEQUENCE fills its bytes, and integers are as short as they can be", () => {
  const integers = (hex: string) => derSequence(Uint8Array.fromHex(hex)).map((each) => derUnsigned(each).toHex());
  assert.deepEqual(integers("300b020107020200ff0202" + "7fff"), ["07", "ff", "7fff"]);
  assert.deepEqual(integers("3003020100"), [""]);
  for (const hex of ["30030201070500", "0201", "3103020107", "30040202007f", "3003020180", "30020200", "3003040107"]) {
    assert.throws(() => integers(hex), SyntaxError, hex);
  }
});
