/** Writing verifiers' files: each whole, in their order, and what was written is told where the rest fails. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { openPolicyFolder, writePolicyFiles } from "../../lib/cli/policy_folder.ts";
import { failsWith } from "../support/failures.ts";
import { inFolder } from "../support/test_files.ts";

Deno.test("policy files: where one cannot be written, those that were are named, and the next step is to run it again", () =>
  inFolder(async (root) => {
    const file = (path: string) => ({ path, content: utf8(path), outcome: "written" as const });
    await failsWith(
      () => writePolicyFiles(root, [file("a"), file("b"), file("b/c")]),
      "bad-input",
      'written: "a", "b"',
    );
    assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name).sort(), ["a", "b"]);
    await Deno.remove(`${root}/a`);
    await Deno.writeTextFile(`${root}/b`, "in the way");
    const error = await failsWith(() => writePolicyFiles(root, [file("b/c"), file("a")]), "bad-input");
    assert.doesNotMatch(error.message, /written: "/, "nothing was");
  }));

Deno.test("policy files: what a killed run left half-written of them goes, once it is surely nobody's any more", () =>
  inFolder(async (root) => {
    const names = ["a.01234567.tmp", "a.89abcdef.tmp", "b.01234567.tmp"];
    for (const name of names) await Deno.writeTextFile(`${root}/${name}`, "");
    const before = new Date(Date.now() - 61_000);
    for (const name of [names[0]!, names[2]!]) await Deno.utime(`${root}/${name}`, before, before);
    await writePolicyFiles(root, [{ path: "a", content: utf8("a") }]);
    assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name).sort(), ["a", ...names.slice(1)]);
    await Deno.mkdir(`${root}/store`);
    for (const name of ["ca.pem.01234567.tmp", "mine.01234567.tmp"]) {
      await Deno.writeTextFile(`${root}/store/${name}`, "");
      await Deno.utime(`${root}/store/${name}`, before, before);
    }
    const left = await openPolicyFolder(root).list("store");
    assert.deepEqual(left.map(({ name }) => name), ["mine.01234567.tmp"], "what bars a trust store, and was ours");
  }));
