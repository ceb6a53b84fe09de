/** Names of files that commands write, and of the one that they look for. @module */

/** The project file. */
export const PROJECT_FILE = "tagseal.json";
/** Its longest, in bytes. */
export const MAX_PROJECT_BYTES: number = 2 ** 20;

/** A file of a repository: its name with everything odd replaced, and `ending`. */
export function fileNameFor(gun: string, ending: string): string {
  return `${gun.replaceAll(/[^A-Za-z0-9.-]+/g, "_")}.${ending}`;
}
