/**
 * A Notary server in memory, as a double of `TrustServer`: shows files, keeps every file it ever showed by its hash and
 * every root by its version, as the real one does, and records what it was asked.
 *
 * It judges nothing. A test decides what a publish does (`onPublish`), and may move the repository on in the middle of a
 * reading (`onRead`).
 *
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import type { PublicKey } from "../../lib/crypto/keys.ts";
import type { TrustServer } from "../../lib/notary/trust_server.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { KEYS } from "./trust_builder.ts";

/** The server. */
export class MemoryTrustServer implements TrustServer {
  readonly url: URL = new URL("https://notary.test");
  /** The names that were read, in order. */
  readonly reads: string[] = [];
  /** How often the client waited: reads that were under way at once count as one round. */
  rounds = 0;
  /** The role names of each publish. */
  readonly published: RoleName[][] = [];
  /** Called before a file is looked up. */
  onRead: (name: string) => void = () => {};
  /** What a publish does; it stores the files unless a test says otherwise. */
  onPublish: (files: ReadonlyMap<RoleName, Bytes>) => void | Promise<void> = (files) => this.show(files);
  readonly #files = new Map<string, Bytes>();
  #underWay = 0;

  constructor(files: ReadonlyMap<RoleName, Bytes> = new Map()) {
    this.show(files);
  }

  /** Shows these files from now on; others stay. */
  show(files: ReadonlyMap<RoleName, Bytes>): void {
    for (const [role, bytes] of files) {
      this.#files.set(role, bytes);
      this.#files.set(`${role}.${sha256Hex(bytes)}`, bytes);
      const version = role === "root" ? /"version":(\d+)/.exec(new TextDecoder().decode(bytes))?.[1] : undefined;
      if (version) this.#files.set(`${version}.root`, bytes);
    }
  }

  /** Loses a file. */
  lose(name: string): void {
    this.#files.delete(name);
  }

  async read(_gun: string, name: string): Promise<Bytes | undefined> {
    if (this.#underWay++ === 0) this.rounds++;
    this.reads.push(name);
    await new Promise((resolve) => setTimeout(resolve));
    this.onRead(name);
    const bytes = this.#files.get(name);
    this.#underWay--;
    return bytes;
  }

  managedKey(_gun: string, role: "timestamp" | "snapshot"): Promise<PublicKey> {
    return Promise.resolve(KEYS[role].publicKey);
  }

  async publish(_gun: string, files: ReadonlyMap<RoleName, Bytes>): Promise<void> {
    this.published.push([...files.keys()]);
    await this.onPublish(files);
  }
}
