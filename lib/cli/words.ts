/**
 * A command line as words: which are flags, which are their values, and which stand alone. As `parseArgs` of Node reads
 * them, which tests hold it to: loading that takes as long as starting the runtime.
 *
 * @module
 */

/** A flag, as far as it matters here. */
export interface FlagWord {
  /** Its name, without dashes. */
  readonly long: string;
  /** Its letter. */
  readonly short?: string | undefined;
  /** Whether a value follows it. */
  readonly takesValue: boolean;
}

/** A flag that was given, known or not. */
export interface OptionToken {
  /** The long name; the letter of one that nobody knows. */
  readonly name: string;
  /** As it was typed, one letter of several made a word of its own. */
  readonly rawName: string;
  /** Its value, if it has one. */
  readonly value: string | undefined;
  /** Whether the value stands in the same word. */
  readonly inlineValue: boolean | undefined;
  /** Which word it stands in. */
  readonly index: number;
}

/** A word that stands alone. */
export interface ValueToken {
  /** The word. */
  readonly value: string;
  /** Which it is. */
  readonly index: number;
}

/** Tells flags from what stands alone. */
export function tokensOf(
  args: readonly string[],
  flags: readonly FlagWord[],
): { readonly options: readonly OptionToken[]; readonly values: readonly ValueToken[] } {
  const options: OptionToken[] = [];
  const values: ValueToken[] = [];
  const byLong = new Map(flags.map((flag) => [flag.long, flag]));
  const longOf = (letter: string) => flags.find(({ short }) => short === letter)?.long ?? letter;
  const takesValue = (name: string) => byLong.get(name)?.takesValue === true;
  for (let index = 0; index < args.length; index++) {
    const word = args[index]!;
    const add = (name: string, rawName: string, inline?: string) => {
      const at = index;
      const next = inline === undefined && takesValue(name) && at + 1 < args.length ? args[++index] : undefined;
      const inlineValue = inline === undefined ? next === undefined ? undefined : false : true;
      options.push({ name, rawName, value: inline ?? next, inlineValue, index: at });
    };
    if (word === "--") {
      values.push(...args.slice(index + 1).map((value, i) => ({ value, index: index + 1 + i })));
      break;
    }
    if (word.startsWith("--")) {
      const equals = word.includes("=", 3) ? word.indexOf("=") : -1;
      if (equals < 0) add(word.slice(2), word);
      else add(word.slice(2, equals), word.slice(0, equals), word.slice(equals + 1));
    } else if (word.startsWith("-") && word.length > 1) {
      for (let at = 1; at < word.length; at++) {
        const [name, rest] = [longOf(word[at]!), word.slice(at + 1)];
        const isLast = rest === "" || takesValue(name);
        add(name, `-${word[at]}`, isLast && rest !== "" ? rest : undefined);
        if (isLast) break;
      }
    } else {
      values.push({ value: word, index });
    }
  }
  return { options, values };
}
