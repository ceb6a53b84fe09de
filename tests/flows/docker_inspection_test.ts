/** What is special about Docker's view; that it is Docker's is proved in `tests/peers/inspect_test.ts`. */
import assert from "node:assert/strict";
import { dockerInspection } from "../../lib/flows/docker_inspection.ts";
import { buildFiles, DIGEST, judge, KEYS } from "../support/trust_builder.ts";

const OTHER = "cd".repeat(32);

Deno.test("docker inspection: tags in natural order", async () => {
  const wanted = [
    "1",
    "1.2",
    "1.9",
    "1.10",
    "01.10.1",
    "a",
    "a1",
    "a-1",
    "v1",
    "v1-rc",
    "v01",
    "v2",
    "v10",
    "v10a",
    "w",
  ];
  const tags = Object.fromEntries(wanted.toReversed().map((tag) => [tag, DIGEST]));
  const repository = await judge(await buildFiles({ targets: { tags }, delegations: {} }));
  const { SignedTags } = dockerInspection(repository, "acme/app");
  // As fvbommel/sortorder has it: digits before all else, numbers by value, then the one with fewer zeros.
  assert.deepEqual(SignedTags.map(({ SignedTag }) => SignedTag), [
    ...["1", "1.2", "1.9", "1.10", "01.10.1", "a", "a1", "a-1", "v1", "v1-rc", "v01", "v2", "v10", "v10a", "w"],
  ]);
});

Deno.test("docker inspection: a delegation speaks only for tags that its paths allow, with and without a tag", async () => {
  const repository = await judge(
    await buildFiles({
      delegations: {
        "targets/releases": { keys: [KEYS.releases], tags: { "rel-1": DIGEST, "v1": DIGEST }, paths: ["rel-"] },
        "targets/alice": { keys: [KEYS.alice], tags: { "rel-1": DIGEST, "v1": DIGEST }, paths: ["v"] },
      },
    }),
  );
  const rows = [{ SignedTag: "rel-1", Digest: DIGEST, Signers: ["Repo Admin"] }];
  assert.deepEqual(dockerInspection(repository, "acme/app").SignedTags, rows);
  assert.deepEqual(dockerInspection(repository, "acme/app", "rel-1").SignedTags, rows);
  assert.deepEqual(dockerInspection(repository, "acme/app", "v1").SignedTags, []);
});

Deno.test("docker inspection: names as typed, signers in falling order, a row for each digest", async () => {
  const repository = await judge(
    await buildFiles({
      targets: { tags: { v1: OTHER } },
      delegations: {
        "targets/releases": { keys: [KEYS.releases], tags: { v1: DIGEST } },
        "targets/alice": { keys: [KEYS.alice], tags: { v1: DIGEST, v2: DIGEST } },
        "targets/bob": { keys: [KEYS.alice], tags: { v1: OTHER } },
      },
    }),
  );
  const { Name, SignedTags, Signers } = dockerInspection(repository, "app", "v1");
  assert.equal(Name, "app:v1");
  assert.deepEqual(SignedTags, [
    { SignedTag: "v1", Digest: OTHER, Signers: ["bob"] },
    { SignedTag: "v1", Digest: DIGEST, Signers: ["alice"] },
  ]);
  assert.deepEqual(Signers.map((signer) => signer.Name), ["bob", "alice"]);
});
