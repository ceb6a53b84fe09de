/** What of a repository is vouched for, and can be signed in other schemes. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { migrationJobs, planMigration } from "../../lib/flows/migrate_repository.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { digestOf } from "../../lib/registry/blob.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import { tagManifest } from "../../lib/registry/manifest.ts";
import type { RegistryRepository } from "../../lib/registry/repository.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { blobOf, registryWorld } from "../support/registries.ts";
import { AT, buildFiles, GUN, KEYS, type Plan } from "../support/trust_builder.ts";

async function trustIn(plan: Plan) {
  const server = new MemoryTrustServer(await buildFiles(plan));
  return { server, store: createMemoryMetadataStore(), now: () => AT, sleep: () => Promise.resolve() };
}

async function push(repository: RegistryRepository, tag: string, mediaType: string, members: object) {
  const bytes = utf8(JSON.stringify({ schemaVersion: 2, mediaType, ...members }));
  await tagManifest(repository, { mediaType, bytes }, tag);
  return digestOf(bytes);
}

async function pushImage(repository: RegistryRepository, tag: string, content = tag) {
  const config = await blobOf(repository, "{}", "application/vnd.oci.image.config.v1+json");
  return await push(repository, tag, OCI_MANIFEST, {
    config,
    layers: [await blobOf(repository, content, "text/plain")],
  });
}

const signedAs = (tags: Readonly<Record<string, string>>): Plan => ({
  delegations: {
    "targets/releases": {
      keys: [KEYS.releases],
      tags: Object.fromEntries(Object.entries(tags).map(([tag, digest]) => [tag, digest.replace("sha256:", "")])),
    },
  },
});

Deno.test("each signed tag has its own fate, and none of them keeps others from being signed", async () => {
  const world = registryWorld();
  const { repository } = world;
  const here = await pushImage(repository, "here");
  const entry = { mediaType: OCI_MANIFEST, digest: here, size: 100 };
  const lost = await push(repository, "nested", OCI_INDEX, { manifests: [entry] });
  const lostEntry = { mediaType: OCI_INDEX, digest: lost, size: 100 };
  const moved = await pushImage(repository, "moved");
  const broken = await push(repository, "broken", OCI_INDEX, { manifests: [lostEntry] });
  // Now it stands for something that nobody can use; what was signed is there still.
  const spoilt = await pushImage(repository, "spoilt");
  await push(repository, "spoilt", OCI_INDEX, { manifests: [lostEntry, entry] });
  const now = await pushImage(repository, "moved", "new");
  const gone = `sha256:${"cd".repeat(32)}`;
  world.between = ({ url }) => url.endsWith(lost) ? new Response(null, { status: 404 }) : undefined;
  const tags = { here, moved, broken, spoilt, gone, "docs/manual.pdf": here };
  const plan = await planMigration({ trust: await trustIn(signedAs(tags)), gun: GUN, registry: repository });
  assert.deepEqual(plan.tags, [
    { tag: "here", digest: here },
    { tag: "moved", digest: moved },
    { tag: "spoilt", digest: spoilt },
  ]);
  assert.deepEqual([...plan.found.keys()], [here, moved, spoilt]);
  assert.deepEqual(plan.moved, [
    { tag: "moved", digest: moved, now },
    { tag: "spoilt", digest: spoilt, now: null },
  ]);
  assert.deepEqual(plan.gone, [{ tag: "gone", digest: gone }]);
  assert.deepEqual(plan.refused.map(({ tag, error }) => [tag, error.code]), [
    ["broken", "not-found"],
    ["docs/manual.pdf", "bad-input"],
  ]);
});

Deno.test("while targets/releases cannot be trusted, an entry of targets does not take its place", async () => {
  const { repository, asked } = registryWorld();
  const digest = (await pushImage(repository, "v1")).slice("sha256:".length);
  asked.length = 0;
  const trust = await trustIn({
    targets: { tags: { v1: digest } },
    delegations: { "targets/releases": { keys: [KEYS.releases], signers: [KEYS.stranger], tags: { v2: digest } } },
  });
  const task = { trust, gun: GUN, registry: repository };
  await failsWith(planMigration(task), "trust-invalid", '"targets/releases"');
  await failsWith(planMigration({ ...task, tags: ["v1"] }), "not-signed", "v1");
  assert.deepEqual(asked, [], "and no image is looked for");
});

Deno.test("where nothing can be signed it is an error; where nothing was signed it is not", async () => {
  const { repository } = registryWorld();
  const plan = async (tags: Readonly<Record<string, string>>) =>
    await planMigration({ trust: await trustIn(signedAs(tags)), gun: GUN, registry: repository });
  await failsWith(plan({ v1: "cd".repeat(32), v2: "ef".repeat(32) }), "not-found", "none of the 2 signed images");
  await failsWith(plan({ v1: "cd".repeat(32), "a/b": "ef".repeat(32) }), "bad-input", '"a/b"');
  assert.deepEqual((await plan({})).tags, []);
});

Deno.test("a registry that fails is no registry without the image", async () => {
  const world = registryWorld();
  const digest = await pushImage(world.repository, "v1");
  const trust = await trustIn(signedAs({ v1: digest }));
  for (const [status, code] of [[500, "unavailable"], [403, "forbidden"], [412, "forbidden"]] as const) {
    world.between = () => new Response(null, { status });
    await failsWith(planMigration({ trust, gun: GUN, registry: world.repository }), code);
  }
});

Deno.test("a repository is planned once for all schemes, and its failure is theirs", async () => {
  let planned = 0;
  const jobs = migrationJobs(GUN, ["cosign", "notation"], () => {
    planned++;
    return Promise.reject(new Error("no"));
  }, () => Promise.resolve([]));
  const errors = await Promise.all(jobs.map((job) => job.prepare(AT).catch((error) => error)));
  assert.equal(planned, 1);
  assert.equal(errors[0], errors[1]);
  assert.equal(errors[0].message, "no");
});
