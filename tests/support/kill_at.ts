/**
 * Preloaded into a program (`deno run --preload`) by `killed.ts`: ends it as `kill -9` does, in the very moment of one of the
 * calls that change files and folders. `KILL_AT` says at which, by number from 0 or by name; `KILL_LOG` names the file that
 * gets a line for each.
 *
 * @module
 */
const CALLS = [
  ...["link", "linkSync", "rename", "renameSync", "remove", "removeSync"],
  ...["mkdirSync", "chmodSync", "copyFileSync"],
];
const FILE_CALLS = ["sync", "syncSync", "writeSync"];

const at = Deno.env.get("KILL_AT");
const log = Deno.env.get("KILL_LOG")!;
const [{ writeTextFileSync, kill }, pid] = [Deno, Deno.pid];
let nth = 0;

function watch(object: object, name: string): void {
  const real = Reflect.get(object, name);
  Reflect.set(object, name, function (this: unknown, ...args: unknown[]) {
    writeTextFileSync(log, `${name}\n`, { append: true });
    if (at === name || at === String(nth++)) kill(pid, "SIGKILL");
    return Reflect.apply(real, this, args);
  });
}

for (const name of CALLS) watch(Deno, name);
for (const name of FILE_CALLS) watch(Deno.FsFile.prototype, name);
