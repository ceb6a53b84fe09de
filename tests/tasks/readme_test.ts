/** The documents promise nothing that is not there: tasks, flags, pages, and a table that no command is missing from. */
import assert from "node:assert/strict";
import { CMDLETS, parameterIn } from "../../lib/cli/cmdlets.ts";
import { globalFlags } from "../../lib/cli/common_flags.ts";
import type { Flag } from "../../lib/cli/flags.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { CREDENTIAL_HELPERS } from "../../tasks/permissions.ts";
import { powershellErrors } from "../support/ci/powershell.ts";

const project = new URL("../../", import.meta.url);
const PAGES = ["README.md", "GUIDE.md", "SECURITY.md", "CONTRIBUTING.md"] as const;
const pages = await Promise.all(PAGES.map((page) => Deno.readTextFile(new URL(page, project))));
const all = pages.join("\n");
const [readme, guide, security] = pages as [string, string, string];
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", project)));

/** Names of flags, `-r` as well as `--repository`. */
async function flagsOf(command: string): Promise<Set<string>> {
  const { flags } = (await COMMANDS[command]!.load()).command;
  const all: Flag<unknown>[] = [...Object.values(flags), ...Object.values(globalFlags)];
  return new Set(["--help", ...all.flatMap(({ spec }) => spec.match(/--?[a-z0-9-]+(?=[ ,]|$)/g) ?? [])]);
}

Deno.test("documents: every task that it names is one", () => {
  const named = [...all.matchAll(/\bdeno task (?:-q )?([a-z][a-z0-9-]*)/g)].map(([, name]) => name!);
  assert.ok(named.length > 20);
  assert.deepEqual(named.filter((name) => !Object.hasOwn(tasks, name)), []);
});

Deno.test("documents: every command line has flags of its command only", async () => {
  const lines = [...all.matchAll(/\bdeno task (?:-q |with-token )?([a-z][a-z0-9-]*)([^\n`#)]*)/g)];
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

Deno.test("SECURITY: the credential helpers that it names are those that may be run", () => {
  const [, named] = /no programs but Docker's credential helpers:([^]*?)\. /.exec(security)!;
  const names = [...named!.matchAll(/`([^`]+)`/g)].map(([, name]) => `docker-credential-${name}`);
  assert.deepEqual(names, CREDENTIAL_HELPERS);
});

Deno.test("CONTRIBUTING, SECURITY: every file and folder that they name is there", async () => {
  const from = ["", "tests/"].map((folder) => new URL(`../../${folder}`, import.meta.url));
  const isThere = (path: string) =>
    from.some((folder) => {
      try {
        return Deno.lstatSync(new URL(path, folder)).isDirectory === path.endsWith("/");
      } catch {
        return false;
      }
    });
  for (const page of ["CONTRIBUTING.md", "SECURITY.md"] as const) {
    const text = await Deno.readTextFile(new URL(`../../${page}`, import.meta.url));
    const named = [...text.matchAll(/`((?:[a-z]\w*\/)+(?:\w+\.\w+)?|mod\.ts)`/g)].map(([, path]) => path!);
    assert.ok(named.length > 20, `${page}: ${named.length}`);
    const isMade = (path: string) => path === "dist/"; // by the tasks; a fresh clone has none
    assert.deepEqual(named.filter((path) => !isMade(path) && !isThere(path)), []);
  }
});

Deno.test("GUIDE: the cmdlets' parameters are flags of the commands named, and are told as such where they are typed", async () => {
  const table = /^\| parameter +\| flag[^]*?(?=^$)/m.exec(guide)![0].split("\n").slice(2).filter(Boolean);
  const rows = table.map((row) =>
    row.split("|").slice(1, 4).map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, x]) => x!))
  );
  for (const [parameters, flags, commands] of rows as [string[], string[], string[]][]) {
    const longs = flags.filter((flag) => flag.startsWith("--"));
    assert.equal(longs.length, parameters.length);
    for (const command of commands) {
      const known = [...await flagsOf(command)];
      assert.deepEqual(flags.filter((flag) => !known.includes(flag)), [], command);
      const names = known.filter((flag) => flag.startsWith("--")).map((flag) => flag.slice(2));
      assert.deepEqual(parameters.map((parameter) => `--${parameterIn(parameter, names)}`), longs, command);
    }
  }
  const told = new Set(rows.flatMap(([parameters]) => parameters!));
  // Those of SignPath's guide for Docker Content Trust.
  const needed =
    "Repository NotaryUsername NotaryPassword NotaryUrl DelegationCertificatePath Tags ApiToken OrganizationId " +
    "ProjectSlug SigningPolicySlug ArtifactConfigurationSlug Description RegistryUrl RegistryUsername RegistryPassword " +
    "OutputArtifactPath InputArtifactPath WaitForCompletion";
  assert.deepEqual(needed.split(" ").filter((name) => !told.has(`-${name}`)), []);
});

Deno.test("documents: every line for PowerShell parses", async () => {
  const scripts = [...all.matchAll(/^```powershell\n([^]*?)^```$/gm)].map(([, script]) => script!);
  assert.ok(scripts.length > 0);
  assert.deepEqual(await powershellErrors(...scripts), scripts.map(() => []));
});

Deno.test("README: the cmdlets become the commands that the program names", () => {
  for (const [cmdlet, command] of Object.entries(CMDLETS)) {
    assert.match(readme, new RegExp(`^\\| ${cmdlet}[^|]*\\| \`${command}\\b`, "m"));
  }
});

Deno.test("README: no more than a newcomer reads", () => {
  assert.ok(readme.split("\n").length <= 200);
});

Deno.test("documents: every link leads to a page and a heading that are there", async () => {
  for (const [i, page] of PAGES.entries()) {
    for (const [, file = "", anchor] of pages[i]!.matchAll(/\]\(((?:[A-Z]+\.md)?)(?:#([^)]*))?\)/g)) {
      const target = file === "" ? pages[i]! : await Deno.readTextFile(new URL(file, project));
      const headings = [...target.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading!.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")
      );
      assert.ok(anchor === undefined || headings.includes(anchor), `${page}: ${file}#${anchor}`);
    }
  }
});
