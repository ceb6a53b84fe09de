/**
 * Secrets that are planted, and where they come up: in every form that a careless program, server or reader gives them.
 * The forms are written here anew, so that what takes secrets out is not judged by itself.
 *
 * @module
 */
import { utf8 } from "../../lib/bytes/bytes.ts";

/** Secrets by what they are called in failures. */
export type Planted = Readonly<Record<string, string>>;

/** By chance nothing has so many characters of a secret in a row. */
const PIECE = 10;

/** A secret as others may write it: a form for each way, by the name of the way. */
export function waysToWrite(secret: string): ReadonlyMap<string, string> {
  const bytes = utf8(secret);
  return new Map([
    ["plain", secret],
    ["JSON", JSON.stringify(secret).slice(1, -1)],
    ["ASCII JSON", JSON.stringify(secret).slice(1, -1).replaceAll(/[^ -~]/g, (found) => `\\u${hex4(found)}`)],
    ["percent", encodeURIComponent(secret)],
    ["form", new URLSearchParams({ x: secret }).toString().slice(2)],
    ["HTML", secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")],
    ["HTML numbers", secret.replaceAll(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`)],
    ["hex", bytes.toHex()],
    ["HEX", bytes.toHex().toUpperCase()],
    ["base64", bytes.toBase64()],
    ["base64url", bytes.toBase64({ alphabet: "base64url", omitPadding: true })],
    ["base64 with a user", utf8(`x:${secret}`).toBase64()],
    ["base64 with another user", utf8(`xy:${secret}`).toBase64()],
  ]);
}

function hex4(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, "0");
}

const known = new WeakMap<Planted, readonly (readonly [name: string, piece: string])[]>();

/** All that gives a secret away: beginning, middle and end of each form; of base64 what its bytes alone decide. */
function piecesOf(planted: Planted): readonly (readonly [name: string, piece: string])[] {
  const found = known.get(planted);
  if (found) return found;
  const pieces = Object.entries(planted).flatMap(([name, secret]) =>
    [...waysToWrite(secret)].flatMap(([way, form]) => {
      const own = way.startsWith("base64") ? form.slice(4, -4) : form;
      const middle = Math.max(0, Math.floor((own.length - PIECE) / 2));
      const each = own.length <= PIECE
        ? [own]
        : [own.slice(0, PIECE), own.slice(middle, middle + PIECE), own.slice(-PIECE)];
      return each.map((piece) => [`${name} (${way})`, piece] as const);
    })
  );
  known.set(planted, pieces);
  return pieces;
}

/** The secrets that `text` gives away, with the way in which they are written and what stands around. */
export function leaksIn(text: string, planted: Planted): string[] {
  const found = new Map<string, string>();
  for (const [name, piece] of piecesOf(planted)) {
    const at = text.indexOf(piece);
    if (at < 0 || [...found.values()].some((other) => other.includes(piece))) continue;
    found.set(name, `${name}: …${text.slice(Math.max(0, at - 60), at + piece.length + 30)}…`);
  }
  return [...found.values()];
}
