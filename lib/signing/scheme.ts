/**
 * What a signature format has to bring: which bytes are to be signed, where the signatures go, and what makes one good.
 * A scheme knows nothing of who signs.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { Part } from "./batch.ts";
import type { Payload } from "./payload.ts";

/** What became of one repository. */
export interface SchemeResult {
  /** The repository. */
  readonly repository: string;
  /** `unchanged` where everything was there already. */
  readonly outcome: "published" | "unchanged";
}

/** What a task has come to: there may be nothing to sign. */
export type Prepared<Plan, Result> =
  | { readonly outcome: "unchanged"; readonly result: Result }
  | {
    readonly outcome: "to-sign";
    /** What is to be signed. */
    readonly part: Part;
    /** What the scheme wants to know again when it publishes. */
    readonly plan: Plan;
  };

/** The payloads of one part, signed. */
export interface SignedPart {
  /** The payloads, as numbered. */
  readonly payloads: readonly Pick<Payload, "id" | "bytes">[];
  /** Raw signatures by payload; they may be of anything. */
  readonly signatures: ReadonlyMap<string, Bytes>;
  /** When the payloads were made, where that was in an earlier run. */
  readonly madeAt?: Date | undefined;
  /** Whether signing may have taken days, so that what was read before is no longer to be built upon. */
  readonly wasAway: boolean;
  /** Whether it is begun anew at nobody's cost where others are faster: then nobody needs to know what they have published. */
  readonly beginsAnew: boolean;
}

/** A signature format. */
export interface Scheme<
  Task extends { readonly repository: string },
  Plan,
  Result extends SchemeResult,
  Question,
  Report,
> {
  /** The name, as users say it: `dct`. */
  readonly name: string;
  /**
   * Reads what is there and says what is to be signed. Nothing is published; all that can be known is found out here,
   * since a signing request may cost a person's approval.
   */
  prepare(task: Task, at: Date): Promise<Prepared<Plan, Result>>;
  /**
   * Looks whether others have published since it was prepared: that costs less than a signature or a publish in vain. Where
   * a scheme has no such look, nobody can be overtaken in it, or it is not known before publishing.
   *
   * @throws {TagsealError} `stale` where they have
   */
  look?(task: Task): Promise<void>;
  /**
   * Checks that every signature is good; all schemes are asked before the first one publishes.
   *
   * @throws {TagsealError} `trust-invalid`
   */
  check(task: Task, plan: Plan, signed: SignedPart): Promise<void>;
  /**
   * Checks every signature, publishes, and reads back what it has published. A second run after a success changes nothing.
   *
   * @throws {TagsealError} `stale` where others were faster: then the task is prepared and signed anew
   */
  publish(task: Task, plan: Plan, signed: SignedPart): Promise<Result>;
  /** What is signed, and by whom: proved, or an error. */
  verify(question: Question): Promise<Report>;
}

/** A task of one scheme, bound to it: to sign, schemes are all the same. */
export interface Job<Result extends SchemeResult = SchemeResult> {
  /** The repository. */
  readonly repository: string;
  /** The scheme's name. */
  readonly scheme: string;
  /** {@linkcode Scheme.prepare}, and how to publish what is signed then. */
  prepare(at: Date): Promise<PreparedJob<Result>>;
  /** Told once nothing more is done of it, whatever came of it. */
  ended?(): Promise<void>;
}

/** What a job has come to. */
export type PreparedJob<Result> =
  | { readonly outcome: "unchanged"; readonly result: Result }
  | {
    readonly outcome: "to-sign";
    /** What is to be signed. */
    readonly part: Part;
    /** {@linkcode Scheme.look}. */
    look?(): Promise<void>;
    /** {@linkcode Scheme.check}. */
    check(signed: SignedPart): Promise<void>;
    /** {@linkcode Scheme.publish}. */
    publish(signed: SignedPart): Promise<Result>;
  };

/** Binds a task to its scheme. */
export function jobOf<Task extends { readonly repository: string }, Plan, Result extends SchemeResult>(
  scheme: Pick<Scheme<Task, Plan, Result, never, unknown>, "name" | "prepare" | "look" | "check" | "publish">,
  task: Task,
): Job<Result> {
  return {
    repository: task.repository,
    scheme: scheme.name,
    async prepare(at) {
      const prepared = await scheme.prepare(task, at);
      if (prepared.outcome === "unchanged") return prepared;
      const { part, plan } = prepared;
      return {
        outcome: "to-sign",
        part,
        ...(scheme.look ? { look: () => scheme.look!(task) } : {}),
        check: (signed) => scheme.check(task, plan, signed),
        publish: (signed) => scheme.publish(task, plan, signed),
      };
    },
  };
}
