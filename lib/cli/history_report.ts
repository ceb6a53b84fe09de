/** What has changed in a repository, for people and programs. @module */
import { word } from "../bytes/printable.ts";
import { TagsealError } from "../errors.ts";
import {
  compareStates,
  type Comparison,
  isUnchanged,
  type RoleChange,
  type TagChange,
} from "../flows/history/compare.ts";
import { type PastState, readPastStates } from "../flows/history/past_states.ts";
import type { Trust } from "../notary/repository.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import type { Host } from "./host.ts";
import { pathsText } from "./inspect_report.ts";
import { paragraph, shortId } from "./layout.ts";
import type { Report } from "./report.ts";

/** A comparison as JSON. */
export function comparisonJson({ tags, roles, skipped }: Comparison): object {
  return { tags, roles, ...(skipped.length > 0 ? { skipped } : {}) };
}

/** A comparison as lines of a terminal. */
export function comparisonLines(comparison: Comparison): string[] {
  return [...comparison.tags.flatMap(tagLines), ...comparison.roles.flatMap(roleLines)];
}

function tagLines({ tag, change, from, to, roles }: TagChange): string[] {
  const names = roles.map((role) => role.replace(/^targets\//, "")).join(", ");
  return [
    `  ${change.padEnd(9)}  ${word(tag)}  (${names})`,
    ...(from === null ? [] : [`    from ${from}`]),
    ...(to === null ? [] : [`    ${from === null ? "as  " : "to  "} ${to}`]),
  ];
}

function roleLines({ role, change, addedKeyIds, removedKeyIds, threshold, paths }: RoleChange): string[] {
  const keys = (ids: readonly string[], what: string) =>
    ids.length > 0 ? [`${what} ${ids.map(shortId).join(", ")}`] : [];
  const facts = [
    ...keys(addedKeyIds, "new key"),
    ...keys(removedKeyIds, "without key"),
    ...(threshold ? [`threshold ${threshold.from} to ${threshold.to}`] : []),
    ...(paths ? [`may sign ${pathsText(paths.to)}, before ${pathsText(paths.from)}`] : []),
  ];
  return paragraph(`  ${change.padEnd(9)}  `, `role ${role}${facts.length > 0 ? `: ${facts.join("; ")}` : ""}`);
}

/** What happened to a repository since a time, by its server's own versions; exit code 3 where a version is not trusted. */
export async function historyReport(trust: Trust, gun: string, since: Date, host: Host): Promise<Report> {
  const events: object[] = [];
  const untrusted: object[] = [];
  const lines: string[] = [];
  let first = true;
  let before: TrustedRepository | undefined;
  const take = ({ version, at, repository }: PastState) => {
    if ("untrusted" in repository) {
      host.warn(`version ${version} of "${gun}" cannot be trusted, and is left out: ${repository.untrusted}`);
      untrusted.push({ version, at: at.toISOString(), reason: repository.untrusted });
      return;
    }
    const isStart = first && (at <= since || version > 1);
    first = false;
    const comparison = compareStates(before, repository);
    before = repository;
    if (isStart || isUnchanged(comparison)) return;
    events.push({ version, at: at.toISOString(), ...comparisonJson(comparison) });
    lines.push(`${timeText(at)}  ${gun}, version ${version}`, ...comparisonLines(comparison));
  };
  const { complete, oldestVersion } = await readPastStates(trust, gun, since, take);
  if (!complete) {
    host.warn(`"${trust.server.url.origin}" shows nothing of "${gun}" before version ${oldestVersion}`);
  }
  if (events.length === 0) host.info(`Nothing has changed in "${gun}" since ${timeText(since)}.`);
  return {
    json: {
      repository: gun,
      since: since.toISOString(),
      complete,
      events,
      ...(untrusted.length > 0 ? { untrusted } : {}),
    },
    lines,
    exitCode: untrusted.length > 0 ? 3 : 0,
  };
}

function timeText(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/**
 * Refuses flags that choose among the tags of one state.
 *
 * @throws {TagsealError} `usage` where one of them is given
 */
export function requireNone(flags: Readonly<Record<string, unknown>>, beside: string): void {
  const [name] = Object.entries(flags).find(([, value]) => value !== undefined && value !== false) ?? [];
  if (name === undefined) return;
  throw new TagsealError("usage", `${name} and ${beside} exclude each other`, {
    remedy: `${beside} tells of all roles and of the server's versions: leave ${name} out`,
  });
}
