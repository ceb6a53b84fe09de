/** `tagseal move` between two embedded servers. */
import assert from "node:assert/strict";
import { createNotaryServer } from "../../lib/local/notary_server.ts";
import { Story } from "../support/local_story.ts";

const NEW = "https://notary.example.org";

interface Moved {
  readonly outcome: string;
  readonly clients: string;
  readonly clientsFromRoot: number;
  readonly deleteCopies?: readonly string[];
  readonly tags: readonly { readonly tag: string; readonly digest: string; readonly role: string }[];
  readonly roles: readonly { readonly role: string; readonly version: number; readonly previousVersion: number }[];
  readonly undo: { readonly method: string; readonly url: string };
}

/** Another Notary server behind `NEW`, with what was asked of it. */
function anotherServer(story: Story): string[] {
  const other = createNotaryServer({ now: () => new Date() });
  const calls: string[] = [];
  story.between = async (request, send) => {
    if (!request.url.startsWith(NEW)) return await send(request);
    calls.push(`${request.method} ${new URL(request.url).pathname}`);
    return await other.handle(request);
  };
  return calls;
}

async function signedStory(): Promise<{ story: Story; digest: string; move: string[] }> {
  const story = await Story.readyToSign();
  const digest = await story.push("v1");
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  return { story, digest, move: ["move", "-r", story.gun, "--to-notary-url", NEW] };
}

Deno.test("move: the copy of this machine goes on, tags are proved, and what can be done next is said", async () => {
  const { story, digest, move } = await signedStory();
  await using _ = story;
  const calls = anotherServer(story);
  const dry = await story.succeed([...move, "--dry-run"], { env: { NOTARY_ROOT_PASSPHRASE: "" } });
  assert.match(dry.stdout, /^\S+ -> \S+ at https:\/\/notary\.example\.org\n/);
  assert.match(
    dry.stdout,
    /targets\/signpath version 1, as it is\nroot version 2, signed by [0-9a-f]{64}\n14 posts, 13 of them empty\n$/,
  );
  assert.deepEqual(calls.filter((call) => !call.startsWith("GET")), []);
  assert.ok(!calls.some((call) => call.endsWith(".key")), "no server has to make keys for a dry run");

  story.calls.length = 0;
  const done = await story.succeed([...move, "--json"]);
  const moved = done.json<Moved>();
  assert.deepEqual([moved.outcome, moved.clients, moved.clientsFromRoot], ["moved", "go-on", 1]);
  assert.deepEqual(moved.tags.map(({ tag, digest, role }) => [tag, digest, role]), [
    ["v1", digest, "targets/releases"],
    ["v1", digest, "targets/signpath"],
  ]);
  assert.deepEqual(moved.roles.map(({ role, previousVersion, version }) => [role, previousVersion, version]), [
    ["root", 1, 2],
    ["timestamp", 2, 14],
    ["snapshot", 2, 14],
    ["targets", 1, 1],
    ["targets/releases", 1, 1],
    ["targets/signpath", 1, 1],
  ]);
  assert.equal(moved.undo.url, `${NEW}/v2/${story.gun}/_trust/tuf/`);
  assert.match(done.stderr, /goes on untouched/);
  assert.match(done.stderr, /\[14\/14\] posted, and read back/);
  assert.equal(
    calls.filter((call) => call.startsWith("POST")).length,
    story.posts,
    "nothing is posted elsewhere",
  );

  const there = ["--notary-url", NEW];
  assert.match((await story.succeed(["verify", "-r", story.gun, "-t", "v1", ...there])).stdout, new RegExp(digest));
  await story.succeed(["sign", "-r", story.gun, "-t", "v2", ...there]);
  await story.succeed(["rotate-key", "-r", story.gun, "--role", "snapshot", ...there]);
  await story.fail(6, move, ["has been moved before, and has gone on since"]);
  // Taken for what it is by whoever goes back.
  await story.fail(3, ["verify", "-r", story.gun, "-t", "v1"], ["rollback"]);
});

Deno.test("move: again, it is unchanged; a server that takes no empty posts is told with the files to delete", async () => {
  const { story, move } = await signedStory();
  await using _ = story;
  anotherServer(story);
  const { between } = story;
  story.between = async (request, send) => {
    const isEmpty = request.method === "POST" && !(await request.clone().text()).includes("filename");
    const refusal = { errors: [{ code: "MALFORMED_UPLOAD", message: "no files" }] };
    return isEmpty ? Response.json(refusal, { status: 400 }) : await between(request, send);
  };
  const done = await story.succeed([...move, "--json"]);
  const files = ["timestamp", "snapshot"].map((role) => `tuf/${story.gun}/metadata/${role}.json`);
  assert.deepEqual([done.json<Moved>().clients, done.json<Moved>().deleteCopies], ["delete-copies", files]);
  for (const file of files) assert.ok(done.stderr.replaceAll("\n", " ").includes(file), file);
  await story.succeed(["verify", "-r", story.gun, "-t", "v1", "--notary-url", NEW]);
  story.between = between;
  assert.deepEqual((await story.succeed([...move, "--json"])).json<Moved>().clients, "go-on");
  assert.equal((await story.succeed([...move, "--json"])).json<Moved>().outcome, "unchanged");
});

Deno.test("move: from an export, under another name, and to nowhere", async () => {
  const { story, digest, move } = await signedStory();
  await using _ = story;
  anotherServer(story);
  await story.succeed(["export", "-r", story.gun, "--output-artifact-path", "trust.zip"]);
  const name = "registry.example.org/team/app";
  story.calls.length = 0;
  const done = await story.succeed([...move, "--from", "trust.zip", "--to-repository", name, "--json"]);
  assert.equal(done.json<Moved>().clients, "new-name");
  assert.ok(!story.calls.some((call) => call.includes(story.gun)), "the old server is not asked");
  assert.match(done.stderr, /everybody meets it anew/);
  assert.match(
    (await story.succeed(["verify", "-r", name, "-t", "v1", "--notary-url", NEW])).stdout,
    new RegExp(digest),
  );
  await story.succeed([...move, "--from", "trust.zip"]);

  const here = ["move", "-r", story.gun, "--to-notary-url", `https://${story.peers.host}`];
  await story.fail(2, here, ["is to be moved to where it is"]);
  await using stranger = await Story.begin(story.peers);
  anotherServer(stranger);
  await stranger.fail(2, move, ["The root key of", "is not here"]);
  await stranger.fail(2, [...move.slice(0, 3), "--to-notary-url", "https://registry.example.org"], ["root key"]);
});
