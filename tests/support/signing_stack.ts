/**
 * All that signing needs, started for one test: the servers of a {@linkcode Stack}, and the embedded SignPath service
 * over TLS with a key of the wanted kind. Commands run as people with a home of their own; all that they print is
 * searched for secrets.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { KeyObject } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { authorize } from "../../lib/http/auth.ts";
import { createSend } from "../../lib/http/network.ts";
import { createLocalCa, LOOPBACK_NAMES, type SigningAlgorithm } from "../../lib/local/certificates.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { createSignPathService, type SignPathService } from "../../lib/local/signpath_service.ts";
import type { RawSignatureFormat } from "../../lib/local/signpath_signing.ts";
import { createTrustServer } from "../../lib/notary/trust_server.ts";
import { type Env, NOTARY_PASSPHRASES } from "./clients.ts";
import type { Peers } from "./peers.ts";
import { type Outcome, tagseal } from "./run.ts";
import type { Stack } from "./stacks.ts";
import { signingCertificate } from "./rsa_keys.ts";

/** What is started. */
export interface SigningStackOptions extends RawSignatureFormat {
  /** The registry and the Notary server. */
  readonly stack: Stack;
  /** A Docker engine. */
  readonly engine?: boolean;
  /** The kind of SignPath's key. */
  readonly algorithm: SigningAlgorithm;
}

/** Somebody who runs tagseal. */
export interface Person {
  /** Their home, and the folder they work in. */
  readonly home: string;
  /** All variables they have. */
  readonly env: Env;
  /** Runs a command with the addresses and the CAs of the stack. */
  run(command: string, ...args: string[]): Promise<Outcome>;
  /** The same for a command that has to succeed. */
  succeeds(command: string, ...args: string[]): Promise<Outcome>;
}

/** A running stack. */
export interface SigningStack extends AsyncDisposable {
  /** The Notary server, the registry and, where wanted, a Docker engine. */
  readonly peers: Peers;
  /** The service, to approve and deny. */
  readonly signPath: SignPathService;
  /** SignPath's key, to forge with. */
  readonly privateKey: KeyObject;
  /** The certificate of the key as a file as SignPath gives it out (DER, `.cer`). */
  readonly certificatePath: string;
  /** Somebody with the passphrases of keys, but no access to SignPath. */
  admin(name: string): Promise<Person>;
  /** A build agent: access to the services, and nothing else. */
  agent(name: string, env?: Env): Promise<Person>;
  /** The files that the Notary server shows for a repository, by role (`""` where there is none). */
  served(gun: string): Promise<Record<string, string>>;
}

/** The signing policies: one signs at once, one after somebody has approved. */
export const POLICIES = { automatic: "release-signing", manual: "release-signing-with-approval" } as const;

/** A password that no server knows. */
export const WRONG_PASSWORD = "not-the-password";

/** Starts a stack. */
export async function startSigningStack(options: SigningStackOptions): Promise<SigningStack> {
  await using cleanUp = new AsyncDisposableStack();
  const now = () => new Date();
  const peers = cleanUp.use(await options.stack.start(options.engine ? { engine: true } : {}));
  const ca = await createLocalCa(now(), "tagseal tests, SignPath's CA");
  const { certPem: cert, keyPem: key } = await ca.issue(LOOPBACK_NAMES);
  const { privateKey, certificateDer } = await signingCertificate({
    commonName: "tagseal tests, signing",
    algorithm: options.algorithm,
    now: now(),
    days: 365,
  });
  const organizationId = crypto.randomUUID();
  const apiToken = `token-${crypto.randomUUID()}`;
  const policy = (approval: "automatic" | "manual") => ({
    slug: POLICIES[approval],
    approval,
    key: fileSigningKey(privateKey),
    certificate: certificateDer,
  });
  const signPath = createSignPathService({
    organizationId,
    token: apiToken,
    now,
    projects: [
      { slug: "app", policies: [policy("automatic"), policy("manual")] },
      { slug: "hashes", kind: "hash-signing-data", policies: [policy("automatic")] },
    ],
    ...(options.signs ? { signs: options.signs } : {}),
    ...(options.rsaPadding ? { rsaPadding: options.rsaPadding } : {}),
    ...(options.ecdsaFormat ? { ecdsaFormat: options.ecdsaFormat } : {}),
  });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, signPath.handle);
  cleanUp.defer(() => server.shutdown());

  const caPath = `${peers.dir}/cas.pem`;
  await Deno.writeTextFile(caPath, peers.caPem + ca.caPem);
  const certificatePath = `${peers.dir}/signpath.cer`;
  await Deno.writeFile(certificatePath, certificateDer);

  const auth = utf8(`${peers.username}:${peers.password}`).toBase64();
  const notaryAuth: Env = peers.auth ? { NOTARY_AUTH: auth } : {};
  const secrets = [peers.password, auth, apiToken, WRONG_PASSWORD, ...Object.values(NOTARY_PASSPHRASES)];

  const person = async (name: string, variables: Env): Promise<Person> => {
    const home = `${peers.dir}/${name}`;
    await Deno.mkdir(home);
    const env = { HOME: home, ...variables };
    const run = async (command: string, ...args: string[]) => {
      const trust = ["submit", "download"].includes(command) ? [] : ["--notary-url", peers.notaryUrl];
      const outcome = await tagseal([command, ...args, ...trust, "--ca", caPath], { env, cwd: home });
      assertNoSecret(`tagseal ${command}`, outcome.stdout + outcome.stderr, secrets);
      return outcome;
    };
    const succeeds = async (command: string, ...args: string[]) => {
      const outcome = await run(command, ...args);
      assert.equal(outcome.code, 0, `tagseal ${command}: ${outcome.stderr}`);
      return outcome;
    };
    return { home, env, run, succeeds };
  };

  const { send, close } = createSend({ caCerts: [peers.caPem] });
  cleanUp.defer(close);
  const { username, password } = peers;
  const service = authorize(send, {
    service: "Notary server",
    allowHttp: false,
    ...(peers.auth ? { credentials: () => Promise.resolve({ username, password }) } : {}),
    remedy: "Correct the test",
  });
  const trustServer = createTrustServer({ url: new URL(peers.notaryUrl), service, access: "pull" });

  const running = cleanUp.move();
  return {
    peers,
    signPath,
    privateKey,
    certificatePath,
    admin: (name) => person(name, { ...notaryAuth, ...NOTARY_PASSPHRASES }),
    agent: (name, env = {}) =>
      person(name, {
        ...notaryAuth,
        ...(peers.auth ? { REGISTRY_AUTH: auth } : {}),
        SIGNPATH_API_URL: `https://localhost:${server.addr.port}/API`,
        SIGNPATH_API_TOKEN: apiToken,
        SIGNPATH_ORGANIZATION_ID: organizationId,
        SIGNPATH_PROJECT_SLUG: "app",
        SIGNPATH_SIGNING_POLICY_SLUG: POLICIES.automatic,
        ...env,
      }),
    async served(gun) {
      const roles = ["root", "targets", "snapshot", "timestamp", "targets/releases", "targets/signpath"];
      const files = roles.map(async (role) => {
        const bytes = await trustServer.read(gun, role);
        return [role, bytes ? new TextDecoder().decode(bytes) : ""];
      });
      return Object.fromEntries(await Promise.all(files));
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function assertNoSecret(where: string, output: string, secrets: readonly string[]): void {
  // Neither is the output shown, nor the secret: this ends up in the logs of continuous integration.
  for (const [i, secret] of secrets.entries()) assert.ok(!output.includes(secret), `${where} shows secret ${i}`);
  assert.ok(!/\beyJ[\w-]{8,}\.eyJ/.test(output), `${where} shows a bearer token`);
  assert.ok(!output.includes("PRIVATE KEY"), `${where} shows a private key`);
}

/** All files below a folder, by path. */
export async function filesBelow(folder: string): Promise<Map<string, Bytes>> {
  const found = new Map<string, Bytes>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (!isDirectory) found.set(path, await Deno.readFile(path));
    else for (const [below, bytes] of await filesBelow(path)) found.set(below, bytes);
  }
  return found;
}
