/** What `status` and refusals advise is run as it is printed, and does what it says. */
import assert from "node:assert/strict";
import { peersInMemory, Story } from "../support/local_story.ts";

const DAY_MS = 86_400_000;
const YEAR = 365;
const T0 = Date.now();

/** A repository where `v1` and `v2` are signed, on servers and a machine with a clock of their own. */
async function begin() {
  let at = T0;
  const now = () => new Date(at);
  const story = await Story.readyToSign(await peersInMemory({ now, days: 5000 }));
  const { otherCertificate } = story.peers;
  await Deno.writeFile(story.path("other.cer"), otherCertificate!);
  const run = (args: readonly string[]) => story.run(args, { host: { now } });
  const succeed = (args: readonly string[]) => story.succeed(args, { host: { now } });
  await succeed(["sign", "-r", story.gun, "-t", "v1,v2"]);
  return { story, run, succeed, pass: (days: number) => void (at += days * DAY_MS) };
}

type Place = Awaited<ReturnType<typeof begin>>;

/** The command lines that are printed for problems of `severities`. */
function advised(stdout: string, ...severities: readonly string[]): string[][] {
  let severity = "";
  return stdout.split("\n").flatMap((line) => {
    severity = /^ {2}(error|warning|advice): /.exec(line)?.[1] ?? severity;
    const command = /^ {6}(tagseal .*)$/.exec(line)?.[1];
    return command && severities.includes(severity) ? [command.split(" ").slice(1)] : [];
  });
}

/** Runs all that `status` advises, and expects it to be well afterwards; the names of the commands. */
async function follow({ story, run, succeed }: Place, code: number): Promise<string[]> {
  const before = await run(["status", "-r", story.gun]);
  assert.equal(before.code, code, before.stdout);
  const commands = advised(before.stdout, "error", "warning");
  assert.ok(commands.length > 0, before.stdout);
  for (const command of commands) await succeed(command);
  const after = await run(["status", "-r", story.gun]);
  assert.equal(after.code, 0, after.stdout);
  assert.deepEqual(advised(after.stdout, "error", "warning"), [], after.stdout);
  assert.doesNotMatch(after.stdout, /^ {2}(error|warning): /m, after.stdout);
  return commands.map(([name]) => name!);
}

/** Targets and what the server signs are young; delegations keep their age. */
async function publishTargets({ story, succeed }: Place): Promise<void> {
  await succeed(["add-delegation", "-r", story.gun, "--delegation", "later", "--delegation-certificate", "other.cer"]);
  await succeed(["remove-delegation", "-r", story.gun, "--delegation", "later"]);
}

/** Another key signs from now on, at SignPath and in the repository; what the old one signed counts no more. */
async function replaceKey({ story, succeed }: Place): Promise<void> {
  await succeed(["add-delegation", "-r", story.gun, "--delegation-certificate", "other.cer"]);
  await succeed(["remove-delegation", "-r", story.gun, "--delegation-certificate", "signpath.cer", "--yes"]);
  story.env["SIGNPATH_SIGNING_POLICY_SLUG"] = "other-signing";
}

const CASES: readonly [name: string, code: number, happens: (place: Place) => Promise<void>, tags: number][] = [
  ["roles that end soon", 0, async (place) => {
    place.pass(YEAR);
    await publishTargets(place);
    place.pass(2 * YEAR - 20);
  }, 2],
  ["roles that have expired", 3, async (place) => {
    place.pass(YEAR);
    await publishTargets(place);
    place.pass(2 * YEAR + 5);
  }, 2],
  ["a key that was replaced", 3, replaceKey, 0],
  ["a key that was replaced, and roles that have expired", 3, async (place) => {
    place.pass(YEAR);
    await replaceKey(place);
    place.pass(2 * YEAR + 5);
  }, 0],
];

for (const [name, code, happens, tags] of CASES) {
  Deno.test(`${name}: the printed command renews them, in one line`, async () => {
    const place = await begin();
    await using story = place.story;
    await happens(place);
    const { code: exitCode, stdout: before } = await place.run(["status", "-r", story.gun]);
    assert.equal(exitCode, code, before);
    assert.equal(/^ {2}trusted; /m.test(before), code === 0, "the headline agrees with the exit code");
    assert.doesNotMatch(before, /Nothing has been signed/);
    const lines = advised(before, "error", "warning").filter(([command]) => command === "sign");
    assert.deepEqual(lines, [
      ["sign", "-r", story.gun, "--renew-role", "targets/releases,targets/signpath"],
    ]);
    await place.succeed(lines[0]!);
    const after = await place.run(["status", "-r", story.gun, "--json"]);
    const { roles } = after.json<{ roles: { role: string; state: string; daysLeft: number; version: number }[] }>();
    const renewed = roles.filter(({ role }) => ["targets/releases", "targets/signpath"].includes(role));
    for (const { state, daysLeft, version } of renewed) {
      assert.deepEqual([state, daysLeft > 3 * YEAR - 5, version], ["ok", true, 2]);
    }
    const listed = await place.succeed(["list", "-r", story.gun]);
    assert.equal(listed.stdout.split("\n").filter(Boolean).length, tags);
    await place.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  });
}

for (
  const [name, days, code, commands] of [
    ["targets ends soon", 3 * YEAR - 20, 0, ["rotate-key", "sign"]],
    ["everything has expired", 3 * YEAR + 5, 3, ["rotate-key", "sign"]],
    ["root ends soon", 3652 - 20, 3, ["rotate-key", "rotate-key", "sign"]],
  ] as const
) {
  Deno.test(`${name}: all printed commands together make it well`, async () => {
    const place = await begin();
    await using _ = place.story;
    await replaceKey(place);
    await place.succeed([
      "sign",
      "-r",
      place.story.gun,
      "-t",
      "v1",
      "--renew-role",
      "targets/releases,targets/signpath",
    ]);
    place.pass(days);
    assert.deepEqual((await follow(place, code)).sort(), commands);
  });
}

Deno.test("renewing unchanged tags changes version and expiry alone, and takes tags along", async () => {
  const { story, succeed, pass } = await begin();
  await using _ = story;
  const file = async (role: string) =>
    JSON.parse(await Deno.readTextFile(`${story.trust}/tuf/${story.gun}/metadata/${role}.json`)).signed;
  const before = await file("targets/releases");
  pass(10);
  const args = ["sign", "-r", story.gun, "--renew-role", "targets/releases,targets/signpath"];
  assert.equal(
    (await succeed(args)).stdout,
    `${story.gun} targets/releases version 2 published\n${story.gun} targets/signpath version 2 published\n`,
  );
  const { expires, version, ...rest } = await file("targets/releases");
  assert.deepEqual([version, { expires: before.expires, version: 1, ...rest }], [2, before]);
  assert.notEqual(expires, before.expires);
  assert.equal((await succeed(["sign", "-r", story.gun, "-t", "v1"])).stdout.endsWith("unchanged\n"), true);
  assert.match((await succeed([...args, "-t", "v1"])).stdout, /:v1 sha256:[0-9a-f]{64} published\n$/);
  assert.equal((await file("targets/signpath")).version, 3);
});

Deno.test("a refusal names all roles that need consent, in a command line with all that was typed", async () => {
  const place = await begin();
  await using story = place.story;
  await replaceKey(place);
  const typed = ["sign", "-r", story.gun, "-t", "v1", "--description", "build 7", "--trust-dir", story.trust];
  const refused = await place.run(typed);
  assert.equal(refused.code, 3, refused.stderr);
  const [, line] = /(tagseal sign .*): "targets\/releases" and "targets\/signpath" then start/.exec(refused.stderr)!;
  assert.match(line!, / --description 'build 7' /);
  assert.match(line!, / --renew-role targets\/releases,targets\/signpath$/);
  const words = line!.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ""));
  await place.succeed(words.slice(1));
  await place.succeed(["verify", "-r", story.gun, "-t", "v1"]);
});

Deno.test("list: no tag and a role left out is 3; some tags and a role left out is a warning", async () => {
  const place = await begin();
  await using story = place.story;
  await replaceKey(place);
  for (const command of ["list", "inspect"]) {
    const outcome = await place.run([command, "-r", story.gun, "--json"]);
    assert.equal(outcome.code, 3, outcome.stderr);
    assert.equal(outcome.json<{ skipped: unknown[] }>().skipped.length, 2);
    assert.match(outcome.stderr, /warning: "targets\/releases"/);
    assert.doesNotMatch((await place.run([command, "-r", story.gun])).stdout, /is signed/);
  }
  await place.succeed(["sign", "-r", story.gun, "--renew-role", "targets/releases,targets/signpath"]);
  assert.equal((await place.succeed(["list", "-r", story.gun])).stdout, "", "none is signed, and nothing is hidden");
});

Deno.test("a local copy that stands in for the server is marked in --json", async () => {
  const { story, run } = await begin();
  await using _ = story;
  story.between = () => Promise.reject(new TypeError("tcp connect error: Connection refused (os error 111)"));
  for (const command of ["list", "inspect"]) {
    const outcome = await run([command, "-r", story.gun, "--json"]);
    assert.equal(outcome.code, 0, outcome.stderr);
    const { offline } = outcome.json<{ offline: { why: string; judgedAt: string } }>();
    assert.match(offline.why, /nobody answers on that port/);
    assert.equal(offline.judgedAt, new Date(T0).toISOString());
  }
  const docker = await run(["inspect", "-r", story.gun, "--format", "docker"]);
  assert.deepEqual([docker.code, /warning: .*local copy of .* is used/.test(docker.stderr)], [0, true]);
  story.between = (request, send) => send(request);
  assert.equal((await run(["list", "-r", story.gun, "--json"])).stdout.includes("offline"), false);
});

Deno.test("sign shows a moved tag as moved", async () => {
  const { story, succeed } = await begin();
  await using _ = story;
  const was = await story.push("v1");
  const is = await story.push("v1", "other content");
  const first = await story.push("v3");
  const { stdout } = await succeed(["sign", "-r", story.gun, "-t", "v1,v3"]);
  assert.equal(stdout, `${story.gun}:v1 ${is} published, moved from ${was}\n${story.gun}:v3 ${first} published\n`);
  await story.push("v1", "v1");
  const json = (await succeed(["sign", "-r", story.gun, "-t", "v1,v3", "--json"])).json<{
    repositories: { tags: { tag: string; previousDigest: string | null }[] }[];
  }>();
  assert.deepEqual(json.repositories[0]!.tags, [
    { tag: "v1", digest: was, previousDigest: is },
    { tag: "v3", digest: first, previousDigest: first },
  ]);
});

Deno.test("what SignPath signed is not signed again where a post is sent again, as its answer was lost", async (t) => {
  for (const args of [["sign", "-t", "v3"], ["sign", "--renew-role", "targets/releases"], ["remove-tag", "-t", "v1"]]) {
    await t.step(args.join(" "), async () => {
      const { story, succeed } = await begin();
      await using _ = story;
      await story.push("v3", "v3");
      const requests = story.signingRequests;
      let posts = 0;
      story.between = async (request, send) => {
        const isPost = request.method === "POST" && request.url.endsWith("/_trust/tuf/");
        if (isPost && posts++ === 0) await (await send(request.clone())).body?.cancel();
        return await send(request);
      };
      const { stdout } = await succeed([...args, "-r", story.gun]);
      assert.match(stdout, /(?:published|removed)\n$/);
      assert.deepEqual([posts, story.signingRequests - requests], [1, 1]);
    });
  }
});
