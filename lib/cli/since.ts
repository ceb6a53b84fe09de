/** A time in the past, as people write it. @module */
import { shown } from "../bytes/printable.ts";
import { TagsealError } from "../errors.ts";
import type { Flag } from "./flags.ts";
import { text } from "./flags.ts";

const HOUR_MS = 3_600_000;
const UNITS: Readonly<Record<string, number>> = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS };
const RFC_3339 = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

/** A flag whose value is a day, a time (RFC 3339), or how long ago: `2026-11-01`, `2026-11-01T08:00:00Z`, `7d`. */
export function past(spec: string, help: string): Flag<Date | undefined> {
  const flag = text(spec, `${help}: a day, a time, or how long ago (2026-11-01, 2026-11-01T08:00:00Z, 12h, 7d, 4w)`);
  return {
    ...flag,
    async read(given, host) {
      const value = await flag.read(given, host);
      return value === undefined ? undefined : pastTime(value, host.now());
    },
  };
}

/** @throws {TagsealError} `usage` where it is no time, or has not come yet */
function pastTime(value: string, now: Date): Date {
  const [, count, unit] = /^(\d{1,5})([hdw])$/.exec(value) ?? [];
  const ms = unit !== undefined
    ? now.getTime() - Number(count) * UNITS[unit]!
    : RFC_3339.test(value)
    ? Date.parse(value)
    : NaN;
  if (Number.isNaN(ms) || ms > now.getTime()) {
    throw new TagsealError("usage", `"${shown(value, 60)}" is not a time in the past`, {
      remedy: "Give a day (2026-11-01), a time (2026-11-01T08:00:00Z), or how long ago it was (12h, 7d, 4w)",
    });
  }
  return new Date(ms);
}
