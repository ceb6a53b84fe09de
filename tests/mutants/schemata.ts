/** A source file that holds all of its mutants, each in force where it is asked for by number. @module */
import type { Change } from "./operators.ts";

/**
 * `source` with all `changes`, numbered from `first`, and an import of `active` on its first line. The inside of a change
 * is as it was: two mutants are never in force at once.
 */
export function mutated(source: string, changes: readonly Change[], first: number, active: string): string {
  const numbered = changes.map((change, index) => ({ ...change, id: first + index }));
  return `import { m as __m } from ${JSON.stringify(active)}; ${inside(source, 0, source.length, numbered)}`;
}

type Numbered = Change & { readonly id: number };

/** `changes` lie in the span, ordered by start, the longer one first. */
function inside(source: string, start: number, end: number, changes: readonly Numbered[]): string {
  let [text, at] = ["", start];
  for (let index = 0; index < changes.length;) {
    const { start: from, end: to } = changes[index]!;
    const within = changes.slice(index).filter((change) => change.start < to);
    const here = within.filter((change) => change.start === from && change.end === to);
    const below = within.filter((change) => !here.includes(change));
    text += source.slice(at, from) + choice(here, inside(source, from, to, below));
    at = to;
    index += within.length;
  }
  return text + source.slice(at, end);
}

function choice(changes: readonly Numbered[], original: string): string {
  const dropped = changes.find(({ text }) => text === undefined);
  if (dropped) return `{ if (!__m(${dropped.id})) ${original} }`;
  return `(${changes.map(({ id, text }) => `__m(${id}) ? (${text}) : `).join("")}(${original}))`;
}
