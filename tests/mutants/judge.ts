/** Holds survivors against the arguments. @module */
import type { Argument } from "./argued.ts";
import type { Mutant } from "./mutants.ts";

/** What is to be done something about. */
export interface Judgement {
  /** Survivors without an argument. */
  readonly unargued: readonly Mutant[];
  /** Arguments about mutants that do not exist or do not survive. */
  readonly pointless: readonly Argument[];
  /** How many survivors are argued. */
  readonly argued: number;
}

/** Holds `survivors` of `mutants` against the arguments about their files. */
export function judge(
  survivors: readonly Mutant[],
  argued: readonly Argument[],
): Judgement {
  const key = ({ file, line, change }: Pick<Argument, "file" | "line" | "change">) =>
    JSON.stringify([file, line, change]);
  const arguedFor = new Set(argued.map(key));
  const living = new Set(survivors.map(key));
  const unargued = survivors.filter((mutant) => !arguedFor.has(key(mutant)));
  return {
    unargued,
    pointless: argued.filter((argument) => !living.has(key(argument))),
    argued: survivors.length - unargued.length,
  };
}
