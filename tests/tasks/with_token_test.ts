/** Keys on tokens under the permissions of the tasks: what a task without native code says, and what goes on without. */
import assert from "node:assert/strict";
import { runProgram } from "../support/program.ts";

/** Runs `use` with a folder that holds an addon which every loader would try to load. */
async function withAddon(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-with-token-" });
  try {
    await Deno.mkdir(`${folder}/addon/node_modules/pkcs11js`, { recursive: true });
    await Deno.writeTextFile(`${folder}/addon/node_modules/pkcs11js/pkcs11.node`, "");
    const index = 'module.exports = require("./pkcs11.node");';
    await Deno.writeTextFile(`${folder}/addon/node_modules/pkcs11js/index.js`, index);
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("token: a task without native code says which task to use; a module that is merely named stops nothing", () =>
  withAddon(async (folder) => {
    const env = { TAGSEAL_PKCS11_ADDON: `${folder}/addon`, TAGSEAL_PKCS11_PIN: "1234" };
    const refused = await runProgram("keys", ["keys", "--root-key-store", "pkcs11"], folder, env);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /The PKCS#11 addon in ".*" may not be loaded under these permissions/);
    assert.match(refused.stderr, /next: Unset TAGSEAL_PKCS11_ADDON: .* Then: deno task with-token <command> \.\.\./);

    await Deno.writeTextFile(`${folder}/module.so`, "");
    const module = { ...env, TAGSEAL_PKCS11_MODULE: `${folder}/module.so` };
    const without = await runProgram("keys", ["keys"], folder, module);
    assert.deepEqual([without.code, without.stdout], [0, ""], without.stderr);
    assert.match(without.stderr, /warning: only key files were looked at\. .*may not be loaded.*deno task with-token/);
  }));
