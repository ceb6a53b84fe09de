/** Copies of repositories in folders, as oras and crane write them. @module */
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import type { Send } from "../../lib/http/send.ts";
import { digestOf } from "../../lib/registry/blob.ts";
import { MEDIA_TYPES } from "../../lib/registry/manifest_type.ts";

interface Manifest {
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
}

/** Copies what tags and digests of a repository stand for, and what is attached to it, into a folder. */
export async function copyToLayout(
  send: Send,
  repository: URL,
  references: readonly string[],
  folder: string,
): Promise<void> {
  await Deno.mkdir(`${folder}/blobs/sha256`, { recursive: true });
  const get = async (path: string): Promise<{ type: string; bytes: Bytes }> => {
    const answer = await send(new Request(`${repository}/${path}`, { headers: { accept: MEDIA_TYPES.join(", ") } }));
    if (answer.status !== 200) throw new Error(`${path}: status ${answer.status}`);
    return { type: answer.headers.get("content-type")!, bytes: new Uint8Array(await answer.arrayBuffer()) };
  };
  const keep = (bytes: Bytes) => Deno.writeFile(`${folder}/blobs/${digestOf(bytes).replace(":", "/")}`, bytes);
  const manifests: object[] = [];
  const copy = async (reference: string) => {
    const { type, bytes } = await get(`manifests/${reference}`);
    const digest = digestOf(bytes);
    await keep(bytes);
    const isTag = !reference.startsWith("sha256:");
    manifests.push({
      mediaType: type,
      digest,
      size: bytes.length,
      ...isTag ? { annotations: { "org.opencontainers.image.ref.name": reference } } : {},
    });
    const { config, layers = [] } = JSON.parse(new TextDecoder().decode(bytes)) as Manifest;
    for (const blob of [...config ? [config] : [], ...layers]) await keep((await get(`blobs/${blob.digest}`)).bytes);
    const list = JSON.parse(new TextDecoder().decode((await get(`referrers/${digest}`)).bytes));
    for (const { digest: attached } of list.manifests) await copy(attached);
  };
  for (const reference of references) await copy(reference);
  await Deno.writeFile(`${folder}/oci-layout`, utf8('{"imageLayoutVersion":"1.0.0"}'));
  await Deno.writeFile(`${folder}/index.json`, utf8(JSON.stringify({ schemaVersion: 2, manifests })));
}
