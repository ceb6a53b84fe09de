/** What a signing service could try: used by the demo and by tests to show that it is caught. @module */
import { text, utf8 } from "../bytes/bytes.ts";
import { readZip, writeZip } from "../bytes/zip.ts";

const LIMITS = { entries: 1000, entryBytes: 2 ** 24, totalBytes: 2 ** 26 };

/** A signed artifact in which every digest of the payloads was exchanged; the signatures stay as they are. */
export async function tamperedArtifact(response: Response): Promise<Response> {
  if (!response.ok) return response;
  const entries = await readZip(new Uint8Array(await response.arrayBuffer()), LIMITS);
  const changed = [...entries].map(([name, bytes]) => {
    if (!/^payload\/.*\.json$/.test(name)) return { name, bytes };
    return { name, bytes: utf8(text(bytes).replaceAll(/"sha256":"..../g, '"sha256":"AAAA')) };
  });
  return new Response(await writeZip(changed), { headers: { "content-type": "application/zip" } });
}
