/** Names of files that commands write. @module */

/** A file of a repository: its name with everything odd replaced, and `ending`. */
export function fileNameFor(gun: string, ending: string): string {
  return `${gun.replaceAll(/[^A-Za-z0-9.-]+/g, "_")}.${ending}`;
}
