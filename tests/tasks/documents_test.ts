/** What commands print with `--json` is what the reference says, and the reference is what `deno task sync` writes. */
import assert from "node:assert/strict";
import { variablesOf } from "../../lib/cli/needs.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { DOCUMENTS, FAILURE, type Shape } from "../../tasks/documents.ts";
import { reference } from "../../tasks/reference.ts";
import { VARIABLES } from "../../tasks/variables.ts";
import { Story } from "../support/local_story.ts";
import { documentIn } from "../support/run.ts";

const PLAIN: Readonly<Record<string, (value: unknown) => boolean>> = {
  "any": () => true,
  "string": (value) => typeof value === "string",
  "integer": (value) => Number.isSafeInteger(value),
  "number": (value) => typeof value === "number",
  "boolean": (value) => typeof value === "boolean",
  "true": (value) => value === true,
  "null": (value) => value === null,
  "digest": (value) => typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value),
  "time": (value) =>
    typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value),
};

/** Where `value` is not of `shape`; nothing where it is. */
function* differences(value: unknown, shape: Shape, at: string): Iterable<string> {
  if (typeof shape === "string") {
    const fits = shape.split(" | ").some((word) => PLAIN[word]?.(value) ?? value === word);
    if (!fits) yield `${at}: ${JSON.stringify(value)} is no ${shape}`;
  } else if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return yield `${at}: no list`;
    for (const [i, one] of value.entries()) yield* differences(one, shape[0], `${at}[${i}]`);
  } else {
    if (typeof value !== "object" || value === null) return yield `${at}: no object`;
    const members = shape as Readonly<Record<string, Shape>>;
    const any = Object.keys(members).find((name) => name.startsWith("<"));
    for (const [name, one] of Object.entries(value)) {
      const own = members[name] ?? members[`${name}?`] ?? (any && members[any]);
      if (own === undefined) yield `${at}.${name}: the reference does not name it`;
      else yield* differences(one, own, `${at}.${name}`);
    }
    for (const name of Object.keys(members)) {
      if (!/^<|\?$/.test(name) && !Object.hasOwn(value, name)) yield `${at}.${name}: missing`;
    }
  }
}

Deno.test("documents: a difference is one", () => {
  const found = (value: unknown, shape: Shape) => [...differences(value, shape, "")];
  const shape: Shape = { a: "integer | null", "b?": ["digest"], c: { "<name>": "published | unchanged" } };
  const digest = `sha256:${"0".repeat(64)}`;
  assert.deepEqual(found({ a: null, c: {} }, shape), []);
  assert.deepEqual(found({ a: 1, b: [digest], c: { x: "published" } }, shape), []);
  assert.deepEqual(found({ a: "1", b: ["sha256:0"], c: { x: "lost" }, d: 0 }, shape), [
    '.a: "1" is no integer | null',
    '.b[0]: "sha256:0" is no digest',
    '.c.x: "lost" is no published | unchanged',
    ".d: the reference does not name it",
  ]);
  assert.deepEqual(found({ a: 0 }, shape), [".c: missing"]);
});

Deno.test("documents: REFERENCE.md is what `deno task sync` writes", async () => {
  assert.equal(await Deno.readTextFile(new URL("../../REFERENCE.md", import.meta.url)), await reference());
});

Deno.test("documents: every variable that a command reads is explained", async () => {
  const read = await Promise.all(
    Object.values(COMMANDS).map(async ({ needs, load }) => {
      const { flags } = (await load()).command;
      return [...variablesOf(needs), ...Object.values(flags).flatMap(({ variable }) => variable ?? [])];
    }),
  );
  assert.deepEqual([...new Set(read.flat())].filter((name) => !Object.hasOwn(VARIABLES, name)), []);
});

Deno.test("documents: commands print what the reference says", async () => {
  await using story = await Story.begin();
  const { gun } = story;
  const checked = new Set<string>();
  const check = (stdout: string, shape: Shape | undefined, name: string) => {
    assert.ok(shape, `the reference has no document of ${name}`);
    assert.deepEqual([...differences(documentIn(stdout), shape, "")], [], name);
  };
  const prints = async (args: readonly string[], when = "") => {
    const [name] = args;
    const { stdout } = await story.succeed([...args, "--json"]);
    check(stdout, DOCUMENTS[name!]?.[when], [name, when].join(" "));
    checked.add(name!);
    return documentIn(stdout);
  };
  await story.push("v1");
  await story.push("v2");
  const { targetsKeyId } = await prints(["init", "-r", gun]);
  await prints(["add-delegation", "-r", gun, "--delegation-certificate", "signpath.cer"]);
  await prints(["root-certificate", "-r", gun, "--output-artifact-path", "root.pem"]);
  await prints(["sign", "-r", gun, "-t", "v1", "--dry-run"], "--dry-run");
  await prints(["sign", "-r", gun, "-t", "v1"]);
  await prints(["sign", "-r", gun, "-t", "v1"]);
  await prints(["signing-data", "--print-artifact-configuration"], "--print-artifact-configuration");
  const data = ["signing-data", "-r", gun, "-t", "v2", "--output-artifact-path", "data.zip"];
  await prints(data);
  const { signingRequestId } = await prints(["submit", "--input-artifact-path", "data.zip"]);
  await prints(["submit", "--input-artifact-path", "data.zip", "--wait-for-completion"]);
  await prints(["download", signingRequestId]);
  await prints(["push", "-r", gun, "--input-artifact-path", "data.signed.zip"]);
  await prints(["remove-tag", "-r", gun, "-t", "v2"]);
  await prints(["list", "-r", gun, "--all"]);
  await prints(["verify", "-r", gun, "-t", "v1"]);
  await prints(["inspect", "-r", gun]);
  await prints(["status", "-r", gun]);
  await prints(["export", "-r", gun, "--output-artifact-path", "trust.zip"]);
  await prints(["list", "-r", gun, "--from", "trust.zip"]);
  await prints(["keys"]);
  const move = ["move", "-r", gun, "--to-notary-url", `https://${story.peers.host}`, "--to-repository", `${gun}/moved`];
  await prints([...move, "--dry-run"], "--dry-run");
  await prints(move);
  await prints(["rotate-key", "-r", gun, "--role", "targets"]);
  await prints(["rotate-key", "-r", gun, "--role", "root", "--output-artifact-path", "new.pem"]);
  await prints(["delete-key", targetsKeyId, "--yes"]);
  await prints(["remove-delegation", "-r", gun, "--delegation", "signpath", "--yes"]);
  const { stdout } = await story.run(["verify", "-r", gun, "-t", "none", "--json"]);
  check(stdout, FAILURE, "a failure");
  // These two have servers of their own: tests/tasks/local_test.ts and demo_test.ts run them.
  assert.deepEqual(Object.keys(COMMANDS).filter((name) => !checked.has(name)), ["local", "demo"]);
});
