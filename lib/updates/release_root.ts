// Written when the releases begin, and when their root was signed anew. Not formatted: a text is one line.

/**
 * The root of the repository of releases that this program trusts, `<version>.root.json` as text; `undefined` in a
 * program that belongs to none.
 */
export const RELEASE_ROOT: string | undefined = undefined;

/** Where the releases are, unless the user names another server; `undefined` where only users know. */
export const RELEASE_URL: string | undefined = undefined;
