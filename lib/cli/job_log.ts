/**
 * CI systems that read the log of a job for commands, and those commands that are given on purpose: problems, which they
 * show beside the job, and sections, which they fold. Jenkins reads none.
 *
 * @see {@link https://docs.github.com/actions/reference/workflow-commands-for-github-actions | GitHub}
 * @see {@link https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands | Azure}
 * @see {@link https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections | GitLab}
 * @module
 */

/** How bad a problem is. */
export type Level = "error" | "warning";

/** Where a job's summary goes, as Markdown. */
export type SummaryPlace =
  /** It is added to this file. */
  | { readonly add: string }
  /** It becomes a file in this folder, which `command` hands to the system. */
  | { readonly folder: string; command(path: string): string };

/** What became of a tag, or of a whole repository. */
export interface TagRow {
  /** The GUN. */
  readonly repository: string;
  /** The tag; left out where it is the repository that something became of. */
  readonly tag?: string;
  /** What it stands for, `sha256:<hex>`. */
  readonly digest?: string;
  /** In words. */
  readonly outcome: string;
}

/** What one system understands. All texts come on visible lines, separated by `\n`. */
export interface JobLog {
  /** The line that shows a problem; `title` is what it is about. */
  problem?(level: Level, title: string, text: string): string;
  /** The line that begins a section, or ends it. */
  section?(edge: "start" | "end", title: string): string;
  /** Where summaries go; `undefined` where there is none. */
  readonly summary?: SummaryPlace | undefined;
}

/** The system that runs this job; `undefined` where there is none that reads its log. */
export function jobLogOf(env: (name: string) => string | undefined, now: () => Date): JobLog | undefined {
  if (env("GITHUB_ACTIONS") === "true") return github(env("GITHUB_STEP_SUMMARY"));
  if (env("TF_BUILD")?.toLowerCase() === "true") return azure(env("AGENT_TEMPDIRECTORY"));
  if (env("GITLAB_CI") === "true") return { section: (edge, title) => gitlabSection(edge, title, now()) };
  return undefined;
}

function github(summary: string | undefined): JobLog {
  const value = (text: string) => encoded(text, /[%\r\n]/g);
  const property = (text: string) => encoded(text, /[%\r\n:,]/g);
  return {
    problem: (level, title, text) => `::${level} title=${property(title)}::${value(text)}`,
    summary: summary === undefined ? undefined : { add: summary },
  };
}

function azure(folder: string | undefined): JobLog {
  // The agent has a spelling of its own for "%", as it takes others for what they are.
  const value = (text: string) => encoded(text.replaceAll("%", "%AZP25"), /[\r\n]/g);
  const command = (path: string) => `##vso[task.uploadsummary]${value(path)}`;
  return {
    problem: (level, title, text) => `##vso[task.logissue type=${level}]${value(`${title}: ${text}`)}`,
    summary: folder === undefined ? undefined : { folder, command },
  };
}

function gitlabSection(edge: "start" | "end", title: string, at: Date): string {
  const name = title.replaceAll(/[^A-Za-z0-9_.-]/g, "_");
  const mark = `\x1b[0Ksection_${edge}:${Math.floor(at.getTime() / 1000)}:${name}\r\x1b[0K`;
  return edge === "start" ? `${mark}${title}` : mark;
}

function encoded(text: string, what: RegExp): string {
  return text.replaceAll(what, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}
