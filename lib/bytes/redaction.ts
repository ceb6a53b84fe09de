/**
 * Keeps the secrets of a run out of what is written, in whatever form a careless server, helper or file repeats them:
 * plain, in an address or a page, in base64 by themselves or among other bytes, in hexadecimal.
 *
 * Results are read by programs and hold digests and ids, in which a short secret may stand by chance: of them only long
 * secrets are taken out. Of words for people short ones are, too, where they stand by themselves.
 *
 * @module
 */
import { type Details, isTagsealError, reworded } from "../errors.ts";
import { type Bytes, utf8 } from "./bytes.ts";
import { shown } from "./printable.ts";

/** The secrets of a run, and texts without them. */
export interface Redactor {
  /** Takes a secret out of all that follows. */
  hide(secret: string): void;
  /** Words for people. */
  words(text: string): string;
  /** A line of a result. */
  result(text: string): string;
  /** A result as JSON: strings alone are changed, never names or numbers. */
  json(value: unknown): string;
  /** A failure, whose message and details are words. */
  failure(error: unknown): unknown;
  /** Words for people in JSON that somebody else wrote: strings alone are changed. What is no JSON stays as it is. */
  foreignJson(body: Bytes): Bytes;
}

/** Shorter secrets are in too many words. */
const SHORTEST = 4;
/** From this length on nothing is equal by chance. */
const LONG = 16;
const SHORTEST_BASE64 = 6;
/** No text of a stranger is cut later. */
const LONGEST_CUT = 400;
const HIDDEN = "***";

/** A form of a secret. */
interface Form {
  readonly text: string;
  /** As it stands in JSON. */
  readonly json: string;
  readonly find: RegExp;
}

/** Knows no secret yet. */
export function createRedactor(): Redactor {
  const forms = new Map<string, Form>();
  let longestFirst: readonly Form[] = [];
  const without = (text: string, shortest: number) => {
    for (const form of longestFirst) {
      if (form.text.length >= shortest && text.includes(form.text)) text = text.replaceAll(form.find, HIDDEN);
    }
    return text;
  };
  /** A foreign name is cut at its end, be it in the middle of a secret. */
  const withoutBeginnings = (text: string, shortest: number, all: readonly Form[]) => {
    for (let end = text.indexOf("…"); end >= 0; end = text.indexOf("…", end + 1)) {
      const length = Math.max(0, ...all.map(({ text: secret }) => beginningAt(secret, text, end)));
      if (length < shortest) continue;
      text = `${text.slice(0, end - length)}${HIDDEN}${text.slice(end)}`;
      end += HIDDEN.length - length;
    }
    return text;
  };
  const words = (text: string) => without(withoutBeginnings(text, SHORTEST, longestFirst), SHORTEST);
  const result = (text: string) => without(withoutBeginnings(text, LONG / 2, longestFirst.filter(isLong)), LONG);
  return {
    hide(secret) {
      if (secret.length < SHORTEST || forms.has(secret)) return;
      for (const form of formsOf(secret)) forms.set(form.text, form);
      longestFirst = [...forms.values()].toSorted((a, b) => b.text.length - a.text.length);
    },
    words,
    result,
    json(value) {
      const json = JSON.stringify(value);
      return json.includes("…") || longestFirst.some((form) => json.includes(form.json))
        ? JSON.stringify(clean(JSON.parse(json), result))
        : json;
    },
    failure(error) {
      if (!isTagsealError(error)) return error;
      const message = words(error.message);
      const details = clean(error.details, words) as Details;
      const isClean = message === error.message && JSON.stringify(details) === JSON.stringify(error.details);
      return isClean ? error : reworded(error, message, { details, cause: error.cause });
    },
    foreignJson(body) {
      try {
        const each = (_name: string, value: unknown) => typeof value === "string" ? words(value) : value;
        return utf8(JSON.stringify(JSON.parse(new TextDecoder().decode(body), each)));
      } catch {
        return body;
      }
    },
  };

  /** Errors are words, wherever they stand. */
  function clean(value: unknown, redact: (text: string) => string): unknown {
    if (typeof value === "string") return redact(value);
    if (Array.isArray(value)) return value.map((each) => clean(each, redact));
    if (typeof value !== "object" || value === null) return value;
    const inner = "message" in value && "remedy" in value ? words : redact;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, clean(each, inner)]));
  }
}

function isLong({ text }: Form): boolean {
  return text.length >= LONG;
}

/** How many characters before `end` are the beginning of `secret`. */
function beginningAt(secret: string, text: string, end: number): number {
  for (let length = Math.min(secret.length - 1, end, LONGEST_CUT); length > 0; length--) {
    if (text.startsWith(secret.slice(0, length), end - length)) return length;
  }
  return 0;
}

function* formsOf(secret: string): Generator<Form> {
  const quoted = RegExp.escape(secret);
  const alone = secret.length < LONG ? `(?<![A-Za-z0-9])${quoted}(?![A-Za-z0-9])` : quoted;
  yield { text: secret, json: JSON.stringify(secret).slice(1, -1), find: new RegExp(alone, "g") };
  const bytes = utf8(secret.toWellFormed());
  const percent = encodeURIComponent(secret.toWellFormed());
  const form = percent.replaceAll("%20", "+").replaceAll(
    /[!'()~]/g,
    (found) => `%${utf8(found).toHex().toUpperCase()}`,
  );
  const json = JSON.stringify(secret).slice(1, -1);
  const ascii = json.replaceAll(/[^ -~]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const hex = bytes.toHex();
  const written = [percent, form, json, ascii, ...inHtml(secret), shown(secret, Infinity), hex, hex.toUpperCase()];
  // A stranger's words are quoted, and have other quotes within.
  const requoted = [secret, ...written].map((text) => text.replaceAll('"', "'"));
  const base64 = [0, 1, 2].flatMap((before) => {
    const all = new Uint8Array(before + bytes.length);
    all.set(bytes, before);
    // What the bytes before and behind have no part in.
    const inner = all.toBase64({ omitPadding: true })
      .slice(Math.ceil(before * 4 / 3), Math.floor((before + bytes.length) * 4 / 3));
    return inner.length < SHORTEST_BASE64 ? [] : [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const texts = [...written, ...requoted, ...base64];
  // A host that a stranger names is written in lower case, whatever stands in it. Short words would be found by chance.
  const lower = [secret, ...texts].filter((text) => text.length >= LONG).map((text) => text.toLowerCase());
  for (const text of new Set([...texts, ...lower])) {
    if (text === secret) continue;
    yield { text, json: JSON.stringify(text).slice(1, -1), find: new RegExp(RegExp.escape(text), "g") };
  }
}

/** As texts stand in a page: all that is markup by its name, by its number, or quotes by their number alone. */
function inHtml(secret: string): string[] {
  const named = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const numbers = (text: string, which: RegExp) => text.replaceAll(which, (found) => `&#${found.charCodeAt(0)};`);
  return [named, named.replaceAll('"', "&quot;"), numbers(named, /["']/g), numbers(secret, /[&<>"']/g)];
}
