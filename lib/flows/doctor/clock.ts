/** Whether this machine's clock is right, by what servers say in passing. @module */
import { type Check, ok, skipped, type Verdict, warning } from "./finding.ts";

/** What a server said of the time. */
export interface Sighting {
  /** The server's origin. */
  readonly server: string;
  /** How far this machine's clock is before that server's, in milliseconds; negative where it is behind. */
  readonly aheadMs: number;
}

/** `Date` has whole seconds, and answers take a while. */
const FINE_MS = 60_000;
/** So far off, in milliseconds, a clock breaks things: token servers and expiry of trust data go by minutes. */
export const BROKEN_MS = 300_000;

/** How far a clock that shows `here` is before the server whose answer is `headers`; nothing where it does not tell. */
export function aheadOf(headers: Headers, asked: Date, here: Date): number | undefined {
  const said = Date.parse(headers.get("date") ?? "");
  if (Number.isNaN(said) || headers.has("age")) return undefined; // a cache gives old answers with their dates
  const [early, late] = [asked.getTime() - said - 1000, here.getTime() - said];
  return early > 0 ? early : late < 0 ? late : 0;
}

/** Compares the clock with what the other checks have heard by then. */
export function clockCheck(heard: () => readonly Sighting[]): Check {
  return { name: "clock", run: () => judgeClock(heard()) };
}

/** How far off this machine's clock is, in milliseconds: one server that agrees will do, then it is the others that are wrong. */
export function offBy(sightings: readonly Sighting[]): number | undefined {
  return sightings.length === 0 ? undefined : sightings.map(({ aheadMs }) => aheadMs).reduce(nearer);
}

/** {@linkcode offBy} as words: `This machine's clock is 3 min ahead of that of https://…`. */
export function clockWords(aheadMs: number, servers: Iterable<string>): string {
  return `This machine's clock is ${span(aheadMs)} that of ${[...servers].join(", ")}`;
}

/** What to do about a clock that is off. */
export const SET_CLOCK = "Set this machine's clock (timedatectl set-ntp true)";

/** What `doctor` says of it. */
export function judgeClock(sightings: readonly Sighting[]): Verdict[] {
  const servers = [...Map.groupBy(sightings, ({ server }) => server)].map(([server, some]) => ({
    server,
    aheadMs: offBy(some)!,
  }));
  const best = offBy(servers);
  if (best === undefined) {
    return [skipped("No server has said what time it is", { remedy: "Have one of the servers below answer first" })];
  }
  if (Math.abs(best) <= FINE_MS) {
    const off = servers.filter(({ aheadMs }) => Math.abs(aheadMs) > FINE_MS);
    return [
      ok(`Agrees with ${servers.filter((one) => !off.includes(one)).map(({ server }) => server).join(", ")}`),
      ...off.map(({ server, aheadMs }) =>
        warning(`The clock of ${server} is ${span(-aheadMs)} this machine's`, {
          remedy: "Have its operator set it: tokens and trust data that it dates may be refused",
        })
      ),
    ];
  }
  const found = clockWords(best, servers.map(({ server }) => server));
  const remedy = `${SET_CLOCK}: what has expired and what is valid goes by it`;
  return [
    Math.abs(best) > BROKEN_MS ? { state: "error", code: "unexpected", found, remedy } : warning(found, { remedy }),
  ];
}

function nearer(a: number, b: number): number {
  return Math.abs(b) < Math.abs(a) ? b : a;
}

/** `3 min ahead of`, `2 h behind`. */
function span(ms: number): string {
  const minutes = Math.abs(ms) / 60_000;
  const size = minutes < 120
    ? `${Math.round(minutes)} min`
    : minutes < 2880
    ? `${Math.round(minutes / 60)} h`
    : `${Math.round(minutes / 1440)} days`;
  return `${size} ${ms > 0 ? "ahead of" : "behind"}`;
}
