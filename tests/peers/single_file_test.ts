/** The single file on a build agent: an empty folder, variables, no terminal, and servers that ask for tokens. */
import assert from "node:assert/strict";
import { notary, pushImage } from "../support/clients.ts";
import { startSigningStack } from "../support/signing_stack.ts";
import { REAL_WITH_TOKENS, stackTest } from "../support/stacks.ts";

stackTest(REAL_WITH_TOKENS, "single file: signs in an empty folder", ["notary", "skopeo"], async () => {
  await using stack = await startSigningStack({ stack: REAL_WITH_TOKENS, algorithm: "rsa-2048" });
  const { peers } = stack;
  const gun = `${peers.registryHost}/team/file`;
  const admin = await stack.admin("admin");
  await admin.succeeds("init", "-r", gun, "--delegation-certificate", stack.certificatePath);
  const { digest } = await pushImage(peers, "team/file", "v1", "built");

  const agent = await stack.agent("agent");
  const file = `${agent.home}/tagseal.mjs`;
  const project = new URL("../../", import.meta.url).pathname;
  const bundled = await run(["bundle", "-q", "--minify", "-o", file, "tasks/main.ts"], project, Deno.env.toObject());
  assert.equal(bundled.code, 0, bundled.stderr);
  assert.deepEqual([...Deno.readDirSync(agent.home)].map(({ name }) => name), ["tagseal.mjs"]);

  const flags = ["--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--cached-only"];
  const may = ["--allow-read", "--allow-write", "--allow-net", "--allow-env"];
  const trust = ["--notary-url", peers.notaryUrl, "--ca", `${peers.dir}/cas.pem`];
  const variables: Record<string, string> = { ...agent.env, DENO_DIR: `${agent.home}/cache`, NO_COLOR: "1" };
  const args = ["run", "-q", ...flags, ...may, file, "sign", "-r", gun, "-t", "v1", ...trust];
  const signed = await run(args, agent.home, variables);
  assert.equal(signed.code, 0, signed.stderr);
  assert.equal(signed.stdout, `${gun}:v1 ${digest} published\n`);
  for (const secret of [peers.password, variables["NOTARY_AUTH"]!, variables["SIGNPATH_API_TOKEN"]!]) {
    assert.ok(!(signed.stdout + signed.stderr).includes(secret));
  }
  const listed = await notary(peers, `${peers.dir}/reader`, ["list", gun, "-r", "targets/releases"]);
  assert.match(listed.stdout, new RegExp(`v1 +${digest.slice("sha256:".length)} `));
});

async function run(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
  const options = { args: [...args], cwd, env: { ...env }, clearEnv: true, stdin: "null" as const };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), options).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
