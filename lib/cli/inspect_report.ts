/** What `inspect` prints. @module */
import { word } from "../bytes/printable.ts";
import type { DockerInspection } from "../flows/docker_inspection.ts";
import type { Inspection, RoleFacts } from "../flows/inspect_repository.ts";
import { day, shortId, table } from "./layout.ts";
import type { Report } from "./report.ts";
import { type Offline, tagListReport } from "./tag_report.ts";

/** Everything of a repository. */
export function inspectReport(inspection: Inspection, offline: Offline | undefined): Report {
  const { repository, roles, signers, rootKeyIds, targetsKeyIds } = inspection;
  const tags = tagListReport(
    inspection,
    ({ tag, signers }) => `  ${word(tag)}  signed by ${signers.join(", ")}`,
    offline,
  );
  const count = inspection.tags.length;
  const lines = [
    repository,
    "",
    count === 0
      ? inspection.skipped.length > 0 ? "No tag is trusted: roles were left out." : "No tag is signed."
      : `Signed tags: ${count}`,
    ...inspection.tags.flatMap(({ sha256 }, i) => [tags.lines[i]!, `    sha256:${sha256}`]),
    "",
    "Roles:",
    ...roleTable(roles),
    "",
    "Keys:",
    ...keyLines("root", rootKeyIds),
    ...keyLines("targets", targetsKeyIds),
    ...signers.flatMap(({ name, keyIds }) => keyLines(`signer ${name}`, keyIds)),
  ];
  return { json: { ...tags.json, roles, signers, rootKeyIds, targetsKeyIds }, lines, exitCode: tags.exitCode };
}

function roleTable(roles: readonly RoleFacts[]): string[] {
  const columns = [
    { title: "role" },
    { title: "version", right: true },
    { title: "expires" },
    { title: "keys" },
    { title: "tags" },
  ];
  const rows = roles.map(({ role, version, expires, threshold, keyIds, paths }) => [
    role,
    version === null ? "-" : `${version}`,
    day(expires),
    `${threshold} of ${keyIds.map(shortId).join(" ")}`,
    paths ? pathsText(paths) : "",
  ]);
  return table(columns, rows, "  ");
}

/** The tags that a delegation may sign, in words. */
export function pathsText(paths: readonly string[]): string {
  if (paths.length === 0) return "none";
  return paths.includes("") ? "all" : paths.map((path) => `${path}…`).join(" ");
}

function keyLines(whose: string, ids: readonly string[]): string[] {
  return [`  ${whose}`, ...ids.map((id) => `    ${id}`)];
}

/** The same bytes as `docker trust inspect` writes. */
export function dockerReport(inspections: readonly DockerInspection[]): Report {
  return { json: inspections, lines: JSON.stringify(inspections, null, 4).split("\n") };
}
