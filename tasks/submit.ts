/** `tagseal submit`: the second of the four steps. @module */
import type { Bytes } from "../lib/bytes/bytes.ts";
import { connectionFlags, signPathFlags, submissionFlags, waitFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openNetwork, openSignPath } from "../lib/cli/connect.ts";
import { required, text, toggle } from "../lib/cli/flags.ts";
import { readArtifact, requireFree, signedPath, submitArtifact, writeArtifact } from "../lib/cli/signing.ts";
import { TagsealError } from "../lib/errors.ts";
import { downloadWhenSigned } from "../lib/flows/request_signature.ts";
import { readSigningData } from "../lib/signpath/signing_data.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Sends a signing data file to SignPath and prints the signing request's id; with --wait-for-completion it " +
    "waits and downloads the signed file. Replaces Submit-SigningRequest.",
  flags: {
    inputArtifactPath: required("--input-artifact-path <file>", "the ZIP from tagseal signing-data"),
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
    const { force, waitForCompletion, waitForCompletionTimeout: timeoutMs } = values;
    const file = await readArtifact(host, values.inputArtifactPath);
    await requireUnsigned(file);
    const path = values.outputArtifactPath ?? signedPath(values.inputArtifactPath);
    if (waitForCompletion) await requireFree(host, path, force);
    const client = openSignPath(values, host, await openNetwork(values, host));
    const request = await submitArtifact(client, values, host, file);
    const { signingRequestId, url } = request;
    if (!waitForCompletion) {
      // It is filed, whatever comes of asking how far it is.
      const ask = () => client.status(signingRequestId, { signal: host.signal, unavailableTimeoutMs: 0 });
      const status = values.json ? await ask().then((answer) => answer.status, () => "InProgress") : "InProgress";
      return { json: { signingRequestId, url, status }, lines: [signingRequestId] };
    }
    const { now, sleep, signal, info: onProgress } = host;
    const signed = await downloadWhenSigned(client, signingRequestId, { timeoutMs, now, sleep, signal, onProgress });
    await writeArtifact(host, path, signed, force);
    const json = { signingRequestId, url, status: "Completed", outputArtifactPath: path };
    return { json, lines: [signingRequestId] };
  },
});

/** Better refused here than by an approver. */
async function requireUnsigned(file: Bytes): Promise<void> {
  const { signatures } = await readSigningData(file);
  if (signatures.size === 0) return;
  throw new TagsealError("bad-input", "The file is signed already", { remedy: "Publish it with tagseal push" });
}
