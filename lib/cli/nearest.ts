/** What was meant by a word that is not known. @module */

/** An edit distance above which a flag is not what was meant, and the share of it that must be as it was typed. */
const MAX_EDITS = 3;
const MIN_ALIKE = 0.4;

/** The word that is most like `typed`, if one is. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const near = words.map((word) => ({ word, edits: editsBetween(typed, word) })).filter(({ word, edits }) =>
    word.length > 1 && edits <= MAX_EDITS && 1 - edits / Math.max(typed.length, word.length) > MIN_ALIKE
  );
  return near.sort((a, b) => a.edits - b.edits || (a.word < b.word ? -1 : 1))[0]?.word;
}

/** How many letters must be put in, left out, replaced, or swapped with the next one. */
function editsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MAX_EDITS) return Infinity;
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        ? rows[i - 2]![j - 2]! + 1
        : Infinity;
      row.push(Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
