/** `tagseal env`: every variable and flag, and where its value is from. @module */
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { globalFlags } from "../lib/cli/common_flags.ts";
import { environmentLines, environmentOf } from "../lib/cli/environment.ts";
import { helpWidth } from "../lib/cli/help.ts";
import { unknownCommand } from "../lib/cli/mistakes.ts";
import { VARIABLES } from "./variables.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Shows every variable that is read, and what each flag comes to where it is not typed: by its variable, by the project " +
    "file (with the place in it), or by itself. Of secrets it says whether they are set, and no more. With a command it " +
    "shows that command's flags alone. Names of variables that nothing reads are warned of. Nothing is called.",
  flags: {},
  argument: { name: "[command]", help: "only the flags of this command", orCommand: true },
  example: "tagseal env sign",
  async run(values, host, asked, commands) {
    const chosen = Object.entries(commands).filter(([name, { alias }]) =>
      asked === "" || [name, alias].includes(asked)
    );
    if (chosen.length === 0) throw unknownCommand(asked, commands, []);
    const loaded = await Promise.all(
      chosen.map(async ([name, entry]) => [name, { entry, command: (await entry.load()).command }] as const),
    );
    const environment = await environmentOf({
      commands: new Map(loaded),
      common: globalFlags,
      variables: Object.keys(VARIABLES),
      typed: values.typed,
    }, host);
    for (const { name, meant } of environment.unknown) {
      host.warn(`nothing reads the variable ${name}${meant === null ? "" : `; did you mean ${meant}?`}`);
    }
    return { json: environment, lines: environmentLines(environment, helpWidth(host.columns())) };
  },
});
