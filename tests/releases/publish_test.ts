/** The release repository as its users see it: tuf-js fetches from it over HTTP. */
import assert from "node:assert/strict";
import { text, utf8 } from "../../lib/bytes/bytes.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import { openReleaseSigners, publishRelease, renewReleases, rotateReleaseKey } from "../../lib/releases/publish.ts";
import { RELEASE_ROLES } from "../../lib/releases/keys.ts";
import { ROOT_SOURCE, rootSource } from "../../lib/releases/root_source.ts";
import { chooseRelease } from "../../lib/updates/choose.ts";
import { followReleases } from "../../lib/updates/follow.ts";
import { RELEASE_ROOT, RELEASE_URL } from "../../lib/updates/release_root.ts";
import { beforeWrites } from "../faults/disk.ts";
import { failsWith } from "../support/failures.ts";
import { ReleaseWorld } from "../support/releases.ts";

/** tuf-js leaves the answer of what is not there unread. */
function releaseTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeResources: false });
}

const DAY_MS = 86_400_000;

releaseTest("releases: tuf-js fetches each version that was released, and nothing that was not", async () => {
  await using world = new ReleaseWorld();
  await world.begin();
  assert.equal(await world.release("1.0.0", "one"), true);
  assert.equal(await world.release("1.1.0", "two"), true);
  assert.deepEqual(world.names(), [
    ...["1.root.json", "1.snapshot.json", "1.targets.json"],
    ...["2.snapshot.json", "2.targets.json", "timestamp.json"],
  ]);
  using client = world.client(world.root());
  assert.equal(await client.fetch("1.0.0/tagseal"), "one");
  assert.equal(await client.fetch("1.1.0/tagseal"), "two");
  assert.ok(world.asked.includes(`/targets/1.1.0/${sha256Hex(utf8("two"))}.tagseal`), world.asked.join("\n"));
  await assert.rejects(client.fetch("1.2.0/tagseal"), /There is no target/);
  const target = `${world.folder.folder}/targets/1.1.0/${sha256Hex(utf8("two"))}.tagseal`;
  await Deno.writeTextFile(target, "twO");
  await assert.rejects(client.fetch("1.1.0/tagseal"), /hash|Hash/);
});

releaseTest("releases: the client of this project reads them, too", async () => {
  await using world = new ReleaseWorld();
  await world.begin();
  await world.release("1.0.0", "one");
  const read = (name: string) => Deno.readFile(`${world.folder.folder}/metadata/${name}`).catch(() => undefined);
  const server = { address: "here", metadata: read, target: () => Promise.reject(new Error("not asked for")) };
  const targets = await followReleases(world.root(), new Map(), server);
  const { newer } = chooseRelease(targets, { form: "deno", version: "0.9.0", deno: "2.9.6" });
  assert.equal(newer?.path, `1.0.0/${sha256Hex(utf8("one"))}.tagseal`);
});

releaseTest(
  "releases: the same once more changes nothing, another content under a released name is refused",
  async () => {
    await using world = new ReleaseWorld();
    await world.begin();
    await world.release("1.0.0", "one");
    const before = world.names().map((name) => Deno.readTextFileSync(`${world.folder.folder}/metadata/${name}`));
    assert.equal(await world.release("1.0.0", "one"), false);
    await failsWith(world.release("1.0.0", "ONE"), "exists", '"1.0.0/tagseal" has been released already');
    assert.deepEqual(
      world.names().map((name) => Deno.readTextFileSync(`${world.folder.folder}/metadata/${name}`)),
      before,
    );
  },
);

for (const role of RELEASE_ROLES) {
  releaseTest(
    `releases: a new ${role} key is followed, by who trusts the first root and by who knows the releases`,
    async () => {
      await using world = new ReleaseWorld();
      await world.begin();
      await world.release("1.0.0", "one");
      using known = world.client(world.root());
      assert.equal(await known.fetch("1.0.0/tagseal"), "one");
      const [before] = [await world.published()];
      await rotateReleaseKey(world.publisher, before, role);
      const after = await world.published();
      const ids = (of: typeof before) => of.root.signed.roles[role]!.keyIDs;
      assert.notDeepEqual(ids(after), ids(before));
      assert.equal(after.root.signed.version, 2);
      assert.ok(!Object.hasOwn(after.root.signed.keys, ids(before)[0]!), "a key that nobody uses is not listed");
      using fresh = world.client(world.root());
      for (const client of [known, fresh]) assert.equal(await client.fetch("1.0.0/tagseal"), "one");
      assert.equal(await world.release("1.1.0", "two"), true, "the new key signs");
      for (const client of [known, fresh]) assert.equal(await client.fetch("1.1.0/tagseal"), "two");
    },
  );
}

releaseTest("releases: a threshold is kept to; keys that are elsewhere are named, and nothing is written", async () => {
  await using world = new ReleaseWorld();
  await world.begin({ root: { keys: 3, threshold: 2 }, targets: { keys: 2, threshold: 2 } });
  await world.release("1.0.0", "one");
  const { root, targets } = await world.published();
  assert.deepEqual([root.signed.roles["root"]!.threshold, root.signed.roles["root"]!.keyIDs.length], [2, 3]);
  assert.equal(Object.keys(root.signatures).length, 3, "each new root key shows that it is there");
  assert.equal(Object.keys(targets!.signatures).length, 2);
  const held = await world.keys.list();
  const without = (role: string, left: number) =>
    held.filter((key) => key.role !== role).concat(held.filter((key) => key.role === role).slice(0, left));
  world.keys = { ...world.keys, list: () => Promise.resolve(without("root", 2)) };
  await rotateReleaseKey(world.publisher, await world.published(), "timestamp");
  using client = world.client(world.root());
  assert.equal(await client.fetch("1.0.0/tagseal"), "one");
  const before = world.names();
  const files = (await createFileKeyStore(`${world.dir}/keys`, () => Promise.reject(new Error())).list()).length;
  world.keys = { ...world.keys, list: () => Promise.resolve(without("root", 1)) };
  const missing = "The root role of the releases wants 2 of its 3 keys, and 1 is here; missing: ";
  await failsWith(rotateReleaseKey(world.publisher, await world.published(), "root"), "not-found", missing);
  await failsWith(world.begin({ root: { keys: 1, threshold: 2 } }), "usage", "cannot want 2 of 1 keys");
  assert.deepEqual(world.names(), before);
  assert.equal((await createFileKeyStore(`${world.dir}/keys`, () => Promise.reject(new Error())).list()).length, files);
});

releaseTest("releases: what ends is renewed by a machine with two keys, and by people once a year", async () => {
  await using world = new ReleaseWorld();
  const today = world.now;
  await world.begin();
  await world.release("1.0.0", "one");
  const after = (days: number) => new Date(today.getTime() + days * DAY_MS);
  const held = await world.keys.list();
  world.keys = {
    ...world.keys,
    list: () => Promise.resolve(held.filter(({ role }) => role === "snapshot" || role === "timestamp")),
  };
  const renew = async (days: number, ...also: ("root" | "targets")[]) => {
    world.now = after(days);
    return await renewReleases(world.publisher, await world.published(), also);
  };
  assert.deepEqual(await renew(1), { renewed: ["timestamp"], due: [] });
  assert.deepEqual(await renew(16), { renewed: ["snapshot", "timestamp"], due: [] });
  const { renewed, due } = await renew(310);
  assert.deepEqual(renewed, ["snapshot", "timestamp"]);
  assert.deepEqual(due.map(({ role }) => role), ["root", "targets"]);
  await failsWith(
    renew(311, "root"),
    "not-found",
    "The root role of the releases wants 1 of its 1 keys, and 0 are here",
  );
  world.keys = { ...world.keys, list: () => Promise.resolve(held) };
  assert.deepEqual(await renew(312, "root", "targets"), {
    renewed: ["root", "targets", "snapshot", "timestamp"],
    due: [],
  });
  const now = await world.published();
  assert.deepEqual([now.root, now.targets, now.snapshot, now.timestamp].map((metadata) => metadata!.signed.version), [
    2,
    2,
    4,
    5,
  ]);
  using client = world.client(world.root());
  assert.equal(await client.fetch("1.0.0/tagseal"), "one");
});

releaseTest("releases: a repository that somebody changed is not signed on", async () => {
  await using world = new ReleaseWorld();
  await world.begin();
  await world.release("1.0.0", "one");
  const metadata = `${world.folder.folder}/metadata`;
  const whole = new Map(world.names().map((name) => [name, Deno.readTextFileSync(`${metadata}/${name}`)]));
  const rows: [string, (source: string) => string, string][] = [
    ["1.targets.json", (source) => source.replace('"1.0.0/tagseal"', '"9.0.0/tagseal"'), '"1.targets.json"'],
    ["1.snapshot.json", (source) => source.replace('"version": 1', '"version": 2'), '"1.snapshot.json"'],
    [
      "timestamp.json",
      (source) => source.replace(/"expires": "2/, '"expires": "3'),
      "timestamp was signed by 0/1 keys",
    ],
    ["1.root.json", (source) => source.replace('"threshold": 1', '"threshold": 2'), "root was signed by 0/2 keys"],
    ["timestamp.json", () => "{", '"timestamp.json"'],
  ];
  for (const [name, change, words] of rows) {
    const changed = change(whole.get(name)!);
    assert.notEqual(changed, whole.get(name));
    await Deno.writeTextFile(`${metadata}/${name}`, changed);
    await failsWith(world.release("1.1.0", "two"), "trust-invalid", "is not to be signed on", words);
    await Deno.writeTextFile(`${metadata}/${name}`, whole.get(name)!);
  }
  await failsWith(world.folder.read(utf8("{}")), "trust-invalid", "lib/updates/release_root.ts is none of this");
  assert.ok(await world.folder.read(world.root()));
  await Deno.remove(`${metadata}/1.snapshot.json`);
  await failsWith(world.published(), "trust-invalid", '"1.snapshot.json"', "it is missing");
});

releaseTest("releases: ended between new root and new timestamp, the next run goes on", async () => {
  await using world = new ReleaseWorld();
  await world.begin();
  await world.release("1.0.0", "one");
  const timestamp = await Deno.readTextFile(`${world.folder.folder}/metadata/timestamp.json`);
  await rotateReleaseKey(world.publisher, await world.published(), "timestamp");
  await Deno.writeTextFile(`${world.folder.folder}/metadata/timestamp.json`, timestamp);
  await renewReleases(world.publisher, await world.published());
  using client = world.client(world.root());
  assert.equal(await client.fetch("1.0.0/tagseal"), "one");
  const published = await world.published();
  const signers = await openReleaseSigners(world.keys, published.root);
  assert.equal(await publishRelease(world.publisher, published, [], signers), false);
});

releaseTest("releases: where a write fails, users have the old releases, and the next run goes on", async () => {
  await using world = new ReleaseWorld();
  await world.begin();
  await world.release("1.0.0", "one");
  using client = world.client(world.root());
  const files = ["2.targets.json", "2.snapshot.json", "timestamp.json"];
  for (const [nth, name] of files.entries()) {
    let left = nth;
    {
      using _ = beforeWrites(() => {
        if (left-- === 0) throw new Error("No space left on device");
      });
      await failsWith(world.release("1.1.0", "two"), "bad-input", name, "No space left on device");
    }
    assert.equal(await client.fetch("1.0.0/tagseal"), "one");
    await assert.rejects(client.fetch("1.1.0/tagseal"), /There is no target/);
  }
  const left = `${world.folder.folder}/metadata/timestamp.json.01234567.tmp`; // as after a kill
  await Deno.writeTextFile(left, "");
  await Deno.utime(left, new Date(Date.now() - 61_000), new Date(Date.now() - 61_000));
  assert.equal(await world.release("1.1.0", "two"), true);
  assert.equal(await client.fetch("1.1.0/tagseal"), "two");
  assert.deepEqual(world.names(), ["1.root.json", "1.snapshot.json", "1.targets.json", ...files.toSorted()]);
});

releaseTest("releases: the source of the first root is what is written, whatever stands in it", async () => {
  const path = new URL(`../../${ROOT_SOURCE}`, import.meta.url);
  assert.equal(await Deno.readTextFile(path), rootSource(RELEASE_ROOT, RELEASE_URL));
  await using world = new ReleaseWorld();
  await world.begin();
  const file = `${world.dir}/root.ts`;
  await Deno.writeTextFile(file, rootSource(text(world.root()), "https://releases.example.com/"));
  const module = await import(`file://${file}`);
  assert.equal(module.RELEASE_ROOT, text(world.root()));
  assert.equal(module.RELEASE_URL, "https://releases.example.com/");
});
