/** `tagseal init`: what it leaves behind, and what it does not. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { given, PASSPHRASES, Story } from "../support/local_story.ts";

const POST = (request: Request) => request.method === "POST" && request.url.endsWith("/_trust/tuf/");
const DELEGATING = ["--delegation-certificate", "signpath.cer"];

Deno.test("init with a delegation says all there is to know in one document", async () => {
  await using story = await Story.begin();
  const { stdout, stderr } = await story.succeed(["init", "-r", story.gun, ...DELEGATING, "--json"]);
  const { rootKeyId, targetsKeyId, ...rest } = documentIn(stdout);
  const path = story.path("localhost_5000_demo_app.root.pem");
  assert.deepEqual(rest, { repository: story.gun, rootCertificatePath: path });
  assert.deepEqual(await story.keys(), [`${rootKeyId}.key`, `${targetsKeyId}.key`].sort());
  assert.doesNotMatch(stderr, /Next: tagseal add-delegation/);
  assert.doesNotMatch(stderr, /warning/, "its own root is no first use");
  assert.equal(story.posts, 1, "everything is published at once");
  const { targetsVersion, outcome } =
    (await story.succeed(["add-delegation", "-r", story.gun, ...DELEGATING, "--json"]))
      .json();
  assert.deepEqual([outcome, targetsVersion], ["unchanged", 1]);
});

Deno.test("init refuses what exists, before anything is done", async (t) => {
  await using story = await Story.begin();
  await t.step("an output file", async () => {
    await given(story, "root.pem", "mine");
    const args = ["init", "-r", story.gun, "--output-artifact-path", "root.pem"];
    const next = "if the repository is set up already, tagseal root-certificate and tagseal add-delegation are next";
    await story.fail(6, args, ['"root.pem" exists already', "--force", next]);
    assert.deepEqual(story.calls, []);
    await story.succeed([...args, "--force"]);
    assert.match(await Deno.readTextFile(story.path("root.pem")), /^-----BEGIN CERTIFICATE/);
  });
  await t.step("a repository with trust data", async () => {
    const words = [`"${story.gun}" has trust data`, "https://localhost:5000", "tagseal root-certificate"];
    const before = story.posts;
    await story.fail(6, ["init", "-r", story.gun], words, { cacheStays: true });
    await story.fail(6, ["init", "-r", story.gun, "--force"], words, { cacheStays: true });
    assert.equal(story.posts, before);
  });
});

Deno.test("init refuses bad input with exit code 2 and leaves no key", async (t) => {
  await using story = await Story.begin();
  const init = ["init", "-r", story.gun];
  const cases: [name: string, args: string[], words: string[], env?: Record<string, string>][] = [
    ["short root passphrase", init, ["NOTARY_ROOT_PASSPHRASE is too short", "8 characters"], {
      NOTARY_ROOT_PASSPHRASE: "short 7",
    }],
    ["short targets passphrase", init, ["DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE is too short"], {
      NOTARY_TARGETS_PASSPHRASE: "",
      DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: "é".repeat(7),
    }],
    ["nobody to ask", init, ["root key", "NOTARY_ROOT_PASSPHRASE or DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE"], {
      NOTARY_ROOT_PASSPHRASE: "",
    }],
    ["nobody to ask for the second", init, ["targets key", "NOTARY_TARGETS_PASSPHRASE or DOCKER_CONTENT_TRUST_REPO"], {
      NOTARY_TARGETS_PASSPHRASE: "",
    }],
    ["Docker's own delegation name", [...init, ...DELEGATING, "--delegation", "releases"], ['"releases"', "Docker"]],
    ["a delegation below a delegation", [...init, ...DELEGATING, "--delegation", "a/b"], ['"a/b" cannot be the name']],
    ["no certificate", [...init, "--delegation-certificate", "no.cer"], ["There is no file", "no.cer"]],
  ];
  for (const [name, args, words, env = {}] of cases) {
    await t.step(name, async () => {
      await story.fail(2, args, words, { env, cacheStays: true });
      assert.deepEqual(await story.keys(), []);
    });
  }
  assert.equal(story.posts, 0);
});

Deno.test("Docker's variables serve where Notary's are not set", async () => {
  await using story = await Story.begin();
  const env = {
    NOTARY_ROOT_PASSPHRASE: "",
    NOTARY_TARGETS_PASSPHRASE: "",
    DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: PASSPHRASES.root,
    DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: PASSPHRASES.targets,
  };
  await story.succeed(["init", "-r", story.gun], { env });
  await story.succeed(["add-delegation", "-r", story.gun, ...DELEGATING], { env });
});

Deno.test("init and a server that fails", async (t) => {
  await t.step("dropped answer: it was published, and is found to be so", async () => {
    await using story = await Story.begin();
    story.between = async (request, send) => {
      const response = await send(request);
      if (POST(request)) throw new TypeError("connection closed before message completed");
      return response;
    };
    await story.succeed(["init", "-r", story.gun, ...DELEGATING]);
    assert.equal((await story.keys()).length, 2);
    assert.equal(story.posts, 1);
    story.between = (request, send) => send(request);
    await story.succeed(["list", "-r", story.gun]);
  });

  await t.step("dropped request: nobody knows, so the keys stay and are named", async () => {
    await using story = await Story.begin();
    story.between = (request, send) =>
      POST(request) ? Promise.reject(new TypeError("connection reset by peer")) : send(request);
    const { code, stdout, stderr } = await unwatched(story, ["init", "-r", story.gun, "--json"]);
    assert.equal(code, 5);
    assert.match(
      stderr,
      /\(connection reset by peer\)\. Whether the change to "localhost:5000\/demo\/app" was published is not known/,
    );
    assert.match(stderr, /The new keys were kept/);
    const ids = documentIn(stdout).error.details.keyIds as string[];
    assert.deepEqual(ids.map((id) => `${id}.key`).sort(), await story.keys());
    assert.equal([...(await story.files()).keys()].some((path) => path.endsWith(".pem")), false);
  });

  await t.step("run again with the root key that is told: no other keys are made", async () => {
    await using story = await Story.begin();
    story.between = (request, send) =>
      POST(request) ? Promise.reject(new TypeError("connection reset by peer")) : send(request);
    const lost = await unwatched(story, ["init", "-r", story.gun]);
    const kept = await story.keys();
    const [, line] = /go on with the same keys: tagseal (.*)$/m.exec(lost.stderr)!;
    story.between = (request, send) => send(request);
    await story.succeed(line!.split(" "));
    assert.deepEqual(await story.keys(), kept);
    assert.equal((await story.succeed(["list", "-r", story.gun])).code, 0);
  });

  await t.step("run again without: the targets key that is left over is named", async () => {
    await using story = await Story.begin();
    story.between = (request, send) =>
      POST(request) ? Promise.reject(new TypeError("connection reset by peer")) : send(request);
    const lost = documentIn((await unwatched(story, ["init", "-r", story.gun, "--json"])).stdout);
    const { keyIds, rootKeyId } = lost.error.details as { keyIds: string[]; rootKeyId: string };
    const [unused] = keyIds.filter((id) => id !== rootKeyId);
    story.between = (request, send) => send(request);
    const { stderr } = await story.succeed(["init", "-r", story.gun]);
    const [, id] = /warning: the targets key ([0-9a-f]{64}) of an earlier try lies here/.exec(stderr)!;
    assert.equal(id, unused);
    const [, command] = /tagseal (delete-key [0-9a-f]+)/.exec(stderr)!;
    await story.succeed([...command!.split(" "), "--yes"]);
    assert.equal((await story.keys()).includes(`${unused}.key`), false);
  });

  for (const [status, kept] of [[500, 0], [400, 0], [503, 0], [504, 2], [502, 2]] as const) {
    await t.step(`${status} for the publish: ${kept} keys stay`, async () => {
      await using story = await Story.begin();
      story.between = (request, send) =>
        POST(request) ? Promise.resolve(new Response("out of order", { status })) : send(request);
      const { code, stderr } = await unwatched(story, ["init", "-r", story.gun]);
      assert.equal(code, 5, stderr);
      assert.equal((await story.keys()).length, kept, stderr);
      assert.equal(/keys were kept/.test(stderr), kept > 0);
      story.between = (request, send) => send(request);
      if (kept === 0) await story.succeed(["init", "-r", story.gun]);
    });
  }

  await t.step("somebody else was faster: theirs stays, our keys go", async () => {
    await using story = await Story.begin();
    await using other = await Story.begin(story.peers);
    story.between = async (request, send) => {
      if (POST(request)) await other.succeed(["init", "-r", other.gun]);
      return await send(request);
    };
    await story.fail(6, ["init", "-r", story.gun], ["has trust data"]);
    assert.deepEqual(await story.keys(), []);
    assert.equal((await other.keys()).length, 2);
  });

  await t.step("refused connection: nothing was sent, no key stays", async () => {
    await using story = await Story.begin();
    story.between = () => Promise.reject(new TypeError("tcp connect error: Connection refused (os error 111)"));
    await story.fail(5, ["init", "-r", story.gun], ["Notary server", "Connection refused"], { cacheStays: true });
    assert.deepEqual(await story.keys(), []);
  });
});

Deno.test("a root certificate that cannot be written does not hide that the repository was published", async () => {
  await using story = await Story.begin();
  await given(story, "file", "not a folder");
  const { code, stdout, stderr } = await unwatched(story, [
    "init",
    "-r",
    story.gun,
    "--output-artifact-path",
    "file/root.pem",
    "--json",
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /The repository was published, but .*file\/root\.pem" cannot be written/);
  assert.match(stderr, /tagseal root-certificate --output-artifact-path/);
  const { details } = documentIn(stdout).error;
  assert.deepEqual(await story.keys(), [`${details.rootKeyId}.key`, `${details.targetsKeyId}.key`].sort());
  await story.succeed(["root-certificate", "-r", story.gun, "--output-artifact-path", "root.pem"]);
});

Deno.test("init asks for each passphrase twice, and again where it is too short or not the same", async () => {
  await using story = await Story.begin();
  const [root, targets] = ["typed for the root key", "typed for targets"];
  story.secrets.push(root, targets);
  const answers = ["short", root, "another one", root, root, targets, targets];
  const questions: string[] = [];
  const askSecret = (question: string) => {
    questions.push(question.replace(/ [0-9a-f]{7}\b/, ""));
    return Promise.resolve(answers.shift());
  };
  const env = { NOTARY_ROOT_PASSPHRASE: "", NOTARY_TARGETS_PASSPHRASE: "" };
  const { stderr } = await story.succeed(["init", "-r", story.gun], { env, host: { askSecret } });
  const [newRoot, newTargets] = [
    "New passphrase for the root key:",
    "New passphrase for the targets key:",
  ];
  const again = "The same once more:";
  assert.deepEqual(questions, [newRoot, newRoot, again, newRoot, again, newTargets, again]);
  assert.match(stderr, /Too short: 8 characters at least\.\nThe two do not match/);

  const opening: string[] = [];
  const wrongFirst = ["wrong passphrase", targets];
  story.secrets.push("wrong passphrase");
  const args = ["add-delegation", "-r", story.gun, ...DELEGATING];
  const open = (question: string) => (opening.push(question), Promise.resolve(wrongFirst.shift()));
  const opened = await story.succeed(args, { env, host: { askSecret: open } });
  assert.equal(opening.length, 2);
  assert.match(opening[0]!, /^Passphrase of the targets key [0-9a-f]{7}:$/);
  assert.match(opened.stderr, /does not open the key\. Try again/);
});

/** A run whose failure is meant to leave keys behind. */
async function unwatched(story: Story, args: string[]) {
  const outcome = await story.run(args, { keysMayStay: true });
  assert.notEqual(outcome.code, 0);
  return outcome;
}
