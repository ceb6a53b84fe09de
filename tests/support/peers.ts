/**
 * The real peers from Debian, started for one test: notary-signer, notary-server and docker-registry on loopback, each
 * in a fresh folder under the temporary directory, with certificates from a throw-away CA; on request with Docker token
 * authentication, and with a Docker engine of their own (root only).
 *
 * @module
 */
import { createLocalCa, LOOPBACK_NAMES } from "../../lib/local/certificates.ts";
import { createTokenIssuer } from "./token_issuer.ts";

/** Running peers. */
export interface Peers extends AsyncDisposable {
  /** notary-server, as `https://localhost:<port>`. */
  readonly notaryUrl: string;
  /** docker-registry (https), as `localhost:<port>`: the first part of every repository's name. */
  readonly registryHost: string;
  /** The CA of all of them, as a file named `ca.crt` in a folder of its own (a Docker `certs.d` entry). */
  readonly caPath: string;
  /** The same CA. */
  readonly caPem: string;
  /** The folder of this set of peers: free for a test's own files, gone after `stop`. */
  readonly dir: string;
  /** Whether the peers ask for tokens. */
  readonly auth: boolean;
  /** The user whom the token issuer knows. */
  readonly username: string;
  /** That user's password. */
  readonly password: string;
  /** The engine's `DOCKER_HOST`. */
  readonly dockerHost?: string;
  /** What notary-server has logged so far: a line of JSON for each request, among others. */
  notaryLog(): Promise<string>;
  /** Ends all of them and removes the folder; may be called again. */
  stop(): Promise<void>;
}

/** What to start. */
export interface PeerOptions {
  /** Docker token authentication for the Notary server and the registry. */
  readonly auth?: boolean;
  /** A Docker engine. */
  readonly engine?: boolean;
}

const USERNAME = "tests";
const PASSWORD = "tests-password";
const SERVICE = "tagseal-tests";
const START_TIMEOUT_MS = 30_000;

/** A port was taken by somebody else between its choice and its use. */
class PortTaken extends Error {}

/**
 * Starts the peers and waits until each of them answers.
 *
 * @throws {Error} with the end of its log where one does not come up; everything else is ended then
 */
export async function startPeers(options: PeerOptions = {}): Promise<Peers> {
  for (let attempt = 1;; attempt++) {
    try {
      return await start(options);
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === 3) throw error;
    }
  }
}

async function start(options: PeerOptions): Promise<Peers> {
  await using cleanUp = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "tagseal-peers-" });
  cleanUp.defer(() => Deno.remove(dir, { recursive: true }));
  const file = async (name: string, content: string) => {
    await Deno.writeTextFile(`${dir}/${name}`, content, { mode: 0o600 });
    return `${dir}/${name}`;
  };

  const ca = await createLocalCa(new Date(), "tagseal tests, throw-away CA");
  const { certPem, keyPem } = await ca.issue(LOOPBACK_NAMES);
  await Deno.mkdir(`${dir}/certs`);
  const caPath = await file("certs/ca.crt", ca.caPem);
  const [cert, key] = [await file("server.crt", certPem), await file("server.key", keyPem)];
  const client = Deno.createHttpClient({ caCerts: [ca.caPem] });
  cleanUp.defer(() => client.close());

  let auth: { realm: string; service: string; issuer: string; rootcertbundle: string } | undefined;
  if (options.auth) {
    const issuer = await createTokenIssuer({
      issuer: SERVICE,
      service: SERVICE,
      user: USERNAME,
      password: PASSWORD,
      now: () => new Date(),
    });
    const tls = { hostname: "127.0.0.1", port: 0, cert: certPem, key: keyPem, onListen() {} };
    const server = Deno.serve(tls, issuer.handle);
    cleanUp.defer(() => server.shutdown());
    auth = {
      realm: `https://localhost:${server.addr.port}/token`,
      service: SERVICE,
      issuer: SERVICE,
      rootcertbundle: await file("tokens.crt", issuer.certificatePem),
    };
  }
  const launch = async (name: string, args: string[], isUp: () => Promise<boolean>) => {
    const peer = new Process(name, args, `${dir}/${name}.log`);
    cleanUp.defer(() => peer.end());
    await peer.waitUntil(isUp);
  };
  const answers = async (url: string, ...statuses: number[]) => {
    const response = await fetch(url, { client });
    await response.body?.cancel();
    return statuses.includes(response.status);
  };

  const [signerPort, notaryPort, registryPort] = freePorts(3) as [number, number, number];
  const notaryUrl = `https://localhost:${notaryPort}`;
  const registryHost = `localhost:${registryPort}`;
  const logging = { level: "info" };
  const storage = { backend: "memory" };
  const startNotary = async () => {
    const signer = await file(
      "signer.json",
      JSON.stringify({
        server: {
          grpc_addr: `127.0.0.1:${signerPort}`,
          tls_cert_file: cert,
          tls_key_file: key,
          client_ca_file: caPath,
        },
        logging,
        storage,
      }),
    );
    // Before the server, which otherwise waits a second until it tries to connect again.
    await launch("notary-signer", ["-config", signer], () => connects({ hostname: "127.0.0.1", port: signerPort }));
    const server = await file(
      "server.json",
      JSON.stringify({
        server: { http_addr: `127.0.0.1:${notaryPort}`, tls_cert_file: cert, tls_key_file: key },
        trust_service: {
          type: "remote",
          hostname: "localhost",
          port: `${signerPort}`,
          tls_ca_file: caPath,
          key_algorithm: "ecdsa",
          tls_client_cert: cert,
          tls_client_key: key,
        },
        logging,
        storage,
        ...(auth ? { auth: { type: "token", options: auth } } : {}),
      }),
    );
    await launch("notary-server", ["-config", server], () => answers(`${notaryUrl}/_notary_server/health`, 200));
  };
  const startRegistry = async () => {
    const config = await file(
      "registry.yml", // JSON is YAML
      JSON.stringify({
        version: 0.1,
        log: { level: "warn" },
        storage: { filesystem: { rootdirectory: `${dir}/registry` }, delete: { enabled: true } },
        http: { addr: `127.0.0.1:${registryPort}`, tls: { certificate: cert, key } },
        ...(auth ? { auth: { token: auth } } : {}),
      }),
    );
    await launch("docker-registry", ["serve", config], () => answers(`https://${registryHost}/v2/`, 200, 401));
  };
  const socket = `${dir}/engine/sock`;
  const startEngine = async () => {
    await Deno.mkdir(`${dir}/engine`);
    const folders = ["data", "exec"].map((name) => `--${name}-root=${dir}/engine/${name}`);
    // The registry's certificate is not checked on 127.0.0.0/8; the engine reads CAs from /etc/docker/certs.d only.
    const args = [`--host=unix://${socket}`, ...folders, `--pidfile=${dir}/engine/pid`, "--iptables=false"];
    args.push("--bridge=none", "--storage-driver=vfs", "--insecure-registry=127.0.0.0/8");
    using engine = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
    await launch("dockerd", args, async () => {
      const response = await fetch("http://localhost/_ping", { client: engine });
      return await response.text() === "OK";
    });
  };

  const results = await Promise.allSettled([
    startNotary(),
    startRegistry(),
    ...(options.engine ? [startEngine()] : []),
  ]);
  for (const result of results) if (result.status === "rejected") throw result.reason;

  const running = cleanUp.move();
  const stop = () => running.disposeAsync();
  return {
    notaryUrl,
    registryHost,
    caPath,
    caPem: ca.caPem,
    dir,
    auth: auth !== undefined,
    username: USERNAME,
    password: PASSWORD,
    ...(options.engine ? { dockerHost: `unix://${socket}` } : {}),
    notaryLog: () => Deno.readTextFile(`${dir}/notary-server.log`),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A child process with its log. */
class Process {
  readonly #child: Deno.ChildProcess;
  #ended = false;

  constructor(readonly name: string, args: readonly string[], readonly log: string) {
    // setpriv ends the process with the thread that runs the tests, should these be killed; sh is for the log file.
    this.#child = new Deno.Command("setpriv", {
      args: ["--pdeathsig", "TERM", "sh", "-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log, name, ...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#child.status.then(() => this.#ended = true);
  }

  /** Waits until `isUp`, which may throw as long as nobody listens. */
  async waitUntil(isUp: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!this.#ended && Date.now() < deadline) {
      if (await isUp().catch(() => false) && !this.#ended) return;
      await sleep(20);
    }
    const log = await Deno.readTextFile(this.log).catch(() => "");
    const message = `${this.name} ${this.#ended ? "ended" : "does not answer"}; the end of its log:\n${
      log.slice(-2000)
    }`;
    throw /address already in use/.test(log) ? new PortTaken(message) : new Error(message);
  }

  /** Asks it to end, and makes it end where it does not. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#child.kill("SIGTERM");
    const patience = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await this.#child.status;
    clearTimeout(patience);
  }
}

/** Ports nobody listened on a moment ago. */
function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  return listeners.map((listener) => {
    listener.close();
    return listener.addr.port;
  });
}

async function connects(address: Deno.ConnectOptions): Promise<boolean> {
  (await Deno.connect(address)).close();
  return true;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
