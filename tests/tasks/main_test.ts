/** The program as a process of its own: streams, exit codes, stdin, Ctrl-C. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { startLocalStack } from "../../lib/local/stack.ts";

const MAIN = new URL("../../tasks/main.ts", import.meta.url).pathname;

/** Starts `tagseal <args>` in `folder`; nothing of this machine's own settings reaches it. */
function start(folder: string, args: readonly string[], env: Record<string, string> = {}): Deno.ChildProcess {
  const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", MAIN, ...args],
    cwd: folder,
    clearEnv: true,
    env: { HOME: folder, DENO_DIR: cache, NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function finish(
  process: Deno.ChildProcess,
  stdin = "",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin)).then(() => writer.close()).catch(() => {}); // it may have ended
  const { code, stdout, stderr } = await process.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("the program ends with the command's exit code and keeps its streams apart", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [version, usage, twice, nobody] = await Promise.all([
      finish(start(folder, ["--version"])),
      finish(start(folder, ["list", "--json"])),
      finish(
        start(folder, [
          "sign",
          ...["-r", "localhost:1/a", "-t", "v1", "--organization-id", "o", "--project-slug", "p"],
          ...["--signing-policy-slug", "s", "--notary-password", "-", "--registry-password", "-"],
        ]),
        "s3cret\n",
      ),
      finish(start(folder, ["list", "-r", "localhost:1/a"])),
    ]);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    assert.deepEqual([version.code, version.stderr], [0, ""]);
    assert.deepEqual([usage.code, documentIn(usage.stdout).error.code], [2, "usage"]);
    assert.match(usage.stderr, /^tagseal: error: --repository is missing\n/);
    assert.deepEqual([twice.code, twice.stdout], [2, ""]);
    assert.match(twice.stderr, /Two flags want to read standard input\ntagseal: next: Give "-" once/);
    assert.doesNotMatch(twice.stderr, /s3cret/);
    assert.deepEqual([nobody.code, nobody.stdout], [5, ""]);
    assert.match(nobody.stderr, /Notary server at "https:\/\/localhost:1" cannot be used/);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), [], "nothing was left behind");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Ctrl-C while waiting: exit code 130, the id, and the request goes on", async () => {
  const folder = await Deno.makeTempDir();
  const options = { port: 0, now: () => new Date(), algorithm: "ecdsa-p256" } as const;
  await using stack = await startLocalStack(options);
  try {
    const body = new FormData();
    body.set("projectSlug", stack.projectSlug);
    body.set("signingPolicySlug", stack.policies.manual);
    body.set("artifact", new Blob(["any file"]), "data.zip");
    const url = `${stack.apiUrl}/v1/${stack.organizationId}/SigningRequests/SubmitWithArtifact`;
    const headers = { authorization: `Bearer ${stack.apiToken}` };
    await (await stack.signPath.handle(new Request(url, { method: "POST", body, headers }))).body?.cancel();
    const { id } = stack.signPath.requests()[0]!;
    await Deno.writeTextFile(`${folder}/ca.pem`, stack.caPem);
    const process = start(folder, ["download", id, "--ca", "ca.pem"], {
      SIGNPATH_API_URL: stack.apiUrl,
      SIGNPATH_API_TOKEN: stack.apiToken,
      SIGNPATH_ORGANIZATION_ID: stack.organizationId,
    });
    let stderr = "";
    for await (const part of process.stderr.pipeThrough(new TextDecoderStream())) {
      if (stderr === "") process.kill("SIGINT"); // the first words are its status: it waits
      stderr += part;
    }
    await process.stdin.close();
    const stdout = await new Response(process.stdout).text();
    assert.equal((await process.status).code, 130, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, new RegExp(`Signing request ${id}: WaitingForApproval`));
    assert.match(
      stderr,
      new RegExp(`Interrupted while waiting for signing request "${id}"\ntagseal: next: .*tagseal download ${id}`),
    );
    assert.equal(stack.signPath.requests()[0]!.workflowStatus, "WaitingForApproval");
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["ca.pem"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const ROOT = new URL("../../", import.meta.url).pathname;

/** Runs `script` in a shell that has the program as `"$@"`. */
async function inShell(folder: string, script: string, args: readonly string[]) {
  const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  const program = [Deno.execPath(), "run", "-A", "--quiet", "--config", `${ROOT}deno.json`, MAIN, ...args];
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", script, "bash", ...program],
    cwd: folder,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", HOME: folder, DENO_DIR: cache, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const inLinuxShell = { ignore: Deno.build.os !== "linux" };

Deno.test("standard output that is full: what was done is said, and never an exception", inLinuxShell, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const done = await inShell(folder, '"$@" >/dev/full', ["--version"]);
    assert.equal(done.code, 1);
    assert.match(
      done.stderr,
      /^\d+\.\d+\.\d+\ntagseal: error: The work is done, but its report cannot be written: No space left on device/,
    );
    for (const more of [[], ["--json"]]) {
      const failed = await inShell(folder, '"$@" >/dev/full', ["list", ...more]);
      assert.equal(failed.code, 2, "a command that fails keeps its exit code");
      assert.match(failed.stderr, /^tagseal: error: --repository is missing\n/);
      assert.doesNotMatch(failed.stderr, /Uncaught|at file:/);
      assert.equal((await inShell(folder, '"$@" >/dev/full 2>/dev/full', ["list", ...more])).code, 2);
      assert.equal((await inShell(folder, '"$@" >&- 2>&-', ["list", ...more])).code, 2);
    }
    const { code, stdout } = await inShell(folder, 'set -o pipefail; "$@" | head -1', ["--help"]);
    assert.deepEqual([code, stdout.split("\n").length], [0, 2], "who reads one line has what they wanted");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("standard output that takes nothing at once is waited for", inLinuxShell, async () => {
  const folder = await Deno.makeTempDir();
  try {
    // The pipe is full, and set to refuse: by a program that shares it, as some of Node's do.
    const fill = "head -c 65536 /dev/zero; perl -MFcntl -e 'fcntl(STDOUT, F_SETFL, O_WRONLY | O_NONBLOCK)'";
    const script = `set -o pipefail; (${fill}; "$@") | (sleep 2; tail -c +65537)`;
    const { code, stdout, stderr } = await inShell(folder, script, ["--help"]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^tagseal signs Docker tags [^]*\n {2}demo /);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test(
  "what other programs write is read from <(…) and /dev/stdin; a pipe that waits is refused with advice",
  inLinuxShell,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const list = "printf 'localhost:1/a/b\\n'";
      const run = (script: string) => inShell(folder, script, ["status"]);
      for (
        const script of [
          `"$@" --repositories-from <(${list})`,
          `"$@" --repositories-from <(sleep 0.2; ${list})`,
          `${list} | "$@" --repositories-from /dev/stdin`,
          `${list} | "$@" --repositories-from -`,
          `printf '\\xff\\xfel\\0o\\0c\\0a\\0l\\0h\\0o\\0s\\0t\\0:\\0001\\0/\\0a\\0/\\0b\\0' | "$@" --repositories-from -`,
        ]
      ) {
        const { code, stderr } = await run(script);
        assert.match(stderr, /localhost:1\/a\/b: /, script);
        assert.equal(code, 5, "nobody is there");
      }
      const endless = await run('"$@" --repositories-from <(yes localhost:1/a)');
      assert.match(endless.stderr, /error: What comes through "\/dev\/fd\/\d+" is longer than 1048576 bytes\n/);
      const noText = await run(`printf '\\xff\\xff' | "$@" --repositories-from -`);
      assert.match(noText.stderr, /error: What comes on standard input is no text\n.*next: Pipe in text as UTF-8/);
      const named = await run('mkfifo pipe; "$@" --repositories-from pipe');
      assert.match(
        named.stderr,
        /cannot be read: it is not a file\n.*next: Name a file; .* standard input \(-\), or from <\(…\)/,
      );
      const folders = await run('"$@" --repositories-from .');
      assert.match(folders.stderr, /cannot be read: it is not a file\n.*next: Name a file\n/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
