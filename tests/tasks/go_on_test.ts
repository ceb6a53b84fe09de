/** What a failed command says to type next works as it is printed; what comes back is looked at in every command. */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { TagsealError } from "../../lib/errors.ts";
import type { Send } from "../../lib/http/send.ts";
import { Story, type StoryRun } from "../support/local_story.ts";

const MANUAL = ["--signing-policy-slug", "release-signing-with-approval"];
const LIMITS = { entries: 100, entryBytes: 2 ** 20, totalBytes: 2 ** 20 };
const through = (request: Request, send: Send) => send(request);

/** The commands that stderr ends with, word by word as a shell takes them. */
function printed(stderr: string): string[][] {
  const commands = /^tagseal: next: .* Go on with: (.*)\n$/m.exec(stderr)?.[1];
  assert.ok(commands, `no commands in:\n${stderr}`);
  return commands.split(" && ").map((command) => {
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
    assert.equal(words[0], "tagseal");
    return words.slice(1);
  });
}

async function runsAsPrinted(story: Story, stderr: string, run: StoryRun = {}): Promise<void> {
  for (const command of printed(stderr)) await story.succeed(command, run);
}

const newest = (story: Story) => story.peers.signPath.requests().at(-1)!;

Deno.test("what is printed after a time-out works as it stands", async (t) => {
  const typed = (story: Story) => ["--api-url", story.peers.apiUrl, "--allow-http", "--api-token", "env:MY_TOKEN"];
  const run = (story: Story): StoryRun => ({
    env: { MY_TOKEN: story.peers.apiToken, SIGNPATH_API_TOKEN: "", SIGNPATH_API_URL: "" },
  });
  const wait = ["--wait-for-completion-timeout", "0"];
  const cases: [name: string, args: (story: Story) => string[]][] = [
    ["sign", (story) => ["sign", "-r", story.gun, "-t", "v1", ...MANUAL, ...wait]],
    ["submit", () => ["submit", "--input-artifact-path", "data.zip", "--wait-for-completion", ...MANUAL, ...wait]],
    [
      "submit, with a path",
      () => [
        ...["submit", "--input-artifact-path", "data.zip", "--wait-for-completion", ...MANUAL, ...wait],
        ...["--output-artifact-path", "my signed file.zip"],
      ],
    ],
  ];
  for (const [name, args] of cases) {
    await t.step(name, async () => {
      await using story = await Story.readyToSign();
      await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
      const { stderr } = await story.fail(8, [...args(story), ...typed(story)], ["was not waited for"], run(story));
      assert.ok(stderr.includes(`Its page: ${story.peers.apiUrl}/`), stderr);
      await story.peers.signPath.approve(newest(story).id);
      await runsAsPrinted(story, stderr, run(story));
      assert.match((await story.succeed(["verify", "-r", story.gun, "-t", "v1"])).stdout, /^v1 sha256:/);
      assert.equal(story.signingRequests, 1);
    });
  }
  await t.step("download, twice", async () => {
    await using story = await Story.readyToSign();
    await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
    const id = (await story.succeed(["submit", "--input-artifact-path", "data.zip", ...MANUAL])).stdout.trim();
    const download = ["download", id, "--output-artifact-path", "signed.zip", ...wait];
    const { stderr } = await story.fail(8, download, ["was not waited for"]);
    await story.peers.signPath.approve(id);
    await runsAsPrinted(story, stderr);
  });
});

Deno.test("what is printed after an interruption, and after a publish that failed, works as it stands", async (t) => {
  await using story = await Story.readyToSign();
  await t.step("interrupted", async () => {
    const ctrlC = new AbortController();
    const sleep = () => {
      ctrlC.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there" }));
      return Promise.reject(ctrlC.signal.reason);
    };
    const sign = ["sign", "-r", story.gun, "-t", "v1", ...MANUAL];
    const { stderr } = await story.fail(130, sign, ["Interrupted", "Its page: "], {
      host: { sleep },
      signal: ctrlC.signal,
    });
    await story.peers.signPath.approve(newest(story).id);
    await runsAsPrinted(story, stderr);
  });
  await t.step("not published", async () => {
    story.between = (request, send) =>
      request.method === "POST" && request.url.includes("/_trust/")
        ? Promise.resolve(new Response("", { status: 500 }))
        : send(request);
    const { stderr } = await story.fail(5, ["sign", "-r", story.gun, "-t", "v2"], ["Signed, but perhaps not"]);
    story.between = through;
    await runsAsPrinted(story, stderr);
  });
  const { stdout } = await story.succeed(["verify", "-r", story.gun, "-t", "v1,v2"]);
  assert.match(stdout, /^v1 .*\nv2 .*\n$/);
  assert.equal(story.signingRequests, 2);
});

/** Changes the signed file on its way. */
function returning(change: (file: Bytes) => Promise<Bytes> | Bytes) {
  return async (request: Request, send: Send): Promise<Response> => {
    const response = await send(request);
    if (!request.url.endsWith("/SignedArtifact")) return response;
    return new Response(await change(new Uint8Array(await response.arrayBuffer())));
  };
}

async function withoutSignatures(file: Bytes): Promise<Bytes> {
  const entries = [...await readZip(file, LIMITS)].filter(([name]) => !name.endsWith(".sig"));
  // As another program packs it.
  return await writeZip(entries.toReversed().map(([name, bytes]) => ({ name, bytes })));
}

Deno.test("sign, submit and download tell a file that came back unsigned, and save nothing", async (t) => {
  const cases: [name: string, code: number, change: (file: Bytes) => Promise<Bytes> | Bytes, words: string[]][] = [
    ["unsigned", 7, withoutSignatures, [
      "SignPath sent the file back unsigned: the project's artifact configuration does not sign payload/*.json",
      "The artifact configuration that the project needs:\n<artifact-configuration",
      "signing-data --print-artifact-configuration",
    ]],
    ["an HTML page", 5, () => utf8("<html>"), ["an HTML page", "Go on with: tagseal "]],
    ["nothing", 5, () => new Uint8Array(), ["is empty", "Go on with: tagseal "]],
    ["another ZIP", 2, () => writeZip([{ name: "a", bytes: utf8("a") }]), ["is not Docker signing data"]],
  ];
  for (const [name, code, change, words] of cases) {
    await t.step(name, async () => {
      await using story = await Story.readyToSign();
      await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
      story.between = returning(change);
      const submit = ["submit", "--input-artifact-path", "data.zip"];
      await story.fail(code, ["sign", "-r", story.gun, "-t", "v1"], words);
      await story.fail(code, [...submit, "--wait-for-completion"], words);
      const id = (await story.succeed(submit)).stdout.trim();
      await story.fail(code, ["download", id], [...words, id]);
      const { stdout } = await story.run(["download", id, "--json"]);
      assert.equal(JSON.parse(stdout).error.details.signingRequestId, id);
      assert.equal(story.posts, 0);
    });
  }
});

Deno.test("push tells a file that was never submitted from one that came back unsigned", async () => {
  await using story = await Story.readyToSign();
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
  await Deno.writeFile(story.path("back.zip"), await withoutSignatures(await Deno.readFile(story.path("data.zip"))));
  for (
    const [file, reason, next] of [
      ["data.zip", "never-submitted", /Submit it/],
      ["back.zip", "came-back-unsigned", /--print-artifact-configuration/],
    ] as const
  ) {
    const { code, stdout } = await story.run(["push", "--input-artifact-path", file, "--json"]);
    const { error } = JSON.parse(stdout);
    assert.deepEqual([code, error.code, error.details.reason], [2, "bad-input", reason]);
    assert.match(error.remedy, next);
  }
});

Deno.test("an id that could be a flag is none", async () => {
  await using story = await Story.readyToSign();
  story.between = async (request, send) => {
    if (!request.url.endsWith("/SubmitWithArtifact")) return await send(request);
    await request.body?.cancel();
    return Response.json({ signingRequestId: "--force" }, { status: 201 });
  };
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
  await story.fail(5, ["submit", "--input-artifact-path", "data.zip"], ["named no signing request id"]);
  await story.fail(2, ["download", "--", "-abc"], ['"-abc" is not a signing request id']);
});
