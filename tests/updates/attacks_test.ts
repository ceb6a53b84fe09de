/** Attacks on the update, by name: each over HTTP, and each leaves the program as it was. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { inDays, newKey, newKeys, singleFileOf } from "../support/release_repository.ts";
import { NEW, NEWER, OLD, UpdateWorld } from "../support/update_world.ts";

const CHECK = { check: true };
const TWO = singleFileOf("2.0.0", NEW);
const THREE = singleFileOf("3.0.0", NEWER);
/** As long as the release, and something else. */
const EVIL: Bytes = utf8("#!/bin/sh\necho evil!\n");

/** The world has released version 2.0.0. */
function attack(name: string, run: (world: UpdateWorld) => Promise<void>): void {
  Deno.test(`attack on the update: ${name}`, async () => {
    await using world = new UpdateWorld();
    world.repository.publish([TWO]);
    await run(world);
  });
}

/** Has the server answer to paths that `pattern` matches. */
function answers(world: UpdateWorld, pattern: RegExp, answer: () => Response): void {
  world.http.between = (path) => pattern.test(path) ? answer() : undefined;
}

/** Every file of metadata as it is now. */
function now({ repository }: UpdateWorld): Map<string, Bytes> {
  return new Map(repository.files);
}

function endless(first: Uint8Array = new Uint8Array(0)): Response {
  return new Response(
    new ReadableStream({
      start: (controller) => controller.enqueue(first),
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
    }),
  );
}

attack("an old state replayed: rollback of the timestamp", async (world) => {
  const old = now(world);
  world.repository.publish([THREE]);
  await world.update(CHECK);
  world.http.between = (path) => old.has(path) ? new Response(old.get(path)!) : new Response(null, { status: 404 });
  await world.refuses("trust-invalid", ['("timestamp.json")', "version 1 is less than current version 2"]);
});

attack("timestamp key stolen: rollback of the snapshot", async (world) => {
  world.repository.publish([THREE]);
  await world.update(CHECK);
  world.repository.publish([TWO], { versions: { timestamp: 9, snapshot: 1, targets: 1 } });
  await world.refuses("trust-invalid", ['("timestamp.json")', "snapshot version 1 is less than current version 2"]);
});

attack("timestamp and snapshot keys stolen: rollback of targets", async (world) => {
  world.repository.publish([THREE]);
  await world.update(CHECK);
  world.repository.publish([TWO], { versions: { timestamp: 9, snapshot: 9, targets: 1 } });
  await world.refuses("trust-invalid", ['("snapshot.json")', "1 of targets.json is less than current version 2"]);
});

attack("mix and match: targets of another state under this one's name", async (world) => {
  const old = world.repository.files.get("metadata/1.targets.json")!;
  world.repository.publish([THREE]);
  answers(world, /2\.targets\.json$/, () => new Response(old));
  await world.refuses("trust-invalid", ['("targets.json")', "Expected"]);
});

attack("mix and match: a snapshot of another state", async (world) => {
  const old = world.repository.files.get("metadata/1.snapshot.json")!;
  world.repository.publish([THREE]);
  answers(world, /2\.snapshot\.json$/, () => new Response(old));
  await world.refuses("trust-invalid", ['("snapshot.json")', "Expected"]);
});

attack("two timestamps of one version: who has seen one is not given another", async (world) => {
  await world.update(CHECK);
  world.repository.publish([singleFileOf("9.0.0", EVIL)], { versions: { timestamp: 1, snapshot: 7, targets: 7 } });
  assert.equal((await world.update(CHECK)).newer?.version, "2.0.0");
});

attack("a snapshot that lists no targets", async (world) => {
  world.repository.publish([THREE], { listed: "other.json" });
  await world.refuses("trust-invalid", ['("snapshot.json")', 'It does not list "targets.json"']);
});

attack("freeze: the timestamp has expired, at the first contact", async (world) => {
  world.repository.publish([THREE], { expires: { timestamp: inDays(-1) } });
  const { remedy } = await world.refuses("trust-invalid", ['("timestamp.json")', "timestamp.json is expired"]);
  assert.match(remedy, /clock.*holding newer releases back/);
});

attack("freeze: the timestamp that is known is served for ever", async (world) => {
  world.repository.publish([TWO], { expires: { timestamp: inDays(-1) } });
  await Deno.mkdir(world.kept, { recursive: true });
  const known = world.repository.files.get("metadata/timestamp.json")!;
  await Deno.writeFile(`${world.kept}/timestamp.json`, known);
  await world.refuses("trust-invalid", ["timestamp.json is expired"]);
});

attack("freeze: targets, snapshot or root have expired", async (world) => {
  world.repository.publish([THREE], { expires: { targets: inDays(-1) } });
  await world.refuses("trust-invalid", ['("targets.json")', "targets.json is expired"]);
  world.repository.publish([THREE], { expires: { snapshot: inDays(-1) } });
  await world.refuses("trust-invalid", ['("snapshot.json")', "snapshot.json is expired"]);
  world.repository.publishRoot(world.repository.keys, { expires: inDays(-1) });
  world.repository.publish([THREE]);
  await world.refuses("trust-invalid", ["root.json is expired"]);
});

attack("a tampered file of the same length", async (world) => {
  assert.equal(EVIL.length, NEW.length);
  answers(world, /^targets\//, () => new Response(EVIL));
  await world.refuses("trust-invalid", ['"2.0.0/tagseal" is not what the metadata says', "Expected hash"]);
});

attack("a truncated file, whose end is honest or is cut", async (world) => {
  answers(world, /^targets\//, () => new Response(NEW.slice(0, 9)));
  await world.refuses("trust-invalid", ["Expected length 21 but got 9"]);
  answers(world, /^targets\//, () => {
    const cut = new ReadableStream({
      start: (controller) => controller.enqueue(NEW.slice(0, 9)),
      pull: (controller) => controller.error("this server cuts the connection"),
    });
    return new Response(cut, { headers: { "content-length": `${NEW.length}` } });
  });
  await world.refuses("unavailable", ["the connection was cut"]);
});

attack("endless data: of the file, and of each file of metadata", async (world) => {
  const rows: [RegExp, number][] = [
    [/^targets\//, NEW.length],
    [/timestamp\.json/, 16_384],
    [/1\.snapshot\.json/, world.repository.files.get("metadata/1.snapshot.json")!.length],
    [/1\.targets\.json/, world.repository.files.get("metadata/1.targets.json")!.length],
    [/2\.root\.json/, 512_000],
  ];
  for (const [pattern, most] of rows) {
    await using each = new UpdateWorld();
    each.repository.publish([TWO]);
    answers(each, pattern, () => endless(NEW));
    await each.refuses("unavailable", [`too long: at most ${most} bytes`]);
  }
});

attack("slow retrieval: the server hangs, or drips", async (world) => {
  let over = () => {};
  const hanging = new Promise<undefined>((resolve) => over = () => resolve(undefined));
  world.http.between = (path) => path.startsWith("targets/") ? hanging : undefined;
  await world.refuses("unavailable", ["no complete answer within"], { timeoutMs: 300 });
  over();
  answers(world, /^targets\//, () => {
    let drip: ReturnType<typeof setInterval>;
    return new Response(
      new ReadableStream({
        start: (controller) => void (drip = setInterval(() => controller.enqueue(new Uint8Array(1)), 50)),
        cancel: () => clearInterval(drip),
      }),
    );
  });
  await world.refuses("unavailable", ["no complete answer within"], { timeoutMs: 300 });
});

attack("wrong signer: of targets, of the snapshot, of the timestamp", async (world) => {
  for (const role of ["targets", "snapshot", "timestamp"] as const) {
    world.repository.publish([singleFileOf("9.0.0", EVIL)], { signers: { [role]: newKey() } });
    await world.refuses("trust-invalid", [`("${role}.json")`, `${role} was signed by 0/1 keys`]);
  }
  // One role's key is no other role's.
  const { timestamp } = world.repository.keys;
  world.repository.publish([singleFileOf("9.0.0", EVIL)], { signers: { targets: timestamp, snapshot: timestamp } });
  await world.refuses("trust-invalid", ["snapshot was signed by 0/1 keys"]);
});

attack("a root that the root before it has not signed", async (world) => {
  const keys = newKeys();
  world.repository.publishRoot(keys, { signers: [keys.root] });
  world.repository.publish([singleFileOf("9.0.0", EVIL)]);
  await world.refuses("trust-invalid", ['("2.root.json")', "root was signed by 0/1 keys"]);
});

attack("a root that has not signed itself", async (world) => {
  const old = world.repository.keys.root;
  world.repository.publishRoot(newKeys(), { signers: [old] });
  await world.refuses("trust-invalid", ['("2.root.json")', "root was signed by 0/1 keys"]);
});

attack("a gap in the rotation of root: left out, or jumped over", async (world) => {
  world.repository.publishRoot(newKeys());
  world.repository.publishRoot(newKeys());
  world.repository.publish([THREE]);
  const third = world.repository.root(3);
  world.repository.files.delete("metadata/2.root.json");
  await world.refuses("trust-invalid", ['("timestamp.json")', "was signed by 0/1 keys"]);
  world.repository.files.set("metadata/2.root.json", third);
  await world.refuses("trust-invalid", ['("2.root.json")', "root was signed by 0/1 keys"]);
});

attack("a root with a number that is not its turn", async (world) => {
  world.repository.publishRoot(newKeys(), { version: 3, name: 2 });
  await world.refuses("trust-invalid", ['("2.root.json")', "Expected version 2, got 3"]);
});

attack("the newest root is hidden from who has seen it, for its old keys were stolen", async (world) => {
  const stolen = world.repository.keys;
  world.repository.publishRoot(newKeys());
  world.repository.publish([TWO]);
  await world.update(CHECK);
  world.repository.files.delete("metadata/2.root.json");
  world.repository.keys = stolen;
  world.repository.publish([singleFileOf("9.0.0", EVIL)]);
  await world.refuses("trust-invalid", ['("timestamp.json")', "was signed by 0/1 keys"]);
});

attack("fast-forward: stolen keys sign the highest versions, and a new root recovers from it", async (world) => {
  const { repository } = world;
  const far = 2 ** 31 - 1;
  repository.publish([TWO], { versions: { timestamp: far, snapshot: far } });
  await world.update(CHECK);
  repository.publish([THREE]);
  await world.refuses("trust-invalid", ["is less than current version"]);
  // The keys of root and targets are as they were.
  repository.publishRoot({ ...repository.keys, timestamp: newKey(), snapshot: newKey() });
  repository.publish([THREE]);
  assert.equal((await world.update()).newer?.version, "3.0.0");
  assert.equal(await world.runs(), "3.0.0");
});

attack("fast-forward of the snapshot alone: replacing its key is enough", async (world) => {
  const { repository } = world;
  repository.publish([TWO], { versions: { snapshot: 2 ** 31 - 1 } });
  await world.update(CHECK);
  repository.publishRoot({ ...repository.keys, snapshot: newKey() });
  repository.publish([THREE]);
  assert.equal((await world.update(CHECK)).newer?.version, "3.0.0");
});

attack("another repository, sound in itself", async (world) => {
  await using other = new UpdateWorld();
  other.repository.publish([singleFileOf("9.0.0", EVIL)]);
  world.firstRoot = other.firstRoot;
  await world.refuses("trust-invalid", ['("timestamp.json")', "timestamp was signed by 0/1 keys"]);
});

attack("a planted copy of trust: what lies in the folder is nobody's root", async (world) => {
  await using other = new UpdateWorld();
  other.repository.publishRoot();
  other.repository.publish([singleFileOf("9.0.0", EVIL)]);
  await Deno.mkdir(world.kept, { recursive: true });
  const metadata = [...other.repository.files].filter(([path]) => path.startsWith("metadata/"));
  for (const [path, bytes] of metadata) {
    await Deno.writeFile(`${world.kept}/${path.slice("metadata/".length)}`, bytes);
    await Deno.writeFile(`${world.kept}/${path.replace(/metadata\/\d+\./, "")}`.replace("metadata/", ""), bytes);
  }
  assert.equal((await world.update(CHECK)).newer?.version, "2.0.0");
});

attack("a downgrade: only older versions are named, or the same one", async (world) => {
  const rows = [singleFileOf("0.9.0", EVIL), singleFileOf("1.0.0", EVIL), singleFileOf("1.0.0-rc.9", EVIL)];
  world.repository.publish(rows);
  assert.deepEqual(await world.update(), { outcome: "unchanged", newer: undefined, outOfReach: undefined });
  assert.deepEqual(await Deno.readFile(world.path), OLD);
});

attack("a downgrade by its metadata: an old file is named as a new version", async (world) => {
  const custom = { version: "9.0.0", form: "deno" };
  world.repository.publish([{ path: "0.9.0/tagseal", bytes: EVIL, custom }]);
  await world.refuses("trust-invalid", ['"0.9.0/tagseal" is not what', "said to be version 9.0.0"]);
});

attack("a file of another form, by what is said of it and by its name", async (world) => {
  const arm = "aarch64-unknown-linux-gnu";
  const custom = { version: "9.0.0", form: arm };
  world.repository.publish([{ path: `9.0.0/tagseal-${arm}`, bytes: EVIL, custom }]);
  assert.equal((await world.update()).outcome, "unchanged");
  world.repository.publish([{ path: `9.0.0/tagseal-${arm}`, bytes: EVIL, custom: { ...custom, form: "deno" } }]);
  await world.refuses("trust-invalid", ["is not what the metadata says"]);
  world.repository.publish([{ path: "9.0.0/../../../etc/passwd", bytes: EVIL, custom: { ...custom, form: "deno" } }]);
  await world.refuses("trust-invalid", ["is not what the metadata says"]);
});

attack("an oldest Deno that is no version", async (world) => {
  for (const oldestDeno of ["00.9", "2", "2.x", "", "2.9 "]) {
    world.repository.publish([singleFileOf("9.0.0", EVIL, { oldestDeno })]);
    await world.refuses("trust-invalid", ['"9.0.0/tagseal" is not what', "no version of Deno as the oldest"]);
  }
});

attack("a file without a strong hash", async (world) => {
  world.repository.publish([singleFileOf("9.0.0", EVIL)], { hashes: { md5: "0".repeat(32) } });
  await world.refuses("trust-invalid", ["its SHA-256 is missing"]);
  world.repository.publish([singleFileOf("9.0.0", EVIL)], { hashes: {} });
  await world.refuses("trust-invalid", ["its SHA-256 is missing"]);
});

attack("a redirect to elsewhere, of metadata and of the file", async (world) => {
  await using other = new UpdateWorld();
  other.repository.publish([singleFileOf("9.0.0", EVIL)]);
  for (const pattern of [/timestamp\.json/, /^targets\//]) {
    world.http.between = (path) =>
      pattern.test(path) ? Response.redirect(new URL(path, other.http.url).href, 302) : undefined;
    await world.refuses("unavailable", [`it redirects to "${other.http.url.origin}", where nothing of this call may`]);
  }
  assert.deepEqual(other.http.asked, []);
});

attack("what is no metadata: a page, broken JSON, nesting, other types, names of prototypes", async (world) => {
  const rows = [
    "<!doctype html><title>Log in</title>",
    "{",
    "null",
    "[]",
    `{"signatures":[],"signed":${"[".repeat(7000)}${"]".repeat(7000)}}`,
    '{"signatures":[],"signed":{"_type":"timestamp"}}',
    '{"signatures":[],"signed":{"_type":"root"}}',
    '{"__proto__":{"signed":{}},"signatures":{}}',
  ];
  for (const row of rows) {
    answers(world, /timestamp\.json/, () => new Response(row));
    await world.refuses("trust-invalid", ['("timestamp.json")']);
    answers(world, /2\.root\.json/, () => new Response(row));
    await world.refuses("trust-invalid", ['("2.root.json")']);
  }
});
