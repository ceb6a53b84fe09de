/** What `status` prints. @module */
import type { RepositoryStatus, RoleStatus } from "../flows/repository_status.ts";
import { pathsText } from "./inspect_report.ts";
import { day, paragraph, shortId, table } from "./layout.ts";
import type { Report } from "./report.ts";

/** The health of one repository; exit code 3 where something has expired or is not trusted. */
export function statusReport(status: RepositoryStatus): Report {
  const { repository, notaryUrl, roles, certificates, signers, managedBy, keysHere, problems } = status;
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
      .map(({ name, paths }) => `  ${name} may sign: ${pathsText(paths!)}`),
    keysHere.length > 0 ? "  keys in the trust directory:" : "  no key of this repository is in the trust directory",
    ...keysHere.map(({ id, role, signsFor }) =>
      `    ${id} ${signsFor.length > 0 ? signsFor.join(", ") : `old ${role}`}`
    ),
    ...problems.flatMap(({ severity, message, next }) => [
      ...paragraph(`  ${severity}: `, message),
      ...paragraph("    next: ", next),
    ]),
  ];
  return { json: status, lines, exitCode: problems.some(({ severity }) => severity === "error") ? 3 : 0 };
}

const WHO = {
  server: "the server",
  here: "a key here",
  elsewhere: "a key elsewhere",
  unknown: "not told to this user",
} as const;

const HOW = { "pin": "pinned", "known": "known from before", "first-use": "met for the first time" } as const;

function trustLines({ trusted, rootTrustedBy }: RepositoryStatus): string[] {
  if (trusted) return [`  trusted; its root: ${HOW[rootTrustedBy]}`];
  return paragraph(
    "  NOT TRUSTED: ",
    "it has expired. What follows was verified as of the last moment before, is here to be looked at, and must not " +
      "be relied on.",
  );
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
  const rows = roles.map(({ name, version, cachedVersion, expires, daysLeft, state }) => [
    name,
    `${version ?? "-"}`,
    `${cachedVersion ?? "-"}`,
    day(expires),
    `${daysLeft ?? "-"}`,
    state === "ok" ? state : state === "unpublished" ? "not published" : state.toUpperCase(),
  ]);
  return table(columns, rows, "  ");
}
