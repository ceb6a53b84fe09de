/** The summary of a CI job: what became of each tag, as a table in Markdown. @module */
import { utf8 } from "../bytes/bytes.ts";
import { shown } from "../bytes/printable.ts";
import { addToFile, writeFileAtomically } from "../files/files.ts";
import type { SummaryPlace, TagRow } from "./job_log.ts";

/** GitHub shows no summary at all of a step that has written more than 1 MiB. */
const MAX_BYTES = 2 ** 20;
/** A page for people, of at most 0.4 MiB. */
const MAX_ROWS = 300;
/** Longer than any name of a repository. */
const MAX_CELL = 300;

/** A page with `title` and `rows`, of which nothing is read as Markdown. */
export function summaryPage(title: string, rows: readonly TagRow[]): string {
  const lines = rows.slice(0, MAX_ROWS).map(({ repository, tag = "", digest = "", outcome }) =>
    `| ${[repository, tag, digest, outcome].map(cell).join(" | ")} |`
  );
  return [
    `### ${title}`,
    "",
    "| repository | tag | digest | |",
    "| --- | --- | --- | --- |",
    ...lines,
    ...rows.length > MAX_ROWS ? ["", `and ${rows.length - MAX_ROWS} more, which the log names`] : [],
    "",
    "",
  ].join("\n");
}

/**
 * Puts a page where the job's summary goes; the line that has to be in the log for it, if any.
 *
 * @throws {TagsealError} `bad-input` where it cannot be written
 */
export async function writeSummary(place: SummaryPlace, page: string): Promise<string | undefined> {
  if ("add" in place) {
    addToFile(place.add, utf8(page), MAX_BYTES);
    return undefined;
  }
  const path = `${place.folder}/tagseal-${crypto.randomUUID().slice(0, 8)}.md`;
  await writeFileAtomically(path, utf8(page), { replace: false });
  return place.command(path);
}

/** In a code span nothing is Markdown, but what ends the span or the cell. */
function cell(text: string): string {
  if (text === "") return "";
  const safe = shown(text, MAX_CELL);
  return `\`${safe.replaceAll(/[`|]/g, (found) => `\\u00${found.charCodeAt(0).toString(16)}`)}\``;
}
