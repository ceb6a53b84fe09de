/**
 * What one command works with: the network, the Notary server, the registry, SignPath and the keys that its flags name,
 * each opened when it is first wanted. What is found out on the way counts for the whole command, and for no other.
 *
 * @module
 */
import { fileText } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import { readFileBounded } from "../files/files.ts";
import type { Trust } from "../notary/repository.ts";
import { secretsOf } from "../http/access.ts";
import { authorize, type AuthorizedService, type ScopeAction } from "../http/auth.ts";
import { readRetries } from "../http/read_retries.ts";
import type { Silences } from "../http/retry.ts";
import type { SendOptions } from "../http/network.ts";
import { secureUrl, type Send } from "../http/send.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import { createTrustServer } from "../notary/trust_server.ts";
import { resolveCredentials } from "../registry/credentials.ts";
import { readHostTls } from "../registry/host_tls.ts";
import { type ImageName, notaryUrlFor } from "../registry/image_ref.ts";
import { repositoryAtRegistry } from "../registry/at_registry.ts";
import type { RegistryRepository } from "../registry/repository.ts";
import type { SignPathClient } from "../signpath/client.ts";
import { SIGNPATH_TIMES_S } from "../signpath/times.ts";
import { type connectionFlags, type notaryFlags, type registryFlags, signPathFlags } from "./common_flags.ts";
import { requireGiven, type Values } from "./flags.ts";
import type { Host } from "./host.ts";
import { type KeyStoreValues, withToken } from "./key_stores.ts";
import type { RootPin } from "../tuf/root_keys.ts";
import type { Project } from "./project.ts";
import { contradict, readRootPin } from "./root_pins.ts";
import { dockerFolder } from "./docker_folder.ts";
import { openKeyFiles, openMetadataStore } from "./trust_dir.ts";
import { warnOfEnd } from "./server_end.ts";

/** Values of the connection flags. */
export type ConnectionValues = Values<typeof connectionFlags>;
/** Values of the Notary server's flags. */
export type NotaryValues = Values<typeof notaryFlags> & ConnectionValues;
/** Values of the flags that a session may go by; a command without some of them goes by their defaults. */
export type SessionValues =
  & Partial<ConnectionValues>
  & Partial<Values<typeof notaryFlags> & Values<typeof registryFlags> & Values<typeof signPathFlags>>
  & KeyStoreValues
  & { readonly project?: Project | undefined };

/** What a command works with. */
export interface Session {
  /** The network: connections are shared, and what `--ca` and Docker's folders hold for a host is known to all. */
  network(): Promise<Send>;
  /** The Notary server of a repository, and what is trusted of it so far. */
  notary(name: ImageName, access: ScopeAction): Promise<Trust>;
  /** The repository at its registry, to read unless said. */
  registry(name: ImageName, access?: "pull" | "push,pull"): Promise<RegistryRepository>;
  /** SignPath's API for one organization. @throws {TagsealError} `usage` where it is not said which, or no token is given */
  signPath(): Promise<SignPathClient>;
  /** The keys of the trust directory, and of a token where one is named. */
  keys(): KeyStore;
}

const NOTARY_ADDRESS = "Notary server's address (--notary-url or DOCKER_CONTENT_TRUST_SERVER)";
const MAX_PEM_BYTES = 2 ** 20;
const MAX_CONFIG_BYTES = 2 ** 20;

/** Where Docker's engine keeps CAs and client certificates of registries. */
const ENGINE_CERTIFICATES = "/etc/docker/certs.d";

/** Opens what the flags name. Nothing is asked for yet. */
export function openSession(values: SessionValues, host: Host): Session {
  const services = new Map<string, AuthorizedService>();
  const spokenPlainly = new Set<string>();
  const silences: Silences = new Map();
  const told = new Set<string>();
  const warnOnce = (line: string) => {
    if (!told.has(line)) host.warn(line);
    told.add(line);
  };
  const allowHttp = values.allowHttp ?? false;
  let opened: Promise<Send> | undefined;
  const network = () => opened ??= openNetwork(values, host);
  let rehearsed: Promise<void> | undefined;
  // What goes wrong there goes wrong again where it counts.
  const rehearseOnce = () =>
    rehearsed ??= import("../notary/rehearsal.ts").then(({ rehearse }) => rehearse()).then(() => {}, () => {});

  /** A service of a repository, which knows its caller from the first answer on. */
  async function serviceOf(name: ImageName, which: ServiceFlags): Promise<AuthorizedService> {
    const send = await network();
    const key = `${which.service} ${name.registryHost}`;
    const made = services.get(key) ?? openService(host, send, name, allowHttp, warnOnce, silences, which);
    services.set(key, made);
    return made;
  }

  return {
    network,
    async notary(name, access) {
      const service = await serviceOf(name, {
        service: "Notary server",
        variable: "NOTARY_AUTH",
        flags: { username: values.notaryUsername, password: values.notaryPassword },
        remedy: "Check NOTARY_AUTH (base64 of user:password), or give --notary-username and --notary-password; the " +
          `user needs the right to ${access === "pull" ? "read" : "push to"} the repository`,
      });
      const url = notaryUrlFor(name, values.notaryUrl, allowHttp, NOTARY_ADDRESS);
      if (access !== "pull") warnOfEnd(url, host);
      if (/[A-Z]/.test(name.registryHost)) {
        const lower = name.gun.toLowerCase();
        host.warn(`the host of "${name.gun}" is in upper case: to Docker that is another repository than "${lower}"`);
      }
      const trusted = await trustOf(values, host, name);
      return {
        server: createTrustServer({ url, service, access, signal: host.signal }),
        store: openMetadataStore(
          { trustDir: values.trustDir },
          host,
          values.project?.pinsOnlyNarrow ? undefined : trusted.pin,
        ),
        ...trusted,
        meanwhile: rehearseOnce,
        onOffline: (gun, why) =>
          host.warn(`${why}. The local copy of "${gun}" is used: it is verified, and may not be the newest`),
      };
    },
    async registry(name, access = "pull") {
      const service = await serviceOf(name, {
        service: "registry",
        variable: "REGISTRY_AUTH",
        flags: { username: values.registryUsername, password: values.registryPassword },
        remedy: "Check REGISTRY_AUTH (base64 of user:password), or give --registry-username and " +
          `--registry-password; the user needs the right to ${
            access === "pull" ? "pull from" : "push to"
          } the repository`,
      });
      return repositoryAtRegistry(name, {
        service,
        address: values.registryUrl,
        addressName: "registry's address (--registry-url)",
        known: spokenPlainly,
        allowHttp,
        warn: host.warn,
        access,
        sleep: host.sleep,
        signal: host.signal,
      });
    },
    async signPath() {
      return await openSignPath(values, host, await network());
    },
    keys: () => withToken(openKeyFiles({ trustDir: values.trustDir }, host), values, host),
  };
}

/** The folders in which Docker keeps what TLS with one host takes. */
export function tlsFolders(host: Host): readonly string[] {
  const docker = dockerFolder(host);
  return [...docker ? [`${docker}/tls`] : [], ENGINE_CERTIFICATES];
}

/** The network, with the CAs of `--ca`, and for each host what Docker's folders hold for it. */
async function openNetwork(values: Partial<ConnectionValues>, host: Host): Promise<Send> {
  if (values.allowHttp) host.warn("--allow-http: whoever is on the way can read passwords and tokens");
  const options: SendOptions = { tlsOf: (name) => readHostTls(tlsFolders(host), name, host.warn) };
  if (values.ca === undefined) return host.connect(options);
  const pem = fileText(await host.readFile(values.ca, MAX_PEM_BYTES), false);
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return host.connect({ ...options, caCerts: [pem] });
  throw new TagsealError("bad-input", `"${values.ca}" holds no certificate in PEM`, {
    remedy: "Give --ca the CA's certificate as PEM (-----BEGIN CERTIFICATE-----)",
  });
}

/** What is trusted of a repository, wherever its data comes from. */
export async function trustOf(
  values: Pick<SessionValues, "rootPin" | "requirePin" | "project">,
  host: Host,
  { gun }: ImageName,
): Promise<Pick<Trust, "pin" | "onFirstUse" | "now" | "sleep">> {
  const pin = await readRootPin(values.rootPin ?? [], values.requirePin ?? false, gun, host);
  await tellOfOtherPin(values.project, pin, gun, host);
  return {
    pin,
    onFirstUse: (gun, keyIds) =>
      host.warn(
        `the root of "${gun}" was met for the first time and not pinned; to be sure, compare its key ` +
          `${keyIds.join(", ")} with the repository's administrator and give it as --root-pin`,
      ),
    now: host.now,
    sleep: host.sleep,
  };
}

/** Two pins of which no root can hold both: one of them is wrong, and somebody should know. */
async function tellOfOtherPin(
  project: Project | undefined,
  pin: RootPin | undefined,
  gun: string,
  host: Host,
): Promise<void> {
  if (!project || project.overruledPins.length === 0 || pin === undefined || pin === "required") return;
  const other = await readRootPin(project.overruledPins, false, gun, host);
  if (other === undefined || other === "required" || !contradict(pin, other)) return;
  host.warn(`"${project.path}" pins another root of "${gun}" than --root-pin or TAGSEAL_ROOT_PIN, which counts`);
}

/** Which of the services, and how its caller is known. */
interface ServiceFlags {
  readonly service: string;
  readonly variable: "NOTARY_AUTH" | "REGISTRY_AUTH";
  readonly flags: { readonly username: string | undefined; readonly password: string | undefined };
  readonly remedy: string;
}

function openService(
  host: Host,
  send: Send,
  name: ImageName,
  allowHttp: boolean,
  warn: (line: string) => void,
  silences: Silences,
  { service, variable, flags, remedy }: ServiceFlags,
): AuthorizedService {
  const source = resolveCredentials({
    flags,
    variable: { name: variable, value: host.secret(host.env(variable), variable) },
    authConfig: host.env("DOCKER_AUTH_CONFIG"),
    dockerConfig: () => dockerConfig(host),
    host: name.registryHost,
    warn,
  }, host.runCredentialHelper);
  const credentials = async () => {
    const found = await source();
    if (found && !("outOfReach" in found)) secretsOf(found).forEach((secret) => host.secret(secret));
    return found;
  };
  const retryReads = {
    ...readRetries({
      sleep: (ms) => host.sleep(ms),
      now: host.now,
      onRetry: (why) => host.info(`${why}; trying again`),
    }),
    silences,
  };
  return authorize(send, { service, allowHttp, credentials, retryReads, remedy });
}

async function openSignPath(values: SessionValues, host: Host, send: Send): Promise<SignPathClient> {
  const organizationId = requireGiven(signPathFlags.organizationId, values.organizationId);
  if (!values.apiToken) {
    throw new TagsealError("usage", "--api-token is missing", {
      remedy: "Set SIGNPATH_API_TOKEN to the API token of the CI user, or give --api-token env:NAME",
    });
  }
  const { createSignPathClient, SIGNPATH_API_URL } = await import("../signpath/client.ts");
  return createSignPathClient({
    send,
    apiUrl: secureUrl(
      values.apiUrl ?? SIGNPATH_API_URL,
      "SignPath API's address (--api-url or SIGNPATH_API_URL)",
      values.allowHttp ?? false,
      SIGNPATH_API_URL,
    ),
    organizationId,
    token: values.apiToken,
    serviceUnavailableTimeoutMs: values.serviceUnavailableTimeout ?? SIGNPATH_TIMES_S.unavailable * 1000,
    transferTimeoutMs: values.uploadAndDownloadTimeout ?? SIGNPATH_TIMES_S.transfer * 1000,
    sleep: host.sleep,
    now: host.now,
    onWait({ why, ms, leftMs }) {
      const seconds = (ms: number) => `${Math.max(1, Math.round(ms / 1000))} s`;
      host.info(`${why}; the next try is in ${seconds(ms)}, the last one within ${seconds(leftMs)}`);
    },
  });
}

async function dockerConfig(host: Host): Promise<string | undefined> {
  const folder = dockerFolder(host);
  const bytes = folder && await readFileBounded(`${folder}/config.json`, MAX_CONFIG_BYTES);
  return bytes ? fileText(bytes, false) : undefined;
}
