/** `tagseal status`: how is a repository, and what should be done about it? @module */
import { connectionFlags, notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { worstOf } from "../lib/cli/exit_codes.ts";
import { fromFlag, openReadings } from "../lib/cli/exported.ts";
import { days, text, toggle } from "../lib/cli/flags.ts";
import { someNamedOrKnown } from "../lib/cli/known_repositories.ts";
import { openSession } from "../lib/cli/session.ts";
import { nextCommand } from "../lib/cli/next_command.ts";
import { failures, forEachRepository, joinReports, repositoriesFlags } from "../lib/cli/repositories.ts";
import { statusReport } from "../lib/cli/status_report.ts";
import { summaryReport, tellEndsWithin } from "../lib/cli/status_summary.ts";
import type { Action } from "../lib/flows/status_advice.ts";
import { endsOf } from "../lib/flows/status_ends.ts";
import { repositoryStatus } from "../lib/flows/repository_status.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Shows the health of a repository: expiry of roles and certificates, versions on the server and known here, who " +
    "signs snapshot and timestamp, signers, keys in the trust directory, and for each problem the next action. Without a " +
    "name all repositories that are known here, or that a file of --from holds. Exit code 3 where something has expired " +
    "or is not trusted, or ends within --fail-within days, 0 where there is advice at most. Expired data is still shown, " +
    "marked as not trusted (trusted: false).",
  flags: {
    ...repositoriesFlags,
    summary: toggle("--summary", "a line for each repository"),
    failWithin: days("--fail-within <days>", "exit code 3 where something ends within so many days that people sign"),
    calendar: text("--calendar <file>", "write what ends when into this file (.ics), in place of an older one"),
    ...fromFlag,
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal status -r registry.example.com/team/app",
  async run(values, host) {
    const { summary, failWithin, calendar } = values;
    // Most people look, and write no calendar.
    const calendars = calendar === undefined ? undefined : await import("../lib/cli/calendar.ts");
    await calendars?.requireOwnCalendar(host, calendar!);
    const session = openSession(values, host);
    const { repositories, open } = await openReadings(values, host, session, someNamedOrKnown);
    const done = await forEachRepository(repositories, host, async (name) => {
      const { offline: _, ...trust } = (await open(name)).trust; // the server's state is what is asked for
      return await repositoryStatus(trust, session.keys(), name.gun);
    });
    const found = done.flatMap((one) => "error" in one ? [] : one.value);
    await calendars?.writeCalendar(
      host,
      calendar!,
      found.map((status) => ({ repository: status.repository, ends: endsOf(status) })),
    );
    const within = new Map(
      failWithin === undefined
        ? []
        : found.map((status) => [status.repository, tellEndsWithin(status, failWithin, host)]),
    );
    const codes = [...within.values()].map(({ exitCode }) => exitCode);
    if (summary) {
      const report = summaryReport(done);
      return { ...report, exitCode: worstOf([report.exitCode ?? 0, failures(done, host), ...codes]) };
    }
    const commandOf = (gun: string, action: Action) => nextCommand(gun, action, values.typed);
    const reports = done.map((one) =>
      "error" in one ? one : {
        repository: one.repository,
        value: statusReport(one.value, commandOf, within.get(one.repository)?.ends),
      }
    );
    const report = joinReports(repositories, reports, host);
    return { ...report, exitCode: worstOf([report.exitCode ?? 0, ...codes]) };
  },
});
