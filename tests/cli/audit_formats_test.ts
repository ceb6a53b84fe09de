/** An audit in the formats of other programs, read by parsers of theirs; with names that mean harm. */
import assert from "node:assert/strict";
import { Validator } from "@cfworker/json-schema";
import { parse as parseCsv } from "npm:csv-parse@7.0.3/sync";
import { XMLParser, XMLValidator } from "npm:fast-xml-parser@5.12.1";
import sarifSchema from "npm:@microsoft/jest-sarif@1.0.0-beta.0/lib/schemas/sarif-2.1.0-rtm.5.json" with {
  type: "json",
};
import { printable } from "../../lib/bytes/printable.ts";
import { auditCode, auditReport } from "../../lib/cli/audit/auditing.ts";
import type { Audit } from "../../lib/cli/audit/gathering.ts";
import type { Finding } from "../../lib/flows/audit/findings.ts";
import { RULES } from "../../lib/flows/audit/rules.ts";
import { failsWith } from "../support/failures.ts";

const HOSTILE = `=cmd|'/c calc'!A1"><script>alert(1)</script>\u202e]]>`;
const GUN = "localhost:5000/team/app";
const finding = (more: Partial<Finding>): Finding => ({
  rule: "unsigned-tag",
  severity: "warning",
  repository: GUN,
  message: "It is not signed",
  remedy: "Sign it",
  ...more,
});
const AUDIT: Audit = {
  at: new Date("2026-06-01T12:00:00Z"),
  repositories: [
    {
      repository: GUN,
      findings: [
        finding({ rule: "moved-tag", severity: "error", tag: "v1", message: `"${HOSTILE}" was moved` }),
        finding({ tag: HOSTILE, remedy: "@SUM(A1)" }),
        finding({ rule: "not-pinned", severity: "note", role: "root" }),
      ],
    },
    { repository: "registry.example.com/team/none", findings: [] },
  ],
};

async function written(format: "sarif" | "junit" | "csv", failOn: "error" | "warning" = "error"): Promise<string> {
  const { lines } = await auditReport(AUDIT, { format, failOn, json: false, typed: {} });
  return lines.map(printable).join("\n"); // as they go out
}

Deno.test("audit: SARIF is what its schema says, each result with its rule", async () => {
  const log = JSON.parse(await written("sarif"));
  const { valid, errors } = new Validator(sarifSchema as object, "7").validate(log);
  assert.ok(valid, JSON.stringify(errors, null, 2));
  const [run] = log.runs;
  assert.deepEqual(run.tool.driver.rules.map(({ id }: { id: string }) => id), Object.keys(RULES));
  assert.deepEqual(
    run.results.map(({ ruleId, level }: { ruleId: string; level: string }) => `${level} ${ruleId}`),
    ["error moved-tag", "warning unsigned-tag", "note not-pinned"],
  );
  for (const { ruleId, ruleIndex } of run.results) assert.equal(run.tool.driver.rules[ruleIndex].id, ruleId);
  const [{ physicalLocation, logicalLocations }] = run.results[0].locations;
  assert.equal(physicalLocation.artifactLocation.uri, "localhost%3A5000/team/app");
  assert.equal(logicalLocations[0].fullyQualifiedName, `${GUN}:v1`);
  const prints = run.results.map((one: { partialFingerprints: Record<string, string> }) =>
    one.partialFingerprints["tagseal/v1"]
  );
  assert.equal(new Set(prints).size, 3);
});

Deno.test("audit: JUnit has a test for each rule, which fails from --fail-on on", async () => {
  const read = async (failOn: "error" | "warning") => {
    const xml = await written("junit", failOn);
    assert.equal(XMLValidator.validate(xml), true);
    return new XMLParser({
      ignoreAttributes: false,
      htmlEntities: true,
      isArray: (name) => ["testsuite", "testcase"].includes(name),
    })
      .parse(xml).testsuites.testsuite;
  };
  const [suite, empty] = await read("error");
  assert.equal(suite["@_failures"], "1");
  assert.equal(suite.testcase.length, Object.keys(RULES).length);
  const failed = suite.testcase.find((one: { failure?: unknown }) => one.failure);
  assert.equal(failed["@_name"], "moved-tag");
  assert.deepEqual(Object.keys(failed.failure).sort(), ["#text", "@_message", "@_type"], "text, and no element in it");
  assert.match(failed.failure["#text"], /<script>alert/);
  assert.equal(empty["@_failures"], "0");
  assert.equal((await read("warning"))[0]["@_failures"], "2");
});

Deno.test("audit: CSV is a table in which nothing is computed", async () => {
  const rows: Record<string, string>[] = parseCsv(await written("csv"), { columns: true });
  assert.deepEqual(rows.map(({ rule, severity }) => `${severity} ${rule}`), [
    "error moved-tag",
    "warning unsigned-tag",
    "note not-pinned",
  ]);
  for (const row of rows) {
    for (const value of Object.values(row)) assert.doesNotMatch(value, /^[=+\-@\t\r]/);
  }
  assert.ok(rows[1]!["tag"]!.startsWith("'=cmd"));
  assert.equal(rows[1]!["remedy"], "'@SUM(A1)");
});

Deno.test("audit: the exit code is 3 for what is wrong, and that of a failure where there is nothing worse", () => {
  const findings = AUDIT.repositories[0]!.findings;
  const [error, ...rest] = findings;
  assert.equal(auditCode([error!], "error"), 3);
  assert.equal(auditCode(rest, "error"), 0);
  assert.equal(auditCode(rest, "warning"), 3);
  assert.equal(auditCode(rest.slice(1), "warning"), 0);
  assert.equal(auditCode(rest.slice(1), "note"), 3);
  const unread = finding({ rule: "unreadable-registry", severity: "error", code: "unavailable" });
  assert.equal(auditCode([unread], "error"), 5);
  assert.equal(auditCode([unread, error!], "error"), 3);
});

Deno.test("audit: --json and another format exclude each other", async () => {
  await failsWith(
    auditReport(AUDIT, { format: "csv", failOn: "error", json: true, typed: {} }),
    "usage",
    "--json and --format csv exclude each other",
  );
});
