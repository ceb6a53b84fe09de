/** Signing in one repository or in many, with one signing request. @module */
import { sleep } from "../http/retry.ts";
import type { SignResult } from "../signing/outcomes.ts";
import { askedOnce, type KeyHolder } from "../signing/payload_signer.ts";
import type { Job, SchemeResult } from "../signing/scheme.ts";
import { sign } from "../signing/sign.ts";
import { type CallOptions, during } from "./network.ts";
import type { TagSigner } from "./signers.ts";

/** Who signs. */
export interface SignOptions extends CallOptions {
  /** {@linkcode signPathSigner}, {@linkcode keyFileSigner} or another one. */
  readonly signer: TagSigner;
  /** Told, in a sentence, how far it has come: signing requests and their states, and where others were faster. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

/** What is to be signed in one repository. */
export interface SigningWork<Result extends SchemeResult> {
  /** What signs it, for one call. */
  open(call: { readonly signal: AbortSignal; readonly holder: KeyHolder }): Job<Result>;
}

/**
 * Signs in many repositories at once. Each stands alone: what has failed is in `failed`, the others are signed.
 *
 * @throws {TagsealError} what `Repository.sign` throws, where there is only one repository; `interrupted`
 */
export async function signTogether<Result extends SchemeResult>(
  work: readonly SigningWork<Result>[],
  { signer, signal, onProgress = () => {} }: SignOptions,
): Promise<SignResult<Result>> {
  const over = new AbortController();
  try {
    return await during(signal ? [signal] : [], (signal) => {
      const payloadSigner = signer.open({ signal, over: over.signal, onProgress });
      const holder = askedOnce(payloadSigner.holder);
      return sign(work.map((each) => each.open({ signal, holder })), {
        signer: payloadSigner,
        now: () => new Date(),
        sleep: (ms) => sleep(ms, signal),
        onStale: ({ message }) => onProgress(`${message}. Starting over on top of it`),
      });
    });
  } finally {
    over.abort();
  }
}
