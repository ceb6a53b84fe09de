/** `tagseal status` of a fleet: in a table, as an exit code for cron, as a calendar, from an export; and what else reads one. */
import assert from "node:assert/strict";
import ICAL from "npm:ical.js@2.2.1";
import { Story } from "../support/local_story.ts";
import { documentIn } from "../support/run.ts";

const DAY_MS = 86_400_000;
const inDays = (days: number) => ({ host: { now: () => new Date(Date.now() + days * DAY_MS) } });

async function fleet() {
  const story = await Story.readyToSign();
  const other = await story.another("demo/other");
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  return { story, other };
}

Deno.test("status without a name: all that are known here, in a table, with exit codes for cron", async (t) => {
  const { story, other } = await fleet();
  await using _ = story;
  await t.step("nothing known", async () => {
    await using stranger = await Story.begin(story.peers);
    await stranger.fail(2, ["status"], ["no repository is known on this machine", "--repositories-from"]);
  });
  await t.step("each in full", async () => {
    const { stdout } = await story.succeed(["status"]);
    for (const gun of [story.gun, other]) assert.match(stdout, new RegExp(`^${gun} on https://localhost:5000$`, "m"));
  });
  await t.step("a line for each", async () => {
    const { stdout } = await story.succeed(["status", "--summary"]);
    const day = new Date(Date.now() + 365 * DAY_MS).toISOString().slice(0, 10);
    assert.deepEqual(stdout.split("\n").map((line) => line.split(/ {2,}/)), [
      ["STATE", "ERRORS", "WARNINGS", "FIRST END", "DAYS", "REPOSITORY"],
      ["trusted", "0", "0", day, "364", story.gun],
      ["trusted", "0", "0", day, "364", other],
      [""],
    ]);
  });
  await t.step("what fails stands in the table as well", async () => {
    await Deno.writeTextFile(story.path("names"), `${story.gun}\nlocalhost:5000/demo/none\n`);
    const outcome = await story.run(["status", "--summary", "--repositories-from", "names"]);
    assert.equal(outcome.code, 2);
    assert.match(outcome.stdout, /^FAILED .* localhost:5000\/demo\/none$/m);
    assert.match(outcome.stderr, /^tagseal: error: localhost:5000\/demo\/none: .*has no trust data/m);
  });
  await t.step("what ends within some days is an exit code, but for what the server signs by itself", async () => {
    assert.equal(
      (await story.succeed(["status", "--summary", "--fail-within", "300"])).stderr.includes("error"),
      false,
    );
    const { code, stderr, stdout } = await story.run(["status", "--fail-within", "365", "--json"]);
    assert.equal(code, 3);
    assert.match(
      stderr,
      /error: \S+: the certificate of key [0-9a-f]{7} \(targets\/releases, targets\/signpath\) ends on /,
    );
    assert.match(stderr, new RegExp(`next: tagseal status -r ${other} says what to do`));
    const { repositories } = documentIn(stdout);
    assert.deepEqual(repositories.map(({ endsWithin }: { endsWithin: unknown[] }) => endsWithin.length), [1, 1]);
    const past = await story.run(["status", "--summary", "--fail-within", "0", "--json"], inDays(3 * 365 + 5));
    assert.equal(past.code, 3);
    assert.match(past.stderr, /"targets" ended on /);
    const [first] = documentIn(past.stdout).repositories;
    assert.deepEqual([first.trusted, first.firstEnd.daysLeft < 0], [false, true]);
  });
  await t.step("wrong input", async () => {
    await story.fail(2, ["status", "--fail-within", "soon"], ["--fail-within wants whole days"]);
  });
});

Deno.test("status --calendar: what ends when, as calendars read it", async (t) => {
  const { story, other } = await fleet();
  await using _ = story;
  const path = story.path("ends.ics");
  const events = async () => {
    const file = await Deno.readTextFile(path);
    for (const line of file.split("\r\n")) assert.ok(new TextEncoder().encode(line).length <= 75, line);
    assert.doesNotMatch(file.replaceAll("\r\n", ""), /[\r\n]/);
    return new ICAL.Component(ICAL.parse(file)).getAllSubcomponents("vevent").map((one) => new ICAL.Event(one));
  };
  let before: string[] = [];
  await t.step("an event for each end, on its day, with alarms", async () => {
    const { stderr } = await story.succeed(["status", "--summary", "--calendar", "ends.ics"]);
    assert.match(stderr, /"ends.ics" holds 10 dates\.\n/);
    const found = await events();
    assert.equal(found.length, 10);
    const about = found.filter(({ summary }) => summary.startsWith(`${story.gun}: `));
    assert.deepEqual(about.map(({ summary }) => summary.slice(story.gun.length + 2).replace(/key \S+/, "key")).sort(), [
      '"root" ends',
      '"targets" ends',
      '"targets/releases" ends',
      '"targets/signpath" ends',
      "the certificate of key (root) ends",
      "the certificate of key (targets/releases, targets/signpath) ends",
    ]);
    const { roles } = documentIn((await story.succeed(["status", "-r", story.gun, "--json"])).stdout);
    const releases = roles.find(({ role }: { role: string }) => role === "targets/releases");
    const event = about.find(({ summary }) => summary.includes('"targets/releases"'))!;
    assert.equal(event.startDate.toString(), releases.expires.slice(0, 10));
    assert.equal(event.component.getAllSubcomponents("valarm").length, 2);
    assert.match(event.description, new RegExp(`tagseal status -r ${story.gun}$`));
    before = found.map(({ uid }) => uid);
    assert.equal(new Set(before).size, 10);
  });
  await t.step("another one takes its place, and its events theirs", async () => {
    await story.succeed(["renew", "-r", story.gun]);
    await story.succeed(["status", "--calendar", "ends.ics"]);
    assert.deepEqual((await events()).map(({ uid }) => uid).sort(), before.sort());
  });
  await t.step("another file is not replaced", async () => {
    await Deno.writeTextFile(story.path("notes.ics"), "BEGIN:VCALENDAR\r\nPRODID:-//mine//EN\r\nEND:VCALENDAR\r\n");
    story.calls.length = 0;
    await story.fail(6, ["status", "-r", other, "--calendar", "notes.ics"], [
      '"notes.ics" exists already, and is no calendar that was written here',
    ]);
    assert.deepEqual(story.calls, []);
  });
});

Deno.test("an export is read without a name: status, list, inspect", async (t) => {
  const { story, other } = await fleet();
  await using _ = story;
  await Deno.writeTextFile(story.path("names"), `${story.gun}\n${other}\n`);
  await story.succeed(["export", "--repositories-from", "names", "--output-artifact-path", "trust.zip"]);
  story.calls.length = 0;
  const both = [story.gun, other].sort();
  await t.step("list", async () => {
    const { stdout } = await story.succeed(["list", "--from", "trust.zip"]);
    assert.match(stdout, new RegExp(`^${story.gun}:v1 sha256:[0-9a-f]{64} signpath\n$`));
  });
  await t.step("inspect", async () => {
    const { repositories } = documentIn((await story.succeed(["inspect", "--from", "trust.zip", "--json"])).stdout);
    assert.deepEqual(repositories.map(({ repository }: { repository: string }) => repository).sort(), both);
    const { stdout } = await story.succeed(["inspect", "--from", "trust.zip", "--format", "docker"]);
    assert.deepEqual(JSON.parse(stdout).map(({ Name }: { Name: string }) => Name).sort(), both);
  });
  await t.step("status", async () => {
    const { stdout } = await story.succeed(["status", "--from", "trust.zip", "--summary"]);
    assert.equal(stdout.match(/^trusted /gm)?.length, 2);
    const one = documentIn((await story.succeed(["status", "--from", "trust.zip", "-r", other, "--json"])).stdout);
    assert.deepEqual([one.repository, one.managedBy.snapshot, one.trusted], [other, "unknown", true]);
  });
  assert.deepEqual(story.calls, [], "nobody was asked");
  await t.step("inspect of several at the server", async () => {
    const { stdout } = await story.succeed(["inspect", "--repositories-from", "names"]);
    for (const gun of both) assert.match(stdout, new RegExp(`^${gun}$`, "m"));
    assert.equal(JSON.parse((await story.succeed(["inspect", "-r", other, "--json"])).stdout).repository, other);
  });
  await t.step("the server is out of reach: status says so, and does not tell of the copy", async () => {
    story.between = () => Promise.reject(new TypeError("tcp connect error: Connection refused"));
    await story.fail(5, ["status", "-r", story.gun], ["nobody answers on that port"]);
  });
});
