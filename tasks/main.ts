/** The program: `tagseal <command> …`. @module */
import { runTagseal } from "../lib/cli/run.ts";
import { createHost, ONE_PRESS_MS, processVariables } from "../lib/cli/host.ts";
import type { Need } from "../lib/cli/needs.ts";
import { TagsealError } from "../lib/errors.ts";
import { VERSION } from "../lib/version.ts";
import { COMMANDS } from "./commands.ts";

/** How a terminal and a CI system interrupt; Windows has no SIGTERM. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

/** Longest time in milliseconds for which a stream may take nothing, as a full pipe does that nobody reads. */
const STUCK_MS = 60_000;
const LOOK_AGAIN_MS = 10;

/** Writes all of `text`; also to a stream that another program has set to refuse what it cannot take at once. */
function writeAll(stream: typeof Deno.stdout, text: string): void {
  const bytes = new TextEncoder().encode(text);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let at = 0, waited = 0; at < bytes.length;) {
    try {
      at += stream.writeSync(bytes.subarray(at));
      waited = 0;
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock) || waited >= STUCK_MS) throw error;
      Atomics.wait(pause, 0, 0, LOOK_AGAIN_MS);
      waited += LOOK_AGAIN_MS;
    }
  }
}

/** Few terminals do not tell their size. */
function widthOf(size: () => { readonly columns: number }): number {
  try {
    return size().columns || 80;
  } catch {
    return 80;
  }
}

/** The needs for which a command connects to servers. */
const CONNECTS: readonly Need[] = ["notary", "registry", "signpath", "releases"];

/**
 * Has the runtime's cryptography gather randomness in a thread beside, while the command is loaded: whatever wants the
 * first of it, such as a key or a connection with TLS, waits tens of milliseconds for it. A key pair is made in such a
 * thread; secret keys are made at once, by the thread that asks.
 */
function gatherRandomness([name = "", ...rest]: readonly string[]): void {
  if (rest.includes("--help") || !COMMANDS[name]?.needs.some((need) => CONNECTS.includes(need))) return;
  crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]).catch(() => {});
}

/** Runs the command that the process was started with, and ends the process. */
export async function main(): Promise<void> {
  gatherRandomness(Deno.args);
  const interruption = new AbortController();
  let interrupted = 0;
  const interrupt = () => {
    if (interruption.signal.aborted) {
      if (performance.now() - interrupted > ONE_PRESS_MS) Deno.exit(130);
      return;
    }
    interrupted = performance.now();
    interruption.abort(
      new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there, then run the command again" }),
    );
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, interrupt);
  const out = (text: string) => {
    try {
      writeAll(Deno.stdout, text);
    } catch (error) {
      // Whoever reads only the first lines (`| head`) has what they wanted; the work and its exit code stand.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  };
  const err = (text: string) => writeAll(Deno.stderr, text);
  const env = processVariables();
  const terminal = Deno.stderr.isTerminal() && env("TERM") !== "dumb";
  const columns = () => terminal ? widthOf(Deno.consoleSize) : undefined;
  const code = await runTagseal(
    Deno.args,
    COMMANDS,
    VERSION,
    (flags) => createHost(flags, { out, err, env, columns, signal: interruption.signal }),
  );
  // Not a natural end: that ends the threads in which a PKCS#11 module signed while OpenSSL, which the module brought,
  // frees what they hold. Now and then both free it, and a run whose work is done dies with a signal.
  Deno.exit(code);
}

if (import.meta.main) await main();
