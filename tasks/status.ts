/** `tagseal status`: how is a repository, and what should be done about it? @module */
import { connectionFlags, notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { nextCommand } from "../lib/cli/next_command.ts";
import { readRepositories, reportEach, repositoriesFlags } from "../lib/cli/repositories.ts";
import { statusReport } from "../lib/cli/status_report.ts";
import type { Action } from "../lib/flows/status_advice.ts";
import { repositoryStatus } from "../lib/flows/repository_status.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Shows the health of a repository: expiry of roles and certificates, versions on the server and known here, who " +
    "signs snapshot and timestamp, signers, keys in the trust directory, and for each problem the next action. Exit " +
    "code 3 where something has expired or is not trusted, 0 where there is advice at most. Expired data is still " +
    "shown, marked as not trusted (trusted: false).",
  flags: { ...repositoriesFlags, ...notaryFlags, ...connectionFlags },
  example: "tagseal status -r registry.example.com/team/app",
  async run(values, host) {
    const repositories = await readRepositories(values, host);
    const session = openSession(values, host);
    const commandOf = (gun: string, action: Action) => nextCommand(gun, action, values.typed);
    return await reportEach(repositories, host, async (name) => {
      const trust = await session.notary(name, "pull");
      return statusReport(await repositoryStatus(trust, session.keys(), name.gun), commandOf);
    });
  },
});
