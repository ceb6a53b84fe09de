/**
 * `kill -9` of a job at each step of `sign`, on real servers: run again it goes on with its signing request. One request is
 * filed in all, and the tag is signed in all schemes.
 */
import assert from "node:assert/strict";
import { createSend } from "../../lib/http/network.ts";
import type { Send } from "../../lib/http/send.ts";
import { pushImage } from "../support/clients.ts";
import { startProgram } from "../support/program.ts";
import { tagseal } from "../support/run.ts";
import { type Person, POLICIES, type SigningStack, startSigningStack } from "../support/signing_stack.ts";
import { REAL, stackTest } from "../support/stacks.ts";

/** When the job is killed: at which call, and whether that reaches the server. */
interface Step {
  readonly name: string;
  readonly isIt: (request: Request, nth: number) => boolean;
  readonly arrives: boolean;
  /** What the next run says, where it does not know what has become of the request: how it is told then. */
  readonly unknown?: (id: string | undefined) => string[];
  readonly policy?: string;
}

const ends = (method: string, end: string) => (request: Request) =>
  request.method === method && new URL(request.url).pathname.endsWith(end);
const isPublish = ends("POST", "/_trust/tuf/");
const isSubmit = ends("POST", "/SubmitWithArtifact");
const isStatus = ends("GET", "/Status");

const STEPS: readonly Step[] = [
  { name: "before it files", isIt: ends("GET", "/MySigningPolicies"), arrives: true },
  { name: "as it files, unheard", isIt: isSubmit, arrives: false, unknown: () => ["--new-signing-request"] },
  { name: "filed, before the answer", isIt: isSubmit, arrives: true, unknown: (id) => ["--signing-request-id", id!] },
  {
    name: "as it waits",
    isIt: (request, nth) => isStatus(request) && nth === 2,
    arrives: true,
    policy: POLICIES.manual,
  },
  { name: "as it downloads", isIt: ends("GET", "/SignedArtifact"), arrives: true },
  { name: "before it publishes content trust", isIt: isPublish, arrives: false },
  { name: "published, before it hears of it", isIt: isPublish, arrives: true },
];

/** Between the job and its servers: forwards what comes, until the call of `step`, at which it kills the job. */
function gate(forward: Send, state: { kill?: ((request: Request) => boolean | undefined) | undefined }) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const body = request.body ? await request.bytes() : undefined;
    const copy = () =>
      new Request(request.url, { method: request.method, headers: request.headers, ...body ? { body } : {} });
    const arrives = state.kill?.(copy());
    if (arrives === false) return new Response(null, { status: 500 }); // nobody is there to read it
    return await forward(copy());
  });
}

async function killedAt(stack: SigningStack, agent: Person, gun: string, step: Step, tag: string): Promise<void> {
  await pushImage(stack.peers, gun.slice(gun.indexOf("/") + 1), tag, tag);
  const { send, close } = createSend({ caCerts: [stack.peers.caPem] });
  let child: Deno.ChildProcess | undefined;
  let nth = 0;
  const state: { kill?: ((request: Request) => boolean | undefined) | undefined } = {
    kill(request) {
      if (isStatus(request)) nth++;
      if (!step.isIt(request, nth)) return undefined;
      child?.kill("SIGKILL");
      child = undefined;
      return step.arrives;
    },
  };
  const notary: Send = (request) => {
    const { pathname, search } = new URL(request.url);
    return send(new Request(new URL(pathname + search, stack.peers.notaryUrl), request));
  };
  const signPath = gate(stack.signPath.handle, state);
  const server = gate(notary, state);
  const before = stack.signPath.requests().length;
  const filed = () => stack.signPath.requests().slice(before);
  const env = {
    ...agent.env,
    SIGNPATH_API_URL: `http://localhost:${signPath.addr.port}/API`,
    SIGNPATH_SIGNING_POLICY_SLUG: step.policy ?? POLICIES.automatic,
  };
  const args = [
    ...["sign", "-r", gun, "-t", tag, "--scheme", "dct,cosign,notation"],
    ...["--delegation-certificate", stack.certificatePath, "--ca", `${stack.peers.dir}/cas.pem`],
    ...["--notary-url", `http://localhost:${server.addr.port}`, "--service-unavailable-timeout", "0"],
  ];
  const run = (...more: string[]) => tagseal([...args, ...more], { env, cwd: agent.home });
  try {
    child = startProgram("sign", args, agent.home, env);
    const first = await child.output();
    assert.equal(first.signal, "SIGKILL", new TextDecoder().decode(first.stderr));
    state.kill = undefined;
    for (const { id, workflowStatus } of filed()) {
      if (workflowStatus === "WaitingForApproval") await stack.signPath.approve(id);
    }
    let again = await run();
    if (step.unknown) {
      assert.equal(again.code, 6, again.stderr);
      assert.match(again.stderr, /may be there already: a run was ended while it was filing it/);
      again = await run(...step.unknown(filed()[0]?.id));
    }
    assert.equal(again.code, 0, again.stderr);
    assert.equal(filed().length, 1, "one request in all");
    await isSigned(stack, agent, gun, tag);
  } finally {
    await Promise.all([signPath.shutdown(), server.shutdown()]);
    close();
  }
}

async function isSigned(stack: SigningStack, agent: Person, gun: string, tag: string): Promise<void> {
  await agent.succeeds("verify", "-r", gun, "-t", tag);
  await agent.succeeds("verify", "-r", gun, "-t", tag, "--scheme", "cosign", "--key", stack.certificatePath);
  await agent.succeeds("verify", "-r", gun, "-t", tag, "--scheme", "notation", "--certificate", stack.certificatePath);
}

stackTest(REAL, "killed jobs go on with their signing request", [], async (t) => {
  await using stack = await startSigningStack({ stack: REAL, algorithm: "ecdsa-p256" });
  const admin = await stack.admin("admin");
  const gun = `${stack.peers.registryHost}/killed/app`;
  await admin.succeeds("init", "-r", gun, "--delegation-certificate", stack.certificatePath);
  const agent = await stack.agent("agent");
  for (const [i, step] of STEPS.entries()) {
    await t.step(step.name, () => killedAt(stack, agent, gun, step, `step${i}`));
  }
  await t.step("what is over is noted as published", () => {
    const folder = `${agent.home}/.docker/trust/signing-requests`;
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".json"));
    const left = names.map((name) => JSON.parse(Deno.readTextFileSync(`${folder}/${name}`)));
    // That of the last step: its job did not live to note it. In a week whoever files here forgets it.
    assert.equal(left.filter(({ publishedAt }) => publishedAt === undefined).length, 1);
  });
});
