/** `tagseal diff` and `list --since`: what was added, moved and withdrawn, and which keys came and went. */
import assert from "node:assert/strict";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { given, peersInMemory, Story } from "../support/local_story.ts";

const T0 = Date.UTC(2026, 10, 1, 8);
const DAY = 86_400_000;
const KEY_ID = /^[0-9a-f]{64}$/;

interface Change {
  tag: string;
  change: string;
  from: string | null;
  to: string | null;
  roles: string[];
}
interface Role {
  role: string;
  change: string;
  addedKeyIds: string[];
  removedKeyIds: string[];
}
interface Difference {
  repository: string;
  before?: { file: string; version: number };
  after?: { file?: string; version: number };
  tags: Change[];
  roles: Role[];
}
interface Events {
  complete: boolean;
  events: { version: number; at: string; tags: Change[]; roles: Role[] }[];
  untrusted?: { version: number; reason: string }[];
}

const BOTH = ["targets/releases", "targets/signpath"];

/** A month of a repository: signed, exported, moved and added to, withdrawn, a signer let in; a day lies between. */
class Month {
  readonly digests: Record<string, string> = {};

  private constructor(readonly story: Story, readonly clock: { at: number }) {}

  static async live(): Promise<Month> {
    const clock = { at: T0 };
    const month = new Month(await Story.begin(await peersInMemory({ now: () => new Date(clock.at) })), clock);
    const { story } = month;
    await story.push("v1");
    await story.push("v2");
    await month.succeed(["init", "-r", story.gun, "--delegation-certificate", "signpath.cer"]);
    const run = async (...args: string[]) => {
      clock.at += DAY;
      await month.succeed(args);
    };
    await run("sign", "-r", story.gun, "-t", "v1,v2");
    await run("export", "-r", story.gun, "--output-artifact-path", "old.zip");
    month.digests["old v1"] = await month.digestOf("v1");
    month.digests["v2"] = await month.digestOf("v2");
    month.digests["v1"] = await story.push("v1", "another v1");
    month.digests["v3"] = await story.push("v3");
    await run("sign", "-r", story.gun, "-t", "v1,v3");
    await run("remove-tag", "-r", story.gun, "-t", "v2");
    const now = new Date(clock.at);
    const bob = { commonName: "Bob", algorithm: "ecdsa-p256", now, days: 30 } as const;
    await given(story, "bob.cer", (await createSigningCertificate(bob)).certificatePem);
    await run("add-delegation", "-r", story.gun, "--delegation", "bob", "--delegation-certificate", "bob.cer");
    await run("export", "-r", story.gun, "--output-artifact-path", "new.zip");
    return month;
  }

  get host() {
    return { host: { now: () => new Date(this.clock.at) } };
  }

  succeed(args: readonly string[]) {
    return this.story.succeed(args, this.host);
  }

  async digestOf(tag: string): Promise<string> {
    const { tags } = (await this.succeed(["list", "-r", this.story.gun, "--json"])).json<
      { tags: { tag: string; digest: string }[] }
    >();
    return tags.find((one) => one.tag === tag)!.digest;
  }

  async json<T>(...args: string[]): Promise<T> {
    return (await this.succeed([...args, "--json"])).json<T>();
  }
}

Deno.test("history: what has changed between two exports, since one, and since a day", async (t) => {
  const month = await Month.live();
  await using story = month.story;
  const { gun } = story;
  const [oldV1, v1, v2, v3] = [
    month.digests["old v1"]!,
    month.digests["v1"]!,
    month.digests["v2"]!,
    month.digests["v3"]!,
  ];
  const moved = { tag: "v1", change: "moved", from: oldV1, to: v1, roles: BOTH };
  const withdrawn = { tag: "v2", change: "withdrawn", from: v2, to: null, roles: BOTH };
  const added = { tag: "v3", change: "added", from: null, to: v3, roles: BOTH };

  await t.step("two exports, offline", async () => {
    story.calls.length = 0;
    const { repositories: [found] } = await month.json<{ repositories: [Difference] }>("diff", "old.zip", "new.zip");
    assert.deepEqual(story.calls, []);
    assert.deepEqual(found.tags, [moved, withdrawn, added]);
    assert.deepEqual(found.roles.map(({ role, change }) => [role, change]), [
      ["targets/releases", "changed"],
      ["targets/bob", "added"],
    ]);
    const [releases, bob] = found.roles as [Role, Role];
    assert.match(bob.addedKeyIds[0] ?? "", KEY_ID);
    assert.deepEqual(releases.addedKeyIds, bob.addedKeyIds);
    assert.deepEqual([releases.removedKeyIds, bob.removedKeyIds], [[], []]);
    assert.deepEqual([found.before?.file, found.after?.file], ["old.zip", "new.zip"]);
    assert.ok(found.before!.version < found.after!.version);
  });
  await t.step("the same, for people", async () => {
    const { stdout } = await month.succeed(["diff", "old.zip", "new.zip", "-r", gun]);
    const lines = stdout.split("\n");
    assert.deepEqual(lines.slice(0, 6), [
      gun,
      "  moved      v1  (releases, signpath)",
      `    from ${oldV1}`,
      `    to   ${v1}`,
      "  withdrawn  v2  (releases, signpath)",
      `    from ${v2}`,
    ]);
    assert.match(stdout, /^ {2}added {6}role targets\/bob: new key [0-9a-f]{7}$/m);
    assert.ok(lines.every((line) => line.length <= 80), stdout);
  });
  await t.step("one export beside the server of today", async () => {
    const found = await month.json<Difference>("diff", "old.zip", "-r", gun);
    assert.deepEqual(found.tags, [moved, withdrawn, added]);
    assert.deepEqual(found.after?.file, undefined);
    const { stdout } = await month.succeed(["diff", "new.zip"]);
    assert.equal(stdout, `${gun}: nothing has changed\n`);
  });
  await t.step("the wrong way round is said", async () => {
    const { stderr } = await month.succeed(["diff", "new.zip", "old.zip"]);
    assert.match(stderr, /is older than "new.zip".*the other way round/);
  });
  await t.step("since a day, each change with its time", async () => {
    const since = new Date(T0 + 2.5 * DAY).toISOString().replace(/\.\d+Z/, "Z");
    const { complete, events, untrusted } = await month.json<Events>("list", "-r", gun, "--since", since);
    assert.deepEqual([complete, untrusted], [true, undefined]);
    assert.deepEqual(events.map(({ tags }) => tags), [[moved, added], [withdrawn], []]);
    assert.deepEqual(events.map(({ at }) => at), [3, 4, 5].map((day) => new Date(T0 + day * DAY).toISOString()));
    assert.deepEqual(events[2]!.roles.map(({ role }) => role), ["targets/releases", "targets/bob"]);
  });
  await t.step("since before there was anything: all of it", async () => {
    const { complete, events } = await month.json<Events>("list", "-r", gun, "--since", "52w");
    assert.equal(complete, true);
    assert.deepEqual(events.map(({ tags }) => tags.map(({ change }) => change)), [
      [],
      ["added", "added"],
      ["moved", "added"],
      ["withdrawn"],
      [],
    ]);
    assert.deepEqual(events[0]!.roles.map(({ change }) => change), Array(6).fill("added"));
  });
  await t.step("since now: nothing", async () => {
    const { stdout, stderr } = await month.succeed(["list", "-r", gun, "--since", "1h"]);
    assert.equal(stdout, "");
    assert.match(stderr, /Nothing has changed in "localhost:5000\/demo\/app" since 2026-/);
  });
  await t.step("what is asked for is no time, or goes with no history", async () => {
    const list = ["list", "-r", gun, "--since"];
    for (const when of ["yesterday", "2026-13-01", "7", "2099-01-01", "-1d"]) {
      await story.fail(2, [...list.slice(0, -1), `--since=${when}`], ["is not a time in the past"], month.host);
    }
    await story.fail(2, [...list, "7d", "--all"], ["--all and --since exclude each other"], month.host);
    await story.fail(2, [...list, "7d", "--from", "old.zip"], ["--from and --since exclude each other"], month.host);
    await story.fail(2, ["diff"], ['Missing required argument "export"']);
    await story.fail(2, ["diff", "old.zip", "new.zip", "other.zip"], ["a value too many"]);
    await story.fail(2, ["diff", "old.zip", "-r", "localhost:5000/demo/none"], ["does not hold"]);
  });
});

Deno.test("history: a server cannot make one up", async (t) => {
  const month = await Month.live();
  await using story = month.story;
  const { gun } = story;
  const notServed = /\/(\d+)\.timestamp\.json$/;
  const history = async () => {
    const outcome = await story.run(["list", "-r", gun, "--since", "52w", "--json"], month.host);
    return { ...outcome, found: outcome.json<Events>() };
  };

  await t.step("an old state with a file that was changed is left out, and said", async () => {
    story.between = async (request, send) => {
      const answer = await send(request);
      const { pathname } = new URL(request.url);
      const text = await answer.clone().text();
      // One that a single state names: which of several is asked for first, chance decides.
      const isSecond = /targets\/releases\.[0-9a-f]{64}\.json$/.test(pathname) && /"version":2[,}]/.test(text);
      if (!isSecond) return answer;
      return new Response(text.replace('"expires"', '"Expires"'), { headers: answer.headers });
    };
    const { code, found, stderr } = await history();
    assert.equal(code, 3);
    assert.equal(found.untrusted?.length, 1);
    assert.match(stderr, /version \d of ".*" cannot be trusted, and is left out/);
  });
  await t.step("a version that is not shown ends the history", async () => {
    story.between = (request, send) =>
      notServed.exec(new URL(request.url).pathname)?.[1] === "3"
        ? Promise.resolve(new Response('{"errors":[{"code":"METADATA_NOT_FOUND"}]}', { status: 404 }))
        : send(request);
    const { code, found, stderr } = await history();
    assert.equal(code, 0);
    assert.equal(found.complete, false);
    assert.ok(found.events.every(({ version }) => version > 3));
    assert.match(stderr, /shows nothing of ".*" before version 4/);
  });
  const instead = (change: (text: string) => string) => {
    story.between = async (request, send) => {
      const answer = await send(request);
      if (notServed.exec(new URL(request.url).pathname)?.[1] !== "2") return answer;
      return new Response(change(await answer.text()), { headers: answer.headers });
    };
  };
  await t.step("an old timestamp that nobody signed, or of another version", async () => {
    for (
      const change of [
        (text: string) => text.replace(/"sig":"....../, '"sig":"AAAAAA'),
        (text: string) => text.replace('"version":2', '"version":1'),
        () => "{}",
      ]
    ) {
      instead(change);
      const { code, found } = await history();
      assert.equal(code, 3);
      assert.deepEqual(found.untrusted?.map(({ version }) => version), [2]);
    }
  });
  await t.step("a server that does not say when is not believed a time", async () => {
    story.between = async (request, send) => {
      const { body, status, headers } = await send(request);
      const kept = new Headers(headers);
      kept.delete("last-modified");
      return new Response(body, { status, headers: kept });
    };
    await story.fail(5, ["list", "-r", gun, "--since", "52w"], ["does not say when"], month.host);
  });
  await t.step("an export whose root does not lead on is refused", async () => {
    story.between = (request, send) => send(request);
    await using elsewhere = await Story.begin(await peersInMemory({ now: month.host.host.now }));
    await elsewhere.succeed(["init", "-r", gun], month.host);
    await elsewhere.succeed(["export", "-r", gun, "--output-artifact-path", "other.zip"], month.host);
    await given(story, "other.zip", await Deno.readFile(elsewhere.path("other.zip")));
    await story.fail(3, ["diff", "old.zip", "other.zip", "-r", gun], ["root"], month.host);
  });
});
