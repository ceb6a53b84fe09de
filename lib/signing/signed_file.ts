/** The file that comes back from signing, looked at as soon as it is here. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, type RequestInQuestion, reworded, TagsealError } from "../errors.ts";
import { readSigningFile, type SigningFile } from "./signing_data.ts";

/** A file that a signing request gave back without signatures: its project is not set up to make them. */
export class UnsignedFileError extends TagsealError {
  /** The file. */
  readonly file: SigningFile;

  /** Makes the error for what `request` gave back. */
  constructor(request: RequestInQuestion, file: SigningFile) {
    const all = file.payloads.size;
    const unsigned = all - file.signatures.size;
    const part = unsigned === all ? "" : ` in part (${unsigned} of ${all} payloads)`;
    super(
      "signing-request-failed",
      `SignPath sent the file back unsigned${part}: the project's artifact configuration does not sign ` +
        `${unsignedPaths(file)} (signing request "${request.id}")`,
      {
        remedy:
          "Nothing was saved or published. Give the project the artifact configuration for Docker signing data, " +
          "then submit anew",
        request,
      },
    );
    this.file = file;
  }
}

/** Which paths an artifact configuration would have to sign, and did not: `payload/*.dsse, payload/*.jws`. */
export function unsignedPaths({ payloads, signatures }: Pick<SigningFile, "payloads" | "signatures">): string {
  const names = [...payloads.keys()].filter((name) => !signatures.has(name));
  return [...new Set(names.map((name) => name.replace(/[^/]+(?=\.[a-z]+$)/, "*")))].join(", ");
}

/**
 * Reads the file that a signing request gave: signing data, with a signature of each payload.
 *
 * @throws {TagsealError} {@linkcode UnsignedFileError}; `unavailable` where it cannot be SignPath that answered;
 *   `bad-input`, `trust-invalid` for another file. Each names the request
 */
export async function readSigned(file: Bytes, signingRequestId: string): Promise<SigningFile> {
  const about = (goesOn: boolean): RequestInQuestion => ({ id: signingRequestId, goesOn });
  const wrong = whatElse(file);
  if (wrong !== undefined) {
    throw new TagsealError(
      "unavailable",
      `The signed file of signing request "${signingRequestId}" cannot be had: the answer is ${wrong}, not a ZIP file`,
      {
        remedy:
          "Nothing was saved or published. Check the API's address, and whether something answers in SignPath's " +
          "place. Do not submit again: download the signed file of this request",
        request: about(true),
      },
    );
  }
  let data: SigningFile;
  try {
    data = await readSigningFile(file);
  } catch (error) {
    if (!isTagsealError(error)) throw error;
    throw reworded(error, `What signing request "${signingRequestId}" gave is refused: ${error.message}`, {
      remedy:
        "Nothing was saved or published. See in SignPath's web UI what was submitted with this request, and what " +
        "its artifact configuration makes of it",
      request: about(false),
    });
  }
  if (data.signatures.size < data.payloads.size) throw new UnsignedFileError(about(false), data);
  return data;
}

/** What `file` is, where it is certainly no ZIP. */
function whatElse(file: Bytes): string | undefined {
  if (file.length === 0) return "empty";
  if (file[0] === 0x50 && file[1] === 0x4b) return undefined; // "PK"
  const begin = new TextDecoder().decode(file.subarray(0, 1000)).trimStart();
  return /^<(!doctype html|html|\?xml|head|body)/i.test(begin) ? "an HTML page" : "something else";
}
