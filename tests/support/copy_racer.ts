/**
 * A process of its own that reads one moment of a repository after the other into a trust directory that others write
 * to at the same time: `copy_racer.ts <trust dir> <folder of moments> <count> <gun> <time>`. Where another process is
 * ahead, its reading must be refused as a rollback, and it goes on.
 *
 * @module
 */
import { isTagsealError } from "../../lib/errors.ts";
import { createFileMetadataStore } from "../../lib/notary/file_metadata_store.ts";
import type { TrustServer } from "../../lib/notary/trust_server.ts";
import { readRepository } from "../../lib/notary/update.ts";

const [trustDir, moments, count, gun, at] = Deno.args as [string, string, string, string, string];
const store = createFileMetadataStore(trustDir);
const never = () => Promise.reject(new Error("is not asked for"));

for (let moment = 1; moment <= Number(count); moment++) {
  const server: TrustServer = {
    url: new URL("https://notary.test"),
    async read(_gun, name) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 6));
      const file = name.replace(/\.[0-9a-f]{64}$/, "").replaceAll("/", "_");
      return await Deno.readFile(`${moments}/${moment}/${file}.json`).catch(() => undefined);
    },
    managedKey: never,
    publish: never,
  };
  try {
    await readRepository({ server, gun, at: new Date(at), store });
  } catch (error) {
    if (isTagsealError(error, "trust-invalid") && error.message.includes("(rollback)")) continue;
    throw error;
  }
}
