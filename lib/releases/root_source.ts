/** The source file with the root that programs trust from their first start. @module */

/** Its place in the project. */
export const ROOT_SOURCE = "lib/updates/release_root.ts";

/**
 * Its text.
 *
 * @param root `<version>.root.json` as text
 * @param url where the releases are
 */
export function rootSource(root: string | undefined, url: string | undefined): string {
  const lines = (value: string | undefined) => value === undefined ? "undefined" : JSON.stringify(value);
  return `// Written when the releases begin, and when their root was signed anew. Not formatted: a text is one line.

/**
 * The root of the repository of releases that this program trusts, \`<version>.root.json\` as text; \`undefined\` in a
 * program that belongs to none.
 */
export const RELEASE_ROOT: string | undefined = ${lines(root)};

/** Where the releases are, unless the user names another server; \`undefined\` where only users know. */
export const RELEASE_URL: string | undefined = ${lines(url)};
`;
}
