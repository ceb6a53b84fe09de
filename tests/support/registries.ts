/** A repository at the embedded registry, with somebody between who may answer instead. @module */
import { text, utf8 } from "../../lib/bytes/bytes.ts";
import { withItems } from "../../lib/bytes/json_edit.ts";
import { authorize } from "../../lib/http/auth.ts";
import { createRegistry } from "../../lib/local/registry.ts";
import { digestOf, pushBlob } from "../../lib/registry/blob.ts";
import type { Descriptor } from "../../lib/registry/descriptor.ts";
import { findManifest } from "../../lib/registry/manifest.ts";
import { OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import { openRepository, type RegistryRepository } from "../../lib/registry/repository.ts";
import type { Addition } from "../../lib/registry/tagged.ts";

/** Answers instead of the registry, or lets it answer. */
export type Between = (
  request: Request,
  handle: (request: Request) => Promise<Response>,
) => Response | undefined | Promise<Response | undefined>;

/** One repository, whose time passes at once. */
export interface RegistryWorld {
  /** The repository `team/app` at `https://registry.test`. */
  readonly repository: RegistryRepository;
  /** All requests so far, as `GET /v2/team/app/…`. */
  readonly asked: string[];
  /** What was waited for, in milliseconds. */
  readonly pauses: number[];
  /** Who answers instead, from now on. */
  between: Between | undefined;
}

/** An embedded registry of its own, with or without lists of referrers. */
export function registryWorld(referrers = true): RegistryWorld {
  const { handle } = createRegistry({ referrers });
  const asked: string[] = [];
  const pauses: number[] = [];
  const now = () => new Date(0);
  const sleep = () => Promise.resolve();
  const service = authorize(async (request) => {
    const { pathname, search } = new URL(request.url);
    asked.push(`${request.method} ${pathname}${search}`);
    return await world.between?.(request, handle) ?? await handle(request);
  }, {
    service: "registry",
    allowHttp: false,
    remedy: "none",
    retryReads: { budgetMs: 10_000, maxTries: 3, sleep, now },
  });
  const url = new URL("https://registry.test");
  const pause = (ms: number) => Promise.resolve(void pauses.push(ms));
  const repository = openRepository({ service, url, path: "team/app", access: "push,pull", sleep: pause });
  const world: RegistryWorld = { repository, asked, pauses, between: undefined };
  return world;
}

/** A blob and its descriptor; pushed. */
export async function blobOf(repository: RegistryRepository, content: string, mediaType: string): Promise<Descriptor> {
  const bytes = utf8(content);
  await pushBlob(repository, bytes);
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** A manifest with one layer that holds `content`, attached to `subject`; its blobs are pushed, it is not. */
export async function attachment(
  repository: RegistryRepository,
  subject: Descriptor,
  content: string,
  artifactType = "application/vnd.example.signature",
): Promise<{ mediaType: string; bytes: Uint8Array<ArrayBuffer> }> {
  const config = await blobOf(repository, "{}", artifactType);
  const layers = [await blobOf(repository, content, "text/plain")];
  const annotations = { "org.example.of": content };
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, subject, annotations };
  return { mediaType: OCI_MANIFEST, bytes: utf8(JSON.stringify(manifest)) };
}

/** Adds a layer that is named like its signer to what a tag stands for, as signers do; its blobs are pushed. */
export async function signatureOf(repository: RegistryRepository, tag: string, signer: string): Promise<Addition> {
  const layer = { ...await blobOf(repository, signer, "text/plain"), annotations: { signature: signer } };
  const config = { ...await blobOf(repository, "{}", "application/vnd.oci.image.config.v1+json") };
  return {
    tag,
    mediaType: OCI_MANIFEST,
    add(current) {
      if (current === undefined) {
        return utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] }));
      }
      return text(current).includes(layer.digest) ? undefined : withItems(current, "layers", [layer]);
    },
  };
}

/** The signers whose layers a tag's manifest holds, in their order. */
export async function signaturesIn(repository: RegistryRepository, tag: string): Promise<string[]> {
  const { layers } = JSON.parse(text((await findManifest(repository, tag))!.bytes));
  return layers.map(({ annotations }: { annotations: { signature: string } }) => annotations.signature);
}

/** Lets the clock that counts milliseconds jump, as if a call had taken so long; until it is disposed. */
export function jumpingClock(): Disposable & { jump(ms: number): void } {
  const now = performance.now;
  let ahead = 0;
  performance.now = () => now.call(performance) + ahead;
  return { jump: (ms) => void (ahead += ms), [Symbol.dispose]: () => void (performance.now = now) };
}
