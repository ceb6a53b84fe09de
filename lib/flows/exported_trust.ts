/** An export in place of a Notary server, for all that only reads. @module */
import { createMemoryMetadataStore } from "../notary/metadata_store.ts";
import type { Trust } from "../notary/repository.ts";
import { exportedServer, type ReadRepository } from "./export_file.ts";

/**
 * What flows take to read a repository from an export: everything is verified as online, by the same code. Only the
 * time is another one: expiry is judged at the time of the export (or now, if that is earlier), as a file cannot show
 * that it is the newest there is. Nothing is kept.
 */
export function exportedTrust(
  read: ReadRepository,
  { now, ...trusted }: Pick<Trust, "pin" | "onFirstUse" | "now" | "sleep">,
): Trust {
  const at = new Date(Math.min(read.verifiedAt.getTime(), now().getTime()));
  return { ...trusted, server: exportedServer(read), store: createMemoryMetadataStore(), now: () => at };
}
