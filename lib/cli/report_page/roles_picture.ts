/** The tree of roles, and the keys that speak for each, as a picture. @module */
import type { RoleStatus } from "../../flows/status_facts.ts";
import { isDelegation, parentOf } from "../../tuf/roles.ts";
import { day } from "../layout.ts";
import { type Html, html } from "./html.ts";
import { roleWords, toneOfRole } from "./state.ts";

const WIDTH = 360;
const HEIGHT = 62;
const GAP = 8;
const INDENT = 18;
const MAX_DEPTH = 5;
const CHIP = 72;
/** A repository may have thousands of delegations; the table of roles counts what is left out. */
const MAX_ROLES = 40;

/** A letter for each key of a repository, so that it is seen where one key stands in several roles. */
export function keyNames(roles: readonly RoleStatus[]): ReadonlyMap<string, string> {
  const ids = [...new Set(inOrder(roles).flatMap(({ keyIds }) => keyIds))];
  return new Map(ids.map((id, i) => [id, letters(i)]));
}

/** A, B … Z, AA, AB … */
function letters(i: number): string {
  return (i < 26 ? "" : letters(Math.floor(i / 26) - 1)) + String.fromCharCode(65 + i % 26);
}

/** Root, targets with all that is below it, then the roles of the server. */
export function inOrder(roles: readonly RoleStatus[]): RoleStatus[] {
  const rank = ({ role }: RoleStatus) => role === "root" ? 0 : role.startsWith("targets") ? 1 : 2;
  return roles.toSorted((a, b) => rank(a) - rank(b) || (a.role < b.role ? -1 : 1));
}

/** The picture. */
export function rolesPicture(roles: readonly RoleStatus[], names: ReadonlyMap<string, string>, id: string): Html {
  const shown = inOrder(roles).slice(0, MAX_ROLES);
  const more = roles.length - shown.length;
  const rows = new Map(shown.map(({ role }, i) => [role as string, i * (HEIGHT + GAP)]));
  const height = shown.length * (HEIGHT + GAP) + (more > 0 ? 20 : 0);
  return html`
    <svg role="img" aria-labelledby="${id}"
      viewBox="0 0 ${WIDTH} ${height}"><title id="${id}">Tree of the ${roles
        .length} roles, from root down, with the keys of each; the table of roles says the same</title>${shown.map((
          role,
        ) => edge(role, rows))}${shown.map((role) => box(role, rows.get(role.role)!, names))}${more > 0
        ? html`<text x="0" y="${height - 6}">and ${more} more</text>`
        : undefined}</svg>
  `;
}

function leftOf(role: string): number {
  const depth = role === "root" ? 0 : 1 + role.split("/").length - 1;
  return Math.min(depth, MAX_DEPTH) * INDENT;
}

function edge({ role }: RoleStatus, rows: ReadonlyMap<string, number>): Html | undefined {
  if (role === "root") return undefined;
  const parent = isDelegation(role) ? parentOf(role) : "root";
  const [from, to] = [rows.get(parent), rows.get(role)];
  if (from === undefined || to === undefined) return undefined;
  const x = leftOf(parent) + INDENT / 2;
  return html`
    <path class="edge" d="M${x} ${from + HEIGHT}V${to + HEIGHT / 2}H${leftOf(role)}" />
  `;
}

function box(facts: RoleStatus, y: number, names: ReadonlyMap<string, string>): Html {
  const { role, threshold, keyIds, expires } = facts;
  const x = leftOf(role);
  const fits = Math.max(1, Math.floor((WIDTH - x - 40) / CHIP));
  const chips = keyIds.slice(0, fits);
  const room = Math.floor((WIDTH - x - 100) / 7.5);
  const name = role.length > room ? `${role.slice(0, room - 1)}…` : role;
  return html`<g><rect class="box" x="${x}.5" y="${y}.5" width="${WIDTH - x - 1}" height="${
    HEIGHT - 1
  }" rx="6"/><rect class="${
    toneOfRole(facts)
  }" x="${x}" y="${y}" width="5" height="${HEIGHT}" rx="2.5"/><text class="name" x="${x + 12}" y="${
    y + 17
  }">${name}</text><text class="end ${toneOfRole(facts)}" x="${WIDTH - 8}" y="${y + 17}">${
    roleWords(facts)
  }</text><text class="sub" x="${x + 12}" y="${y + 33}">${threshold} of ${keyIds.length} ${
    keyIds.length === 1 ? "key" : "keys"
  } must sign${expires === null ? "" : ` · until ${day(expires)}`}</text>${
    chips.map((id, i) => chip(names.get(id)!, id, x + 12 + i * CHIP, y + 40))
  }${
    keyIds.length > fits
      ? html`<text class="sub" x="${x + 14 + fits * CHIP}" y="${y + 52}">+${keyIds.length - fits}</text>`
      : undefined
  }</g>`;
}

function chip(name: string, id: string, x: number, y: number): Html {
  return html`
    <rect class="chip" x="${x}" y="${y}" width="${CHIP - 6}" height="16" rx="8" />
    <text class="key" x="${x + 7}" y="${y + 11.5}">${name} ${id.slice(0, 7)}</text>
  `;
}
