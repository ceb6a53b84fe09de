/** The key of a role, taken from the admin's key store. @module */
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { TagsealError } from "../errors.ts";
import type { KeyPlace, KeyStore } from "../keystore/keystore.ts";
import type { RepositoryView } from "../tuf/view.ts";

/** Signs for a role. */
export interface RoleSigner {
  /** The id under which metadata files the key. */
  readonly keyId: KeyId;
  /** Signs with it. */
  readonly signer: Signer;
}

const MAX_NAMED = 3;

const ABSENT = {
  targets: "A deleted targets key is replaced with the root key",
  root: "Bring the root key back to where it can be read; without it no key can be replaced",
} as const;

/** Opens a key that may sign for `role` in `repository`. Throws what {@linkcode findRoleKey} and opening throw. */
export async function openRoleSigner(
  repository: RepositoryView,
  role: "root" | "targets",
  keys: KeyStore,
): Promise<RoleSigner> {
  const { id, canonicalId } = await findRoleKey(repository, role, keys);
  return { keyId: id, signer: await keys.open(canonicalId) };
}

/**
 * A key that is here and may sign for `role` in `repository`; it is not opened.
 *
 * @throws {TagsealError} `not-found` where the store holds none; `bad-input` where one signature is not enough
 */
export async function findRoleKey(
  repository: RepositoryView,
  role: "root" | "targets",
  keys: KeyStore,
): Promise<PublicKey> {
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
  if (key) return key;
  const wanted = [...allowed.values()].map(({ canonicalId }) => canonicalId);
  const places = await keys.places?.() ?? [];
  const misnamed = places.flatMap((place) => place.kind === "folder" ? misnamedIn(place, role) : []);
  throw new TagsealError("not-found", `The ${role} key of "${gun}" is not here${lookedFor(wanted, places)}`, {
    ...misnamed.length > 0
      ? {
        remedy: `A key file is found by its name. Name it "${wanted[0]}.key", if it is one of these: ${
          misnamed.join(", ")
        }`,
      }
      : {
        remedy: `Run this where the key was made. ${ABSENT[role]}`,
        next: { do: "bring-role-key", role },
      },
    details: {
      repository: gun,
      [`${role}KeyIds`]: wanted,
      places: places.map((place) => place.kind === "folder" ? place.path : place.label),
    },
  });
}

type Folder = Extract<KeyPlace, { kind: "folder" }>;

function misnamedIn({ path, misnamed }: Folder, role: string): string[] {
  return misnamed.filter((file) => file.role === role || file.role === "").map(({ name }) => `"${path}/${name}"`);
}

/** Which file would hold the key, years after it was made, and which token does not. */
function lookedFor(wanted: readonly KeyId[], places: readonly KeyPlace[]): string {
  const missing = places.flatMap((place) =>
    place.kind === "token"
      ? [`the token "${place.label}" does not hold ${wanted.length > 1 ? "them" : "it"}`]
      : wanted.slice(0, MAX_NAMED).map((id) => `there is no "${place.path}/${id}.key"`)
  );
  return missing.length > 0 ? `: ${missing.join(", and ")}` : ` (${wanted.slice(0, MAX_NAMED).join(", ")})`;
}
