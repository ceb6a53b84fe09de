/** Who signs for a script: SignPath, or keys at hand. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { sleep } from "../http/retry.ts";
import { secureUrl } from "../http/send.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import { hashSigner } from "../signing/hash_signer.ts";
import { keySigner } from "../signing/key_signer.ts";
import type { PayloadSigner } from "../signing/payload_signer.ts";
import { askingPolicy } from "../signing/policy_service.ts";
import { zipSigner } from "../signing/zip_signer.ts";
import { createSignPathClient, SIGNPATH_API_URL } from "../signpath/client.ts";
import { SIGNPATH_TIMES_S } from "../signpath/times.ts";
import { keyFiles, type Passphrase } from "./keys.ts";
import { type CallOptions, type NetworkOptions, openNetwork } from "./network.ts";

/** What a signer is given for one call. */
export interface SigningCall {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Aborted when nobody waits for the signer any more. */
  readonly over: AbortSignal;
  /** Told how far signing has come. */
  readonly onProgress: (line: string) => void;
}

/** Somebody who signs. Dispose of it when nothing is to be signed any more. */
export interface TagSigner extends Disposable {
  /** Begins one call. Other ways of signing are made of `@signpath/tagseal/signing`. */
  open(call: SigningCall): PayloadSigner;
}

/** Which project of SignPath signs, and how. */
export interface SignPathSignerOptions extends NetworkOptions {
  /** Id of the organization. */
  readonly organizationId: string;
  /** API token of a user who is a submitter of the policy. */
  readonly token: string;
  /** Slug of the project. */
  readonly project: string;
  /** Slug of the signing policy. */
  readonly policy: string;
  /**
   * `zip`: one signing request for all that is signed at once, with whatever the policy wants, approvals included.
   * `hash`: fast hash signing, answered at once: one request for each repository, or for each role where they do not hold the
   * same.
   */
  readonly method: "zip" | "hash";
  /** Slug of the artifact configuration; the project's default without it. */
  readonly artifactConfiguration?: string | undefined;
  /** Shown to approvers; what is signed without it: repositories, tags and digests. */
  readonly description?: string | undefined;
  /** Parameters of the artifact configuration. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** The API's address; SignPath's own service without it. */
  readonly apiUrl?: string | undefined;
  /** For how many milliseconds a signing request is waited for; 10 minutes unless said. It goes on afterwards. */
  readonly completionTimeoutMs?: number | undefined;
}

/** SignPath as a signer. */
export interface SignPathSigner extends TagSigner {
  /**
   * The certificate (DER) of the policy's key: what `addDelegation` takes.
   *
   * @throws {TagsealError} `not-found` where the user may not use the policy; `unauthenticated`, `forbidden`,
   *   `unavailable`
   */
  certificate(options?: CallOptions): Promise<Bytes>;
}

/**
 * SignPath, which keeps the key. Permissions: `--allow-net=app.signpath.io`, or wherever `apiUrl` is.
 *
 * @throws {TagsealError} `usage` where organization or token cannot be one; `bad-input` where `apiUrl` is no address
 *
 * @example
 * ```ts
 * import { connect, signPathSigner } from "@signpath/tagseal";
 *
 * export async function release(tag: string, digest: string, token: string): Promise<string> {
 *   using signer = signPathSigner({
 *     organizationId: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
 *     token,
 *     project: "app",
 *     policy: "release-signing",
 *     method: "zip",
 *   });
 *   using repository = connect({ repository: "registry.example.com/team/app", rootPin: "known", trustDir: "/var/trust" });
 *   const { outcome } = await repository.sign({ tags: { [tag]: digest }, signer, signal: AbortSignal.timeout(900_000) });
 *   return outcome;
 * }
 * ```
 */
export function signPathSigner(options: SignPathSignerOptions): SignPathSigner {
  const { organizationId, token, project, policy, method, artifactConfiguration, description, apiUrl } = options;
  const network = openNetwork(options);
  const now = () => new Date();
  const client = createSignPathClient({
    send: network.send,
    apiUrl: secureUrl(apiUrl ?? SIGNPATH_API_URL, "SignPath API's address", network.allowHttp, SIGNPATH_API_URL),
    organizationId,
    token,
    serviceUnavailableTimeoutMs: SIGNPATH_TIMES_S.unavailable * 1000,
    transferTimeoutMs: SIGNPATH_TIMES_S.transfer * 1000,
    sleep,
    now,
    onWait: ({ why }) => network.notice(`${why}; trying again`),
  });
  const submission = {
    projectSlug: project,
    signingPolicySlug: policy,
    parameters: options.parameters ?? {},
    ...(artifactConfiguration === undefined ? {} : { artifactConfigurationSlug: artifactConfiguration }),
    ...(description === undefined ? {} : { description }),
  };
  return {
    open({ signal, over, onProgress }) {
      const service = askingPolicy(client, submission, { signal, over, onUnknown: onProgress, now });
      if (method === "hash") return hashSigner(client, submission, { signal }, service);
      const timeoutMs = options.completionTimeoutMs ?? SIGNPATH_TIMES_S.completion * 1000;
      return zipSigner(client, submission, { timeoutMs, now, sleep, signal, onProgress, service });
    },
    certificate: ({ signal } = {}) =>
      network.during(signal, (signal) => client.certificate(project, policy, { signal })),
    [Symbol.dispose]: network.close,
  };
}

/** Keys of any key store as a signer: a delegation's key, on a token say (`@signpath/tagseal/keystore`). */
export function keyStoreSigner(keys: KeyStore): TagSigner {
  const signer = keySigner(keys); // one for all calls: nobody is asked twice for a passphrase
  return { open: () => signer, [Symbol.dispose]() {} };
}

/**
 * A delegation's key file as a signer, in a trust directory as `docker trust key load` leaves it.
 *
 * Permissions: `--allow-read=<trustDir>`.
 */
export function keyFileSigner(trustDir: string, passphrase: Passphrase): TagSigner {
  return keyStoreSigner(keyFiles({ trustDir, passphrase }));
}
