/** An audit as a table, for spreadsheets: all findings, each tag by itself (RFC 4180). @module */
import type { Typed } from "../flags.ts";
import type { Audit } from "./gathering.ts";
import { findingJson } from "./text.ts";

const COLUMNS = ["rule", "severity", "tag", "role", "message", "remedy", "command"] as const;

/** Spreadsheets compute what begins so. */
const FORMULA = /^[=+\-@\t\r]/;

/** A row for the headings, then one for each finding. */
export function csvLines({ repositories }: Audit, typed: Typed): string[] {
  return [
    ["repository", ...COLUMNS],
    ...repositories.flatMap(({ repository, findings }) =>
      findings.map((found) => {
        const row = findingJson(found, typed);
        return [repository, ...COLUMNS.map((column) => row[column] ?? "")];
      })
    ),
  ].map((row) => row.map(cell).join(","));
}

function cell(text: string): string {
  return `"${FORMULA.test(text) ? "'" : ""}${text.replaceAll('"', '""')}"`;
}
