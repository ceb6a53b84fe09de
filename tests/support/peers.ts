/**
 * The real peers from Debian, started for one test: notary-signer, notary-server and docker-registry on loopback, each
 * in a fresh folder under the temporary directory, with certificates from a throw-away CA; on request with Docker token
 * authentication, and with a Docker engine of their own (root only).
 *
 * @module
 */
import { createLocalCa, LOOPBACK_NAMES } from "../../lib/local/certificates.ts";
import { engineAddress, startEngine } from "./engine.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import { freePorts } from "./ports.ts";
import { PortTaken, Process } from "./process.ts";
import { createTokenIssuer } from "./token_issuer.ts";

/** A running registry and Notary server: these real ones, or those of `embedded_peers.ts`. */
export interface Peers extends AsyncDisposable {
  /** The Notary server, as `https://localhost:<port>`. */
  readonly notaryUrl: string;
  /** The registry (https), as `localhost:<port>`: the first part of every repository's name. */
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
  /** The notary-servers, the first of which is at `notaryUrl`, and their database; none of embedded ones. */
  readonly cluster?: Cluster;
  /** Ends all of them and removes the folder; may be called again. */
  stop(): Promise<void>;
}

/** Notary-servers that share what they have. */
export interface Cluster {
  /** Each of them. */
  readonly instances: readonly Instance[];
  /** Where they keep what they have, unless that is memory. */
  readonly database: Postgres | undefined;
}

/** One notary-server. */
export interface Instance {
  /** Where it listens. */
  readonly port: number;
  /** The file of its log. */
  readonly log: string;
  /** Ends it with `kill -9`, and starts it again so many milliseconds later. */
  killAndRestart(downMs: number): Promise<void>;
}

/** What to start. */
export interface PeerOptions {
  /** Docker token authentication for the Notary server and the registry. */
  readonly auth?: boolean;
  /** Told the port of the token issuer; returns the port at which callers are sent to it. */
  readonly wayToIssuer?: (port: number) => number;
  /** A Docker engine. */
  readonly engine?: boolean;
  /** Where the Notary server and its signer keep what they have: memory, unless said. */
  readonly storage?: "postgresql";
  /** How many notary-servers there are on that storage; one, unless said. */
  readonly instances?: number;
  /** Whether its time is measured: then it has all its threads, and may end by its race. */
  readonly isMeasured?: boolean;
}

const USERNAME = "tests";
const PASSWORD = "tests-password";
const SERVICE = "tagseal-tests";

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
      realm: `https://localhost:${options.wayToIssuer?.(server.addr.port) ?? server.addr.port}/token`,
      service: SERVICE,
      issuer: SERVICE,
      rootcertbundle: await file("tokens.crt", issuer.certificatePem),
    };
  }
  const launch = async (name: string, args: string[], isUp: () => Promise<boolean>, log = `${dir}/${name}.log`) => {
    const process = cleanUp.use(new Process(name, args, log));
    await process.waitUntil(isUp);
    return process;
  };
  const answers = async (url: string, ...statuses: number[]) => {
    const response = await fetch(url, { client });
    await response.body?.cancel();
    return statuses.includes(response.status);
  };

  const { instances = 1 } = options;
  const [signerPort, registryPort, postgresPort, ...notaryPorts] = freePorts(3 + instances) as [
    number,
    number,
    number,
    number,
  ];
  const notaryUrl = `https://localhost:${notaryPorts[0]}`;
  const registryHost = `localhost:${registryPort}`;
  const logging = { level: "info" };
  const storage = (url: string | undefined) => url ? { backend: "postgres", db_url: url } : { backend: "memory" };
  const startNotary = async (): Promise<Cluster> => {
    const database = options.storage && cleanUp.use(await startPostgres(postgresPort));
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
        storage: { ...storage(database?.signerUrl), default_alias: "tests" },
      }),
    );
    // Before the server, which otherwise waits a second until it tries to connect again.
    const command = ["NOTARY_SIGNER_TESTS=passphrase-of-the-database", "notary-signer", "-config", signer];
    await launch("env", command, () => connects({ hostname: "127.0.0.1", port: signerPort }));
    return { database, instances: await Promise.all(notaryPorts.map((port, i) => startInstance(port, i, database))) };
  };
  const startInstance = async (port: number, i: number, database: Postgres | undefined): Promise<Instance> => {
    const nth = i === 0 ? "" : `-${i + 1}`;
    const config = await file(
      `server${nth}.json`,
      JSON.stringify({
        server: { http_addr: `127.0.0.1:${port}`, tls_cert_file: cert, tls_key_file: key },
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
        storage: storage(database?.serverUrl),
        ...(auth ? { auth: { type: "token", options: auth } } : {}),
      }),
    );
    const log = `${dir}/notary-server${nth}.log`;
    const isUp = () => answers(`https://localhost:${port}/_notary_server/health`, 200);
    // Beside each request it walks over headers that the request may be changing: with threads that sometimes ends it.
    const threads = options.isMeasured ? [] : ["GOMAXPROCS=1"];
    const command = [...threads, "notary-server", "-config", config];
    const process = await launch("env", command, isUp, log);
    return { port, log, killAndRestart: (downMs) => process.restart("SIGKILL", downMs) };
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
  const notary = startNotary();
  const results = await Promise.allSettled([
    notary,
    startRegistry(),
    ...(options.engine ? [startEngine(dir).then((engine) => cleanUp.use(engine))] : []),
  ]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
  const cluster = await notary;

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
    cluster,
    ...(options.engine ? { dockerHost: engineAddress(dir) } : {}),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function connects(address: Deno.ConnectOptions): Promise<boolean> {
  (await Deno.connect(address)).close();
  return true;
}
