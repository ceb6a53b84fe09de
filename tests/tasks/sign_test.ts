/** `tagseal sign`: the main job, and everything that can go wrong with it. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { TagsealError } from "../../lib/errors.ts";
import type { Send } from "../../lib/http/send.ts";
import { given, peersInMemory, Story } from "../support/local_story.ts";

const LIMITS = { entries: 100, entryBytes: 2 ** 24, totalBytes: 2 ** 24 };
const isPost = (request: Request) => request.method === "POST" && request.url.endsWith("/_trust/tuf/");
const isDownload = (request: Request) => request.url.endsWith("/SignedArtifact");
const through = (request: Request, send: Send) => send(request);

/** What SignPath gives back, changed by `change`. */
function returning(change: (entries: Map<string, Uint8Array>) => void | Bytes) {
  return async (request: Request, send: Send): Promise<Response> => {
    const response = await send(request);
    if (!isDownload(request) || !response.ok) return response;
    const entries = new Map(await readZip(await response.bytes(), LIMITS));
    const other = change(entries);
    return new Response(other ?? await writeZip([...entries].map(([name, bytes]) => ({ name, bytes }))));
  };
}

Deno.test("sign: several tags at once, and what it says", async () => {
  for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
    await using story = await Story.readyToSign(await peersInMemory({ algorithm }));
    const [v1, v2] = [await story.push("v1"), await story.push("v2", "two")];
    const args = [
      "sign",
      "-r",
      story.gun,
      "--tags",
      "v1, v2,",
      "-t",
      "v1",
      "--description",
      "build 7",
      "--parameter",
      "a=b=c",
    ];
    const { stdout } = await story.succeed([...args, "--json"]);
    const { signingRequestId, ...rest } = documentIn(stdout);
    assert.deepEqual(rest, {
      repositories: [{
        repository: story.gun,
        outcome: "published",
        tags: [{ tag: "v1", digest: v1, previousDigest: null }, { tag: "v2", digest: v2, previousDigest: null }],
        roles: [{ role: "targets/releases", version: 1 }, { role: "targets/signpath", version: 1 }],
      }],
    });
    const [request] = story.peers.signPath.requests();
    assert.deepEqual([request!.id, request!.description, request!.parameters], [signingRequestId, "build 7", {
      a: "b=c",
    }]);
    const moved = await story.push("v2", "three");
    assert.equal(
      (await story.succeed(args)).stdout,
      `${story.gun}:v1 ${v1} published\n${story.gun}:v2 ${moved} published, moved from ${v2}\n`,
    );
    assert.equal(
      (await story.succeed(args)).stdout,
      `${story.gun}:v1 ${v1} unchanged\n${story.gun}:v2 ${moved} unchanged\n`,
    );
    assert.equal(story.signingRequests, 2);
  }
});

Deno.test("sign refuses before anything is submitted", async (t) => {
  await using story = await Story.readyToSign();
  const digest = await story.push("v1");
  const other = `sha256:${"0".repeat(64)}`;
  const sign = (...more: string[]) => ["sign", "-r", story.gun, ...more];
  const cases: [name: string, code: number, args: string[], words: string[], env?: Record<string, string>][] = [
    ["a tag that the registry does not have", 2, sign("-t", "v1,v9"), [
      'The tag "v9"',
      "does not exist",
      "Push the image",
    ]],
    ["a digest that is not the tag's", 3, sign("-t", "v1", "--expect-digest", `v1=${other}`), [
      digest,
      other,
      "Nothing was",
    ]],
    ["a digest of a tag that is not signed", 2, sign("-t", "v2", "--expect-digest", `v1=${digest}`), ["not in --tags"]],
    [
      "two digests of one tag",
      2,
      sign("-t", "v1", "--expect-digest", `v1=${digest}`, "--expect-digest", `v1=${other}`),
      [
        '--expect-digest is given twice for "v1"',
      ],
    ],
    ["a digest that is none", 2, sign("-t", "v1", "--expect-digest", "v1=latest"), ['"latest" is not a digest']],
    ["no tag", 2, sign(), ["--tags is missing", "--tags v1"]],
    ["a tag that is none", 2, sign("-t", ".v1"), ['".v1" is not a tag']],
    ["a repository that is not set up", 2, ["sign", "-r", "localhost:5000/demo/new", "-t", "v1"], ["no trust data"]],
    ["a delegation that is not there", 2, sign("-t", "v1", "--delegation", "team"), ['no delegation "targets/team"']],
    [
      "another key's certificate",
      2,
      sign("-t", "v1", "--delegation-certificate", "signpath.cer", "--delegation", "team"),
      [
        "targets/team",
      ],
    ],
    ["no token", 2, sign("-t", "v1"), ["--api-token is missing", "SIGNPATH_API_TOKEN"], { SIGNPATH_API_TOKEN: "" }],
    ["no project", 2, sign("-t", "v1"), ["--project-slug is missing", "SIGNPATH_PROJECT_SLUG"], {
      SIGNPATH_PROJECT_SLUG: "",
    }],
  ];
  for (const [name, code, args, words, env = {}] of cases) {
    await t.step(name, async () => {
      await story.fail(code, args, words, { env });
    });
  }
  assert.deepEqual([story.signingRequests, story.posts], [0, 0]);
});

Deno.test("sign and SignPath", async (t) => {
  await using story = await Story.readyToSign();
  const sign = ["sign", "-r", story.gun, "-t", "v1"];
  const wait = ["--service-unavailable-timeout", "2"];
  await t.step("wrong token", async () => {
    story.secrets.push("not-the-token");
    const env = { SIGNPATH_API_TOKEN: "not-the-token" };
    await story.fail(4, sign, ["answered 401", "--api-token or SIGNPATH_API_TOKEN"], { env });
  });
  await t.step("a token in two lines", async () => {
    const env = { SIGNPATH_API_TOKEN: `${story.peers.apiToken}\n${story.peers.apiToken}` };
    await story.fail(2, sign, ["The API token is empty or has characters"], { env });
  });
  await t.step("unknown project", async () => {
    await story.fail(2, [...sign, "--project-slug", "none"], ["projectSlug", "There is no such project"]);
  });
  await t.step("words that could steer a terminal", async () => {
    story.between = async (request, send) =>
      request.url.endsWith("/SubmitWithArtifact")
        ? new Response(`no\u001b]0;owned\u0007 ${story.peers.apiToken} \u202e`, {
          status: 403,
          headers: { "content-type": "text/plain" },
        })
        : await send(request);
    await story.fail(4, sign, ["answered 403", "no ]0;owned …", "submitter"]);
    story.between = through;
  });
  await t.step("unreachable: it says that it tries again, then gives up", async () => {
    story.between = (request, send) =>
      request.url.includes("/API/")
        ? Promise.reject(new TypeError("dns error: failed to lookup address information"))
        : send(request);
    const { stderr } = await story.fail(5, [...sign, ...wait], ["SignPath", "dns error"]);
    assert.match(stderr, /^SignPath at "\S+" .*dns error.*; the next try is in 1 s, the last one within \d s$/m);
    story.between = through;
  });
  await t.step("lost answer to a submission: it is not repeated, and said", async () => {
    story.between = async (request, send) => {
      const response = await send(request);
      if (request.url.endsWith("/SubmitWithArtifact")) throw new TypeError("connection closed");
      return response;
    };
    const before = story.signingRequests;
    await story.fail(5, sign, ["may or may not have been filed", "before submitting again"]);
    assert.equal(story.signingRequests, before + 1);
    story.between = through;
    await story.fail(6, sign, ["may be there already", "--signing-request-id <id>", "--new-signing-request"]);
    assert.equal(story.signingRequests, before + 1);
  });
  await t.step("a download that fails does not cost another approval", async () => {
    story.between = (request, send) =>
      isDownload(request) ? Promise.reject(new TypeError("broken pipe")) : send(request);
    const { stderr } = await story.fail(5, [...sign, ...wait, "--new-signing-request"], [
      "broken pipe",
      "Do not submit again",
    ]);
    const id = story.peers.signPath.requests().at(-1)!.id;
    assert.ok(stderr.includes(`tagseal resume ${id}`), stderr);
    story.between = through;
  });
  assert.equal(story.posts, 0);
  await t.step("and then it works", async () => {
    const before = story.signingRequests;
    await story.succeed(sign);
    assert.equal(story.signingRequests, before);
  });
});

Deno.test("sign and a signing service that cheats", async (t) => {
  await using story = await Story.readyToSign();
  const payloads = (entries: Map<string, Uint8Array>) =>
    [...entries.keys()].filter((name) => /^payload.*json$/.test(name));
  const edit = (entries: Map<string, Uint8Array>, name: string, from: RegExp, to: string) => {
    const before = new TextDecoder().decode(entries.get(name));
    assert.match(before, from);
    entries.set(name, utf8(before.replace(from, to)));
  };
  const manifest = "docker-signing-data.json";
  const cases: [
    name: string,
    code: number,
    change: (entries: Map<string, Uint8Array>) => void | Bytes,
    words: string[],
  ][] = [
    ["changed manifest", 3, (all) => edit(all, manifest, /"tag": "v1"/, '"tag": "v7"'), ["not the one that was sent"]],
    [
      "changed digest in the manifest",
      3,
      (all) => edit(all, manifest, /"digest": "sha256:..../, '"digest": "sha256:0000'),
      [
        "not the one that was sent",
      ],
    ],
    ["changed payload", 3, (all) => edit(all, payloads(all)[0]!, /"v1"/, '"v7"'), [
      "not the one that the manifest names",
    ]],
    ["missing signature", 7, (all) => void all.delete(`${payloads(all)[1]}.sig`), [
      "SignPath sent the file back unsigned in part (1 of 2 payloads)",
    ]],
    ["bad signature", 3, (all) => void all.set(`${payloads(all)[0]}.sig`, new Uint8Array(64)), [
      "signature is not good",
    ]],
    ["not signed at all", 7, (all) => payloads(all).forEach((name) => all.delete(`${name}.sig`)), [
      "SignPath sent the file back unsigned: the project's artifact configuration does not sign payload/*.json",
      '\n      <create-raw-signature output-file-name="${file.name}.sig" hash-algorithm="sha256" />\n',
    ]],
    ["something more", 2, (all) => void all.set("evil.sh", utf8("#!")), ['it holds "evil.sh"']],
    ["a way out of the folder", 2, (all) => void all.set("../evil", utf8("")), ["evil"]],
    ["a foreign ZIP", 2, (all) => (all.clear(), void all.set("readme.txt", utf8("hi"))), ["is missing"]],
    ["no ZIP", 5, () => utf8("<html>Sign in</html>"), ["an HTML page, not a ZIP", "tagseal resume"]],
    ["nothing", 5, () => new Uint8Array(), ["empty, not a ZIP", "tagseal resume"]],
  ];
  for (const [name, code, change, words] of cases) {
    await t.step(name, async () => {
      story.between = returning(change);
      await story.fail(code, ["sign", "-r", story.gun, "-t", "v1"], words);
    });
  }
  assert.equal(story.posts, 0, "nothing was published");
  assert.equal((await story.succeed(["list", "-r", story.gun])).stdout, "");
});

Deno.test("sign waits: denied, too long, interrupted", async (t) => {
  await using story = await Story.readyToSign();
  const { signPath } = story.peers;
  const manual = ["--signing-policy-slug", "release-signing-with-approval"];
  const sign = ["sign", "-r", story.gun, "-t", "v1", ...manual];
  const newest = () => signPath.requests().at(-1)!;

  await t.step("denied", async () => {
    const sleep = () => Promise.resolve(signPath.deny(newest().id));
    const { stderr } = await story.fail(7, sign, ['ended as "Denied"', "then submit a new one"], { host: { sleep } });
    assert.match(stderr, /^Signing request \S+: WaitingForApproval$/m);
  });

  await t.step("too long, and resumed: no second request", async () => {
    const submitted: string[] = [];
    story.between = async (request, send) => {
      if (request.url.endsWith("/SubmitWithArtifact")) submitted.push(...(await request.clone().formData()).keys());
      return await send(request);
    };
    const { stdout, stderr, code } = await story.run([
      ...sign,
      "--wait-for-completion-timeout",
      "5",
      "--json",
      "--quiet",
    ]);
    const { id } = newest();
    assert.equal(code, 8);
    const { code: name, message, remedy, details } = documentIn(stdout).error;
    assert.equal(name, "timed-out");
    assert.match(message, /did not end within 5 s \(its status is "WaitingForApproval"\); it goes on at SignPath/);
    assert.equal(
      remedy,
      "Do not submit again: download the signed file of this request, and publish it. Its page: " +
        `${details.webLink}. Go on with: tagseal resume ${id} -r ${story.gun}`,
    );
    assert.equal(details.signingRequestId, id);
    assert.ok(stderr.includes(id));
    assert.deepEqual(
      submitted.sort(),
      ["artifact", "description", "projectSlug", "signingPolicySlug"],
      "SignPath is not told to cancel",
    );
    const count = story.signingRequests;
    await signPath.approve(id);
    await story.succeed(["download", id, "--output-artifact-path", "late.zip"]);
    await story.succeed(["push", "--input-artifact-path", "late.zip"]);
    await story.succeed(["verify", "-r", story.gun, "-t", "v1"]);
    assert.equal(story.signingRequests, count);
  });

  await t.step("interrupted", async () => {
    const interruption = new AbortController();
    const sleep = () => {
      interruption.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there" }));
      return Promise.reject(interruption.signal.reason);
    };
    const again = sign.with(4, "v2");
    const { stderr } = await story.fail(130, again, ["Interrupted while waiting", "The request goes on"], {
      host: { sleep },
      signal: interruption.signal,
    });
    assert.ok(stderr.includes(`tagseal resume ${newest().id}`));
    assert.equal(newest().workflowStatus, "WaitingForApproval");
  });
});

Deno.test("sign and a Notary server that fails while publishing", async (t) => {
  await using story = await Story.readyToSign();
  const sign = ["sign", "-r", story.gun, "-t", "v1"];
  await t.step("refused: told how to go on without another approval", async () => {
    story.between = (request, send) =>
      isPost(request) ? Promise.resolve(new Response("", { status: 403 })) : send(request);
    const { stderr } = await story.fail(4, sign, ["answers 403", "NOTARY_AUTH"]);
    const { id } = story.peers.signPath.requests().at(-1)!;
    assert.ok(stderr.includes(`Go on with: tagseal resume ${id} -r ${story.gun}`), stderr);
  });
  await t.step("out of order: nothing is half-done", async () => {
    story.between = (request, send) =>
      isPost(request) ? Promise.resolve(new Response("", { status: 500 })) : send(request);
    await story.fail(5, sign, ["perhaps not published", "status 500", "Do not sign again"]);
    assert.equal((await story.succeed(["list", "-r", story.gun])).stdout, "");
  });
  await t.step("lost answer: it was published, so all is well", async () => {
    story.between = async (request, send) => {
      const response = await send(request);
      if (isPost(request)) throw new TypeError("connection reset");
      return response;
    };
    const { stdout } = await story.succeed(sign);
    assert.match(stdout, / published\n$/);
    story.between = through;
    await story.succeed(["verify", "-r", story.gun, "-t", "v1"]);
  });
});

Deno.test("sign starts over when somebody publishes between signing and pushing", async () => {
  await using story = await Story.readyToSign();
  await using other = await Story.begin(story.peers);
  const [v1, v2] = [await story.push("v1"), await story.push("v2")];
  let slipped = false;
  story.between = async (request, send) => {
    const response = await send(request);
    if (isDownload(request) && !slipped) {
      slipped = true;
      await other.succeed(["sign", "-r", other.gun, "-t", "v2"]);
    }
    return response;
  };
  const { stdout, stderr } = await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  assert.equal(stdout, `${story.gun}:v1 ${v1} published\n`);
  assert.match(stderr, /^Somebody else has published to "targets\/releases" .*Starting over on top of it\.$/m);
  assert.equal(story.calls.filter((call) => call.endsWith("/SubmitWithArtifact")).length, 2, "exactly two requests");
  assert.equal(story.posts, 1);
  const { stdout: list } = await other.succeed(["list", "-r", story.gun]);
  assert.equal(list, `v1 ${v1} signpath\nv2 ${v2} signpath\n`);
});

Deno.test("sign gives up as stale when others are always faster", async () => {
  await using story = await Story.readyToSign();
  await using other = await Story.begin(story.peers);
  let n = 0;
  story.between = async (request, send) => {
    const response = await send(request);
    if (isDownload(request)) {
      await other.push("v2", `content ${++n}`);
      await other.succeed(["sign", "-r", other.gun, "-t", "v2"]);
    }
    return response;
  };
  await story.fail(6, ["sign", "-r", story.gun, "-t", "v1"], [
    "Somebody else has published",
    "(tags: v2)",
    "Nothing was",
  ]);
  assert.deepEqual([n, story.posts], [10, 0]);
});

Deno.test("--buildx-metadata: only what was built is signed", async (t) => {
  await using story = await Story.readyToSign();
  const v1 = await story.push("v1");
  await story.push("v2");
  const metadata = (digest: string) =>
    JSON.stringify({ "containerimage.digest": digest, "image.name": `${story.gun}:v1` });
  await given(story, "built.json", metadata(v1));
  await given(story, "moved.json", metadata(`sha256:${"0".repeat(64)}`));
  const sign = ["sign", "-r", story.gun, "--buildx-metadata"];
  const before = story.signingRequests;
  await t.step(
    "a tag that stands for something else now",
    () => story.fail(3, [...sign, "moved.json"], ["v1", v1, "stands for"]).then(() => {}),
  );
  await t.step("a tag that was not built, a digest that contradicts", async () => {
    await story.fail(2, [...sign, "built.json", "-t", "v1,v2"], ['"v2"', `v1 as ${v1}`]);
    await story.fail(2, [...sign, "built.json", "--expect-digest", `v1=sha256:${"1".repeat(64)}`], ['"v1"']);
    assert.equal(story.signingRequests, before);
  });
  await t.step("what was built", async () => {
    assert.equal((await story.succeed([...sign, "built.json"])).stdout, `${story.gun}:v1 ${v1} published\n`);
  });
});
