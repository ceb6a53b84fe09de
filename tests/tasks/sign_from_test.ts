/** `tagseal sign --from` and `signing-data --from`: many tags in many repositories, one signing request. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { TagsealError } from "../../lib/errors.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import type { Send } from "../../lib/http/send.ts";
import { readSigningData } from "../../lib/schemes/signing_data.ts";
import { given, Story } from "../support/local_story.ts";

const through = (request: Request, send: Send) => send(request);
const isDownload = (request: Request) => request.url.endsWith("/SignedArtifact");
const isManifest = (request: Request) => request.url.includes("/manifests/");
const isPostTo = (request: Request, gun: string) =>
  request.method === "POST" && request.url.endsWith("/_trust/tuf/") && request.url.includes(`/${gun}/`);
const digestOf = (text: string) => `sha256:${sha256Hex(new TextEncoder().encode(text))}`;

/** What `--json` says. */
interface SignJson {
  readonly repositories: readonly {
    readonly repository: string;
    readonly outcome: string;
    readonly tags: readonly { readonly tag: string; readonly digest: string }[];
  }[];
  readonly failed?: readonly { readonly repository: string; readonly error: Record<string, unknown> }[];
  readonly signingRequestId: string | null;
}

/** A machine with three repositories that are ready, each with `v1`; the first also with `v2`. */
async function three(): Promise<{ story: Story; guns: [string, string, string] }> {
  const story = await Story.readyToSign();
  const guns: [string, string, string] = [
    story.gun,
    await story.another("demo/second"),
    await story.another("demo/third"),
  ];
  story.calls.length = 0;
  return { story, guns };
}

const FROM = ["sign", "--from", "tags.txt"];
const outcomes = ({ repositories }: SignJson) => repositories.map(({ repository, outcome }) => [repository, outcome]);
const failures = ({ failed = [] }: SignJson) => failed.map(({ repository, error }) => [repository, error["code"]]);

Deno.test("sign --from: many repositories, one signing request, one report", async () => {
  const { story, guns: [a, b, c] } = await three();
  await using _ = story;
  const [v1, v2] = [await story.push("v1"), await story.push("v2")];
  await given(story, "tags.txt", `# release 7\n${a}:v1\n${b}:v1\r\n\n${a}:v2 # late\n${c}:v1@${v1}\n`);
  const { stdout, stderr } = await story.succeed(FROM);
  assert.equal(
    stdout,
    `${a}:v1 ${v1} published\n${a}:v2 ${v2} published\n${b}:v1 ${v1} published\n${c}:v1 ${v1} published\n`,
  );
  const progress = stderr.split("\n").filter((line) => line.startsWith("["));
  assert.deepEqual(progress.map((line) => line.slice(0, 6)), ["[1/3] ", "[2/3] ", "[3/3] "]);
  assert.deepEqual(progress.map((line) => line.slice(6)).sort(), [a, b, c].map((gun) => `${gun}: published`).sort());
  assert.deepEqual([story.signingRequests, story.posts], [1, 3]);
  const { stdout: json } = await story.succeed([...FROM, "--json"]);
  assert.deepEqual(documentIn(json), {
    repositories: [
      {
        repository: a,
        outcome: "unchanged",
        tags: [{ tag: "v1", digest: v1, previousDigest: v1 }, { tag: "v2", digest: v2, previousDigest: v2 }],
        roles: [],
      },
      { repository: b, outcome: "unchanged", tags: [{ tag: "v1", digest: v1, previousDigest: v1 }], roles: [] },
      { repository: c, outcome: "unchanged", tags: [{ tag: "v1", digest: v1, previousDigest: v1 }], roles: [] },
    ],
    signingRequestId: null,
  });
  assert.deepEqual([story.signingRequests, story.posts], [1, 3], "a second run files and posts nothing");
  for (const gun of [a, b, c]) await story.succeed(["verify", "-r", gun, "-t", "v1"]);
});

Deno.test("sign --from: what fails in one repository keeps none of the others from being signed", async (t) => {
  const { story, guns: [a, b, c] } = await three();
  await using _ = story;
  const unknown = `${story.peers.host}/demo/unknown`;
  await t.step("one repository unknown, one tag missing", async () => {
    await given(story, "tags.txt", `${unknown}:v1\n${a}:v1\n${b}:v1\n${b}:v9\n`);
    const { code, stdout, stderr } = await story.run([...FROM, "--json"]);
    assert.equal(code, 2);
    const json: SignJson = documentIn(stdout);
    assert.deepEqual(outcomes(json), [[a, "published"]]);
    assert.deepEqual(failures(json), [[unknown, "not-found"], [b, "not-found"]]);
    for (const { error } of json.failed!) {
      assert.deepEqual(Object.keys(error), ["code", "message", "remedy", "details"], "as push shows it");
    }
    assert.match(stderr, /^tagseal: error: localhost:5000\/demo\/unknown: .*no trust data.*\ntagseal: next: /m);
    assert.match(stderr, /^tagseal: error: localhost:5000\/demo\/second: The tag "v9".*\ntagseal: next: /m);
    assert.match(stderr, /^\[3\/3\] /m);
    assert.equal([...stderr.matchAll(/: failed$/gm)].length, 2);
    assert.equal(story.signingRequests, 1);
  });
  await t.step("the re-run does what is missing, and nothing else", async () => {
    await story.push("v9", "nine", "demo/second");
    const sent: string[][] = [];
    story.between = async (request, send) => {
      if (request.url.endsWith("/SubmitWithArtifact")) {
        const file = (await request.clone().formData()).get("artifact") as File;
        const { repositories } = await readSigningData(await file.bytes());
        sent.push(repositories.map(({ repository }) => repository));
      }
      return await send(request);
    };
    await given(story, "tags.txt", `${a}:v1\n${b}:v1\n${b}:v9\n${c}:v1\n`);
    const { stdout } = await story.succeed(FROM);
    assert.match(stdout, /^\S+app:v1 \S+ unchanged\n\S+second:v1 \S+ published\n\S+second:v9 \S+ published\n\S+third/);
    assert.deepEqual(sent, [[b, c]]);
    await story.succeed(FROM);
    assert.deepEqual([sent.length, story.signingRequests], [1, 2]);
    story.between = through;
  });
});

Deno.test("sign --from: the exit code is that of the worst, and a re-run goes on", async () => {
  const { story, guns: [a, b, c] } = await three();
  await using _ = story;
  await given(story, "tags.txt", `${a}:v1\n${b}:v1\n${c}:v9\n`);
  story.between = (request, send) =>
    isPostTo(request, b) ? Promise.resolve(new Response("", { status: 500 })) : send(request);
  const { code, stdout, stderr } = await story.run([...FROM, "--json"]);
  assert.equal(code, 5, "unavailable is worse than a missing tag");
  const json: SignJson = documentIn(stdout);
  assert.deepEqual(outcomes(json), [[a, "published"]]);
  assert.deepEqual(failures(json), [[b, "unavailable"], [c, "not-found"]]);
  assert.match(
    stderr,
    /second: Signed, but perhaps not published[^]*tagseal resume [0-9a-f-]{36}$/m,
  );
  assert.equal(
    json.failed![0]!.error["remedy"],
    `Do not sign again: publish what is signed already. Go on with: tagseal resume ${json.signingRequestId}`,
  );
  story.between = through;
  // As it says: without another approval.
  assert.match(
    (await story.succeed(["resume", json.signingRequestId!])).stdout,
    /app:v1 \S+ unchanged\n\S+second:v1 \S+ published\n$/,
  );
  assert.equal(story.signingRequests, 1);
});

Deno.test("sign --from: one repository goes stale again and again, the others are published", async () => {
  const { story, guns: [a, b] } = await three();
  await using _ = story;
  await using other = await Story.begin(story.peers);
  await given(story, "tags.txt", `${a}:v1\n${b}:v1\n`);
  let n = 0;
  story.between = async (request, send) => {
    const response = await send(request);
    if (isDownload(request)) {
      await other.push("theirs", `content ${++n}`, "demo/second");
      await other.succeed(["sign", "-r", b, "-t", "theirs"]);
    }
    return response;
  };
  const { code, stdout } = await story.run([...FROM, "--json"]);
  assert.equal(code, 6);
  const json: SignJson = documentIn(stdout);
  assert.deepEqual(outcomes(json), [[a, "published"]]);
  assert.deepEqual(failures(json), [[b, "stale"]]);
  assert.equal(n, 10);
  assert.equal(story.signingRequests, 20, "ours and theirs: the published one is not signed again");
  story.between = through;
  assert.match((await story.succeed(FROM)).stdout, /app:v1 \S+ unchanged\n\S+second:v1 \S+ published\n$/);
  assert.match((await story.succeed(["list", "-r", b])).stdout, /^theirs .*\nv1 .*\n$/, "nobody's tag is lost");
});

Deno.test("sign --from: one stale repository starts over by itself", async () => {
  const { story, guns: [a, b] } = await three();
  await using _ = story;
  await using other = await Story.begin(story.peers);
  await given(story, "tags.txt", `${a}:v1\n${b}:v1\n`);
  let slipped = false;
  story.between = async (request, send) => {
    const response = await send(request);
    if (isDownload(request) && !slipped) {
      slipped = true;
      await other.push("theirs", "theirs", "demo/second");
      await other.succeed(["sign", "-r", b, "-t", "theirs"]);
    }
    return response;
  };
  const { stderr } = await story.succeed(FROM);
  assert.match(stderr, /second".* since this data was made.*Starting over on top of it\.$/m);
  assert.equal([...stderr.matchAll(/^\[\d\/2\] /gm)].length, 2, "each counted once");
  assert.equal(story.signingRequests, 3);
});

Deno.test("sign --from: digests", async (t) => {
  const { story, guns: [a, b] } = await three();
  await using _ = story;
  const v1 = await story.push("v1");
  const other = `sha256:${"0".repeat(64)}`;
  await t.step("without length: the registry must agree", async () => {
    await given(story, "tags.txt", `${a}:v1@${other}\n`);
    await story.fail(3, FROM, [v1, other, "Nothing was signed"]);
    await given(story, "tags.txt", `${a}:v1@${other}\n${b}:v1@${v1}\n`);
    const { code, stdout } = await story.run([...FROM, "--json"]);
    assert.equal(code, 3);
    assert.deepEqual([outcomes(documentIn(stdout)), failures(documentIn(stdout))], [
      [[b, "published"]],
      [[a, "trust-invalid"]],
    ]);
  });
  await t.step("with length: the registry is not asked", async () => {
    story.calls.length = 0;
    story.between = (request, send) => {
      assert.ok(!isManifest(request), `asked: ${request.url}`);
      return send(request);
    };
    await given(story, "tags.txt", `${a}:v1@${other} 528\n${a}:not-pushed@${digestOf("x")} 7\n`);
    const { stdout } = await story.succeed(FROM);
    assert.equal(stdout, `${a}:v1 ${other} published\n${a}:not-pushed ${digestOf("x")} published\n`);
    assert.ok(story.calls.every((call) => !call.includes("/manifests/") && !/ \/v2\/$/.test(call)));
    const tags = (await story.succeed(["list", "-r", a, "--json"])).json<{ tags: { tag: string; length: number }[] }>();
    assert.deepEqual(tags.tags.map(({ tag, length }) => [tag, length]), [["not-pushed", 7], ["v1", 528]]);
    assert.match((await story.succeed(FROM)).stdout, /^\S+ \S+ unchanged\n\S+ \S+ unchanged\n$/);
    story.between = through;
  });
  await t.step("a wrong length of the same digest is put right", async () => {
    await given(story, "tags.txt", `${a}:v1@${other} 529\n`);
    assert.match((await story.succeed(FROM)).stdout, / published\n$/);
  });
  await t.step("with and without in one repository", async () => {
    await given(story, "tags.txt", `${a}:v1\n${a}:made-up@${digestOf("y")} 9\n`);
    await story.succeed(FROM);
    assert.equal(
      (await story.succeed(["verify", "-r", a, "-t", "v1,made-up"])).stdout,
      `v1 ${v1}\nmade-up ${digestOf("y")}\n`,
    );
  });
});

Deno.test("sign --from refuses before anything is done", async (t) => {
  await using story = await Story.readyToSign();
  const digest = await story.push("v1");
  await given(story, "tags.txt", `${story.gun}:v1\n`);
  await given(story, "built.json", "{}");
  const exclude = "--from and flags that name tags exclude each other";
  const cases: [name: string, more: string[], content: string | Uint8Array | undefined, words: string[]][] = [
    ["with --repository", ["-r", story.gun], undefined, [exclude]],
    ["with --tags", ["-t", "v1"], undefined, [exclude]],
    ["with --expect-digest", ["--expect-digest", `v1=${digest}`], undefined, [exclude]],
    ["with --buildx-metadata", ["--buildx-metadata", "built.json"], undefined, [exclude]],
    ["an empty file", [], "", ["it names no tag"]],
    ["comments alone", [], "# nothing\n\n", ["it names no tag"]],
    ["a line without tag", [], `${story.gun}:v1\n${story.gun}\n`, ["names no tag", '(line 2 of "tags.txt")']],
    ["a length without digest", [], `${story.gun}:v1 528\n`, ["There is a length, but no digest", "line 1"]],
    ["a contradiction", [], `${story.gun}:v1\n${story.gun}:v1@${digest}\n`, ["was something else in line 1", "line 2"]],
    ["words that steer a terminal", [], "\u001b[2J\u202e:v1\n", ["line 1"]],
    ["a binary file", [], Uint8Array.of(0xff, 0xfe, 0, 1, 2), ["line 1"]],
  ];
  for (const [name, more, content, words] of cases) {
    await t.step(name, async () => {
      if (content !== undefined) await given(story, "tags.txt", content);
      await story.fail(2, [...FROM, ...more], words, { cacheStays: true });
    });
  }
  await t.step("no such file", async () => {
    await story.fail(2, ["sign", "--from", "none.txt"], ["There is no file", "none.txt"], { cacheStays: true });
    await story.fail(2, ["sign", "--from", ""], ["--from is empty"], { cacheStays: true });
    await story.fail(2, ["sign", "-t", "v1"], ["--repository is missing"], { cacheStays: true });
  });
  assert.deepEqual(story.calls, []);
});

Deno.test("sign --from: a thousand tags in one file", async () => {
  await using story = await Story.begin();
  await story.push("v1");
  await story.succeed(["init", "-r", story.gun, "--delegation-certificate", "signpath.cer"]);
  story.calls.length = 0;
  const tags = Array.from({ length: 1000 }, (_, n) => `1.0.${n}`);
  await given(story, "tags.txt", tags.map((tag) => `${story.gun}:${tag}@${digestOf(tag)} 528\n`).join(""));
  const { stdout } = await story.succeed(FROM);
  assert.equal(stdout.trim().split("\n").length, 1000);
  assert.deepEqual([story.signingRequests, story.posts], [1, 1]);
  assert.ok(story.calls.length < 40, `${story.calls.length} calls: not one for each tag`);
  assert.equal((await story.succeed(["list", "-r", story.gun])).stdout.trim().split("\n").length, 1000);
  await given(
    story,
    "tags.txt",
    tags.map((tag) => `${story.gun}:${tag}@${digestOf(tag)} 528\n`).join("") + `${story.gun}:v1\n`,
  );
  assert.match((await story.succeed(FROM)).stdout, /v1 \S+ published\n$/);
});

Deno.test("signing-data --from, submit, download, push: several repositories in one file", async (t) => {
  const { story, guns: [a, b, c] } = await three();
  await using _ = story;
  await story.succeed(["sign", "-r", c, "-t", "v1"]);
  await given(story, "tags.txt", `${a}:v1\n${b}:v1\n${c}:v1\n`);
  const make = ["signing-data", "--from", "tags.txt", "--output-artifact-path", "data.zip"];
  const before = story.signingRequests;
  await t.step("one file for what is not signed yet", async () => {
    const json = (await story.succeed([...make, "--json"])).json<
      { repositories: { repository: string }[]; unchanged: { repository: string }[] }
    >();
    assert.deepEqual(json.repositories.map(({ repository }) => repository), [a, b]);
    assert.deepEqual(json.unchanged.map(({ repository }) => repository), [c]);
    const data = await readSigningData(await Deno.readFile(story.path("data.zip")));
    assert.deepEqual([...data.payloads.keys()], [1, 2, 3, 4].map((n) => `payload/000${n}.json`));
    assert.ok(data.trust.has("trust/1/root.json") && data.trust.has("trust/2/root.json"));
  });
  await t.step("one request, and each repository pushed", async () => {
    const id = (await story.succeed(["submit", "--input-artifact-path", "data.zip"])).stdout.trim();
    await story.succeed(["download", id, "--output-artifact-path", "signed.zip"]);
    const push = ["push", "--input-artifact-path", "signed.zip"];
    assert.match((await story.succeed([...push, "-r", b])).stdout, /^\S+second:v1 \S+ published\n$/, "this one alone");
    const { stdout, stderr } = await story.succeed(push);
    assert.match(stdout, /^\S+app:v1 \S+ published\n\S+second:v1 \S+ unchanged\n$/);
    assert.match(stderr, /^\[1\/2\] [^]*^\[2\/2\] /m);
    assert.equal(story.signingRequests, before + 1);
  });
  await t.step("nothing left", async () => {
    const { stdout, stderr } = await story.succeed([...make, "--force"]);
    assert.equal(stdout, "");
    assert.match(stderr, /there is nothing to sign, and no file/);
  });
  await t.step("a missing tag: no file", async () => {
    await given(story, "tags.txt", `${a}:v2\n${b}:v9\n`);
    await story.fail(2, make.with(-1, "odd.zip"), ['The tag "v9"', "does not exist"]);
    await story.fail(2, [...make.with(-1, "odd.zip"), "-t", "v1"], ["exclude each other"]);
  });
});

Deno.test("sign --from, interrupted: said once, and what was published stays", async () => {
  const { story, guns: [a, b] } = await three();
  await using _ = story;
  await given(story, "tags.txt", `${a}:v1\n${b}:v1\n`);
  const ctrlC = new AbortController();
  const sleep = () => {
    ctrlC.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there" }));
    return Promise.reject(ctrlC.signal.reason);
  };
  const manual = ["--signing-policy-slug", "release-signing-with-approval"];
  const { stderr } = await story.fail(130, [...FROM, ...manual], ["Interrupted while waiting", "tagseal resume"], {
    host: { sleep },
    signal: ctrlC.signal,
  });
  assert.equal([...stderr.matchAll(/^tagseal: error/gm)].length, 1);
  assert.deepEqual([story.signingRequests, story.posts], [1, 0]);
});
