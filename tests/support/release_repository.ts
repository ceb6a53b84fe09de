/** A TUF repository of releases with keys of its own, whole or forged, on a real HTTP server. @module */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { Key, Metadata, MetaFile, Root, Signature, Snapshot, TargetFile, Targets, Timestamp } from "@tufjs/models";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";

/** What a role signs. */
type Signed = Root | Snapshot | Targets | Timestamp;

/** A key of the repository. */
export interface ReleaseKey {
  /** As metadata lists it. */
  readonly key: Key;
  /** Signs with it. */
  readonly privateKey: KeyObject;
}

/** A new Ed25519 key. */
export function newKey(): ReleaseKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { x } = publicKey.export({ format: "jwk" });
  const hex = Uint8Array.fromBase64(x!, { alphabet: "base64url" }).toHex();
  const fields = { keyType: "ed25519", scheme: "ed25519", keyVal: { public: hex } };
  const keyID = createHash("sha256").update(hex).digest("hex");
  return { key: new Key({ keyID, ...fields }), privateKey };
}

/** The roles at the top. */
export type ReleaseRole = "root" | "targets" | "snapshot" | "timestamp";

/** Whose keys a root names. */
export type ReleaseKeys = Readonly<Record<ReleaseRole, ReleaseKey>>;

/** A set of new keys. */
export function newKeys(): ReleaseKeys {
  return { root: newKey(), targets: newKey(), snapshot: newKey(), timestamp: newKey() };
}

/** A file of a release. */
export interface ReleasedFile {
  /** Its path below `targets/`, without hash. */
  readonly path: string;
  /** Its content. */
  readonly bytes: Bytes;
  /** What the metadata says of it. */
  readonly custom: Readonly<Record<string, string>>;
}

/** The single file of a version. */
export function singleFileOf(version: string, bytes: Bytes, more: Readonly<Record<string, string>> = {}): ReleasedFile {
  return { path: `${version}/tagseal`, bytes, custom: { version, form: "deno", ...more } };
}

const SPEC = "1.0.31";
const DAY_MS = 86_400_000;

/** So many days from now. */
export function inDays(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().replace(/\.\d+/, "");
}

/** What is special about a publish. */
export interface Publishing {
  /** Versions of roles; one more than the last publish unless said. */
  readonly versions?: Partial<Record<ReleaseRole, number>>;
  /** When roles expire. */
  readonly expires?: Partial<Record<ReleaseRole, string>>;
  /** Who signs a role, in place of its key. */
  readonly signers?: Partial<ReleaseKeys>;
  /** Under what name the snapshot lists targets. */
  readonly listed?: string;
  /** Other hashes than the SHA-256 of each file. */
  readonly hashes?: Readonly<Record<string, string>>;
}

/** A repository: its files by path, as a server has them. */
export class ReleaseRepository {
  /** What lies on the server. */
  readonly files = new Map<string, Bytes>();
  /** The newest root's keys. */
  keys: ReleaseKeys = newKeys();
  #rootVersion = 0;
  #version = 0;

  /** Begins with root 1. */
  constructor() {
    this.publishRoot();
  }

  /** A root's bytes. */
  root(version: number): Bytes {
    return this.files.get(`metadata/${version}.root.json`)!;
  }

  /** Publishes the next root: for `keys`, signed by them and by the root key until then, or by `signers`. */
  publishRoot(
    keys: ReleaseKeys = this.keys,
    { signers = [keys.root, this.keys.root], version = this.#rootVersion + 1, expires = inDays(365), name = version }: {
      signers?: ReleaseKey[];
      version?: number;
      expires?: string;
      name?: number;
    } = {},
  ): void {
    const root = new Root({ version, specVersion: SPEC, expires, consistentSnapshot: true, keys: {} });
    for (const role of ["root", "targets", "snapshot", "timestamp"] as const) root.addKey(keys[role].key, role);
    this.files.set(`metadata/${name}.root.json`, signed(root, ...signers));
    [this.keys, this.#rootVersion] = [keys, version];
  }

  /** Publishes the next targets, snapshot and timestamp: these files and no other ones. */
  publish(
    files: readonly ReleasedFile[],
    { versions = {}, expires = {}, signers, hashes, listed = "targets.json" }: Publishing = {},
  ): void {
    const next = ++this.#version;
    const keys = { ...this.keys, ...signers };
    const common = (role: ReleaseRole) => ({
      version: versions[role] ?? next,
      specVersion: SPEC,
      expires: expires[role] ?? inDays(30),
    });
    const put = (name: string, role: ReleaseRole, content: Signed) => {
      const bytes = signed(content, keys[role]);
      this.files.set(`metadata/${name}.json`, bytes);
      return new MetaFile({ version: content.version, length: bytes.length, hashes: { sha256: sha256(bytes) } });
    };
    const targets = new Targets(common("targets"));
    for (const { path, bytes, custom } of files) {
      const named = sha256(bytes);
      const fields = { path, length: bytes.length, hashes: hashes ?? { sha256: named } };
      targets.addTarget(new TargetFile({ ...fields, unrecognizedFields: { custom } }));
      this.files.set(`targets/${path.replace(/[^/]*$/, (name) => `${named}.${name}`)}`, bytes);
    }
    const file = put(`${targets.version}.targets`, "targets", targets);
    const snapshot = new Snapshot({ ...common("snapshot"), meta: { [listed]: file } });
    const snapshotMeta = put(`${snapshot.version}.snapshot`, "snapshot", snapshot);
    put("timestamp", "timestamp", new Timestamp({ ...common("timestamp"), snapshotMeta }));
  }
}

function signed(content: Signed, ...keys: ReleaseKey[]): Bytes {
  const metadata = new Metadata(content as Root);
  for (const { key, privateKey } of keys) {
    metadata.sign((bytes) => new Signature({ keyID: key.keyID, sig: sign(null, bytes, privateKey).toString("hex") }));
  }
  return utf8(JSON.stringify(metadata.toJSON()));
}

function sha256(bytes: Bytes): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A server of a repository's files; `between` may answer in its place. */
export class ReleaseHttp implements AsyncDisposable {
  /** What was asked for, in order. */
  readonly asked: string[] = [];
  /** Answers in place of the repository, where it answers at all. */
  between: (path: string, request: Request) => Response | undefined | Promise<Response | undefined> = () => undefined;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Serves `repository` on loopback. */
  constructor(readonly repository: ReleaseRepository) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const path = new URL(request.url).pathname.slice(1);
      this.asked.push(path);
      const bytes = this.repository.files.get(path);
      return await this.between(path, request) ?? new Response(bytes ?? null, { status: bytes ? 200 : 404 });
    });
  }

  /** Its address. */
  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#server.addr.port}/`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
