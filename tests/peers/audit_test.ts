/** `tagseal audit` of a repository in which much has gone wrong, on real servers. */
import assert from "node:assert/strict";
import { NotaryOwner } from "../support/notary_owner.ts";
import type { Peers } from "../support/peers.ts";
import { pushPlainly } from "../support/plain_push.ts";
import { makeMessyRepository } from "../support/messy_repository.ts";
import { EMBEDDED, REAL, stackTest } from "../support/stacks.ts";

interface Document {
  readonly summary: Record<string, number>;
  readonly repositories: readonly {
    readonly repository: string;
    readonly trusted?: boolean;
    readonly registry?: string;
    readonly tags?: Record<string, number>;
    readonly findings: readonly {
      readonly rule: string;
      readonly severity: string;
      readonly tag?: string;
      readonly role?: string;
      readonly code?: string;
      readonly command?: string;
    }[];
  }[];
}

/** Set up, with a tag that is not signed. */
async function makeGoodRepository(peers: Peers, path: string): Promise<string> {
  const gun = `${peers.registryHost}/${path}`;
  await pushPlainly(peers, path, "v1");
  const owner = new NotaryOwner(peers, `${peers.dir}/good`, gun);
  await owner.init();
  await owner.rotate("snapshot", "-r");
  return gun;
}

for (const stack of [REAL, EMBEDDED]) {
  stackTest(stack, "audit: what is wrong with a messy repository", ["notary"], async (t) => {
    await using peers = await stack.start();
    const messy = await makeMessyRepository(peers, "team/app");
    const { gun } = messy;
    const told = ({ findings }: Document["repositories"][number]) =>
      findings.map(({ rule, severity, tag, role }) => `${severity} ${rule} ${tag ?? role ?? ""}`.trim());

    await t.step("each fault by its rule, worst first", async () => {
      const { code, stdout, stderr } = await messy.auditor("audit", "-r", gun, "--json");
      assert.equal(code, 3, stderr);
      const { repositories, summary }: Document = JSON.parse(stdout);
      const [audited] = repositories;
      assert.equal(audited!.registry, "asked");
      assert.deepEqual(audited!.tags, { moved: 1, unsigned: 1, gone: 1, signed: 3 });
      assert.deepEqual(told(audited!), [
        "error expired targets/alice",
        "error skipped targets/bob",
        "error moved-tag moved",
        "warning unsigned-tag extra",
        "note not-pinned root",
        "note gone-tag gone",
        "note no-named-signer old",
      ]);
      assert.deepEqual(summary, { error: 3, warning: 1, note: 3 });
      assert.match(audited!.findings[0]!.command!, /sign -r \S+ --delegation alice --renew-role targets\/alice/);
    });
    await t.step(
      "for people: findings of one rule together, within 80 columns but for digests and commands",
      async () => {
        const { stdout } = await messy.auditor("audit", "-r", gun);
        assert.match(stdout, /^ {2}tags: 1 moved, 1 unsigned, 1 gone, 3 signed$/m);
        assert.match(stdout, /^ {2}warning: unsigned-tag: "extra" is not signed$/m);
        assert.match(stdout, /^3 errors, 1 warning, 3 notes$/m);
        for (const line of stdout.split("\n")) assert.ok(line.length <= 80 || /sha256:|^ {6}/.test(line), line);
      },
    );
    await t.step(
      "when its timestamp has expired nothing of it holds, and what is served is compared all the same",
      async () => {
        const late = new Date(Date.now() + 20 * 86_400_000);
        const { code, stdout } = await messy.owner(late, "audit", "-r", gun, "--json");
        assert.equal(code, 3);
        const [audited] = (JSON.parse(stdout) as Document).repositories;
        assert.equal(audited!.trusted, false);
        assert.deepEqual(audited!.tags, { moved: 1, lapsed: 4, unsigned: 1 });
        assert.equal(told(audited!)[0], "error expired timestamp");
      },
    );
    await t.step("a registry that is out of reach is a finding: nothing was compared", async () => {
      const { code, stdout } = await messy.auditor(
        "audit",
        "-r",
        gun,
        "--registry-url",
        "https://localhost:1",
        "--json",
      );
      assert.equal(code, 3, "what is wrong with the trust data is worse");
      const [audited] = (JSON.parse(stdout) as Document).repositories;
      assert.deepEqual([audited!.registry, audited!.tags], ["failed", { unchecked: 5 }]);
      const found = audited!.findings.find(({ rule }) => rule === "unreadable-registry");
      assert.equal(found?.code, "unavailable");
    });
    await t.step("the trust data alone", async () => {
      const { code, stdout } = await messy.auditor("audit", "-r", gun, "--no-registry", "--format", "json");
      assert.equal(code, 3);
      const [audited] = (JSON.parse(stdout) as Document).repositories;
      assert.deepEqual([audited!.registry, audited!.tags], ["not-asked", { unchecked: 5 }]);
    });
    await t.step("from an export, all that it holds: as of then, when nothing had expired", async () => {
      const path = `${peers.dir}/trust.zip`;
      const exported = await messy.owner(new Date(), "export", "-r", gun, "--output-artifact-path", path);
      assert.equal(exported.code, 0, exported.stderr);
      const { code, stdout, stderr } = await messy.auditor("audit", "--from", path, "--json");
      assert.equal(code, 3, stderr);
      const rules = told((JSON.parse(stdout) as Document).repositories[0]!);
      assert.ok(rules.includes("error skipped targets/bob"), rules.join("\n"));
      assert.ok(rules.includes("warning expires-soon targets/alice"), rules.join("\n"));
      assert.ok(rules.includes("note offline"), rules.join("\n"));
    });
    await t.step("one that is not there is a finding, and its code counts where nothing is worse", async () => {
      const list = `${peers.dir}/list.txt`;
      await Deno.writeTextFile(list, `${gun}\n${peers.registryHost}/team/none\n`);
      const { stdout } = await messy.auditor("audit", "--repositories-from", list, "--json");
      const [, none] = (JSON.parse(stdout) as Document).repositories;
      assert.deepEqual(told(none!), ["error unreadable-repository"]);
      assert.equal(none!.findings[0]!.code, "not-found");
      assert.equal((await messy.auditor("audit", "-r", `${peers.registryHost}/team/none`)).code, 2);
    });
    await t.step("--fail-on: from when on the exit code says so", async () => {
      const good = await makeGoodRepository(peers, "team/good");
      const codeOf = async (...args: string[]) => (await messy.auditor("audit", "-r", good, ...args)).code;
      assert.equal(await codeOf(), 0);
      assert.equal(await codeOf("--fail-on", "warning"), 3);
      assert.equal(await codeOf("--fail-on", "warning", "--no-registry"), 0);
      assert.equal(await codeOf("--fail-on", "note", "--no-registry"), 3);
    });
    await t.step("wrong usage", async () => {
      const { code, stderr } = await messy.auditor("audit", "-r", gun, "--scheme", "cosign");
      assert.equal(code, 2);
      assert.match(stderr, /--scheme does not name dct/);
    });
  });
}
