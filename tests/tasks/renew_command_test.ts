/** `tagseal renew`: roles are signed anew before they end, with the tags they hold, in one request, and not without need. */
import assert from "node:assert/strict";
import { peersInMemory, Story } from "../support/local_story.ts";

const DAY_MS = 86_400_000;
const YEAR = 365;

interface Renewed {
  readonly repositories: readonly {
    readonly repository: string;
    readonly outcome: string;
    readonly roles: readonly { readonly role: string; readonly version: number }[];
  }[];
  readonly signingRequestId: string | null;
}

/** A repository on servers with a clock of their own. */
async function begin() {
  let ahead = 0;
  const now = () => new Date(Date.now() + ahead);
  const story = await Story.readyToSign(await peersInMemory({ now, days: 5000 }));
  const host = { now };
  return {
    story,
    host,
    succeed: (args: readonly string[]) => story.succeed(args, { host }),
    pass: (days: number) => void (ahead += days * DAY_MS),
  };
}

Deno.test("renew: a fleet in one request, only what ends soon, and nothing where nothing does", async (t) => {
  const { story, host, succeed, pass } = await begin();
  await using _ = story;
  const others = [await story.another("demo/b"), await story.another("demo/c")];
  const all = [story.gun, ...others];
  await Deno.writeTextFile(story.path("names"), all.join("\n"));
  await Deno.writeTextFile(story.path("tags"), all.map((gun) => `${gun}:v1\n`).join(""));
  const renew = ["renew", "--repositories-from", "names"];
  const requests = () => story.signingRequests;
  await t.step("what was never published is not made", async () => {
    const { json } = await succeed([...renew, "--json"]);
    assert.deepEqual(json<Renewed>().repositories.map(({ outcome, roles }) => [outcome, roles.length]), [
      ...all.map(() => ["unchanged", 0]),
    ]);
    assert.equal(requests(), 0);
  });
  await succeed(["sign", "--from", "tags"]);
  const listed = async () => (await succeed(["list", "--repositories-from", "names"])).stdout;
  const tags = await listed();
  await t.step("nothing ends soon: no request, and it is said of each", async () => {
    const { stdout } = await succeed([...renew, "--within", "30"]);
    assert.equal(stdout, all.map((gun) => `${gun} unchanged\n`).join(""));
    assert.equal(requests(), 1);
  });
  await t.step("one of them is younger: the others alone", async () => {
    pass(2 * YEAR);
    await succeed(["rotate-key", "-r", story.gun, "--role", "targets"]);
    await succeed(["sign", "-r", story.gun, "-t", "v2"]);
    for (const gun of others) await succeed(["rotate-key", "-r", gun, "--role", "targets"]);
    pass(YEAR - 20);
    const args = [...renew, "--within", "30"];
    const dry = await succeed([...args, "--dry-run"]);
    assert.equal(dry.stdout.match(/version 1 -> 2$/gm)?.length, 4, dry.stdout);
    assert.equal(requests(), 2);
    const { repositories } = (await succeed([...args, "--json"])).json<Renewed>();
    assert.deepEqual(repositories.map(({ outcome }) => outcome), ["unchanged", "published", "published"]);
    for (const { roles } of repositories.slice(1)) {
      assert.deepEqual(roles.map(({ role, version }) => `${role} ${version}`), [
        "targets/releases 2",
        "targets/signpath 2",
      ]);
    }
    assert.equal(requests(), 3, "one request for all");
    await succeed(args);
    assert.equal(requests(), 3, "a second run files nothing");
  });
  await t.step("expired roles keep their tags", async () => {
    pass(2 * YEAR + 30); // after those of the first one
    for (const gun of all) await succeed(["rotate-key", "-r", gun, "--role", "targets"]);
    const before = await story.run(["list", "-r", story.gun], { host });
    assert.equal(before.code, 3, before.stderr);
    await succeed([...renew, "--within", "0"]);
    const after = await listed();
    for (const line of tags.split("\n")) assert.ok(after.includes(line));
    assert.match(after, new RegExp(`^${story.gun}:v2 `, "m"));
  });
  await t.step("at once", async () => {
    const { stdout } = await succeed(["renew", "-r", story.gun]);
    assert.match(stdout, /targets\/releases version \d+ published\n.*targets\/signpath version \d+ published\n$/);
  });
});

Deno.test("renew: a role whose key was replaced would lose its tags, and is left alone", async () => {
  const { story, host, succeed } = await begin();
  await using _ = story;
  await Deno.writeFile(story.path("other.cer"), story.peers.otherCertificate!);
  await succeed(["sign", "-r", story.gun, "-t", "v1"]);
  await succeed(["add-delegation", "-r", story.gun, "--delegation-certificate", "other.cer"]);
  await succeed(["remove-delegation", "-r", story.gun, "--delegation-certificate", "signpath.cer", "--yes"]);
  story.env["SIGNPATH_SIGNING_POLICY_SLUG"] = "other-signing";
  await story.fail(3, ["renew", "-r", story.gun], [
    "are not trusted as they are",
    `tagseal sign -r ${story.gun} --renew-role targets/releases,targets/signpath`,
    "then start anew, without the tags they hold",
  ], { host });
  assert.equal(story.signingRequests, 1);
});

Deno.test("renew: wrong input", async () => {
  await using story = await Story.readyToSign();
  await story.fail(2, ["renew"], ["--repository is missing"], { cacheStays: true });
  for (const days of ["soon", "-1", "1.5", ""]) {
    await story.fail(2, ["renew", "-r", story.gun, `--within=${days}`], ["--within"], { cacheStays: true });
  }
});
