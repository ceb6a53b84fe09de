/** Running a credential helper as a process of its own, with limits. @module */
import { concat, utf8 } from "../bytes/bytes.ts";
import { HELPER_TIMEOUT_S, type HelperRun, MAX_HELPER_BYTES } from "./credential_helper.ts";

/** What a run is bound to. */
export interface HelperProcessOptions {
  /** The program's variables; `PATH` says where programs are. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Longest time in milliseconds; {@linkcode HELPER_TIMEOUT_S} unless said. */
  readonly timeoutMs?: number;
}

/**
 * Variables that no helper gets: tagseal's own secrets, and what changes how programs are loaded (Deno refuses to hand
 * that on from a process with few permissions).
 */
const WITHHELD =
  /^(SIGNPATH_API_TOKEN|NOTARY_AUTH|REGISTRY_AUTH|DOCKER_AUTH_CONFIG|TAGSEAL_.*|.*_PASSPHRASE|LD_.*|DYLD_.*)$/i;

/** The variables of `all` that a helper may see; `secret` are the names, in upper case, of more that it may not. */
export function helperVariables(
  all: Readonly<Record<string, string>>,
  secret: ReadonlySet<string> = new Set(),
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => !WITHHELD.test(name) && !secret.has(name.toUpperCase())),
  );
}

/**
 * Runs `program get` with `server` on its stdin, and ends it where it is too slow or says too much.
 *
 * @throws the signal's reason where that aborts
 */
export async function runHelperProcess(
  program: string,
  server: string,
  { env, signal, timeoutMs = HELPER_TIMEOUT_S * 1000 }: HelperProcessOptions,
): Promise<HelperRun> {
  signal.throwIfAborted();
  const child = start(program, env);
  if (!(child instanceof Deno.ChildProcess)) return child;
  const tooMuch = new AbortController();
  const tooLate = AbortSignal.timeout(timeoutMs);
  const end = AbortSignal.any([signal, tooLate, tooMuch.signal]);
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  end.addEventListener("abort", kill);
  const [stdout, stderr] = await Promise.all([
    readUpTo(child.stdout, end, () => tooMuch.abort()),
    readUpTo(child.stderr, end, () => {}),
    feed(child.stdin, server),
  ]);
  const { code: exitCode } = await child.status;
  end.removeEventListener("abort", kill);
  if (!end.aborted) return { exitCode, stdout, stderr };
  signal.throwIfAborted();
  return { failure: tooMuch.signal.aborted ? "too long" : "too slow" };
}

function start(program: string, env: Readonly<Record<string, string>>): Deno.ChildProcess | HelperRun {
  try {
    return new Deno.Command(program, {
      args: ["get"],
      clearEnv: true,
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { failure: "missing" };
    return { failure: error instanceof Deno.errors.NotCapable ? "forbidden" : "not started" };
  }
}

/**
 * All of a stream as far as it is wanted; what goes beyond that is thrown away. A program that was ended may have left
 * others that hold its streams open, so that reading ends with `end` as well.
 */
async function readUpTo(
  stream: ReadableStream<Uint8Array>,
  end: AbortSignal,
  onTooMuch: () => void,
): Promise<Uint8Array> {
  const reader = stream.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  if (end.aborted) stop();
  end.addEventListener("abort", stop);
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let part; !(part = await reader.read()).done;) {
    if ((length += part.value.length) <= MAX_HELPER_BYTES) parts.push(part.value);
    else onTooMuch();
  }
  end.removeEventListener("abort", stop);
  return concat(...parts);
}

async function feed(stdin: WritableStream<Uint8Array>, server: string): Promise<void> {
  const writer = stdin.getWriter();
  // A helper that ends without reading breaks the pipe; what it says counts.
  await writer.write(utf8(server)).then(() => writer.close()).catch(() => {});
}
