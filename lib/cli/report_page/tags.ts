/** The tags of a repository, what is wrong first, and no more than can be looked through. @module */
import { type AuditedTag, type Standing, STANDINGS } from "../../flows/audit/facts.ts";
import { isGood } from "./coverage.ts";
import { type Html, html } from "./html.ts";
import { STANDING_WORDS } from "./state.ts";

/** These are shown at once. */
const OPEN: readonly Standing[] = ["moved", "lapsed", "unreadable"];

/** Lists by standing, of `most` rows in all. */
export function tagLists(tags: readonly AuditedTag[], most: number): Html {
  let left = most;
  return html`${
    STANDINGS.map((standing) => {
      const all = tags.filter((tag) => tag.standing === standing);
      if (all.length === 0) return undefined;
      const shown = all.slice(0, left);
      left -= shown.length;
      return list(standing, all, shown);
    })
  }`;
}

function list(standing: Standing, all: readonly AuditedTag[], shown: readonly AuditedTag[]): Html {
  const [words] = STANDING_WORDS[standing];
  const more = all.length - shown.length;
  const rest = more > 0
    ? html`<p>${more} more are not shown here; tagseal audit --format csv lists what was found of all.</p>`
    : undefined;
  const body = shown.length === 0 ? rest : html`
    <table>
      <thead>
        <tr>
          <th scope="col">Tag</th>
          <th scope="col">Digest</th>
          <th scope="col" class="wide">Signed by</th>
        </tr>
      </thead>
      <tbody>${shown.map(row)}</tbody>
    </table>${rest}
  `;
  const summary = html`
    <summary>
      <h4>${all.length} ${words}</h4>
    </summary>
  `;
  return OPEN.includes(standing)
    ? html`<details open>${summary}${body}</details>`
    : html`<details>${summary}${body}</details>`;
}

function row(audited: AuditedTag): Html {
  const { tag, signed, served, unreadable, standing } = audited;
  const schemes = (["cosign", "notation"] as const).filter((scheme) => audited.judged?.[scheme]);
  return html`
    <tr>
      <th scope="row">${tag}</th>
      <td>${signed
        ? html`${standing === "moved" ? "signed " : ""}<code>${signed.digest}</code>`
        : undefined}${standing === "moved"
        ? html`
          <br>served
        `
        : undefined}${served !== undefined && served !== signed?.digest
        ? html`<code>${served}</code>`
        : undefined}${unreadable === undefined ? undefined : unreadable}</td>
      <td class="wide">${signed ? `${signed.signers.join(", ")} (${signed.role})` : ""}${schemes.map((scheme) =>
        html`<br>${scheme === "cosign" ? "cosign" : "Notation"}: ${
          isGood(audited, scheme) ? "good" : "no good signature"
        }`
      )}</td>
    </tr>
  `;
}
