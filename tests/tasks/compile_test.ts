/** Programs with Deno inside. Deno's runtime is not fetched here: Deno itself takes its place, so that none of them starts. */
import assert from "node:assert/strict";
import { installedAddonFolder } from "../../lib/cli/form.ts";
import { fileNameOf } from "../../lib/updates/choose.ts";
import { numbered, withParts } from "../../tasks/parts.ts";
import { CREDENTIAL_HELPERS, OWN_ID } from "../../tasks/permissions.ts";
import { programFlags, TARGETS } from "../../tasks/releases/compiler.ts";
import { targetsOf } from "../../tasks/releases/compile.ts";
import { failsWith } from "../support/failures.ts";

const PROJECT = new URL("../../", import.meta.url).pathname;

async function compile(args: readonly string[], env: Record<string, string> = { DENORT_BIN: Deno.execPath() }) {
  const options = { args: ["task", "-q", "compile", ...args], cwd: PROJECT, env: { NO_COLOR: "1", ...env } };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), options).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  return { code, out, err };
}

Deno.test("compile: the program for this system holds all parts, the flags of the one table, and no place of this machine", async (t) => {
  const { code, out, err } = await compile(["--json"]);
  assert.equal(code, 0, err);
  const { files: [{ target, path }] } = JSON.parse(out);
  assert.equal(target, Deno.build.target);
  assert.equal(path, `${PROJECT}dist/tagseal-${Deno.build.target}`);
  const program = new TextDecoder("latin1").decode(await Deno.readFile(path));
  const held = program.slice(program.lastIndexOf('{"argv":'));
  const { permissions, entrypoint_key, app_name } = JSON.parse(
    held.slice(0, held.indexOf('"app_name":"tagseal"}') + 21),
  );
  assert.deepEqual([entrypoint_key, app_name], ["main.js", "tagseal"]);
  const allowed = Object.entries(permissions).filter(([name, value]) => name.startsWith("allow_") && value !== null);
  assert.deepEqual(Object.fromEntries(allowed.filter(([name]) => name !== "allow_import")), {
    allow_env: [],
    allow_ffi: ["/usr/local/lib/tagseal/pkcs11"],
    allow_net: [],
    allow_read: [],
    allow_run: [...CREDENTIAL_HELPERS],
    allow_sys: [...OWN_ID],
    allow_write: [],
  });
  assert.equal(permissions.prompt, false);
  assert.ok(!held.includes(PROJECT), "it does not tell where it was made");
  await withParts(async ({ sources, folder }) => {
    assert.ok(sources.size > 50);
    const latin1 = (text: string) => new TextDecoder("latin1").decode(new TextEncoder().encode(text));
    assert.deepEqual([...sources].filter(([, source]) => !held.includes(latin1(source))).map(([name]) => name), []);
    await t.step(
      "native code is loaded from one folder of administrators, whatever TAGSEAL_PKCS11_ADDON says",
      () => asksForNativeCode(folder),
    );
  });
});

async function asksForNativeCode(folder: string): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "tagseal-compiled-" });
  try {
    // The flags and the parts of the program, in a Deno that says that it is one.
    await Deno.writeTextFile(
      `${home}/shim.js`,
      'Object.defineProperty(Deno, "build", { value: { ...Deno.build, standalone: true } });',
    );
    const run = async (env: Record<string, string>) => {
      const flags = [...programFlags(TARGETS[0]), "-q", "--no-config", `--preload=${home}/shim.js`];
      const { stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", ...flags, `${folder}/main.js`, "keys", "--root-key-store", "pkcs11"],
        env: { HOME: home, PATH: Deno.env.get("PATH")!, NO_COLOR: "1", ...env },
        clearEnv: true,
      }).output();
      return new TextDecoder().decode(stderr);
    };
    const addon = `${home}/addon`;
    await Deno.mkdir(`${addon}/node_modules/pkcs11js`, { recursive: true });
    await Deno.writeTextFile(`${addon}/node_modules/pkcs11js/pkcs11.node`, "");
    await Deno.writeTextFile(`${addon}/node_modules/pkcs11js/index.js`, 'module.exports = require("./pkcs11.node");');
    const next = /next: Put the folder \.tagseal-pkcs11 .* at "\/usr\/local\/lib\/tagseal\/pkcs11", and unset/;
    const named = await run({ TAGSEAL_PKCS11_ADDON: addon });
    assert.match(named, /The PKCS#11 addon in ".*addon" may not be loaded under these permissions/);
    assert.match(named, next);
    const usual = await run({});
    if (await Deno.stat(installedAddonFolder()).catch(() => undefined)) return; // somebody has installed one
    assert.match(usual, /The PKCS#11 addon is not in "\/usr\/local\/lib\/tagseal\/pkcs11"/);
    assert.match(usual, next);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("compile: who names a system that there is none for, or has no runtime for one, hears what to do", async () => {
  const unknown = await compile(["--target", "riscv64"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /No program is made for "riscv64"\ntagseal: next: Give --target all, or some of x86_64-/);
  const missing = await compile(["--target", TARGETS[0]], { DENORT_BIN: `${PROJECT}nothing` });
  assert.equal(missing.code, 5);
  assert.match(missing.err, /The program for x86_64-unknown-linux-gnu was not made; .*\ntagseal: next: .*DENORT_BIN=/);
});

Deno.test("compile: which systems are meant", async () => {
  assert.deepEqual(targetsOf([]), [Deno.build.target]);
  assert.deepEqual(targetsOf(["all"]), TARGETS);
  assert.deepEqual(targetsOf(["x86_64-pc-windows-msvc", TARGETS[0]]), [TARGETS[0], "x86_64-pc-windows-msvc"]);
  assert.deepEqual(TARGETS.map(fileNameOf).filter((name) => name.endsWith(".exe")), [
    "tagseal-x86_64-pc-windows-msvc.exe",
  ]);
  await failsWith(() => targetsOf(["linux"]), "usage", '"linux"');
});

Deno.test("parts: they get numbers in the order in which they name each other, whatever they are called", () => {
  const parts = (hash: string) =>
    new Map([
      [`z-${hash}.js`, `export{a}from"./a-${hash}.js"`],
      [`a-${hash}.js`, 'const x="./other.js"'],
      ["main.js", `import"./z-${hash}.js";import("./a-${hash}.js")`],
    ]);
  assert.deepEqual([...numbered(parts("AAAA"))], [
    ["main.js", 'import"./1.js";import("./2.js")'],
    ["1.js", 'export{a}from"./2.js"'],
    ["2.js", 'const x="./other.js"'],
  ]);
  assert.deepEqual(numbered(parts("AAAA")), numbered(parts("BBBB")));
});
