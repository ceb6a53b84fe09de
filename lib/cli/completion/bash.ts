/** Completion for bash 4 and newer. @module */
import { ASK_KNOWN } from "./ask_known.ts";
import { type CompletedCommand, KNOWN, type Value } from "./model.ts";

/**
 * What does not depend on commands. Candidates are compared and handed back as they are: `compgen -W` would have the shell
 * expand them, and so run what a name holds. There is no "##", which output takes apart (lib/bytes/printable.ts).
 */
const FUNCTIONS = String.raw`
_tagseal() {
  local IFS=$' \t\n' words=() rest=\${COMP_LINE:0:COMP_POINT} word apart i
  # Bash takes words apart at colons and equal signs; what stood together is put together again.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    apart=
    while [[ $rest == [[:space:]]* ]]; do rest=\${rest#?} apart=yes; done
    word=\${COMP_WORDS[i]}
    [[ $i != "$COMP_CWORD" ]] || word=$rest
    rest=\${rest#"$word"}
    if [[ $i = 0 || $apart ]]; then words+=("$word"); else words[\${#words[@]} - 1]+=$word; fi
  done
  local last=$((\${#words[@]} - 1)) kept= flag kind= several= choices= argument= flags= candidates=() each
  local typed=\${words[last]} replaced=
  COMPREPLY=()
  if [[ $typed == [\"\']* ]]; then
    typed=\${typed#?} # in quotes nothing is taken apart
  else
    replaced=$typed
    for each in : = @; do [[ $COMP_WORDBREAKS != *"$each"* ]] || replaced=\${replaced/#*"$each"/}; done
    kept=\${typed%"$replaced"}
  fi
  local whole=$typed before=
  if ((last <= 1)); then
    kind=words choices=$_tagseal_commands
  else
    flag=\${words[last - 1]}
    [[ $typed != --*=* ]] || { flag=\${typed%%=*} before=$flag= typed=\${typed#*=}; }
    _tagseal_values "\${words[1]}" "$flag"
    if [[ ! $kind ]]; then
      if [[ $typed == -* ]]; then kind=words choices=$flags; else kind=$argument; fi
    fi
  fi
  [[ ! $several || $typed != *,* ]] || before+=\${typed%,*}, typed=\${typed/#*,/}
  case $kind in
    words) read -ra candidates <<<"$choices" ;;
    file) compopt -o default 2>/dev/null ;;
    folder) compopt -o dirnames 2>/dev/null ;;
    KNOWN_KINDS)
      local program=\${words[0]/#\~\//$HOME/}
      while read -r each; do candidates+=("$each"); done < <(
        "$program" ASK_KNOWN "$kind" "$typed" "\${words[@]:1:last-1}" 2>/dev/null </dev/null
      )
      ;;
  esac
  for each in "\${candidates[@]}"; do
    each=$before$each
    [[ $each != "$whole"* ]] || COMPREPLY+=("\${each#"$kept"}")
  done
}
complete -F _tagseal tagseal
`;

/** The script. */
export function bash(commands: readonly CompletedCommand[]): string {
  const names = commands.flatMap(({ names }) => names);
  const functions = FUNCTIONS.replaceAll("\\${", "${").replace("KNOWN_KINDS", KNOWN.join(" | "))
    .replace("ASK_KNOWN", ASK_KNOWN);
  return `# Completion of tagseal for bash. To try it: source <(tagseal completion bash)

_tagseal_commands='${[...names, "--help", "--version"].join(" ")}'

# Sets kind, choices and several for what follows a flag of a command; its flags, and the kind of its argument.
_tagseal_values() {
  case $1 in
${commands.map(caseOf).join("\n")}
  esac
}
${functions}`;
}

function caseOf({ names, args: [argument], flags }: CompletedCommand): string {
  const values = new Map<string, string[]>();
  for (const { names, value } of flags) {
    if (value === undefined) continue;
    const set = assignments(value);
    values.set(set, [...values.get(set) ?? [], ...names]);
  }
  return [
    `    ${names.join(" | ")})`,
    `      flags='${flags.flatMap((flag) => flag.names).join(" ")}'`,
    ...argument === undefined ? [] : [`      argument=${argument.of}`],
    ...argument?.of === "words" ? [`      choices='${argument.words.join(" ")}'`] : [],
    ...values.size === 0 ? [] : [
      "      case $2 in",
      ...[...values].map(([set, names]) => `        ${names.join(" | ")}) ${set} ;;`),
      "      esac",
    ],
    "      ;;",
  ].join("\n");
}

function assignments(value: Value): string {
  const { of } = value;
  const choices = of === "words" ? ` choices='${value.words.join(" ")}'` : "";
  return `kind=${of}${choices}${"several" in value && value.several ? " several=yes" : ""}`;
}
