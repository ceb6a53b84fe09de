import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { digest, hash, sha256Hex } from "../../lib/crypto/hash.ts";
import { bytesFrom, random } from "../support/random.ts";

const LARGE = 256 * 1024;

Deno.test("hash: every way to a digest is the runtime's own, whatever is hashed", async () => {
  const next = random(41);
  const lengths = [0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 4_000, LARGE - 1, LARGE, LARGE + 1];
  for (const length of lengths) {
    const bytes = bytesFrom(next, length);
    for (const name of ["sha256", "sha384", "sha512"] as const) {
      const expected = createHash(name).update(bytes).digest("hex");
      assert.equal(hash(name, bytes).toHex(), expected, `${name} of ${length}`);
      assert.equal((await digest(name, bytes)).toHex(), expected, `${name} of ${length}`);
    }
    assert.equal(sha256Hex(bytes), createHash("sha256").update(bytes).digest("hex"));
  }
});

Deno.test("hash: of a view only what it shows is hashed", async () => {
  const whole = bytesFrom(random(42), 300);
  const view = whole.subarray(17, 200);
  const expected = createHash("sha256").update(whole.slice(17, 200)).digest("hex");
  assert.equal(sha256Hex(view), expected);
  assert.equal((await digest("sha256", view)).toHex(), expected);
});
