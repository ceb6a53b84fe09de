/**
 * The templates of `ci/`, each run to its end by the rules of its system, with the built file fetched and checked: tags
 * are signed and verify, a repeated job goes on with its signing request, and a wrong secret shows nowhere.
 */
import assert from "node:assert/strict";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { createSend } from "../../lib/http/network.ts";
import { createLocalCa, LOOPBACK_NAMES } from "../../lib/local/certificates.ts";
import { pushTinyImage } from "../../lib/local/image.ts";
import { builtFile } from "../support/built_file.ts";
import { AZURE } from "../support/ci/azure.ts";
import { GITHUB } from "../support/ci/github.ts";
import { GITLAB } from "../support/ci/gitlab.ts";
import { JENKINS } from "../support/ci/jenkins.ts";
import { SHELL } from "../support/ci/shell.ts";
import type { CiSystem, JobOptions, Machine } from "../support/ci/system.ts";
import { pushImage } from "../support/clients.ts";
import { azureProblems, githubProblems } from "../support/log_readers.ts";
import { POLICIES, type SigningStack, startSigningStack, WRONG_PASSWORD } from "../support/signing_stack.ts";
import { EMBEDDED, REAL_WITH_TOKENS, type Stack, stackTest } from "../support/stacks.ts";

/** Servers, a repository that is set up, and a place to fetch tagseal from. */
async function prepared(stack: Stack) {
  await using cleanUp = new AsyncDisposableStack();
  const signing = cleanUp.use(await startSigningStack({ stack, algorithm: "ecdsa-p256" }));
  const { peers } = signing;
  const repository = `${peers.registryHost}/team/app`;
  const admin = await signing.admin("admin");
  const { stdout } = await admin.succeeds(
    "init",
    "-r",
    repository,
    "--delegation-certificate",
    signing.certificatePath,
  );
  const rootPem = await Deno.readTextFile(stdout.trim().split("\n").at(-1)!);

  const file = await Deno.readFile(await builtFile());
  const ca = await createLocalCa(new Date(), "tagseal tests, downloads");
  const { certPem: cert, keyPem: key } = await ca.issue(LOOPBACK_NAMES);
  let fetched = 0;
  const downloads = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, () => {
    fetched++;
    return new Response(file);
  });
  cleanUp.defer(() => downloads.shutdown());
  await Deno.writeTextFile(`${peers.dir}/downloads.pem`, ca.caPem);

  const agent = await signing.agent("agent");
  const { SIGNPATH_API_TOKEN, NOTARY_AUTH, REGISTRY_AUTH, SIGNPATH_API_URL, SIGNPATH_ORGANIZATION_ID } = agent.env;
  const given = Object.entries({ SIGNPATH_API_TOKEN, NOTARY_AUTH, REGISTRY_AUTH })
    .filter((entry): entry is [string, string] => entry[1] !== undefined);
  const machine: Machine = {
    secrets: Object.fromEntries(given),
    env: {
      PATH: Deno.env.get("PATH")!,
      DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
      DENO_CERT: `${peers.dir}/cas.pem`,
      CURL_CA_BUNDLE: `${peers.dir}/downloads.pem`,
      DOCKER_CONTENT_TRUST_SERVER: peers.notaryUrl,
      SIGNPATH_API_URL: SIGNPATH_API_URL!,
    },
  };
  const options: JobOptions = {
    mode: "sign",
    repository,
    tags: "v1",
    timeout: 60,
    rootPin: "root.pem",
    organizationId: SIGNPATH_ORGANIZATION_ID!,
    projectSlug: "app",
    signingPolicySlug: POLICIES.automatic,
    tagsealUrl: `https://localhost:${downloads.addr.port}/tagseal`,
    tagsealSha256: sha256Hex(file),
  };
  const push = (tag: string) => pushed(stack, signing, tag);
  const verified = async (tag: string) => (await agent.succeeds("verify", "-r", repository, "-t", tag)).stdout;
  const running = cleanUp.move();
  return {
    dir: peers.dir,
    signing,
    rootPem,
    machine,
    options,
    push,
    verified,
    fetched: () => fetched,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function pushed(stack: Stack, { peers }: SigningStack, tag: string): Promise<string> {
  if (stack !== EMBEDDED) return (await pushImage(peers, "team/app", tag, tag)).digest;
  const { send, close } = createSend({ caCerts: [peers.caPem] });
  try {
    return await pushTinyImage(send, new URL(`https://${peers.registryHost}`), "team/app", tag, tag);
  } finally {
    close();
  }
}

for (const system of [SHELL, GITHUB, GITLAB, AZURE, JENKINS]) {
  const stacks = system === SHELL ? [EMBEDDED, REAL_WITH_TOKENS] : [EMBEDDED];
  for (const stack of stacks) {
    const needs = stack === EMBEDDED ? system.needs : [...system.needs, "skopeo" as const];
    stackTest(stack, `templates of CI: ${system.name}`, needs, (t) => signsAndGoesOn(system, stack, t));
  }
}

async function signsAndGoesOn(system: CiSystem, stack: Stack, t: Deno.TestContext): Promise<void> {
  await using world = await prepared(stack);
  const { machine, options, signing, push, verified } = world;
  await using cleanUp = new AsyncDisposableStack();
  const runner = "start" in system ? cleanUp.use(system.start()) : system;
  const begin = async () => await runner.begin(await Deno.makeTempDir({ dir: world.dir }), world.rootPem);
  const requests = () => signing.signPath.requests();
  const secrets = Object.values(machine.secrets);
  const quiet = (log: string) => secrets.forEach((secret) => assert.ok(!log.includes(secret), "a secret shows"));
  const digests = { v1: await push("v1"), v2: await push("v2"), v3: await push("v3") };

  await t.step("signs", async () => {
    const { succeeded, log, summary } = await (await begin())(options, machine);
    assert.ok(succeeded, log);
    quiet(log);
    assert.equal(await verified("v1"), `v1 ${digests.v1}\n`);
    if (summary !== undefined) assert.match(summary, new RegExp(`\`v1\` \\| \`${digests.v1}\` \\| \`published\``));
    assert.equal(requests().length, 1);
  });

  await t.step("two jobs; over before the approval and run again, the later one goes on with its request", async () => {
    const run = await begin();
    const apart = { ...options, tags: "v2", signingPolicySlug: POLICIES.manual };
    const submitted = await run({ ...apart, mode: "submit" }, machine);
    assert.ok(submitted.succeeded, submitted.log);
    assert.match(submitted.log, /was not waited for .*\n(?:.*\n)*.*sign: the signing request is filed/);
    const { id } = requests().at(-1)!;
    if (system === GITHUB) assert.equal(githubProblems(submitted.log)[0]!.level, "warning", "nothing has failed");
    const early = await run({ ...apart, mode: "later", timeout: 1 }, machine);
    assert.ok(!early.succeeded, early.log);
    await signing.signPath.approve(id);
    const { succeeded, log } = await run({ ...apart, mode: "later" }, machine);
    assert.ok(succeeded, log);
    assert.ok(log.includes(`Going on with signing request ${id}`), log);
    assert.equal(await verified("v2"), `v2 ${digests.v2}\n`);
    assert.equal(requests().length, 2, "no second one was filed");
  });

  await t.step("a wrong secret ends the job, is shown by nobody, and files nothing", async () => {
    const wrong = { ...machine, secrets: { ...machine.secrets, SIGNPATH_API_TOKEN: WRONG_PASSWORD } };
    const { succeeded, log } = await (await begin())({ ...options, tags: "v3" }, wrong);
    assert.ok(!succeeded, log);
    quiet(log);
    assert.ok(!log.includes(WRONG_PASSWORD), "a secret shows");
    assert.match(log, /tagseal: error: .*\n(?:.*\n)*?.*tagseal: next: .*SIGNPATH_API_TOKEN/);
    if (system === GITHUB) assert.match(githubProblems(log)[0]!.text, /SIGNPATH_API_TOKEN/);
    if (system === AZURE) assert.match(azureProblems(log)[0]!.text, /SIGNPATH_API_TOKEN/);
    if (system === GITLAB) assert.match(log, /tagseal_sign took/, "its section was read as one");
    assert.equal(requests().length, 2);
  });
  if (system !== SHELL || stack !== EMBEDDED) return;

  await t.step(
    "a job that is killed while it waits; run again, it goes on, and then there is nothing to do",
    async () => {
      const run = await begin();
      const slow = { ...options, signingPolicySlug: POLICIES.manual, tags: "v3" };
      const before = requests().length;
      const killed = await run(slow, { ...machine, killedAfter: /Signing request \S+: / });
      assert.ok(!killed.succeeded);
      await signing.signPath.approve(requests().at(-1)!.id);
      const { succeeded, log } = await run(slow, machine);
      assert.ok(succeeded, log);
      assert.equal(await verified("v3"), `v3 ${digests.v3}\n`);
      const again = await run({ ...options, tags: "v3", arguments: `--expect-digest\nv3=${digests.v3}` }, machine);
      assert.ok(again.succeeded, again.log);
      assert.equal(requests().length, before + 1, "no second one was filed");
    },
  );

  await t.step("where a request was denied, the job ends, and run again it files another one", async () => {
    const run = await begin();
    await push("v5");
    const slow = { ...options, tags: "v5", mode: "submit", signingPolicySlug: POLICIES.manual } as const;
    const before = requests().length;
    assert.ok((await run(slow, machine)).succeeded);
    signing.signPath.deny(requests().at(-1)!.id);
    const { succeeded, log } = await run({ ...slow, mode: "later", timeout: 1 }, machine);
    assert.ok(!succeeded);
    assert.match(log, /Denied/);
    assert.equal(requests().length, before + 2);
  });

  await t.step("a wrong tag fails, and files nothing", async () => {
    const before = requests().length;
    const { succeeded, log } = await (await begin())({ ...options, tags: "v1,no-such-tag" }, machine);
    assert.ok(!succeeded);
    assert.match(log, /no-such-tag/);
    assert.equal(requests().length, before);
  });

  await t.step("a file that is not the one of the checksum is not run", async () => {
    const before = requests().length;
    const fetched = world.fetched();
    for (const tagsealSha256 of ["0".repeat(64), ""]) {
      const { succeeded, log } = await (await begin())({ ...options, tags: "v5", tagsealSha256 }, machine);
      assert.ok(!succeeded);
      assert.match(log, /it was not run|TAGSEAL_SHA256 is missing/);
      assert.doesNotMatch(log, /^tagseal/m);
    }
    assert.equal(world.fetched(), fetched + 1);
    assert.equal(requests().length, before);
  });
}
