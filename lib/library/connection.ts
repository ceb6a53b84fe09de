/** Wires a repository for scripts: network, credentials, servers, what is trusted so far. @module */
import type { ScopeAction } from "../http/access.ts";
import { authorize } from "../http/auth.ts";
import { readRetries } from "../http/read_retries.ts";
import { sleep } from "../http/retry.ts";
import { createFileMetadataStore } from "../notary/file_metadata_store.ts";
import { createMemoryMetadataStore } from "../notary/metadata_store.ts";
import type { Trust } from "../notary/repository.ts";
import { createTrustServer } from "../notary/trust_server.ts";
import { repositoryAtRegistry } from "../registry/at_registry.ts";
import { notaryUrlFor, parseImageName } from "../registry/image_ref.ts";
import type { RegistryRepository } from "../registry/repository.ts";
import { type CredentialsOption, sourceOf } from "./credentials.ts";
import { firstUse } from "./exported.ts";
import { type NetworkOptions, openNetwork } from "./network.ts";
import { readPins, type RootPins } from "./pins.ts";

/** Which repository, and how it is reached and trusted. */
export interface ConnectOptions extends NetworkOptions {
  /** Its full name: `registry.example.com/team/app`. */
  readonly repository: string;
  /** What its root is held to where it is not known yet. */
  readonly rootPin: RootPins;
  /**
   * Docker's trust directory (`~/.docker/trust`): what is verified is remembered there, so that it is noticed where a
   * server goes back. In memory without it, for as long as the connection.
   */
  readonly trustDir?: string | undefined;
  /** The Notary server's address; without it the registry's host, for Docker Hub its own. */
  readonly notaryUrl?: string | undefined;
  /** The registry's address, where that is not the host of the repository's name. */
  readonly registryUrl?: string | undefined;
  /** Whose access is used, at both servers; nobody's without it. */
  readonly credentials?: CredentialsOption | undefined;
  /** Whose access is used at the registry, where it is not that of `credentials`. */
  readonly registryCredentials?: CredentialsOption | undefined;
}

/** A repository, wired. */
export interface Connection {
  /** The repository. */
  readonly gun: string;
  /** Told what is no failure. */
  readonly notice: (line: string) => void;
  /** The clock. */
  readonly now: () => Date;
  /** What flows take, for one call; until the connection is closed, unless said. */
  trust(access: ScopeAction, signal?: AbortSignal): Trust;
  /** The repository at its registry, for one call. */
  registry(access: "pull" | "push,pull", signal: AbortSignal): RegistryRepository;
  /** Does `work`, until `signal` aborts or the connection is closed. */
  during<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Closes it. */
  close(): void;
}

/**
 * Wires what `options` say. Nothing is sent.
 *
 * @throws {TagsealError} `usage` where the name is none; `bad-input` where a pin or an address is none
 */
export function openConnection(options: ConnectOptions): Connection {
  const name = parseImageName(options.repository);
  const pin = readPins(options.rootPin);
  const { trustDir, credentials, registryCredentials = credentials } = options;
  const { send, allowHttp, notice, closed, during, close } = openNetwork(options);
  const url = notaryUrlFor(name, options.notaryUrl, allowHttp);
  const now = () => new Date();
  const memory = createMemoryMetadataStore();
  const spokenPlainly = new Set<string>();

  const serviceOf = (service: string, credentials: CredentialsOption | undefined) =>
    authorize(send, {
      service,
      allowHttp,
      credentials: sourceOf(credentials, name.registryHost),
      retryReads: readRetries({ sleep, now, onRetry: (why) => notice(`${why}; trying again`) }),
      remedy: `Give credentials of a user who may do this at the ${service}`,
    });
  const notary = serviceOf("Notary server", credentials);
  const registry = serviceOf("registry", registryCredentials);

  return {
    gun: name.gun,
    notice,
    now,
    trust: (access, signal = closed) => ({
      server: createTrustServer({ url, service: notary, access, signal }),
      store: trustDir === undefined ? memory : createFileMetadataStore(trustDir, { signal }),
      pin,
      onFirstUse: (gun, keyIds) => notice(firstUse(gun, keyIds)),
      now,
      sleep: (ms) => sleep(ms, signal),
    }),
    registry: (access, signal) =>
      repositoryAtRegistry(name, {
        service: registry,
        address: options.registryUrl,
        addressName: "registry's address",
        known: spokenPlainly,
        allowHttp,
        warn: notice,
        access,
        sleep,
        signal,
      }),
    during,
    close,
  };
}
