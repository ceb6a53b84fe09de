/** The roles below a role, and their own entries. */
import assert from "node:assert/strict";
import {
  entriesBelow,
  isReleased,
  rolesBelow,
  signerName,
  tagRole,
} from "../../../lib/schemes/notary_v1/role_entries.ts";
import { RELEASES } from "../../../lib/tuf/roles.ts";
import { failsWith } from "../../support/failures.ts";
import { buildFiles, DIGEST, GUN, judge, KEYS, type Plan } from "../../support/trust_builder.ts";

const OTHER = "cd".repeat(32);

/** Two levels: alice has two of her own below her, one of which was never published, and may hold tags of one kind alone. */
const NESTED: Plan = {
  targets: { tags: { plain: DIGEST } },
  delegations: {
    [RELEASES]: { keys: [KEYS.releases], tags: { v1: DIGEST } },
    "targets/alice": { keys: [KEYS.alice], tags: { v1: DIGEST, v2: OTHER, rc1: OTHER }, paths: ["v"] },
    "targets/alice/x": { keys: [KEYS.stranger], tags: { v3: DIGEST } },
    "targets/alice/y": { keys: [KEYS.stranger], published: false },
  },
};
const repository = await judge(await buildFiles(NESTED));

Deno.test("roles below: a role and the trusted ones under it, level by level", () => {
  assert.deepEqual(rolesBelow(repository, "targets"), ["targets", RELEASES, "targets/alice", "targets/alice/x"]);
  assert.deepEqual(rolesBelow(repository, "targets/alice"), ["targets/alice", "targets/alice/x"]);
  assert.deepEqual(rolesBelow(repository, RELEASES), [RELEASES]);
  assert.deepEqual(rolesBelow(repository, "targets/alice/y"), ["targets/alice/y"], "one that was never published");
});

Deno.test("roles below: a role that nobody lists is told, with those that there are", async () => {
  const error = await failsWith(
    () => rolesBelow(repository, "targets/nobody"),
    "not-found",
    `"${GUN}" has no role "targets/nobody"`,
  );
  assert.equal(
    error.remedy,
    "Choose one of targets, targets/releases, targets/alice, targets/alice/x, targets/alice/y",
  );
  assert.deepEqual(error.details, { repository: GUN, role: "targets/nobody" });
});

Deno.test("roles below: a role that is not trusted is refused, with the reason", async () => {
  const forged = { ...NESTED.delegations!["targets/alice"]!, signers: [KEYS.stranger] };
  const other = await judge(await buildFiles({ delegations: { ...NESTED.delegations, "targets/alice": forged } }));
  const error = await failsWith(
    () => entriesBelow(other, "targets/alice"),
    "trust-invalid",
    `"targets/alice" of "${GUN}" is not trusted: `,
    "not signed by",
  );
  assert.deepEqual(error.next, { do: "look-at-status" });
  assert.deepEqual(rolesBelow(other, "targets"), ["targets", RELEASES], "and nothing is taken from below it");
});

Deno.test("entries below: each role's own, as far as its delegation allows them, with its signers as Docker names them", () => {
  const told = entriesBelow(repository, "targets").map((
    { role, tag, sha256, signers },
  ) => [role, tag, sha256, signers]);
  assert.deepEqual(told, [
    ["targets", "plain", DIGEST, ["Repo Admin"]],
    [RELEASES, "v1", DIGEST, ["alice"]],
    ["targets/alice", "v1", DIGEST, ["alice"]],
    ["targets/alice", "v2", OTHER, ["alice"]],
    ["targets/alice/x", "v3", DIGEST, ["Repo Admin"]],
  ]);
  assert.deepEqual(entriesBelow(repository, "targets/alice/x").map(({ tag }) => tag), ["v3"]);
  assert.deepEqual(entriesBelow(repository, "targets/alice/y"), []);
});

Deno.test("a role that signs tags is targets or a delegation, by its whole name", async () => {
  for (const name of ["targets", RELEASES, "targets/a/b"]) assert.equal(tagRole(name), name);
  for (const name of ["root", "snapshot", "timestamp", "releases", "targets/", ""]) {
    const error = await failsWith(() => tagRole(name), "usage", `"${name}" is not a role that signs tags`);
    assert.match(error.remedy, /"targets".*targets\/releases/);
  }
});

Deno.test("a signer is named without targets/; Docker takes tags of targets and targets/releases alone", () => {
  assert.deepEqual(["targets/alice", "targets/a/b"].map((role) => signerName(role as "targets/alice")), [
    "alice",
    "a/b",
  ]);
  const roles = ["targets", RELEASES, "targets/alice", "targets/releases/x"] as const;
  assert.deepEqual(roles.filter(isReleased), ["targets", RELEASES]);
});
