import assert from "node:assert/strict";
import { fileOf, mayHold, resolveAll, resolveTag } from "../../lib/tuf/resolve.ts";
import type { DelegationRole } from "../../lib/tuf/roles.ts";
import { buildFiles, type DelegationPlan, judge, KEYS, type Plan } from "../support/trust_builder.ts";

const [A, B, C] = ["aa", "bb", "cc"].map((byte) => byte.repeat(32)) as [string, string, string];

async function repositoryOf(delegations: Record<DelegationRole, DelegationPlan>, tags: Record<string, string> = {}) {
  const plan: Plan = {
    targets: { tags },
    delegations: Object.fromEntries(
      Object.entries(delegations).map(([name, plan]) => [name, { keys: [KEYS.releases], ...plan }]),
    ),
  };
  return await judge(await buildFiles(plan));
}

Deno.test("resolve: targets/releases comes before targets, and the digest says who signed", async () => {
  const repository = await repositoryOf({
    "targets/releases": { tags: { v1: A, v2: B } },
    "targets/zoe": { tags: { v1: A, v2: A } },
    "targets/alice": { tags: { v1: A, v3: C } },
  }, { v1: C, v3: C, v4: C });
  const view = (tag: string) => {
    const found = resolveTag(repository, tag);
    return found && [found.role, found.sha256, found.signers];
  };
  assert.deepEqual(view("v1"), ["targets/releases", A, ["alice", "zoe"]]);
  assert.deepEqual(view("v2"), ["targets/releases", B, ["Repo Admin"]]);
  assert.deepEqual(view("v3"), ["targets", C, ["alice"]]);
  assert.deepEqual(view("v4"), ["targets", C, ["Repo Admin"]]);
  assert.equal(view("v5"), undefined);
  assert.equal(view("__proto__"), undefined);
  assert.deepEqual(resolveAll(repository).map(({ tag, length }) => [tag, length]), [["v1", 528], ["v2", 528], [
    "v3",
    528,
  ], ["v4", 528]]);
});

Deno.test("resolve: a tag that only a signer's own delegation holds is none, as in Docker's view", async () => {
  const repository = await repositoryOf({ "targets/releases": {}, "targets/alice": { tags: { v1: A } } });
  assert.equal(resolveTag(repository, "v1"), undefined);
  assert.deepEqual(resolveAll(repository), []);
  assert.equal(fileOf(repository, "targets/alice")!.targets.get("v1")!.sha256, A);
});

Deno.test("resolve: a skipped delegation holds nothing, and vouches for nothing", async () => {
  const skipped = { signers: [KEYS.stranger] };
  const repository = await repositoryOf({
    "targets/releases": { ...skipped, tags: { v1: A } },
    "targets/alice": { ...skipped, tags: { v1: B } },
  }, { v1: B });
  const { role, sha256, signers } = resolveTag(repository, "v1")!;
  assert.deepEqual([role, sha256, signers], ["targets", B, ["Repo Admin"]]);
  assert.equal(fileOf(repository, "targets/releases"), undefined);
  assert.equal(fileOf(repository, "targets/nobody"), undefined);
  assert.deepEqual(resolveAll(repository).map(({ tag }) => tag), ["v1"]);
});

Deno.test("resolve: paths are prefixes, not patterns; without paths a delegation holds nothing", async () => {
  const cases: [paths: string[], tag: string, holds: boolean][] = [
    [[""], "anything", true],
    [["v1"], "v1", true],
    [["v1"], "v1.2", true],
    [["v1"], "v", false],
    [["v1"], "xv1", false],
    [["v2", "v1"], "v1", true],
    [["v*"], "v1", false],
    [["v*"], "v*", true],
    [["V1"], "v1", false],
    [[], "v1", false],
  ];
  for (const [paths, tag, holds] of cases) {
    const repository = await repositoryOf({ "targets/releases": { paths, tags: { [tag]: A } } });
    assert.equal(mayHold(repository, "targets/releases", tag), holds, `${paths} ${tag}`);
    assert.equal(resolveTag(repository, tag)?.sha256, holds ? A : undefined);
    assert.equal(resolveAll(repository).length, holds ? 1 : 0);
  }
});

Deno.test("resolve: a signer outside of its paths does not count as one", async () => {
  const signers = async (paths: string[]) =>
    resolveTag(
      await repositoryOf({ "targets/releases": { tags: { v1: A } }, "targets/alice": { paths, tags: { v1: A } } }),
      "v1",
    )!.signers;
  assert.deepEqual(await signers(["v1"]), ["alice"]);
  assert.deepEqual(await signers(["v2"]), ["Repo Admin"]);
});

Deno.test("resolve: a nested delegation may hold what all above it may, and signs for nobody", async () => {
  const repository = await repositoryOf({
    "targets/releases": { tags: { v1: A } },
    "targets/team": { paths: ["v"] },
    "targets/team/alice": { paths: [""], tags: { v1: A } },
  });
  assert.equal(mayHold(repository, "targets/team/alice", "v1"), true);
  assert.equal(mayHold(repository, "targets/team/alice", "w1"), false);
  assert.equal(mayHold(repository, "targets/nobody", "v1"), false);
  assert.deepEqual(resolveTag(repository, "v1")!.signers, ["Repo Admin"]);
});
