/** `tagseal download`: the third of the four steps. @module */
import { connectionFlags, signPathFlags, waitFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { text, toggle } from "../lib/cli/flags.ts";
import { withGoOn } from "../lib/cli/go_on.ts";
import type { Host } from "../lib/cli/host.ts";
import { isTaken, requireFree } from "../lib/cli/signing.ts";
import { saveSigned } from "../lib/cli/waiting.ts";
import type { SignPathClient } from "../lib/signpath/client.ts";

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
    const client = await openSession(values, host).signPath();
    await requireFree(host, path, values.force || await mayBeThis(client, signingRequestId, path, host));
    await withGoOn(
      { ...values, repository: undefined, outputArtifactPath: path },
      host,
      () => saveSigned(client, signingRequestId, path, values, host),
    );
    return { json: { signingRequestId, outputArtifactPath: path }, lines: [path] };
  },
});

/** A file from before may be this very one, where there is no more to wait for. */
async function mayBeThis(client: SignPathClient, id: string, path: string, host: Host): Promise<boolean> {
  return await isTaken(host, path) && (await client.status(id, { signal: host.signal })).status === "Completed";
}
