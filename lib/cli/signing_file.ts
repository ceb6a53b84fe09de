/** A signing data file that the user names. @module */
import { commandLine } from "./command_line.ts";
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { readSigningData, type SigningData, writeSigningData } from "../schemes/signing_data.ts";
import { unsignedPaths } from "../signing/signed_file.ts";
import type { Host } from "./host.ts";
import { readArtifact } from "./signing.ts";

/** What the reader says of a file whose name it does not know. */
const SAME = /^The (?:file is not Docker signing data|ZIP file cannot be used): /;

/**
 * Reads the file at `path`; its error names the path.
 *
 * @throws {TagsealError} `not-found`; `bad-input`; `trust-invalid` where a payload is not the one that its manifest names
 */
export async function readSigningFile(
  host: Host,
  path: string,
): Promise<{ readonly bytes: Bytes; readonly data: SigningData }> {
  const bytes = await readArtifact(host, path);
  try {
    return { bytes, data: await readSigningData(bytes) };
  } catch (error) {
    if (!isTagsealError(error, "bad-input")) throw error;
    const { message, remedy, details, cause } = error;
    throw new TagsealError("bad-input", `"${path}" is not a signing data file: ${message.replace(SAME, "")}`, {
      remedy,
      details: { ...details, path },
      cause,
    });
  }
}

/**
 * Refuses to publish a file without signatures, with what is to be done about it: one that was never sent, or one that came
 * back unsigned, is told by its bytes. No service writes a ZIP as this program does.
 *
 * @throws {TagsealError} `bad-input`
 */
export async function requireSignedFile(path: string, bytes: Bytes, data: SigningData): Promise<void> {
  if (data.signatures.size > 0) return;
  const isAsWritten = equalBytes(bytes, await writeSigningData(data));
  throw new TagsealError(
    "bad-input",
    isAsWritten
      ? `"${path}" was not signed: it is as ${commandLine("signing-data")} wrote it`
      : `"${path}" came back from SignPath unsigned: the project's artifact configuration does not sign ` +
        unsignedPaths(data),
    {
      remedy: isAsWritten
        ? `Submit it with ${commandLine("submit", "--wait-for-completion")}, then push the file that this writes`
        : `Give the project what ${
          commandLine("signing-data", "--print-artifact-configuration")
        } prints, then submit anew`,
      details: { path, reason: isAsWritten ? "never-submitted" : "came-back-unsigned" },
    },
  );
}

/** Signing data that nobody has signed yet, where it is at `path`; nothing where that is free, or holds something else. */
export async function readUnsigned(host: Host, path: string): Promise<SigningData | undefined> {
  try {
    const { data } = await readSigningFile(host, path);
    return data.signatures.size === 0 ? data : undefined;
  } catch (error) {
    if (isTagsealError(error)) return undefined;
    throw error;
  }
}
