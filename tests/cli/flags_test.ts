/** Flags as data: how each kind of value is read. */
import assert from "node:assert/strict";
import { workFlags } from "../../lib/cli/common_flags.ts";
import {
  choice,
  type Flag,
  ifGiven,
  list,
  pairs,
  required,
  requireGiven,
  seconds,
  secret,
  text,
  toggle,
} from "../../lib/cli/flags.ts";
import { createHost, type Host } from "../../lib/cli/host.ts";
import { expectedDigests, holdingTo, requireTags } from "../../lib/cli/tags.ts";
import { failsWith } from "../support/failures.ts";
import { windowsForms } from "../support/text_forms.ts";

function host(env: Record<string, string> = {}, parts: Partial<Host> = {}): Host {
  const signal = new AbortController().signal;
  const silent = { out: () => {}, err: () => {}, env: (name: string) => env[name], signal };
  return { ...createHost({ quiet: false, noInput: true }, silent), ...parts };
}

Deno.test("a text is the one given, else its variable; an empty variable is none", async () => {
  const flag = text("--api-url <url>", "", "API_URL");
  assert.equal(await flag.read(["a"], host({ API_URL: "c" })), "a");
  assert.equal(await flag.read(undefined, host({ API_URL: "c" })), "c");
  assert.equal(await flag.read(undefined, host({ API_URL: "" })), undefined);
  const needed = required("-p, --project-slug <slug>", "", "SLUG");
  assert.equal(await needed.read(undefined, host({ SLUG: "p" })), "p");
  const error = await failsWith(async () => await needed.read(undefined, host()), "usage", "--project-slug is missing");
  assert.equal(error.remedy, "Give --project-slug, or set SLUG; --help shows how");
});

Deno.test("a flag with one value that is given another one, too, is a mistake; the same value again is none", async () => {
  const secretHost = host({}, { warn: () => {} });
  const cases: [flag: Flag<unknown>, given: string[], remedy: string][] = [
    [text("-r, --repository <fqn>", ""), ["a", "b"], "Give it once; several repositories go into a file"],
    [workFlags.repository, ["a", "a", "b"], "Give it once; several repositories go into a file"],
    [required("--project-slug <slug>", ""), ["a", "b"], "Give it once"],
    [choice("--signing-method <method>", "", ["zip", "hash"]), ["zip", "hash"], "Give it once"],
    [seconds("--wait <s>", "", 600), ["5", "6"], "Give it once"],
    [secret("--api-token <secret>", ""), ["s3cret-1", "s3cret-2"], "Give it once"],
  ];
  for (const [flag, given, remedy] of cases) {
    const error = await failsWith(async () => await flag.read(given, secretHost), "usage", "is given twice");
    assert.equal(error.message, `${/--[a-z-]+/.exec(flag.spec)![0]} is given twice`);
    assert.equal(error.remedy, remedy);
    assert.notEqual(await flag.read([given[0]!, given[0]!], secretHost), undefined);
  }
});

Deno.test("whether a flag was given; and what a flag of its own says where it is missing", async () => {
  const flag = ifGiven(seconds("--wait <s>", "", 600));
  assert.equal(await flag.read(undefined, host()), undefined);
  assert.equal(await flag.read(["600"], host()), 600_000);
  const error = await failsWith(
    () => requireGiven(workFlags.repository, undefined),
    "usage",
    "--repository is missing",
  );
  assert.equal(error.remedy, "Give --repository and --tags, or --from <file>");
});

Deno.test("an empty value on the command line is a mistake, never the standard value", async () => {
  for (const flag of [text("--notary-url <url>", "", "URL"), required("--notary-url <url>", "", "URL")]) {
    const read = async () => await flag.read([""], host({ URL: "https://n.test" }));
    await failsWith(read, "usage", "--notary-url is empty");
  }
});

Deno.test("lists: commas, repetition, spaces", async () => {
  const flag = list("-t, --tags <a,b>", "");
  const cases: [given: string[] | undefined, expected: string[]][] = [
    [undefined, []],
    [["v1"], ["v1"]],
    [["v1,v2", "v3"], ["v1", "v2", "v3"]],
    [["v1, v2 ,", ",v3"], ["v1", "v2", "v3"]],
    [["", ","], []],
  ];
  for (const [given, expected] of cases) assert.deepEqual(await flag.read(given, host()), expected);
  assert.deepEqual(requireTags(["b", "a", "b"]), ["b", "a"]);
  await failsWith(() => requireTags([]), "usage", "--tags is missing");
  await failsWith(() => requireTags(["v1", "a/b"]), "usage", '"a/b" is not a tag');
  await failsWith(() => requireTags(["v1@sha256:12"]), "usage", '"v1@sha256:12" is not a tag');
  const digest = `sha256:${"ab".repeat(32)}`;
  const both = await failsWith(() => requireTags([`v1@${digest}`]), "usage", `"v1@${digest}" is a tag and a digest`);
  assert.ok(both.remedy.includes(`--tags v1;`) && both.remedy.includes(`--expect-digest v1=${digest},`), both.remedy);
});

Deno.test("toggles are on where they are given", () => {
  const flag = toggle("--force", "");
  assert.deepEqual([flag.read(true, host()), flag.read(undefined, host())], [true, false]);
});

Deno.test("seconds are whole and become milliseconds", async () => {
  const flag = seconds("--wait <s>", "", 600);
  assert.equal(await flag.read(undefined, host()), 600_000);
  assert.equal(await flag.read(["0"], host()), 0);
  for (const value of ["", "-1", "1.5", "1e3", "12345678", "∞"]) {
    await failsWith(async () => await flag.read([value], host()), "usage", "--wait wants whole seconds");
  }
});

Deno.test("pairs keep what comes behind the first equals sign, and do not contradict each other", async () => {
  const flag = pairs("--parameter <k=v>", "");
  assert.deepEqual([...await flag.read(["a=b=c", "d=", "e=1\n2", "d="], host())], [["a", "b=c"], ["d", ""], [
    "e",
    "1\n2",
  ]]);
  for (const value of ["", "a", "=b"]) {
    await failsWith(async () => await flag.read([value], host()), "usage", "--parameter wants name=value");
  }
  await failsWith(async () => await flag.read(["a=1", "a=2"], host()), "usage", '--parameter is given twice for "a"');
});

Deno.test("secrets: where they come from, and that they are not empty", async () => {
  const flag: Flag<string | undefined> = secret("--api-token <secret>", "", "TOKEN");
  const warnings: string[] = [];
  const warn = (line: string) => void warnings.push(line);
  const bytes = new TextEncoder().encode("\ufefffrom file\r\n");
  const readFile = () => Promise.resolve(bytes);
  const readStdin = () => Promise.resolve("from stdin\n");
  const here = host({ TOKEN: "from variable", OTHER: "from other", EMPTY: "" }, { warn, readFile, readStdin });
  assert.equal(await flag.read(undefined, here), "from variable");
  assert.equal(await flag.read(["env:OTHER"], here), "from other");
  assert.equal(await flag.read(["file:any"], here), "from file");
  for (const [form, file] of windowsForms("from Windows\n")) {
    assert.equal(
      await flag.read(["file:any"], { ...here, readFile: () => Promise.resolve(file) }),
      "from Windows",
      form,
    );
  }
  assert.equal(await flag.read(["-"], here), "from stdin");
  assert.deepEqual(warnings, []);
  assert.equal(await flag.read(["literal"], here), "literal");
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^--api-token: .* use env:NAME or file:PATH$/);
  assert.doesNotMatch(warnings[0]!, /literal/);
  await failsWith(
    async () => await flag.read(["env:EMPTY"], here),
    "usage",
    "names the variable EMPTY, which is not set",
  );
  const empty = host({}, { warn, readStdin: () => Promise.resolve("\n") });
  await failsWith(async () => await flag.read(["-"], empty), "usage", "The secret of --api-token is empty");
  await failsWith(async () => await flag.read([""], empty), "usage", "The secret of --api-token is empty");
});

Deno.test("a digest that is expected holds for its tag alone", async () => {
  const [good, other] = [`sha256:${"a".repeat(64)}` as const, `sha256:${"b".repeat(64)}` as const];
  const lookUp = (tag: string) => Promise.resolve({ tag, digest: good, length: 1, mediaType: "m" });
  const expected = expectedDigests(new Map([["v1", good], ["v2", other]]));
  const checked = holdingTo(lookUp, ["v1", "v2", "v3"], expected);
  assert.equal((await checked("v1")).digest, good);
  assert.equal((await checked("v3")).digest, good);
  const error = await failsWith(checked("v2"), "trust-invalid", '"v2" stands for', good, other);
  assert.deepEqual(error.details, { tag: "v2", digest: good, expected: other });
  await failsWith(() => holdingTo(lookUp, ["v1"], expected), "usage", '--expect-digest names the tag "v2"');
  await failsWith(() => expectedDigests(new Map([["v1", "sha256:AB"]])), "usage", "is not a digest");
  await failsWith(() => expectedDigests(new Map([["-v", good]])), "usage", "is not a tag");
});
