/** `tagseal help`: of commands, and of what all of them have in common. @module */
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { globalFlags } from "../lib/cli/common_flags.ts";
import { toggle } from "../lib/cli/flags.ts";
import { helpOf, helpWidth, overview } from "../lib/cli/help.ts";
import { unknownCommand } from "../lib/cli/mistakes.ts";
import { manualPage } from "./man.ts";
import { TOPICS } from "./topics.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Shows what a command does and takes, as its --help does, or explains a topic: exit-codes, variables (all that are " +
    "read), json (what each command prints with --json). Without either it lists the commands.",
  argument: {
    name: "[topic]",
    help: "a command, exit-codes, variables, or json",
    choices: Object.keys(TOPICS),
    orCommand: true,
  },
  flags: { man: toggle("--man", "print all of it as a manual page instead: tagseal help --man > tagseal.1") },
  example: "tagseal help exit-codes",
  async run({ man }, host, topic, commands) {
    const lines = async () => {
      if (man) return await manualPage(commands);
      if (topic === "") return overview(commands, host.columns());
      if (Object.hasOwn(TOPICS, topic)) return TOPICS[topic]!(helpWidth(host.columns()));
      const [name, entry] = Object.entries(commands).find(([own, { alias }]) => [own, alias].includes(topic)) ?? [];
      if (name === undefined || !entry) throw unknownCommand(topic, commands, Object.keys(TOPICS));
      const { command } = await entry.load();
      return helpOf(name, commands, command, { ...command.flags, ...globalFlags }, host.columns());
    };
    const text = await lines();
    return { json: { topic: man ? "man" : topic, lines: text }, lines: text };
  },
});
