/**
 * Payloads that are one to whoever signs: a tag's roles hold the same bytes as long as nobody else signs in one of them,
 * and one signature of the key stands for all of these.
 *
 * @module
 */
import { sha256Hex } from "../crypto/hash.ts";
import type { Payload, PayloadFacts } from "./payload.ts";

/** What is signed once. */
export interface SharedPayload {
  /** The payload, about all that it stands for. */
  readonly payload: Payload;
  /** The ids of all that the signature is for. */
  readonly ids: readonly string[];
}

/** The payloads of one repository, each of the same bytes, rules and keys once. */
export function distinctPayloads(payloads: readonly Payload[]): SharedPayload[] {
  // What has a length of its own is not hashed for this: large roles take their time.
  const byLength = Map.groupBy(payloads, ({ bytes }) => bytes.length);
  const nameOf = ({ bytes, rules: { hash, rsaPadding }, keys }: Payload) =>
    byLength.get(bytes.length)!.length === 1
      ? bytes.length
      : [sha256Hex(bytes), hash, rsaPadding, ...keys.map(({ canonicalId }) => canonicalId)].join();
  return [...Map.groupBy(payloads, nameOf).values()].map((same) => ({
    payload: { ...same[0]!, about: together(same.map(({ about }) => about)) },
    ids: same.map(({ id }) => id),
  }));
}

/** What approvers and the audit log are told of all of them. */
function together(all: readonly PayloadFacts[]): PayloadFacts {
  const [first] = all;
  const distinct = <T>(values: readonly T[]) => [...new Map(values.map((one) => [JSON.stringify(one), one])).values()];
  const fact = (name: string) => {
    const [value, ...others] = distinct(all.map(({ facts }) => facts[name]!));
    return others.length === 0 ? value! : [value, ...others].join(", ");
  };
  // Roles of one change share a list, which may hold thousands: it is not looked through for what it holds already.
  const joined = <T>(lists: readonly (readonly T[])[]) => {
    const [list, ...others] = new Set(lists);
    return others.length === 0 ? list! : distinct([list!, ...others].flat());
  };
  return {
    ...first!,
    subject: distinct(all.map(({ subject }) => subject)).join("; "),
    facts: Object.fromEntries(Object.keys(first!.facts).map((name) => [name, fact(name)])),
    tags: joined(all.map(({ tags }) => tags)),
    removedTags: joined(all.map(({ removedTags }) => removedTags)),
  };
}
