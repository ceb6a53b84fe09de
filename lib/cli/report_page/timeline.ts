/** What ends when, as a picture. @module */
import type { RepositoryStatus } from "../../flows/repository_status.ts";
import { day } from "../layout.ts";
import { type Html, html } from "./html.ts";
import { toneOfEnd } from "./state.ts";

/** Something that ends. */
export interface End {
  /** A role, or the certificate of a key. */
  readonly what: string;
  /** When (RFC 3339). */
  readonly expires: string;
  /** Whole days until then; negative afterwards. */
  readonly daysLeft: number;
}

const WIDTH = 360;
const LEFT = 28;
const RIGHT = 24;
const TOP = 26;
const ROW = 32;
const MAX_ROWS = 30;
/** From two weeks to ten years all must be seen: between these days the axis is even. */
const TICKS: readonly (readonly [days: number, label: string])[] = [
  [0, "now"],
  [30, "1 month"],
  [182, "6 months"],
  [365, "1 year"],
  [3 * 365, "3 years"],
  [10 * 365, "10 years"],
];

/** All ends of a repository, the next one first. */
export function endsOf({ roles, certificates }: RepositoryStatus): End[] {
  return [
    ...roles.flatMap(({ role, expires, daysLeft }) =>
      expires === null || daysLeft === null ? [] : [{ what: role, expires, daysLeft }]
    ),
    ...certificates.map(({ keyId, roles, expires, daysLeft }) => ({
      what: `certificate ${keyId.slice(0, 7)} (${roles.join(", ")})`,
      expires,
      daysLeft,
    })),
  ].toSorted((a, b) => a.daysLeft - b.daysLeft);
}

/** The picture. */
export function timeline(ends: readonly End[], id: string): Html {
  const shown = ends.slice(0, MAX_ROWS);
  const more = ends.length - shown.length;
  const height = TOP + shown.length * ROW + (more > 0 ? 20 : 0);
  const words = shown.map(({ what, expires }) => `${what}: ${day(expires)}`).join("; ");
  return html`
    <svg role="img" aria-labelledby="${id}"
      viewBox="0 0 ${WIDTH} ${height}"><title id="${id}">What ends when: ${words}</title>${TICKS.map(
        ([days, label], i) => {
          const x = xOf(days);
          return html`
            <text class="sub middle" x="${x}" y="12">${label}</text>
            <path class="${i === 0 ? "now" : "axis"}" d="M${x} 18V${height}" />
          `;
        },
      )}${shown.map((end, i) => row(end, TOP + i * ROW))}${more > 0
        ? html`<text x="0" y="${height - 6}">and ${more} more that end later</text>`
        : undefined}</svg>
  `;
}

function row({ what, expires, daysLeft }: End, y: number): Html {
  const [from, to] = daysLeft < 0 ? [4, xOf(0)] : [xOf(0), Math.max(xOf(daysLeft), xOf(0) + 3)];
  const label = what.length > 42 ? `${what.slice(0, 41)}…` : what;
  return html`
    <text class="over" x="4" y="${y + 12}">${label}</text>
    <text class="end sub over" x="${WIDTH}" y="${y + 12}">${daysLeft < 0 ? "ended " : ""}${day(expires)}</text>
    <rect class="${toneOfEnd(what, daysLeft)}" x="${from}" y="${y + 17}" width="${to - from}" height="8" rx="2" />
  `;
}

function xOf(days: number): number {
  const step = (WIDTH - LEFT - RIGHT) / (TICKS.length - 1);
  const next = TICKS.findIndex(([at]) => at > days);
  if (next < 0) return WIDTH - RIGHT;
  const [[from], [to]] = [TICKS[next - 1]!, TICKS[next]!];
  return Math.round(LEFT + step * (next - 1 + (days - from) / (to - from)));
}
