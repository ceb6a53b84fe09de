/** Updating from a real HTTP server: what is taken, what is asked for, and what is remembered. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { createReleaseServer } from "../../lib/updates/release_server.ts";
import { compareVersions, isVersion } from "../../lib/updates/semver.ts";
import { newKeys, singleFileOf } from "../support/release_repository.ts";
import { NEW, NEWER, OLD, UpdateWorld } from "../support/update_world.ts";

const TWO = singleFileOf("2.0.0", NEW);
const THREE = singleFileOf("3.0.0", NEWER);

Deno.test("self-update: the newest release takes the program's place, and the old one is kept", async () => {
  await using world = new UpdateWorld();
  world.repository.publish([TWO, THREE, singleFileOf("0.1.0", OLD)]);
  await Deno.chmod(world.path, 0o751);
  const { outcome, newer, previousPath } = await world.update();
  assert.deepEqual([outcome, newer?.version, previousPath], ["replaced", "3.0.0", `${world.path}.previous`]);
  assert.deepEqual(world.names(), ["tagseal", "tagseal.previous"]);
  assert.equal(await world.runs(), "3.0.0");
  assert.equal(await world.runs(previousPath!), "1.0.0");
  assert.equal((await Deno.stat(world.path)).mode! & 0o777, 0o751);
  // Once more: the file that was new is the old one then.
  world.repository.publish([singleFileOf("4.0.0", NEW)]);
  await world.update({ version: "3.0.0" });
  assert.equal(await world.runs(previousPath!), "3.0.0");
  assert.deepEqual(world.names(), ["tagseal", "tagseal.previous"]);
});

Deno.test("self-update: to look changes nothing, and asks for no file of a release", async () => {
  await using world = new UpdateWorld();
  world.repository.publish([TWO]);
  assert.equal((await world.update({ check: true })).outcome, "available");
  assert.deepEqual(await Deno.readFile(world.path), OLD);
  const all = ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"].map((name) => `metadata/${name}`);
  assert.deepEqual(world.http.asked.splice(0), all);
  assert.equal((await world.update({ check: true, version: "2.0.0" })).outcome, "unchanged");
  assert.deepEqual(world.http.asked, all.slice(0, 2), "what is known is not asked for again");
});

Deno.test("self-update: roots are followed from the first one, and those that are known are not asked for", async () => {
  await using world = new UpdateWorld();
  for (let i = 0; i < 3; i++) world.repository.publishRoot(newKeys());
  world.repository.publish([TWO]);
  await world.update({ check: true });
  assert.deepEqual(world.http.asked.splice(0).slice(0, 4).map((path) => path[9]), ["2", "3", "4", "5"]);
  world.repository.publishRoot(newKeys());
  world.repository.publish([THREE]);
  assert.equal((await world.update()).newer?.version, "3.0.0");
  assert.deepEqual(world.http.asked.slice(0, 2), ["metadata/5.root.json", "metadata/6.root.json"]);
  world.firstRoot = world.repository.root(3);
  assert.equal((await world.update({ check: true })).newer?.version, "3.0.0", "a newer program begins further on");
});

Deno.test("self-update: a release that wants a newer Deno is left out, and told of", async () => {
  await using world = new UpdateWorld();
  world.repository.publish([singleFileOf("2.0.0", NEW, { oldestDeno: "2.9" }), {
    ...THREE,
    custom: { ...THREE.custom, oldestDeno: "2.10" },
  }]);
  const found = await world.update({ check: true });
  assert.deepEqual([found.newer?.version, found.outOfReach?.version], ["2.0.0", "3.0.0"]);
  const newest = await world.update({ check: true, deno: "2.10.0" });
  assert.deepEqual([newest.newer?.version, newest.outOfReach?.version], ["3.0.0", undefined]);
  const none = await world.update({ check: true, version: "2.0.0" });
  assert.deepEqual([none.outcome, none.outOfReach?.version], ["unchanged", "3.0.0"]);
});

Deno.test("self-update: pre-releases are for those who run one", async () => {
  await using world = new UpdateWorld();
  world.repository.publish([singleFileOf("2.0.0-rc.1", NEW)]);
  assert.equal((await world.update({ check: true })).outcome, "unchanged");
  assert.equal((await world.update({ check: true, version: "2.0.0-beta" })).newer?.version, "2.0.0-rc.1");
});

Deno.test("self-update: a compiled program takes its own form", async () => {
  await using world = new UpdateWorld();
  const form = "x86_64-pc-windows-msvc";
  const custom = { version: "3.0.0", form };
  world.repository.publish([TWO, { path: `3.0.0/tagseal-${form}.exe`, bytes: NEWER, custom }]);
  assert.equal((await world.update({ form })).newer?.version, "3.0.0");
  assert.equal(await world.runs(), "3.0.0");
});

Deno.test("self-update: Ctrl-C at each file leaves the old one, and the next time it works", async () => {
  const names = ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", "tagseal"];
  await using world = new UpdateWorld();
  world.repository.publish([TWO]);
  for (const name of names) {
    const interruption = new AbortController();
    world.http.between = (path) => {
      if (path.endsWith(name)) interruption.abort(new Error(`interrupted at ${name}`));
      return undefined;
    };
    await Deno.remove(world.kept, { recursive: true }).catch(() => {});
    await assert.rejects(world.update({ signal: interruption.signal }), { message: `interrupted at ${name}` });
    assert.equal(await world.runs(), "1.0.0");
    assert.deepEqual(world.names(), ["tagseal"]);
  }
  world.http.between = () => undefined;
  await world.update();
  assert.equal(await world.runs(), "2.0.0");
});

Deno.test("self-update: where nothing can be remembered it says so, and trust begins with the program's root", async () => {
  await using world = new UpdateWorld();
  world.repository.publish([TWO]);
  await Deno.writeFile(`${world.folder}/.docker`, utf8("a file"));
  assert.equal((await world.update()).outcome, "replaced");
  assert.equal(world.notKept.length, 1);
  assert.match(world.notKept[0]!, /cannot be locked/);
});

Deno.test("self-update: what lies damaged in its folder is no reason to fail", async () => {
  await using world = new UpdateWorld();
  world.repository.publishRoot();
  world.repository.publish([TWO]);
  await world.update({ check: true });
  const kept = [...Deno.readDirSync(world.kept)].map(({ name }) => name).filter((name) => name.endsWith(".json"));
  assert.deepEqual(kept.sort(), ["2.root.json", "snapshot.json", "targets.json", "timestamp.json"]);
  for (const name of kept) {
    const whole = await Deno.readFile(`${world.kept}/${name}`);
    await Deno.writeFile(`${world.kept}/${name}`, whole.slice(0, 100));
    assert.equal((await world.update({ check: true })).outcome, "available", name);
    assert.deepEqual(await Deno.readFile(`${world.kept}/${name}`), whole);
  }
});

Deno.test("self-update: a server without releases, and one that fails, are told of as such", async () => {
  await using world = new UpdateWorld();
  await world.refuses("unavailable", ['does not have "timestamp.json"']);
  world.repository.publish([TWO]);
  world.repository.files.delete("metadata/1.targets.json");
  await world.refuses("unavailable", ['does not have "1.targets.json"']);
  world.http.between = () => new Response("no", { status: 500 });
  await world.refuses("unavailable", ['answers 500 to "metadata/2.root.json"']);
  world.http.between = (path) => path.startsWith("targets/") ? new Response(null, { status: 403 }) : undefined;
  world.repository.publish([TWO]);
  await world.refuses("unavailable", ["which its metadata names"]);
});

Deno.test("self-update: the repository may lie below a path, with and without a slash at its end", async () => {
  const asked: string[] = [];
  for (const address of ["https://example.com/a/b", "https://example.com/a/b/", "https://example.com/a/b?c#d"]) {
    const server = createReleaseServer({
      send: (request) => {
        asked.push(request.url);
        return Promise.resolve(new Response("1"));
      },
      url: new URL(address),
      retry: { budgetMs: 0, sleep: () => Promise.resolve(), now: () => new Date() },
    });
    await server.metadata("timestamp.json", 1);
    await server.target("1.0.0/a.tagseal", 1);
  }
  const base = "https://example.com/a/b";
  assert.deepEqual([...new Set(asked)], [`${base}/metadata/timestamp.json`, `${base}/targets/1.0.0/a.tagseal`]);
});

Deno.test("versions: in the order of Semantic Versioning", () => {
  const order = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"];
  const all = [...order, "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"];
  assert.deepEqual(all.toReversed().sort(compareVersions), all);
  assert.equal(compareVersions("1.0.0+a", "1.0.0+b"), 0);
  for (const text of all) assert.ok(isVersion(text), text);
  for (const text of ["", "1", "1.0", "01.0.0", "v1.0.0", "1.0.0-", "1.0.0\n", "1.0.0/..", "9999999999.0.0"]) {
    assert.ok(!isVersion(text), text);
  }
});
