/** Consent before something that cannot be taken back: `--yes`, an answer on the terminal, or a refusal. @module */
import { TagsealError } from "../errors.ts";
import type { Host } from "./host.ts";

/**
 * Asks `question`, unless `--yes` has answered it.
 *
 * @throws {TagsealError} `usage` where nobody can be asked; `interrupted` where the answer is no
 */
export async function requireConsent(yes: boolean, host: Host, question: string): Promise<void> {
  if (!yes) require(await host.confirm(question));
}

/**
 * Has `words` typed, unless `--yes` has answered: for what must not happen by a slip of the finger. Throws what
 * {@linkcode requireConsent} throws.
 */
export async function requireTyped(yes: boolean, host: Host, words: string): Promise<void> {
  if (yes) return;
  const answer = await host.askText(`Type ${words} to go on:`);
  require(answer === undefined ? undefined : answer.trim() === words);
}

function require(answer: boolean | undefined): void {
  if (answer === true) return;
  if (answer === undefined) {
    throw new TagsealError("usage", "This needs a confirmation, and there is nobody to ask", {
      remedy: "Read what is said above, then run the command again with --yes, or in a terminal",
    });
  }
  throw new TagsealError("interrupted", "Not confirmed", { remedy: "Nothing was changed" });
}
