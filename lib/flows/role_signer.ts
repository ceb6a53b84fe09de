/** The key of a role, taken from the admin's key store. @module */
import type { KeyId } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { TagsealError } from "../errors.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";

/** Signs for a role. */
export interface RoleSigner {
  /** The id under which metadata files the key. */
  readonly keyId: KeyId;
  /** Signs with it. */
  readonly signer: Signer;
}

const ABSENT = {
  targets: "A deleted targets key is replaced with the root key: tagseal rotate-key --role targets",
  root: "Bring the root key back to where it can be read; without it no key can be replaced",
} as const;

/**
 * Opens a key that may sign for `role` in `repository`.
 *
 * @throws {TagsealError} `not-found` where the store holds none; `bad-input` where one signature is not enough, and what
 *   opening throws
 */
export async function openRoleSigner(
  repository: TrustedRepository,
  role: "root" | "targets",
  keys: KeyStore,
): Promise<RoleSigner> {
  const { gun } = repository;
  const { threshold, keys: allowed } = repository.root.roles[role];
  if (threshold > 1) {
    throw new TagsealError(
      "bad-input",
      `${role === "root" ? "Root" : "Targets"} of "${gun}" needs ${threshold} signatures`,
      {
        remedy: `Tagseal signs with one ${role} key; set the threshold to 1, or use another tool`,
        details: { repository: gun, threshold },
      },
    );
  }
  const held = new Set((await keys.list()).map(({ id }) => id));
  const key = [...allowed.values()].find(({ canonicalId }) => held.has(canonicalId));
  if (key) return { keyId: key.id, signer: await keys.open(key.canonicalId) };
  const wanted = [...allowed.values()].map(({ canonicalId }) => canonicalId);
  throw new TagsealError("not-found", `The ${role} key of "${gun}" is not here`, {
    remedy: `Run this where the key was made, or name its directory with --trust-dir. ${ABSENT[role]}`,
    details: { repository: gun, [`${role}KeyIds`]: wanted },
  });
}
