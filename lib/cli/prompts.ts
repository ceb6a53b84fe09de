/** Questions on the terminal, over `@inquirer`; on stderr, so that `tagseal … > file` stays clean. @module */
import confirm from "@inquirer/confirm";
import password from "@inquirer/password";
import process from "node:process";
import { createInterface } from "node:readline/promises";
import { TagsealError } from "../errors.ts";

/** An answer is not right because it was given: no tick before it, and no words in place of what is not shown. */
const PLAIN = { prefix: "?", style: { maskedText: "" } };

/** Asks for a secret; what is typed is not shown. @throws {TagsealError} `interrupted` */
export function askSecret(question: string, signal: AbortSignal): Promise<string> {
  return interruptible(
    password({ message: question, mask: false, toggleMask: false, theme: PLAIN }, { output: process.stderr, signal }),
  );
}

/** Asks yes or no; no unless said. @throws {TagsealError} `interrupted` */
export function askYesNo(question: string, signal: AbortSignal): Promise<boolean> {
  return interruptible(confirm({ message: question, default: false }, { output: process.stderr, signal }));
}

/** Asks for a line of text. @throws {TagsealError} `interrupted` */
export function askText(question: string, signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const over = new AbortController();
  terminal.once("SIGINT", () => over.abort());
  const answer = terminal.question(`${question} `, { signal: AbortSignal.any([signal, over.signal]) });
  return interruptible(answer.finally(() => terminal.close()));
}

async function interruptible<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof Error) || !["ExitPromptError", "AbortPromptError", "AbortError"].includes(error.name)) {
      throw error;
    }
    throw new TagsealError("interrupted", "Interrupted", { remedy: "Nothing was changed; run the command again" });
  }
}
