/**
 * The names in a trust directory, as they lie there: neither verified nor locked, to be shown and offered alone.
 *
 * @module
 */
import { isFile, listFolder, readFileBounded } from "../files/files.ts";
import { filePath, pathOfFile } from "../files/names.ts";
import { RELEASES } from "../tuf/roles.ts";
import { unverifiedBytes } from "./sizes.ts";

const MAX_REPOSITORIES = 10_000;
const MAX_DEPTH = 20;

/** The repositories that have a root there. @throws {TagsealError} `bad-input` where a folder cannot be read */
export function keptRepositories(trustDir: string, os?: string): string[] {
  const found: string[] = [];
  const walk = (path: string, gun: string, depth: number) => {
    const isKept = gun !== "" && isFile(`${path}/metadata/root.json`);
    if (isKept) found.push(pathOfFile(gun, os));
    for (const { name, isDirectory } of listFolder(path)) {
      if (!isDirectory || depth === MAX_DEPTH || found.length >= MAX_REPOSITORIES) continue;
      if (name !== "metadata" || !isKept) walk(`${path}/${name}`, gun === "" ? name : `${gun}/${name}`, depth + 1);
    }
  };
  walk(`${trustDir}/tuf`, "", 0);
  return found;
}

/** The tags of a repository that Docker would look at, in order; none where nothing can be read of them. */
export async function keptTags(trustDir: string, gun: string, os?: string): Promise<string[]> {
  const tags = new Set<string>();
  for (const role of [RELEASES, "targets"]) {
    const path = `${trustDir}/tuf/${filePath(gun, os)}/metadata/${filePath(`${role}.json`, os)}`;
    try {
      const bytes = await readFileBounded(path, unverifiedBytes(role));
      const { signed } = JSON.parse(new TextDecoder().decode(bytes));
      Object.keys(signed.targets).forEach((tag) => tags.add(tag));
    } catch { /* it is not there, or not what it should be, which the next command that reads it will tell */ }
  }
  return [...tags].sort();
}
