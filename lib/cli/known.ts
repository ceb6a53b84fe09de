/** What shells ask for while a word is typed: names that the trust directory or the project file knows. @module */
import { fileText } from "../bytes/bytes.ts";
import { isTag, parseImageName } from "../registry/image_ref.ts";
import { keptRepositories, keptTags } from "../notary/kept_names.ts";
import { trustFolder } from "./docker_folder.ts";
import { MAX_PROJECT_BYTES, PROJECT_FILE } from "./file_names.ts";
import type { Host } from "./host.ts";

/** Most names that a shell is offered. */
const MAX_NAMES = 1000;

/** No shell takes anything in such a name for its own, whatever becomes of it there. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._/:-]*$/;

/**
 * Names of a kind that begin with `typed`, for a command line with the words `before`. What lies in the trust directory
 * is looked at without any proof, and without waiting for whoever writes there: it is offered, and trusted for nothing.
 */
export async function knownNames(
  [kind, typed = "", ...before]: readonly string[],
  host: Pick<Host, "env" | "path" | "readNearestFile">,
): Promise<string[]> {
  const folder = trustFolder({ trustDir: valueIn(before, "--trust-dir") }, host);
  if (folder === undefined) return [];
  const repository = gunOf(valueIn(before, "-r", "--repository") ?? "");
  const names = kind === "repository"
    ? [...new Set([...keptRepositories(folder), ...await ofProject(host)])].filter((name) => gunOf(name) === name)
    : repository === undefined
    ? []
    : (await keptTags(folder, repository)).filter(isTag);
  return names.filter((name) => name.startsWith(typed) && PLAIN.test(name)).slice(0, MAX_NAMES);
}

/** The repositories of the nearest project file, where it can be read. */
async function ofProject(host: Pick<Host, "readNearestFile">): Promise<string[]> {
  try {
    const file = await host.readNearestFile(PROJECT_FILE, MAX_PROJECT_BYTES);
    const { repositories } = JSON.parse(fileText(file!.bytes));
    return [repositories].flat().filter((name) => typeof name === "string");
  } catch {
    return []; // there is none; or a command that needs it will say what is wrong with it
  }
}

function gunOf(name: string): string | undefined {
  try {
    return parseImageName(name).gun;
  } catch {
    return undefined; // what is no name has no folder either
  }
}

/** The last value of a flag among words as a shell has them, quotes and all. */
function valueIn(words: readonly string[], ...names: readonly string[]): string | undefined {
  const plain = words.map((word) => word.replaceAll(/["'\\]/g, ""));
  return plain.flatMap((word, i) => {
    if (names.includes(plain[i - 1] ?? "")) return word;
    const [, name, value] = /^(--[a-z-]+)=(.*)$/.exec(word) ?? [];
    return name !== undefined && names.includes(name) ? value! : [];
  }).at(-1);
}
