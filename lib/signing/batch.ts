/** All that goes into one signing request: the payloads of many repositories and schemes, numbered, in one file. @module */
import type { Bytes } from "../bytes/bytes.ts";
import type { JsonObject } from "../bytes/json.ts";
import { type Origin, originWords } from "./origin.ts";
import type { Payload } from "./payload.ts";
import { type PayloadExtension, payloadName, trustName, type UnsignedFile } from "./signing_data.ts";

/** A payload that is not numbered yet. */
export interface UnnamedPayload extends Omit<Payload, "id"> {
  /** What its entry is called behind its number, for people; not needed to find it. */
  readonly label?: string;
  /** What its entry ends in. */
  readonly extension?: PayloadExtension;
}

/** What one scheme has to sign in one repository. */
export interface Part {
  /** The payloads, one at least. */
  readonly payloads: readonly UnnamedPayload[];
  /** Verified trust data that they were derived from, by role: shown to whoever approves, and not signed. */
  readonly trust?: ReadonlyMap<string, Bytes>;
  /** The manifest's member for parts of this kind. */
  readonly member: string;
  /** What the manifest says of this part, where `payloads` are called so. */
  words(payloads: readonly Payload[]): JsonObject;
}

/** What is signed at once. */
export interface Batch {
  /** The payloads of each part, in the order of the parts. */
  readonly parts: readonly (readonly Payload[])[];
  /** The file, for a signer that takes one. */
  readonly file: UnsignedFile;
}

/** Numbers the payloads of all `parts`, and says in one manifest what they are, and who asks; `created` is RFC 3339. */
export function assembleBatch(parts: readonly Part[], created: string, tool: string, origin?: Origin): Batch {
  const payloads = new Map<string, Bytes>();
  const trust = new Map<string, Bytes>();
  const members = new Map<string, JsonObject[]>();
  let evidenced = 0;
  const numbered = parts.map((part) => {
    const named = part.payloads.map(({ label, extension, ...payload }): Payload => {
      const id = payloadName(payloads.size + 1, label, extension);
      payloads.set(id, payload.bytes);
      return { ...payload, id };
    });
    if (part.trust) evidenced++;
    for (const [role, bytes] of part.trust ?? []) trust.set(trustName(evidenced, role), bytes);
    members.set(part.member, [...members.get(part.member) ?? [], part.words(named)]);
    return named;
  });
  return {
    parts: numbered,
    file: { created, tool, manifest: { ...originWords(origin), ...Object.fromEntries(members) }, payloads, trust },
  };
}
