/** The sources that a release is built from: their commit, and the packages of which code is shipped. @module */
import { isJsonObject, parseJson } from "../../lib/bytes/json.ts";
import { TagsealError } from "../../lib/errors.ts";
import { listFolder, requireFile } from "../../lib/files/files.ts";
import { type Shipped, shippedPackages } from "../../lib/releases/shipped.ts";
import { PROJECT } from "../parts.ts";

/** A commit. */
export interface Commit {
  /** Its hash, in hex. */
  readonly commit: string;
  /** When it was made; or what SOURCE_DATE_EPOCH says. */
  readonly time: Date;
}

const MAX_BYTES = 64 * 2 ** 20;

/** The commit whose files lie here, as they are in it. @throws {TagsealError} `bad-input` where others do */
export async function commitHere(): Promise<Commit> {
  const changed = await git("status", "--porcelain");
  if (changed !== "") {
    throw new TagsealError("bad-input", `The project is not as it was committed: ${changed.split("\n")[0]!.trim()}`, {
      remedy: "Commit what belongs to the release, and take the rest away: a release names the commit it is made of",
    });
  }
  const epoch = Deno.env.get("SOURCE_DATE_EPOCH") || await git("show", "-s", "--format=%ct", "HEAD");
  return { commit: await git("rev-parse", "HEAD"), time: new Date(Number(epoch) * 1000) };
}

async function git(...args: string[]): Promise<string> {
  const options: Deno.CommandOptions = { args, cwd: PROJECT, stdin: "null", stderr: "inherit" };
  const { success, stdout } = await new Deno.Command("git", options).output();
  if (success) return new TextDecoder().decode(stdout).trim();
  throw new TagsealError("bad-input", `git ${args[0]} failed; it says why above`, {
    remedy: "Release from a clone of the project",
  });
}

/** The packages in the program, with the licences that they name; its source maps are in the folder `maps`. */
export async function packagesShipped(
  maps: string,
): Promise<Shipped & { readonly licenses: ReadonlyMap<string, string> }> {
  const folders = await shippedFolders(maps);
  const lock = parseJson(await requireFile(`${PROJECT}deno.lock`, MAX_BYTES), "any");
  const licenses = new Map<string, string>();
  for (const [id, folder] of folders) {
    const description = parseJson(await requireFile(`${folder}/package.json`, MAX_BYTES), "any");
    const license = isJsonObject(description) ? description["license"] : undefined;
    if (typeof license === "string") licenses.set(id, license);
  }
  return { ...shippedPackages(lock, new Set(folders.keys())), licenses };
}

/** The folders of packages from which the bundler has taken something, by `name@version`. */
async function shippedFolders(maps: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name } of listFolder(maps)) {
    if (!name.endsWith(".map")) continue;
    const map = parseJson(await requireFile(`${maps}/${name}`, MAX_BYTES), "any");
    const sources = isJsonObject(map) && Array.isArray(map["sources"]) ? map["sources"] : [];
    for (const source of sources) {
      const { pathname } = new URL(String(source), `file://${maps}/`);
      const [path, id, version] = /^.*\/npm\/[^/]+\/((?:@[^/]+\/)?[^/]+)\/(\d[^/]*)(?=\/)/.exec(pathname) ?? [];
      if (path) found.set(`${id}@${version}`, decodeURIComponent(path));
    }
  }
  return found;
}
