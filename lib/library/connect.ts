/** Wires a repository for scripts: network, credentials, servers, what is trusted so far. @module */
import { certificatePem } from "../crypto/x509.ts";
import { addDelegation } from "../flows/add_delegation.ts";
import { readDelegationCertificate, STANDARD_DELEGATION } from "../flows/delegation_certificate.ts";
import { writeExport } from "../flows/export_file.ts";
import { exportRepository } from "../flows/export_repository.ts";
import { initRepository } from "../flows/init_repository.ts";
import { repositoryStatus } from "../flows/repository_status.ts";
import { readRootCertificate } from "../flows/root_certificate.ts";
import type { ScopeAction } from "../http/access.ts";
import { authorize } from "../http/auth.ts";
import { readRetries } from "../http/read_retries.ts";
import { sleep } from "../http/retry.ts";
import { USER_AGENT } from "../http/send.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { createFileMetadataStore, createMemoryMetadataStore } from "../notary/metadata_store.ts";
import type { Trust } from "../notary/repository.ts";
import { createTrustServer } from "../notary/trust_server.ts";
import { repositoryAtRegistry } from "../registry/at_registry.ts";
import { expecting } from "../registry/expected.ts";
import { notaryUrlFor, parseImageName } from "../registry/image_ref.ts";
import { fetchManifest } from "../registry/manifest.ts";
import { dctJob } from "../schemes/notary_v1/scheme.ts";
import type { PushResult } from "../schemes/notary_v1/push_trust_data.ts";
import { type CredentialsOption, sourceOf } from "./credentials.ts";
import { firstUse } from "./exported.ts";
import { type NetworkOptions, openNetwork } from "./network.ts";
import { bytesOf, readPins, type RootPins } from "./pins.ts";
import { type Reading, trustReader } from "./reader.ts";
import type { DelegationOptions, Repository, SignerChoice, TagChanges } from "./repository.ts";
import { type SigningWork, type SignOptions, signTogether } from "./sign.ts";
import { selectTags } from "./tags.ts";

/** Which repository, and how it is reached and trusted. */
export interface ConnectOptions extends NetworkOptions {
  /** Its full name: `registry.example.com/team/app`. */
  readonly repository: string;
  /** What its root is held to where it is not known yet. */
  readonly rootPin: RootPins;
  /**
   * Docker's trust directory (`~/.docker/trust`): what is verified is remembered there, so that it is noticed where a server
   * goes back. In memory without it, for as long as the connection.
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

/**
 * Connects to a repository, at the first call on it.
 *
 * Permissions: `--allow-net=<Notary server>` and for `sign` `--allow-net=<registry>`, in both cases with the token server that
 * they name; with `trustDir` `--allow-read=<trustDir> --allow-write=<trustDir>`. No variable is read, no program is run.
 *
 * @throws {TagsealError} `usage` where the name is none; `bad-input` where a pin or an address is none
 *
 * @example
 * ```ts
 * import { connect } from "@signpath/tagseal";
 *
 * export async function digestOf(tag: string, rootCertificate: string): Promise<string> {
 *   using repository = connect({ repository: "registry.example.com/team/app", rootPin: rootCertificate });
 *   const { tags: [signed] } = await repository.verify([tag], { signal: AbortSignal.timeout(30_000) });
 *   return signed!.digest;
 * }
 * ```
 */
export function connect(options: ConnectOptions): Repository {
  const name = parseImageName(options.repository);
  const pin = readPins(options.rootPin);
  const { trustDir, credentials, registryCredentials = credentials } = options;
  const network = openNetwork(options);
  const { send, allowHttp, notice } = network;
  const now = () => new Date();
  const { gun } = name;
  const url = notaryUrlFor(name, options.notaryUrl, allowHttp);
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

  const trust = (access: ScopeAction, signal?: AbortSignal): Trust => ({
    server: createTrustServer({ url, service: notary, access, signal }),
    store: trustDir === undefined ? memory : createFileMetadataStore(trustDir, { signal }),
    pin,
    onFirstUse: (gun, keyIds) => notice(firstUse(gun, keyIds)),
    now,
    sleep: (ms) => sleep(ms, signal),
  });
  const lookUp = (signal: AbortSignal) => {
    const repository = repositoryAtRegistry(name, {
      service: registry,
      address: options.registryUrl,
      addressName: "registry's address",
      known: spokenPlainly,
      allowHttp,
      warn: notice,
      access: "pull",
      sleep,
      signal,
    });
    return (tag: string) => fetchManifest(repository, tag);
  };
  const reading: Reading = ({ signal }, work) => network.during(signal, (signal) => work(trust("pull", signal)));
  const keyOf = ({ certificate, delegation = STANDARD_DELEGATION }: DelegationOptions): NamedKey => {
    const { key, warnings } = readDelegationCertificate(bytesOf(certificate), "certificate", now());
    warnings.forEach(notice);
    return { name: delegation, key };
  };
  const changes = ({ sign, withdraw, delegation, keyId, renew }: TagChanges): SigningWork<PushResult> => {
    const selected = sign && selectTags(sign);
    return {
      open: ({ signal, holder }) =>
        dctJob({
          trust: trust("push,pull", signal),
          gun,
          signer: delegation ?? STANDARD_DELEGATION,
          keyId,
          holder,
          renew: renew ?? [],
          onRenewed: (role, reason) => notice(`"${role}" of "${gun}" is signed anew: ${reason}`),
          onStillSigned: (tag) => notice(`The tag "${tag}" of "${gun}" is still signed, in "targets" itself`),
          ...(selected ? { sign: { tags: selected.tags, lookUp: expecting(lookUp(signal), selected.digests) } } : {}),
          ...(withdraw ? { remove: withdraw } : {}),
        }),
    };
  };
  const signAlone = ({ signal, ...options }: SignOptions, change: TagChanges): Promise<PushResult> =>
    network.during(signal, async (signal) => {
      const { repositories: [result] } = await signTogether([changes(change)], { ...options, signal });
      return result!; // one that has failed is thrown
    });

  return {
    ...trustReader(gun, reading),
    init: ({ keys, delegate, rootKey, signal }) =>
      network.during(signal, async (signal) => {
        const delegation = delegate && keyOf(delegate);
        const made = await initRepository(trust("push,pull", signal), keys, { gun, delegation, rootKey });
        const { rootCertificate, rootKeyId, targetsKeyId } = made;
        return { rootCertificate: certificatePem(rootCertificate), rootKeyId, targetsKeyId };
      }),
    addDelegation: ({ keys, signal, ...delegate }) =>
      network.during(
        signal,
        async (signal) => await addDelegation(trust("push,pull", signal), keys, { gun, ...keyOf(delegate) }),
      ),
    sign: ({ tags, ...options }) => signAlone(options, { ...choiceOf(options), sign: tags }),
    withdraw: ({ tags, ...options }) => signAlone(options, { ...choiceOf(options), withdraw: selectTags(tags).tags }),
    changes,
    status: ({ keys = NO_KEYS, ...options } = {}) => reading(options, (trust) => repositoryStatus(trust, keys, gun)),
    export: (options = {}) =>
      reading(
        options,
        async (trust) =>
          await writeExport([await exportRepository(trust, gun)], { created: now().toISOString(), tool: USER_AGENT }),
      ),
    rootCertificate: (options = {}) =>
      reading(options, async (trust) => certificatePem((await readRootCertificate(trust, gun)).rootCertificate)),
    trust: (access) => trust(access),
    close: network.close,
    [Symbol.dispose]: network.close,
  };
}

interface NamedKey {
  readonly name: string;
  readonly key: PublicKey;
}

const NO_KEYS = { list: () => Promise.resolve([]) };

function choiceOf({ delegation, keyId, renew }: SignerChoice): SignerChoice {
  return { delegation, keyId, renew };
}
