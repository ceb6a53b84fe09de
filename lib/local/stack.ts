/**
 * The embedded stack: a registry, a Notary server and a SignPath service in one process, on one loopback port over TLS.
 *
 * One port serves all three, as their paths do not meet: `/v2/<gun>/_trust/tuf/` is the Notary server, the rest of `/v2/`
 * the registry, `/API/` SignPath. Docker looks for a registry's trust data on the registry's own host, so that nobody
 * needs to be told where the Notary server is. Where the stack has a folder, that keeps who the services are, what was
 * pushed and what was published; all else is gone when the process ends.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { messageOf, TagsealError } from "../errors.ts";
import { LOOPBACK_NAMES } from "./certificates.ts";
import { createNotaryServer } from "./notary_server.ts";
import { createNotaryStore } from "./notary_sqlite.ts";
import { createRegistry } from "./registry.ts";
import { createRegistryStore } from "./registry_sqlite.ts";
import { createSignPathService, type SignPathService } from "./signpath_service.ts";
import type { RawSignatureFormat } from "./signpath_signing.ts";
import { newStackData, openStackData, type StackData } from "./stack_data.ts";
import type { SigningKeyChoice } from "./stack_identity.ts";

/** How a stack is set up. */
export interface LocalStackOptions extends RawSignatureFormat, SigningKeyChoice {
  /** The port; 0 takes a free one. */
  readonly port: number;
  /** The clock. */
  readonly now: () => Date;
  /** The folder that keeps all of it; without one all is in memory. */
  readonly dataDir?: string;
  /** Stands between the network and SignPath, for tests and demonstrations of what a service could do. */
  readonly betweenSignPath?: (request: Request, handle: (request: Request) => Promise<Response>) => Promise<Response>;
}

/** A running stack. */
export interface LocalStack extends AsyncDisposable {
  /** Whether it begins now: nothing has been pushed or published yet. */
  readonly isNew: boolean;
  /** `localhost:<port>`: the registry's host, for names of repositories. */
  readonly host: string;
  /** The Notary server's address. */
  readonly notaryUrl: string;
  /** The address of SignPath's API. */
  readonly apiUrl: string;
  /** The CA that its TLS certificate comes from. */
  readonly caPem: string;
  /** SignPath: the only organization. */
  readonly organizationId: string;
  /** SignPath: the only API token. */
  readonly apiToken: string;
  /** SignPath: the project that signs files. */
  readonly projectSlug: string;
  /** SignPath: the project that signs hashes, with the automatic policy only. */
  readonly hashProjectSlug: string;
  /** SignPath: policies that sign at once, and only after somebody has approved. */
  readonly policies: { readonly automatic: string; readonly manual: string };
  /** The certificate of SignPath's key, as its users download it (DER). */
  readonly certificate: Bytes;
  /** The service itself, to approve and deny. */
  readonly signPath: SignPathService;
  /** Ends it. */
  stop(): Promise<void>;
}

const PROJECT = "demo-images";
const HASH_PROJECT = "demo-hashes";
const POLICIES = { automatic: "release-signing", manual: "release-signing-with-approval" } as const;

/**
 * Starts a stack.
 *
 * @throws {TagsealError} `bad-input` where the port is taken or the folder cannot be used; `unavailable` where another
 * process runs on the folder
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const { now, dataDir } = options;
  const data = await (dataDir === undefined ? newStackData(options, now()) : openStackData(dataDir, options, now()));
  try {
    return await serve(options, data);
  } catch (error) {
    data[Symbol.dispose]();
    throw error;
  }
}

async function serve(options: LocalStackOptions, data: StackData): Promise<LocalStack> {
  const { now, port } = options;
  const { ca, organizationId, apiToken, signingKey, certificate } = data.identity;
  const policy = (slug: string, approval: "automatic" | "manual") => ({
    slug,
    approval,
    key: signingKey,
    certificate,
  });
  const signPath = createSignPathService({
    organizationId,
    token: apiToken,
    now,
    projects: [{
      slug: PROJECT,
      policies: [policy(POLICIES.automatic, "automatic"), policy(POLICIES.manual, "manual")],
    }, {
      slug: HASH_PROJECT,
      kind: "hash-signing-data",
      policies: [policy(POLICIES.automatic, "automatic")],
    }],
    ...(options.signs ? { signs: options.signs } : {}),
    ...(options.rsaPadding ? { rsaPadding: options.rsaPadding } : {}),
    ...(options.ecdsaFormat ? { ecdsaFormat: options.ecdsaFormat } : {}),
  });
  const notary = createNotaryServer({ now, store: createNotaryStore(data.database) });
  const registry = createRegistry({ store: createRegistryStore(data.database) });
  const handle = (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/API/")) {
      return options.betweenSignPath?.(request, signPath.handle) ?? signPath.handle(request);
    }
    if (pathname.includes("/_trust/") || pathname.startsWith("/_notary_server/")) return notary.handle(request);
    return registry.handle(request);
  };
  const server = listen(port, await ca.issue(LOOPBACK_NAMES), handle);
  const host = `localhost:${server.addr.port}`;
  let stopping: Promise<void> | undefined;
  const stop = () => stopping ??= server.shutdown().finally(() => data[Symbol.dispose]());
  return {
    isNew: data.isNew,
    host,
    notaryUrl: `https://${host}`,
    apiUrl: `https://${host}/API`,
    caPem: ca.caPem,
    organizationId,
    apiToken,
    projectSlug: PROJECT,
    hashProjectSlug: HASH_PROJECT,
    policies: POLICIES,
    certificate,
    signPath,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function listen(
  port: number,
  { certPem, keyPem }: { certPem: string; keyPem: string },
  handle: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: "127.0.0.1", port, cert: certPem, key: keyPem, onListen() {} }, handle);
  } catch (error) {
    throw new TagsealError("bad-input", `Cannot listen on port ${port} of 127.0.0.1: ${messageOf(error)}`, {
      remedy: "Choose another port, or 0 for any free one",
      next: { do: "choose-port" },
      details: { port },
      cause: error,
    });
  }
}
