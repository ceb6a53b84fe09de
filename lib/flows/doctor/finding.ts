/** What was looked at, what was found, and what to do about it. @module */
import type { NextMove, TagsealErrorCode } from "../../errors.ts";
import type { Action } from "../status_advice.ts";

/** `warning`: it works, and should not stay so; `skipped`: nobody looked, and why. */
export type FindingState = "ok" | "warning" | "error" | "skipped";

/** What to do about it, also as a command where one does it. */
export interface Move extends NextMove {
  /** What a command of its own does. */
  readonly action?: Action | undefined;
}

/** What a check says; `after` a failure of another check there is nothing to do about this one. */
export type Verdict =
  | { readonly state: "ok"; readonly found: string }
  | Move & { readonly state: "warning"; readonly found: string }
  | Move & { readonly state: "skipped"; readonly found: string; readonly after?: "failure" }
  | Move & { readonly state: "error"; readonly found: string; readonly code: TagsealErrorCode };

/** What a check is about. */
export interface Subject {
  /** A name for machines: `trust-dir`. */
  readonly name: string;
  /** The repository that it is about, if it is about one. */
  readonly repository?: string;
  /** The server that it is about, if it is about one. */
  readonly server?: string;
}

/** A verdict, and what it is about. */
export type Finding = Subject & Verdict;

/** One thing to look at. */
export interface Check extends Subject {
  /** Looks. What it throws is what was found; `signal` ends it. */
  run(signal: AbortSignal): Verdict | readonly Verdict[] | Promise<Verdict | readonly Verdict[]>;
}

/** All is well. */
export function ok(found: string): Verdict {
  return { state: "ok", found };
}

/** It works, and should not stay so. */
export function warning(found: string, move: Move): Verdict {
  return { state: "warning", found, ...move };
}

/** Nobody looked. */
export function skipped(found: string, move: Move): Verdict {
  return { state: "skipped", found, ...move };
}
