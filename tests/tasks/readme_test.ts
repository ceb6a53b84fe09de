/** The README promises nothing that is not there: tasks, flags, and a table that no command is missing from. */
import assert from "node:assert/strict";
import { globalFlags } from "../../lib/cli/common_flags.ts";
import type { Flag } from "../../lib/cli/flags.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { CREDENTIAL_HELPERS } from "../../tasks/permissions.ts";

const project = new URL("../../", import.meta.url);
const readme = await Deno.readTextFile(new URL("README.md", project));
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", project)));

/** Names of flags, `-r` as well as `--repository`. */
async function flagsOf(command: string): Promise<Set<string>> {
  const { flags } = (await COMMANDS[command]!.load()).command;
  const all: Flag<unknown>[] = [...Object.values(flags), ...Object.values(globalFlags)];
  return new Set(["--help", ...all.flatMap(({ spec }) => spec.match(/--?[a-z0-9-]+(?=[ ,]|$)/g) ?? [])]);
}

Deno.test("README: every task that it names is one", () => {
  const named = [...readme.matchAll(/\bdeno task (?:-q )?([a-z][a-z0-9-]*)/g)].map(([, name]) => name!);
  assert.ok(named.length > 20);
  assert.deepEqual(named.filter((name) => !Object.hasOwn(tasks, name)), []);
});

Deno.test("README: every command line has flags of its command only", async () => {
  const lines = [...readme.matchAll(/\bdeno task (?:-q |with-token )?([a-z][a-z0-9-]*)([^\n`#)]*)/g)];
  let checked = 0;
  for (const [line, command, rest] of lines) {
    if (!Object.hasOwn(COMMANDS, command!)) continue;
    const known = await flagsOf(command!);
    for (const [flag] of rest!.matchAll(/(?<=\s)--?[a-z][a-z0-9-]*/g)) {
      assert.ok(known.has(flag), `${flag} in: ${line}`);
      checked++;
    }
  }
  assert.ok(checked > 30);
});

Deno.test("README: the table of commands names all of them", () => {
  const table = /^## From the cmdlets[^]*?(?=^## )/m.exec(readme)![0];
  const named = new Set([...table.matchAll(/`([a-z][a-z-]*)/g)].map(([, name]) => name));
  assert.deepEqual(Object.keys(COMMANDS).filter((name) => !named.has(name)), []);
});

Deno.test("README: the credential helpers that it names are those that may be run", () => {
  const [, named] = /no programs but Docker's credential helpers:([^]*?)\. /.exec(readme)!;
  const names = [...named!.matchAll(/`([^`]+)`/g)].map(([, name]) => `docker-credential-${name}`);
  assert.deepEqual(names, CREDENTIAL_HELPERS);
});
