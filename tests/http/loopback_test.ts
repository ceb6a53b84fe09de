/** Which hosts are this machine: nothing that merely begins or ends as one does. */
import assert from "node:assert/strict";
import { isLoopback } from "../../lib/http/loopback.ts";

Deno.test("this machine is localhost, 127.x.y.z and [::1], and no name around them", () => {
  for (const host of ["localhost", "127.0.0.1", "127.255.0.9", "[::1]"]) assert.ok(isLoopback(host), host);
  for (const name of ["localhost", "127.0.0.1", "[::1]"]) {
    for (const host of [`${name}.evil.test`, `evil-${name}`, `evil.${name}`, `${name}0x`]) {
      assert.ok(!isLoopback(host), host);
    }
  }
  for (const host of ["", "127.0.0", "128.0.0.1", "[::2]", "::1"]) assert.ok(!isLoopback(host), host);
});
