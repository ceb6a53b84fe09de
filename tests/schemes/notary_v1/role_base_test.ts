/** What the next version of a role is built upon. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { baseOf } from "../../../lib/schemes/notary_v1/role_base.ts";
import { createMemoryMetadataStore } from "../../../lib/notary/metadata_store.ts";
import { readRepository } from "../../../lib/notary/update.ts";
import { RELEASES } from "../../../lib/tuf/roles.ts";
import { skipDelegation, type TrustedRepository } from "../../../lib/tuf/trusted.ts";
import { failsWith } from "../../support/failures.ts";
import { AT, buildFiles, type DelegationPlan, DIGEST, GUN, KEYS } from "../../support/trust_builder.ts";

async function repositoryWith(special: DelegationPlan): Promise<TrustedRepository> {
  const files = await buildFiles({
    delegations: { [RELEASES]: { keys: [KEYS.releases], tags: { v1: DIGEST }, ...special } },
  });
  const unused = () => Promise.reject(new Error("only read"));
  const server = {
    url: new URL("https://notary.test"),
    read: (_gun: string, name: string) => Promise.resolve((files as ReadonlyMap<string, Bytes>).get(name)),
    managedKey: unused,
    publish: unused,
  };
  return (await readRepository({ server, gun: GUN, at: AT, store: createMemoryMetadataStore() })).repository;
}

Deno.test("role base: of a file that the role's keys have not signed the version alone counts", async () => {
  const base = baseOf(await repositoryWith({ version: 1_000_000, signers: [KEYS.stranger] }), RELEASES);
  assert.deepEqual([base.version, base.file], [1_000_000, undefined]);
  assert.match(base.untrusted!, /not signed by the keys/);
});

Deno.test("role base: whoever signs nothing cannot use the versions up", async () => {
  for (const version of [1_000_001, 2 ** 31 - 2]) {
    const repository = await repositoryWith({ version, signers: [KEYS.stranger] });
    const error = await failsWith(
      Promise.resolve().then(() => baseOf(repository, RELEASES)),
      "trust-invalid",
      `claims version ${version}`,
    );
    assert.match(error.remedy, /Do not sign/);
  }
});

Deno.test("role base: a version that the role's keys have signed counts, however high", async () => {
  const base = baseOf(await repositoryWith({ version: 2_000_000 }), RELEASES);
  assert.deepEqual([base.version, base.file?.version, base.untrusted], [2_000_000, 2_000_000, undefined]);
});

Deno.test("role base: of a role that has expired the content is kept, whatever its version", async () => {
  const expired = { expires: "2026-01-01T00:00:00Z", version: 2_000_000 };
  const base = baseOf(await repositoryWith(expired), RELEASES);
  assert.deepEqual([base.version, [...base.file!.targets.keys()]], [2_000_000, ["v1"]]);
  assert.match(base.untrusted!, /expired/);
});

Deno.test("role base: a role that was never published begins at version 0, with nothing", async () => {
  assert.deepEqual(baseOf(await repositoryWith({ published: false }), RELEASES), { version: 0, file: undefined });
});

Deno.test("role base: a role of which there is no copy has no version to go by", async () => {
  const repository = await repositoryWith({});
  const { delegation } = repository.delegations.get(RELEASES)!;
  const skipped = skipDelegation(repository, delegation, "there is no copy of it here");
  assert.deepEqual(baseOf(skipped, RELEASES), {
    version: 0,
    file: undefined,
    untrusted: "there is no copy of it here",
  });
});
