/** One command for one repository, or for all those of a file. @module */
import { fileText } from "../bytes/bytes.ts";
import { isTagsealError, messageOf, TagsealError } from "../errors.ts";
import { AT_ONCE, mapAtOnce } from "../signing/at_once.ts";
import type { FailedRepository } from "../signing/outcomes.ts";
import { type ImageName, parseImageName } from "../registry/image_ref.ts";
import { text } from "./flags.ts";
import type { CommandValues } from "./command.ts";
import type { Flags, Values } from "./flags.ts";
import { remedyOf } from "./hints.ts";
import type { Host } from "./host.ts";
import { exitCodeOf, worstOf } from "./exit_codes.ts";
import { errorJson, type Report } from "./report.ts";

/** Which repositories. */
export const repositoriesFlags = {
  repository: text("-r, --repository <fqn>", "the image's full name without tag, e.g. registry.example.com/team/app"),
  repositoriesFrom: text("--repositories-from <file>", "file with one such name per line instead; # starts a comment"),
};

const MAX_LIST_BYTES = 2 ** 20;
const MAX_REPOSITORIES = 10_000;

/** The repositories of a command. */
export interface Repositories {
  /** Each once, in the order given. */
  readonly names: readonly ImageName[];
  /** Whether they came from a file: then the report is about a list, be it of one. */
  readonly fromFile: boolean;
}

/** A list from a file, or from standard input for `-`. */
export async function readList(path: string, maxBytes: number, host: Host): Promise<string> {
  if (path === "-") return await host.readStdin(maxBytes);
  return fileText(await host.readFile(path, maxBytes), false);
}

/** Values of these flags; a command may take several names. */
export type RepositoriesValues =
  & Pick<Values<typeof repositoriesFlags>, "repositoriesFrom">
  & { readonly repository: string | readonly string[] | undefined }
  & Partial<Pick<CommandValues<Flags>, "project">>;

/** What the flags name. @throws {TagsealError} `usage`, `bad-input`, `not-found` */
export async function readRepositories(
  { repository, repositoriesFrom: file, project }: RepositoriesValues,
  host: Host,
): Promise<Repositories> {
  const typed = [repository ?? []].flat();
  if (typed.length > 0 && file !== undefined) {
    throw new TagsealError("usage", "--repository and --repositories-from exclude each other", {
      remedy: "Write all names into the file, or leave it out",
    });
  }
  if (typed.length > 0) return { names: distinct(typed.map(parseImageName)), fromFile: false };
  if (file === undefined && project && project.repositories.length > 0) {
    return { names: distinct(project.repositories.map(parseImageName)), fromFile: true };
  }
  if (file === undefined) {
    throw new TagsealError("usage", "--repository is missing", {
      remedy: "Give --repository, or --repositories-from <file>; --help shows how",
    });
  }
  const lines = (await readList(file, MAX_LIST_BYTES, host)).split(/\r\n?|\n/);
  const names = distinct(lines.flatMap((line, i) => {
    const name = line.replace(/#.*/, "").trim();
    return name === "" ? [] : [inLine(i + 1, file, () => parseImageName(name))];
  }));
  if (names.length > 0 && names.length <= MAX_REPOSITORIES) return { names, fromFile: true };
  throw new TagsealError("bad-input", `"${file}" names ${names.length} repositories, of 1 to ${MAX_REPOSITORIES}`, {
    remedy: "Write one repository per line",
    details: { file },
  });
}

function distinct(names: readonly ImageName[]): ImageName[] {
  return [...new Map(names.map((name) => [name.gun, name])).values()];
}

/** Does `read` for one line of a file that the user wrote; its error says which. @throws {TagsealError} `bad-input` */
export function inLine<T>(line: number, file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isTagsealError(error)) throw error;
    throw new TagsealError("bad-input", `${error.message} (line ${line} of "${file}")`, {
      remedy: remedyOf(error),
    });
  }
}

/** What became of one repository. */
export type Done<T> = { readonly repository: string } & ({ readonly value: T } | { readonly error: unknown });

/**
 * Does `work` for each repository, some at once, and says on stderr how far it is. A failure of one does not keep the
 * others from being done.
 *
 * @throws what `work` throws where there is one repository that was named by itself; `interrupted`
 */
export async function forEachRepository<T>(
  { names, fromFile }: Repositories,
  host: Host,
  work: (name: ImageName) => Promise<T>,
): Promise<Done<T>[]> {
  let count = 0;
  return await mapAtOnce(names, AT_ONCE, async (name) => {
    host.signal.throwIfAborted();
    const repository = name.gun;
    if (!fromFile) return { repository, value: await work(name) };
    const one: Done<T> = await work(name).then((value) => ({ repository, value }), (error) => ({ repository, error }));
    host.signal.throwIfAborted();
    host.info(`[${++count}/${names.length}] ${repository}: ${"error" in one ? "failed" : "done"}`);
    return one;
  });
}

/** Runs a reporting command for each repository: one report, with the worst exit code. */
export async function reportEach(
  repositories: Repositories,
  host: Host,
  work: (name: ImageName) => Promise<Report>,
): Promise<Report> {
  return joinReports(repositories, await forEachRepository(repositories, host, work), host);
}

/** What {@linkcode forEachRepository} has reported, as one report. */
export function joinReports(repositories: Repositories, done: readonly Done<Report>[], host: Host): Report {
  if (!repositories.fromFile) return (done[0] as { value: Report }).value;
  return {
    json: { repositories: done.map((one) => "error" in one ? failedJson(one) : one.value.json) },
    lines: done.flatMap((one) => "error" in one ? [] : one.value.lines),
    exitCode: failures(done, host, ({ exitCode = 0 }) => exitCode),
  };
}

/** A failure as an element of the list in `--json`. */
export function failedJson({ repository, error }: FailedRepository): object {
  return { repository, ...errorJson(error) };
}

/** Names every failure on stderr, with what to do next; the worst exit code of all. */
export function failures<T>(
  done: readonly (Done<T> | FailedRepository)[],
  host: Host,
  codeOf: (value: T) => number = () => 0,
): number {
  const byError = new Map<unknown, string[]>(); // one failure may have hit many, and is said once
  for (const one of done) {
    if ("error" in one) byError.set(one.error, [...byError.get(one.error) ?? [], one.repository]);
  }
  for (const [error, repositories] of byError) {
    const more = repositories.length - NAMED_AT_ONCE;
    const names = repositories.slice(0, NAMED_AT_ONCE).join(", ") + (more > 0 ? ` and ${more} more` : "");
    host.error(`${names}: ${messageOf(error)}`, isTagsealError(error) ? remedyOf(error) : undefined);
  }
  return worstOf(done.map((one) => "error" in one ? exitCodeOf(one.error) : codeOf(one.value)));
}

const NAMED_AT_ONCE = 5;
