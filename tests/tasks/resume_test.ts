/** A signing request is gone on with, by whoever runs it again: nothing is filed twice, and nothing else is published. */
import assert from "node:assert/strict";
import { text, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import type { Send } from "../../lib/http/send.ts";
import { Story, type StoryRun } from "../support/local_story.ts";

const MANUAL = ["--signing-policy-slug", "release-signing-with-approval"];
const SHORT = ["--wait-for-completion-timeout", "1"];
const ALL = ["--scheme", "dct,cosign,notation"];
const LIMITS = { entries: 100, entryBytes: 2 ** 20, totalBytes: 2 ** 20 };
const through = (request: Request, send: Send) => send(request);
const newest = (story: Story) => story.peers.signPath.requests().at(-1)!;
const sign = (story: Story, ...more: string[]) => ["sign", "-r", story.gun, "-t", "v1", ...MANUAL, ...more];
const folder = (story: Story) => `${story.trust}/signing-requests`;

async function kept(story: Story): Promise<{ signingRequestId: string | null; publishedAt?: string }[]> {
  const found = [];
  for await (const { name } of Deno.readDir(folder(story))) {
    if (name.endsWith(".json")) found.push(JSON.parse(await Deno.readTextFile(`${folder(story)}/${name}`)));
  }
  return found;
}

/** A request for `v1` that waits, whose job has given up. */
async function given(...more: string[]): Promise<{ story: Story; id: string }> {
  const story = await Story.readyToSign();
  await story.fail(8, sign(story, ...SHORT, ...more), ["did not end within 1 s"]);
  return { story, id: newest(story).id };
}

/** A job on another machine, of which nothing is known here. */
async function elsewhere(story: Story): Promise<Story> {
  return await Story.begin(story.peers);
}

Deno.test("a job that is run again goes on with its request, in all schemes", async () => {
  const { story, id } = await given(...ALL);
  await using _ = story;
  const waiting = await story.fail(8, sign(story, ...SHORT, ...ALL), ["did not end within 1 s"]);
  assert.match(
    waiting.stderr,
    new RegExp(`^Going on with signing request ${id}, which was filed at \\S+Z for this: `, "m"),
  );
  await story.peers.signPath.approve(id);
  const { stdout } = await story.succeed(sign(story, ...ALL));
  assert.match(stdout, /:v1 \S+ published \(cosign\)\n\S+:v1 \S+ published \(notation\)\n\S+:v1 \S+ published\n$/);
  assert.equal(story.signingRequests, 1);
  assert.deepEqual((await kept(story)).map(({ signingRequestId }) => signingRequestId), [id]);
  for (const args of [[], ["--scheme", "cosign"], ["--scheme", "notation"]]) {
    const certificate = args.includes("cosign") ? ["--key", "signpath.cer"] : ["--certificate", "signpath.cer"];
    await story.succeed(["verify", "-r", story.gun, "-t", "v1", ...args, ...args.length > 0 ? certificate : []]);
  }
  assert.match((await story.succeed(sign(story, ...ALL))).stdout, /unchanged/);
  assert.equal(story.signingRequests, 1);
});

Deno.test("a run that read the repository before another published in it files no request of its own", async () => {
  await using story = await Story.readyToSign();
  const approve = () => story.peers.signPath.approve(newest(story).id).catch(() => {});
  const host = { sleep: () => new Promise<void>((resolve) => setTimeout(() => approve().then(resolve), 20)) };
  const hasRead = Promise.withResolvers<void>();
  let other: ReturnType<Story["run"]> | undefined;
  story.between = async (request, send) => {
    if (request.url.endsWith("/timestamp.json")) {
      const response = await send(request);
      hasRead.resolve();
      return response;
    }
    if (!other && request.url.includes("/manifests/v1")) {
      await hasRead.promise;
      other = story.run(sign(story), { host });
      await other;
    }
    return await send(request);
  };
  // By a clock that stands it has not read for long: who has looks once more before anything is filed.
  const began = new Date();
  const own = await story.run(sign(story), { host: { ...host, now: () => began } });
  assert.match((await other!).stdout, /:v1 \S+ published\n$/);
  assert.match(own.stdout, /:v1 \S+ unchanged\n$/, own.stderr);
  assert.match(own.stderr, /^Going on with signing request \S+, which was filed at /m);
  assert.equal(story.signingRequests, 1);
  await story.push("v2", "v2");
  await story.succeed(["sign", "-r", story.gun, "-t", "v2"]);
  assert.deepEqual((await kept(story)).map(({ publishedAt }) => typeof publishedAt), ["string", "string"]);
  const later = { now: () => new Date(Date.now() + 11 * 60_000) };
  await story.push("v3", "v3");
  assert.equal((await story.run(["sign", "-r", story.gun, "-t", "v3"], { host: later })).code, 0);
  assert.equal((await kept(story)).length, 1, "nobody asks for the others any more");
});

Deno.test("what was published of it before is left alone, and the rest of it published", async () => {
  const { story, id } = await given(...ALL);
  await using _ = story;
  await story.peers.signPath.approve(id);
  story.between = (request, send) =>
    request.method === "POST" && request.url.includes("/_trust/")
      ? Promise.resolve(new Response("", { status: 503 }))
      : send(request);
  const failed = await story.fail(5, sign(story, ...ALL), [
    "Signed, but perhaps not published",
    `tagseal resume ${id}`,
  ]);
  assert.match(failed.stderr, /Going on with/);
  story.between = through;
  const { stdout } = await story.succeed(sign(story, ...ALL));
  assert.match(stdout, /unchanged \(cosign\)\n.*unchanged \(notation\)\n\S+:v1 \S+ published\n$/);
  assert.equal(story.signingRequests, 1);
});

Deno.test("what is signed and good is of use until the server says that it is not", async (t) => {
  const refusing = (answer: () => Response) => (request: Request, send: Send) =>
    request.method === "POST" && request.url.includes("/_trust/") ? Promise.resolve(answer()) : send(request);
  const refusal = { errors: [{ code: "INVALID_UPDATE", detail: { Name: "ErrBadTargets", Error: { Msg: "no" } } }] };
  const ends: [name: string, code: number, filed: number, words: string, answer: () => Response][] = [
    ["no such repository", 2, 1, "tagseal resume", () => new Response("", { status: 404 })],
    ["data that is not valid", 3, 2, "Nothing was published", () => Response.json(refusal, { status: 400 })],
  ];
  for (const [name, code, filed, words, answer] of ends) {
    await t.step(name, async () => {
      await using story = await Story.readyToSign();
      const args = ["sign", "-r", story.gun, "-t", "v1"];
      story.between = refusing(answer);
      await story.fail(code, args, [words]);
      story.between = through;
      await story.succeed(args);
      assert.equal(story.signingRequests, filed);
    });
  }
});

Deno.test("what is signed is of use once a server that shows damaged trust data is put right", async (t) => {
  const damaged = [["no JSON", "{"], ["nothing", ""], ["another signature", undefined]] as const;
  for (const [name, body] of damaged) {
    await t.step(name, async () => {
      await using story = await Story.readyToSign();
      const args = ["sign", "-r", story.gun, "-t", "v1"];
      let isSigned = false;
      story.between = async (request, send) => {
        isSigned ||= request.url.endsWith("/SignedArtifact");
        const response = await send(request);
        if (!isSigned || !request.url.endsWith("/timestamp.json")) return response;
        return new Response(body ?? (await response.text()).replace(/"sig":"../, '"sig":"AA'));
      };
      await story.fail(3, args, ["Signed, but perhaps not published", "tagseal resume"]);
      story.between = through;
      await story.succeed(args);
      assert.equal(story.signingRequests, 1);
    });
  }
});

Deno.test("a request that has ended otherwise, or that SignPath does not know, is told, and a new one is filed", async (t) => {
  const ends: [name: string, words: string, end: (story: Story, id: string) => void | Promise<unknown>][] = [
    ["denied", 'ended as "Denied"', ({ peers }, id) => peers.signPath.deny(id)],
    ["cancelled", 'ended as "Canceled"', (story, id) => story.succeed(["cancel", id])],
    ["unknown", "is not known to SignPath", (story) => {
      story.between = (request, send) => {
        const isOld = request.method === "GET" && request.url.includes(`/SigningRequests/${first}`);
        return isOld ? Promise.resolve(new Response("", { status: 404 })) : send(request);
      };
    }],
  ];
  let first = "";
  for (const [name, words, end] of ends) {
    await t.step(name, async () => {
      const { story, id } = await given();
      await using _ = story;
      first = id;
      await end(story, id);
      const { stderr } = await story.fail(8, sign(story, ...SHORT), ["did not end within 1 s"]);
      assert.ok(stderr.includes(`Signing request ${id}, which was filed at`) && stderr.includes(words), stderr);
      assert.equal(story.signingRequests, 2);
      assert.deepEqual((await kept(story)).map(({ signingRequestId }) => signingRequestId), [newest(story).id]);
    });
  }
});

Deno.test("no request is filed while SignPath cannot say what became of the one before", async (t) => {
  for (const status of [401, 403, 500]) {
    await t.step(String(status), async () => {
      const { story } = await given();
      await using _ = story;
      story.between = (request, send) =>
        request.url.endsWith("/Status") ? Promise.resolve(new Response("", { status })) : send(request);
      const { stderr } = await story.fail(
        status === 500 ? 5 : 4,
        sign(story, "--service-unavailable-timeout", "0"),
        [],
      );
      assert.match(stderr, /tagseal resume/);
      assert.equal(story.signingRequests, 1);
    });
  }
});

Deno.test("of other work, another policy, and what is a week old, nothing is gone on with", async (t) => {
  const cases: [name: string, args: (story: Story) => string[], run?: StoryRun][] = [
    ["another tag", (story) => ["sign", "-r", story.gun, "-t", "v2", ...MANUAL]],
    ["more tags", (story) => ["sign", "-r", story.gun, "-t", "v1,v2", ...MANUAL]],
    ["another policy", (story) => ["sign", "-r", story.gun, "-t", "v1"]],
    ["other parameters", (story) => sign(story, "--parameter", "version=2")],
    ["a week later", (story) => sign(story), { host: { now: () => new Date(Date.now() + 8 * 86_400_000) } }],
  ];
  for (const [name, args, run = {}] of cases) {
    await t.step(name, async () => {
      const { story, id } = await given();
      await using _ = story;
      const { stderr } = await story.run([...args(story), ...SHORT], run);
      assert.doesNotMatch(stderr, /Going on with|may be there/);
      assert.equal(story.signingRequests, 2);
      assert.notEqual(newest(story).id, id);
    });
  }
  await t.step("the tag was moved", async () => {
    const { story } = await given();
    await using _ = story;
    await story.push("v1", "something else");
    const { stderr } = await story.fail(8, sign(story, ...SHORT), []);
    assert.doesNotMatch(stderr, /Going on with/);
    assert.equal(story.signingRequests, 2);
  });
});

Deno.test("others have published since: it is told, a new request is filed, and the old one cannot be published", async () => {
  const { story, id } = await given();
  await using _ = story;
  await story.succeed(["sign", "-r", story.gun, "-t", "v2"]);
  await story.peers.signPath.approve(id);
  const { stderr } = await story.fail(8, sign(story, ...SHORT), []);
  assert.match(
    stderr,
    new RegExp(`^Signing request ${id} was filed .* others have published since\\. A new one is filed`, "m"),
  );
  assert.equal(story.signingRequests, 3);
  for (const args of [["resume", id, "-r", story.gun], sign(story, "--signing-request-id", id)]) {
    await story.fail(6, args, ["Nothing was published"]);
  }
  assert.equal(story.posts, 1);
  assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v2 .*\n$/);
});

Deno.test("on another machine it is gone on with by its id, and published only for just what is asked", async (t) => {
  const { story, id } = await given();
  await using _ = story;
  const other = await story.another("demo/other");
  await story.peers.signPath.approve(id);
  await using agent = await elsewhere(story);
  const by = (...args: string[]) => ["sign", ...args, ...MANUAL, "--signing-request-id", id];
  await t.step("another repository", async () => {
    await agent.fail(2, by("-r", other, "-t", "v1"), [
      `Signing request "${id}" does not sign`,
      `it is for ${story.gun}`,
    ]);
  });
  await t.step("another tag, more of them, another scheme", async () => {
    for (
      const args of [["-t", "v2"], ["-t", "v1,v2"], [
        "-t",
        "v1",
        "--scheme",
        "cosign",
        "--delegation-certificate",
        "signpath.cer",
      ]]
    ) {
      await agent.fail(2, by("-r", story.gun, ...args), [
        "for other tags, digests or schemes of it",
        "leave --signing-request-id out",
      ]);
    }
  });
  await t.step("another digest", async () => {
    await agent.push("v1", "moved");
    await agent.fail(2, by("-r", story.gun, "-t", "v1"), ["for other tags, digests or schemes of it"]);
    await agent.push("v1");
  });
  await t.step("an id that is none, and one that is not known", async () => {
    await agent.fail(2, by("-r", story.gun, "-t", "v1").with(-1, "../x"), ["is not a signing request id"]);
    await agent.fail(2, by("-r", story.gun, "-t", "v1").with(-1, "0"), ["no signing request"]);
  });
  await t.step("a request of another kind", async () => {
    const hash = ["sign", "-r", story.gun, "-t", "v2", "--signing-method", "hash", "--project-slug", "demo-hashes"];
    await agent.succeed([...hash, "--dry-run"]);
    await agent.fail(2, [...hash, "--signing-request-id", id], ["--signing-request-id is for --signing-method zip"]);
  });
  await t.step("resume wants to know the repository, and takes no other one", async () => {
    await agent.fail(2, ["resume", id], ["was not filed from here", "Give --repository"]);
    await agent.fail(2, ["resume", id, "-r", other], [
      `Signing request "${id}" holds nothing for "${other}"`,
      story.gun,
    ]);
    assert.equal(agent.posts, 0);
  });
  await t.step("by the variable", async () => {
    const { stdout } = await agent.succeed(by("-r", story.gun, "-t", "v1").slice(0, -2), {
      env: { TAGSEAL_SIGNING_REQUEST_ID: id },
    });
    assert.match(stdout, /:v1 \S+ published\n$/);
    assert.equal(story.signingRequests, 1);
    assert.match((await agent.succeed(["resume", id, "-r", story.gun])).stdout, /unchanged\n$/);
  });
});

Deno.test("what is kept decides nothing: forged, it publishes nothing else, and damaged, it is as if nothing were kept", async (t) => {
  /** A request for another tag, approved, under the name of the one that is kept. */
  async function forged(change: (record: Record<string, unknown>, foreign: string) => unknown) {
    const { story, id } = await given();
    await story.fail(8, sign(story, ...SHORT).with(4, "v2"), []);
    const foreign = newest(story).id;
    await story.peers.signPath.approve(foreign);
    for await (const { name } of Deno.readDir(folder(story))) {
      const path = `${folder(story)}/${name}`;
      const record = name.endsWith(".json") ? JSON.parse(await Deno.readTextFile(path)) : {};
      if (record.signingRequestId !== id) continue;
      await Deno.writeTextFile(path, String(change(record, foreign)));
    }
    return { story, id, foreign };
  }
  await t.step("another request's id", async () => {
    const { story, foreign } = await forged((record, foreign) =>
      JSON.stringify({ ...record, signingRequestId: foreign })
    );
    await using _ = story;
    await story.fail(2, sign(story), [`Signing request "${foreign}" does not sign`, "Nothing was published"]);
    assert.equal(story.posts, 0);
    await story.fail(8, sign(story, ...SHORT), []);
    assert.equal(story.signingRequests, 3, "the next run files a new one");
  });
  await t.step("damaged", async () => {
    for (const what of ["{", "", '{"format":"tagseal-signing-request/2"}', `{"format":"tagseal-signing-request/1"}`]) {
      const { story } = await forged(() => what);
      await using _ = story;
      await story.fail(8, sign(story, ...SHORT), []);
      assert.equal(story.signingRequests, 3);
    }
  });
  await t.step("an id that leads elsewhere", async () => {
    const { story } = await forged((record) => JSON.stringify({ ...record, signingRequestId: "../../Cryptoki" }));
    await using _ = story;
    story.calls.length = 0;
    await story.fail(8, sign(story, ...SHORT), []);
    assert.ok(!story.calls.some((call) => call.includes("..")));
  });
});

Deno.test("a wrong id that is named for a request filed unheard does not end the matter; the right one does", async () => {
  const { story, id } = await given();
  await using _ = story;
  for await (const { name } of Deno.readDir(folder(story))) {
    const path = `${folder(story)}/${name}`;
    if (!name.endsWith(".json")) continue;
    const record = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, JSON.stringify({ ...record, signingRequestId: null })); // killed before it heard of it
  }
  const other = await story.another("demo/other");
  await story.fail(8, ["sign", "-r", other, "-t", "v1", ...MANUAL, ...SHORT], []);
  const foreign = newest(story).id;
  await story.peers.signPath.approve(foreign);
  const files = story.signingRequests;
  for (const [wrong, words] of [[foreign, "does not sign"], [crypto.randomUUID(), "404"]]) {
    await story.fail(2, sign(story, "--signing-request-id", wrong!), [words!]);
    await story.fail(6, sign(story), ["may be there already"]);
  }
  await story.peers.signPath.approve(id);
  await story.succeed(sign(story, "--signing-request-id", id));
  assert.equal(story.signingRequests, files);
  const left = new Map((await kept(story)).map((one) => [one.signingRequestId, one.publishedAt !== undefined]));
  assert.deepEqual(left, new Map([[foreign, false], [id, true]]));
});

Deno.test("a signed file that was exchanged on its way publishes nothing", async () => {
  const { story, id } = await given();
  await using _ = story;
  const other = await story.another("demo/other");
  await story.fail(8, ["sign", "-r", other, "-t", "v1", ...MANUAL, ...SHORT], []);
  const [first, second] = story.peers.signPath.requests();
  for (const request of [first!, second!]) await story.peers.signPath.approve(request.id);
  story.between = (request, send) =>
    send(new Request(request.url.replace(`${id}/SignedArtifact`, `${second!.id}/SignedArtifact`), request));
  story.calls.length = 0;
  await story.fail(3, ["resume", id], ["is not what was filed from here", other]);
  await story.fail(3, ["resume", id, "-r", story.gun], ["is not what was filed from here"]);
  await story.fail(2, sign(story), ["does not sign", `it is for ${other}`]);
  assert.equal(story.posts, 0);
});

Deno.test("a manifest that says what is asked, over payloads that sign something else, publishes nothing", async () => {
  const { story, id } = await given();
  await using _ = story;
  await story.peers.signPath.approve(id);
  story.between = async (request, send) => {
    const response = await send(request);
    if (!request.url.endsWith("/SignedArtifact")) return response;
    const entries = await readZip(new Uint8Array(await response.arrayBuffer()), LIMITS);
    const manifest = text(entries.get("docker-signing-data.json")!);
    const [digest] = /(?<="digest": ")sha256:[0-9a-f]{64}/.exec(manifest)!;
    entries.set("docker-signing-data.json", utf8(manifest.replaceAll(digest, `sha256:${"0".repeat(64)}`)));
    return new Response(await writeZip([...entries].map(([name, bytes]) => ({ name, bytes }))));
  };
  await story.fail(3, ["resume", id], ["Nothing was published"]);
  await story.fail(2, sign(story), ["does not sign what is to be signed"]);
  assert.equal(story.posts, 0);
});

Deno.test("two jobs at once, in one home: one request for both", async () => {
  await using story = await Story.readyToSign();
  const approve = () => story.peers.signPath.approve(newest(story).id).catch(() => {});
  const host = { sleep: () => new Promise<void>((resolve) => setTimeout(() => approve().then(resolve), 20)) };
  const runs = await Promise.all([1, 2].map(() => story.run(sign(story), { host })));
  assert.deepEqual(runs.map(({ code }) => code), [0, 0], runs.map(({ stderr }) => stderr).join("\n"));
  assert.equal(story.signingRequests, 1);
});

Deno.test("what cannot be kept is said, and signed all the same", async () => {
  await using story = await Story.readyToSign();
  await Deno.writeTextFile(folder(story), "in the way");
  const { stderr } = await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  assert.match(stderr, /^The signing request is not remembered here: /m);
  assert.equal(story.signingRequests, 1);
});

Deno.test("cancel: once, twice, and what cannot be cancelled", async () => {
  const { story, id } = await given();
  await using _ = story;
  assert.equal((await story.succeed(["cancel", id])).stdout, `Signing request ${id}: cancelled\n`);
  assert.equal(newest(story).workflowStatus, "Canceled");
  assert.deepEqual((await story.succeed(["cancel", id, "--json"])).json(), {
    signingRequestId: id,
    outcome: "unchanged",
  });
  await story.fail(7, ["resume", id], ['ended as "Canceled"']);
  await story.fail(2, ["cancel", crypto.randomUUID()], ["no signing request"]);
  await story.fail(2, ["cancel", "../x"], ["is not a signing request id"]);
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  await story.fail(2, ["cancel", newest(story).id], [
    'has ended as "Completed"',
    "what is not pushed is not published",
  ]);
});
