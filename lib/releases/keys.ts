/** Keys of the release repository: as its metadata lists them, and as this project's key stores hold them. @module */
import * as tuf from "@tufjs/models";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { jsonObject, type JsonValue } from "../bytes/json.ts";
import { formatPem, parsePem } from "../bytes/pem.ts";
import { derOfRs } from "../crypto/algorithms.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { type KeyId, keyOfSpki, type PublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { TagsealError } from "../errors.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import type { Key, Metadata, Root, Snapshot, Targets, Timestamp } from "./models.ts";

/** The roles of the repository. */
export const RELEASE_ROLES = ["root", "targets", "snapshot", "timestamp"] as const;
/** One of them. */
export type ReleaseRole = typeof RELEASE_ROLES[number];

/** What a role signs. */
export type ReleaseDocument = Root | Targets | Snapshot | Timestamp;

/** Its keys are P-256, which tokens have and all clients verify. @throws {TagsealError} `bad-input` for others */
export function releaseKeyOf({ shape, spki, canonicalId }: PublicKey): Key {
  if (shape.family !== "ecdsa" || shape.curve !== "P-256") {
    throw new TagsealError("bad-input", `The key ${canonicalId.slice(0, 7)}… is not on P-256`, {
      remedy: "Use a P-256 key: those that are made here are, in files and on tokens",
      details: { keyId: canonicalId },
    });
  }
  const json = jsonObject([
    ["keytype", "ecdsa"],
    ["keyval", jsonObject([["public", formatPem("PUBLIC KEY", spki)]])],
    ["scheme", "ecdsa-sha2-nistp256"],
  ]);
  return tuf.Key.fromJSON(sha256Hex(canonicalJson(json)), json as never);
}

/** Under which id the key stores hold a key of the metadata. */
function storedId(key: Key): KeyId {
  return keyOfSpki(parsePem(key.keyVal["public"] ?? "")[0]!.bytes).canonicalId;
}

/**
 * Signers for a role, as many as its threshold wants.
 *
 * @throws {TagsealError} `not-found` where the stores do not hold that many
 */
export async function openSigners(
  keys: KeyStore,
  { signed: root }: Metadata<Root>,
  role: ReleaseRole,
): Promise<Signer[]> {
  const { keyIDs = [], threshold = 1 } = root.roles[role] ?? {};
  const wanted = keyIDs.map((id) => storedId(root.keys[id]!));
  const held = new Set((await keys.list()).map(({ id }) => id));
  const usable = wanted.filter((id) => held.has(id)).slice(0, threshold);
  if (usable.length < threshold) {
    const missing = wanted.filter((id) => !held.has(id));
    throw new TagsealError(
      "not-found",
      `The ${role} role of the releases wants ${threshold} of its ${wanted.length} keys, and ${usable.length} ` +
        `${usable.length === 1 ? "is" : "are"} here; missing: ${missing.map((id) => id.slice(0, 7)).join(", ")}`,
      {
        remedy: "Bring the missing keys here, in the folder of keys or on a token",
        details: { role, keyIds: missing },
      },
    );
  }
  const signers: Signer[] = [];
  for (const id of usable) signers.push(await keys.open(id));
  return signers;
}

/** Adds a signature of each signer; what cannot be verified is not handed on. */
export async function signDocument(metadata: Metadata<ReleaseDocument>, signers: readonly Signer[]): Promise<void> {
  const payload = canonicalJson(metadata.signed.toJSON() as JsonValue);
  for (const signer of signers) {
    const key = releaseKeyOf(signer.publicKey);
    const { bytes } = await signer.sign(payload);
    metadata.signatures[key.keyID] = new tuf.Signature({ keyID: key.keyID, sig: derOfRs(bytes).toHex() });
    key.verifySignature(metadata);
  }
}
