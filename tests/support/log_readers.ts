/**
 * What the programs that read the logs of CI jobs take for commands, after their own parsers.
 *
 * @see {@link https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs | GitHub: TryParse, TryParseV2}
 * @see {@link https://github.com/microsoft/azure-pipelines-agent/blob/master/src/Microsoft.VisualStudio.Services.Agent/Command.cs | Azure: TryParse}
 * @see {@link https://www.jetbrains.com/help/teamcity/service-messages.html | TeamCity}
 * @see GitLab `lib/gitlab/regex.rb` (build_trace_section_regex)
 * @module
 */

/** Each parser: the name of the command that it finds in a line, and nothing where there is none. */
const PARSERS: Readonly<Record<string, (line: string) => string | undefined>> = {
  "GitHub, at the start": (line) => /^\s*::(?<name>[^\s:]+)(?: .*?)?::/s.exec(line)?.groups?.["name"],
  "GitHub, anywhere": (line) => bracketed(line, "##["),
  "Azure": (line) => bracketed(line, "##vso["),
  "Azure, as a culture compares": (line) =>
    bracketed(line.replaceAll(/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/gu, ""), "##vso["),
  "Azure, of agents": (line) => /^##\[/.test(line) ? line : undefined,
  "TeamCity": (line) => bracketed(line, "##teamcity["),
  "GitLab": (line) =>
    // deno-lint-ignore no-control-regex -- the marks are control characters
    /section_((?:start)|(?:end)):(\d+):([a-zA-Z0-9_.-]+)(\[(?:\w+=\w+)(?:, ?(?:\w+=\w+))*\])?\r\x1b\[0K/.exec(line)
      ?.[0],
};

function bracketed(line: string, prefix: string): string | undefined {
  const start = line.indexOf(prefix);
  const end = start < 0 ? -1 : line.indexOf("]", start);
  return end < 0 ? undefined : line.slice(start + prefix.length, end).split(" ")[0];
}

/** All commands in what a job has printed: `Azure: task.prependpath`. */
export function commandsIn(printed: string): string[] {
  // .NET ends a line at "\r" as well; GitLab's marks hold one.
  const lines = [...printed.split(/\r\n|[\r\n]/), ...printed.split("\n")];
  return Object.entries(PARSERS).flatMap(([reader, parse]) =>
    lines.flatMap((line) => {
      const command = parse(line);
      return command === undefined ? [] : [`${reader}: ${command}`];
    })
  );
}

/** A problem that a CI system shows beside a job. */
export interface ShownProblem {
  /** `error` or `warning`. */
  readonly level: string;
  /** Its heading, where there is one. */
  readonly title?: string | undefined;
  /** As it is shown. */
  readonly text: string;
}

/** The problems that GitHub's runner finds in a job's log; the decoding is that of its `ActionCommand`. */
export function githubProblems(printed: string): ShownProblem[] {
  const decoded = (text: string) =>
    text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%3A", ":").replaceAll("%2C", ",")
      .replaceAll("%25", "%");
  return [...printed.matchAll(/^::(error|warning)(?: title=([^,:]*))?::(.*)$/gm)].map(([, level, title, text]) => ({
    level: level!,
    title: decoded(title!),
    text: decoded(text!),
  }));
}

/** The problems that Azure's agent finds; the decoding is that of its `Command`. */
export function azureProblems(printed: string): ShownProblem[] {
  const decoded = (text: string) => text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%AZP25", "%");
  return [...printed.matchAll(/##vso\[task\.logissue type=(error|warning)\](.*)$/gm)]
    .map(([, level, text]) => ({ level: level!, text: decoded(text!) }));
}

/** Words that every reader obeys, and that a terminal obeys, too. */
export const HOSTILE: string = [
  "\n::error::owned\r\n\t ::set-env name=PATH::/evil\u2028::stop-commands::x",
  "##[add-path]/evil ##vso[task.prependpath]/evil ##teamcity[buildStop comment='x' readdToQueue='true']",
  "#\u00ad#vso[task.setvariable variable=x]y #\u200b\u2060#[group]z ###[set-output name=x]1",
  "\u001b[0Ksection_start:1560896352:x\r\u001b[0K\u001b]0;title\u0007\u202e\u{e0041}end",
].join(" ");

/** The same where only a header's characters can stand. */
export const HOSTILE_HEADER: string = HOSTILE.replaceAll(/[^ -~]/g, "");
