/** Signing in one repository or in many, with one signing request. @module */
import { sleep } from "../http/retry.ts";
import { byRepository, type RepositoryResult } from "../schemes/results.ts";
import type { SignResult } from "../signing/outcomes.ts";
import { askedOnce, type KeyHolder } from "../signing/payload_signer.ts";
import type { Job } from "../signing/scheme.ts";
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
export interface SigningWork {
  /** The jobs of each scheme, in the order in which they are published, for one call. */
  open(call: { readonly signal: AbortSignal; readonly holder: KeyHolder }): readonly Job[];
}

/**
 * Signs in many repositories at once. Each stands alone: what has failed is in `failed`, the others are signed.
 *
 * @throws {TagsealError} what `Repository.sign` throws, where there is only one repository; `interrupted`
 */
export async function signTogether(
  work: readonly SigningWork[],
  { signer, signal, onProgress = () => {} }: SignOptions,
): Promise<SignResult<RepositoryResult>> {
  const over = new AbortController();
  try {
    return await during(signal ? [signal] : [], async (signal) => {
      const payloadSigner = signer.open({ signal, over: over.signal, onProgress });
      const holder = askedOnce(payloadSigner.holder);
      const result = await sign(work.flatMap((each) => each.open({ signal, holder })), {
        signer: payloadSigner,
        now: () => new Date(),
        sleep: (ms) => sleep(ms, signal),
        onStale: ({ message }) => onProgress(`${message}. Starting over on top of it`),
      });
      return { ...result, repositories: byRepository(result.repositories) };
    });
  } finally {
    over.abort();
  }
}
