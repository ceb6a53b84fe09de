/** `tagseal status`: health, and the next action. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { Story } from "../support/local_story.ts";

interface Status {
  readonly trusted: boolean;
  readonly rootTrustedBy: string;
  readonly managedBy: { readonly snapshot: string; readonly timestamp: string };
  readonly keysHere: { readonly keyId: string; readonly role: string; readonly signsFor: string[] }[];
  readonly roles: {
    readonly role: string;
    readonly state: string;
    readonly daysLeft: number;
    readonly cachedVersion: number;
  }[];
  readonly certificates: { readonly roles: string[]; readonly daysLeft: number }[];
  readonly problems: {
    readonly severity: string;
    readonly code: string;
    readonly role?: string;
    readonly remedy: string;
    readonly command?: string;
  }[];
}

const DAY_MS = 86_400_000;
const inDays = (days: number) => ({ host: { now: () => new Date(Date.now() + days * DAY_MS) } });

async function statusOf(story: Story, code: number, days = 0): Promise<Status> {
  const outcome = await story.run(["status", "-r", story.gun, "--json"], inDays(days));
  assert.equal(outcome.code, code, outcome.stderr);
  return outcome.json<unknown>() as Status;
}

/** Nothing is wider than a terminal but command lines, which are never broken. */
function requireNarrow(stdout: string): void {
  for (const line of stdout.split("\n")) assert.ok(line.length <= 80 || /^ {6}tagseal /.test(line), line);
}

const problemsOf = ({ problems }: Status) =>
  problems.map(({ severity, code, role }) => [severity, code, ...role ? [role] : []].join(" "));

Deno.test("status follows a repository from its setup on", async (t) => {
  await using story = await Story.begin();
  await t.step("no delegation, keys here", async () => {
    await story.succeed(["init", "-r", story.gun]);
    const status = await statusOf(story, 0);
    assert.deepEqual(problemsOf(status), [
      "advice no-delegation",
      "advice root-key-here root",
      "advice targets-key-here targets",
      "advice not-pinned root",
    ]);
    assert.match(status.problems[2]!.remedy, /Sign a test tag, then delete it with tagseal delete-key/);
    assert.deepEqual(status.keysHere.map(({ role, signsFor }) => [role, signsFor]).sort(), [
      ["root", ["root"]],
      ["targets", ["targets"]],
    ]);
    assert.deepEqual([status.trusted, status.rootTrustedBy, status.managedBy], [
      true,
      "known",
      { snapshot: "server", timestamp: "server" },
    ]);
  });
  await t.step("delegation, nothing signed", async () => {
    await story.succeed(["add-delegation", "-r", story.gun, "--delegation-certificate", "signpath.cer"]);
    const status = await statusOf(story, 0);
    assert.equal(problemsOf(status)[0], "advice nothing-signed targets/releases");
    assert.deepEqual(status.certificates.map(({ roles }) => roles), [["root"], [
      "targets/releases",
      "targets/signpath",
    ]]);
    assert.deepEqual(status.roles.map(({ role, state }) => `${role} ${state}`), [
      "root ok",
      "targets ok",
      "snapshot ok",
      "timestamp ok",
      "targets/releases unpublished",
      "targets/signpath unpublished",
    ]);
  });
  await t.step("signed, keys taken away, pinned: nothing to do", async () => {
    await story.push("v1");
    await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
    assert.match((await statusOf(story, 0)).problems[1]!.remedy, /^Signing works without it/);
    const certificate = `${story.gun.replaceAll(/[/:]/g, "_")}.root.pem`;
    await Deno.remove(`${story.trust}/private`, { recursive: true });
    const { stdout } = await story.succeed(["status", "-r", story.gun, "--root-pin", certificate]);
    assert.match(stdout, /^ {2}trusted; its root: pinned$/m);
    assert.match(stdout, /no key of this repository is in the trust directory/);
    assert.doesNotMatch(stdout, /next:|error|warning|advice/);
    requireNarrow(stdout);
  });
  await t.step("another machine: met for the first time, then known", async () => {
    await using other = await Story.begin(story.peers);
    const first = await statusOf(other, 0);
    assert.deepEqual([first.rootTrustedBy, first.roles[0]!.cachedVersion], ["first-use", null]);
    const second = await statusOf(other, 0);
    assert.deepEqual([second.rootTrustedBy, second.roles[0]!.cachedVersion], ["known", 1]);
  });
});

Deno.test("status warns months ahead", async () => {
  await using story = await Story.readyToSign();
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  // The delegation's certificate ends after 365 days, targets after three years, and the timestamp after two weeks.
  const soon = await statusOf(story, 3, 365 - 100);
  assert.ok(problemsOf(soon).includes("advice expires-soon targets/releases"));
  assert.ok(problemsOf(await statusOf(story, 3, 365 - 10)).includes("warning expires-soon targets/releases"));
  assert.ok(problemsOf(await statusOf(story, 3, 370)).includes("error expired targets/releases"));
  const targets = await statusOf(story, 3, 3 * 365 - 20);
  const about = targets.problems.find(({ code, role }) => code === "expires-soon" && role === "targets");
  assert.equal(about?.severity, "warning");
  assert.equal(about.command, `tagseal rotate-key -r ${story.gun} --role targets`);
});

Deno.test("what has expired can be looked at, loudly, and nothing of it is trusted", async (t) => {
  await using story = await Story.readyToSign();
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  const cached = [...await story.files()].filter(([path]) => path.includes("/tuf/"));
  for (
    const [days, expired] of [
      [20, ["timestamp"]],
      [3 * 365 + 5, ["targets", "snapshot", "timestamp", "targets/releases", "targets/signpath"]],
      [3652 + 5, ["root", "targets", "snapshot", "timestamp", "targets/releases", "targets/signpath"]],
    ] as const
  ) {
    await t.step(expired.join(", "), async () => {
      const status = await statusOf(story, 3, days);
      assert.equal(status.trusted, false);
      assert.deepEqual(status.roles.filter(({ state }) => state === "expired").map(({ role }) => role), expired);
      assert.ok(status.roles.filter(({ state }) => state === "expired").every(({ daysLeft }) => daysLeft < 0));
      for (const role of expired) assert.ok(problemsOf(status).includes(`error expired ${role}`));
      const { stdout } = await story.run(["status", "-r", story.gun], inDays(days));
      assert.match(stdout, /^ {2}NOT TRUSTED: /m);
      requireNarrow(stdout);
      await story.fail(3, ["list", "-r", story.gun], ["expired"], inDays(days));
    });
  }
  assert.deepEqual([...await story.files()].filter(([path]) => path.includes("/tuf/")), cached, "no copy was touched");
  await t.step("on a machine that knows nothing: nothing is kept", async () => {
    await using other = await Story.begin(story.peers);
    assert.equal((await statusOf(other, 3, 20)).trusted, false);
    assert.equal([...(await other.files()).keys()].filter((path) => path.endsWith(".json")).length, 0);
  });
  await t.step("what is wrong otherwise stays an error", async () => {
    story.between = async (request, send) => {
      const response = await send(request);
      if (!request.url.includes("snapshot")) return response;
      return new Response((await response.text()).replace('"version":2', '"version":3'), response);
    };
    await story.fail(3, ["status", "-r", story.gun], ['"snapshot" is not'], inDays(20));
  });
});

Deno.test("status of many: each with its own report, and the worst exit code", async () => {
  await using story = await Story.readyToSign();
  await Deno.writeTextFile(story.path("all"), `${story.gun}\nlocalhost:5000/demo/none\n`);
  const { code, stdout } = await story.run(["status", "--repositories-from", "all", "--json"]);
  assert.equal(code, 2);
  const [good, bad] = documentIn(stdout).repositories;
  assert.deepEqual([good.repository, good.trusted, bad.repository, bad.error.code], [
    story.gun,
    true,
    "localhost:5000/demo/none",
    "not-found",
  ]);
});
