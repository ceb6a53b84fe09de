/** How much of the registry's tags is signed, in each scheme, and by whom. @module */
import { type AuditedTag, type AuditFacts, STANDINGS } from "../../flows/audit/facts.ts";
import { keyOfCertificate } from "../../crypto/keys.ts";
import { type Html, html } from "./html.ts";
import { STANDING_WORDS, type Tone } from "./state.ts";

/** A part of a whole. */
interface Share {
  readonly words: string;
  readonly tone: Tone;
  readonly count: number;
}

/** A bar for each scheme that was asked for. */
export function coverage({ tags, registry }: AuditFacts): Html {
  if (tags.length === 0) return html`<p>No tag is signed, and the registry has none${registryWords(registry)}.</p>`;
  const judged = tags.filter(({ judged }) => judged !== undefined);
  const shares = STANDINGS.map((standing): Share => {
    const [words, tone] = STANDING_WORDS[standing];
    return { words, tone, count: tags.filter((tag) => tag.standing === standing).length };
  });
  return html`${bar("Docker Content Trust", shares)}${
    (["cosign", "notation"] as const).map((scheme) => {
      const asked = judged.filter(({ judged }) => judged![scheme] !== undefined);
      if (asked.length === 0) return undefined;
      const good = asked.filter((tag) => isGood(tag, scheme)).length;
      return bar(scheme === "cosign" ? "cosign" : "Notation", [
        { words: "signed by whom it must be", tone: "ok", count: good },
        { words: "no good signature", tone: "soon", count: asked.length - good },
      ]);
    })
  }<p class="small">${tags.length} tags${registryWords(registry)}.</p>`;
}

function registryWords(registry: AuditFacts["registry"]): string {
  if (registry.state === "not-asked") return "; the registry was not asked";
  if (registry.state === "failed") return "; the registry could not be asked";
  return registry.attachments === 0 ? "" : `, beside ${registry.attachments} that hold signatures and the like`;
}

/** Whether it is signed in that scheme, by whom it must be. */
export function isGood({ judged }: AuditedTag, scheme: "cosign" | "notation"): boolean {
  return scheme === "cosign" ? judged?.cosign?.outcome === "verified" : judged?.notation?.verified !== undefined;
}

function bar(title: string, shares: readonly Share[]): Html {
  const there = shares.filter(({ count }) => count > 0);
  const total = there.reduce((sum, { count }) => sum + count, 0);
  let x = 0;
  const parts = there.map(({ tone, count }) => {
    const width = count / total * 100;
    x += width;
    return html`
      <rect class="${tone}" x="${(x - width).toFixed(2)}" y="0" width="${width.toFixed(2)}" height="4" />
    `;
  });
  return html`
    <h4>${title}</h4>
    <svg class="bar" aria-hidden="true" viewBox="0 0 100 4" preserveAspectRatio="none">${parts}</svg>
    <ul class="legend">${there.map(({ words, tone, count }) =>
      html`<li><svg aria-hidden="true" viewBox="0 0 4 4"><rect class="${tone}" width="4" height="4"/></svg>${count} ${words} (${
        share(count, total)
      })</li>`
    )}</ul>
  `;
}

/** Neither 0 % nor 100 % where that is not so. */
function share(count: number, total: number): string {
  const percent = Math.round(count / total * 100);
  if (percent === 0) return "less than 1 %";
  return percent === 100 && count < total ? "more than 99 %" : `${percent} %`;
}

/** Somebody who signed, and how much. */
interface Signer {
  readonly name: string;
  readonly scheme: string;
  readonly tags: string[];
}

const MAX_SIGNERS = 50;
const NAMED = 6;

/** Who signed what. */
export function whoSigned(tags: readonly AuditedTag[]): Html {
  const signers = new Map<string, Signer>();
  const note = (scheme: string, name: string, tag: string) => {
    const key = `${scheme} ${name}`;
    const signer = signers.get(key) ?? { name, scheme, tags: [] };
    signer.tags.push(tag);
    signers.set(key, signer);
  };
  for (const { tag, signed, judged } of tags) {
    for (const name of signed?.signers ?? []) note("Docker Content Trust", name, tag);
    if (judged?.cosign?.outcome === "verified") {
      for (const id of new Set(judged.cosign.signatures.map(({ keyId }) => keyId))) note("cosign", `key ${id}`, tag);
    }
    const notation = judged?.notation?.verified?.signer;
    if (notation) note("Notation", `${notation.subject}, key ${keyOfCertificate(notation).canonicalId}`, tag);
  }
  if (signers.size === 0) return html`<p>Nobody has signed anything.</p>`;
  const all = [...signers.values()].toSorted((a, b) => b.tags.length - a.tags.length);
  const more = all.length - MAX_SIGNERS;
  return html`
    <table>
      <thead>
        <tr>
          <th scope="col">Signer</th>
          <th scope="col">Scheme</th>
          <th scope="col" class="number">Tags</th>
          <th scope="col" class="wide">Which</th>
        </tr>
      </thead>
      <tbody>${all.slice(0, MAX_SIGNERS).map(({ name, scheme, tags }) =>
        html`
          <tr>
            <th scope="row">${name}</th>
            <td>${scheme}</td>
            <td class="number">${tags.length}</td>
            <td class="wide">${tags.slice(0, NAMED).join(", ")}${tags.length > NAMED ? ", …" : ""}</td>
          </tr>
        `
      )}</tbody>
    </table>${more > 0 ? html`<p>and ${more} more signers</p>` : undefined}
  `;
}
