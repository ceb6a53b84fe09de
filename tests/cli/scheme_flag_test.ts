/** `--scheme` knows the schemes that there are. */
import assert from "node:assert/strict";
import { SCHEMES as NAMED } from "../../lib/cli/scheme_flag.ts";
import { SCHEMES } from "../../lib/schemes/names.ts";

Deno.test("the schemes that users can name are all that can be signed", () => {
  assert.deepEqual([...NAMED].sort(), [...SCHEMES].sort());
});
