/** `deno task build-pkcs11` up to npm: what that is given, and what is said where it fails. */
import assert from "node:assert/strict";
import { copyFolder } from "../support/folders.ts";

const PROJECT = new URL("../../", import.meta.url).pathname;

Deno.test("build-pkcs11: npm and its scripts get none of the user's secrets; what is missing is said", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-build-" });
  try {
    // A copy of the project, as the task fills a folder within it.
    const project = `${folder}/project`;
    await Deno.mkdir(project);
    for (const name of ["deno.json", "deno.lock"]) await Deno.copyFile(`${PROJECT}${name}`, `${project}/${name}`);
    for (const name of ["lib", "tasks"]) await copyFolder(`${PROJECT}${name}`, `${project}/${name}`);
    await Deno.mkdir(`${folder}/bin`);
    const npm = `#!/bin/sh\nenv >'${folder}/seen'\nexit 1\n`;
    await Deno.writeTextFile(`${folder}/bin/npm`, npm, { mode: 0o755 });
    const secrets = { SIGNPATH_API_TOKEN: "leak", NOTARY_AUTH: "leak", NOTARY_ROOT_PASSPHRASE: "leak", OTHER: "leak" };
    const kept = { npm_config_nodedir: "/usr", HTTPS_PROXY: "http://proxy.invalid", CXX: "g++", HOME: folder };
    const PATH = `${folder}/bin:${Deno.env.get("PATH")}`;
    const DENO_DIR = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
    const env = { ...secrets, ...kept, PATH, DENO_DIR, NO_COLOR: "1" };
    const options = { args: ["task", "-q", "build-pkcs11"], cwd: project, env, clearEnv: true };
    const { code, stderr } = await new Deno.Command(Deno.execPath(), options).output();
    const said = new TextDecoder().decode(stderr);
    assert.equal(code, 5, said);
    assert.match(said, /next: .*npm registry, Python 3, a C\+\+ compiler .*npm_config_nodedir=\/usr/);
    const seen = await Deno.readTextFile(`${folder}/seen`);
    for (const [name, value] of Object.entries(kept)) assert.ok(seen.split("\n").includes(`${name}=${value}`), name);
    assert.doesNotMatch(seen, /leak|DENO_DIR/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
