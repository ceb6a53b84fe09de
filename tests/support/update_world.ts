/** A machine that updates itself from a real HTTP server, in this process, its program being any file. @module */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { openReplacement } from "../../lib/files/replace.ts";
import { selfUpdate, type Update } from "../../lib/flows/self_update.ts";
import { createSend } from "../../lib/http/network.ts";
import type { Program } from "../../lib/updates/choose.ts";
import { withFloors } from "../../lib/updates/kept_floors.ts";
import { createReleaseServer, type ReleaseServerOptions } from "../../lib/updates/release_server.ts";
import { failsWith } from "./failures.ts";
import { ReleaseHttp, ReleaseRepository, singleFileOf } from "./release_repository.ts";
import type { TagsealError, TagsealErrorCode } from "../../lib/errors.ts";

/** The program before any update. */
export const OLD: Bytes = utf8("#!/bin/sh\necho 1.0.0\n");
/** Its releases. */
export const NEW: Bytes = utf8("#!/bin/sh\necho 2.0.0\n");
/** One that is newer still. */
export const NEWER: Bytes = utf8("#!/bin/sh\necho 3.0.0\n");

/** How it is updated. */
export interface UpdateRun extends Partial<Program> {
  readonly check?: boolean;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Another way to the releases. */
  readonly through?: Partial<ReleaseServerOptions>;
}

/** The machine. */
export class UpdateWorld implements AsyncDisposable {
  /** Where the releases are. */
  readonly repository = new ReleaseRepository();
  /** Their server. */
  readonly http: ReleaseHttp = new ReleaseHttp(this.repository);
  /** The program's folder. */
  readonly folder: string = Deno.makeTempDirSync({ prefix: "tagseal-update-" });
  /** The program. */
  readonly path: string = `${this.folder}/tagseal`;
  /** Where what was trusted is kept. */
  readonly kept: string = `${this.folder}/.docker/tagseal/releases`;
  /** The root that the program was built with. */
  firstRoot: Bytes = this.repository.root(1);
  /** Why nothing is remembered. */
  readonly notKept: string[] = [];
  readonly #network = createSend();

  /** Installs the old program. */
  constructor() {
    Deno.writeFileSync(this.path, OLD, { mode: 0o755 });
  }

  /** Looks, and updates unless `check`. */
  update(
    { check = false, timeoutMs = 5000, signal, version = "1.0.0", form = "deno", deno = "2.9.6", through }: UpdateRun =
      {},
  ): Promise<Update> {
    return selfUpdate({
      program: { form, version, deno },
      firstRoot: this.firstRoot,
      server: createReleaseServer({
        send: this.#network.send,
        url: this.http.url,
        retry: { budgetMs: 0, sleep: () => Promise.resolve(), now: () => new Date() },
        timeoutMs,
        signal,
        ...through,
      }),
      withFloors: (use) =>
        withFloors({ folder: this.kept, onNotKept: ({ message }) => this.notKept.push(message) }, use),
      isInPlace: () => Promise.resolve(false),
      open: () => openReplacement(this.path),
      onDownload() {},
    }, check);
  }

  /** It fails, the program is the old one, runs, and nothing lies beside it. */
  async refuses(
    code: TagsealErrorCode,
    words: readonly string[],
    options: Parameters<UpdateWorld["update"]>[0] = {},
    runs: Bytes = OLD,
  ): Promise<TagsealError> {
    const before = this.names();
    const error = await failsWith(this.update(options), code, ...words);
    assert.deepEqual(await Deno.readFile(this.path), runs);
    assert.deepEqual(this.names(), before);
    return error;
  }

  /** The names beside the program, its own as well. */
  names(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).filter((name) => name !== ".docker").sort();
  }

  /** What the program prints. */
  async runs(path: string = this.path): Promise<string> {
    for (;;) {
      try {
        const { stdout } = await new Deno.Command(path, { stdin: "null", stderr: "null" }).output();
        return new TextDecoder().decode(stdout).trim();
      } catch (error) {
        // A child of another test that was forked while the file was written holds it open until it has begun itself.
        if (!(error instanceof Error && error.message.includes("Text file busy"))) throw error;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  /** Publishes version 2.0.0, or others. */
  release(...versions: [string, Bytes][]): void {
    const files = versions.length > 0 ? versions : [["2.0.0", NEW] as const];
    this.repository.publish(files.map(([version, bytes]) => singleFileOf(version, bytes)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#network.close();
    await this.http[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}
