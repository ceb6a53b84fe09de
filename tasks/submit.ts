/** `tagseal submit`: the second of the four steps. @module */
import { commandLine } from "../lib/cli/command_line.ts";
import { connectionFlags, signPathFlags, submissionFlags, waitFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { withGoOn } from "../lib/cli/go_on.ts";
import { ifGiven, text, toggle, type Values } from "../lib/cli/flags.ts";
import type { Host } from "../lib/cli/host.ts";
import { requireFree, resubmitArtifact, signedPath, submissionOf, submitArtifact } from "../lib/cli/signing.ts";
import { warnOfUnclear } from "../lib/cli/signed_report.ts";
import { signPathService } from "../lib/cli/policy_key.ts";
import { readSigningFile } from "../lib/cli/signing_file.ts";
import { saveSigned } from "../lib/cli/waiting.ts";
import { TagsealError } from "../lib/errors.ts";
import { requirePolicyKey } from "../lib/schemes/notary_v1/signing_keys.ts";
import type { SignPathClient } from "../lib/signpath/client.ts";
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
    waitForCompletionTimeout: ifGiven(waitFlags.waitForCompletionTimeout),
    outputArtifactPath: text(
      "--output-artifact-path <file>",
      "where to write it (<input>.signed.zip; of data.zip: data.signed.zip)",
    ),
    force: toggle("--force", "replace the file if it exists"),
    ...connectionFlags,
  },
  example: "id=$(tagseal submit --input-artifact-path data.zip --project-slug app --signing-policy-slug release)",
  async run(values, host) {
    const { force, waitForCompletion } = values;
    if (!waitForCompletion) requireNoWaiting(values);
    const { standardPath, repository, submit } = await sourceOf(values, host);
    const path = values.outputArtifactPath ?? standardPath;
    if (waitForCompletion) await requireFree(host, path, force);
    const client = await openSession(values, host).signPath();
    const request = await submit(client);
    const { signingRequestId, url, unclearRequests } = request;
    const filed = { signingRequestId, url, ...(unclearRequests === undefined ? {} : { unclearRequests }) };
    if (!waitForCompletion) {
      // It is filed, whatever comes of asking how far it is.
      const ask = () => client.status(signingRequestId, { signal: host.signal, unavailableTimeoutMs: 0 });
      const status = values.json ? await ask().then((answer) => answer.status, () => "InProgress") : "InProgress";
      warnOfUnclear(unclearRequests ?? 0, host);
      return { json: { ...filed, status }, lines: [signingRequestId] };
    }
    await withGoOn(
      { ...values, repository, outputArtifactPath: path },
      host,
      () => saveSigned(client, signingRequestId, path, values, host),
    );
    host.info(`Signed file: ${path}`);
    warnOfUnclear(unclearRequests ?? 0, host);
    return { json: { ...filed, status: "Completed", outputArtifactPath: path }, lines: [signingRequestId] };
  },
});

/** What is submitted, how, and where its signed version goes unless said. */
interface Source {
  readonly standardPath: string;
  /** The only repository, where it is known that there is one. */
  readonly repository: string | undefined;
  submit(client: SignPathClient): Promise<SubmittedRequest>;
}

async function sourceOf(values: SourceValues, host: Host): Promise<Source> {
  const { inputArtifactPath: input, resubmit, originalSigningRequestId: original } = values;
  if (resubmit && input !== undefined) throw unclear("--resubmit and --input-artifact-path exclude each other");
  if (resubmit) {
    if (original === undefined) throw unclear("--original-signing-request-id is missing");
    return {
      standardPath: `${original.replaceAll(/[^A-Za-z0-9-]/g, "_")}.resubmitted.zip`,
      repository: undefined,
      submit: (client) => resubmitArtifact(client, values, host, original),
    };
  }
  if (original !== undefined) throw unclear("--original-signing-request-id is for --resubmit, which is missing");
  if (input === undefined) throw unclear("--input-artifact-path is missing");
  const { bytes, data } = await readSigningFile(host, input);
  // Better refused here than by an approver.
  if (data.signatures.size > 0) {
    throw new TagsealError("bad-input", "The file is signed already", {
      remedy: `Publish it with ${commandLine("push")}`,
    });
  }
  const [first, ...others] = data.repositories;
  return {
    standardPath: signedPath(input),
    repository: others.length === 0 ? first?.repository : undefined,
    async submit(client) {
      const policy = await signPathService(client, submissionOf(values), host).policyKey?.();
      for (const { repository, delegationKeyId, alternativeKeyIds = [] } of policy ? data.repositories : []) {
        requirePolicyKey(repository, [delegationKeyId, ...alternativeKeyIds], policy!);
      }
      return await submitArtifact(client, values, host, bytes, data);
    },
  };
}

function unclear(message: string): TagsealError {
  return new TagsealError("usage", message, {
    remedy: "Give --input-artifact-path <file>, or --resubmit with --original-signing-request-id <id>",
  });
}

/** Who says where the signed file goes, or how long to wait for it, expects one. */
function requireNoWaiting(
  { outputArtifactPath, waitForCompletionTimeout }: {
    readonly outputArtifactPath: string | undefined;
    readonly waitForCompletionTimeout: number | undefined;
  },
): void {
  const flag = outputArtifactPath !== undefined ? "--output-artifact-path" : "--wait-for-completion-timeout";
  if (outputArtifactPath === undefined && waitForCompletionTimeout === undefined) return;
  throw new TagsealError("usage", `${flag} is for --wait-for-completion, which is missing`, {
    remedy: `Give --wait-for-completion as well, or leave ${flag} out; ${commandLine("download")} has it, too`,
  });
}
