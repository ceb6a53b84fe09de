/**
 * The machine as commands see it: streams, variables, prompts, clock, files. Tests hand in another one.
 *
 * House rules: results go to stdout and nothing else does; prompts, progress, warnings and errors go to stderr. Nobody
 * is asked anything where stdin is no terminal, or `--no-input` is given. Files, the network and other programs are loaded
 * when they are first used: whoever asks for the version does not wait for them.
 *
 * @module
 */
import { fileText } from "../bytes/bytes.ts";
import type { Bytes } from "../bytes/bytes.ts";
import { messageOf, TagsealError } from "../errors.ts";
import { isAbsolute } from "../files/names.ts";
import type { NearestFile } from "../files/nearest.ts";
import { secretsOf } from "../http/access.ts";
import type { SendOptions } from "../http/network.ts";
import type { Send } from "../http/send.ts";
import { PROXY_VARIABLES, readProxies } from "../http/proxy.ts";
import type { HelperRun } from "../registry/credential_helper.ts";
import { jobLogOf, type Level, type TagRow } from "./job_log.ts";
import { createOutput, type Streams } from "./output.ts";
import type { Progress } from "./progress.ts";

/** What commands may use of the machine. */
export interface Host extends Disposable {
  /** Writes a line of the result to stdout. */
  out(line: string): void;
  /** Writes many at once. */
  lines(lines: readonly string[]): void;
  /** Writes the result as one JSON document to stdout. */
  json(value: unknown): void;
  /** Writes a line of progress to stderr; silent with `--quiet`. */
  info(line: string): void;
  /** Writes a warning to stderr, once in a command. */
  warn(line: string): void;
  /** Writes what failed to stderr, and the next safe move; the command goes on with what it can. */
  error(line: string, next?: string): void;
  /** A page for people as it may be written to a file. */
  withoutSecrets(page: string): string;
  /** Writes a line to stderr as it is. */
  say(line: string): void;
  /** Names the command to a CI system that reads the log of its jobs. */
  begin(title: string): void;
  /** Has such a system show why the command has failed. */
  failed(told: { readonly message: string; readonly next: string; readonly level: Level }): void;
  /** Has such a system show what became of tags, where it has a place for that. */
  summary(title: string, rows: readonly TagRow[]): Promise<void>;
  /** A variable; empty ones count as not set. */
  env(name: string): string | undefined;
  /** The names of all variables that there are. */
  variableNames(): readonly string[];
  /** All of stdin, once; at most 64 KiB unless said. */
  readStdin(maxBytes?: number): Promise<string>;
  /** A file that must be there, at a path as the user types it. */
  readFile(path: string, maxBytes: number): Promise<Bytes>;
  /** The nearest file of a name, from the user's folder upwards, where others cannot have put it. */
  readNearestFile(name: string, maxBytes: number): Promise<NearestFile | undefined>;
  /** A path as the user types it, made absolute. */
  path(path: string): string;
  /** Asks for a secret on the terminal; `undefined` where nobody can be asked. */
  askSecret(question: string): Promise<string | undefined>;
  /** Asks for a line of text on the terminal; `undefined` where nobody can be asked. */
  askText(question: string): Promise<string | undefined>;
  /** Shows a line that the next one replaces, on a terminal only; "" takes it away. */
  status(line: string): void;
  /** Asks yes or no on the terminal; `undefined` where nobody can be asked. */
  confirm(question: string): Promise<boolean | undefined>;
  /** The same once the user has interrupted the command; interrupting that means no. */
  confirmInterrupted(question: string): Promise<boolean | undefined>;
  /** Has a secret shown nowhere, and the variable that it came from handed to no other program; returns it. */
  secret<T extends string | undefined>(secret: T, variable?: string): T;
  /** The terminal's width in characters; `undefined` where people do not read along. */
  columns(): number | undefined;
  /** Why stdout did not take all of the results, which then stand on stderr; `undefined` where it did. */
  lost(): string | undefined;
  /** Has something closed when the command ends, however it ends. */
  onEnd(close: () => void): void;
  /** Opens the network. */
  connect(options: SendOptions): Send;
  /** The last answer of each server, by its origin, as far as it tells the time. */
  heard(): ReadonlyMap<string, Heard>;
  /** Runs one of Docker's credential helpers for a registry; once for each in a command. */
  runCredentialHelper(program: string, server: string): Promise<HelperRun>;
  /** The time. */
  now(): Date;
  /** Waits; ends early when the command is interrupted. */
  sleep(ms: number): Promise<void>;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
}

/** An answer of a server. */
export interface Heard {
  /** Its headers. */
  readonly headers: Headers;
  /** When it came, as `performance.now()` counts: that goes on evenly whatever becomes of the clock. */
  readonly at: number;
}

/** The global flags that change the host. */
export interface HostFlags {
  /** No progress. */
  readonly quiet: boolean;
  /** Never ask. */
  readonly noInput: boolean;
}

/** What a host is made from: what differs between a process of its own and a call within one. */
export interface Surroundings extends Streams {
  /** A variable. */
  env(name: string): string | undefined;
  /** The names of all of them; those of this process unless said. */
  variableNames?(): readonly string[];
  /** The network; the runtime's own unless said. */
  network?(options: SendOptions): { send: Send; close(): void };
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
}

const MAX_STDIN_BYTES = 64 * 1024;

/** `deno task` hands on what the terminal sends to the program as well: one press of Ctrl-C may arrive twice. */
export const ONE_PRESS_MS = 1000;

/** The real machine. */
export function createHost({ quiet, noInput }: HostFlags, surroundings: Surroundings): Host {
  const { signal } = surroundings;
  const env = (name: string) => surroundings.env(name) || undefined;
  const now = () => new Date();
  const job = jobLogOf(env, now);
  const output = createOutput(surroundings, job);
  // A task runs in the project's folder; it passes the folder the user is in.
  const folder = () => env("TAGSEAL_CWD") ?? Deno.cwd();
  const path = (given: string) => isAbsolute(given) ? given : `${folder()}/${given}`;
  const canAsk = () => !noInput && Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
  // Where one of several calls side by side fails, the command ends, and no other may go on being repeated.
  const over = new AbortController();
  const untilOver = AbortSignal.any([signal, over.signal]);
  const endings: (() => void)[] = [() => over.abort(), output.end];
  const heard = new Map<string, Heard>();
  const helperRuns = new Map<string, Promise<HelperRun>>();
  const warned = new Set<string>(); // many repositories of one command have the same to warn of
  const withheld = new Set<string>();
  let stdinTaken = false;
  let progress: Progress | undefined;
  const isWatched = () => !quiet && surroundings.columns?.() !== undefined;
  const asked = async <T>(ask: (prompts: typeof import("./prompts.ts")) => Promise<T>): Promise<T | undefined> => {
    if (!canAsk()) return undefined;
    const prompts = await import("./prompts.ts");
    return progress ? await progress.pause(() => ask(prompts)) : await ask(prompts);
  };
  return {
    out: (line) => output.result([line]),
    lines: output.result,
    json: output.document,
    info: (line) => quiet || over.signal.aborted || output.say(line),
    warn(line) {
      if (warned.has(line)) return;
      warned.add(line);
      output.say(`tagseal: warning: ${line}`);
      output.problem("warning", line);
    },
    error(line, next) {
      output.problem("error", line, ...next === undefined ? [] : [`Next: ${next}`]);
      output.say(`tagseal: error: ${line}`);
      if (next !== undefined) output.say(`tagseal: next: ${next}`);
    },
    say: output.say,
    begin: output.begin,
    failed: ({ message, next, level }) => output.problem(level, message, `Next: ${next}`),
    async summary(title, rows) {
      if (!job?.summary || rows.length === 0) return;
      const { summaryPage, writeSummary } = await import("./job_summary.ts");
      try {
        const command = await writeSummary(job.summary, output.withoutSecrets(summaryPage(title, rows)));
        if (command !== undefined) output.command(command);
      } catch (error) {
        output.say(`tagseal: warning: the summary of this job cannot be written: ${messageOf(error)}`);
      }
    },
    secret(secret, variable) {
      if (secret !== undefined) output.hide(secret);
      if (variable !== undefined) withheld.add(variable.toUpperCase());
      return secret;
    },
    withoutSecrets: output.withoutSecrets,
    columns: () => surroundings.columns?.(),
    lost: output.lost,
    env,
    variableNames: () => surroundings.variableNames?.() ?? variableNames(),
    path,
    async readNearestFile(name, maxBytes) {
      const { readNearestFile } = await import("../files/nearest.ts");
      const at = isAbsolute(folder()) ? folder() : `${Deno.cwd()}/${folder()}`;
      return await readNearestFile(name, at, env("HOME") ?? env("USERPROFILE"), maxBytes);
    },
    async readFile(given, maxBytes) {
      const { isOpenPipe, readOpenPipe } = await import("../files/pipe.ts");
      if (isOpenPipe(given)) return await readOpenPipe(given, maxBytes);
      return await (await import("../files/files.ts")).requireFile(path(given), maxBytes);
    },
    async readStdin(maxBytes = MAX_STDIN_BYTES) {
      if (stdinTaken) {
        throw new TagsealError("usage", "Two flags want to read standard input", {
          remedy: 'Give "-" once; a secret can also be env:NAME or file:PATH',
        });
      }
      stdinTaken = true;
      const { readStream } = await import("../files/pipe.ts");
      const bytes = await readStream(Deno.stdin.readable, maxBytes, "Standard input");
      try {
        return fileText(bytes);
      } catch {
        throw new TagsealError("bad-input", "What comes on standard input is no text", {
          remedy: "Pipe in text as UTF-8, or as UTF-16 with its byte order mark",
        });
      }
    },
    status: (line) => quiet || output.status(line),
    askSecret: (question) => asked(async ({ askSecret }) => await askSecret(output.question(question), signal)),
    askText: (question) => asked(async ({ askText }) => await askText(output.question(question), signal)),
    confirm: (question) => asked(async ({ askYesNo }) => await askYesNo(output.question(question), signal)),
    confirmInterrupted: (question) =>
      asked(async ({ askYesNo }) => {
        const ask = () => askYesNo(output.question(question), new AbortController().signal);
        const began = performance.now();
        // The echo of the same press of Ctrl-C (see tasks/main.ts) is no answer.
        const again = () => performance.now() - began < ONE_PRESS_MS ? ask().catch(() => false) : false;
        return await ask().catch(again);
      }),
    onEnd: (close) => void endings.push(close),
    connect(options) {
      const open = async () => {
        const proxies = readProxies(env);
        const proxyFor = proxies && ((url: URL) => {
          const proxy = proxies(url);
          if (proxy?.basicAuth) secretsOf(proxy.basicAuth).forEach(output.hide);
          return proxy;
        });
        const all = { proxyFor, ...options };
        const { send, close } = surroundings.network?.(all) ?? (await import("../http/network.ts")).createSend(all);
        endings.push(close);
        if (!isWatched()) return send;
        const { createProgress } = await import("./progress.ts");
        if (!progress) endings.push((progress = createProgress(output.status)).end);
        return progress.watch(send);
      };
      const opening = open();
      return async (request) => {
        const authorization = request.headers.get("authorization");
        if (authorization !== null) output.hide(authorization.replace(/^\S+ /, ""));
        const response = await (await opening)(request);
        heard.set(new URL(request.url).origin, { headers: response.headers, at: performance.now() });
        return response;
      };
    },
    heard: () => heard,
    runCredentialHelper(program, server) {
      const key = `${program} ${server}`;
      const run = helperRuns.get(key) ??
        import("../registry/helper_process.ts").then((helpers) =>
          helpers.runHelperProcess(program, server, { env: helpers.helperVariables(variables(env), withheld), signal })
        );
      helperRuns.set(key, run);
      return run;
    },
    now,
    sleep: async (ms) => (await import("../http/retry.ts")).sleep(ms, untilOver),
    signal,
    [Symbol.dispose]: () => endings.forEach((close) => close()),
  };
}

const SPELLED_PROXY_VARIABLES = PROXY_VARIABLES.flatMap((name) => [name, name.toLowerCase()]);

/**
 * The variables of this process. Those of proxies are taken away from the runtime, which would ask a proxy for loopback,
 * too, and could not say which one it asked: whoever reads them here decides.
 */
export function processVariables(): (name: string) => string | undefined {
  const taken = new Map<string, string>();
  for (const name of SPELLED_PROXY_VARIABLES) {
    const value = Deno.env.get(name);
    if (value === undefined) continue;
    taken.set(name, value);
    Deno.env.delete(name);
  }
  return (name) => taken.get(name) ?? Deno.env.get(name);
}

/** Those that {@linkcode processVariables} takes away are among them, whether they were set or not. */
function variableNames(): readonly string[] {
  return [...new Set([...Object.keys(Deno.env.toObject()), ...SPELLED_PROXY_VARIABLES])];
}

/** The variables of the process, with the values that the command sees. */
function variables(env: Host["env"]): Record<string, string> {
  return Object.fromEntries(
    variableNames().flatMap((name) => {
      const value = env(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
