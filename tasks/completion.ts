/** `tagseal completion`: scripts by which shells complete its command line. @module */
import { HELP } from "../lib/cli/arguments.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { globalFlags } from "../lib/cli/common_flags.ts";
import { bash } from "../lib/cli/completion/bash.ts";
import { fish } from "../lib/cli/completion/fish.ts";
import { completed } from "../lib/cli/completion/model.ts";
import { powershell } from "../lib/cli/completion/powershell.ts";
import { zsh } from "../lib/cli/completion/zsh.ts";
import { TagsealError } from "../lib/errors.ts";

const SCRIPTS = new Map(Object.entries({ bash, zsh, fish, powershell }));
const SHELLS = [...SCRIPTS.keys()];

/** The command. */
export const command: Command = defineCommand({
  description:
    "Prints a script that completes commands, flags, their values, and the repositories and tags that the trust " +
    "directory knows; no server is asked. bash: source <(tagseal completion bash) in ~/.bashrc. zsh: the same in " +
    "~/.zshrc, after compinit. fish: tagseal completion fish > ~/.config/fish/completions/tagseal.fish. PowerShell, in " +
    "$PROFILE: tagseal completion powershell | Out-String | Invoke-Expression.",
  argument: { name: "<shell>", help: SHELLS.join(", "), choices: SHELLS },
  flags: {},
  example: "source <(tagseal completion bash)",
  async run(_, __, shell, commands) {
    const script = SCRIPTS.get(shell);
    if (!script) {
      throw new TagsealError("usage", `There is no completion for the shell "${shell.slice(0, 40)}"`, {
        remedy: `Name one of ${SHELLS.join(", ")}`,
      });
    }
    const text = script(await completed(commands, globalFlags, HELP));
    return { json: { shell, script: text }, lines: text.trimEnd().split("\n") };
  },
});
