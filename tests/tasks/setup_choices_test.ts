/** Setting up with a root key that is here already, several repositories at once, and certificates without a server. */
import assert from "node:assert/strict";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { parseRoot } from "../../lib/tuf/parse.ts";
import { given, PASSPHRASES, Story } from "../support/local_story.ts";

const DELEGATING = ["--delegation-certificate", "signpath.cer"];

Deno.test("init --root-key: one root key for several repositories, each with a certificate of its own", async (t) => {
  await using story = await Story.begin();
  const first = (await story.succeed(["init", "-r", story.gun, "--json"])).json<Record<string, string>>();
  const { rootKeyId, targetsKeyId } = first as { rootKeyId: string; targetsKeyId: string };
  const second = "localhost:5000/demo/second";
  const init = ["init", "-r", second, "--json", "--root-key"];
  await t.step("another key than a root key", async () => {
    await story.fail(2, init.filter((arg) => arg !== "--json").concat(targetsKeyId), [
      'is not a root key, but one for "targets"',
    ]);
    await story.fail(2, init.filter((arg) => arg !== "--json").concat("0000"), ['The key "0000" is not here']);
  });
  await t.step("a server that refuses: the root key stays, the new targets key goes", async () => {
    story.between = (request, send) =>
      request.method === "POST" ? Promise.resolve(new Response("no", { status: 500 })) : send(request);
    await story.fail(5, init.filter((arg) => arg !== "--json").concat(rootKeyId), ["status 500"]);
    story.between = (request, send) => send(request);
    assert.deepEqual(await story.keys(), [`${rootKeyId}.key`, `${targetsKeyId}.key`].sort());
  });
  const made = (await story.succeed([...init, rootKeyId.slice(0, 8)])).json<Record<string, string>>();
  assert.equal(made["rootKeyId"], rootKeyId);
  assert.equal((await story.keys()).length, 3);
  const name = readCertificate(await Deno.readTextFile(made["rootCertificatePath"]!)).commonName;
  assert.equal(name, second);
  await story.succeed(["rotate-key", "-r", second, "--role", "root", "--force"]);
  await story.succeed(["rotate-key", "-r", story.gun, "--role", "targets"]);
});

Deno.test("add-delegation --repositories-from: each repository, one passphrase at a time, failures by name", async () => {
  await using story = await Story.begin();
  const guns = ["a", "b", "c"].map((name) => `localhost:5000/demo/${name}`);
  for (const gun of guns) await story.succeed(["init", "-r", gun]);
  await given(story, "all.txt", [...guns, "localhost:5000/demo/none"].join("\n"));
  let asking = 0, most = 0, asked = 0;
  const askSecret = async () => {
    most = Math.max(most, ++asking);
    await new Promise((resolve) => setTimeout(resolve, 5));
    asking--;
    asked++;
    return PASSPHRASES.targets;
  };
  const run = { env: { NOTARY_TARGETS_PASSPHRASE: "" }, host: { askSecret } };
  const outcome = await story.run(["add-delegation", "--repositories-from", "all.txt", ...DELEGATING, "--json"], run);
  assert.equal(outcome.code, 2, outcome.stderr);
  assert.deepEqual([asked, most], [3, 1]);
  const { repositories } = outcome.json<
    { repositories: { repository: string; outcome?: string; error?: unknown }[] }
  >();
  assert.deepEqual(repositories.map(({ repository, outcome }) => [repository, outcome]), [
    ...guns.map((gun) => [gun, "published"]),
    ["localhost:5000/demo/none", undefined],
  ]);
});

Deno.test("root-certificate --der, and without the server", async (t) => {
  await using story = await Story.readyToSign();
  const args = ["root-certificate", "-r", story.gun, "--output-artifact-path"];
  const { stdout } = await story.succeed(["root-certificate", "-r", story.gun, "--der"]);
  assert.equal(stdout, `${story.path("localhost_5000_demo_app.root.cer")}\n`);
  const der = await Deno.readFile(story.path("localhost_5000_demo_app.root.cer"));
  await story.succeed([...args, "root.pem"]);
  assert.deepEqual(readCertificate(der).der, readCertificate(await Deno.readTextFile(story.path("root.pem"))).der);
  story.between = () => Promise.reject(new TypeError("connection reset by peer"));
  await t.step("from the copy, with a warning", async () => {
    const { stderr } = await story.succeed([...args, "copy.cer", "--der"]);
    assert.match(
      stderr,
      /warning: .*connection reset.*The local copy of .* is used: it is verified, and may not be the newest/,
    );
    assert.deepEqual(await Deno.readFile(story.path("copy.cer")), der);
  });
  await t.step("not without a copy", async () => {
    await using other = await Story.begin(story.peers);
    other.between = story.between;
    await other.fail(5, [...args, "copy.cer"], ["Notary server"]);
  });
  await t.step("not where the server says something else", async () => {
    story.between = () => Promise.resolve(new Response("{}"));
    await story.fail(3, [...args, "other.cer"], []);
  });
});

Deno.test("init --force-reinitialize: what is there is exported first, and the name typed", async (t) => {
  await using story = await Story.readyToSign();
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  await using consumer = await Story.begin(story.peers);
  await consumer.succeed(["list", "-r", story.gun]);
  const args = ["init", "-r", story.gun, "--force", "--force-reinitialize", ...DELEGATING];
  const deletes = () => story.calls.filter((call) => call.startsWith("DELETE")).length;
  const words = ["is about to be deleted", "will refuse the new one", "must be signed again"];
  await t.step("nobody to ask, or another name typed", async () => {
    await story.fail(2, args, [...words, "nobody to ask"]);
    const asked: string[] = [];
    const askText = (question: string) => (asked.push(question), Promise.resolve("yes"));
    await story.fail(130, args, [...words, "Not confirmed"], { host: { askText } });
    assert.deepEqual(asked, [`Type ${story.gun} to go on:`]);
  });
  await t.step("the export cannot be written", async () => {
    await given(story, "taken.zip", "mine");
    const taken = [
      ...args.filter((arg) => arg !== "--force"),
      "--output-artifact-path",
      "new.pem",
      "--export-to",
      "taken.zip",
    ];
    await story.fail(6, [...taken, "--yes"], ["taken.zip", "exists already"]);
  });
  await t.step("the server does not let everybody do that", async () => {
    story.between = (request, send) =>
      request.method === "DELETE" ? Promise.resolve(new Response("no", { status: 403 })) : send(request);
    await story.fail(4, [...args, "--yes"], ["answers 403"]); // and nothing is left behind
    story.between = (request, send) => send(request);
    await story.succeed(["verify", "-r", story.gun, "-t", "v1"]);
  });
  const done = deletes();
  await t.step("done: new keys, the old tags offline only, whoever knew the old root refuses", async () => {
    const keys = await story.keys();
    const { stderr } = await story.succeed(args, { host: { askText: () => Promise.resolve(` ${story.gun}\n`) } });
    assert.match(stderr, /The old trust data is kept in .*localhost_5000_demo_app\.trust\.zip/);
    assert.equal(deletes(), done + 1);
    assert.equal((await story.keys()).length, keys.length + 2);
    const from = ["verify", "-r", story.gun, "-t", "v1", "--from", "localhost_5000_demo_app.trust.zip"];
    await story.fail(3, from, ["not the pinned one"]); // this machine knows the new root now
    const file = story.path("localhost_5000_demo_app.trust.zip");
    assert.match((await consumer.succeed([...from.slice(0, -1), file])).stdout, /^v1 sha256:/);
    await story.fail(3, ["verify", "-r", story.gun, "-t", "v1"], ["v1"]);
    await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
    const idIn = async (trust: string) => {
      const root = parseRoot(await Deno.readFile(`${trust}/tuf/${story.gun}/metadata/root.json`));
      return [...root.roles.root.keys.values()][0]!.canonicalId;
    };
    const [now, before] = [await idIn(story.trust), await idIn(consumer.trust)];
    const list = ["list", "-r", story.gun];
    await consumer.fail(3, list, [
      `version 1 like the trusted one, but other content. The server's root has the key ${now}, ` +
      `the one trusted here ${before}`,
      `the administrator of "${story.gun}" confirms, not through this server,`,
      `Then: tagseal forget -r ${story.gun} --root-pin <new root certificate>`,
    ]);
    // What is advised helps, and is all that does.
    await consumer.fail(3, [...list, "--root-pin", story.path("localhost_5000_demo_app.root.pem")], ["tagseal forget"]);
    await consumer.succeed(["forget", "-r", story.gun, "--root-pin", now, "--yes"]);
    const { stdout } = await consumer.succeed(list);
    assert.match(stdout, /^v1 /);
  });
});
