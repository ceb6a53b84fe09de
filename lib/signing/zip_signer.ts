/** Signs payloads by one signing request: a file is submitted, and comes back with nothing but signatures added. @module */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { TagsealError } from "../errors.ts";
import type { SignPathClient } from "../signpath/client.ts";
import type { Submission } from "../signpath/types.ts";
import type { Batch } from "./batch.ts";
import { describeChanges } from "./description.ts";
import type { KeyHolder, PayloadSigner } from "./payload_signer.ts";
import { downloadWhenSigned, type FollowOptions, submitForSigning } from "./request_signature.ts";
import { readSigned } from "./signed_file.ts";
import { type UnsignedFile, writeSigningFile } from "./signing_data.ts";

/** The name of the file, as approvers see it. */
export const ARTIFACT_NAME = "docker-signing-data.zip";

/** A request may want a person's approval each time. */
const ATTEMPTS = 10;

/** Has a signing data file signed, by whatever signs. */
export type SignFile = (file: Bytes, batch: Batch) => Promise<SignedFile>;

/** A file that came back from signing. */
export interface SignedFile {
  /** The file. */
  readonly signed: Bytes;
  /** The signing request that it is from. */
  readonly signingRequestId: string;
  /** How many more signing requests may be there than this one; none unless said. */
  readonly unclearRequests?: number | undefined;
}

/** How a signing request is followed; {@linkcode downloadWhenSigned}, unless somebody has more to do meanwhile. */
export interface ZipSignerOptions extends FollowOptions {
  /** Waits for a request, and gives its signed file. */
  readonly follow?: (signingRequestId: string) => Promise<Bytes>;
  /** The service, as far as it tells its key. */
  readonly service?: KeyHolder & { readonly kind: "service" };
}

/** SignPath, with project, policies and approvals. Throws what submitting, waiting and downloading throw. */
export function zipSigner(
  client: SignPathClient,
  submission: Omit<Submission, "artifact" | "fileName">,
  options: ZipSignerOptions,
): PayloadSigner {
  const { follow = (id) => downloadWhenSigned(client, id, options), service } = options;
  return fileSigner(async (artifact, { parts }) => {
    const description = submission.description ?? describeChanges(parts.flat().map(({ about }) => about));
    const filed = await submitForSigning(
      client,
      { ...submission, description, artifact, fileName: ARTIFACT_NAME },
      options,
    );
    return { ...filed, signed: await follow(filed.signingRequestId) };
  }, service);
}

/** Signs by sending a file away; it must come back with nothing but signatures added. */
export function fileSigner(
  signFile: SignFile,
  service: KeyHolder & { readonly kind: "service" } = { kind: "service" },
): PayloadSigner {
  return {
    holder: service,
    attempts: ATTEMPTS,
    async sign(batch) {
      const file = await writeSigningFile(batch.file);
      const { signed, signingRequestId, unclearRequests = 0 } = await signFile(file, batch);
      const received = await readSigned(signed, signingRequestId);
      requireSame(batch.file, received, signingRequestId);
      return { signatures: received.signatures, failures: new Map(), signingRequestId, isKept: true, unclearRequests };
    },
  };
}

/** Nothing but signatures may have been added on the way to the signing service and back. */
function requireSame(sent: UnsignedFile, received: UnsignedFile, signingRequestId: string): void {
  const words = ({ created, tool, manifest }: UnsignedFile) => canonicalJson({ created, tool, manifest });
  if (
    equalBytes(words(sent), words(received)) && isSame(sent.payloads, received.payloads) &&
    isSame(sent.trust, received.trust)
  ) return;
  throw new TagsealError("trust-invalid", "The signed file is not the one that was sent for signing", {
    remedy: "Nothing was published. Find out who changes the file on its way to the signing service and back",
    request: { id: signingRequestId, goesOn: false },
  });
}

function isSame(sent: ReadonlyMap<string, Bytes>, received: ReadonlyMap<string, Bytes>): boolean {
  return sent.size === received.size && [...sent].every(([name, bytes]) => {
    const back = received.get(name);
    return back !== undefined && equalBytes(back, bytes);
  });
}
