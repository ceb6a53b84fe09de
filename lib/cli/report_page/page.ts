/** The report: one page that needs nothing from elsewhere, and in which nothing runs. @module */
import { sha256Hex } from "../../crypto/hash.ts";
import { utf8 } from "../../bytes/bytes.ts";
import { SEVERITIES } from "../../flows/audit/rules.ts";
import type { Audit, AuditedRepository } from "../audit/gathering.ts";
import { counted, countOf } from "../audit/text.ts";
import { day } from "../layout.ts";
import { Html, html } from "./html.ts";
import { repositoryPart, verdict } from "./repository.ts";
import { STYLE } from "./style.ts";
import { endsOf } from "./timeline.ts";

/** How many tags are listed on the whole page, and for each repository at least. */
const MAX_ROWS = 2000;
const MIN_ROWS = 20;
/** So many repositories are shown open. */
const MAX_OPEN = 3;

/** The page, as one text. */
export function reportPage({ at, repositories }: Audit, tool: string): string {
  const style = Uint8Array.fromHex(sha256Hex(utf8(STYLE))).toBase64();
  const rows = Math.max(MIN_ROWS, Math.floor(MAX_ROWS / repositories.length));
  const total = countOf(repositories.flatMap(({ findings }) => findings));
  const idOf = (i: number) => `r${i + 1}`;
  const [only] = repositories;
  const title = repositories.length === 1 ? only!.repository : `${repositories.length} repositories`;
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="referrer" content="no-referrer">
        <title>Signatures of ${title}</title>
        <style>${new Html(STYLE)}</style>
      </head>
      <body>
        <main>
    <h1>Signatures of ${title}</h1>
    <p class="meta">Judged at ${at.toISOString()} by ${tool}.</p>
    <ul class="counts">${SEVERITIES.map((severity) =>
      html`<li class="${severity}"><b>${total[severity]}</b>${
        counted(total[severity], severity).replace(/^\d+ /, "")
      }</li>`
    )}</ul>
    ${repositories.length > 1 ? overview(repositories, idOf) : undefined}
    ${repositories.map((one, i) => repositoryPart(one, { id: idOf(i), isOpen: repositories.length <= MAX_OPEN, rows }))}
        </main>
      </body>
    </html>
  `.markup;
}

function overview(repositories: readonly AuditedRepository[], idOf: (i: number) => string): Html {
  return html`
    <table>
      <thead>
        <tr>
          <th scope="col">Repository</th>
          <th scope="col">State</th>
          <th scope="col" class="wide">Ends next</th>
          <th scope="col" class="number">Signed</th>
          <th scope="col" class="number">Not signed</th>
        </tr>
      </thead>
      <tbody>${repositories.map((one, i) => {
        const next = one.facts &&
          endsOf(one.facts.status).find(({ what }) => !["timestamp", "snapshot"].includes(what));
        const unsigned = one.facts?.tags.filter(({ standing }) => standing === "unsigned").length;
        const signed = one.facts && one.facts.tags.length - unsigned!;
        return html`
          <tr>
            <th scope="row"><a href="#${idOf(i)}">${one.repository}</a></th>
            <td>${verdict(one)}</td>
            <td class="wide">${next ? `${day(next.expires)}: ${next.what}` : "–"}</td>
            <td class="number">${signed ?? "–"}</td>
            <td class="number">${unsigned ?? "–"}</td>
          </tr>
        `;
      })}</tbody>
    </table>
  `;
}
