/** An audit for people, and as the document of `--json`. @module */
import type { AuditFacts } from "../../flows/audit/facts.ts";
import { STANDINGS } from "../../flows/audit/facts.ts";
import type { Finding } from "../../flows/audit/findings.ts";
import { SEVERITIES, type Severity } from "../../flows/audit/rules.ts";
import { word } from "../../bytes/printable.ts";
import type { Typed } from "../flags.ts";
import { remedyOf } from "../hints.ts";
import { paragraph } from "../layout.ts";
import { nextCommand } from "../next_command.ts";
import type { Audit } from "./gathering.ts";

/** Of findings that differ in their tags alone, how many tags are named. */
const NAMED = 8;

/** How many findings of each severity there are. */
export function countOf(findings: readonly Finding[]): Record<Severity, number> {
  const count = (severity: Severity) => findings.filter((found) => found.severity === severity).length;
  return { error: count("error"), warning: count("warning"), note: count("note") };
}

/** How many tags stand how; what no tag does is left out. */
export function coverageOf({ tags }: Pick<AuditFacts, "tags">): Record<string, number> {
  const counts = Map.groupBy(tags, ({ standing }) => standing);
  return Object.fromEntries(STANDINGS.flatMap((standing) => {
    const { length = 0 } = counts.get(standing) ?? [];
    return length === 0 ? [] : [[standing, length]];
  }));
}

/** The document. */
export function auditJson({ at, repositories }: Audit, typed: Typed): object {
  return {
    checkedAt: at.toISOString(),
    summary: countOf(repositories.flatMap(({ findings }) => findings)),
    repositories: repositories.map(({ repository, facts, findings }) => ({
      repository,
      ...facts ? { trusted: facts.status.trusted, registry: facts.registry.state, tags: coverageOf(facts) } : {},
      findings: findings.map((found) => findingJson(found, typed)),
    })),
  };
}

/** A finding as programs take it. */
export function findingJson({ rule, severity, tag, role, message, code, ...rest }: Finding, typed: Typed): FindingJson {
  return {
    rule,
    severity,
    ...tag === undefined ? {} : { tag },
    ...role === undefined ? {} : { role },
    message,
    remedy: remedyOf(rest),
    ...rest.action ? { command: nextCommand(rest.repository, rest.action, typed) } : {},
    ...code === undefined ? {} : { code },
  };
}

/** The shape of that. */
export interface FindingJson
  extends Pick<Finding, "rule" | "severity" | "tag" | "role" | "message" | "remedy" | "code"> {
  /** What can be pasted. */
  readonly command?: string;
}

/** Lines: a repository, how its tags stand, and what was found. */
export function auditLines({ repositories }: Audit, typed: Typed): string[] {
  const total = countOf(repositories.flatMap(({ findings }) => findings));
  return [
    ...repositories.flatMap(({ repository, facts, findings }) => [
      repository,
      ...facts ? paragraph("  tags: ", coverageWords(facts)) : [],
      ...grouped(findings).flatMap((group) => groupLines(group, typed)),
    ]),
    `${SEVERITIES.map((severity) => counted(total[severity], severity)).join(", ")}`,
  ];
}

/** How the tags of a repository stand, in words. */
export function coverageWords(facts: AuditFacts): string {
  const counts = Object.entries(coverageOf(facts)).map(([standing, count]) => `${count} ${standing}`);
  const { registry } = facts;
  const unasked = registry.state === "asked" ? "" : "; the registry was not asked";
  return (counts.length === 0 ? "none" : counts.join(", ")) +
    (registry.state === "failed" ? "; the registry could not be asked" : unasked);
}

/** Findings of one rule about tags stand together; every other one stands alone. */
export function grouped(findings: readonly Finding[]): Finding[][] {
  const key = ({ tag, rule, severity }: Finding, i: number) => tag === undefined ? `${i}` : `${severity} ${rule}`;
  return [...Map.groupBy(findings, key).values()];
}

/** What a group says: of one its message, of several which tags they are about. */
export function groupMessage(group: readonly Finding[]): string {
  const [first] = group;
  if (group.length === 1) return first!.message;
  const more = group.length - NAMED;
  const names = group.slice(0, NAMED).map(({ tag }) => word(tag!)).join(", ");
  return `${names}${more > 0 ? ` and ${more} more` : ""}`;
}

function groupLines(group: readonly Finding[], typed: Typed): string[] {
  const { severity, rule, remedy, command } = findingJson(group[0]!, typed);
  const [first] = group;
  const head = group.length === 1 ? rule : `${rule}, ${group.length} tags`;
  return [
    ...paragraph(`  ${severity}: `, `${head}: ${groupMessage(group)}`),
    ...first!.severity === "note" ? [] : paragraph("    next: ", command === undefined ? remedy : `${remedy}:`),
    // Never broken: it is there to be pasted.
    ...command === undefined || first!.severity === "note" ? [] : [`      ${command}`],
  ];
}

/** "1 error", "3 notes". */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
