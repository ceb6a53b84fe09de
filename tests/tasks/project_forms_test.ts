/** The project file in each form of the program, under the permissions that it has there. */
import assert from "node:assert/strict";
import { builtFile } from "../support/built_file.ts";
import { type ProcessEnd, runProgram } from "../support/program.ts";

const FILE = {
  repositories: ["registry.invalid/team/app"],
  pins: { "registry.invalid": "root.pem" },
  defaults: { "organization-id": "of-the-file" },
};

async function runFile(args: readonly string[], folder: string, home: string): Promise<ProcessEnd> {
  const { code, stdout, stderr } = await new Deno.Command(await builtFile(), {
    args: [...args],
    cwd: folder,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH")!, HOME: home, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const FORMS: readonly (readonly [string, typeof runFile])[] = [
  ["a task", (args, folder, home) => runProgram(args[0]!, args, folder, { HOME: home })],
  ["the single file", runFile],
];

for (const [form, run] of FORMS) {
  Deno.test(`project file: ${form} finds it above the user's folder, holds it to the schema and to its owner`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "tagseal-project-" });
    const path = `${folder}/tagseal.json`;
    const sub = `${folder}/sub`;
    const says = (...args: string[]) => run(args, sub, folder);
    await Deno.mkdir(sub);
    await Deno.writeTextFile(path, JSON.stringify(FILE));
    // Its repository is what is asked for, and its pin, a path of its own folder, is what is read first.
    const used = await says("list");
    assert.equal(used.code, 2, used.stderr);
    assert.ok(used.stderr.startsWith(`Repositories of "${path}": registry.invalid/team/app\n`), used.stderr);
    assert.match(used.stderr, new RegExp(`There is no file "${folder}/root\\.pem"`));
    const shown = await says("env", "sign");
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /--organization-id +of-the-file \(tagseal\.json\s+\/defaults\/organization-id\)/);
    await Deno.writeTextFile(path, JSON.stringify({ defaults: { "organisation-id": "x" } }));
    const wrong = await says("keys");
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /\/defaults\/organisation-id is not known .*\n.*Did you mean "organization-id"\?/);
    await Deno.chmod(path, 0o646);
    assert.match((await says("keys")).stderr, /is not used: every user of this machine may write it/);
    assert.equal((await says("keys", "--config", "none")).code, 0);
    await Deno.remove(folder, { recursive: true });
  });
}
