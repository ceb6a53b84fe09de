/** `forget`: a repository that was set up anew is trusted again by whoever is given its new pin, and by nobody else. */
import assert from "node:assert/strict";
import { given, Story } from "../support/local_story.ts";

const pinOf = async (story: Story): Promise<Uint8Array> =>
  await Deno.readFile(story.path(`${story.gun.replaceAll(/[:/]/g, "_")}.root.pem`));

Deno.test("forget: the new pin, asked for and confirmed, takes the place of what was known", async (t) => {
  await using admin = await Story.readyToSign();
  const { gun } = admin;
  await admin.succeed(["sign", "-r", gun, "-t", "v1"]);
  const oldPin = await pinOf(admin);
  await using consumer = await Story.begin(admin.peers);
  await given(consumer, "old.pem", oldPin);
  const forget = (...args: string[]) => ["forget", "-r", gun, ...args];
  await t.step("nothing is known here", async () => {
    assert.match((await consumer.succeed(forget("--root-pin", "old.pem"))).stdout, /nothing is to be forgotten/);
  });
  await consumer.succeed(["list", "-r", gun, "--root-pin", "old.pem"]);
  await t.step("nothing has changed", async () => {
    const { outcome } = (await consumer.succeed(forget("--root-pin", "old.pem", "--json"))).json();
    assert.equal(outcome, "unchanged");
  });
  const args = [
    "init",
    "-r",
    gun,
    "--force",
    "--force-reinitialize",
    "--delegation-certificate",
    "signpath.cer",
    "--yes",
  ];
  await admin.succeed(args);
  await admin.succeed(["sign", "-r", gun, "-t", "v2"]);
  await given(consumer, "new.pem", await pinOf(admin));
  const copy = async () =>
    [...await consumer.files()].filter(([path]) => path.includes("/trust/tuf/") && !path.endsWith(".lock"));
  const before = await copy();
  await t.step("before, it is refused, and told how to go on", async () => {
    await consumer.fail(3, ["list", "-r", gun], [`tagseal forget -r ${gun} --root-pin`]);
  });
  await t.step("no pin, the old one, no answer: nothing is forgotten", async () => {
    await consumer.fail(2, forget("--yes"), ["--root-pin is missing"]);
    await consumer.fail(2, forget("--yes", "--require-pin"), ["--root-pin is missing"]);
    await consumer.fail(3, forget("--yes", "--root-pin", "old.pem"), []);
    await consumer.fail(3, forget("--yes", "--root-pin", "0".repeat(64)), []);
    await consumer.fail(2, forget("--root-pin", "new.pem"), ["needs a confirmation"]);
    await consumer.fail(130, forget("--root-pin", "new.pem"), ["Not confirmed"], {
      host: { confirm: () => Promise.resolve(false) },
    });
    assert.deepEqual(await copy(), before);
  });
  await t.step("the new one", async () => {
    const { stdout, stderr } = await consumer.succeed(forget("--root-pin", "new.pem", "--yes"));
    assert.match(stdout, /: the old copy is forgotten, root [0-9a-f]{64}\n$/);
    assert.match(stderr, /^Known here: the root keys [0-9a-f]{64}\nNow, as pinned: [0-9a-f]{64}$/m);
    assert.match((await consumer.succeed(["list", "-r", gun])).stdout, /^v2 \S+ signpath\n$/);
    await consumer.fail(3, ["list", "-r", gun, "--root-pin", "old.pem"], []);
    assert.match((await consumer.succeed(forget("--root-pin", "new.pem"))).stdout, /nothing is to be forgotten/);
  });
});

Deno.test("forget: a server that shows older data is not helped by it", async () => {
  await using story = await Story.readyToSign();
  const { gun } = story;
  const [pin] = [`${gun.replaceAll(/[:/]/g, "_")}.root.pem`];
  const old = new Map<string, Response>();
  story.between = async (request, send) => {
    const response = await send(request);
    if (request.method === "GET" && request.url.includes("/_trust/")) old.set(request.url, response.clone());
    return response;
  };
  await story.succeed(["list", "-r", gun]);
  story.between = (request, send) => send(request);
  await story.succeed(["sign", "-r", gun, "-t", "v1"]);
  story.between = (request, send) => {
    const there = old.get(request.url)?.clone();
    return there ? Promise.resolve(there) : send(request);
  };
  await story.fail(3, ["list", "-r", gun], []);
  await story.fail(3, ["forget", "-r", gun, "--root-pin", pin, "--yes"], [
    "was not set up anew",
    "Nothing was forgotten",
  ]);
  await story.fail(3, ["list", "-r", gun], []);
});
