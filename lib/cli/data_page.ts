/** What is shown of a signing data file, as one page: nothing is loaded from elsewhere, and nothing in it runs. @module */
import { printable } from "../bytes/printable.ts";
import type { DataView, ViewPart } from "./data_view.ts";

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; }
.verdict { padding: .75rem 1rem; border-left: .4rem solid; font-weight: 600; }
.good { border-color: #1a7f37; } .doubt { border-color: #bf8700; } .bad { border-color: #cf222e; background: #cf222e22; }
li { margin: .25rem 0; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .5rem 0; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem; border-bottom: 1px solid #8886; }
th[scope="row"] { font-weight: 600; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: .85em; word-break: break-all; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin: 0 0 .4rem; } }
@media print { body { max-width: none; } tr { break-inside: avoid; } }
`;

/** The page, as lines. */
export function dataPage({ path, isGood, isUnpinned, verdict, notes, facts, parts }: DataView): string[] {
  return [
    "<!DOCTYPE html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(path)}: what would be signed</title>`,
    "<style>",
    ...STYLE.trim().split("\n"),
    "</style>",
    "</head>",
    "<body>",
    "<main>",
    `<h1>${escaped(path)}</h1>`,
    `<p class="verdict ${!isGood ? "bad" : isUnpinned ? "doubt" : "good"}"${isGood ? "" : ' role="alert"'}>${
      escaped(verdict)
    }.</p>`,
    ...notes.length === 0 ? [] : ["<ul>", ...notes.map((note) => `<li>${escaped(note)}.</li>`), "</ul>"],
    ...factList(facts),
    ...parts.flatMap(section),
    "</main>",
    "</body>",
    "</html>",
  ];
}

function section({ title, facts, lists }: ViewPart): string[] {
  return [
    "<section>",
    `<h2>${escaped(title)}</h2>`,
    ...factList(facts),
    ...lists.flatMap(({ title, changes }) => [
      ...title === "" ? [] : [`<h3>${escaped(title)}</h3>`],
      "<table>",
      '<thead><tr><th scope="col">Tag</th><th scope="col">What</th><th scope="col">Digest</th></tr></thead>',
      "<tbody>",
      ...changes.map(({ tag, what, from, to }) => {
        const digests = [
          ...from === undefined ? [] : [`was <code>${escaped(from)}</code>`],
          ...to === undefined ? [] : [`${from === undefined ? "" : "now "}<code>${escaped(to)}</code>`],
        ];
        return `<tr><th scope="row">${escaped(tag)}</th><td>${what}</td><td>${digests.join("<br>")}</td></tr>`;
      }),
      "</tbody>",
      "</table>",
    ]),
    "</section>",
  ];
}

function factList(facts: ViewPart["facts"]): string[] {
  return ["<dl>", ...facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`), "</dl>"];
}

/** A text from outside as HTML that shows it, in an element or in an attribute's quotes. */
export function escaped(text: string): string {
  return printable(text).replaceAll(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
}
