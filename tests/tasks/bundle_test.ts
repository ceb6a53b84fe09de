/** The single file: the same program without its project, its packages and its configuration. */
import assert from "node:assert/strict";

Deno.test("bundle: the whole story from one file in an empty folder, with a cache of its own", async () => {
  const folder = await Deno.makeTempDir();
  const run = async (args: readonly string[], cwd: string, env: Record<string, string>) => {
    const options = { args: [...args], cwd, env: { ...env, NO_COLOR: "1" }, clearEnv: true, stdin: "null" as const };
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), options).output();
    return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  };
  const project = new URL("../../", import.meta.url).pathname;
  const file = `${folder}/tagseal.mjs`;
  // The bundler is fetched when it is used for the first time, the way that this machine reaches the network.
  const bundled = await run(["bundle", "-q", "--minify", "-o", file, "tasks/main.ts"], project, Deno.env.toObject());
  assert.equal(bundled.code, 0, bundled.text);

  const alone = { HOME: folder, DENO_DIR: `${folder}/cache` };
  const flags = ["--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--cached-only"];
  const may = ["--allow-read", "--allow-write", "--allow-net", "--allow-env"];
  const tagseal = (...args: string[]) => run(["run", "-q", ...flags, ...may, file, ...args], folder, alone);
  const told = await tagseal("demo");
  assert.equal(told.code, 0, told.text);
  assert.match(told.text, /:v1 sha256:[0-9a-f]{12}… published/);
  const asked = await tagseal("sign", "-r", "localhost:1/x", "-t", "v1");
  assert.equal(asked.code, 2);
  assert.match(asked.text, /--organization-id is missing/);
  await Deno.remove(folder, { recursive: true });
});
