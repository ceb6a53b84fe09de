/** Failures of publishing what is signed: what is good stays good. @module */
import { isTagsealError, reworded, TagsealError } from "../errors.ts";

/** What `work` throws, with the way to go on: signing anew, which may need another approval, would not help. */
export async function publishing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isTagsealError(error, "bad-input", "not-found")) {
      throw reworded(error, error.message, { published: "maybe" });
    }
    if (!isTagsealError(error, "stale")) throw error;
    throw new TagsealError("unavailable", error.message, {
      remedy: "The signatures are good. Publish them once more when fewer others write there",
      published: "maybe",
      cause: error,
    });
  }
}
