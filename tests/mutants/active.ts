/**
 * Which mutant is in force, asked at each place that was mutated. The copy of the sources that is mutated imports this
 * file; nothing else of the project does.
 *
 * @module
 */

let active = 0;
let calls = 0;
let most = Infinity;
const reached = new Set<number>();

/** Whether mutant `id` is in force here; remembers that the place was reached. */
export function m(id: number): boolean {
  calls++;
  if (active === 0) {
    reached.add(id);
    return false;
  }
  if (calls > most) throw new Error("The mutant does not end");
  return id === active;
}

/** Puts a mutant in force; 0 is none. A loop that passes more than `atMost` mutated places is taken not to end. */
export function activate(id: number, atMost = Infinity): void {
  active = id;
  calls = 0;
  most = atMost;
}

/** The mutants whose places were reached since this was asked before, while none was in force, and how many places. */
export function takeReached(): { readonly ids: number[]; readonly calls: number } {
  const taken = { ids: [...reached], calls };
  reached.clear();
  calls = 0;
  return taken;
}
