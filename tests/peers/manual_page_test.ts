/** The manual page, read by a real formatter. */
import assert from "node:assert/strict";
import { EXIT_CODES } from "../../lib/cli/exit_codes.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { VARIABLES } from "../../tasks/variables.ts";
import { peerTest } from "../support/peer_case.ts";
import { tagseal } from "../support/run.ts";
import { inFolder } from "../support/test_files.ts";

async function mandoc(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("mandoc", { args, stdin: "null", stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}

peerTest("manual page: mandoc finds nothing wrong with it, and shows every command, flag, variable and exit code", [
  "mandoc",
], () =>
  inFolder(async (folder) => {
    const { code, stdout, stderr } = await tagseal(["help", "--man"]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^[ -~\n]*$/, "what is not ASCII is written as ASCII");
    const page = `${folder}/tagseal.1`;
    await Deno.writeTextFile(page, stdout);
    // A date would make two pages of one source.
    const found = (await mandoc("-Tlint", "-Wwarning", page)).split("\n").filter((line) => !/missing date/.test(line));
    assert.deepEqual(found, [""]);
    const shown = (await mandoc("-Tutf8", "-Owidth=200", page)).replaceAll(new RegExp(".\b", "g"), "");
    const flat = shown.replaceAll(/\s+/g, " ");
    for (const [name, { load }] of Object.entries(COMMANDS)) {
      assert.match(shown, new RegExp(`^ +tagseal ${name} `, "m"));
      const { command } = await load();
      for (const { spec, help } of Object.values(command.flags)) {
        assert.ok(flat.includes(`${spec} ${help.replaceAll("`", "")}`), `${name}: ${spec}`);
      }
      assert.ok(flat.includes(command.example), name);
    }
    for (const name of Object.keys(VARIABLES)) assert.match(shown, new RegExp(`^ +${name}(?: |$)`, "m"));
    for (const [code, { exitCode }] of Object.entries(EXIT_CODES)) {
      assert.ok(flat.includes(`${exitCode} (${code})`), code);
    }
  }));
