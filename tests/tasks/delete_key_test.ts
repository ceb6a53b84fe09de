/** `tagseal delete-key` and `keys`: nothing that is needed goes. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { Story } from "../support/local_story.ts";

interface Keys {
  readonly keys: readonly {
    readonly keyId: string;
    readonly role: string;
    readonly path: string;
    readonly repositories: readonly string[];
    readonly token: string | null;
  }[];
}

async function keysOf(story: Story): Promise<{ root: string; targets: string }> {
  const { keys } = (await story.succeed(["keys", "--json"])).json<Keys>();
  const id = (role: string) => keys.find((key) => key.role === role)!.keyId;
  return { root: id("root"), targets: id("targets") };
}

Deno.test("keys lists what is here, and asks nobody", async () => {
  await using story = await Story.begin();
  assert.equal((await story.succeed(["keys"])).stderr, "There are no keys.\n");
  await story.succeed(["init", "-r", story.gun]);
  story.calls.length = 0;
  const { stdout } = await story.succeed(["keys", "--json"]);
  const { keys } = documentIn(stdout) as Keys;
  const pathOf = (id: string) => `${story.trust}/private/${id}.key`;
  assert.deepEqual(keys.map(({ role, keyId, path }) => [role, path === pathOf(keyId)]), [
    ["root", true],
    ["targets", true],
  ]);
  assert.deepEqual(keys.map(({ repositories, token }) => [repositories, token]), Array(2).fill([[story.gun], null]));
  const other = await story.another("demo/other");
  await story.succeed(["init", "-r", `${story.peers.host}/demo/third`, "--root-key", keys[0]!.keyId]);
  story.calls.length = 0;
  const lines = (await story.succeed(["keys"])).stdout.split("\n");
  assert.equal(lines[0], `${story.trust}/private`);
  assert.match(lines[1]!, /^ {2}ROLE {5}KEY {6}REPOSITORY$/);
  const roots = lines.slice(2).filter((line) => /^ {2}(root| {6}) /.test(line)).map((line) => line.slice(11).trim());
  assert.deepEqual(
    roots.sort(),
    [
      `${keys[0]!.keyId.slice(0, 7)}  ${story.gun}`,
      story.gun.replace("app", "third"),
      `${roots.find((line) => line.endsWith(other))?.slice(0, 7)}  ${other}`,
    ].sort(),
  );
  assert.ok(lines.includes(`  targets  ${keys[1]!.keyId.slice(0, 7)}  ${story.gun}`));
  assert.ok(lines.every((line) => line.length <= 80 || line.startsWith("/")), "80 columns");
  assert.deepEqual(story.calls, []);
});

Deno.test("delete-key: the targets key goes once signing goes on without it", async (t) => {
  await using story = await Story.begin();
  await story.push("v1");
  await story.succeed(["init", "-r", story.gun]);
  const { root, targets } = await keysOf(story);
  const args = ["delete-key", "--role", "targets", "-r", story.gun];
  await t.step("not before there is a delegation, also not with --yes", async () => {
    await story.fail(2, [...args, "--yes"], [
      "is still needed",
      'sign in "targets/releases"',
      "tagseal add-delegation",
    ]);
  });
  await story.succeed(["add-delegation", "-r", story.gun, "--delegation-certificate", "signpath.cer"]);
  await t.step("no tag is signed yet: it says so, and asks", async () => {
    await story.fail(2, args, ["no tag is signed yet", "nobody to ask", "--yes", targets, `${targets}.key`]);
    const no = { host: { confirm: () => Promise.resolve(false) } };
    await story.fail(130, args, ["Not confirmed", "Nothing was changed"], no);
  });
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  await t.step("not where the repository cannot be read", async () => {
    story.between = () => Promise.reject(new TypeError("connection reset by peer"));
    await story.fail(5, [...args, "--yes"], ["Notary server"]);
    story.between = (request, send) => send(request);
  });
  await t.step("with a tag as proof, and an answer", async () => {
    const questions: string[] = [];
    const confirm = (question: string) => (questions.push(question), Promise.resolve(true));
    const { stderr, stdout } = await story.succeed(["delete-key", targets.slice(0, 7)], { host: { confirm } });
    assert.match(stderr, /are signed by [0-9a-f]{7}\. v1 sha256:[0-9a-f]{64} verifies without it\./);
    assert.deepEqual(questions, [`Delete the targets key ${targets.slice(0, 7)} of "${story.gun}" for good?`]);
    assert.equal(stdout, `${targets} deleted\n`);
    assert.deepEqual(await story.keys(), [`${root}.key`]);
  });
  await t.step("signing goes on, and a new targets key can be had with the root key", async () => {
    await story.push("v2");
    await story.succeed(["sign", "-r", story.gun, "-t", "v2"]);
    await story.fail(2, args, [`There is no targets key of "${story.gun}" here`]);
    const add = ["add-delegation", "-r", story.gun, "--delegation-certificate", "signpath.cer", "--delegation", "b"];
    await story.fail(2, add, ["The targets key of", "tagseal rotate-key --role targets"]);
    await story.succeed(["rotate-key", "-r", story.gun, "--role", "targets"]);
    await story.succeed(add);
  });
});

Deno.test("delete-key: keys that no repository trusts, and several of one", async (t) => {
  await using story = await Story.readyToSign();
  const old = (await keysOf(story)).targets;
  await story.succeed(["rotate-key", "-r", story.gun, "--role", "targets"]);
  await t.step("several", async () => {
    const words = ["There are 2 targets keys", old.slice(0, 7), "Give the id of one"];
    await story.fail(2, ["delete-key", "--role", "targets", "-r", story.gun, "--yes"], words, { cacheStays: true });
  });
  await t.step("the one that was replaced", async () => {
    const { stderr, stdout } = await story.succeed(["delete-key", old, "--yes", "--json"]);
    assert.match(stderr, /does not trust this key: another one has taken its place/);
    assert.deepEqual(documentIn(stdout), {
      keyId: old,
      role: "targets",
      repository: story.gun,
      path: `${story.trust}/private/${old}.key`,
      deleted: true,
      proof: { kind: "not-trusted" },
    });
  });
  await t.step("one of a repository that the server does not have", async () => {
    await using other = await Story.begin();
    await Deno.rename(`${story.trust}/private`, `${other.folder}/home/private`);
    await Deno.mkdir(other.trust, { recursive: true });
    await Deno.rename(`${other.folder}/home/private`, `${other.trust}/private`);
    const { stderr } = await other.succeed(["delete-key", "--role", "targets", "-r", story.gun, "--yes"]);
    assert.match(stderr, /has no trust data for/);
  });
});

Deno.test("delete-key: a root key only by force; wrong ids not at all", async () => {
  await using story = await Story.readyToSign();
  const { root, targets } = await keysOf(story);
  const words = ["A root key cannot be replaced", "off this machine", "--force and --yes"];
  for (const more of [[], ["--yes"], ["--force"]]) await story.fail(2, ["delete-key", root, ...more], words);
  const cases: [args: string[], words: string][] = [
    [[], "It is not said which key"],
    [["--role", "targets"], "It is not said which key"],
    [["--role", "root", "-r", story.gun], "It is not said which key"],
    [["abc"], 'The key "abc" is not here'],
    [["../../etc/passwd"], "is not here"],
    [["0".repeat(64)], "is not here"],
    [[targets, "--role", "snapshot"], "is the targets key of"],
    [[targets, "-r", "localhost:5000/demo/other"], "is the targets key of"],
  ];
  for (const [args, said] of cases) await story.fail(2, ["delete-key", "--yes", ...args], [said], { cacheStays: true });
  await story.succeed(["delete-key", root, "--yes", "--force"]);
  assert.deepEqual(await story.keys(), [`${targets}.key`]);
});
