/** Comparing what the servers have with what they had, and with what they have where nothing goes wrong. @module */
import type { State } from "./state.ts";

/** A command as it ends where nothing goes wrong. */
export interface CleanRun {
  /** What the servers had. */
  readonly before: State;
  /** What they have. */
  readonly after: State;
}

/** Whether a fact is another one each time: what keys are made, and how often something was published. */
function isRandom(group: string, name: string, clean: CleanRun): boolean {
  const [before, after] = [clean.before, clean.after].map((state) => state.get(group)?.get(name));
  return /^version/.test(name) || (/^keys of (root|targets|snapshot|timestamp)$/.test(name) && before !== after);
}

function* facts(state: State): Generator<[string, string, string]> {
  for (const [group, all] of state) for (const [name, value] of all) yield [group, name, value];
}

/** What of `state` is not as in `other`. */
export function differences(state: State, other: State, clean: CleanRun): string {
  const found = [...facts(other)].filter(([group, name, value]) =>
    !isRandom(group, name, clean) && state.get(group)?.get(name) !== value
  );
  return found.map(([group, name, value]) => `${group} ${name}: ${state.get(group)?.get(name)}, not ${value}`).join(
    "; ",
  );
}

/** Whether two states are one, but for what is another one each time; what changes may not be as it was before. */
export function same(state: State, goal: State, clean: CleanRun): boolean {
  if (differences(state, goal, clean) !== "") return false;
  return [...facts(goal)].every(([group, name, value]) => {
    const before = clean.before.get(group)?.get(name);
    const isNew = isRandom(group, name, clean) && goal === clean.after && value !== before;
    return !isNew || state.get(group)?.get(name) !== before;
  });
}

/** What was published by halves, or is lost. */
export function halves(before: State, after: State, clean: CleanRun): string[] {
  return [...clean.after.keys()].flatMap((group) => {
    const [old, now] = [before.get(group), after.get(group)];
    const names = new Set([clean.before, clean.after].flatMap((state) => [...state.get(group)?.keys() ?? []]));
    const changes = [...names].filter((name) =>
      clean.before.get(group)?.get(name) !== clean.after.get(group)?.get(name)
    );
    const changed = changes.filter((name) => now?.get(name) !== old?.get(name));
    const others = [...names].filter((name) => !changes.includes(name) && now?.get(name) !== old?.get(name));
    return [
      ...changed.length > 0 && changed.length < changes.length ? [`half of ${group}: ${changed}`] : [],
      ...others.map((name) => `${group} ${name} is another one now`),
    ];
  });
}
