import assert from "node:assert/strict";
import { isDelegation, parentOf, signerRole } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";

Deno.test("roles: what may name a delegation", () => {
  for (const name of ["targets/releases", "targets/a/b", "targets/-", "targets/_0", `targets/${"a".repeat(247)}`]) {
    assert.equal(isDelegation(name), true, name);
  }
  const others = [
    "",
    "targets",
    "targets/",
    "root",
    "releases",
    "targets/A",
    "targets//a",
    "targets/a/",
    "targets/.",
    "targets/..",
    "targets/a.json",
    "/targets/a",
    "targets/a\n",
    "targets\\a",
    "targets/ä",
    `targets/${"a".repeat(248)}`,
  ];
  for (const name of others) assert.equal(isDelegation(name), false, name);
});

Deno.test("roles: a delegation's parent is the role above it", () => {
  assert.equal(parentOf("targets/a"), "targets");
  assert.equal(parentOf("targets/a/b"), "targets/a");
});

Deno.test("roles: a signer's name is one word, and not Docker's own", async () => {
  assert.equal(signerRole("alice"), "targets/alice");
  for (const name of ["releases", "a/b", "Alice", "", "a b"]) {
    await failsWith(() => signerRole(name), "usage", `"${name}" cannot be the name of a delegation`);
  }
});
