/** Completion for fish. @module */
import { ASK_KNOWN } from "./ask_known.ts";
import type { CompletedCommand, CompletedFlag, Value } from "./model.ts";

const HEAD = `# Completion of tagseal for fish. To try it: tagseal completion fish | source

function __tagseal_in -d 'Whether one of these commands is being typed'
    set -l words (commandline -opc)
    set -q words[2]; and contains -- $words[2] $argv
end

function __tagseal_none -d 'Whether no command has been typed yet'
    test (count (commandline -opc)) -eq 1
end

# What has been typed of a value: all of it up to the last comma, and the rest.
function __tagseal_typed
    commandline -ct | string replace -r -- '^--[a-z0-9-]+=' '' | string trim -l -c '\\'"'
end

function __tagseal_several -d 'These words behind those that a comma ends'
    set -l before (string match -r -- '^.*,' (__tagseal_typed))
    for word in $argv
        echo -- "$before$word"
    end
end

function __tagseal_known -a kind -d 'Names that the trust directory knows'
    set -l words (commandline -opc)
    set -l program (string replace -r -- '^~/' $HOME/ $words[1])
    set -l typed (string replace -r -- '^.*,' '' (__tagseal_typed))
    $program ${ASK_KNOWN} $kind "$typed" $words[2..-1] 2>/dev/null </dev/null
end

complete -c tagseal -f
complete -c tagseal -n __tagseal_none -l help -d 'List the commands'
complete -c tagseal -n __tagseal_none -l version -d 'Print the version'
`;

/** The script. */
export function fish(commands: readonly CompletedCommand[]): string {
  const named = commands.flatMap(({ names, summary }) =>
    names.map((name) => `complete -c tagseal -n __tagseal_none -a ${name} -d ${quoted(summary)}`)
  );
  const args = commands.flatMap(({ names, args: [argument] }) =>
    argument === undefined ? [] : [line(names, ["", ...valueWords(argument).filter((word) => word !== "-r")].join(" "))]
  );
  // What several commands have alike is said once.
  const flags = new Map<string, string[]>();
  for (const { names, flags: own } of commands) {
    for (const flag of own) {
      const words = flagWords(flag);
      flags.set(words, [...flags.get(words) ?? [], ...names]);
    }
  }
  return [HEAD, ...named, "", ...args, ...[...flags].map(([words, names]) => line(names, words)), ""].join("\n");
}

function line(names: readonly string[], words: string): string {
  return `complete -c tagseal -n '__tagseal_in ${names.join(" ")}'${words}`;
}

function flagWords({ names, help, value }: CompletedFlag): string {
  const spelled = names.map((name) => name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`);
  return ["", ...spelled, ...value === undefined ? [] : valueWords(value), "-d", quoted(help)].join(" ");
}

function valueWords(value: Value): string[] {
  const several = "several" in value && value.several;
  switch (value.of) {
    case "words":
      return ["-x", "-a", quoted(several ? `(__tagseal_several ${value.words.join(" ")})` : value.words.join(" "))];
    case "file":
      return ["-r", "-F"];
    case "folder":
      return ["-x", "-a", quoted("(__fish_complete_directories (__tagseal_typed))")];
    case "other":
      return ["-x"];
    default: {
      const known = `(__tagseal_known ${value.of})`;
      return ["-x", "-a", quoted(several ? `(__tagseal_several ${known})` : known)];
    }
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
