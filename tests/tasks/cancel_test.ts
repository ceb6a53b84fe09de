/** Ctrl-C while a signing request waits: it goes on at SignPath, or is cancelled, as the user says. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import type { Host } from "../../lib/cli/host.ts";
import { TagsealError } from "../../lib/errors.ts";
import type { Send } from "../../lib/http/send.ts";
import { Story, type StoryRun } from "../support/local_story.ts";

const through = (request: Request, send: Send) => send(request);
const isCancel = (request: Request) => request.url.endsWith("/Cancel");
const MANUAL = ["--signing-policy-slug", "release-signing-with-approval"];

/** Ctrl-C at the first pause, and what is answered to the question then; `asked` collects the questions. */
function interrupted(answer: boolean | undefined, asked: string[] = []): StoryRun {
  const ctrlC = new AbortController();
  const host: Partial<Host> = {
    sleep() {
      ctrlC.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there" }));
      return Promise.reject(ctrlC.signal.reason);
    },
    confirmInterrupted(question) {
      asked.push(question);
      return Promise.resolve(answer);
    },
  };
  return { host, signal: ctrlC.signal };
}

async function waiting(): Promise<Story> {
  const story = await Story.readyToSign();
  await story.succeed(["sign", "-r", story.gun, "-t", "v2"]);
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
  story.calls.length = 0;
  return story;
}

const newest = (story: Story) => story.peers.signPath.requests().at(-1)!;

/** Every command that waits; `download` for a request of its own. */
const COMMANDS: Readonly<Record<string, (story: Story) => Promise<string[]>>> = {
  "sign": (story) => Promise.resolve(["sign", "-r", story.gun, "-t", "v1", ...MANUAL]),
  "remove-tag": (story) => Promise.resolve(["remove-tag", "-r", story.gun, "-t", "v2", ...MANUAL]),
  "submit": () => Promise.resolve(["submit", "--input-artifact-path", "data.zip", "--wait-for-completion", ...MANUAL]),
  "download": async (story) => [
    "download",
    (await story.succeed(["submit", "--input-artifact-path", "data.zip", ...MANUAL])).stdout.trim(),
  ],
};

for (const [name, argsFor] of Object.entries(COMMANDS)) {
  Deno.test(`Ctrl-C in ${name}`, async (t) => {
    const by = ["sign", "remove-tag"].includes(name) ? "resume" : "download";
    await using story = await waiting();
    await t.step("yes: the request is cancelled, too", async () => {
      const asked: string[] = [];
      const args = await argsFor(story);
      const { stderr } = await story.fail(
        130,
        args,
        ["is cancelled", "Nothing was published"],
        interrupted(true, asked),
      );
      const { id, workflowStatus } = newest(story);
      assert.equal(workflowStatus, "Canceled");
      assert.deepEqual(asked, [`Cancel signing request ${id} at SignPath, too?`]);
      assert.ok(stderr.includes(`signing request "${id}" is cancelled`), stderr);
      assert.doesNotMatch(stderr, /tagseal (download|resume)/, "there is nothing left to download");
    });
    await t.step("no: it goes on, and can be resumed", async () => {
      const asked: string[] = [];
      const args = await argsFor(story);
      const { stderr } = await story.fail(130, args, ["Interrupted while waiting", "The request goes on"], {
        ...interrupted(false, asked),
      });
      assert.equal(asked.length, 1);
      assert.equal(newest(story).workflowStatus, "WaitingForApproval");
      assert.ok(stderr.includes(`tagseal ${by} ${newest(story).id}`), stderr);
    });
    await t.step("nobody to ask: it goes on", async () => {
      const args = await argsFor(story);
      const { stderr } = await story.fail(130, args, ["The request goes on"], interrupted(undefined));
      assert.equal(newest(story).workflowStatus, "WaitingForApproval");
      assert.ok(stderr.includes(`tagseal ${by} ${newest(story).id}`), stderr);
    });
    assert.equal(story.posts, 0);
    assert.equal(story.calls.filter((call) => call.endsWith("/Cancel")).length, 1, "the first time alone");
    await t.step("resumed", async () => {
      const { id } = newest(story);
      await story.peers.signPath.approve(id);
      await story.succeed(["download", id, "--output-artifact-path", "late.zip"]);
      await story.succeed(["push", "--input-artifact-path", "late.zip"]);
    });
  });
}

Deno.test("Ctrl-C, as JSON: one document, with the id", async () => {
  await using story = await waiting();
  const args = ["sign", "-r", story.gun, "-t", "v1", ...MANUAL, "--json"];
  for (const answer of [true, false]) {
    const { code, stdout } = await story.run(args, interrupted(answer));
    const { error } = documentIn(stdout);
    assert.deepEqual([code, error.code, error.details.signingRequestId], [130, "interrupted", newest(story).id]);
    assert.equal(error.details.cancelled, answer ? true : undefined);
  }
});

Deno.test("Ctrl-C and a cancelling that fails: warned, and how to go on", async (t) => {
  await using story = await waiting();
  const sign = ["sign", "-r", story.gun, "-t", "v1", ...MANUAL];
  const cases: [name: string, answer: (request: Request, send: Send) => Promise<Response>, words: string][] = [
    ["refused", () => Promise.resolve(new Response("", { status: 403 })), "answered 403"],
    ["out of order", () => Promise.resolve(new Response("", { status: 503 })), "503"],
    ["unreachable", () => Promise.reject(new TypeError("dns error")), "dns error"],
  ];
  for (const [name, answer, words] of cases) {
    await t.step(name, async () => {
      story.between = (request, send) => isCancel(request) ? answer(request, send) : send(request);
      const run = interrupted(true);
      const { stderr } = await story.fail(130, sign, ["Interrupted while waiting", "tagseal resume"], run);
      assert.match(stderr, new RegExp(`^tagseal: warning: the signing request was not cancelled: .*${words}`, "m"));
      assert.equal(newest(story).workflowStatus, "WaitingForApproval");
    });
  }
  await t.step("completed meanwhile: not cancelled, and its file can be had", async () => {
    story.between = async (request, send) => {
      if (isCancel(request)) await story.peers.signPath.approve(newest(story).id);
      return await send(request);
    };
    const { stderr } = await story.fail(130, sign, ["Interrupted while waiting"], interrupted(true));
    assert.match(stderr, /^tagseal: warning: the signing request was not cancelled: .*it has ended as "Completed"/m);
    assert.ok(stderr.includes(`tagseal resume ${newest(story).id}`));
  });
  story.between = through;
  assert.equal(story.posts, 0);
});

Deno.test("Ctrl-C at another time asks nothing", async () => {
  await using story = await waiting();
  const ctrlC = new AbortController();
  const asked: string[] = [];
  story.between = (request, send) => {
    if (request.url.includes("/_trust/")) {
      ctrlC.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there" }));
    }
    return send(request);
  };
  await story.fail(130, ["sign", "-r", story.gun, "-t", "v1", ...MANUAL], ["Interrupted"], {
    ...interrupted(true, asked),
    signal: ctrlC.signal,
  });
  assert.deepEqual([asked, story.posts], [[], 0]);
});

Deno.test("Ctrl-C while the request is being filed: it is said that it may be there, and nothing is asked", async (t) => {
  await using story = await waiting();
  const cases: [name: string, args: string[], words: string][] = [
    ["zip", ["sign", "-r", story.gun, "-t", "v1", ...MANUAL], "The signing request may or may not have been filed"],
    [
      "hash",
      ["sign", "-r", story.gun, "-t", "v1", "--signing-method", "hash", "--project-slug", "demo-hashes"],
      "The hash may or may not have been signed",
    ],
  ];
  for (const [name, args, words] of cases) {
    await t.step(name, async () => {
      const ctrlC = new AbortController();
      const asked: string[] = [];
      story.between = async (request, send) => {
        if (!/\/(SubmitWithArtifact|SignHash)$/.test(request.url)) return await send(request);
        await (await send(request)).body?.cancel();
        ctrlC.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there" }));
        throw ctrlC.signal.reason;
      };
      await story.fail(130, args, [words], { ...interrupted(true, asked), signal: ctrlC.signal });
      assert.deepEqual(asked, []);
    });
  }
  assert.equal(story.posts, 0);
});
