/** The single file on a build agent: an empty folder, variables, no terminal, and servers that ask for tokens. */
import assert from "node:assert/strict";
import { builtFile } from "../support/built_file.ts";
import { notary, pushImage } from "../support/clients.ts";
import { startSigningStack } from "../support/signing_stack.ts";
import { EMBEDDED, REAL_WITH_TOKENS, stackTest } from "../support/stacks.ts";
import { startOnTerminal } from "../support/terminal.ts";

stackTest(REAL_WITH_TOKENS, "single file: signs in an empty folder", ["notary", "skopeo"], async () => {
  await using stack = await startSigningStack({ stack: REAL_WITH_TOKENS, algorithm: "ecdsa-p256" });
  const { peers } = stack;
  const gun = `${peers.registryHost}/team/file`;
  const admin = await stack.admin("admin");
  await admin.succeeds("init", "-r", gun, "--delegation-certificate", stack.certificatePath);
  const { digest } = await pushImage(peers, "team/file", "v1", "built");

  const agent = await stack.agent("agent");
  await Deno.copyFile(await builtFile(), `${agent.home}/tagseal`);
  assert.deepEqual([...Deno.readDirSync(agent.home)].map(({ name }) => name), ["tagseal"]);
  const trust = ["--notary-url", peers.notaryUrl, "--ca", `${peers.dir}/cas.pem`];
  const variables: Record<string, string> = { ...agent.env, PATH: Deno.env.get("PATH")!, NO_COLOR: "1" };
  const signed = await new Deno.Command(`${agent.home}/tagseal`, {
    args: ["sign", "-r", gun, "-t", "v1", ...trust],
    cwd: agent.home,
    env: variables,
    clearEnv: true,
    stdin: "null",
  }).output();
  const [stdout, stderr] = [signed.stdout, signed.stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(signed.code, 0, stderr);
  assert.equal(stdout, `${gun}:v1 ${digest} published\n`);
  for (const secret of [peers.password, variables["NOTARY_AUTH"]!, variables["SIGNPATH_API_TOKEN"]!]) {
    assert.ok(!`${stdout}${stderr}`.includes(secret));
  }
  const listed = await notary(peers, `${peers.dir}/reader`, ["list", gun, "-r", "targets/releases"]);
  assert.match(listed.stdout, new RegExp(`v1 +${digest.slice("sha256:".length)} `));
});

stackTest(EMBEDDED, "single file: asks for passphrases, and yes or no, on a terminal", ["bash"], async () => {
  await using peers = await EMBEDDED.start();
  const file = `${peers.dir}/tagseal`;
  await Deno.copyFile(await builtFile(), file);
  const server = ["--notary-url", peers.notaryUrl, "--ca", peers.caPath, "--trust-dir", "trust"];
  const command = [file, "init", "-r", `${peers.registryHost}/team/asked`, ...server].join(" ");
  const env = { PATH: Deno.env.get("PATH")!, HOME: peers.dir, TERM: "xterm", NO_COLOR: "1" };
  const process = startOnTerminal(command, peers.dir, env);
  const writer = process.stdin.getWriter();
  let screen = "";
  let answered = 0;
  // Each question shows itself anew with each key, and when it is answered; then it shows the cursor again.
  const asked = () => answered === 0 ? screen : screen.slice(answered).split("\x1b[?25h").slice(1).at(-1) ?? "";
  const answer = () => {
    const words = asked().includes("(y/N)") ? "y" : "correct horse battery staple";
    answered = screen.length;
    writer.write(new TextEncoder().encode(`${words}\r`)).catch(() => {});
  };
  let quiet: ReturnType<typeof setTimeout> | undefined;
  for await (const part of process.stdout.pipeThrough(new TextDecoderStream())) {
    screen += part;
    clearTimeout(quiet);
    if (/once more:|passphrase for|\(y\/N\)/.test(asked())) quiet = setTimeout(answer, 500);
  }
  clearTimeout(quiet);
  await writer.close().catch(() => {}); // the program has ended
  assert.equal((await process.status).code, 0, screen);
  assert.match(screen, /is set up/);
  assert.match(await Deno.readTextFile(`${peers.dir}/tagseal.json`), /team\/asked/);
  assert.ok(!screen.includes("staple"), "what is typed is not shown");
});
