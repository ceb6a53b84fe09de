/**
 * What may be opened, and where something may be written.
 *
 * Opening a pipe waits for its other end, and nothing in this process can end that wait: only regular files are opened.
 * Nothing is ever written into the program's own code: permissions compare the text of paths, so that a link leads past
 * them.
 *
 * @module
 */
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, type Reason, TagsealError } from "../errors.ts";

/** What is at a path is a folder, a pipe, a device. */
export class NoFile extends Error {
  /** Whether it is a pipe, which could be waited for without end. */
  readonly isPipe: boolean;

  /** Of what is there. */
  constructor({ isFifo }: Pick<Deno.FileInfo, "isFifo">) {
    super("it is not a file");
    this.isPipe = isFifo === true;
  }
}

/** Opens a regular file. @throws {NoFile} where it is another thing; and what the platform throws */
export function openFile(path: string, options: Deno.OpenOptions): Deno.FsFile {
  // A link to nowhere would make a file at its other end.
  const before = options.createNew ? undefined : infoOf(path, options.create ? Deno.lstatSync : Deno.statSync);
  if (before) requireRegular(before);
  const file = Deno.openSync(path, options);
  try {
    requireRegular(file.statSync());
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** What is at `path`, links not followed; `undefined` where nothing is. Throws what the platform throws. */
export function entryAt(path: string): Deno.FileInfo | undefined {
  return infoOf(path, Deno.lstatSync);
}

function infoOf(path: string, stat: typeof Deno.statSync): Deno.FileInfo | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function requireRegular(info: Deno.FileInfo): void {
  if (!info.isFile) throw new NoFile(info);
}

/** Why the platform refuses, without the call and the path, and without its advice on its own permissions. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) return "this task's permissions do not allow it";
  return messageOf(error).replace(/: \w+ '.*$/, "");
}

/** Whether it is the system that refuses, or the disk: a read-only one, or one that cannot lock. */
export function refusalOf(error: unknown): Reason<"bad-input"> | undefined {
  const isDenied = error instanceof Deno.errors.PermissionDenied ||
    (error instanceof Error && "code" in error && ["EROFS", "ENOLCK", "ENOTSUP"].includes(String(error.code)));
  return isDenied ? "denied" : undefined;
}

/** Whether the platform says that there is nothing. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** The entries of the project's folder that its tasks run, or that other tools run. */
export const CODE: ReadonlySet<string> = new Set([
  ...["lib", "tasks", "tests", "mod.ts", "deno.json", "deno.lock", ".tagseal-pkcs11", "dist"],
  ...["node_modules", "package.json", ".npmrc", ".ci", ".git"],
]);

const HERE = "/lib/files/open.ts";
let project: string | undefined;

/** The project's folder where the program runs from one; "" in a program of one file. */
function projectFolder(): string {
  const isProject = import.meta.url.startsWith("file:") && import.meta.url.endsWith(HERE);
  return project ??= isProject ? realPath(fileURLToPath(new URL("../..", import.meta.url))) ?? "" : "";
}

/**
 * Refuses a path that leads into the program's own code, through whatever links.
 *
 * @throws {TagsealError} `bad-input`
 */
export function requireOutsideOfCode(path: string): void {
  const own = projectFolder();
  if (own === "") return;
  const full = resolve(path);
  // The nearest folder that is there says where it leads; what is still to be made below it, is made as named.
  let folder = dirname(full);
  let real = realPath(folder);
  while (real === undefined && dirname(folder) !== folder) real = realPath(folder = dirname(folder));
  const target = `${real ?? folder}/${relative(folder, full)}`.replaceAll("\\", "/");
  const name = target.startsWith(`${own}/`) ? target.slice(own.length + 1).split("/")[0]! : "";
  if (!CODE.has(name.toLowerCase())) return;
  throw new TagsealError("bad-input", `"${path}" leads into tagseal's own code ("${name}")`, {
    remedy: "Choose a path outside of tagseal's own folder",
    details: { path },
  });
}

function realPath(path: string): string | undefined {
  try {
    return Deno.realPathSync(path).replaceAll("\\", "/");
  } catch {
    return undefined; // it is not there yet, or not to be looked into: then nothing is written there either
  }
}
