/** `tagseal local`: what it prints, and that nothing is left of it but what `--data` keeps. */
import assert from "node:assert/strict";
import { createSend } from "../../lib/http/network.ts";
import { pushTinyImage } from "../../lib/local/image.ts";
import { powershellErrors } from "../support/ci/powershell.ts";
import { freePorts } from "../support/ports.ts";
import { tagseal } from "../support/run.ts";

async function untilStarted(running: { stdout: () => string }, controller: AbortController): Promise<void> {
  for (let i = 0; i < 1200 && !running.stdout().includes("DENO_CERT"); i++) await new Promise((r) => setTimeout(r, 50));
  controller.abort();
}

for (const json of [false, true]) {
  Deno.test(`local: prints how to reach it${json ? " as one JSON document" : ""}, and ends with Ctrl-C`, async () => {
    const cwd = await Deno.makeTempDir();
    const controller = new AbortController();
    let printed = "";
    const host = {
      out: (line: string) => void (printed += `${line}\n`),
      json: (value: unknown) => void (printed += JSON.stringify(value)),
    };
    const started = untilStarted({ stdout: () => printed }, controller);
    const args = ["local", "--port", "0", ...(json ? ["--json"] : [])];
    const { code, stdout } = await tagseal(args, { cwd, host, signal: controller.signal });
    await started;
    assert.deepEqual([code, stdout], [0, ""]);
    const names = [
      "DOCKER_CONFIG",
      "SIGNPATH_API_TOKEN",
      "SIGNPATH_API_URL",
      "DOCKER_CONTENT_TRUST_SERVER",
      "DENO_CERT",
    ];
    if (json) {
      const { variables } = JSON.parse(printed);
      for (const name of names) assert.ok(variables[name], name);
    } else {
      for (const line of printed.trimEnd().split("\n")) assert.match(line, /^export [A-Z_]+="[^"]+"$/);
      for (const name of names) assert.match(printed, new RegExp(`^export ${name}="`, "m"));
    }
    assert.match(await Deno.readTextFile(`${cwd}/.tagseal-local/ca.pem`), /BEGIN CERTIFICATE/);
    const kept = (await Array.fromAsync(Deno.readDir(`${cwd}/.tagseal-local`))).map(({ name }) => name).sort();
    assert.deepEqual(kept, ["ca.pem", "signpath.cer"], "keys and trust data of the trial go with it");
    await Deno.remove(cwd, { recursive: true });
  });
}

Deno.test("local: for PowerShell, lines that can be pasted there", async () => {
  const cwd = await Deno.makeTempDir({ prefix: "tagseal o'clock " });
  const controller = new AbortController();
  let printed = "";
  const host = { out: (line: string) => void (printed += `${line}\n`) };
  const started = untilStarted({ stdout: () => printed }, controller);
  const { code, stderr } = await tagseal(["local", "--port", "0", "--shell", "powershell"], {
    cwd,
    host,
    signal: controller.signal,
  });
  await started;
  assert.equal(code, 0);
  for (const line of printed.trimEnd().split("\n")) assert.match(line, /^\$env:[A-Z_]+ = '(?:[^']|'')+'$/);
  assert.ok(printed.includes("o''clock"));
  assert.match(
    stderr,
    /^ {2}deno task init -r \S+ `\n.*\n {4}--output-artifact-path "\$env:DOCKER_CONFIG\/root\.pem"$/m,
  );
  assert.match(stderr, /^ {2}curl\.exe --cacert "\$env:DENO_CERT" -X POST `$/m);
  const commands = stderr.split("\n").filter((line) => line.startsWith("  ") && !line.includes("<id>")).join("\n");
  assert.deepEqual(await powershellErrors(printed, commands), [[], []]);
  await Deno.remove(cwd, { recursive: true });
});

Deno.test("local: a port that is taken, or none at all", async () => {
  const cwd = await Deno.makeTempDir();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await tagseal(["local", "--port", String(taken.addr.port)], { cwd });
  assert.equal(code, 2);
  assert.match(stderr, /Cannot listen on port \d+.*\n.*--port/);
  for (const [flag, value, words] of [["--port", "x", '"x" is no port'], ["--key", "dsa", '"dsa" is no kind of key']]) {
    const wrong = await tagseal(["local", flag!, value!], { cwd });
    assert.equal(wrong.code, 2);
    assert.ok(wrong.stderr.includes(words!), wrong.stderr);
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(cwd)), []);
  await Deno.remove(cwd, { recursive: true });
});

/** Runs `tagseal local` until it has said how to reach it; then `use`, then Ctrl-C. */
async function whileRunning(
  cwd: string,
  args: readonly string[],
  use: (variables: Record<string, string>, certificate: string, host: string) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const said = Promise.withResolvers<unknown>();
  const running = tagseal(["local", "--json", ...args], {
    cwd,
    host: { json: said.resolve },
    signal: controller.signal,
  });
  try {
    const first = await Promise.race([said.promise, running.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
    const { variables, certificate, host } = first as {
      variables: Record<string, string>;
      certificate: string;
      host: string;
    };
    await use(variables, certificate, host);
  } finally {
    controller.abort();
  }
  assert.equal((await running).code, 0);
}

Deno.test("local: what it prints works as it is printed, each time that it is started", async () => {
  const cwd = await Deno.makeTempDir();
  const port = String(freePorts(1)[0]);
  try {
    for (const round of ["the first time", "and anew"]) {
      const controller = new AbortController();
      let stdout = "", stderr = "";
      const said = Promise.withResolvers<void>();
      const running = tagseal(["local", "--port", port], {
        cwd,
        host: {
          out: (line) => void (stdout += `${line}\n`),
          info(line) {
            stderr += `${line}\n`;
            if (line.startsWith("Ctrl-C")) said.resolve();
          },
        },
        signal: controller.signal,
      });
      try {
        await said.promise;
        const exported = [...stdout.matchAll(/^export ([A-Z_]+)="(.*)"$/gm)].map(([, name, value]) => [name!, value!]);
        const env: Record<string, string> = {
          ...Object.fromEntries(exported),
          HOME: `${cwd}/home`,
          NOTARY_ROOT_PASSPHRASE: "root passphrase",
          NOTARY_TARGETS_PASSPHRASE: "targets passphrase",
        };
        const commands = [...stderr.replaceAll("\\\n", "").matchAll(/^ {2}deno task (.*)$/gm)].map(([, line]) => line!);
        assert.deepEqual(commands.map((line) => line.split(" ")[0]), ["init", "sign", "verify"]);
        for (const line of commands) {
          // The runtime reads DENO_CERT when it starts; here it runs already.
          const words = line.trim().split(/ +/).map((word) =>
            word.replaceAll('"', "").replaceAll(/\$(\w+)/g, (_, name) => env[name]!)
          );
          const args = [...words, "--ca", env["DENO_CERT"]!];
          const outcome = await tagseal(args, { cwd, env });
          assert.equal(outcome.code, 0, `${round}: ${line}\n${outcome.stderr}`);
        }
        await assert.rejects(Deno.stat(`${cwd}/home`), Deno.errors.NotFound);
      } finally {
        controller.abort();
        await running;
      }
    }
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("local: with --data a second start has the same names, keys, images and trust data", async () => {
  const cwd = await Deno.makeTempDir();
  const env = { HOME: cwd, NOTARY_ROOT_PASSPHRASE: "root passphrase", NOTARY_TARGETS_PASSPHRASE: "targets passphrase" };
  const run = async ({ DENO_CERT = "", ...variables }: Record<string, string>, ...args: string[]) => {
    const outcome = await tagseal([...args, "--ca", DENO_CERT], { cwd, env: { ...env, ...variables } });
    assert.equal(outcome.code, 0, outcome.stderr);
    return outcome.stdout;
  };
  try {
    let before = {}, port = "", gun = "", listed = "";
    await whileRunning(cwd, ["--port", "0", "--data", "kept"], async (variables, certificate, host) => {
      before = variables;
      port = host.split(":")[1]!; // the name of a repository holds it
      gun = `${host}/demo/app`;
      const { send, close } = createSend({ caCerts: [await Deno.readTextFile(variables["DENO_CERT"]!)] });
      await pushTinyImage(send, new URL(`https://${host}`), "demo/app", "v1", "one of the user's").finally(close);
      await run(variables, "init", "-r", gun, "--delegation-certificate", certificate);
      await run(variables, "sign", "-r", gun, "-t", "v1");
      listed = await run(variables, "list", "-r", gun);
      const again = await tagseal(["local", "--port", "0", "--data", "kept"], { cwd });
      assert.equal(again.code, 5, again.stderr);
      assert.match(again.stderr, /Another process runs the stack of ".*\/kept"\n.*choose another folder/);
    });
    await whileRunning(cwd, ["--port", port, "--data", "kept"], async (variables) => {
      assert.deepEqual(variables, before);
      assert.equal(await run(variables, "list", "-r", gun), listed);
      await run(variables, "verify", "-r", gun, "-t", "v1");
    });
    const other = await tagseal(["local", "--port", "0", "--data", "kept", "--key", "ec"], { cwd });
    assert.equal(other.code, 2, other.stderr);
    assert.match(other.stderr, /kept\/identity\.json" was begun with another key: an RSA key of its own/);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});
