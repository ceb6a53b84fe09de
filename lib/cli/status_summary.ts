/** A line for each repository, and what ends too soon. @module */
import type { RepositoryStatus } from "../flows/repository_status.ts";
import { type End, endsOf, endsWithin, endWords } from "../flows/status_ends.ts";
import { commandLine } from "./command_line.ts";
import { worstOf } from "./exit_codes.ts";
import type { Host } from "./host.ts";
import { day, table } from "./layout.ts";
import type { Report } from "./report.ts";
import { type Done, failedJson } from "./repositories.ts";

/** A row of the summary. */
function rowOf(status: RepositoryStatus): {
  readonly json: Record<string, unknown>;
  readonly cells: readonly string[];
} {
  const { repository, notaryUrl, trusted, rootTrustedBy, problems } = status;
  const count = (severity: string) => problems.filter((one) => one.severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  const [firstEnd] = endsOf(status);
  const state = !trusted ? "NOT TRUSTED" : errors > 0 ? "IN PART" : "trusted";
  return {
    json: {
      repository,
      notaryUrl,
      trusted,
      rootTrustedBy,
      errors,
      warnings,
      ...(firstEnd ? { firstEnd } : {}),
    },
    cells: [
      state,
      `${errors}`,
      `${warnings}`,
      day(firstEnd?.expires ?? null),
      `${firstEnd?.daysLeft ?? "-"}`,
      repository,
    ],
  };
}

const COLUMNS = [
  { title: "STATE" },
  { title: "ERRORS", right: true },
  { title: "WARNINGS", right: true },
  { title: "FIRST END" },
  { title: "DAYS", right: true },
  { title: "REPOSITORY" },
];

/** All repositories in a table; those that could not be looked at stand in it, too. */
export function summaryReport(done: readonly Done<RepositoryStatus>[]): Report {
  const rows = done.map((one) =>
    "error" in one ? { json: failedJson(one), cells: ["FAILED", "-", "-", "-", "-", one.repository] } : rowOf(one.value)
  );
  return {
    json: { repositories: rows.map(({ json }) => json) },
    lines: table(COLUMNS, rows.map(({ cells }) => cells), ""),
    exitCode: worstOf(done.map((one) => !("error" in one) && one.value.problems.some(isError) ? 3 : 0)),
  };
}

function isError({ severity }: { readonly severity: string }): boolean {
  return severity === "error";
}

/** What ends within so many days, told for each repository; 3 where something does. */
export function tellEndsWithin(status: RepositoryStatus, days: number, host: Host): { ends: End[]; exitCode: number } {
  const ends = endsWithin(status, days);
  const { repository } = status;
  for (const end of ends) {
    const { expires, daysLeft } = end;
    const when = daysLeft < 0 ? `ended on ${day(expires)}` : `ends on ${day(expires)}, in ${daysLeft} days`;
    host.error(`${repository}: ${endWords(end)} ${when}`, `${commandLine("status", "-r", repository)} says what to do`);
  }
  return { ends, exitCode: ends.length > 0 ? 3 : 0 };
}
