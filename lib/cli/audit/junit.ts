/** An audit as tests: each rule is one, in a suite for each repository. As Jenkins, GitLab and Azure read it. @module */
import { counts, type RuleId, RULES, type Severity } from "../../flows/audit/rules.ts";
import { escaped } from "../data_page.ts";
import { remedyOf } from "../hints.ts";
import type { Audit, AuditedRepository } from "./gathering.ts";

/** How many findings of one rule are told. */
const TOLD = 100;

/** The document, as lines; a rule has failed where it found something as bad as `failOn`. */
export function junitLines({ at, repositories }: Audit, failOn: Severity): string[] {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="tagseal audit">',
    ...repositories.flatMap((audited) => suite(audited, at, failOn)),
    "</testsuites>",
  ];
}

function suite({ repository, findings }: AuditedRepository, at: Date, failOn: Severity): string[] {
  const byRule = Map.groupBy(findings, ({ rule }) => rule);
  const fails = (rule: RuleId) => byRule.get(rule)?.some(({ severity }) => counts(severity, failOn)) ?? false;
  const rules = Object.keys(RULES) as RuleId[];
  const name = escaped(repository);
  return [
    `  <testsuite name="${name}" tests="${rules.length}" failures="${
      rules.filter(fails).length
    }" errors="0" skipped="0" ` +
    `timestamp="${at.toISOString().replace(/\.\d+Z$/, "")}">`,
    ...rules.flatMap((rule) => {
      const found = byRule.get(rule) ?? [];
      const open = `    <testcase classname="${name}" name="${rule}" time="0"`;
      if (found.length === 0) return [`${open}/>`];
      const more = found.length - TOLD;
      const told = [
        ...found.slice(0, TOLD).map(({ severity, message, ...rest }) => `${severity}: ${message}. ${remedyOf(rest)}.`),
        ...more > 0 ? [`and ${more} more`] : [],
      ].map(escaped);
      const [first] = found;
      return fails(rule)
        ? [
          `${open}>`,
          `      <failure message="${escaped(first!.message)}" type="${first!.severity}">`,
          ...told,
          "      </failure>",
          "    </testcase>",
        ]
        : [`${open}>`, "      <system-out>", ...told, "      </system-out>", "    </testcase>"];
    }),
    "  </testsuite>",
  ];
}
