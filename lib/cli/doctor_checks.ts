/** From flags and variables to the checks of `doctor`, over the same session that `sign` uses. @module */
import { fileText } from "../bytes/bytes.ts";
import { readCertificates } from "../crypto/x509.ts";
import { STANDARD_DELEGATION } from "../flows/delegation_certificate.ts";
import { type Check, skipped } from "../flows/doctor/finding.ts";
import {
  casCheck,
  type KnownCas,
  proxiesOf,
  proxyCheck,
  runtimeCheck,
  trustDirCheck,
} from "../flows/doctor/machine.ts";
import { once } from "../flows/doctor/once.ts";
import { repositoryChecks } from "../flows/doctor/repository.ts";
import { schemeCertificateCheck } from "../flows/doctor/schemes.ts";
import { notaryCheck, registryCheck } from "../flows/doctor/servers.ts";
import { type SignPathChecks, signPathChecks } from "../flows/doctor/signpath.ts";
import { ping, type Pinged } from "../http/ping.ts";
import { readProxies } from "../http/proxy.ts";
import { secureUrl } from "../http/send.ts";
import { readHostTls } from "../registry/host_tls.ts";
import { type ImageName, notaryUrlFor } from "../registry/image_ref.ts";
import { keySigner } from "../signing/key_signer.ts";
import type { KeyHolder } from "../signing/payload_signer.ts";
import { SIGNPATH_API_URL } from "../signpath/client.ts";
import { VERSION } from "../version.ts";
import { submissionFlags } from "./common_flags.ts";
import { namedKey } from "./delegation.ts";
import type { DoctorValues } from "./doctor_flags.ts";
import { requireGiven } from "./flags.ts";
import { RUNTIME } from "./form.ts";
import type { Host } from "./host.ts";
import { openToken } from "./key_stores.ts";
import { imageSchemes, signingCertificates } from "./schemes.ts";
import { type Session, tlsFolders } from "./session.ts";
import { lookAtTrustDir } from "./trust_dir.ts";

const MAX_PEM_BYTES = 2 ** 20;
const PING_TIMEOUT_MS = 8000;

/** The proxies of all addresses, found out before anybody is called: a variable that holds none is told of once. */
export function proxyGate(
  values: DoctorValues,
  names: readonly ImageName[],
  { env }: Host,
): () => Promise<ReturnType<typeof proxiesOf>> {
  return once(async () => await Promise.resolve(proxiesOf(readProxies(env), addressesOf(values, names))));
}

/** What of this machine must be right. */
export function machineChecks(
  values: DoctorValues,
  names: readonly ImageName[],
  { session, gate }: { readonly session: Session; readonly gate: ReturnType<typeof proxyGate> },
  host: Host,
): Check[] {
  return [
    runtimeCheck({ program: VERSION, ...RUNTIME }),
    proxyCheck(gate),
    casCheck(async () => {
      await session.network(); // what is wrong with a CA's file is wrong for all servers
      return await knownCas(values, addressesOf(values, names).map(({ host }) => host), host);
    }, host.now()),
    trustDirCheck(() => lookAtTrustDir(values, host)),
  ];
}

/** Where all that is asked is. */
function addressesOf(values: DoctorValues, names: readonly ImageName[]): URL[] {
  return [
    ...names.flatMap((name) => [notaryUrl(values, name), registryUrl(values, name)]),
    ...namesSignPath(values) ? [new URL(values.apiUrl ?? SIGNPATH_API_URL)] : [],
  ];
}

function notaryUrl({ notaryUrl, allowHttp }: DoctorValues, name: ImageName): URL {
  return notaryUrlFor(name, notaryUrl, allowHttp);
}

function registryUrl({ registryUrl, allowHttp }: DoctorValues, { registryHost }: ImageName): URL {
  const given = registryUrl ?? registryHost;
  return secureUrl(given.includes("://") ? given : `https://${given}`, "registry's address", allowHttp);
}

async function knownCas({ ca }: DoctorValues, hosts: readonly string[], host: Host): Promise<KnownCas[]> {
  const files = [ca, host.env("DENO_CERT")].filter((path) => path !== undefined);
  for (const name of new Set(hosts)) {
    const tls = await readHostTls(tlsFolders(host), name, () => {}); // who needs them is told
    files.push(...tls?.caFiles ?? []);
  }
  const named = await Promise.all([...new Set(files)].map(async (source) => ({
    source,
    certificates: readCertificates(fileText(await host.readFile(source, MAX_PEM_BYTES), false)),
  })));
  const store = host.env("DENO_TLS_CA_STORE");
  return [...named, ...store ? [{ source: `DENO_TLS_CA_STORE=${store}`, certificates: [] }] : []];
}

/** The servers' checks, and what those of repositories wait for: it says once that a server is down. */
export interface Servers {
  /** One for each server. */
  readonly checks: readonly Check[];
  /** Waits until it is known that a repository's Notary server answers. Throws what asking it threw. */
  readonly notary: (name: ImageName) => Promise<unknown>;
  /** The same of its registry. */
  readonly registry: (name: ImageName) => Promise<unknown>;
}

/** Each server once, whatever repositories it has. */
export function serverChecks(
  values: DoctorValues,
  names: readonly ImageName[],
  session: Session,
  host: Host,
): Servers {
  const pings = new Map<string, () => Promise<Pinged>>();
  const asked = (service: string, url: URL) => {
    const made = pings.get(url.href) ??
      once(async () =>
        await ping(await session.network(), {
          service,
          url,
          allowHttp: values.allowHttp,
          timeoutMs: PING_TIMEOUT_MS,
          signal: host.signal,
        })
      );
    pings.set(url.href, made);
    return made;
  };
  const notary = (name: ImageName) => asked("Notary server", notaryUrl(values, name));
  const registry = (name: ImageName) => asked("Registry", registryUrl(values, name));
  const byNotary = Map.groupBy(signsTrust(values) ? names : [], (name) => notaryUrl(values, name).href);
  const byRegistry = Map.groupBy(names, (name) => registryUrl(values, name).href);
  return {
    checks: [
      ...[...byNotary].map(([href, [name]]) =>
        notaryCheck({
          url: new URL(href),
          ping: notary(name!),
          open: async () => (await session.notary(name!, "push,pull")).server,
          repository: name!.gun,
        }, host.now())
      ),
      ...[...byRegistry].map(([href, [name]]) => registryCheck(new URL(href).origin, registry(name!))),
    ],
    notary: (name) => notary(name)(),
    registry: (name) => registry(name)(),
  };
}

function signsTrust({ scheme }: DoctorValues): boolean {
  return scheme.includes("dct");
}

/** Whether anything says that SignPath signs. */
function namesSignPath(values: DoctorValues): boolean {
  const { apiToken, organizationId, projectSlug, signingPolicySlug } = values;
  return [apiToken, organizationId, projectSlug, signingPolicySlug].some((value) => value !== undefined);
}

/** What is looked at of SignPath, if it signs. */
export function signPathPart(
  values: DoctorValues,
  session: Session,
  host: Host,
): Pick<SignPathChecks, "checks"> & Partial<SignPathChecks> {
  if (!["zip", "hash"].includes(values.signingMethod)) return { checks: [] };
  if (namesSignPath(values)) {
    return signPathChecks(
      {
        open: () => session.signPath(),
        requirePolicy: () => ({
          projectSlug: requireGiven(submissionFlags.projectSlug, values.projectSlug),
          signingPolicySlug: requireGiven(submissionFlags.signingPolicySlug, values.signingPolicySlug),
        }),
        artifactConfigurationSlug: values.artifactConfigurationSlug,
      },
      host.signal,
      host.now(),
    );
  }
  const verdict = skipped("Nothing says which project and policy at SignPath sign, nor with which token", {
    remedy: "Say it as for signing",
    next: { do: "give-signpath-settings" },
  });
  return { checks: [{ name: "signpath", run: () => verdict }] };
}

/** What the checks of repositories go by. */
export interface Parts {
  /** What is asked. */
  readonly session: Session;
  /** The servers. */
  readonly servers: Servers;
  /** SignPath. */
  readonly signPath: Partial<SignPathChecks>;
}

/** Each repository, and the certificate that signs in the schemes beside content trust. */
export function repositoriesChecks(
  values: DoctorValues,
  names: readonly ImageName[],
  { session, servers, signPath }: Parts,
  host: Host,
): Check[] {
  const schemes = imageSchemes(values);
  const holder = holderOf(values, session, host);
  const atHand = holder && once(() => holder.kind === "keys" ? holder.atHand() : Promise.resolve(new Set<never>()));
  const keyId = once(() => namedKey(values, host));
  const { policyKey } = signPath;
  const certificates = once(() => signingCertificates(values, knowingCertificate(session, signPath), host));
  const keys = session.keys();
  return [
    ...schemes.length > 0 ? [schemeCertificateCheck({ schemes, certificates, policyKey }, host.now())] : [],
    ...names.flatMap((name) =>
      repositoryChecks({
        gun: name.gun,
        openNotary: signsTrust(values)
          ? async () => {
            await servers.notary(name);
            return await session.notary(name, "push,pull");
          }
          : undefined,
        openRegistry: async () => {
          await servers.registry(name);
          return await session.registry(name, schemes.length > 0 ? "push,pull" : "pull");
        },
        pushes: schemes.length > 0,
        signer: values.delegation ?? STANDARD_DELEGATION,
        keyId,
        keys,
        atHand,
        policyKey,
      })
    ),
  ];
}

/** `session`, whose SignPath gives the certificate that was asked for already, or fails as that did. */
function knowingCertificate(session: Session, { certificate }: Partial<SignPathChecks>): Session {
  if (!certificate) return session;
  const der = async () => (await certificate()).der;
  return { ...session, signPath: async () => ({ ...await session.signPath(), certificate: der }) };
}

/** Whose keys are at hand, where no service signs. */
function holderOf(values: DoctorValues, session: Session, host: Host): KeyHolder | undefined {
  switch (values.signingMethod) {
    case "key":
      return keySigner(session.keys()).holder;
    case "pkcs11":
      return keySigner(openToken(values, host)).holder;
    default:
      return undefined;
  }
}
