/** What the servers have, whatever a command says: read past all faults, by somebody who knows nothing yet. @module */
import { text } from "../../lib/bytes/bytes.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { inspectRepository } from "../../lib/flows/inspect_repository.ts";
import { exchange } from "../../lib/http/send.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { createTrustServer } from "../../lib/notary/trust_server.ts";
import { readBlob } from "../../lib/registry/blob.ts";
import type { Digest } from "../../lib/registry/image_ref.ts";
import { findManifest } from "../../lib/registry/manifest.ts";
import { listReferrers } from "../../lib/registry/referrers.ts";
import { openRepository, type RegistryRepository } from "../../lib/registry/repository.ts";
import type { World } from "./world.ts";

/** Facts by group and name. What is of one group is published at once: all of it, or nothing. */
export type State = ReadonlyMap<string, ReadonlyMap<string, string>>;

const MAX_BLOB_BYTES = 2 ** 20;

/** What the servers have now, on request with the Notary server that repositories are moved to. It throws where what they have is not whole. */
export async function stateOf(world: World, elsewhere: boolean): Promise<State> {
  const { story } = world;
  const requests = new Set(story.peers.signPath.requests().map(({ workflowStatus }) => workflowStatus));
  const groups = new Map<string, ReadonlyMap<string, string>>([
    ["dct", await trustData(world, "")],
    ...elsewhere ? [["dct elsewhere", await trustData(world, "/to")] as const] : [],
    [
      "requests",
      new Map([["all", [...requests].join()]]),
    ],
  ]);
  const repository = openRepository({
    service: { request: (call) => exchange(world.handle, call) },
    url: new URL(`http://${story.peers.host}`),
    path: "demo/app",
    access: "pull",
    sleep: () => Promise.resolve(),
  });
  for (const tag of ["v1", "v2"]) {
    const image = await findManifest(repository, tag);
    groups.set(`image ${tag}`, new Map([["digest", String(image?.digest)]]));
    if (!image) continue;
    groups.set(`cosign ${tag}`, await cosignSignatures(repository, image.digest));
    groups.set(`notation ${tag}`, await notationSignatures(repository, image.digest));
  }
  return groups;
}

async function trustData({ story, handle, grounds }: World, path: string): Promise<Map<string, string>> {
  const server = createTrustServer({
    url: new URL(`http://${story.peers.host}${path}`),
    service: { request: (call) => exchange(handle, call) },
    access: "pull",
  });
  const trust = {
    server,
    store: createMemoryMetadataStore(),
    now: grounds.time.date,
    sleep: () => Promise.resolve(),
  };
  try {
    const { roles, tags } = await inspectRepository(trust, story.gun);
    return new Map([
      ["tags", tags.map(({ tag, sha256, role, signers }) => `${tag} ${sha256} ${role} ${signers}`).join("\n")],
      ...roles.flatMap(({ role, version, keyIds }): [string, string][] => [
        [`version of ${role}`, String(version)],
        [`keys of ${role}`, keyIds.join()],
      ]),
    ]);
  } catch (error) {
    if (isTagsealError(error, "not-found")) return new Map();
    throw error;
  }
}

async function cosignSignatures(repository: RegistryRepository, digest: Digest): Promise<Map<string, string>> {
  const manifest = await findManifest(repository, `${digest.replace(":", "-")}.sig`);
  const { layers = [] }: { layers?: { digest: Digest }[] } = manifest ? JSON.parse(text(manifest.bytes)) : {};
  for (const layer of layers) if (!await readBlob(repository, layer.digest, MAX_BLOB_BYTES)) throw new Error("no blob");
  return new Map([["signatures", String(layers.length)]]);
}

async function notationSignatures(repository: RegistryRepository, digest: Digest): Promise<Map<string, string>> {
  const referrers = await listReferrers(repository, digest);
  for (const { digest } of referrers) {
    const manifest = await findManifest(repository, digest);
    const { layers }: { layers: { digest: Digest }[] } = JSON.parse(text(manifest!.bytes));
    for (const layer of layers) {
      if (!await readBlob(repository, layer.digest, MAX_BLOB_BYTES)) throw new Error("no blob");
    }
  }
  return new Map([["signatures", String(referrers.length)]]);
}
