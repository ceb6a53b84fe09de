/** The program: `tagseal <command> …`. @module */
import { runTagseal } from "../lib/cli/command.ts";
import { createHost, ONE_PRESS_MS, processVariables } from "../lib/cli/host.ts";
import { TagsealError } from "../lib/errors.ts";
import { VERSION } from "../lib/version.ts";
import { COMMANDS } from "./commands.ts";

/** How a terminal and a CI system interrupt; Windows has no SIGTERM. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

if (import.meta.main) {
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
  const write = (stream: typeof Deno.stdout) => (text: string) => {
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
    } catch (error) {
      // Whoever reads only the first lines (`| head`) has what they wanted; the work and its exit code stand.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  };
  const writeErr = write(Deno.stderr);
  const streams = {
    out: write(Deno.stdout),
    err(text: string) {
      try {
        writeErr(text);
      } catch {
        // What is said on the way is no reason to end work that is half done; the exit code tells.
      }
    },
  };
  const env = processVariables();
  const terminal = Deno.stderr.isTerminal() && env("TERM") !== "dumb";
  const code = await runTagseal(Deno.args, COMMANDS, VERSION, {
    ...streams,
    host: (flags) => createHost(flags, { ...streams, env, terminal, signal: interruption.signal }),
  });
  Deno.exit(code);
}
