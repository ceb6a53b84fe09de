/** What a project file may set: the schema that is published says so, and every flag of every command has its rule. */
import assert from "node:assert/strict";
import { globalFlags } from "../../lib/cli/common_flags.ts";
import { partsOf } from "../../lib/cli/flags.ts";
import { DIFFERENT_EVERYWHERE, OWN_WORDS, repositoriesFor, ruleOf } from "../../lib/cli/project_rules.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { schemaText } from "../../tasks/project_schema.ts";

const commands = await Promise.all(
  Object.entries(COMMANDS).map(async ([name, { load }]) => [name, (await load()).command.flags] as const),
);
const flags = commands.flatMap(([name, own]) =>
  Object.values({ ...own, ...globalFlags }).map((flag) => ({ name, flag, long: partsOf(flag.spec).long }))
);

Deno.test("project rules: tagseal.schema.json is what `deno task sync` writes", async () => {
  assert.equal(await Deno.readTextFile(new URL("../../tagseal.schema.json", import.meta.url)), await schemaText());
});

Deno.test("project rules: what a file that was only found may set is named one by one", () => {
  const found = flags.filter(({ name, flag }) => ruleOf(name, flag) === "found").map(({ long }) => long);
  assert.deepEqual([...new Set(found)].sort(), [
    "artifact-configuration-slug",
    "cosign-bundle",
    "delegation",
    "organization-id",
    "project-slug",
    "require-pin",
    "root-pin",
    "scheme",
    "service-unavailable-timeout",
    "signing-policy-slug",
    "upload-and-download-timeout",
    "wait-for-completion-timeout",
  ]);
  const decides = ["init", "add-delegation", "policy", "verify", "list", "inspect"];
  const there = flags.filter(({ name, flag }) => decides.includes(name) && ruleOf(name, flag) === "found");
  assert.deepEqual(
    [...new Set(there.map(({ long }) => long))].filter((long) => !/-timeout$/.test(long)).sort(),
    ["require-pin", "root-pin"],
  );
});

Deno.test("project rules: no secret, no answer in advance and nothing that takes away is set by any file", () => {
  for (const { name, flag, long } of flags) {
    if (flag.secret || Object.values(globalFlags).includes(flag as never)) {
      assert.equal(ruleOf(name, flag), "never", `${name} --${long}`);
    }
    if (/^(force|dry-run|all-other|resubmit|repositor)/.test(long)) assert.equal(ruleOf(name, flag), "never", long);
  }
  for (const [name, own] of commands) {
    if (!/^(remove|delete|rotate|add|init|move)/.test(name)) continue;
    assert.equal(repositoriesFor(name, own), undefined, name);
    const settable = Object.values(own).filter((flag) => ruleOf(name, flag) !== "never").map(({ spec }) =>
      partsOf(spec).long
    );
    for (const long of ["delegation", "delegation-certificate", "key", "role", "tags"]) {
      assert.ok(!settable.includes(long), `${name} --${long}`);
    }
  }
});

Deno.test("project rules: a default of several commands has one kind of value in all of them", () => {
  const kinds = new Map<string, Set<string>>();
  for (const { name, flag, long } of flags) {
    if (ruleOf(name, flag) === "never" || DIFFERENT_EVERYWHERE.has(long) || OWN_WORDS.has(long)) continue;
    kinds.set(long, (kinds.get(long) ?? new Set()).add(`${flag.kind} ${flag.choices ?? ""}`));
  }
  assert.deepEqual([...kinds].filter(([, several]) => several.size > 1), []);
});

Deno.test("project rules: the commands that GUIDE says to go over all repositories of a file do", async () => {
  const guide = (await Deno.readTextFile(new URL("../../GUIDE.md", import.meta.url))).replaceAll(/\s+/g, " ");
  const [, signs, named] = /`(sign) -t v1`\*\* without `--repository` signs .*?; ([^;.]*) go over all of them\./.exec(
    guide,
  )!;
  const said = [signs!, "signing-data", ...[...named!.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name!)];
  const several = new Set(commands.flatMap(([name, own]) => repositoriesFor(name, own) === "several" ? name : []));
  assert.deepEqual(said.filter((name) => !several.has(name)), []);
});
