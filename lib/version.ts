// Written by `deno task sync`.

/** The version of `deno.json`. */
export const VERSION = "0.1.0";
