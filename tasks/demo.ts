/** `tagseal demo`: the whole story on the embedded stack, with the real commands and their real output. @module */
import { utf8 } from "../lib/bytes/bytes.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { writeArtifact } from "../lib/cli/signing.ts";
import { TagsealError } from "../lib/errors.ts";
import { removeFolder, removeIfEmpty } from "../lib/files/files.ts";
import { exchange, type Send } from "../lib/http/send.ts";
import { pushTinyImage } from "../lib/local/image.ts";
import { type LocalStack, startLocalStack } from "../lib/local/stack.ts";
import { tamperedArtifact } from "../lib/local/tampering.ts";
import { machine, shortened, type Stage } from "./demo_machine.ts";

const PASSPHRASE = "only for this demo";
const IMAGE = "demo/app";
/** Pins come from a variable, as in CI. */
const PIN = { TAGSEAL_ROOT_PIN: "root.pem" };

/** The command. */
export const command: Command = defineCommand({
  description:
    "Starts the embedded stack, pushes an image, and goes the whole way: init, add-delegation, sign on an agent " +
    "without keys, verify; an unsigned tag is refused, a signing service that cheats is caught, and a person approves " +
    "between the four steps. Leaves nothing behind.",
  flags: {},
  example: "tagseal demo",
  async run(values, host, _argument, commands) {
    const started = performance.now();
    const parent = host.path(".tagseal-demo");
    const folder = `${parent}/${crypto.randomUUID()}`; // another demo may be running
    let cheating = false;
    await using stack = await startLocalStack({
      port: 0,
      now: host.now,
      algorithm: "rsa-2048",
      betweenSignPath: async (request, handle) => {
        const response = await handle(request);
        return cheating && request.url.endsWith("/SignedArtifact") ? await tamperedArtifact(response) : response;
      },
    });
    try {
      const say = values.json ? host.info : host.out;
      await tell(stack, { host, commands, folder, say }, (on) => cheating = on);
    } finally {
      await removeFolder(folder);
      await removeIfEmpty(parent);
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    return { json: { ok: true, seconds: Number(seconds) }, lines: [`Done in ${seconds} s. Nothing is left behind.`] };
  },
});

async function tell(stack: LocalStack, stage: Stage, cheat: (on: boolean) => void): Promise<void> {
  const { host, folder, say } = stage;
  const gun = `${stack.host}/${IMAGE}`;
  await writeArtifact(host, `${folder}/ca.pem`, utf8(stack.caPem), true);
  await writeArtifact(host, `${folder}/signpath.cer`, stack.certificate, true);
  const send = host.connect({ caCerts: [stack.caPem] });
  const push = async (tag: string) => {
    const digest = await pushTinyImage(send, new URL(stack.notaryUrl), IMAGE, tag, `hello from ${tag}\n`);
    say(`  (pushed ${gun}:${tag}, ${shortened(digest)})`);
  };
  const heading = (text: string) => {
    say("");
    say(text);
  };
  say(`Registry, Notary server and SignPath service are up at https://${stack.host}.`);
  say("Commands and output are real; long ids are cut short (…), and each command also has --ca ca.pem.");

  heading("A build pushes its image");
  await push("v1");

  heading("The repository's admin sets it up, once, and lets SignPath's key sign");
  const admin = machine(stage, "admin", { NOTARY_ROOT_PASSPHRASE: PASSPHRASE, NOTARY_TARGETS_PASSPHRASE: PASSPHRASE });
  await admin(["init", "-r", gun, "--output-artifact-path", "root.pem"]);
  await admin(["add-delegation", "-r", gun, "--delegation-certificate", "signpath.cer"]);
  await admin(["keys"]);

  heading("The build agent has variables, the root's certificate, and no key. It looks first, then it signs");
  const signPath = {
    SIGNPATH_API_URL: stack.apiUrl,
    SIGNPATH_API_TOKEN: stack.apiToken,
    SIGNPATH_ORGANIZATION_ID: stack.organizationId,
    SIGNPATH_PROJECT_SLUG: stack.projectSlug,
  };
  const automatic = { ...PIN, ...signPath, SIGNPATH_SIGNING_POLICY_SLUG: stack.policies.automatic };
  for (const [name, value] of Object.entries(automatic)) {
    say(`  agent: ${name}=${name.endsWith("TOKEN") ? "(secret)" : shortened(value)}`);
  }
  const agent = machine(stage, "agent", automatic);
  await agent(["sign", "-r", gun, "-t", "v1", "--dry-run"]);
  await agent(["sign", "-r", gun, "-t", "v1"]);
  await agent(["keys"]);

  heading("Whoever pulls can prove it, and an unsigned tag is refused");
  await push("v2");
  const consumer = machine(stage, "consumer", PIN);
  await consumer(["verify", "-r", gun, "-t", "v1"]);
  await consumer(["verify", "-r", gun, "-t", "v2"], 3);

  heading("A signing service that sends back something else is caught; nothing is published");
  cheat(true);
  await agent(["sign", "-r", gun, "-t", "v2"], 3);
  cheat(false);
  await consumer(["list", "-r", gun]);

  heading("The four steps, with a person who approves in between. Another machine publishes");
  const builder = machine(stage, "agent", { ...automatic, SIGNPATH_SIGNING_POLICY_SLUG: stack.policies.manual });
  await builder(["signing-data", "-r", gun, "-t", "v2", "--output-artifact-path", "data.zip"]);
  const id = await builder(["submit", "--input-artifact-path", "data.zip"]);
  const publisher = machine(stage, "publisher", { ...PIN, ...signPath });
  const download = ["download", id, "--output-artifact-path", "signed.zip"];
  await publisher([...download, "--wait-for-completion-timeout", "0"], 8);
  await approve(stack, send, id);
  say(`  (approved at SignPath: ${shortened(id)})`);
  await publisher(download);
  await publisher(["push", "-r", gun, "--input-artifact-path", "signed.zip"]);

  heading("Docker Content Trust ends: the same key signs for cosign and Notation, in one request");
  await agent(["sign", "-r", gun, "-t", "v1,v2", "--scheme", "cosign,notation"]);
  await consumer(["verify", "-r", gun, "-t", "v1", "--scheme", "cosign", "--key", "signpath.cer"]);
  await consumer([
    "policy",
    "-r",
    gun,
    "--for",
    "podman",
    "--delegation-certificate",
    "signpath.cer",
    "--output-dir",
    "verifiers",
  ]);

  heading("What everybody sees now");
  await consumer(["inspect", "-r", gun]);
  say("");
}

/** What an approver's click does. */
async function approve({ apiUrl, apiToken, organizationId }: LocalStack, send: Send, id: string): Promise<void> {
  const { status } = await exchange(send, {
    service: "SignPath",
    url: new URL(`${apiUrl}/v1/${organizationId}/SigningRequests/${id}/Approve`),
    method: "POST",
    headers: { authorization: `Bearer ${apiToken}` },
    maxBytes: 65536,
    timeoutMs: 30_000,
  });
  if (status === 200) return;
  throw new TagsealError("unexpected", `The approval is answered with status ${status}`, {
    remedy: "Report this with the whole output",
  });
}
