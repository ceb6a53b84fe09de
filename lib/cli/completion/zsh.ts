/** Completion for zsh. @module */
import { quotedWord } from "../command_line.ts";
import { ASK_KNOWN } from "./ask_known.ts";
import type { CompletedCommand, CompletedFlag, Value } from "./model.ts";

/** The script: for a file `_tagseal` of `fpath`, and to be sourced as well. */
export function zsh(commands: readonly CompletedCommand[]): string {
  const described = commands.flatMap(({ names, summary }) => names.map((name) => `${name}:${summary}`));
  return `#compdef tagseal
# Completion of tagseal for zsh. To try it: source <(tagseal completion zsh)

# Names that the trust directory knows; compadd quotes whatever a name holds.
_tagseal_known() {
  local program=\${\${(Q)words_typed[1]}/#\\~\\//$HOME/} prefix=\${(Q)PREFIX}
  local -a found
  found=("\${(@f)$("$program" ${ASK_KNOWN} $1 "$prefix" "\${(@)words_typed[2,-2]}" 2>/dev/null </dev/null)}")
  found=("\${(@)found:#}")
  (( $#found )) && compadd -a found
}

_tagseal_several() {
  compset -P '*,'
  "$@"
}

_tagseal() {
  local -a words_typed=("\${(@)words[1,CURRENT]}") commands
  if (( CURRENT == 2 )); then
    commands=(
${described.map((line) => `      ${quoted(line)}`).join("\n")}
    )
    if [[ $PREFIX == -* ]]; then
      compadd -- --help --version
    else
      _describe -t commands 'command of tagseal' commands
    fi
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${commands.map(caseOf).join("\n")}
  esac
}

if [[ \${funcstack[1]-} == _tagseal ]]; then _tagseal "$@"; else compdef _tagseal tagseal; fi
`;
}

function caseOf({ names, args, flags }: CompletedCommand): string {
  const specs = [
    ...flags.flatMap(specsOf),
    // Where nobody knows an argument, zsh would say so, and complete no flag in its place.
    ...args.filter(({ of }) => of !== "other").map((value) => `:${nounOf(value)}:${action(value)}`),
  ];
  return `    ${names.join("|")})\n      _arguments -s -S : \\\n${
    specs.map((spec) => `        ${quoted(spec)}`).join(" \\\n")
  }\n      ;;`;
}

/** One spec for each name of a flag; names of one flag exclude each other unless it takes several values. */
function specsOf({ names, help, value }: CompletedFlag): string[] {
  const once = value !== undefined && "several" in value && value.several ? "*" : `(${names.join(" ")})`;
  return names.map((name) => {
    const glued = value === undefined ? "" : name.startsWith("--") ? "=" : "+";
    return `${once}${name}${glued}[${escaped(help)}]${value === undefined ? "" : `:${nounOf(value)}:${action(value)}`}`;
  });
}

function nounOf({ of }: Value): string {
  return of === "words" || of === "other" ? "value" : of;
}

/** What completes a value; behind a blank it is called as it stands, without options of `_arguments` in between. */
function action(value: Value): string {
  const several = "several" in value && value.several ? "_tagseal_several " : "";
  switch (value.of) {
    case "words":
      return several ? ` ${several}compadd -- ${value.words.join(" ")}` : `(${value.words.join(" ")})`;
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "other":
      return " ";
    default:
      return ` ${several}_tagseal_known ${value.of}`;
  }
}

/** A description as specs have it. */
function escaped(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, "\\$&");
}

function quoted(text: string): string {
  return quotedWord(text, "sh");
}
