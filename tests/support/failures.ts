/** Asserting how something fails: class and words, never the class alone. @module */
import assert from "node:assert/strict";
import { TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";

/** Fails unless `attempt` ends in a {@linkcode TagsealError} of class `code` whose message holds all of `words`. */
export async function failsWith(
  attempt: Promise<unknown> | (() => unknown),
  code: TagsealErrorCode,
  ...words: string[]
): Promise<TagsealError> {
  let thrown: unknown;
  try {
    await (typeof attempt === "function" ? attempt() : attempt);
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof TagsealError)) {
    throw new assert.AssertionError({
      message: thrown === undefined ? `it passes, where "${words[0]}" was expected` : `not a TagsealError: ${thrown}`,
    });
  }
  assert.equal(thrown.code, code, thrown.message);
  for (const part of words) assert.ok(thrown.message.includes(part), `"${part}" is not in: ${thrown.message}`);
  assert.match(thrown.remedy, /[^.\s]$/, "a remedy is a sentence without its period");
  return thrown;
}
