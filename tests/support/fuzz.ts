/**
 * Damaged inputs for parsers: each is read, or refused in the one way that its documentation names.
 *
 * `TAGSEAL_FUZZ=100` makes a hundred times as many of them, from other seeds; what such a run finds becomes a row of the
 * parser's own test.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { below, damaged, pick, type Random, random } from "./random.ts";

/** A parser, how often it is tried, what is damaged, and how it may refuse. */
export type Parser = readonly [
  name: string,
  times: number,
  inputs: readonly Bytes[],
  read: (input: Bytes) => unknown,
  mayThrow: (error: unknown) => boolean,
];

/** Refusals of readers that know no user. */
export const isSyntaxError = (error: unknown): boolean => error instanceof SyntaxError;
/** Refusals of readers of trust data. */
export const isInvalid = (error: unknown): boolean => isTagsealError(error, "trust-invalid");
/** Refusals of readers of what a user hands in. */
export const isBadInput = (error: unknown): boolean => isTagsealError(error, "bad-input");
/** For readers that say in their result what is wrong. */
export const never = (): boolean => false;

/** How many times as many inputs are tried as in the gate. */
export const MORE: number = Math.max(1, Math.trunc(Number(Deno.env.get("TAGSEAL_FUZZ") ?? 1)));

/** Registers a test for each parser. */
export function testParsers(parsers: readonly Parser[]): void {
  for (const [seed, [name, times, inputs, read, mayThrow]] of parsers.entries()) {
    Deno.test(`parsers: ${times * MORE} damaged inputs for ${name}`, async () => {
      const next = random(MORE === 1 ? seed + 1 : Date.now() + seed);
      const { stackTraceLimit } = Error;
      using _ = { [Symbol.dispose]: () => void (Error.stackTraceLimit = stackTraceLimit) };
      Error.stackTraceLimit = 0; // most of the time goes into stacks of refusals that nobody looks at
      let refused = 0;
      for (let i = 0; i < times * MORE; i++) {
        const input = damagedOnceOrTwice(next, pick(next, inputs));
        try {
          const result = read(input);
          if (result instanceof Promise) await result;
        } catch (error) {
          assert.ok(mayThrow(error), `${input.toHex()}: ${error}`);
          refused++;
        }
      }
      if (mayThrow !== never) {
        assert.ok(refused > times / 20, `${refused} of ${times * MORE}: it refuses next to nothing`);
      }
    });
  }
}

function damagedOnceOrTwice(next: Random, input: Bytes): Bytes {
  const once = anyDamage(next, input);
  return next() < 0.5 || once.length === 0 ? once : damaged(next, once);
}

/** Damage to bytes, or, in a JSON document, another value at some place: most damaged bytes are no JSON any more. */
function anyDamage(next: Random, input: Bytes): Bytes {
  return (input[0] === 0x7b && next() < 0.6 ? replacedMember(next, input) : undefined) ?? damaged(next, input);
}

const STRANGERS: readonly unknown[] = [
  ...[null, true, 0, -1, 1.5, 1e308, 2 ** 53, "", "\u0000", "\ud800", "__proto__", "x".repeat(5000), [], {}, [[]], [
    null,
  ]],
  ...["2026-02-30T00:00:00Z", "sha256:", "../..", { "__proto__x": 1, constructor: null, toString: "no" }],
];

function replacedMember(next: Random, input: Bytes): Bytes | undefined {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(input));
  } catch {
    return undefined;
  }
  let at = document;
  for (;;) {
    if (typeof at !== "object" || at === null) return undefined;
    const keys = Object.keys(at);
    if (keys.length === 0) return undefined;
    const key = pick(next, keys);
    const holder = at as Record<string, unknown>;
    if (typeof holder[key] === "object" && holder[key] !== null && next() < 0.7) {
      at = holder[key];
      continue;
    }
    const kind = below(next, 4);
    if (kind === 0) delete holder[key];
    else if (kind === 1) holder[`${key} `] = holder[key];
    else holder[key] = pick(next, STRANGERS);
    return utf8(JSON.stringify(document));
  }
}
