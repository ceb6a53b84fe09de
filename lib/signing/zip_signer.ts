/** Signs payloads by one signing request: a file is submitted, and comes back with nothing but signatures added. @module */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import type { SignPathClient } from "../signpath/client.ts";
import type { Submission } from "../signpath/types.ts";
import type { Batch } from "./batch.ts";
import { describeChanges } from "./description.ts";
import { earlierSignatures } from "./earlier_signatures.ts";
import { fileOnce } from "./file_once.ts";
import type { KeptRequests } from "./kept_requests.ts";
import { originIn } from "./origin.ts";
import { type KeyHolder, type PayloadSigner, SERVICE_SPREAD, type SignedBatch } from "./payload_signer.ts";
import { downloadWhenSigned, type FollowOptions, submitForSigning } from "./request_signature.ts";
import { readSigned } from "./signed_file.ts";
import { type UnsignedFile, writeSigningFile } from "./signing_data.ts";
import type { ReadWork } from "./work_unit.ts";

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
  /** How an earlier run's request is gone on with; a new one is filed each time without it. */
  readonly resume?: Resume;
}

/** How the request of an earlier run is gone on with. */
export interface Resume {
  /** Says what a file is to sign. */
  readonly workIn: ReadWork;
  /** Which one, where somebody has named it: then none is filed. */
  readonly signingRequestId?: string | undefined;
  /** Where requests are kept, and under which account. */
  readonly kept?: { readonly requests: KeptRequests; readonly account: string } | undefined;
  /** Whether to file even where an earlier run may have filed one unheard. */
  readonly anew: boolean;
}

/** SignPath, with project, policies and approvals. Throws what submitting, waiting and downloading throw. */
export function zipSigner(
  client: SignPathClient,
  submission: Omit<Submission, "artifact" | "fileName">,
  options: ZipSignerOptions,
): PayloadSigner {
  const { follow = (id) => downloadWhenSigned(client, id, options), service, resume } = options;
  const submitted = (artifact: Bytes, { parts, file }: Batch) => {
    const description = submission.description ??
      describeChanges(parts.flat().map(({ about }) => about), originIn(file.manifest));
    return submitForSigning(client, { ...submission, description, artifact, fileName: ARTIFACT_NAME }, options);
  };
  if (!resume) {
    return fileSigner(async (artifact, batch) => {
      const filed = await submitted(artifact, batch);
      return { ...filed, signed: await follow(filed.signingRequestId) };
    }, service);
  }
  const { workIn, signingRequestId: named, kept, anew } = resume;
  let last: string | undefined;
  let work: ReadonlySet<string> = new Set();
  let isForThis = false; // only what came back tells whether a request that was named is
  return {
    holder: service ?? { kind: "service" },
    attempts: named === undefined ? ATTEMPTS : 1,
    spread: SERVICE_SPREAD,
    async sign(batch) {
      const { signal, now, onProgress } = options;
      const units = workIn(batch.file);
      work = new Set(units.map(({ sha256 }) => sha256));
      const submit = async () => await submitted(await writeSigningFile(batch.file), batch);
      const file = async () =>
        kept
          ? await fileOnce(units, {
            ...{ client, kept: kept.requests, account: kept.account },
            ...{ anew, now, signal, onProgress, submit },
          })
          : { ...await submit(), isEarlier: false };
      const filed = named === undefined ? await file() : { signingRequestId: named, isEarlier: true };
      last = filed.signingRequestId;
      const received = await readSigned(await follow(last), last);
      if (filed.isEarlier) {
        const earlier = earlierSignatures(batch.file, received, last, workIn);
        isForThis = true;
        return answerOf(filed, earlier);
      }
      requireSame(batch.file, received, last);
      return answerOf(filed, { signatures: received.signatures });
    },
    async ended(failures) {
      if (!kept || last === undefined || failures.some(mayGoOn)) return;
      const all = await kept.requests.list().catch(() => []);
      // Where an earlier run had filed it unheard, and somebody has found its id, there is nothing to look for any more.
      const found = isForThis ? last : undefined;
      const done = all.filter(({ signingRequestId = found, account, work: filed }) =>
        signingRequestId === last && account === kept.account && filed.some(({ sha256 }) => work.has(sha256))
      );
      for (const request of done) {
        const end = failures.length > 0
          ? kept.requests.forget(request)
          : kept.requests.keep({ ...request, signingRequestId: last, publishedAt: options.now() });
        await end.catch(() => {}); // it is found to be over by the next run
      }
    },
  };
}

/** Whether a request is of use still, whatever has failed. */
function mayGoOn(error: unknown): boolean {
  return !isTagsealError(error) || error.code === "interrupted" || error.request?.goesOn === true;
}

function answerOf(
  { signingRequestId, unclearRequests = 0 }: Pick<SignedFile, "signingRequestId" | "unclearRequests">,
  signed: Pick<SignedBatch, "signatures" | "payloads" | "madeAt">,
): SignedBatch {
  return { ...signed, failures: new Map(), signingRequestId, isKept: true, unclearRequests };
}

/** Signs by sending a file away; it must come back with nothing but signatures added. */
export function fileSigner(
  signFile: SignFile,
  service: KeyHolder & { readonly kind: "service" } = { kind: "service" },
): PayloadSigner {
  return {
    holder: service,
    attempts: ATTEMPTS,
    spread: SERVICE_SPREAD,
    async sign(batch) {
      const file = await writeSigningFile(batch.file);
      const answer = await signFile(file, batch);
      const received = await readSigned(answer.signed, answer.signingRequestId);
      requireSame(batch.file, received, answer.signingRequestId);
      return answerOf(answer, { signatures: received.signatures });
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
