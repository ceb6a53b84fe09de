/** `tagseal submit`: the second of the four steps. @module */
import type { Bytes } from "../lib/bytes/bytes.ts";
import { connectionFlags, signPathFlags, submissionFlags, waitFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openNetwork, openSignPath } from "../lib/cli/connect.ts";
import { requireGiven, text, toggle, type Values } from "../lib/cli/flags.ts";
import type { Host } from "../lib/cli/host.ts";
import {
  readArtifact,
  requireFree,
  resubmitArtifact,
  signedPath,
  submitArtifact,
  writeArtifact,
} from "../lib/cli/signing.ts";
import { waitAndDownload } from "../lib/cli/waiting.ts";
import { TagsealError } from "../lib/errors.ts";
import type { SignPathClient } from "../lib/signpath/client.ts";
import { readSigningData } from "../lib/signpath/signing_data.ts";
import type { SubmittedRequest } from "../lib/signpath/types.ts";

const sourceFlags = {
  inputArtifactPath: text("--input-artifact-path <file>", "the ZIP from tagseal signing-data"),
  resubmit: toggle(
    "--resubmit",
    "have an earlier signing request's artifact signed once more; project, configuration, parameters stay",
  ),
  originalSigningRequestId: text("--original-signing-request-id <id>", "that signing request, for --resubmit"),
};
type SourceValues = Values<typeof sourceFlags & typeof submissionFlags>;

/** The command. */
export const command: Command = defineCommand({
  description:
    "Sends a signing data file to SignPath and prints the signing request's id; with --wait-for-completion it " +
    "waits and downloads the signed file. Replaces Submit-SigningRequest.",
  flags: {
    ...sourceFlags,
    ...signPathFlags,
    ...submissionFlags,
    waitForCompletion: toggle("--wait-for-completion", "wait, then download the signed file"),
    ...waitFlags,
    outputArtifactPath: text("--output-artifact-path <file>", "where to write it (<input>.signed.zip)"),
    force: toggle("--force", "replace the file if it exists"),
    ...connectionFlags,
  },
  environment: ["HTTPS_PROXY", "NO_PROXY"],
  example: "id=$(tagseal submit --input-artifact-path data.zip --project-slug app --signing-policy-slug release)",
  async run(values, host) {
    const { force, waitForCompletion } = values;
    const { standardPath, submit } = await sourceOf(values, host);
    const path = values.outputArtifactPath ?? standardPath;
    if (waitForCompletion) await requireFree(host, path, force);
    const client = openSignPath(values, host, await openNetwork(values, host));
    const request = await submit(client);
    const { signingRequestId, url } = request;
    if (!waitForCompletion) {
      // It is filed, whatever comes of asking how far it is.
      const ask = () => client.status(signingRequestId, { signal: host.signal, unavailableTimeoutMs: 0 });
      const status = values.json ? await ask().then((answer) => answer.status, () => "InProgress") : "InProgress";
      return { json: { signingRequestId, url, status }, lines: [signingRequestId] };
    }
    await writeArtifact(host, path, await waitAndDownload(client, signingRequestId, values, host), force);
    const json = { signingRequestId, url, status: "Completed", outputArtifactPath: path };
    return { json, lines: [signingRequestId] };
  },
});

/** What is submitted, how, and where its signed version goes unless said. */
interface Source {
  readonly standardPath: string;
  submit(client: SignPathClient): Promise<SubmittedRequest>;
}

async function sourceOf(values: SourceValues, host: Host): Promise<Source> {
  const { inputArtifactPath: input, resubmit, originalSigningRequestId: original } = values;
  if (resubmit !== (original !== undefined) || (resubmit && input !== undefined)) {
    throw new TagsealError("usage", "It is not clear what to submit", {
      remedy: "Give --input-artifact-path <file>, or --resubmit with --original-signing-request-id <id>",
    });
  }
  if (original === undefined) {
    const path = requireGiven(sourceFlags.inputArtifactPath, input);
    const file = await readArtifact(host, path);
    await requireUnsigned(file);
    return { standardPath: signedPath(path), submit: (client) => submitArtifact(client, values, host, file) };
  }
  const id = original;
  return {
    standardPath: `${id.replaceAll(/[^A-Za-z0-9-]/g, "_")}.resubmitted.zip`,
    submit: (client) => resubmitArtifact(client, values, host, id),
  };
}

/** Better refused here than by an approver. */
async function requireUnsigned(file: Bytes): Promise<void> {
  const { signatures } = await readSigningData(file);
  if (signatures.size === 0) return;
  throw new TagsealError("bad-input", "The file is signed already", { remedy: "Publish it with tagseal push" });
}
