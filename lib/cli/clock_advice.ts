/** Failures that a wrong clock of this machine brings about: the next step is to set it. @module */
import { isTagsealError, reworded, type TagsealError } from "../errors.ts";
import { aheadOf, BROKEN_MS, clockWords, offBy, SET_CLOCK } from "../flows/doctor/clock.ts";
import { remedyOf } from "./hints.ts";
import type { Host } from "./host.ts";

/** The failure, with the advice to set the clock first where servers of this command had another time. */
export function withClock(error: unknown, host: Pick<Host, "heard" | "now">): unknown {
  if (!isTagsealError(error) || !goesByTime(error)) return error;
  const sightings = [...host.heard()].flatMap(([server, { headers, at }]) => {
    const here = new Date(host.now().getTime() - (performance.now() - at));
    const aheadMs = aheadOf(headers, here, here);
    return aheadMs === undefined ? [] : [{ server, aheadMs }];
  });
  const off = offBy(sightings);
  if (off === undefined || Math.abs(off) <= BROKEN_MS || error.byClock === (off > 0 ? "early" : "over")) return error;
  const words = clockWords(off, sightings.map(({ server }) => server));
  const otherwise = error.byClock ? "" : `. If the same is said then: ${remedyOf(error)}`;
  return reworded(error, error.message, { remedy: `${words}. ${SET_CLOCK}, and run the command again${otherwise}` });
}

/** What was judged by the clock, here or by a server; where something may have been published, that is looked at first. */
function goesByTime({ code, byClock, published }: TagsealError): boolean {
  return (byClock !== undefined || code === "trust-invalid") && published !== "maybe" && published !== "yes";
}
