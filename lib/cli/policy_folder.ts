/** The folder that verifiers' files are written to. @module */
import { isTagsealError, reworded } from "../errors.ts";
import {
  LEFT_MS,
  listFolder,
  readFileBounded,
  removeLeftovers,
  removeLeftoversOf,
  requireReplaceable,
  writeFileAtomically,
} from "../files/files.ts";
import { pathInside } from "../files/inside.ts";
import type { PolicyFile, PolicyFolder } from "../flows/policies/policy.ts";

const MAX_FILE_BYTES = 4 * 2 ** 20;

/** The folder at an absolute path, which need not be there. */
export function openPolicyFolder(root: string): PolicyFolder {
  return {
    read: (path) => readFileBounded(pathInside(root, path), MAX_FILE_BYTES),
    list(path) {
      const folder = pathInside(root, path);
      removeLeftovers(folder, (name) => name.endsWith(".pem"), LEFT_MS); // anything but certificates bars a trust store
      return Promise.resolve(listFolder(folder));
    },
  };
}

/**
 * Writes files below `root`, each in one step, in their order.
 *
 * @throws {TagsealError} `bad-input` where one cannot be written, naming those that were; nothing is written where that can
 *   be known before
 */
export async function writePolicyFiles(root: string, files: readonly PolicyFile[]): Promise<void> {
  for (const { path } of files) {
    removeLeftoversOf(pathInside(root, path));
    requireReplaceable(pathInside(root, path));
  }
  const written: string[] = [];
  for (const { path, content } of files) {
    await writeFileAtomically(pathInside(root, path), content, { replace: true }).catch((error) => {
      throw incomplete(error, written, files.length);
    });
    written.push(path);
  }
}

function incomplete(error: unknown, written: readonly string[], count: number): unknown {
  if (!isTagsealError(error) || written.length === 0) return error;
  const names = written.map((path) => `"${path}"`).join(", ");
  return reworded(error, `${error.message}. Of ${count} files these were written: ${names}`, {
    remedy: `${error.remedy}; then run the command again: it writes the rest`,
  });
}
