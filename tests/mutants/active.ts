/**
 * Which mutant is in force, asked at each place that was mutated. The copy of the sources that is mutated imports this
 * file; nothing else of the project does.
 *
 * @module
 */

/** More mutated places than any test passes: a loop does not end. */
const ENDLESS = 20_000_000;

let active = 0;
let calls = 0;
const reached = new Set<number>();

/** Whether mutant `id` is in force here; remembers that the place was reached. */
export function m(id: number): boolean {
  if (active === 0) {
    reached.add(id);
    return false;
  }
  if (++calls > ENDLESS) throw new Error("The mutant does not end");
  return id === active;
}

/** Puts a mutant in force; 0 is none. */
export function activate(id: number): void {
  active = id;
  calls = 0;
}

/** The mutants whose places were reached since this was asked before, while none was in force. */
export function takeReached(): number[] {
  const ids = [...reached];
  reached.clear();
  return ids;
}
