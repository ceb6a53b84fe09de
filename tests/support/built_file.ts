/** The single file as `deno task bundle` writes it: built once for a run of tests, and anew when its sources change. @module */

const PROJECT = new URL("../../", import.meta.url).pathname;
const FILE = `${PROJECT}dist/tagseal`;
const SOURCES = ["deno.json", "deno.lock", "tagseal.schema.json", "lib", "tasks"];

/** The path of the file. */
export async function builtFile(): Promise<string> {
  await Deno.mkdir(`${PROJECT}dist`, { recursive: true });
  using lock = await Deno.open(`${PROJECT}dist/.tests.lock`, { create: true, write: true });
  await lock.lock(true); // tests run side by side; closing it lets the next one in
  if (changed(FILE) > Math.max(...SOURCES.map((name) => changed(`${PROJECT}${name}`)))) return FILE;
  // Packages and the bundler are fetched the way that this machine reaches the network.
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["task", "-q", "bundle"], cwd: PROJECT })
    .output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return FILE;
}

/** When a file, or the newest one in a folder, was changed. */
function changed(path: string): number {
  try {
    const { isDirectory, mtime } = Deno.statSync(path);
    const within = isDirectory ? [...Deno.readDirSync(path)].map(({ name }) => changed(`${path}/${name}`)) : [];
    return Math.max(mtime!.getTime(), ...within);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
