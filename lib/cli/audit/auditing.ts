/** `audit`: in which format, and what it comes to. @module */
import { TagsealError } from "../../errors.ts";
import type { Finding } from "../../flows/audit/findings.ts";
import { SEVERITIES, type Severity } from "../../flows/audit/rules.ts";
import { documentOf } from "../document.ts";
import { EXIT_CODES, worstOf } from "../exit_codes.ts";
import { choice, type Typed, type Values } from "../flags.ts";
import type { Report } from "../report.ts";
import type { Audit } from "./gathering.ts";
import { auditJson, auditLines } from "./text.ts";

const FORMATS = ["text", "json"] as const;

/** How an audit is told, and what makes it fail. */
export const auditFormatFlags = {
  format: choice("--format <format>", "for whom it is", FORMATS),
  failOn: choice("--fail-on <severity>", "what ends with exit code 3, and all that is worse", [
    "error",
    "warning",
    "note",
  ]),
};

/** The report of an audit. @throws {TagsealError} `usage` */
export function auditReport(
  audit: Audit,
  { format, failOn, json, typed }: Values<typeof auditFormatFlags> & { readonly json: boolean; readonly typed: Typed },
): Report {
  if (json && !["text", "json"].includes(format)) {
    throw new TagsealError("usage", `--json and --format ${format} exclude each other`, { remedy: "Give one of them" });
  }
  const findings = audit.repositories.flatMap(({ findings }) => findings);
  const document = auditJson(audit, typed);
  return {
    json: document,
    lines: format === "json" ? [JSON.stringify(documentOf(document))] : auditLines(audit, typed),
    exitCode: auditCode(findings, failOn),
  };
}

/** 3 for what is wrong; where something could not be read, the code of that failure, unless others are worse. */
export function auditCode(findings: readonly Finding[], failOn: Severity): number {
  const counts = SEVERITIES.slice(0, SEVERITIES.indexOf(failOn) + 1);
  return worstOf(
    findings.filter(({ severity }) => counts.includes(severity)).map(({ code }) =>
      code === undefined ? EXIT_CODES["trust-invalid"].exitCode : EXIT_CODES[code].exitCode
    ),
  );
}
