/** `tagseal show`: what a signing data file would have signed, for whoever approves it. @module */
import { notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { viewLines, viewOf } from "../lib/cli/data_view.ts";
import { choice } from "../lib/cli/flags.ts";
import { readSigningFile } from "../lib/cli/signing_file.ts";
import { evidenceTrust } from "../lib/cli/show_trust.ts";
import { EXIT_CODES } from "../lib/cli/exit_codes.ts";
import { showData } from "../lib/flows/show/show_data.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Reads what is signed, which is not the manifest but the payloads, and says which tags move from which digest to " +
    "which, in which repositories and schemes, whose signatures are in the file, and who asked. The trust data in the " +
    "file is verified, against the pinned root or the one that is known here. No network is used. Exit code 3 where " +
    "the file says one thing and signs another, or nothing is proved.",
  argument: { name: "<file>", help: "the ZIP from tagseal signing-data, or the one that came back signed" },
  flags: {
    format: choice("--format <format>", "text, or html: one page without any script", ["text", "html"]),
    trustDir: notaryFlags.trustDir,
    rootPin: notaryFlags.rootPin,
    requirePin: notaryFlags.requirePin,
  },
  example: "tagseal show data.zip --root-pin registry.example.com_team_app.root.pem --format html > page.html",
  async run(values, host, path) {
    const { data } = await readSigningFile(host, path);
    const shown = await showData(data, evidenceTrust(values, host));
    const view = viewOf(path, shown);
    if (!view.isGood) {
      host.error(
        `What "${path}" would have signed is not what it says, or cannot be proved (problems: ${shown.problems.length})`,
        "Do not approve it, and do not publish it. Find out who has made it, and who could change it since",
      );
    }
    const exitCode = view.isGood ? 0 : EXIT_CODES["trust-invalid"].exitCode;
    const lines = values.format === "html"
      ? (await import("../lib/cli/data_page.ts")).dataPage(view)
      : viewLines(view, host.columns());
    return { json: { path, isConsistent: view.isGood, ...shown }, lines, exitCode };
  },
});
