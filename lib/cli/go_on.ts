/** What is left to do about a signing request whose command failed: as commands that can be pasted. @module */
import { isTagsealError, reworded } from "../errors.ts";
import type { FailedRepository } from "../signing/outcomes.ts";
import { keyOf, schemesOf } from "../schemes/signing_data.ts";
import { UnsignedFileError } from "../signing/signed_file.ts";
import { commandLine } from "./command_line.ts";
import { connectionFlags, notaryFlags, registryFlags, signPathFlags } from "./common_flags.ts";
import { retyped, type Typed } from "./flags.ts";
import { remedyOf } from "./hints.ts";
import type { Host } from "./host.ts";

/** What the user has typed of what the commands to come need. */
export interface GoOn {
  /** The only repository, where there is one. */
  readonly repository: string | undefined;
  /** Where the signed file is to go; published without it. */
  readonly outputArtifactPath: string | undefined;
  /** Whether a file that is there already may be replaced. */
  readonly force: boolean;
  /** The whole command line. */
  readonly typed: Typed;
}

/** Runs `work`; its failure tells how to go on with the signing request that it is about. */
export async function withGoOn<T>(how: GoOn, host: Host, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await tellingHow(error, how, host);
  }
}

/** The same for each of several repositories; one failure that has hit many stays one. */
export async function tellingAllHow(
  failed: readonly FailedRepository[],
  how: GoOn,
  host: Host,
): Promise<FailedRepository[]> {
  const told = new Map<unknown, unknown>();
  for (const { error } of failed) if (!told.has(error)) told.set(error, await tellingHow(error, how, host));
  return failed.map(({ repository, error }) => ({ repository, error: told.get(error) }));
}

/** `error`, with the commands that go on with its signing request, where that goes on. */
async function tellingHow(error: unknown, how: GoOn, host: Host): Promise<unknown> {
  if (error instanceof UnsignedFileError) return await withArtifactConfiguration(error, host);
  if (!isTagsealError(error) || !error.request?.goesOn) return error;
  const { id, webLink } = error.request;
  const page = webLink === undefined ? "" : `. Its page: ${webLink}`;
  return reworded(error, error.message, { remedy: `${remedyOf(error)}${page}. Go on with: ${commandsFor(id, how)}` });
}

/** The commands that publish what a signing request signs. */
function commandsFor(id: string, { repository, outputArtifactPath: path, force, typed }: GoOn): string {
  const atSignPath = { ...signPathFlags, ...connectionFlags };
  const atServers = { ...notaryFlags, ...registryFlags, ...connectionFlags };
  const only = repository === undefined ? [] : ["-r", repository];
  if (path === undefined) return commandLine("resume", id, ...only, ...retyped({ ...atSignPath, ...atServers }, typed));
  const download = ["download", id, "--output-artifact-path", path, ...force ? ["--force"] : []];
  const push = ["push", ...only, "--input-artifact-path", path];
  return `${commandLine(...download, ...retyped(atSignPath, typed))} && ${
    commandLine(...push, ...retyped(atServers, typed))
  }`;
}

/** Shows what the project lacks; a script finds the command that prints it. */
async function withArtifactConfiguration(error: UnsignedFileError, host: Host): Promise<unknown> {
  const shape = keyOf(error.file)?.shape;
  const schemes = schemesOf(error.file);
  if (shape?.family === "ed25519") return error;
  const { configurationFor } = await import("./artifact_configuration.ts"); // what all schemes sign with
  host.info("The artifact configuration that the project needs:");
  for (const line of configurationFor(schemes, shape).split("\n")) host.info(line);
  const isPlain = schemes.join() === "dct";
  const scheme = isPlain ? [] : ["--scheme", schemes.join(",")];
  // What stands in angles is to be filled in, and so is no word of a command to paste.
  const certificate = isPlain && (shape?.family ?? "rsa") === "rsa" ? "" : " --delegation-certificate <file>";
  const command = `${commandLine("signing-data", "--print-artifact-configuration", ...scheme)}${certificate}`;
  return reworded(error, error.message, { remedy: `${remedyOf(error)}. It is printed by: ${command}` });
}
