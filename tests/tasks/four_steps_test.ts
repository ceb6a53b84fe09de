/** `tagseal signing-data`, `submit`, `download`, `push`: the four steps of signing apart. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { pushTinyImage } from "../../lib/local/image.ts";
import { readSigningData, writeSigningData } from "../../lib/schemes/signing_data.ts";
import { given, Story } from "../support/local_story.ts";

const LIMITS = { entries: 100, entryBytes: 2 ** 24, totalBytes: 2 ** 24 };
const MANUAL = { env: { SIGNPATH_SIGNING_POLICY_SLUG: "release-signing-with-approval" } };

/** Makes signing data and has it signed: `signed.zip`. */
async function signed(story: Story, tags: string, name = "signed.zip"): Promise<string> {
  await story.succeed(["signing-data", "-r", story.gun, "-t", tags, "--output-artifact-path", "data.zip", "--force"]);
  const id = (await story.succeed(["submit", "--input-artifact-path", "data.zip"])).stdout.trim();
  await story.succeed(["download", id, "--output-artifact-path", name, "--force"]);
  return name;
}

async function edited(zip: Bytes, change: (entries: Map<string, Uint8Array>) => void): Promise<Bytes> {
  const entries = new Map(await readZip(zip, LIMITS));
  change(entries);
  return await writeZip([...entries].map(([name, bytes]) => ({ name, bytes })));
}

Deno.test("signing-data writes what is to be signed, and publishes nothing", async (t) => {
  await using story = await Story.readyToSign();
  const digest = await story.push("v1");
  const args = ["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"];
  await t.step("plain and as JSON", async () => {
    const { stdout, stderr } = await story.succeed(args);
    assert.equal(stdout, "data.zip\n");
    assert.match(stderr, new RegExp(`^${story.gun}:v1 ${digest}$`, "m"));
    const { outputArtifactPath, repositories, unchanged } = (await story.succeed([...args, "--force", "--json"]))
      .json<{ outputArtifactPath: string; unchanged: unknown[]; repositories: Record<string, unknown>[] }>();
    assert.deepEqual([outputArtifactPath, unchanged, repositories.length], ["data.zip", [], 1]);
    const data = await readSigningData(await Deno.readFile(story.path("data.zip")));
    assert.deepEqual(JSON.parse(JSON.stringify(data.repositories)), repositories);
    assert.deepEqual([data.payloads.size, data.signatures.size], [2, 0]);
    assert.deepEqual([...data.trust.keys()].sort(), [
      "trust/1/root.json",
      "trust/1/snapshot.json",
      "trust/1/targets.json",
      "trust/1/timestamp.json",
    ]);
  });
  await t.step("an existing file stays, be it signed or something else", async () => {
    await given(story, "other.zip", "mine");
    story.calls.length = 0;
    await story.fail(6, args.with(6, "other.zip"), ['"other.zip" exists already', "--force"], { cacheStays: true });
    assert.deepEqual(story.calls, [], "before anybody was asked");
  });
  await t.step("the same once more is no conflict: the file is left as it is", async () => {
    const before = await Deno.readFile(story.path("data.zip"));
    const later = new Date(Date.now() + 3_600_000);
    const { stdout, stderr } = await story.succeed(args, { host: { now: () => later } });
    assert.equal(stdout, "data.zip\n");
    assert.match(stderr, /"data\.zip" is there already, made at .* from the same/);
    const { repositories } = (await story.succeed([...args, "--json"])).json<{ repositories: unknown }>();
    assert.deepEqual(repositories, JSON.parse(JSON.stringify((await readSigningData(before)).repositories)));
    assert.deepEqual(await Deno.readFile(story.path("data.zip")), before);
  });
  await t.step("other tags, a day later, or published since: that is another file", async () => {
    const before = await Deno.readFile(story.path("data.zip"));
    assert.equal(story.posts, 0);
    await story.fail(6, args.with(4, "v2"), ['"data.zip" exists already']);
    const later = new Date(Date.now() + 90_000_000);
    await story.fail(6, args, ['"data.zip" exists already'], { host: { now: () => later } });
    await story.succeed(["sign", "-r", story.gun, "-t", "v2"]);
    await story.fail(6, args, ['"data.zip" exists already'], { cacheStays: true });
    await story.succeed(["remove-tag", "-r", story.gun, "-t", "v2", "--yes"]);
    assert.deepEqual(await Deno.readFile(story.path("data.zip")), before);
    story.calls.length = 0;
  });
  await t.step("the path is missing", async () => {
    await story.fail(2, args.slice(0, 5), ["--output-artifact-path is missing"]);
  });
  await t.step("a folder that is a file", async () => {
    await story.fail(2, args.with(6, "data.zip/data.zip"), ["cannot be written"]);
  });
  assert.equal(story.posts, 0);
  await t.step("nothing to sign: no file, and no failure", async () => {
    await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
    const none = args.with(6, "none.zip");
    const { stdout, stderr } = await story.succeed([...none, "--json"]);
    assert.deepEqual([documentIn(stdout).outputArtifactPath, documentIn(stdout).repositories], [null, []]);
    assert.match(stderr, /signed already as it is/);
    assert.equal((await story.succeed(none)).stdout, "");
    assert.equal((await story.files()).has("work/none.zip"), false);
    await story.fail(6, args, ['"data.zip" exists already']); // it is not what there is to sign
  });
});

Deno.test("submit prints the id alone, or waits", async (t) => {
  await using story = await Story.readyToSign();
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
  const submit = ["submit", "--input-artifact-path", "data.zip"];
  await t.step("id alone, also with --quiet", async () => {
    const { stdout, stderr } = await story.succeed([...submit, "--quiet"]);
    assert.match(stdout, /^[0-9a-f-]{36}\n$/);
    assert.equal(stderr, "");
  });
  await t.step("as JSON", async () => {
    const json = (await story.succeed([...submit, "--json"], MANUAL)).json();
    assert.deepEqual(Object.keys(json), ["signingRequestId", "url", "status"]);
    const { id } = story.peers.signPath.requests().at(-1)!;
    assert.deepEqual([json["signingRequestId"], json["status"]], [id, "WaitingForApproval"]);
    assert.match(json["url"] as string, new RegExp(`^https://localhost:5000/.*${id}$`));
  });
  await t.step("as JSON, where the status cannot be had: it is filed all the same", async () => {
    story.between = (request, send) =>
      request.url.endsWith("/Status") ? Promise.reject(new TypeError("broken pipe")) : send(request);
    assert.equal((await story.succeed([...submit, "--json"])).json()["status"], "InProgress");
    story.between = (request, send) => send(request);
  });
  await t.step("waiting", async () => {
    const { stdout, stderr } = await story.succeed([...submit, "--wait-for-completion"]);
    assert.match(stderr, /^Signed file: data\.signed\.zip$/m);
    assert.equal(stdout, `${story.peers.signPath.requests().at(-1)!.id}\n`);
    const back = await readSigningData(await Deno.readFile(story.path("data.signed.zip")));
    assert.equal(back.signatures.size, 2);
  });
  await t.step("waiting, where the file for the result exists: nothing is submitted", async () => {
    const before = story.signingRequests;
    await story.fail(6, [...submit, "--wait-for-completion"], ['"data.signed.zip" exists already']);
    assert.equal(story.signingRequests, before);
    const json = (await story.succeed([...submit, "--wait-for-completion", "--force", "--json"])).json();
    assert.deepEqual([json["status"], json["outputArtifactPath"]], ["Completed", "data.signed.zip"]);
  });
  await t.step("waiting too long: the request goes on, and can be had later", async () => {
    const waiting = [...submit, "--wait-for-completion", "--wait-for-completion-timeout", "1", "--force"];
    await story.fail(8, waiting, ["did not end within 1 s", "tagseal download"], MANUAL);
    const { id } = story.peers.signPath.requests().at(-1)!;
    await story.peers.signPath.approve(id);
    assert.equal((await story.succeed(["download", id])).stdout, `${id}.signed.zip\n`);
  });
  await t.step("what is no signing data is not sent", async () => {
    const before = story.signingRequests;
    await given(story, "odd.zip", "PK\u0003\u0004 not really");
    await given(story, "other.zip", await writeZip([{ name: "a.txt", bytes: utf8("a") }]));
    await given(story, "list.txt", "localhost:5000/demo/app:v1");
    await story.fail(2, submit.with(2, "odd.zip"), ['error: "odd.zip" is not a signing data file: ', "ZIP"]);
    await story.fail(2, submit.with(2, "list.txt"), ['error: "list.txt" is not a signing data file: ', "ZIP"]);
    await story.fail(2, submit.with(2, "other.zip"), [
      'error: "other.zip" is not a signing data file: "docker-signing-data.json" is missing',
    ]);
    await story.fail(2, submit.with(2, "none.zip"), ["There is no file", "none.zip"]);
    await story.fail(2, submit.with(2, "."), ["it is not a file"]);
    await story.fail(2, submit.with(2, "data.signed.zip"), ["signed already", "tagseal push"]);
    assert.equal(story.signingRequests, before);
  });
  await t.step("flags for waiting, without waiting: nothing is sent", async () => {
    const before = story.signingRequests;
    const cases: [flag: string, value: string][] = [
      ["--output-artifact-path", "out.zip"],
      ["--wait-for-completion-timeout", "600"],
    ];
    for (const [flag, value] of cases) {
      await story.fail(2, [...submit, flag, value], [
        `${flag} is for --wait-for-completion, which is missing`,
        "Give --wait-for-completion as well",
      ]);
    }
    assert.equal(story.signingRequests, before);
  });
});

Deno.test("download: failures leave no file", async (t) => {
  await using story = await Story.readyToSign();
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
  const submit = ["submit", "--input-artifact-path", "data.zip"];
  const newest = async () => (await story.succeed(submit, MANUAL)).stdout.trim();
  await t.step("denied", async () => {
    const id = await newest();
    story.peers.signPath.deny(id);
    await story.fail(7, ["download", id], [`"${id}" ended as "Denied"`]);
  });
  await t.step("unknown id", async () => {
    await story.fail(2, ["download", crypto.randomUUID()], ["answered 404", "There is no signing request"]);
  });
  await t.step("an id that is none", async () => {
    const { stderr } = await story.fail(2, ["download", "../../etc/passwd"], [
      'error: "../../etc/passwd" is not a signing request id\n',
      "Copy the id",
    ]);
    assert.doesNotMatch(stderr.split("\n").at(-2)!, /passwd/, "nothing to go on with");
    await story.fail(2, ["download"], ["id"]);
    await story.fail(2, ["download", "a", "b"], ["a value too many"]);
  });
  await t.step("existing file: nobody waits for what could not be written", async () => {
    await given(story, "there.zip", "mine");
    await story.succeed(["submit", "--input-artifact-path", "data.zip"], MANUAL);
    const { id } = story.peers.signPath.requests().at(-1)!;
    await story.fail(6, ["download", id, "--output-artifact-path", "there.zip"], ["exists already", "--force"]);
    assert.equal(await Deno.readTextFile(story.path("there.zip")), "mine");
  });
  await t.step("the same file once more is no conflict, another one is", async () => {
    const ids: string[] = [];
    await story.push("v2", "v2");
    await story.succeed(["signing-data", "-r", story.gun, "-t", "v2", "--output-artifact-path", "data2.zip"]);
    for (const data of ["data.zip", "data2.zip"]) {
      await story.succeed(["submit", "--input-artifact-path", data]);
      ids.push(story.peers.signPath.requests().at(-1)!.id);
    }
    const into = ["--output-artifact-path", "same.zip"];
    await story.succeed(["download", ids[0]!, ...into]);
    const { stdout, stderr } = await story.succeed(["download", ids[0]!, ...into]);
    assert.equal(stdout, "same.zip\n");
    assert.match(stderr, /"same\.zip" is there already, and holds just this/);
    await story.fail(6, ["download", ids[1]!, ...into], ["exists already"]);
    await story.succeed(["download", ids[1]!, ...into, "--force"]);
  });
  await t.step("a service that has no words", async () => {
    story.between = () => Promise.resolve(new Response("<html>\u001b[2J</html>", { status: 418 }));
    await story.fail(2, ["download", crypto.randomUUID()], ["answered 418"]);
    story.between = () => Promise.resolve(Response.json({ status: "Done\u001b[2J", isFinalStatus: true }));
    await story.fail(7, ["download", crypto.randomUUID()], ['ended as "Done [2J"']);
    story.between = () => Promise.resolve(new Response("ok"));
    await story.fail(5, ["download", crypto.randomUUID()], ["cannot be understood", "Do not submit again"]);
  });
  await t.step("seconds that are none", async () => {
    for (const value of ["ten", "-1", "1.5", ""]) {
      const args = ["download", "x", "--wait-for-completion-timeout", value];
      await story.fail(2, args, ["--wait-for-completion-timeout wants whole seconds"]);
    }
  });
});

Deno.test("push checks what it is given", async (t) => {
  await using story = await Story.readyToSign();
  const name = await signed(story, "v1");
  const file = await Deno.readFile(story.path(name));
  const push = ["push", "--input-artifact-path", name];
  story.calls.length = 0;
  await t.step("not signed yet", async () => {
    await story.fail(2, push.with(2, "data.zip"), ["was not signed: it is as tagseal signing-data", "tagseal submit"]);
  });
  await t.step("no ZIP", async () => {
    await given(story, "list.txt", "localhost:5000/demo/app:v1");
    await story.fail(2, push.with(2, "list.txt"), ['error: "list.txt" is not a signing data file: '], {
      cacheStays: true,
    });
  });
  await t.step("for another repository", async () => {
    const words = ['holds nothing for "localhost:5000/demo/other"'];
    await story.fail(2, [...push, "-r", "localhost:5000/demo/other"], words, { cacheStays: true });
  });
  await t.step("names that could steer a terminal", async () => {
    const odd = await edited(file, (all) => {
      const manifest = new TextDecoder().decode(all.get("docker-signing-data.json"));
      all.set(
        "docker-signing-data.json",
        utf8(manifest.replace('"localhost:5000/demo/app"', '"evil\\u001b[2J\\u202e"')),
      );
    });
    await given(story, "odd.zip", odd);
    await story.fail(2, push.with(2, "odd.zip"), ["evil"], { cacheStays: true });
    await story.run([...push.with(2, "odd.zip"), "-r", story.gun, "--json"], { cacheStays: true });
  });
  await t.step("changed", async () => {
    await given(story, "odd.zip", await edited(file, (all) => all.set("payload/0001.json", utf8("{}"))));
    await story.fail(3, push.with(2, "odd.zip"), ["not the one that the manifest names"]);
    await given(story, "odd.zip", await edited(file, (all) => all.set("payload/0001.json.sig", utf8("no signature"))));
    await story.fail(3, push.with(2, "odd.zip"), [
      "its signature is not good",
      "Nothing was published",
      "tagseal add-delegation --delegation-from-signpath. If they are the same, somebody changes the file",
    ]);
  });
  assert.equal(story.posts, 0);
  await t.step("good, twice: the second changes nothing", async () => {
    const { stdout } = await story.succeed([...push, "-r", story.gun]);
    assert.match(stdout, /^localhost:5000\/demo\/app:v1 sha256:[0-9a-f]{64} published\n$/);
    assert.match((await story.succeed(push)).stdout, / unchanged\n$/);
    assert.equal(story.posts, 1);
  });
  await t.step("stale: somebody else has published since", async () => {
    await story.push("v1", "newer");
    await signed(story, "v1", "mine.zip");
    await story.succeed(["sign", "-r", story.gun, "-t", "v2"]);
    const posts = story.posts;
    const words = [
      "Somebody else has published",
      "at version 2",
      "made from 1",
      "(tags: v2)",
      "Make new signing data",
    ];
    await story.fail(6, push.with(2, "mine.zip"), words);
    assert.equal(story.posts, posts);
  });
});

Deno.test("push of several repositories: each stands alone, and a second run finishes the rest", async () => {
  await using story = await Story.readyToSign();
  const other = `${story.peers.host}/demo/second`;
  const { send } = story.peers.connect({});
  await pushTinyImage(send, new URL("https://localhost:5000"), "demo/second", "v1", "two");
  await story.succeed(["init", "-r", other, "--delegation-certificate", "signpath.cer"]);
  const make = async (gun: string, name: string) => {
    await story.succeed(["signing-data", "-r", gun, "-t", "v1", "--output-artifact-path", name]);
    return await readSigningData(await Deno.readFile(story.path(name)));
  };
  const [a, b] = [await make(story.gun, "a.zip"), await make(other, "b.zip")];
  const renamed = (entry: string) => entry.replace("/000", "/100");
  const [second] = b.repositories;
  const both = {
    ...a,
    repositories: [
      ...a.repositories,
      { ...second!, roles: second!.roles.map((role) => ({ ...role, payload: renamed(role.payload) })) },
    ],
    payloads: new Map([...a.payloads, ...[...b.payloads].map(([entry, bytes]) => [renamed(entry), bytes] as const)]),
  };
  await given(story, "both.zip", await writeSigningData(both));
  await story.succeed(["submit", "--input-artifact-path", "both.zip", "--wait-for-completion"]);

  story.between = (request, send) =>
    request.method === "POST" && request.url.includes("/second/")
      ? Promise.resolve(new Response("", { status: 500 }))
      : send(request);
  const push = ["push", "--input-artifact-path", "both.signed.zip"];
  const { code, stdout, stderr } = await story.run([...push, "--json"]);
  assert.equal(code, 5);
  const { repositories, failed } = documentIn(stdout);
  assert.deepEqual(repositories.map((each: Record<string, unknown>) => [each["repository"], each["outcome"]]), [
    [story.gun, "published"],
  ]);
  assert.deepEqual(failed.map((each: Record<string, unknown>) => each["repository"]), [other]);
  assert.equal(failed[0].error.code, "unavailable");
  assert.match(stderr, /^tagseal: error: localhost:5000\/demo\/second: .*"localhost:5000\/demo\/second"/m);

  story.between = (request, send) => send(request);
  const again = await story.succeed(push);
  assert.match(
    again.stdout,
    /^localhost:5000\/demo\/app:v1 \S+ unchanged\nlocalhost:5000\/demo\/second:v1 \S+ published\n$/,
  );
});
