/** A PostgreSQL server of its own for one test, with the databases of notary-server and notary-signer. @module */
import { existsSync } from "node:fs";
import { Process } from "./process.ts";

/** Where the databases are, as Notary's configuration wants it. */
export interface Postgres extends AsyncDisposable {
  /** `db_url` of notary-server. */
  readonly serverUrl: string;
  /** `db_url` of notary-signer. */
  readonly signerUrl: string;
  /** Ends it, whoever is connected, and starts it again so many milliseconds later. */
  restart(downMs: number): Promise<void>;
}

/** The schema as Notary's own migrations leave it (`migrations/server/postgresql`). */
const SERVER_SCHEMA = `
CREATE TABLE tuf_files (id serial PRIMARY KEY, created_at timestamp, updated_at timestamp, deleted_at timestamp,
  gun varchar(255) NOT NULL, role varchar(255) NOT NULL, version integer NOT NULL, data bytea NOT NULL,
  sha256 char(64), UNIQUE (gun, role, version));
CREATE INDEX tuf_files_sha256_idx ON tuf_files (sha256);
CREATE TABLE change_category (category varchar(20) PRIMARY KEY);
INSERT INTO change_category VALUES ('update'), ('deletion');
CREATE TABLE changefeed (id serial PRIMARY KEY, created_at timestamp DEFAULT CURRENT_TIMESTAMP,
  gun varchar(255) NOT NULL, version integer NOT NULL, sha256 char(64),
  category varchar(20) NOT NULL DEFAULT 'update' REFERENCES change_category (category));`;
const SIGNER_SCHEMA = `
CREATE TABLE private_keys (id serial PRIMARY KEY, created_at timestamp, updated_at timestamp, deleted_at timestamp,
  key_id varchar(255) NOT NULL UNIQUE, encryption_alg varchar(255) NOT NULL, keywrap_alg varchar(255) NOT NULL,
  algorithm varchar(50) NOT NULL, passphrase_alias varchar(50) NOT NULL, public bytea NOT NULL, private bytea NOT NULL,
  gun varchar(255) NOT NULL, role varchar(255) NOT NULL, last_used timestamp);`;

/** Starts a server on `port`, and waits until both databases are there. */
export async function startPostgres(port: number): Promise<Postgres> {
  await using cleanUp = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "tagseal-postgres-" });
  cleanUp.defer(() => Deno.remove(dir, { recursive: true }));
  // It refuses to run as root, and its folder must be its own.
  const asRoot = Deno.uid() === 0;
  if (asRoot) await run("chown", "postgres", dir);
  const user = asRoot
    ? ["--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=TERM"]
    : ["--pdeathsig=TERM"];
  const bin = programs();
  await run("setpriv", ...user, `${bin}/initdb`, "-D", `${dir}/data`, "-A", "trust", "-U", "tests", "--no-sync");
  const args = ["-D", `${dir}/data`, "-p", `${port}`, "-h", "127.0.0.1", "-k", dir, "-c", "fsync=off"];
  const sql = (database: string, text: string) =>
    run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", `${port}`, "-U", "tests", database, "-c", text);
  const log = await Deno.makeTempFile({ prefix: "tagseal-postgres-" });
  cleanUp.defer(() => Deno.remove(log));
  const server = cleanUp.use(new Process("setpriv", [...user, `${bin}/postgres`, ...args], log));
  await server.waitUntil(async () => {
    await sql("postgres", "SELECT 1");
    return true;
  });
  for (const [database, schema] of [["server", SERVER_SCHEMA], ["signer", SIGNER_SCHEMA]] as const) {
    await sql("postgres", `CREATE DATABASE ${database}`);
    await sql(database, schema);
  }
  const url = (database: string) => `postgres://tests@127.0.0.1:${port}/${database}?sslmode=disable`;
  const running = cleanUp.move();
  return {
    serverUrl: url("server"),
    signerUrl: url("signer"),
    restart: (downMs) => server.restart("SIGINT", downMs),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Debian keeps the server's programs in a folder of their version, and may show some of them elsewhere. */
function programs(): string {
  const shown = (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/initdb`).find((path) =>
    existsSync(path)
  );
  return Deno.realPathSync(shown!).replace(/\/[^/]*$/, "");
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, cwd: "/", stdout: "null" }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
