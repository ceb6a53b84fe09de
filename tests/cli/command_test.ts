/** The command line as such: overview, help, version, flags that do not exist, how failures are shown. */
import assert from "node:assert/strict";
import { type Command, defineCommand } from "../../lib/cli/command.ts";
import { helpOf } from "../../lib/cli/help.ts";
import type { Host } from "../../lib/cli/host.ts";
import type { Report } from "../../lib/cli/report.ts";
import { TagsealError } from "../../lib/errors.ts";
import { variablesOf } from "../../lib/cli/needs.ts";
import { runTagseal } from "../../lib/cli/run.ts";
import { EXIT_CODES } from "../../lib/cli/exit_codes.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { DOCUMENTS } from "../../tasks/documents.ts";
import { VARIABLES } from "../../tasks/variables.ts";
import { type Outcome, tagseal } from "../support/run.ts";

const NAMES = Object.keys(COMMANDS);

/** Runs one command that does what a test wants. */
async function withCommand(
  args: readonly string[],
  run: (host: Host) => Promise<Report>,
  full: readonly ("out" | "err")[] = [],
): Promise<Pick<Outcome, "code" | "stdout" | "stderr">> {
  const command: Command = defineCommand({
    description: "",
    flags: {},
    example: "",
    run: (_, host) => run(host),
  });
  let stdout = "", stderr = "";
  const { createHost } = await import("../../lib/cli/host.ts");
  const take = (name: "out" | "err") => {
    if (full.includes(name)) throw new Error("No space left on device (os error 28)");
  };
  const streams = {
    out(text: string) {
      take("out");
      stdout += text;
    },
    err(text: string) {
      take("err");
      stderr += text;
    },
  };
  const code = await runTagseal(
    ["it", ...args],
    { it: { summary: "", needs: [], load: () => Promise.resolve({ command }) } },
    "1",
    (flags) => createHost(flags, { ...streams, env: () => undefined, signal: new AbortController().signal }),
  );
  return { code, stdout, stderr };
}

Deno.test("the overview names every command on one line, on stdout where it was asked for", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { code, stdout, stderr } = await tagseal(args);
    assert.deepEqual([code, stderr], [0, ""]);
    for (const name of NAMES) assert.match(stdout, new RegExp(`^  ${name} +\\S.*[^.]$`, "m"));
    for (const line of stdout.split("\n")) assert.ok(line.length <= 100, line);
  }
  const { code, stdout, stderr } = await tagseal([]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /Usage: tagseal <command>/);
});

Deno.test("--version", async () => {
  for (const flag of ["--version", "-V"]) {
    assert.deepEqual({ ...await tagseal([flag]), json: 0 }, { code: 0, stdout: "0.0.0-test\n", stderr: "", json: 0 });
  }
});

Deno.test("--help of every command: purpose, flags, environment, an example that parses", async (t) => {
  for (const name of NAMES) {
    await t.step(name, async () => {
      const { command } = await COMMANDS[name]!.load();
      const { code, stdout, stderr } = await tagseal([name, "--help"]);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, new RegExp(`^Usage: tagseal ${name} `));
      const flat = stdout.replaceAll(/\s+/g, " ");
      assert.ok(flat.includes(COMMANDS[name]!.summary) && flat.includes(command.description.slice(0, 60)), stdout);
      for (const flag of Object.values(command.flags)) {
        assert.ok(stdout.includes(flag.spec), `${flag.spec} is missing`);
        if (flag.variable) assert.ok(stdout.includes(`[${flag.variable}]`), `${flag.variable} is missing`);
      }
      for (const variable of variablesOf(COMMANDS[name]!.needs)) assert.ok(stdout.includes(variable), variable);
      for (const spec of ["--json", "--quiet", "--verbose", "--no-input", "--help"]) {
        assert.ok(stdout.includes(spec), spec);
      }
      assert.ok(stdout.trimEnd().endsWith(`Example:\n  ${command.example}`), stdout.slice(-300));
      assert.match(command.example, new RegExp(`\\btagseal ${name}\\b`));
      // Every flag of the example exists, so that what is copied from help does not fail as usage.
      for (const [flag] of command.example.matchAll(/(?<=\s)--[a-z-]+/g)) assert.ok(stdout.includes(`${flag} `), flag);
    });
  }
});

Deno.test("what is no command or flag ends with exit code 2 and says where to look", async (t) => {
  const cases: [args: string[], message: string | RegExp, next: string | RegExp][] = [
    [["sing"], 'There is no command "sing"', "Did you mean tagseal sign? tagseal --help lists the commands"],
    [["Revokee"], 'There is no command "Revokee"', /^Did you mean tagseal revoke\?/],
    [["Invoke-DockerSigning"], /^There is no command/, /^What the cmdlet does is tagseal sign\. tagseal --help/],
    [["get-signedartifact"], /^There is no command/, /^What the cmdlet does is tagseal download\./],
    [["constructor"], 'There is no command "constructor"', "tagseal --help lists the commands"],
    [
      ["--json", "list"],
      'There is no command "--json"',
      /^The command comes first, its flags behind it\. tagseal --help/,
    ],
    [
      ["submit", "-InputArtifactPath", "x"],
      'Unknown option "-InputArtifactPath"',
      /^Did you mean --input-artifact-path\?/,
    ],
    [["download", "-Refresh", "x"], 'Unknown option "-R"', "tagseal download --help shows how"],
    [["Sign"], 'There is no command "Sign"', /^Did you mean tagseal sign\?/],
    [["list", "-help"], 'Unknown option "-help"', /^Did you mean --help\?/],
    [
      ["list", "-r", "a/b", "\u2013\u2013json"],
      'Word 3 behind "list" begins with a typographic dash',
      /^Type its dashes/,
    ],
    [["\u001b[2J\u202e"], 'There is no command "\\u001b[2J\\u202e"', "tagseal --help lists the commands"],
    [["list", "--xyzzy"], 'Unknown option "--xyzzy"', "tagseal list --help shows how"],
    [["list", "-psecret"], 'Unknown option "-p"', "tagseal list --help shows how"],
    [["list", "--repositry", "x"], 'Unknown option "--repositry"', /^Did you mean --repository\? tagseal list --help/],
    [["list", "-r"], 'Option "-r, --repository <fqn>" argument missing', "tagseal list --help shows how"],
    [["list", "-r", "x", "s3cret"], 'There is a value too many: it belongs to no flag (word 3 behind "list")', /./],
    [["list", "-Repository", "x"], 'Unknown option "-Repository"', /^Did you mean --repository\? tagseal list --help/],
    [["list", "-repository", "x"], 'Unknown option "-repository"', /^Did you mean --repository\?/],
    [["list", "-NotaryUrl:s3cret"], 'Unknown option "-NotaryUrl"', /^Did you mean --notary-url\?/],
    [["list", "-notary-url", "s3cret"], 'Unknown option "-notary-url"', /^Did you mean --notary-url\?/],
    [["init", "-DelegationCertificatePath", "x"], /^Unknown/, /^Did you mean --delegation-certificate\?/],
    [
      ["submit", "-WaitForCompletionTimeoutInSeconds", "9"],
      /^Unknown/,
      /^Did you mean --wait-for-completion-timeout\?/,
    ],
    [["list", "-Repos3cret", "x"], 'Unknown option "-R"', "tagseal list --help shows how"],
    [
      ["sign", "localhost:43443/demo/app:v1"],
      '"localhost:43443/demo/app:v1" belongs to no flag',
      /^Did you mean tagseal sign --repository localhost:43443\/demo\/app --tags v1\? tagseal sign --help/,
    ],
    [["sign", "-r", "a/b", "v1"], '"v1" belongs to no flag', /^Did you mean tagseal sign --tags v1\?/],
    [["sign", "-r", "a/b", "1.2.3"], '"1.2.3" belongs to no flag', /^Did you mean tagseal sign --tags 1\.2\.3\?/],
    [["sign", "-t", "v1,", "v2"], "--tags is followed by two values", /^Separate several by commas, without blanks/],
    [["sign", "-t", "v1", "s3cret"], "--tags is followed by two values", /^Separate several/],
    [
      ["submit", "data.zip"],
      '"data.zip" belongs to no flag',
      /^Did you mean tagseal submit --input-artifact-path data\.zip\?/,
    ],
    [["init", "signpath.cer"], '"signpath.cer" belongs to no flag', /--delegation-certificate signpath\.cer\?/],
    [["list", "--quiet", "s3cret"], "--quiet takes no value, and one stands behind it", /^tagseal list --help/],
    [["keys", "123456"], /^There is a value too many/, /./],
    [["sign", "123456"], /^There is a value too many/, /./],
    [["sign", "--api-tokn=s3cret"], 'Unknown option "--api-tokn"', "tagseal sign --help shows how"],
    [["sign", "--api-tokn", "s3cret"], 'Unknown option "--api-tokn"', /--api-token\?/],
    [["list", "--json=s3cret"], "--json takes no value", "tagseal list --help shows how"],
    [["list", "--help=1"], "--help takes no value", "tagseal list --help shows how"],
    [["download"], 'Missing required argument "id"', "tagseal download --help shows how"],
    [["download", "--", "--json", "-x"], /^There is a value too many: it belongs to no flag/, /./],
    [["list", "--hlpe"], 'Unknown option "--hlpe"', /^Did you mean --help\? tagseal list --help/],
    [["sign", "--wait-for-completion-timeot", "1"], /^Unknown option/, /^Did you mean --wait-for-completion-timeout\?/],
    [["list", "--__proto__"], 'Unknown option "--__proto__"', "tagseal list --help shows how"],
    [["list", "--=s3cret"], 'Unknown option "--"', "tagseal list --help shows how"],
    [["list", "--\u001b[2J"], 'Unknown option "--\\u001b[2J"', "tagseal list --help shows how"],
    [["list", `--${"x".repeat(1000)}`], `Unknown option "--${"x".repeat(58)}…"`, "tagseal list --help shows how"],
    [["list", "--repository="], "--repository is empty", /./],
    [["list", "-r=a/b"], /^The repository name "=a\/b"/, /./],
  ];
  for (const [args, message, next] of cases) {
    await t.step(JSON.stringify(args), async () => {
      const { code, stdout, stderr } = await tagseal(args);
      assert.equal(code, 2);
      assert.doesNotMatch(stderr, /s3cret/);
      const [first, second, ...rest] = stderr.split("\n");
      const said = first!.replace("tagseal: error: ", "");
      typeof message === "string" ? assert.equal(said, message) : assert.match(said, message);
      const remedy = second!.replace("tagseal: next: ", "");
      typeof next === "string" ? assert.equal(remedy, next) : assert.match(remedy, next);
      assert.deepEqual(rest, [""]);
      if (!args.includes("--json")) assert.equal(stdout, "");
    });
  }
});

Deno.test("help: the same as --help, of a command by either name; topics; what is neither is asked about", async () => {
  assert.equal((await tagseal(["help", "revoke"])).stdout, (await tagseal(["remove-tag", "--help"])).stdout);
  assert.equal((await tagseal(["--help", "sign"])).stdout, (await tagseal(["sign", "--help"])).stdout);
  assert.equal((await tagseal(["help"])).stdout, (await tagseal(["--help"])).stdout);
  const codes = (await tagseal(["help", "exit-codes"])).stdout;
  for (const [code, { exitCode, meaning }] of Object.entries(EXIT_CODES)) {
    assert.match(
      codes.replaceAll(/\s+/g, " "),
      new RegExp(` ${exitCode} ${code} ${meaning.slice(0, 40)}`.replaceAll(/[()]/g, ".")),
    );
  }
  const variables = (await tagseal(["help", "variables"])).stdout;
  for (const name of Object.keys(VARIABLES)) assert.match(variables, new RegExp(`^  ${name}(?: |$)`, "m"));
  const json = (await tagseal(["help", "json"])).stdout;
  for (const name of Object.keys(DOCUMENTS)) assert.match(json, new RegExp(`^tagseal ${name} --json$`, "m"));
  for (const topic of ["", "exit-codes", "variables", "json", "sign", "local"]) {
    const { stdout } = await tagseal(["help", ...topic === "" ? [] : [topic]]);
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.length > 80 && !/^ +\S+$|^ {2}tagseal |": [a-z-]+ \| /.test(line)),
      [],
      topic,
    );
  }
  const { code, stderr } = await tagseal(["help", "exit-code"]);
  assert.equal(code, 2);
  assert.match(stderr, /There is no command "exit-code"\n.*Did you mean tagseal help exit-codes\?/);
  assert.match((await tagseal(["help", "sing"])).stderr, /Did you mean tagseal sign\?/);
});

Deno.test("--help is shown beside any other mistake", async () => {
  for (const args of [["--xyzzy"], ["a", "b"], ["--json=1"]]) {
    const { code, stdout, stderr } = await tagseal(["list", ...args, "--help"]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^Usage: tagseal list \[options\]\n/);
  }
});

Deno.test("help keeps to the width of the terminal, and to what reads well", async () => {
  for (const name of NAMES) {
    const entry = COMMANDS[name]!;
    const { command } = await entry.load();
    const widest = (columns?: number) => {
      const lines = helpOf(name, COMMANDS, command, command.flags, columns);
      return Math.max(...lines.slice(0, -1).map((line) => line.length)); // the example is there to be copied
    };
    assert.ok(widest(80) <= 80 && widest() === widest(80), name);
    assert.ok(widest(100) > 80 && widest(100) <= 100 && widest(500) === widest(100), name);
  }
});

Deno.test("a second name runs the command, and is shown once as such", async () => {
  const { stdout: list } = await tagseal(["--help"]);
  assert.match(list, /^ {2}remove-tag .* \(also: tagseal revoke\)$/m);
  assert.equal(list.match(/revoke/g)!.length, 1);
  const [own, second] = [await tagseal(["remove-tag", "--help"]), await tagseal(["revoke", "--help"])];
  assert.equal(second.stdout, own.stdout);
  assert.match(own.stdout, /^Usage: tagseal remove-tag [^]*\(also: tagseal revoke\)/);
  const { code, stderr } = await tagseal(["revoke", "-r", "a/b", "--tgas", "v1"]);
  assert.equal(code, 2);
  assert.match(stderr, /Unknown option "--tgas"\n.*Did you mean --tags\? tagseal remove-tag --help shows how/);
});

Deno.test("no name means two commands", () => {
  const names = Object.entries(COMMANDS).flatMap(([name, { alias }]) => [name, ...alias === undefined ? [] : [alias]]);
  assert.equal(new Set(names).size, names.length);
});

Deno.test("required flags: each is named with its variable", async (t) => {
  const id = { SIGNPATH_ORGANIZATION_ID: "o" };
  const token = { ...id, SIGNPATH_API_TOKEN: "t" };
  const tag = ["-r", "a/b", "-t", "v1"];
  const cases: [command: string, args: string[], env: Record<string, string>, flag: string, variable?: string][] = [
    ...["init", "root-certificate", "add-delegation", "sign", "remove-tag", "list", "verify"].map((
      name,
    ): [string, string[], Record<string, string>, string] => [name, [], {}, "--repository"]),
    ["sign", ["-r", "a/b"], {}, "--tags"],
    ["sign", tag, {}, "--organization-id", "SIGNPATH_ORGANIZATION_ID"],
    ["sign", tag, id, "--api-token", "SIGNPATH_API_TOKEN"],
    ["sign", tag, token, "--project-slug", "SIGNPATH_PROJECT_SLUG"],
    ["sign", [...tag, "--project-slug", "p"], token, "--signing-policy-slug", "SIGNPATH_SIGNING_POLICY_SLUG"],
    ["remove-tag", tag, token, "--project-slug", "SIGNPATH_PROJECT_SLUG"],
    ["sign", [...tag, "--signing-method", "hash"], {}, "--organization-id", "SIGNPATH_ORGANIZATION_ID"],
    ["push", [], {}, "--input-artifact-path"],
    ["signing-data", ["--output-artifact-path", "x.zip"], {}, "--repository"],
    ["signing-data", tag, {}, "--output-artifact-path"],
    ["download", ["x"], {}, "--organization-id", "SIGNPATH_ORGANIZATION_ID"],
    ["download", ["x"], id, "--api-token", "SIGNPATH_API_TOKEN"],
  ];
  for (const [command, args, env, flag, variable] of cases) {
    await t.step(`${command} ${flag}`, async () => {
      const { code, stdout, stderr } = await tagseal([command, ...args, "--json"], { env });
      const { error } = JSON.parse(stdout);
      assert.deepEqual([code, error.code, error.message], [2, "usage", `${flag} is missing`]);
      assert.ok(error.remedy.includes(flag) && error.remedy.includes(variable ?? flag), error.remedy);
      assert.ok(stderr.includes(`tagseal: error: ${flag} is missing`));
    });
  }
});

Deno.test("names of repositories that cannot be one", async (t) => {
  const cases: [name: string, words: string][] = [
    ["docker.io/Acme/app", "upper-case"],
    ["docker.io/acme/app:v1", "carries a tag"],
    ["docker.io/acme/app@sha256:00", "carries a digest"],
    ["https://docker.io/acme/app", "is a URL"],
    ["docker.io//app", "Docker's grammar"],
    ["docker.io/acme/../app", "Docker's grammar"],
    ["docker.io/acme/app\u001b[2m", "Docker's grammar"],
    ["example.com:99999/app", "malformed host"],
    ["-", "Docker's grammar"],
    ["a".repeat(300), "too long"],
  ];
  for (const [name, words] of cases) {
    await t.step(name.slice(0, 40), async () => {
      for (const command of ["list", "init"]) {
        const { code, stderr } = await tagseal([command, "-r", name], { env: { HOME: "/nonexistent" } });
        assert.equal(code, 2, stderr);
        assert.ok(stderr.includes(words), stderr);
      }
    });
  }
});

Deno.test("stacks are shown with --verbose only", async () => {
  const cause = new Error("the cause\u001b[2J");
  const run = () => Promise.reject(new TagsealError("unavailable", "It is down", { remedy: "Wait", cause }));
  const short = await withCommand([], run);
  assert.deepEqual(short, { code: 5, stdout: "", stderr: "tagseal: error: It is down\ntagseal: next: Wait\n" });
  const long = await withCommand(["--verbose"], run);
  assert.ok(long.stderr.startsWith(short.stderr));
  assert.match(long.stderr, /TagsealError: It is down\n {2}\| {5}at /);
  assert.match(long.stderr, /Error: the cause\\u001b\[2J\n {2}\| {5}at /);
});

Deno.test("what nobody thought of ends with exit code 1 and asks to be reported", async () => {
  const run = () => Promise.reject(new RangeError("oops"));
  const { code, stdout, stderr } = await withCommand(["--json"], run);
  assert.equal(code, 1);
  assert.match(stderr, /^tagseal: error: Something unexpected happened: oops\ntagseal: next: .*--verbose.*\n$/);
  assert.deepEqual(Object.keys(JSON.parse(stdout).error), ["code", "message", "remedy", "details"]);
  assert.equal(JSON.parse(stdout).error.code, "unexpected");
});

Deno.test("results go to stdout, progress and warnings to stderr; --quiet leaves the warnings", async () => {
  const run = (host: Host) => {
    host.info("going on\u001b[2J");
    host.warn("careful\r\n");
    return Promise.resolve({ json: { a: "\u009b1m\u202e\u2028\u001b" }, lines: ["one\u001b[2J", "two"], exitCode: 3 });
  };
  assert.deepEqual(await withCommand([], run), {
    code: 3,
    stdout: "one\\u001b[2J\ntwo\n",
    stderr: "going on\\u001b[2J\ntagseal: warning: careful\\u000d\\u000a\n",
  });
  assert.deepEqual(await withCommand(["--json", "--quiet"], run), {
    code: 3,
    stdout: '{"schemaVersion":1,"a":"\\u009b1m\\u202e\\u2028\\u001b"}\n',
    stderr: "tagseal: warning: careful\\u000d\\u000a\n",
  });
});

Deno.test("a report that cannot be written is no work undone: it goes to stderr, and that is said", async () => {
  const run = () => Promise.resolve({ json: { a: 1 }, lines: ["one"], exitCode: 0 });
  const said =
    "tagseal: error: The work is done, but its report cannot be written: No space left on device (os error 28)";
  for (const [args, report] of [[[], "one"], [["--json"], '{"schemaVersion":1,"a":1}']] as const) {
    const { code, stdout, stderr } = await withCommand(args, run, ["out"]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.ok(stderr.startsWith(`${report}\n${said}\ntagseal: next: Do not take it for undone`), stderr);
    assert.equal((await withCommand(args, run, ["out", "err"])).code, 1, "it does not throw");
    const fails = () => Promise.reject(new TagsealError("stale", "Others were faster", { remedy: "Run it again" }));
    assert.equal((await withCommand(args, fails, ["out", "err"])).code, 6, "nor where the work fails");
  }
});
