/**
 * An audit for what collects findings of tools.
 *
 * @see {@link https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html | SARIF 2.1.0}
 * @module
 */
import { sha256Hex } from "../../crypto/hash.ts";
import { utf8 } from "../../bytes/bytes.ts";
import type { Finding } from "../../flows/audit/findings.ts";
import { type RuleId, RULES } from "../../flows/audit/rules.ts";
import { VERSION } from "../../version.ts";
import { remedyOf } from "../hints.ts";
import type { Audit } from "./gathering.ts";

/** The log, as lines. */
export function sarifLines({ at, repositories }: Audit): string[] {
  const ids = Object.keys(RULES) as RuleId[];
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{
      tool: {
        driver: {
          name: "tagseal",
          version: VERSION,
          rules: ids.map((id) => ({ id, shortDescription: { text: `${RULES[id]}.` } })),
        },
      },
      invocations: [{ executionSuccessful: true, endTimeUtc: at.toISOString() }],
      results: repositories.flatMap(({ findings }) => findings.map((found) => resultOf(found, ids))),
    }],
  };
  return JSON.stringify(log, null, 2).split("\n");
}

function resultOf(
  { rule, severity, repository, tag, role, message, ...more }: Finding,
  ids: readonly RuleId[],
): object {
  const about = tag === undefined ? repository : `${repository}:${tag}`;
  // A file is wanted by those who show findings beside code; there is none, so the repository stands in its place.
  const uri = repository.split("/").map(encodeURIComponent).join("/");
  return {
    ruleId: rule,
    ruleIndex: ids.indexOf(rule),
    level: severity,
    message: { text: `${about}: ${message}. ${remedyOf(more)}.` },
    locations: [{
      physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } },
      logicalLocations: [{ name: tag ?? role ?? repository, fullyQualifiedName: about }],
    }],
    partialFingerprints: { "tagseal/v1": sha256Hex(utf8(JSON.stringify([rule, repository, tag, role]))) },
  };
}
