/** Locks that are none, and locks that others hold. */
import assert from "node:assert/strict";
import { takeLock, withLock } from "../../lib/files/lock.ts";
import { failsWith } from "../support/failures.ts";
import { inFolder, names } from "../support/test_files.ts";

const isWindows = Deno.build.os === "windows";
const done = () => Promise.resolve("done");

function lockTest(name: string, run: (folder: string) => Promise<void>): void {
  Deno.test({ name: `lock: ${name}`, ignore: isWindows, fn: () => inFolder(run) });
}

/** Runs `code`, which has `locks` and `path`, as a process of its own, to its end or `signal` after `ms`. */
async function inProcess(path: string, code: string, end?: { signal: Deno.Signal; ms: number }) {
  const module = new URL("../../lib/files/lock.ts", import.meta.url).href;
  const script = `import * as locks from ${JSON.stringify(module)};\nconst path = ${JSON.stringify(path)};\n${code}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ending = setTimeout(() => child.kill(end?.signal ?? "SIGKILL"), end?.ms ?? 20_000);
  const { stdout, stderr, signal } = await child.output();
  clearTimeout(ending);
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  return { out: out.trim(), error, signal };
}

lockTest("what is no file is refused at once, for readers and writers", async (folder) => {
  const { success } = await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
  assert.ok(success);
  await Deno.symlink(`${folder}/pipe`, `${folder}/link`);
  await Deno.mkdir(`${folder}/folder`);
  const paths = [`${folder}/pipe`, `${folder}/link`, `${folder}/folder`, "/dev/zero"];
  // In a process of its own: where opening waits, nothing in this one could end it.
  const code = `for (const path of ${JSON.stringify(paths)}) {
    for (const kind of ["shared", "exclusive"]) {
      console.log(await locks.withLock(path, kind, async () => "held").catch((e) => e.code + ": " + e.message));
    }
    try { locks.takeLock(path); } catch (e) { console.log(e.code + ": " + e.message); }
  }`;
  const { out, error, signal } = await inProcess("", code);
  assert.equal(signal, null, "it hangs");
  const told = paths.flatMap((path) => Array(3).fill(`bad-input: "${path}" cannot be locked: it is not a file`));
  assert.deepEqual(out.split("\n"), told, error);
});

lockTest("a link to nowhere makes no file at its other end", async (folder) => {
  await Deno.mkdir(`${folder}/at`);
  await Deno.symlink(`${folder}/made`, `${folder}/at/lock`);
  const error = await failsWith(withLock(`${folder}/at/lock`, "exclusive", done), "bad-input", "it is not a file");
  assert.match(error.remedy, /Find out who did, and move it away/);
  assert.deepEqual(await names(folder), ["at"]);
});

lockTest("a wait ends at once where it is interrupted", async (folder) => {
  const path = `${folder}/lock`;
  using lock = takeLock(path);
  assert.ok(lock);
  const interruption = new AbortController();
  const waiting = withLock(path, "exclusive", done, { signal: interruption.signal });
  const timer = setTimeout(() => interruption.abort(new Error("Ctrl-C")), 100);
  const began = performance.now();
  await assert.rejects(waiting, /Ctrl-C/);
  clearTimeout(timer);
  assert.ok(performance.now() - began < 20_000);
});

lockTest("after a few seconds somebody is told, once; then the lock is had", async (folder) => {
  const path = `${folder}/lock`;
  const lock = takeLock(path);
  assert.ok(lock);
  const told: string[] = [];
  const began = performance.now();
  let [toldAfter, freed]: [number, ReturnType<typeof setTimeout> | undefined] = [0, undefined];
  const onWait = (at: string) => {
    told.push(at);
    toldAfter ||= performance.now() - began;
    freed ??= setTimeout(() => lock[Symbol.dispose](), 300); // time to tell it again
  };
  assert.equal(await withLock(path, "exclusive", done, { onWait }), "done");
  clearTimeout(freed);
  assert.deepEqual(told, [path]);
  assert.ok(toldAfter >= 2_900 && toldAfter < 30_000, `${toldAfter} ms`);
  assert.equal(await withLock(path, "shared", done, { onWait: () => assert.fail("nobody waits") }), "done");
});

// A clock that runs a hundred times as fast: a minute by the clock is then over after 40 looks, not after 4,000.
lockTest("a minute is one by the clock, however long each look takes", async (folder) => {
  const path = `${folder}/lock`;
  const code = `const real = performance.now.bind(performance);
    performance.now = () => real() * 100;
    const began = real();
    const lock = locks.takeLock(path);
    const failed = await locks.withLock(path, "exclusive", async () => "held").catch((e) => e.code + ": " + e.message);
    console.log(failed, Math.floor((real() - began) / 15_000));`;
  const { out } = await inProcess(path, code);
  assert.equal(out, `unavailable: Another process holds the lock "${path}" for more than a minute 0`);
});
