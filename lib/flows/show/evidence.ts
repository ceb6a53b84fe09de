/** The trust data in a signing data file, verified as if a Notary server showed it. @module */
import { sha256Hex } from "../../crypto/hash.ts";
import { isTagsealError, TagsealError } from "../../errors.ts";
import { createMemoryMetadataStore } from "../../notary/metadata_store.ts";
import { openRepository, type Trust } from "../../notary/repository.ts";
import type { RepositoryChange } from "../../schemes/notary_v1/changes.ts";
import type { SigningData } from "../../schemes/signing_data.ts";
import { trustName } from "../../signing/signing_data.ts";
import { isDelegation } from "../../tuf/roles.ts";
import type { TrustedRepository } from "../../tuf/trusted.ts";

/** What is trusted of a repository. */
export type EvidenceTrust = Pick<Trust, "pin" | "onFirstUse" | "now" | "sleep">;

/** The repository as it was when the file was made, or why it cannot be verified. */
export type Evidence = { readonly repository: TrustedRepository } | { readonly refused: string };

/**
 * Verifies the trust data of the n-th repository (from 1), as of when the file says to be made. Nothing is kept. Whoever
 * can make a file can put old trust data into it: what it proves is no more than that the repository has been so.
 */
export async function verifyEvidence(
  { created, trust: files }: Pick<SigningData, "created" | "trust">,
  { repository: gun, notaryUrl, roles }: RepositoryChange,
  n: number,
  trust: EvidenceTrust,
): Promise<Evidence> {
  const at = new Date(Math.min(new Date(created).getTime(), trust.now().getTime()));
  const unasked = () =>
    Promise.reject(
      new TagsealError("usage", `"${gun}" was read from a file: nothing can be asked of its server`, {
        remedy: "Work with the Notary server instead of the file",
      }),
    );
  const server: Trust["server"] = {
    url: URL.parse(notaryUrl) ?? new URL("https://unknown.invalid"),
    read(_, name) {
      const [, role = name, hash] = /^(.+)\.([0-9a-f]{64})$/.exec(name) ?? [];
      const bytes = files.get(trustName(n, role));
      return Promise.resolve(bytes && (hash === undefined || sha256Hex(bytes) === hash) ? bytes : undefined);
    },
    managedKey: unasked,
    publish: unasked,
  };
  try {
    const opened = { ...trust, server, store: createMemoryMetadataStore(), now: () => at };
    const { repository } = await openRepository(opened, gun, roles.map(({ role }) => role).filter(isDelegation));
    return { repository };
  } catch (error) {
    if (!isTagsealError(error) || error.code === "interrupted") throw error;
    return { refused: error.message };
  }
}
