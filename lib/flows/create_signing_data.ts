/**
 * From tags to the file with the bytes that have to be signed.
 *
 * @module
 */
import { type Bytes, equalBytes, text } from "../bytes/bytes.ts";
import { canonicalJson, parsePlainly } from "../bytes/canonical_json.ts";
import { isJsonObject } from "../bytes/json.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { USER_AGENT } from "../http/send.ts";
import {
  payloadName,
  type RepositoryChange,
  type RoleChange,
  type SigningData,
  trustName,
} from "../signpath/signing_data.ts";
import { trustTime } from "../tuf/edit.ts";
import { AT_ONCE, mapAtOnce } from "./at_once.ts";
import { type PreparedChange, prepareTags, type TagsToSign } from "./prepare_tags.ts";
import type { ManifestOfTag } from "./tag_change.ts";

/** Signing data that nobody has signed yet. */
export type UnsignedData = Omit<SigningData, "signatures">;

/** What is to be signed, and what is signed already. */
export interface Prepared {
  /** The file to send; without payloads where there is nothing to sign. */
  readonly data: UnsignedData;
  /** Repositories whose tags are all as they shall be. */
  readonly unchanged: readonly { readonly repository: string; readonly tags: readonly ManifestOfTag[] }[];
}

/**
 * Makes signing data. All of `work` goes into one file: one signing request, one approval.
 *
 * @throws {TagsealError} what preparing one of the repositories throws
 */
export async function createSigningData(work: readonly TagsToSign[], at: Date): Promise<Prepared> {
  const prepared = await mapAtOnce(work, AT_ONCE, (task) => prepareTags(task, at));
  return {
    data: assembleSigningData(prepared.flatMap(({ change }) => change ?? []), at),
    unchanged: prepared.filter(({ change }) => !change).map(({ repository, tags }) => ({ repository, tags })),
  };
}

/** One file of what is to be signed in several repositories. */
export function assembleSigningData(changes: readonly PreparedChange[], at: Date): UnsignedData {
  const repositories: RepositoryChange[] = [];
  const payloads = new Map<string, Bytes>();
  const trust = new Map<string, Bytes>();
  for (const [i, change] of changes.entries()) {
    const roles = change.payloads.map(({ role, baseVersion, version, bytes }): RoleChange => {
      const payload = payloadName(payloads.size + 1);
      payloads.set(payload, bytes);
      return { role, baseVersion, version, payload, sha256: sha256Hex(bytes) };
    });
    repositories.push({ ...change.facts, roles });
    for (const [role, bytes] of change.trust) trust.set(trustName(i + 1, role), bytes);
  }
  return { created: trustTime(at), tool: USER_AGENT, repositories, payloads, trust };
}

/** Older signing data is made anew: what it signs would expire that much sooner. */
const SAME_FOR_MS = 86_400_000;

/**
 * Whether `there`, which somebody has made before, would sign the same as `data` does: the same roles of the same
 * repositories, byte for byte but for the time at which they expire, which is at most a day earlier.
 */
export function isSameWork(there: SigningData, data: UnsignedData): boolean {
  const facts = ({ repositories }: UnsignedData) => {
    const unhashed = repositories.map(({ roles, ...rest }) => [rest, roles.map(({ sha256: _, ...role }) => role)]);
    return canonicalJson(JSON.parse(JSON.stringify(unhashed)));
  };
  const age = Date.parse(data.created) - Date.parse(there.created);
  return there.signatures.size === 0 && age >= 0 && age <= SAME_FOR_MS && equalBytes(facts(there), facts(data)) &&
    [...data.payloads].every(([name, bytes]) => equalBytes(unexpiring(there.payloads.get(name)), unexpiring(bytes)));
}

/** A payload without the time at which it expires. */
function unexpiring(payload: Bytes | undefined): Bytes {
  const signed = payload && parsePlainly(text(payload));
  return isJsonObject(signed) ? canonicalJson({ ...signed, expires: "" }) : new Uint8Array();
}
