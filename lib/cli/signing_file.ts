/** A signing data file that the user names. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { readSigningData, type SigningData } from "../signpath/signing_data.ts";
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
