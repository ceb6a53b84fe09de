/** Credential helpers as processes: shell scripts that behave, and such that do not. */
import assert from "node:assert/strict";
import { text } from "../../lib/bytes/bytes.ts";
import type { HelperRun } from "../../lib/registry/credential_helper.ts";
import { helperVariables, runHelperProcess } from "../../lib/registry/helper_process.ts";

const NAME = "docker-credential-tagseal-test";

/** Runs `script` as a helper; how it ended, and after how many milliseconds. */
async function run(
  script: string,
  options: { timeoutMs?: number; signal?: AbortSignal; mode?: number } = {},
): Promise<HelperRun & { ms: number }> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/${NAME}`, script, { mode: options.mode ?? 0o755 });
    const env = { PATH: `${folder}:/usr/bin:/bin`, COLOUR: "blue" };
    const { timeoutMs = 10_000, signal = new AbortController().signal } = options;
    const started = performance.now();
    const end = await runHelperProcess(NAME, "r.example:5000", { env, signal, timeoutMs });
    return { ...end, ms: performance.now() - started };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const words = (end: HelperRun) => "failure" in end ? end.failure : [end.exitCode, text(end.stdout), text(end.stderr)];

Deno.test("a helper gets get, the server on stdin, and its variables; nothing secret is in its arguments", async () => {
  const script = '#!/bin/sh\necho "$# $1 $(cat) $COLOUR ${HOME-no home}"; echo oh >&2; exit 3\n';
  assert.deepEqual(words(await run(script)), [3, "1 get r.example:5000 blue no home\n", "oh\n"]);
});

Deno.test("a helper that does not read its stdin", async () => {
  assert.deepEqual(words(await run("#!/bin/sh\nexec <&-; echo fine\n")), [0, "fine\n", ""]);
});

Deno.test("a helper that hangs is ended, and so is one that leaves others behind", async () => {
  for (
    const script of ["#!/bin/sh\nexec sleep 20\n", "#!/bin/sh\nsleep 20 & wait\n", "#!/bin/sh\nsleep 20 &\nexit 0\n"]
  ) {
    const end = await run(script, { timeoutMs: 200 });
    assert.equal(words(end), "too slow");
    assert.ok(end.ms < 15_000, `${end.ms} ms`);
  }
});

Deno.test("a helper that says too much is ended; what is too much on stderr is left out", async () => {
  const end = await run("#!/bin/sh\nexec yes s3cret\n");
  assert.equal(words(end), "too long");
  assert.ok(end.ms < 5000);
  const loud = await run("#!/bin/sh\nyes | head -c 300000 >&2; echo fine\n");
  assert.ok("stdout" in loud && loud.stderr.length <= 65536 && text(loud.stdout) === "fine\n");
});

Deno.test("an interruption ends a helper, with its reason", async () => {
  const stop = new AbortController();
  const reason = new Error("Ctrl-C");
  setTimeout(() => stop.abort(reason), 50);
  await assert.rejects(run("#!/bin/sh\nexec sleep 20\n", { signal: stop.signal }), (error) => error === reason);
  await assert.rejects(run("#!/bin/sh\necho no\n", { signal: stop.signal }), (error) => error === reason);
});

Deno.test("a helper that is not there, or is no program", async () => {
  const signal = new AbortController().signal;
  assert.deepEqual(await runHelperProcess(NAME, "r", { env: { PATH: "/nowhere" }, signal }), { failure: "missing" });
  assert.equal(words(await run("#!/no/such/shell\n")), "missing");
});

Deno.test({
  name: "a helper that the permissions leave out",
  permissions: { run: ["sh"], read: true, write: true, env: true },
  async fn() {
    assert.equal(words(await run("#!/bin/sh\necho no\n")), "forbidden");
  },
});

Deno.test("no helper gets tagseal's own secrets, nor what changes how programs are loaded", () => {
  const kept = { PATH: "/bin", HOME: "/h", AWS_PROFILE: "p", DOCKER_r_example_USR: "u" };
  const withheld = [
    "SIGNPATH_API_TOKEN",
    "NOTARY_AUTH",
    "REGISTRY_AUTH",
    "NOTARY_ROOT_PASSPHRASE",
    "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE",
    "TAGSEAL_PKCS11_PIN",
    "LD_LIBRARY_PATH",
    "DYLD_INSERT_LIBRARIES",
  ];
  assert.deepEqual(helperVariables({ ...kept, ...Object.fromEntries(withheld.map((name) => [name, "x"])) }), kept);
});
