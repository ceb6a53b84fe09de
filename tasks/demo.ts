/** `tagseal demo`: the whole story on the embedded stack, with the real commands and their real output. @module */
import { type Command, defineCommand, runTagseal } from "../lib/cli/command.ts";
import { createHost, type Host } from "../lib/cli/host.ts";
import { TagsealError } from "../lib/errors.ts";
import { removeFolder, removeIfEmpty } from "../lib/files/files.ts";
import { pushTinyImage } from "../lib/local/image.ts";
import { type LocalStack, startLocalStack } from "../lib/local/stack.ts";
import { tamperedArtifact } from "../lib/local/tampering.ts";
import { writeArtifact } from "../lib/cli/signing.ts";
import { utf8 } from "../lib/bytes/bytes.ts";
import { COMMANDS } from "./commands.ts";

const PASSPHRASE = "only for this demo";

/** Runs one command as a user would see it, and insists on how it ends. */
type Step = (args: readonly string[], expected: number, env?: Readonly<Record<string, string>>) => Promise<void>;

/** The command. */
export const command: Command = defineCommand({
  description:
    "Starts the embedded stack, pushes an image, and goes the whole way: init, add-delegation, sign on an agent " +
    "without keys, verify; an unsigned tag is refused, and a signing service that cheats is caught. Leaves nothing behind.",
  flags: {},
  environment: [],
  example: "tagseal demo",
  async run(values, host) {
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
      await new Story(stack, host, folder, say).tell((on) => cheating = on);
    } finally {
      await removeFolder(folder);
      await removeIfEmpty(parent);
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    return { json: { ok: true, seconds: Number(seconds) }, lines: [`Done in ${seconds} s. Nothing is left behind.`] };
  },
});

class Story {
  readonly #gun: string;

  constructor(
    readonly stack: LocalStack,
    readonly host: Host,
    readonly folder: string,
    readonly say: (line: string) => void,
  ) {
    this.#gun = `${stack.host}/demo/app`;
  }

  async tell(cheat: (on: boolean) => void): Promise<void> {
    const { stack, host, folder, say } = this;
    const gun = this.#gun;
    await writeArtifact(host, `${folder}/ca.pem`, utf8(stack.caPem), true);
    await writeArtifact(host, `${folder}/signpath.cer`, stack.certificate, true);
    const send = host.connect({ caCerts: [stack.caPem] });
    const push = async (tag: string) => {
      const digest = await pushTinyImage(send, new URL(stack.notaryUrl), "demo/app", tag, `hello from ${tag}\n`);
      say(`  (pushed ${gun}:${tag}, ${digest.slice(0, 19)}…)`);
    };
    say(`Registry, Notary server and SignPath service are up at https://${stack.host}.`);

    this.#heading("A build pushes its image");
    await push("v1");

    this.#heading("The repository's admin sets it up, once, and lets SignPath's key sign");
    const admin = this.#machine("admin", {
      NOTARY_ROOT_PASSPHRASE: PASSPHRASE,
      NOTARY_TARGETS_PASSPHRASE: PASSPHRASE,
    });
    await admin(["init", "-r", gun, "--output-artifact-path", "root.pem"], 0);
    await admin(["add-delegation", "-r", gun, "--delegation-certificate", "signpath.cer"], 0);

    this.#heading("The build agent signs. It has an API token, and no key");
    const agent = this.#machine("agent", {
      SIGNPATH_API_URL: stack.apiUrl,
      SIGNPATH_API_TOKEN: stack.apiToken,
      SIGNPATH_ORGANIZATION_ID: stack.organizationId,
      SIGNPATH_PROJECT_SLUG: stack.projectSlug,
      SIGNPATH_SIGNING_POLICY_SLUG: stack.policies.automatic,
    });
    await agent(["sign", "-r", gun, "-t", "v1", "--root-pin", "root.pem"], 0);

    this.#heading("Whoever pulls can prove it, and an unsigned tag is refused");
    await push("v2");
    const consumer = this.#machine("consumer", {});
    await consumer(["verify", "-r", gun, "-t", "v1", "--root-pin", "root.pem"], 0);
    await consumer(["verify", "-r", gun, "-t", "v2", "--root-pin", "root.pem"], 3);

    this.#heading("A signing service that sends back something else is caught; nothing is published");
    cheat(true);
    await agent(["sign", "-r", gun, "-t", "v2", "--root-pin", "root.pem"], 3);
    cheat(false);
    await consumer(["list", "-r", gun, "--root-pin", "root.pem"], 0);
    say("");
  }

  #heading(text: string): void {
    this.say("");
    this.say(text);
  }

  /** A machine of its own: a home directory, variables, and the demo's folder as the current one. */
  #machine(name: string, variables: Readonly<Record<string, string>>): Step {
    const env: Readonly<Record<string, string>> = {
      HOME: `${this.folder}/${name}`,
      TAGSEAL_CWD: this.folder,
      ...variables,
    };
    const print = (text: string) => {
      for (const line of text.trimEnd().split("\n")) this.say(`  ${line.replace(`${this.folder}/`, "")}`);
    };
    return async (args, expected) => {
      this.say(`  ${name}$ tagseal ${args.join(" ")}`);
      const full = [...args, "--ca", "ca.pem"];
      const code = await runTagseal(full, COMMANDS, "demo", {
        out: print,
        err: print,
        host: (flags) =>
          createHost({ ...flags, noInput: true }, {
            out: print,
            err: print,
            env: (variable) => env[variable],
            signal: this.host.signal,
          }),
      });
      if (code === 130) throw this.host.signal.reason;
      if (code === expected) return code === 0 ? undefined : print(`(exit code ${code}, as it must be)`);
      throw new TagsealError("unexpected", `"tagseal ${args[0]}" ended with exit code ${code}, not ${expected}`, {
        remedy: "Report this with the whole output",
      });
    };
  }
}
