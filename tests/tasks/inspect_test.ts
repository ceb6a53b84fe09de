/** `tagseal list` and `inspect`: what an auditor sees. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { Story } from "../support/local_story.ts";

interface Tag {
  readonly tag: string;
  readonly digest: string;
  readonly role: string;
  readonly signers: string[];
  readonly differs?: boolean;
}

Deno.test("list shows one role's tags, or every role's, and where roles disagree", async (t) => {
  await using story = await Story.readyToSign();
  const list = (...args: string[]) => story.succeed(["list", "-r", story.gun, ...args]);
  await story.succeed(["sign", "-r", story.gun, "-t", "v1,v2"]);
  const first = await story.push("v1");
  // A second signer moves v1: releases has the new digest, the first signer still the old one.
  await story.succeed([
    "add-delegation",
    "-r",
    story.gun,
    "--delegation-certificate",
    "signpath.cer",
    "--delegation",
    "second",
  ]);
  const moved = await story.push("v1", "moved");
  await story.succeed(["sign", "-r", story.gun, "-t", "v1", "--delegation", "second"]);

  await t.step("as Docker resolves it", async () => {
    const [v1, v2] = (await list()).stdout.split("\n");
    assert.equal(v1, `v1 ${moved} second`);
    assert.match(v2!, /^v2 sha256:[0-9a-f]{64} signpath$/);
  });
  await t.step("--role", async () => {
    assert.match((await list("--role", "targets/signpath")).stdout, new RegExp(`^v1 ${first} targets/signpath\nv2 `));
    assert.equal((await list("--role", "targets/second")).stdout, `v1 ${moved} targets/second\n`);
    assert.match((await list("--role", "targets")).stdout, new RegExp(`^v1 ${moved} targets/releases\nv2 `));
    const { tags } = (await list("--role", "targets/signpath", "--json")).json<{ tags: Tag[] }>();
    assert.deepEqual(tags.map(({ tag, signers }) => [tag, signers]), [["v1", ["signpath"]], ["v2", ["signpath"]]]);
  });
  await t.step("--all", async () => {
    const lines = (await list("--all")).stdout.trimEnd().split("\n");
    assert.deepEqual(lines.slice(0, 3), [
      `v1 ${moved} targets/releases differs`,
      `v1 ${first} targets/signpath differs`,
      `v1 ${moved} targets/second differs`,
    ]);
    assert.deepEqual(lines.slice(3).map((line) => line.split(" ").toSpliced(1, 1)), [
      ["v2", "targets/releases"],
      ["v2", "targets/signpath"],
    ]);
    const { tags } = (await list("--all", "--json")).json<{ tags: Tag[] }>();
    assert.deepEqual(tags.map(({ differs }) => differs), [true, true, true, false, false]);
    const below = (await list("--all", "--role", "targets/second", "--json")).json<{ tags: Tag[] }>();
    assert.deepEqual(below.tags.map(({ role, differs }) => [role, differs]), [["targets/second", false]]);
  });
  await t.step("no such role", async () => {
    const args = ["list", "-r", story.gun, "--role"];
    await story.fail(2, [...args, "targets/nobody"], ['has no role "targets/nobody"', "targets/releases"]);
    await story.fail(2, [...args, "snapshot"], ['"snapshot" is not a role that signs tags']);
  });
});

Deno.test("inspect shows roles, signers and keys by their canonical ids", async (t) => {
  await using story = await Story.readyToSign();
  const digest = await story.push("v1");
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  const inspect = (...args: string[]) => story.succeed(["inspect", "-r", story.gun, ...args]);
  const root = (await story.succeed([
    ...["root-certificate", "-r", story.gun, "--output-artifact-path", "again.pem", "--json"],
  ])).json<{ rootKeyId: string; targetsKeyId: string }>();

  await t.step("JSON: what list says, and more", async () => {
    const list = (await story.succeed(["list", "-r", story.gun, "--json"])).json();
    const { roles, signers, rootKeyIds, targetsKeyIds, ...rest } = (await inspect("--json")).json<
      & { roles: { role: string; version: number; paths?: string[] }[]; signers: { name: string; keyIds: string[] }[] }
      & Record<string, unknown>
    >();
    assert.deepEqual(rest, list);
    assert.deepEqual([rootKeyIds, targetsKeyIds], [[root.rootKeyId], [root.targetsKeyId]]);
    assert.deepEqual(roles.map(({ role, version, paths }) => [role, version, paths]), [
      ["root", 1, undefined],
      ["targets", 1, undefined],
      ["snapshot", 2, undefined],
      ["timestamp", 2, undefined],
      ["targets/releases", 1, [""]],
      ["targets/signpath", 1, [""]],
    ]);
    assert.deepEqual(Object.keys(roles[4]!), ["role", "version", "expires", "threshold", "keyIds", "paths"]);
    assert.deepEqual(signers.map(({ name }) => name), ["signpath"]);
  });
  await t.step("plain: fits 80 columns", async () => {
    const { stdout } = await inspect();
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
    for (const part of ["v1  signed by signpath", digest, root.rootKeyId, root.targetsKeyId, "targets/releases"]) {
      assert.ok(stdout.includes(part), part);
    }
  });
  await t.step("tags that are not asked for are left out", async () => {
    assert.deepEqual((await inspect("-t", "v9", "--json")).json()["tags"], []);
  });
  await t.step("an unknown format", async () => {
    await story.fail(2, ["inspect", "-r", story.gun, "--format", "yaml"], ['There is no format "yaml"']);
  });
});

Deno.test("list goes through a file of repositories", async (t) => {
  await using story = await Story.readyToSign();
  const digest = await story.push("v1");
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  const names = Array.from({ length: 20 }, (_, i) => `localhost:5000/demo/none${i}`);
  const write = (text: string) => Deno.writeTextFile(story.path("repositories.txt"), text);
  const list = ["list", "--repositories-from", "repositories.txt"];

  await t.step("one good, comments and empty lines, twice the same", async () => {
    await write(`# ours\n\n${story.gun} # the app\r\n  ${story.gun}\n`);
    const { stdout, stderr } = await story.succeed(list);
    assert.equal(stdout, `${story.gun}:v1 ${digest} signpath\n`);
    assert.equal(stderr, `[1/1] ${story.gun}: done\n`);
    const { repositories } = (await story.succeed([...list, "--json", "--quiet"])).json<{ repositories: unknown[] }>();
    assert.deepEqual(repositories, [(await story.succeed(["list", "-r", story.gun, "--json"])).json()]);
  });
  await t.step("failures do not keep the others from being listed; the worst one decides", async () => {
    await write([...names.slice(0, 10), story.gun, ...names.slice(10)].join("\n"));
    let atOnce = 0, most = 0;
    story.between = async (request, send) => {
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setTimeout(resolve, 1));
      atOnce--;
      return await send(request);
    };
    const { code, stdout, stderr } = await story.run([...list, "--json"]);
    assert.equal(code, 2);
    const found = documentIn(stdout).repositories as { repository: string; error?: { code: string } }[];
    assert.deepEqual(found.map(({ repository }) => repository), [...names.slice(0, 10), story.gun, ...names.slice(10)]);
    assert.deepEqual(found.map(({ error }) => error?.code).filter((one) => one === undefined).length, 1);
    assert.match(stderr, /\[21\/21\] localhost/);
    assert.match(
      stderr,
      /error: localhost:5000\/demo\/none3: .*has no trust data.*\ntagseal: next: Check the repository's name/,
    );
    assert.ok(most > 5 && most <= 16 * 6, `${most} requests at once`);
    story.between = (request, send) =>
      request.url.includes("none7") ? Promise.resolve(new Response("{}")) : send(request);
    assert.equal((await story.run(list)).code, 3, "what is not valid is worse than what is not there");
  });
  await t.step("wrong usage", async () => {
    await story.fail(2, [...list, "-r", story.gun], ["exclude each other"]);
    await story.fail(2, ["list"], ["--repository is missing", "--repositories-from"]);
    await write(`${story.gun}\nhttps://example.com/x`);
    await story.fail(2, list, ["is a URL", 'line 2 of "repositories.txt"']);
    await write("# nothing\n");
    await story.fail(2, list, ['"repositories.txt" names 0 repositories']);
  });
});
