/** The tools of whoever publishes tagseal: programs with Deno inside, and releases. No agent loads any of it. @module */
import type { CommandEntry } from "../../lib/cli/command.ts";
import { createHost } from "../../lib/cli/host.ts";
import { runTagseal } from "../../lib/cli/run.ts";
import { TagsealError } from "../../lib/errors.ts";
import { VERSION } from "../../lib/version.ts";

/** All of them; each is a task of its name. */
export const TOOLS: Readonly<Record<string, CommandEntry>> = {
  "compile": {
    summary: "Write programs with Deno inside to dist/",
    needs: [],
    load: () => import("./compile.ts"),
  },
  "release": {
    summary: "Build a release, and publish it in the release repository",
    needs: [],
    load: () => import("./release.ts"),
  },
  "release-renew": {
    summary: "Sign what ends soon anew; for each day, by a machine",
    needs: [],
    load: () => import("./renew.ts"),
  },
  "release-rotate-key": {
    summary: "Give a role of the release repository new keys",
    needs: [],
    load: () => import("./rotate_key.ts"),
  },
};

if (import.meta.main) {
  const interruption = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    if (interruption.signal.aborted) Deno.exit(130);
    interruption.abort(
      new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there, then run the command again" }),
    );
  });
  const encoder = new TextEncoder();
  const out = (text: string) => void Deno.stdout.writeSync(encoder.encode(text));
  const err = (text: string) => void Deno.stderr.writeSync(encoder.encode(text));
  const { signal } = interruption;
  // Proxies stay where Deno looks for them, which fetches the bundler and its runtime.
  const surroundings = { out, err, env: (name: string) => Deno.env.get(name), signal };
  Deno.exit(await runTagseal(Deno.args, TOOLS, VERSION, (flags) => createHost(flags, surroundings)));
}
