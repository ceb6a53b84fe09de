/** `tagseal signing-data`: the first of the four steps. @module */
import {
  buildFlags,
  connectionFlags,
  delegationFlags,
  notaryFlags,
  registryFlags,
  renewFlags,
  repositoryFlag,
  tagFlags,
} from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openNetwork } from "../lib/cli/connect.ts";
import { required, toggle } from "../lib/cli/flags.ts";
import { discardArtifact, openTagsToSign, requireFree, writeArtifact } from "../lib/cli/signing.ts";
import { createSigningData } from "../lib/flows/create_signing_data.ts";
import { writeSigningData } from "../lib/signpath/signing_data.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Writes a Docker signing data file (ZIP): what is to be signed, and the verified trust data it was made " +
    "from. Nothing is published. Replaces New-DockerSigningData.",
  flags: {
    ...repositoryFlag,
    ...tagFlags,
    ...buildFlags,
    ...renewFlags,
    outputArtifactPath: required("--output-artifact-path <file>", "where to write the ZIP"),
    force: toggle("--force", "replace the file if it exists"),
    ...delegationFlags,
    ...notaryFlags,
    ...registryFlags,
    ...connectionFlags,
  },
  environment: ["NOTARY_AUTH", "REGISTRY_AUTH", "DOCKER_CONFIG", "HTTPS_PROXY", "NO_PROXY"],
  example: "tagseal signing-data -r docker.io/acme/app -t v1 --output-artifact-path data.zip",
  async run(values, host) {
    const { outputArtifactPath: path, force } = values;
    await requireFree(host, path, force);
    const send = await openNetwork(values, host);
    const task = await openTagsToSign(values, host, send, "pull");
    const { data, unchanged } = await createSigningData([task], host.now());
    const { repositories } = data;
    if (repositories.length === 0) {
      if (force) await discardArtifact(host, path); // what was there is not this signing data
      host.info(`Every tag of "${task.gun}" is signed already as it is: there is nothing to sign, and no file.`);
      return { json: { outputArtifactPath: null, repositories, unchanged }, lines: [] };
    }
    await writeArtifact(host, path, await writeSigningData(data), force);
    for (const { tag, digest, previousDigest } of repositories.flatMap(({ tags }) => tags)) {
      host.info(
        `${task.gun}:${tag} ${digest}${previousDigest && previousDigest !== digest ? ` (was ${previousDigest})` : ""}`,
      );
    }
    return { json: { outputArtifactPath: path, repositories, unchanged }, lines: [path] };
  },
});
