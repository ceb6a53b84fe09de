/** `tagseal sign`: the main job in one command. @module */
import {
  buildFlags,
  connectionFlags,
  delegationFlags,
  notaryFlags,
  registryFlags,
  renewFlags,
  signPathFlags,
  submissionFlags,
  tagFlags,
  waitFlags,
  workFlags,
} from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openNetwork } from "../lib/cli/connect.ts";
import { dryRunFlag } from "../lib/cli/dry_run.ts";
import { TOKEN_VARIABLES } from "../lib/cli/key_stores.ts";
import { passphraseVariables } from "../lib/cli/passphrases.ts";
import { openNeededMethod, runSigning, signingMethodFlags } from "../lib/cli/signing_method.ts";
import { openWork, readWork } from "../lib/cli/work.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Looks the tags up in the registry, has the new trust data signed by SignPath (or by a key at hand), checks what " +
    "comes back, publishes it to the Notary server and reads it back. Replaces Invoke-DockerSigning.",
  flags: {
    ...workFlags,
    ...tagFlags,
    ...buildFlags,
    ...dryRunFlag,
    ...signingMethodFlags,
    ...renewFlags,
    ...signPathFlags,
    ...submissionFlags,
    ...waitFlags,
    ...delegationFlags,
    ...notaryFlags,
    ...registryFlags,
    ...connectionFlags,
  },
  environment: [
    "NOTARY_AUTH",
    "REGISTRY_AUTH",
    "DOCKER_CONFIG",
    "HTTPS_PROXY",
    "NO_PROXY",
    ...passphraseVariables("delegation"),
    ...TOKEN_VARIABLES,
  ],
  example: "tagseal sign -r docker.io/acme/app -t v1,1.2.17 --project-slug app --signing-policy-slug release",
  async run(values, host) {
    const wanted = await readWork(values, host);
    const send = await openNetwork(values, host);
    const method = openNeededMethod(values, host, send);
    const access = values.dryRun ? "pull" : "push,pull";
    const work = await openWork(wanted, values, host, send, access, method?.signer);
    return await runSigning(work, method, values, host);
  },
});
