/**
 * Verifying is rehearsed while servers are waited for: the engine compiles a function when it is first called, so that what
 * judges the answers is ready when they are here. A root takes most of it, and what else there is costs as much as it
 * gains. Nothing that is found out counts for anything.
 *
 * @module
 */
import { utf8 } from "../bytes/bytes.ts";
import { openRoot, type RootPhase } from "../tuf/trusted.ts";
import { AT, GUN, ROOT } from "./rehearsal_sample.ts";

/** Verifies a root that the notary client made. */
export function rehearse(): Promise<RootPhase> {
  return openRoot(GUN, utf8(ROOT), { kind: "first-use" }, new Map(), new Date(AT));
}
