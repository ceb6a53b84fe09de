/** A folder for one test, and what is looked at in it. @module */

/** Runs `run` in a folder that is gone afterwards. */
export async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-files-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The names in a folder, sorted. */
export async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

/** The permission bits of a path. */
export async function mode(path: string): Promise<number> {
  return (await Deno.stat(path)).mode! & 0o777;
}
