/** Runs commands in this process, with variables and streams of their own. @module */
import assert from "node:assert/strict";
import { runTagseal } from "../../lib/cli/run.ts";
import { createHost, type Host, type Surroundings } from "../../lib/cli/host.ts";
import { SCHEMA_VERSION } from "../../lib/cli/document.ts";
import { COMMANDS } from "../../tasks/commands.ts";

/** What a command left behind. */
export interface Outcome {
  /** Exit code. */
  readonly code: number;
  /** All of stdout. */
  readonly stdout: string;
  /** All of stderr. */
  readonly stderr: string;
  /** stdout as the one JSON document that `--json` promises. */
  json<T = Record<string, unknown>>(): T;
}

/** The machine a command runs on. */
export interface RunOptions {
  /** All the variables there are. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder that relative paths start from. */
  readonly cwd?: string;
  /** Replaces parts of the host: answers to prompts, the clock. */
  readonly host?: Partial<Host>;
  /** The way to servers; the runtime's own unless said. */
  readonly network?: Surroundings["network"];
  /** Ctrl-C. */
  readonly signal?: AbortSignal;
}

/** The one document on stdout, without the version of its vocabulary, which every one must name. */
export function documentIn(stdout: string): ReturnType<typeof JSON.parse> {
  const { schemaVersion, ...document } = JSON.parse(stdout);
  assert.equal(schemaVersion, SCHEMA_VERSION);
  return document;
}

/** Runs `tagseal <args>`. */
export async function tagseal(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  let stdout = "", stderr = "";
  const streams = { out: (text: string) => void (stdout += text), err: (text: string) => void (stderr += text) };
  const env = (name: string) => name === "TAGSEAL_CWD" ? options.cwd : options.env?.[name];
  const variableNames = () => Object.keys(options.env ?? {});
  const signal = options.signal ?? new AbortController().signal;
  const code = await runTagseal(
    args,
    COMMANDS,
    "0.0.0-test",
    (flags) => ({
      ...createHost({ ...flags, noInput: true }, {
        ...streams,
        env,
        variableNames,
        signal,
        ...(options.network ? { network: options.network } : {}),
      }),
      ...options.host,
    }),
  );
  return { code, stdout, stderr, json: () => documentIn(stdout) };
}
