/** `tagseal sign`: the main job in one command. @module */
import {
  buildFlags,
  connectionFlags,
  delegationFlags,
  notaryFlags,
  registryFlags,
  renewFlags,
  repositoryFlag,
  signPathFlags,
  submissionFlags,
  tagFlags,
  waitFlags,
} from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openNetwork, openSignPath } from "../lib/cli/connect.ts";
import { openTagsToSign, signedLines, submitArtifact } from "../lib/cli/signing.ts";
import { downloadWhenSigned } from "../lib/flows/request_signature.ts";
import { signTags } from "../lib/flows/sign_tags.ts";

/** How often signing starts over when others publish meanwhile. */
const ATTEMPTS = 10;

/** The command. */
export const command: Command = defineCommand({
  description:
    "Looks the tags up in the registry, has the new trust data signed by SignPath, checks what comes back, " +
    "publishes it to the Notary server and reads it back. Replaces Invoke-DockerSigning.",
  flags: {
    ...repositoryFlag,
    ...tagFlags,
    ...buildFlags,
    ...renewFlags,
    ...signPathFlags,
    ...submissionFlags,
    ...waitFlags,
    ...delegationFlags,
    ...notaryFlags,
    ...registryFlags,
    ...connectionFlags,
  },
  environment: ["NOTARY_AUTH", "REGISTRY_AUTH", "DOCKER_CONFIG", "HTTPS_PROXY", "NO_PROXY"],
  example: "tagseal sign -r docker.io/acme/app -t v1,1.2.17 --project-slug app --signing-policy-slug release",
  async run(values, host) {
    const send = await openNetwork(values, host);
    const client = openSignPath(values, host, send);
    const task = await openTagsToSign(values, host, send, "push,pull");
    const timeoutMs = values.waitForCompletionTimeout;
    const result = await signTags([task], {
      now: host.now,
      attempts: ATTEMPTS,
      onStale: ({ message }) => host.info(`${message}. Starting over on top of it.`),
      async signFile(file) {
        const { signingRequestId } = await submitArtifact(client, values, host, file);
        const { now, sleep, signal, info: onProgress } = host;
        const options = { timeoutMs, now, sleep, signal, onProgress };
        return { signed: await downloadWhenSigned(client, signingRequestId, options), signingRequestId };
      },
    });
    return { json: result, lines: signedLines(result.repositories) };
  },
});
