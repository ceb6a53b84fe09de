/** Completion for PowerShell. @module */
import { quotedWord } from "../command_line.ts";
import { ASK_KNOWN } from "./ask_known.ts";
import { type CompletedCommand, type CompletedFlag, KNOWN, type Value } from "./model.ts";

/** Tables are enumerated by a method: as a property, "Keys" is the entry of that name, and there is a command `keys`. */
const TAIL = `
  $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
    ForEach-Object { $_.Extent.Text })
  $offer = {
    param($text, $tip)
    if ($text.StartsWith($typed, [StringComparison]::Ordinal)) {
      [System.Management.Automation.CompletionResult]::new($before + $text, $text, 'ParameterValue', $tip)
    }
  }
  $before = ''
  $typed = $wordToComplete
  if ($words.Count -le 1) {
    foreach ($each in $commands.GetEnumerator()) { & $offer $each.Key $each.Value.Summary }
    return
  }
  $command = $commands[$words[1]]
  if ($null -eq $command) { return }
  $flag = $command.Flags[$words[-1]]
  if ($typed -match '^(--[a-z0-9-]+=)(.*)$' -and $command.Flags[$Matches[1].TrimEnd('=')]) {
    $before = $Matches[1]
    $typed = $Matches[2]
    $flag = $command.Flags[$before.TrimEnd('=')]
  }
  if ($null -eq $flag -or $flag.Kind -eq 'none') {
    if ($typed.StartsWith('-')) {
      foreach ($each in $command.Flags.GetEnumerator()) { & $offer $each.Key $each.Value.Help }
      return
    }
    $flag = $command.Argument
  }
  if ($null -eq $flag) { return }
  if ($flag.Several -and $typed -match '^(.*,)([^,]*)$') {
    $before += $Matches[1]
    $typed = $Matches[2]
  }
  if ($flag.Kind -eq 'words') {
    foreach ($word in $flag.Words) { & $offer $word $word }
  } elseif ($flag.Kind -in ${KNOWN.map(quoted).join(", ")}) {
    $before_words = @($words | Select-Object -Skip 1)
    foreach ($name in @(& $words[0] ${ASK_KNOWN} $flag.Kind $typed @before_words 2>$null)) { & $offer $name $name }
  }
}
`;

/** The script. Where it says nothing, PowerShell completes paths. */
export function powershell(commands: readonly CompletedCommand[]): string {
  const entries = commands.flatMap(({ names, summary, args: [argument], flags }) =>
    names.map((name) =>
      `    ${quoted(name)} = @{ Summary = ${quoted(summary)}; Argument = ${
        argument === undefined ? "$null" : entry(argument, "")
      }; Flags = [ordered]@{\n${flags.flatMap(flagEntries).join("\n")}\n    } }`
    )
  );
  return `# Completion of tagseal for PowerShell. To try it: tagseal completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName 'tagseal', 'tagseal.cmd', 'tagseal.exe' -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $commands = [ordered]@{
${entries.join("\n")}
  }
${TAIL.slice(1)}`;
}

function flagEntries({ names, help, value }: CompletedFlag): string[] {
  return names.map((name) => `      ${quoted(name)} = ${entry(value, help)}`);
}

function entry(value: Value | undefined, help: string): string {
  const words = value?.of === "words" ? `; Words = @(${value.words.map(quoted).join(", ")})` : "";
  const several = value !== undefined && "several" in value && value.several ? "; Several = $true" : "";
  return `@{ Kind = ${quoted(value?.of ?? "none")}; Help = ${quoted(help)}${words}${several} }`;
}

function quoted(text: string): string {
  return quotedWord(text, "powershell");
}
