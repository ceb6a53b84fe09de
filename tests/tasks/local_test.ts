/** `tagseal local` and `demo`: what they print, and that nothing is left of them. */
import assert from "node:assert/strict";
import { tagseal } from "../support/run.ts";

async function untilStarted(running: { stdout: () => string }, controller: AbortController): Promise<void> {
  for (let i = 0; i < 200 && !running.stdout().includes("DENO_CERT"); i++) await new Promise((r) => setTimeout(r, 50));
  controller.abort();
}

for (const json of [false, true]) {
  Deno.test(`local: prints how to reach it${json ? " as one JSON document" : ""}, and ends with Ctrl-C`, async () => {
    const cwd = await Deno.makeTempDir();
    const controller = new AbortController();
    let printed = "";
    const out = (line: string) => void (printed += `${line}\n`);
    const started = untilStarted({ stdout: () => printed }, controller);
    const args = ["local", "--port", "0", ...(json ? ["--json"] : [])];
    const { code, stdout } = await tagseal(args, { cwd, host: { out }, signal: controller.signal });
    await started;
    assert.deepEqual([code, stdout], [0, ""]);
    const names = ["SIGNPATH_API_TOKEN", "SIGNPATH_API_URL", "DOCKER_CONTENT_TRUST_SERVER", "DENO_CERT"];
    if (json) {
      const { variables } = JSON.parse(printed);
      for (const name of names) assert.ok(variables[name], name);
    } else {
      for (const line of printed.trimEnd().split("\n")) assert.match(line, /^export [A-Z_]+="[^"]+"$/);
      for (const name of names) assert.match(printed, new RegExp(`^export ${name}="`, "m"));
    }
    assert.match(await Deno.readTextFile(`${cwd}/.tagseal-local/ca.pem`), /BEGIN CERTIFICATE/);
    await Deno.remove(cwd, { recursive: true });
  });
}

Deno.test("local: a port that is taken, or none at all", async () => {
  const cwd = await Deno.makeTempDir();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await tagseal(["local", "--port", String(taken.addr.port)], { cwd });
  assert.equal(code, 2);
  assert.match(stderr, /Cannot listen on port \d+.*\n.*--port/);
  assert.equal((await tagseal(["local", "--port", "x"], { cwd })).code, 2);
  assert.equal((await tagseal(["local", "--key", "dsa"], { cwd })).code, 2);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(cwd)), []);
  await Deno.remove(cwd, { recursive: true });
});

Deno.test("demo: the whole story, and nothing left behind", async () => {
  const cwd = await Deno.makeTempDir();
  const { code, stdout } = await tagseal(["demo"], { cwd });
  assert.equal(code, 0, stdout);
  assert.match(stdout, /agent\$ tagseal sign .*\n(.*\n)*.*:v1 sha256:[0-9a-f]{64} published/);
  assert.match(stdout, /consumer\$ tagseal verify .* -t v2 .*\n.*Not signed in .*: v2\n.*\n.*\(exit code 3/);
  assert.match(stdout, /is not the one that the manifest names\n.*\n.*\(exit code 3/);
  assert.match(stdout, /Done in [\d.]+ s/);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(cwd)), []);
  await Deno.remove(cwd, { recursive: true });
});
