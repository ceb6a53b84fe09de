/** Advice names the program as it was called. */
import assert from "node:assert/strict";
import { asCalled } from "../../lib/cli/command_line.ts";
import { called, calledAs, type Calling } from "../../lib/cli/form.ts";

const root = new URL("../../", import.meta.url);

Deno.test("form: the words that call the program again", () => {
  const calling: Calling = {
    form: "file",
    byTask: false,
    path: "/home/u/app/dist/tagseal",
    folder: "/home/u/app",
    searched: ["/usr/bin", "/opt/bin/"],
  };
  const as = (more: Partial<Calling>) => calledAs({ ...calling, ...more }).join(" ");
  assert.equal(as({ form: "task", byTask: true }), "deno task");
  assert.equal(as({ form: "task" }), "tagseal");
  assert.equal(as({}), "dist/tagseal");
  assert.equal(as({ path: "/home/u/app/tagseal" }), "./tagseal");
  assert.equal(as({ folder: "/srv" }), "/home/u/app/dist/tagseal");
  assert.equal(as({ folder: "/home/u/ap" }), "/home/u/app/dist/tagseal");
  assert.equal(as({ folder: "/", path: "/tagseal" }), "./tagseal");
  for (const form of ["file", "program"] as const) assert.equal(as({ form, path: "/opt/bin/seal" }), "seal");
  const windows = { path: "C:\\tools\\tagseal.exe", folder: "C:\\tools\\app", searched: [] };
  assert.equal(as({ form: "program", ...windows }), "C:/tools/tagseal.exe");
  assert.equal(as({ form: "program", ...windows, folder: "C:\\tools" }), "./tagseal.exe");
  assert.equal(as({ form: "program", ...windows, searched: ["C:\\tools"] }), "tagseal.exe");
});

Deno.test("form: help speaks of commands as they are called; what is only named so stays", () => {
  const program = called().join(" ");
  assert.equal(
    asCalled("id=$(tagseal sign -r x); tagseal signs, tagseal signing-data", ["sign", "signing-data"]),
    `id=$(${program} sign -r x); tagseal signs, ${program} signing-data`,
  );
});

Deno.test("form: a task tells of tasks", async () => {
  const run = async (...args: string[]) => {
    const options = { args: ["task", "-q", ...args], cwd: root, env: { NO_COLOR: "1" }, stdin: "null" as const };
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), options).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  };
  const [wrong, help, none] = [
    await run("keys", "--nope"),
    await run("push", "--help"),
    await run("list", "-r", "localhost:1/x", "--notary-url", "https://localhost:1", "--trust-dir", "/dev/null/none"),
  ];
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^tagseal: next: .*deno task keys --help shows how$/m);
  assert.match(help.stdout, /^Usage: deno task push /m);
  assert.match(help.stdout, /the signed ZIP from deno task download/);
  assert.match(help.stdout, /^ {2}deno task push -r /m);
  assert.notEqual(none.code, 0);
  assert.doesNotMatch(wrong.stderr + help.stdout + none.stderr, /\btagseal (?:push|keys|download|list|verify)\b/);
});
