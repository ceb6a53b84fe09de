/** Texts from outside, fit to stand in a message. @module */

/**
 * A foreign name as it may stand in double quotes: no more than `maxLength` characters of it, and "?" for the quote itself
 * and for whatever is not visible ASCII, since it could steer a terminal or show the name as another one.
 */
export function shown(name: string, maxLength = 100): string {
  const safe = name.slice(0, maxLength).replaceAll(/[^ -~]|"/g, "?");
  return name.length > maxLength ? `${safe}…` : safe;
}
