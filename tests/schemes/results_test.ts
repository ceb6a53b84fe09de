/** What became of repositories in all schemes together, and of publishing what is signed. */
import assert from "node:assert/strict";
import { TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";
import type { ImagesResult, SignedTagOf } from "../../lib/schemes/images.ts";
import type { PushResult } from "../../lib/schemes/notary_v1/push_trust_data.ts";
import { publishing } from "../../lib/schemes/publishing.ts";
import { byRepository } from "../../lib/schemes/results.ts";
import { failsWith } from "../support/failures.ts";

const signature = (scheme: string): SignedTagOf => ({
  scheme,
  tag: "v1",
  digest: `sha256:${"ab".repeat(32)}`,
  reference: "a",
  outcome: "published",
});

Deno.test("results are told by repository, in their order: published where one scheme has published", () => {
  const images = (repository: string, outcome: ImagesResult["outcome"], ...schemes: string[]): ImagesResult => ({
    repository,
    outcome,
    signatures: schemes.map(signature),
  });
  const tags = [{ tag: "v1", digest: "sha256:aa", previousDigest: null }];
  const roles = [{ role: "targets/releases", version: 2 }];
  const dct: PushResult = { repository: "b", outcome: "unchanged", tags, roles, removedTags: ["v0"] };
  assert.deepEqual(
    byRepository([
      images("a", "published", "cosign"),
      images("b", "unchanged", "cosign"),
      images("a", "unchanged", "notation"),
      images("c", "unchanged"),
      dct,
      images("d", "unchanged", "cosign"),
      images("d", "published", "notation"),
      { ...dct, repository: "e" },
      images("e", "unchanged", "notation"),
    ]),
    [
      {
        repository: "a",
        outcome: "published",
        tags: [],
        roles: [],
        signatures: [signature("cosign"), signature("notation")],
      },
      { repository: "b", outcome: "unchanged", tags, roles, removedTags: ["v0"], signatures: [signature("cosign")] },
      { repository: "c", outcome: "unchanged", tags: [], roles: [] },
      {
        repository: "d",
        outcome: "published",
        tags: [],
        roles: [],
        signatures: [signature("cosign"), signature("notation")],
      },
      { repository: "e", outcome: "unchanged", tags, roles, removedTags: ["v0"], signatures: [signature("notation")] },
    ],
  );
  const { removedTags: _, ...plain } = dct;
  assert.deepEqual(byRepository([plain]), [plain]);
});

Deno.test("who cannot publish what is signed is told that it is good, and not to sign it again", async () => {
  const thrown = (code: TagsealErrorCode) => {
    const error = new TagsealError(code, "It fails", { remedy: "Do this" });
    return { error, told: failsWith(publishing(() => Promise.reject(error)), code === "stale" ? "unavailable" : code) };
  };
  for (const code of ["bad-input", "not-found"] as const) {
    const { told } = thrown(code);
    assert.deepEqual([(await told).published, (await told).message], ["maybe", "It fails"]);
  }
  const { error, told } = thrown("stale");
  const { published, remedy, cause } = await told;
  assert.deepEqual([published, cause], ["maybe", error]);
  assert.match(remedy, /^The signatures are good\. Publish them once more/);
  for (const code of ["unavailable", "forbidden", "interrupted"] as const) {
    const { error, told } = thrown(code);
    assert.equal(await told, error, code);
  }
  const odd = new Error("odd");
  await assert.rejects(publishing(() => Promise.reject(odd)), (error) => error === odd);
  assert.equal(await publishing(() => Promise.resolve(7)), 7);
});
