/** The page of `report`: what others name cannot become markup, and much is not shown at once. */
import assert from "node:assert/strict";
import type { AuditedTag, AuditFacts } from "../../lib/flows/audit/facts.ts";
import { findingsOf } from "../../lib/flows/audit/findings.ts";
import type { RepositoryStatus } from "../../lib/flows/repository_status.ts";
import { html } from "../../lib/cli/report_page/html.ts";
import { reportPage } from "../../lib/cli/report_page/page.ts";

const AT = new Date("2026-06-01T12:00:00Z");
const HOSTILE = `</title><script>alert(1)</script>"'&\u202e`;

function status(gun: string, delegations = 1): RepositoryStatus {
  const role = (name: string) => ({
    role: name as "root",
    version: 1,
    cachedVersion: 1,
    expires: "2029-01-01T00:00:00Z",
    daysLeft: 945,
    threshold: 1,
    keyIds: [name.padEnd(64, "0")],
    state: "ok" as const,
    ...name.includes("/") ? { paths: [HOSTILE] } : {},
  });
  return {
    repository: gun,
    notaryUrl: "https://notary.test",
    checkedAt: AT.toISOString(),
    trusted: true,
    rootTrustedBy: "pin",
    roles: [
      ...["root", "targets", "snapshot", "timestamp"].map(role),
      ...Array.from({ length: delegations }, (_, i) => ({ ...role(`targets/d${i}`), reason: HOSTILE })),
    ],
    certificates: [{
      roles: ["root"],
      keyId: "root".padEnd(64, "0"),
      subject: `CN=${HOSTILE}`,
      expires: "2030-01-01T00:00:00Z",
      daysLeft: 1310,
    }],
    managedBy: { snapshot: "server", timestamp: "server" },
    signers: [],
    keysHere: [],
    problems: [],
  };
}

function audited(gun: string, tags: readonly AuditedTag[], delegations?: number) {
  const facts: AuditFacts = { status: status(gun, delegations), tags, registry: { state: "asked", attachments: 0 } };
  return { repository: gun, facts, findings: findingsOf(facts) };
}

const signed = (tag: string, by: string): AuditedTag => ({
  tag,
  standing: "moved",
  signed: { digest: `sha256:${"a".repeat(64)}`, role: "targets/releases", signers: [by], otherRoles: [] },
  served: `sha256:${"b".repeat(64)}`,
});

Deno.test("report: names of tags, signers, certificates and paths stay texts", () => {
  const page = reportPage({ at: AT, repositories: [audited("registry.test/a", [signed(HOSTILE, HOSTILE)])] }, "test");
  assert.doesNotMatch(page, /<script/);
  assert.equal(page.split("</title>").length - 1, 3, "its own and those of two pictures");
  assert.ok(!page.includes("\u202e"));
  assert.match(page, /&#60;script&#62;alert\(1\)/);
  assert.match(page, /default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'/);
});

Deno.test("report: markup is made of templates alone", () => {
  assert.equal(html`<b>${"<i>"}</b>${[html`<u>`, "&"]}${undefined}${7}`.markup, "<b>&#60;i&#62;</b><u>&#38;7");
});

Deno.test("report: 5,000 tags, 1,000 delegations and 100 repositories are summed up", () => {
  const many = Array.from({ length: 5000 }, (_, i): AuditedTag => ({ tag: `v${i}`, standing: "unsigned" }));
  const large = reportPage({ at: AT, repositories: [audited("registry.test/a", many, 1000)] }, "test");
  assert.match(large, /5000 not signed/);
  assert.match(large, /3000 more are not shown here/);
  assert.match(large, /and 964 more/);
  assert.ok(large.length < 1_000_000, `${large.length}`);
  const fleet = Array.from({ length: 100 }, (_, i) => audited(`registry.test/r${i}`, many.slice(0, 500)));
  const page = reportPage({ at: AT, repositories: fleet }, "test");
  assert.ok(page.length < 2_500_000, `${page.length}`);
  assert.match(page, /href="#r100"/);
  assert.match(page, /id="r100"/);
  assert.doesNotMatch(page, /class="repository" open/);
});
