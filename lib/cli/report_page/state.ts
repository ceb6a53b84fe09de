/** What the states of roles, certificates and tags are called, and how they are coloured. @module */
import type { Standing } from "../../flows/audit/facts.ts";
import type { RoleStatus } from "../../flows/status_facts.ts";

/** A class of the style sheet: fine, soon to end, bad, or nothing to be judged. */
export type Tone = "ok" | "soon" | "bad" | "none" | "note";

/** Ends within so many days are shown as near. */
const SOON_DAYS = 30;

/** How a role is. */
export function toneOfRole({ role, state, daysLeft }: Pick<RoleStatus, "role" | "state" | "daysLeft">): Tone {
  if (state === "expired" || state === "skipped") return "bad";
  return state === "unpublished" ? "none" : toneOfEnd(role, daysLeft ?? Infinity);
}

/** How near an end is. The server signs its timestamp anew every two weeks, which is no news. */
export function toneOfEnd(what: string, daysLeft: number): Tone {
  return daysLeft < 0 ? "bad" : daysLeft <= SOON_DAYS && what !== "timestamp" ? "soon" : "ok";
}

/** The word for a role's state, which colour alone does not tell. */
export function roleWords({ role, state, daysLeft }: Pick<RoleStatus, "role" | "state" | "daysLeft">): string {
  if (state === "skipped") return "not trusted";
  if (state === "unpublished") return "not published";
  if (state === "expired") return "expired";
  return toneOfEnd(role, daysLeft ?? Infinity) === "soon" ? `${daysLeft} days left` : "ok";
}

/** By standing of a tag: how it is called, and coloured. */
export const STANDING_WORDS: Readonly<Record<Standing, readonly [words: string, tone: Tone]>> = {
  moved: ["moved since it was signed", "bad"],
  lapsed: ["signed in a role that is not trusted now", "bad"],
  unreadable: ["cannot be verified", "bad"],
  unsigned: ["not signed", "soon"],
  gone: ["signed, not in the registry", "note"],
  unchecked: ["signed, not compared with the registry", "none"],
  signed: ["signed, and served as signed", "ok"],
};
