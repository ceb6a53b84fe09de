/**
 * Replacing the file of a program, which may be running: it is the old one or the new one at every moment, and the old
 * one is kept beside it.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { reworded } from "../errors.ts";
import { fileError, isDenied, removeLeftovers, removeQuietly, syncFolder } from "./files.ts";
import { openFile } from "./open.ts";

/** A file that is about to be replaced. */
export interface Replacement extends Disposable {
  /** The file itself, links followed. */
  readonly path: string;
  /** Where the old one is kept. */
  readonly previousPath: string;
  /** Has `bytes` take its place. @throws {TagsealError} `bad-input`; then the old one is where it was */
  put(bytes: Bytes): void;
}

const HOUR_MS = 3_600_000;

/**
 * Makes the file that will take the place of the one at `path`, empty still, so that whoever may not replace it hears of
 * that before anything is downloaded. Disposed of before it is used it leaves nothing.
 *
 * @param os the system, for how running programs are replaced there
 * @throws {TagsealError} `bad-input`
 */
export function openReplacement(path: string, os: string = Deno.build.os): Replacement {
  const refused = (error: unknown) => {
    const failure = fileError(path, "replaced", error);
    if (!isDenied(failure)) return failure;
    return reworded(failure, failure.message, {
      remedy: "Run it as a user who may replace that file, or leave updates to whoever has installed it",
    });
  };
  try {
    const target = Deno.realPathSync(path);
    const [, folder = "", name = ""] = /^(.*?)([^/\\]*)$/.exec(target)!;
    const previous = name.replace(/(\.exe)?$/i, ".previous$1");
    // Nobody takes an hour between making these and moving them.
    removeLeftovers(folder, (left) => left === name || left === previous, HOUR_MS);
    const temporary = temporaryOf(target);
    const mode = (Deno.statSync(target).mode ?? 0o755) & 0o777;
    const file = openFile(temporary, { write: true, createNew: true, mode });
    const previousPath = `${folder}${previous}`;
    let isOpen = true;
    const close = () => {
      if (isOpen) file.close();
      isOpen = false;
    };
    return {
      path: target,
      previousPath,
      put(bytes) {
        try {
          for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
          if (os !== "windows") Deno.chmodSync(temporary, mode); // whatever this user's umask takes away
          file.syncSync();
          close();
          exchange(target, temporary, previousPath, os);
          syncFolder(folder);
        } catch (error) {
          throw refused(error);
        }
      },
      [Symbol.dispose]() {
        close();
        removeQuietly(temporary);
      },
    };
  } catch (error) {
    throw refused(error);
  }
}

/** Windows lets nobody replace a program that runs, but have it renamed: there is a moment without a file of its name. */
function exchange(target: string, temporary: string, previous: string, os: string): void {
  if (os !== "windows" || !/\.exe$/i.test(target)) {
    keep(target, previous);
    Deno.renameSync(temporary, target);
    return;
  }
  Deno.renameSync(target, previous);
  try {
    Deno.renameSync(temporary, target);
  } catch (error) {
    Deno.renameSync(previous, target);
    throw error;
  }
}

/** Gives the file a second name, which takes the place of an older file of that name in one step. */
function keep(path: string, previous: string): void {
  const temporary = temporaryOf(previous);
  try {
    try {
      Deno.linkSync(path, temporary);
    } catch {
      Deno.copyFileSync(path, temporary); // not every disk knows links
    }
    Deno.renameSync(temporary, previous);
  } finally {
    removeQuietly(temporary); // moved already, or left where both were one file
  }
}

function temporaryOf(path: string): string {
  return `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
}
