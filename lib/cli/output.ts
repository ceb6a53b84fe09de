/**
 * The only way out: what a command writes to stdout and stderr is free of secrets, obeyed by nobody but for what is
 * meant to be (the marks of a CI job's log), and on a terminal as wide as that is.
 *
 * @module
 */
import { jsonLine, printable } from "../bytes/printable.ts";
import { createRedactor } from "../bytes/redaction.ts";
import { messageOf } from "../errors.ts";
import { fitted } from "./layout.ts";
import { documentOf } from "./document.ts";
import type { JobLog, Level } from "./job_log.ts";

/** Where text goes. */
export interface Streams {
  /** Writes to stdout. @throws where that fails */
  out(text: string): void;
  /** Writes to stderr. @throws where that fails */
  err(text: string): void;
  /** The width of stderr where it is a terminal that a line can be taken back on. */
  columns?(): number | undefined;
}

/** What a command writes with. */
export interface Output {
  /** Lines of a result, to stdout, or to stderr once writing there has failed. */
  result(lines: readonly string[]): void;
  /** A result as one JSON document on one line, to stdout. */
  document(value: unknown): void;
  /** A line for people, to stderr; broken between words on a terminal, and there alone. */
  say(line: string): void;
  /** A question as it can be shown, with room for a short answer. */
  question(line: string): string;
  /** Shows a line that the next one replaces, on a terminal only; "" takes it away. */
  status(line: string): void;
  /** Takes a secret out of all that follows. */
  hide(secret: string): void;
  /** A text for people as it may be written to a file. */
  withoutSecrets(text: string): string;
  /** Names what all that follows is about, to a CI system that reads the log of its jobs. */
  begin(title: string): void;
  /** Marks a problem for such a system, in one or more lines. */
  problem(level: Level, ...lines: readonly string[]): void;
  /** Ends the section that such a system shows of what was said on the way. */
  end(): void;
  /** A line that such a system obeys, on stderr. */
  command(line: string): void;
  /** Why stdout did not take all of the results; `undefined` where it did. */
  lost(): string | undefined;
}

/** A status that wrapped could not be taken back. */
const STATUS_COLUMNS = 79;
/** "? ", " (y/N) yes", and the cursor. */
const ANSWER_COLUMNS = 14;

/** Writes to `streams`, and for whom reads them as the log of a job. */
export function createOutput(streams: Streams, job: JobLog = {}): Output {
  const redactor = createRedactor();
  const columns = () => streams.columns?.();
  const err = (text: string) => {
    try {
      streams.err(text);
    } catch {
      // What is said on the way is no reason to end work that is half done; the exit code tells.
    }
  };
  let shownStatus = "";
  let title = "tagseal";
  let section: "none" | "to begin" | "open" = "none";
  let lost: string | undefined;
  const show = (line: string) => {
    if (line === shownStatus) return;
    err(`\r\x1b[2K${line}`);
    shownStatus = line;
  };
  const write = (text: string) => {
    show(""); // what is said for good takes the place of the line that is not
    try {
      if (lost === undefined) return streams.out(text);
    } catch (error) {
      lost = messageOf(error);
    }
    err(text);
  };
  /** A line as the terminal takes it, with room for something behind it. */
  const forPeople = (line: string, room = 0) => {
    const safe = printable(redactor.words(line));
    const width = columns();
    // Each line of several begins anew for whoever reads a log.
    return width === undefined ? [safe] : fitted(safe, width - room).map(printable);
  };
  const command = (line: string) => {
    show("");
    err(`${line}\n`);
  };
  const edge = (which: "start" | "end") => {
    if (job.section) command(job.section(which, title));
    section = which === "start" ? "open" : "none";
  };
  const end = () => {
    if (section === "open") edge("end");
    section = "none";
  };
  return {
    result(lines) {
      end();
      const text = lines.map(printable).join("\n");
      if (lines.length > 0) write(`${redactor.result(text)}\n`);
    },
    document(value) {
      end();
      write(`${jsonLine(redactor.json(documentOf(value)))}\n`);
    },
    say(line) {
      show("");
      if (section === "to begin") edge("start");
      err(forPeople(line).map((each) => `${each}\n`).join(""));
    },
    question(line) {
      show("");
      return forPeople(line, ANSWER_COLUMNS).join("\n");
    },
    status(line) {
      const width = columns();
      if (width !== undefined) show(printable(redactor.words(line)).slice(0, Math.min(STATUS_COLUMNS, width - 1)));
    },
    begin(of) {
      title = of;
      section = "to begin";
    },
    problem(level, ...lines) {
      if (level === "error") end();
      const text = lines.map((line) => printable(redactor.words(line))).join("\n");
      if (job.problem) command(job.problem(level, title, text));
    },
    end,
    command,
    hide: redactor.hide,
    withoutSecrets: redactor.result,
    lost: () => lost,
  };
}
