/** Paths below a folder that lead nowhere else. @module */
import { TagsealError } from "../errors.ts";
import { entryAt, reasonOf } from "./open.ts";

/**
 * The path of `name`, whose parts are separated by `/`, below `folder`: whatever is there on the way is a folder, and
 * what is at its end, if anything, a file or a folder. The folder itself is whatever the user named.
 *
 * @throws {TagsealError} `bad-input` where a part is a symbolic link, which could lead out, or cannot be looked at
 */
export function pathInside(folder: string, name: string): string {
  let path = folder.replace(/[/\\]+$/, "");
  for (const part of name.split("/")) {
    path += `/${part}`;
    if (!isLink(path)) continue;
    throw new TagsealError("bad-input", `"${path}" is a symbolic link, and could lead out of the folder`, {
      remedy: "Put what it leads to in its place, or choose another folder",
      details: { path },
    });
  }
  return path;
}

function isLink(path: string): boolean {
  try {
    return entryAt(path)?.isSymlink === true;
  } catch (error) {
    throw new TagsealError("bad-input", `"${path}" cannot be looked at: ${reasonOf(error)}`, {
      remedy: "Check the path and its permissions",
      details: { path },
      cause: error,
    });
  }
}
