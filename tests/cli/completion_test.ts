/** Completion scripts follow from the table of commands; the real shells are in `tests/peers/completion_test.ts`. */
import assert from "node:assert/strict";
import { globalFlags } from "../../lib/cli/common_flags.ts";
import { bash } from "../../lib/cli/completion/bash.ts";
import { fish } from "../../lib/cli/completion/fish.ts";
import { completed, type CompletedCommand } from "../../lib/cli/completion/model.ts";
import { powershell } from "../../lib/cli/completion/powershell.ts";
import { zsh } from "../../lib/cli/completion/zsh.ts";
import { HELP } from "../../lib/cli/arguments.ts";
import { printable } from "../../lib/bytes/printable.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { powershellErrors } from "../support/ci/powershell.ts";
import { tagseal } from "../support/run.ts";

const commands = await completed(COMMANDS, globalFlags, HELP);
const SCRIPTS = { bash, zsh, fish, powershell };

Deno.test("completion: every script has every command and every flag, and leaves the program as it was made", async () => {
  for (const [shell, script] of Object.entries(SCRIPTS)) {
    const text = script(commands);
    for (const { names, flags } of commands) {
      for (const name of names) assert.ok(text.includes(name), `${shell}: ${name}`);
      for (const { names } of flags) {
        for (const name of names) {
          const spelled = shell === "fish" ? name.replace(/^--/, "-l ").replace(/^-(?=\w$)/, "-s ") : name;
          assert.ok(text.includes(spelled), `${shell}: ${name}`);
        }
      }
    }
    assert.equal((await tagseal(["completion", shell])).stdout, text);
    for (const line of text.split("\n")) assert.equal(printable(line), line, `${shell}: output changes this line`);
  }
});

Deno.test("completion: what help says cannot end a string of the script", () => {
  const text = "it's `id` $(id) \u2018typographic\u2019 [x]: \\";
  const odd: CompletedCommand = {
    names: ["odd"],
    summary: text,
    args: [],
    flags: [{ names: ["--odd"], help: text, value: undefined }],
  };
  assert.ok(!bash([odd]).includes("id`"), "bash shows no help");
  assert.ok(zsh([odd]).includes("'odd:it'\\''s `id` $(id) \u2018typographic\u2019 [x]: \\'"));
  assert.ok(fish([odd]).includes("-d 'it\\'s `id` $(id) \u2018typographic\u2019 [x]: \\\\'"));
  assert.ok(powershell([odd]).includes("'it''s `id` $(id) \u2018\u2018typographic\u2019\u2019 [x]: \\'"));
});

Deno.test("completion: choices are what the flag takes, files and folders are left to the shell", () => {
  const valueOf = (command: string, flag: string) =>
    commands.find(({ names }) => names.includes(command))!.flags.find(({ names }) => names.includes(flag))!.value;
  assert.deepEqual(valueOf("sign", "--scheme"), { of: "words", words: ["dct", "cosign", "notation"], several: true });
  assert.deepEqual(valueOf("sign", "-r"), { of: "repository", several: false });
  assert.deepEqual(valueOf("revoke", "--tags"), { of: "tag", several: true });
  assert.deepEqual(valueOf("sign", "--ca"), { of: "file" });
  assert.deepEqual(valueOf("sign", "--trust-dir"), { of: "folder" });
  assert.deepEqual(valueOf("sign", "--api-token"), { of: "other" });
  assert.equal(valueOf("sign", "--json"), undefined);
});

Deno.test("completion: a shell that is not known is a mistake", async () => {
  const { code, stderr } = await tagseal(["completion", "tcsh"]);
  assert.equal(code, 2);
  assert.match(stderr, /There is no completion for the shell "tcsh"\n.*Name one of bash, zsh, fish, powershell/);
});

Deno.test("completion: each choice of each flag is one that the command takes", async () => {
  for (const entry of Object.values(COMMANDS)) {
    const { command } = await entry.load();
    for (const { choices = [], help, spec } of Object.values(command.flags)) {
      for (const choice of choices) assert.match(choice, /^[a-z0-9][a-z0-9-]*$/, spec);
      // Whoever reads help finds what TAB offers.
      assert.deepEqual(choices.filter((choice) => !help.includes(choice)), [], spec);
    }
  }
});

Deno.test("completion: the script for PowerShell parses", async () => {
  const script = powershell(commands);
  const [errors, found] = await powershellErrors(
    script,
    script.replace("if ($null -eq $command)", "if $null -eq $command"),
  );
  assert.deepEqual(errors, []);
  assert.ok(found!.length > 0);
  assert.doesNotMatch(
    script,
    /\.(?:Keys|Values|Count)\b(?<!\$words\.Count)/,
    "entries go before properties of that name",
  );
});
