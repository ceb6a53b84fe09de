/** Signing data files changed on their way, as somebody in the middle would change them. @module */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { parseJson } from "../../lib/bytes/json.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { publicKeyOf } from "../../lib/crypto/key_object.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { type RawSignatureFormat, signArtifact } from "../../lib/local/signpath_signing.ts";

/** The manifest of a signing data file, to be changed. */
export interface ManifestDraft {
  /** Its repositories, as far as they are changed here. */
  repositories: {
    delegationKeyId: string;
    tags: { tag: string; digest: string; length: number }[];
    roles: { role: string; payload: string; sha256: string }[];
  }[];
}

/** One payload, to be changed. */
export interface PayloadDraft {
  /** When it expires (RFC 3339). */
  expires: string;
  /** Tag to manifest. */
  targets: Record<string, { hashes: { sha256: string }; length: number }>;
}

/** A change to a signing data file. */
export interface Forgery {
  /** Changes each payload. */
  readonly payload?: (payload: PayloadDraft) => void;
  /** Whether the manifest names the changed payloads. */
  readonly consistent?: boolean;
  /** Changes the manifest. */
  readonly manifest?: (manifest: ManifestDraft) => void;
  /** Signs all of it anew with this key; the old signatures stay where there is none. */
  readonly signWith?: KeyObject;
}

/** A digest that belongs to no image. */
export const FOREIGN_SHA256: string = "ab".repeat(32);

/** The entry of a tag that stands for {@linkcode FOREIGN_SHA256}. */
export const FOREIGN_TARGET: PayloadDraft["targets"][string] = {
  hashes: { sha256: Uint8Array.fromHex(FOREIGN_SHA256).toBase64() },
  length: 528,
};

/** The signed file with `forgery` done to it. */
export async function forge(signed: Bytes, forgery: Forgery, format: RawSignatureFormat): Promise<Bytes> {
  const entries = await readZip(signed, { entries: 1000, entryBytes: 2 ** 20, totalBytes: 2 ** 24 });
  const json = (name: string) => JSON.parse(new TextDecoder().decode(entries.get(name)));
  const manifest: ManifestDraft = json("docker-signing-data.json");
  for (const role of manifest.repositories.flatMap(({ roles }) => roles)) {
    const payload: PayloadDraft = json(role.payload);
    forgery.payload?.(payload);
    const bytes = canonicalJson(parseJson(utf8(JSON.stringify(payload))));
    entries.set(role.payload, bytes);
    if (forgery.consistent) role.sha256 = sha256Hex(bytes);
  }
  forgery.manifest?.(manifest);
  entries.set("docker-signing-data.json", utf8(JSON.stringify(manifest)));
  const files = (keep: (name: string) => boolean) =>
    writeZip([...entries].filter(([name]) => keep(name)).map(([name, bytes]) => ({ name, bytes })));
  if (!forgery.signWith) return await files(() => true);
  return await signArtifact(await files((name) => !name.endsWith(".sig")), fileSigningKey(forgery.signWith), format);
}

/** A fresh key of the same kind as `key`. */
export function otherKey(key: KeyObject): KeyObject {
  return key.asymmetricKeyType === "ec"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
    : generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
}

/** The canonical id of a key. */
export function keyIdOf(key: KeyObject): string {
  return publicKeyOf(key).canonicalId;
}
