/** The file that comes back from signing, looked at as soon as it is here. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { isJsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import type { KeyShape } from "../crypto/algorithms.ts";
import { type PublicKey, readPublicKey } from "../crypto/keys.ts";
import { isTagsealError, type RequestInQuestion, reworded, TagsealError } from "../errors.ts";
import { readSigningData, type SigningData, trustName } from "../signpath/signing_data.ts";

/** A file that a signing request gave back without signatures: its project is not set up to make them. */
export class UnsignedFileError extends TagsealError {
  /** The kind of key that should have signed; `undefined` where the file does not say. */
  readonly family: KeyShape["family"] | undefined;

  /** Makes the error for what `request` gave back. */
  constructor(request: RequestInQuestion, data: SigningData) {
    const all = data.payloads.size;
    const unsigned = all - data.signatures.size;
    const part = unsigned === all ? "" : ` in part (${unsigned} of ${all} payloads)`;
    super(
      "signing-request-failed",
      `SignPath sent the file back unsigned${part}: the project's artifact configuration does not sign payload/*.json ` +
        `(signing request "${request.id}")`,
      {
        remedy:
          "Nothing was saved or published. Give the project the artifact configuration for Docker signing data, " +
          "then submit anew",
        request,
      },
    );
    this.family = familyOf(data);
  }
}

/**
 * Reads the file that a signing request gave: signing data, with a signature of each payload.
 *
 * @throws {TagsealError} {@linkcode UnsignedFileError}; `unavailable` where it cannot be SignPath that answered;
 *   `bad-input`, `trust-invalid` for another file. Each names the request
 */
export async function readSigned(file: Bytes, signingRequestId: string): Promise<SigningData> {
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
  let data: SigningData;
  try {
    data = await readSigningData(file);
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

/** The kind of the key that the file is for, as its trust data shows it: good enough for advice. */
function familyOf({ repositories, trust }: SigningData): KeyShape["family"] | undefined {
  return repositories.flatMap(({ delegationKeyId }, i) =>
    delegationKeysIn(trust.get(trustName(i + 1, "targets"))).filter(({ canonicalId }) =>
      canonicalId === delegationKeyId
    )
  )[0]?.shape.family;
}

function delegationKeysIn(targets: Bytes | undefined): PublicKey[] {
  try {
    const keys = ["signed", "delegations", "keys"].reduce(
      (value: JsonValue | undefined, name) => isJsonObject(value) ? value[name] : undefined,
      targets && parseJson(targets),
    );
    return isJsonObject(keys) ? Object.values(keys).map(readPublicKey) : [];
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return [];
    throw error;
  }
}
