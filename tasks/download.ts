/** `tagseal download`: the third of the four steps. @module */
import { connectionFlags, signPathFlags, waitFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openNetwork, openSignPath } from "../lib/cli/connect.ts";
import { text, toggle } from "../lib/cli/flags.ts";
import { withGoOn } from "../lib/cli/go_on.ts";
import { requireFree } from "../lib/cli/signing.ts";
import { saveSigned } from "../lib/cli/waiting.ts";

/** The command. */
export const command: Command = defineCommand({
  description: "Waits until a signing request is completed and downloads the signed file. Replaces Get-SignedArtifact.",
  argument: { name: "<id>", help: "the signing request's id, from tagseal submit" },
  flags: {
    ...signPathFlags,
    ...waitFlags,
    outputArtifactPath: text("--output-artifact-path <file>", "where to write it (<id>.signed.zip)"),
    force: toggle("--force", "replace the file if it exists"),
    ...connectionFlags,
  },
  example: 'tagseal download "$id" --output-artifact-path signed.zip',
  async run(values, host, signingRequestId) {
    const path = values.outputArtifactPath ?? `${signingRequestId.replaceAll(/[^A-Za-z0-9-]/g, "_")}.signed.zip`;
    await requireFree(host, path, values.force);
    const client = openSignPath(values, host, await openNetwork(values, host));
    await withGoOn(
      { ...values, repository: undefined },
      host,
      () => saveSigned(client, signingRequestId, path, values, host),
    );
    return { json: { signingRequestId, outputArtifactPath: path }, lines: [path] };
  },
});
