/** `audit`: in which format, and what it comes to. @module */
import { jsonLine } from "../../bytes/printable.ts";
import { TagsealError } from "../../errors.ts";
import type { Finding } from "../../flows/audit/findings.ts";
import { counts, type Severity } from "../../flows/audit/rules.ts";
import { documentOf } from "../document.ts";
import { EXIT_CODES, worstOf } from "../exit_codes.ts";
import { choice, type Typed, type Values } from "../flags.ts";
import type { Report } from "../report.ts";
import type { Audit } from "./gathering.ts";
import { auditJson, auditLines } from "./text.ts";

const FORMATS = ["text", "json", "sarif", "junit", "csv"] as const;

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
export async function auditReport(
  audit: Audit,
  { format, failOn, json, typed }: Values<typeof auditFormatFlags> & { readonly json: boolean; readonly typed: Typed },
): Promise<Report> {
  if (json && !["text", "json"].includes(format)) {
    throw new TagsealError("usage", `--json and --format ${format} exclude each other`, { remedy: "Give one of them" });
  }
  const findings = audit.repositories.flatMap(({ findings }) => findings);
  return {
    json: json ? auditJson(audit, typed) : undefined,
    lines: json ? [] : await FORMATTED[format](audit, typed, failOn),
    exitCode: auditCode(findings, failOn),
  };
}

type Format = typeof FORMATS[number];

const FORMATTED: Readonly<Record<Format, (audit: Audit, typed: Typed, failOn: Severity) => Promise<string[]>>> = {
  text: (audit, typed) => Promise.resolve(auditLines(audit, typed)),
  json: (audit, typed) => Promise.resolve([jsonLine(JSON.stringify(documentOf(auditJson(audit, typed))))]),
  sarif: async (audit) => (await import("./sarif.ts")).sarifLines(audit),
  junit: async (audit, _, failOn) => (await import("./junit.ts")).junitLines(audit, failOn),
  csv: async (audit, typed) => (await import("./csv.ts")).csvLines(audit, typed),
};

/** 3 for what is wrong; where something could not be read, the code of that failure, unless others are worse. */
export function auditCode(findings: readonly Finding[], failOn: Severity): number {
  const failing = findings.filter(({ severity }) => counts(severity, failOn));
  return worstOf(failing.map(({ code = "trust-invalid" }) => EXIT_CODES[code].exitCode));
}
