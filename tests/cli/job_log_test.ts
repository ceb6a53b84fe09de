/** What a CI system is told on purpose: problems, sections and summaries, and nothing else. */
import assert from "node:assert/strict";
import { jobLogOf } from "../../lib/cli/job_log.ts";
import { summaryPage } from "../../lib/cli/job_summary.ts";
import { createOutput } from "../../lib/cli/output.ts";
import { Story } from "../support/local_story.ts";
import { azureProblems, commandsIn, githubProblems, HOSTILE } from "../support/log_readers.ts";
import { inFolder } from "../support/test_files.ts";

const ODD = '50% of "a]b;c", ::error::x\r\nd';
const GITHUB = { GITHUB_ACTIONS: "true" };
const AZURE = { TF_BUILD: "True" };
const GITLAB = { GITLAB_CI: "true" };

function outputIn(env: Record<string, string>) {
  let out = "", err = "";
  const job = jobLogOf((name) => env[name], () => new Date(1_700_000_000_500));
  const streams = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  return { output: createOutput(streams, job), out: () => out, err: () => err };
}

Deno.test("job log: a problem is shown by GitHub and Azure as it was said, without secrets", () => {
  for (const [env, problems] of [[GITHUB, githubProblems], [AZURE, azureProblems]] as const) {
    const { output, err, out } = outputIn(env);
    output.hide("a secret that is long");
    output.begin("tagseal sign");
    output.problem("error", ODD, "Next: a secret that is long");
    output.problem("warning", HOSTILE);
    const [error, warning, ...more] = problems(err());
    assert.deepEqual(more, []);
    const text = '50% of "a]b;c", ::error::x\\u000d\\u000ad\nNext: ***';
    assert.equal(error!.text.replace(/^tagseal sign: /, ""), text);
    assert.ok([error!.title, error!.text.slice(0, 12)].includes("tagseal sign"));
    assert.equal(warning!.level, "warning");
    // Each of the two lines is one command, for each of the readers that find it at all.
    assert.equal(err().split("\n").length, 3);
    const found = commandsIn(err());
    assert.ok(found.length > 0);
    const own = /^(GitHub, at the start: (error|warning)|Azure(, as a culture compares)?: task\.logissue)$/;
    assert.deepEqual(found.filter((command) => !own.test(command)), []);
    assert.equal(out(), "");
  }
});

Deno.test("job log: GitLab folds what is said on the way, and neither results nor errors", () => {
  const { output, err, out } = outputIn(GITLAB);
  output.begin("tagseal sign");
  output.say("Waiting");
  output.say("Still waiting");
  output.result(["v1 signed"]);
  output.problem("error", "x");
  output.say("tagseal: error: x");
  output.end();
  assert.equal(
    err(),
    "\x1b[0Ksection_start:1700000000:tagseal_sign\r\x1b[0Ktagseal sign\nWaiting\nStill waiting\n" +
      "\x1b[0Ksection_end:1700000000:tagseal_sign\r\x1b[0K\ntagseal: error: x\n",
  );
  assert.equal(out(), "v1 signed\n");
});

Deno.test("job log: a command that says nothing on the way has no section", () => {
  const { output, err } = outputIn(GITLAB);
  output.begin("tagseal list");
  output.result(["v1"]);
  output.end();
  assert.equal(err(), "");
});

Deno.test("job log: where no CI system reads along, nothing is marked", () => {
  for (const env of [{}, { CI: "true", JENKINS_URL: "https://jenkins.example/" }, { GITHUB_ACTIONS: "false" }]) {
    const { output, err } = outputIn(env);
    output.begin("tagseal sign");
    output.problem("error", "x");
    output.say("y");
    output.end();
    assert.equal(err(), "y\n");
  }
});

Deno.test("job log: failures and warnings of commands become problems, in each way that they print", async () => {
  await using story = await Story.readyToSign();
  for (const more of [[], ["--json"], ["--quiet"], ["--verbose"]]) {
    const wrong = { ...GITHUB, SIGNPATH_API_TOKEN: "not-the-token-at-all" };
    const { code, stderr } = await story.run(["sign", "-r", story.gun, "-t", "v1", ...more], { env: wrong });
    assert.equal(code, 4);
    const [refused] = githubProblems(stderr).filter(({ level }) => level === "error");
    assert.equal(refused!.title, "tagseal sign");
    assert.match(refused!.text, /token.*\nNext: .*SIGNPATH_API_TOKEN/s);
    assert.match(stderr, /^tagseal: error: /m, "who reads lines finds them as ever");
  }
  await using fresh = await Story.begin(story.peers);
  const { stderr } = await fresh.succeed(["list", "-r", story.gun], { env: AZURE });
  assert.match(azureProblems(stderr)[0]!.text, /^tagseal list: .*first/);
  assert.equal(azureProblems(stderr)[0]!.level, "warning");
});

Deno.test("job summary: what became of each tag, added to GitHub's file", async () => {
  await using story = await Story.readyToSign();
  await inFolder(async (folder) => {
    const file = `${folder}/summary.md`;
    const env = { ...GITHUB, GITHUB_STEP_SUMMARY: file };
    await Deno.writeTextFile(file, "before\n");
    const { stdout } = await story.succeed(["sign", "-r", story.gun, "-t", "v1"], { env });
    const digest = /sha256:\w+/.exec(stdout)![0];
    await story.succeed(["verify", "-r", story.gun, "-t", "v1", "--json"], { env });
    const table = (title: string, outcome: string) =>
      `### tagseal ${title}\n\n| repository | tag | digest | |\n| --- | --- | --- | --- |\n` +
      `| \`${story.gun}\` | \`v1\` | \`${digest}\` | \`${outcome}\` |\n\n`;
    assert.equal(await Deno.readTextFile(file), `before\n${table("sign", "published")}${table("verify", "verified")}`);

    await Deno.writeTextFile(file, "x".repeat(2 ** 20 - 50));
    await story.succeed(["verify", "-r", story.gun, "-t", "v1"], { env });
    assert.equal((await Deno.stat(file)).size, 2 ** 20 - 50, "GitHub would show nothing of a longer one");

    await Deno.remove(file);
    const { stdout: still, stderr } = await story.succeed(["verify", "-r", story.gun, "-t", "v1"], { env });
    assert.equal(still, `v1 ${digest}\n`, "the work counts");
    assert.match(stderr, /warning: the summary of this job cannot be written: .*summary\.md/);
  });
});

Deno.test("job summary: handed to Azure as a file of the job's temporary folder", async () => {
  await using story = await Story.readyToSign();
  await inFolder(async (folder) => {
    const env = { ...AZURE, AGENT_TEMPDIRECTORY: folder };
    const { stderr } = await story.succeed(["sign", "-r", story.gun, "-t", "v1,v2"], { env });
    const path = /^##vso\[task\.uploadsummary\](.*)$/m.exec(stderr)![1]!;
    assert.equal(path.slice(0, folder.length), folder);
    assert.equal((await Deno.readTextFile(path)).match(/^\| `localhost/gm)!.length, 2);
  });
});

Deno.test("job summary: words of others are neither Markdown nor commands", () => {
  const hostile = `\`|<b>[x](https://evil.example)\n### y ${HOSTILE}`;
  const page = summaryPage("tagseal verify", [{
    repository: "a.example/b",
    tag: hostile,
    digest: "",
    outcome: hostile,
  }]);
  const row = page.split("\n")[4]!;
  assert.match(row, /^\| `[ !-_a-{}~]+` \| `[ !-_a-{}~…]+` \| {2}\| `[ !-_a-{}~…]+` \|$/);
  assert.equal(page.split("\n").length, 7);
  assert.equal(row.split("|").length, 6);
  const many = Array.from({ length: 301 }, () => ({ repository: "a.example/b", outcome: "x".repeat(1000) }));
  const long = summaryPage("tagseal sign", many);
  assert.ok(long.length < 2 ** 19);
  assert.match(long, /and 1 more/);
});
