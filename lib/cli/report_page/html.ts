/** HTML that is put together of marked-up parts and of texts, which cannot become markup. @module */
import { escaped } from "../data_page.ts";

/** Markup: made by {@linkcode html} alone. */
export class Html {
  /** `markup` is taken as it is. */
  constructor(readonly markup: string) {}
}

/** What may stand in a template: markup, text, and lists of both; nothing where it is left out. */
export type Part = Html | string | number | undefined | readonly Part[];

/** A template whose values are shown as they are, unless they are markup. Its own indentation is left out. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const own = strings.map((string) => string.replaceAll(/\n\s+/g, "\n"));
  return new Html(own.reduce((all, string, i) => all + markupOf(parts[i - 1]) + string));
}

function markupOf(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.markup;
  if (typeof part === "object") return part.map(markupOf).join("");
  return escaped(String(part));
}
