/** What `status` prints. @module */
import type { RepositoryStatus } from "../flows/repository_status.ts";
import type { Action, Problem } from "../flows/status_advice.ts";
import type { End } from "../flows/status_ends.ts";
import type { RoleStatus } from "../flows/status_facts.ts";
import { remedyOf } from "./hints.ts";
import { pathsText } from "./inspect_report.ts";
import { day, paragraph, shortId, table } from "./layout.ts";
import type { Report } from "./report.ts";

/** The health of one repository; exit code 3 where something has expired or is not trusted. `ends` are told in JSON. */
export function statusReport(
  status: RepositoryStatus,
  commandOf: (gun: string, action: Action) => string,
  ends?: readonly End[],
): Report {
  const { repository, notaryUrl, roles, certificates, signers, managedBy, keysHere } = status;
  const problems = status.problems.map(({ action, next, remedy, ...problem }) => ({
    ...problem,
    remedy: remedyOf({ next, remedy }),
    ...(action ? { command: commandOf(repository, action) } : {}),
  }));
  const lines = [
    `${repository} on ${notaryUrl}`,
    ...trustLines(status),
    ...roleTable(roles),
    ...certificates.flatMap(({ roles, keyId, expires, daysLeft }) =>
      paragraph(
        "  certificate ",
        `of key ${shortId(keyId)} until ${day(expires)}, ${daysLeft} days (${roles.join(", ")})`,
      )
    ),
    `  snapshot signed by: ${WHO[managedBy.snapshot]}; timestamp signed by: ${WHO[managedBy.timestamp]}`,
    ...signers.map(({ name, keyIds }) => `  signer ${name}: ${keyIds.map(shortId).join(", ")}`),
    ...roles.filter(({ paths }) => paths && !paths.includes(""))
      .map(({ role, paths }) => `  ${role} may sign: ${pathsText(paths!)}`),
    keysHere.length > 0 ? "  keys in the trust directory:" : "  no key of this repository is in the trust directory",
    ...keysHere.map(({ keyId, role, signsFor }) =>
      `    ${keyId} ${signsFor.length > 0 ? signsFor.join(", ") : `old ${role}`}`
    ),
    ...problems.flatMap(problemLines),
  ];
  const json = { ...status, problems, ...(ends ? { endsWithin: ends } : {}) };
  return { json, lines, exitCode: errorsOf(status).length > 0 ? 3 : 0 };
}

type ShownProblem = Omit<Problem, "action" | "next"> & { readonly command?: string };

function problemLines({ severity, message, remedy, command }: ShownProblem, i: number, all: ShownProblem[]): string[] {
  const isSaid = command !== undefined && all.findIndex((other) => other.command === command) < i;
  return [
    ...paragraph(`  ${severity}: `, message),
    ...paragraph("    next: ", isSaid ? "the same command" : command === undefined ? remedy : `${remedy}:`),
    // Never broken: it is there to be pasted.
    ...(command === undefined || isSaid ? [] : [`      ${command}`]),
  ];
}

function errorsOf({ problems }: RepositoryStatus): Problem[] {
  return problems.filter(({ severity }) => severity === "error");
}

const WHO = {
  server: "the server",
  here: "a key here",
  elsewhere: "a key elsewhere",
  unknown: "not told to this user",
} as const;

const HOW = { "pin": "pinned", "known": "known from before", "first-use": "met for the first time" } as const;

/** The headline: says "trusted" and nothing else where the exit code is 0, and only there. */
function trustLines(status: RepositoryStatus): string[] {
  const { trusted, rootTrustedBy } = status;
  if (!trusted) {
    return paragraph(
      "  NOT TRUSTED: ",
      "it has expired. What follows was verified as of the last moment before, is here to be looked at, and must not " +
        "be relied on.",
    );
  }
  const errors = errorsOf(status);
  const root = `its root: ${HOW[rootTrustedBy]}`;
  if (errors.length === 0) return [`  trusted; ${root}`];
  const left = status.roles.filter(({ state }) => state === "expired" || state === "skipped").map(({ role }) => role);
  const what = left.length > 0 ? `not ${left.join(", ")}, nor what ${left.length > 1 ? "they sign" : "it signs"}` : "";
  return paragraph("  TRUSTED IN PART: ", `${what || "a certificate has expired"}; ${root}`);
}

function roleTable(roles: readonly RoleStatus[]): string[] {
  const columns = [
    { title: "role" },
    { title: "version", right: true },
    { title: "known here", right: true },
    { title: "expires" },
    { title: "days", right: true },
    { title: "state" },
  ];
  const rows = roles.map(({ role, version, cachedVersion, expires, daysLeft, state }) => [
    role,
    `${version ?? "-"}`,
    `${cachedVersion ?? "-"}`,
    day(expires),
    `${daysLeft ?? "-"}`,
    state === "ok" ? state : state === "unpublished" ? "not published" : state.toUpperCase(),
  ]);
  return table(columns, rows, "  ");
}
