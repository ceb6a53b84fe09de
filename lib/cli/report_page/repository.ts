/** One repository's part of the page. @module */
import type { RepositoryStatus } from "../../flows/repository_status.ts";
import type { AuditedRepository } from "../audit/gathering.ts";
import { counted, countOf, findingJson, grouped, groupMessage } from "../audit/text.ts";
import { pathsText } from "../inspect_report.ts";
import { day } from "../layout.ts";
import { coverage, whoSigned } from "./coverage.ts";
import { type Html, html } from "./html.ts";
import { inOrder, keyNames, rolesPicture } from "./roles_picture.ts";
import { roleWords, toneOfRole } from "./state.ts";
import { tagLists } from "./tags.ts";
import { endsOf, timeline } from "./timeline.ts";

/** Where the commands would find servers and files is the writer's matter: the page is for others. */
const HERE = {};
const MAX_FINDINGS = 100;
const MAX_ROLES = 200;

/** How the page is laid out for this repository. */
export interface Place {
  /** Its anchor, and what the ids within begin with. */
  readonly id: string;
  /** Whether it is shown at once. */
  readonly isOpen: boolean;
  /** How many tags are listed at most. */
  readonly rows: number;
}

/** The part. */
export function repositoryPart(audited: AuditedRepository, { id, isOpen, rows }: Place): Html {
  const { repository, facts } = audited;
  const body = html`<div id="${id}">${findingList(audited)}${
    facts
      ? html`${pictures(facts.status, id)}<h3>Coverage of tags</h3>${coverage(facts)}<h3>Who signed what</h3>${
        whoSigned(facts.tags)
      }<h3>Tags</h3>${tagLists(facts.tags, rows)}${roleTable(facts.status)}`
      : undefined
  }</div>`;
  const summary = html`<summary><h2>${repository}</h2> ${verdict(audited)}</summary>`;
  return isOpen
    ? html`<details class="repository" open>${summary}${body}</details>`
    : html`<details class="repository">${summary}${body}</details>`;
}

/** What it comes to, in words and colour. */
export function verdict({ facts, findings }: AuditedRepository): Html {
  if (!facts) return html`<span class="bad">could not be read</span>`;
  const { error, warning } = countOf(findings);
  if (!facts.status.trusted) return html`<span class="bad">not trusted: it has expired</span>`;
  if (error > 0) return html`<span class="bad">${counted(error, "error")}</span>`;
  return warning > 0
    ? html`<span class="soon">${counted(warning, "warning")}</span>`
    : html`<span class="good">in order</span>`;
}

function findingList({ findings }: AuditedRepository): Html {
  if (findings.length === 0) return html`<p>Nothing was found.</p>`;
  const groups = grouped(findings);
  const more = groups.length - MAX_FINDINGS;
  return html`<h3>Findings</h3><ul class="findings">${
    groups.slice(0, MAX_FINDINGS).map((group) => {
      const { severity, rule, remedy, command } = findingJson(group[0]!, HERE);
      const count = group.length > 1 ? ` (${group.length} tags)` : "";
      return html`
        <li
          class="${severity}"><span class="tag">${severity}</span> <code>${rule}</code>${count}: ${groupMessage(
            group,
          )}<div class="small">${remedy}${command === undefined ? "." : html`: <code>${command}</code>`}</div></li>
      `;
    })
  }</ul>${more > 0 ? html`<p>and ${more} more findings</p>` : undefined}`;
}

function pictures(status: RepositoryStatus, id: string): Html {
  const names = keyNames(status.roles);
  return html`
    <div class="pictures">
      <figure><figcaption>Roles and their keys</figcaption>${rolesPicture(status.roles, names, `${id}-roles`)}</figure>
      <figure><figcaption>What ends when</figcaption>${timeline(endsOf(status), `${id}-ends`)}</figure>
    </div>
  `;
}

function roleTable({ roles, certificates, notaryUrl, checkedAt }: RepositoryStatus): Html {
  const names = keyNames(roles);
  const more = roles.length - MAX_ROLES;
  return html`<details><summary><h3>Roles, keys and certificates in full</h3></summary><p class="small">As ${notaryUrl} shows them, judged at ${checkedAt}.</p><table><thead><tr><th scope="col">Role</th><th scope="col">State</th><th scope="col">Until</th><th scope="col" class="wide">Keys</th><th scope="col" class="wide">Tags</th></tr></thead><tbody>${
    inOrder(roles).slice(0, MAX_ROLES).map((role) =>
      html`
        <tr>
          <th scope="row">${role.role}</th>
          <td class="${toneOfRole(role) === "ok" ? "good" : toneOfRole(role)}">${roleWords(
            role,
          )}${role.reason === undefined ? "" : `: ${role.reason}`}</td>
          <td>${day(role.expires)}</td>
          <td class="wide">${role.threshold} of ${role.keyIds.map((keyId) => names.get(keyId)!).join(", ")}</td>
          <td class="wide">${role.paths ? pathsText(role.paths) : ""}</td>
        </tr>
      `
    )
  }</tbody></table>${more > 0 ? html`<p>and ${more} more roles</p>` : undefined}<h4>Keys</h4><ul>${
    [...names].slice(0, MAX_ROLES).map(([keyId, name]) => html`<li>${name}: <code>${keyId}</code></li>`)
  }</ul><h4>Certificates</h4><ul>${
    certificates.slice(0, MAX_ROLES).map(({ keyId, subject, expires }) =>
      html`<li>${subject}, key ${names.get(keyId)!}, until ${day(expires)}</li>`
    )
  }</ul></details>`;
}
