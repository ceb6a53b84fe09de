/** `tagseal diff`: what has changed between two exports, or since one. @module */
import { connectionFlags, notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openComparison } from "../lib/cli/comparison.ts";
import { comparisonJson, comparisonLines } from "../lib/cli/history_report.ts";
import { reportEach } from "../lib/cli/repositories.ts";
import { text } from "../lib/cli/flags.ts";
import { isUnchanged } from "../lib/flows/history/compare.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Verifies both exports and tells which tags were added, moved and withdrawn in between, in which roles, and which " +
    "keys came and went. With one export alone, that one is compared with what the Notary server shows now. What is " +
    "newer must lead on from the root of what is older.",
  argument: { name: "<export>", help: "a file of tagseal export" },
  second: { name: "[export]", help: "a later one; the Notary server of today where it is left out" },
  flags: {
    repository: text("-r, --repository <fqn>", "this repository alone; all that the exports hold where it is left out"),
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal diff march.zip november.zip",
  async run(values, host, older) {
    const { repositories, compare } = await openComparison(values, host, older, values.second || undefined);
    return await reportEach(repositories, host, async (name) => {
      const { comparison, ...sources } = await compare(name);
      const gun = name.gun;
      for (const { role, reason } of comparison.skipped) {
        host.warn(`of the tags of "${role}" in "${gun}" nothing is said: ${reason}`);
      }
      const lines = isUnchanged(comparison) ? [`${gun}: nothing has changed`] : [gun, ...comparisonLines(comparison)];
      return { json: { repository: gun, ...sources, ...comparisonJson(comparison) }, lines };
    });
  },
});
