/** A release repository in a folder with keys in files, served as a web server does, and tuf-js as its client. @module */
import { Updater } from "tuf-js";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import type { KeyStore } from "../../lib/keystore/keystore.ts";
import {
  beginReleases,
  openReleaseSigners,
  type Publisher,
  publishRelease,
  type ReleasedFile,
  targetPath,
} from "../../lib/releases/publish.ts";
import { type Published, ReleaseFolder } from "../../lib/releases/repository.ts";

/** A repository with its keys and its server. */
export class ReleaseWorld implements AsyncDisposable {
  /** All that it is made of. */
  readonly dir: string = Deno.makeTempDirSync({ prefix: "tagseal-releases-" });
  /** What is served. */
  readonly folder: ReleaseFolder = new ReleaseFolder(`${this.dir}/site`);
  /** Its keys. */
  keys: KeyStore = createFileKeyStore(`${this.dir}/keys`, () => Promise.resolve("a good passphrase"));
  /** Its clock. */
  now: Date = new Date();
  /** What was asked for. */
  readonly asked: string[] = [];
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    this.asked.push(path);
    const bytes = await Deno.readFile(`${this.folder.folder}${path}`).catch(() => undefined);
    return new Response(bytes ?? null, { status: bytes ? 200 : 404 });
  });

  /** What publishing takes. */
  get publisher(): Publisher {
    return { folder: this.folder, keys: this.keys, now: this.now };
  }

  /** Makes keys and root. */
  begin(thresholds: Parameters<typeof beginReleases>[1] = {}): ReturnType<typeof beginReleases> {
    return beginReleases(this.publisher, thresholds);
  }

  /** What is there. */
  async published(): Promise<Published> {
    return (await this.folder.read(undefined))!;
  }

  /** Publishes the single file of a version. */
  async release(version: string, content: string): Promise<boolean> {
    const published = await this.published();
    const signers = await openReleaseSigners(this.keys, published.root);
    return await publishRelease(this.publisher, published, [await this.put(version, utf8(content))], signers);
  }

  /** Lays a file where its target is to be. */
  async put(version: string, bytes: Bytes): Promise<ReleasedFile> {
    const sha256 = sha256Hex(bytes);
    const file = { path: `${version}/tagseal`, length: bytes.length, sha256, custom: { version, form: "deno" } };
    await Deno.mkdir(`${this.folder.folder}/targets/${version}`, { recursive: true });
    await Deno.writeFile(`${this.folder.folder}/targets/${targetPath(file)}`, bytes);
    return file;
  }

  /** A machine that trusts a root; it keeps what it has seen. */
  client(root: Bytes): ReleaseClient {
    return new ReleaseClient(`http://127.0.0.1:${this.#server.addr.port}`, root);
  }

  /** The bytes of a root. */
  root(version = 1): Bytes {
    return Deno.readFileSync(`${this.folder.folder}/metadata/${version}.root.json`);
  }

  /** Names in the folder of metadata. */
  names(): string[] {
    return [...Deno.readDirSync(`${this.folder.folder}/metadata`)].map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** The updater of tuf-js, over HTTP. */
export class ReleaseClient implements Disposable {
  readonly #dir = Deno.makeTempDirSync({ prefix: "tagseal-tuf-js-" });

  /** @param base the server's address */
  constructor(readonly base: string, root: Bytes) {
    Deno.writeFileSync(`${this.#dir}/root.json`, root);
  }

  /** Fetches a target. */
  async fetch(path: string): Promise<string> {
    const updater = new Updater({
      metadataDir: this.#dir,
      targetDir: this.#dir,
      metadataBaseUrl: `${this.base}/metadata`,
      targetBaseUrl: `${this.base}/targets`,
      config: { fetchRetries: 0 },
    });
    await updater.refresh();
    const target = await updater.getTargetInfo(path);
    if (!target) throw new Error(`There is no target "${path}"`);
    return await Deno.readTextFile(await updater.downloadTarget(target, `${this.#dir}/target`));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#dir, { recursive: true });
  }
}
