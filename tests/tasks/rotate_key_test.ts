/** `tagseal rotate-key` on the embedded server: keys, consumers, and servers that fail. */
import assert from "node:assert/strict";
import { Story } from "../support/local_story.ts";

interface Rotated {
  readonly newKeyId: string;
  readonly oldKeyIds: readonly string[];
  readonly rootVersion: number;
  readonly targetsVersion: number;
  readonly oldKeys: readonly { readonly keyId: string; readonly path: string }[];
}

const isPost = (request: Request) => request.method === "POST" && request.url.endsWith("/_trust/tuf/");

async function rotate(story: Story, role: string, ...more: string[]): Promise<Rotated & Record<string, unknown>> {
  return (await story.succeed(["rotate-key", "-r", story.gun, "--role", role, "--json", ...more])).json();
}

async function inspect(story: Story) {
  return (await story.succeed(["inspect", "-r", story.gun, "--json"]))
    .json<{ roles: { role: string; keyIds: string[] }[]; rootKeyIds: string[]; targetsKeyIds: string[] }>();
}

Deno.test("rotate-key: every role, one after the other, and whoever knew the first root follows", async (t) => {
  await using story = await Story.readyToSign();
  await using consumer = await Story.begin(story.peers);
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  const pin = (await Deno.readTextFile(story.path("localhost_5000_demo_app.root.pem"))).trim();
  await Deno.writeTextFile(consumer.path("root.pem"), pin);
  const verify = (who: Story, ...more: string[]) => who.succeed(["verify", "-r", story.gun, "-t", "v1", ...more]);
  await verify(consumer);
  const before = await inspect(story);
  const delegations = (view: typeof before) => view.roles.filter(({ role }) => role.startsWith("targets/"));

  await t.step(
    "targets: root and targets in one post, delegations stay, the old key file stays and is named",
    async () => {
      const posts = story.posts;
      const result = await rotate(story, "targets");
      assert.equal(story.posts, posts + 1);
      assert.deepEqual([result.rootVersion, result.targetsVersion], [2, 2]);
      assert.deepEqual(result.oldKeyIds, before.targetsKeyIds);
      assert.deepEqual(result.oldKeys.map(({ keyId, path }) => [keyId, path]), [
        [before.targetsKeyIds[0], `${story.trust}/private/${before.targetsKeyIds[0]}.key`],
      ]);
      assert.ok((await story.keys()).includes(`${before.targetsKeyIds[0]}.key`));
      assert.ok((await story.keys()).includes(`${result.newKeyId}.key`));
      const after = await inspect(story);
      assert.deepEqual(after.targetsKeyIds, [result.newKeyId]);
      assert.deepEqual(delegations(after), delegations(before));
      await story.succeed(["add-delegation", "-r", story.gun, "--delegation-certificate", "signpath.cer"]);
    },
  );
  for (const role of ["snapshot", "timestamp"]) {
    await t.step(`${role}: the server has another key`, async () => {
      const keys = await story.keys();
      const { newKeyId, oldKeyIds, oldKeys } = await rotate(story, role);
      assert.notEqual(newKeyId, oldKeyIds[0]);
      assert.deepEqual(oldKeys, []);
      assert.deepEqual((await inspect(story)).roles.find((each) => each.role === role)!.keyIds, [newKeyId]);
      assert.deepEqual(await story.keys(), keys);
    });
  }
  await t.step("root: its certificate is written", async () => {
    const first = await rotate(story, "root", "--output-artifact-path", "second.pem");
    assert.match(await Deno.readTextFile(story.path("second.pem")), /^-----BEGIN CERTIFICATE-----/);
    assert.deepEqual(first.oldKeyIds, before.rootKeyIds);
    const second = await rotate(story, "root", "--output-artifact-path", "third.cer", "--der");
    assert.equal((await Deno.readFile(story.path("third.cer")))[0], 0x30);
    assert.deepEqual([second.oldKeyIds, second.rootVersion], [[first.newKeyId], 6]);
    assert.deepEqual((await inspect(story)).rootKeyIds, [second.newKeyId]);
  });
  await t.step("who trusted version 1, or pinned it, follows to version 6", async () => {
    await verify(consumer);
    await using pinned = await Story.begin(story.peers);
    await verify(pinned, "--root-pin", consumer.path("root.pem"));
    await verify(story);
    await story.succeed(["sign", "-r", story.gun, "-t", "v2"]);
  });
});

Deno.test("rotate-key: what stops it leaves neither keys nor a change", async (t) => {
  await using story = await Story.readyToSign();
  const { rootKeyIds: [rootKeyId] } = await inspect(story);
  story.calls.length = 0;
  const args = ["rotate-key", "-r", story.gun, "--role"];
  await t.step("not a role", async () => {
    for (const role of ["targets/releases", "delegation"]) {
      await story.fail(2, [...args, role], [`"${role}" is not a role`]);
    }
    assert.deepEqual(story.calls, []);
  });
  await t.step("no root key", async () => {
    await using other = await Story.begin(story.peers);
    await other.fail(2, [...args, "snapshot"], [
      `The root key of "${story.gun}" is not here: there is no "${other.trust}/private/${rootKeyId}.key"`,
      "--trust-dir",
      "--root-key-store pkcs11",
    ]);
    await Deno.mkdir(`${other.trust}/private`, { recursive: true });
    const keyFile = await Deno.readTextFile(`${story.trust}/private/${rootKeyId}.key`);
    await Deno.writeTextFile(`${other.trust}/private/tls.key`, keyFile, { mode: 0o600 });
    await Deno.writeTextFile(`${other.trust}/private/mine.pem`, keyFile.replace("role: root", "role: targets"));
    const { stderr } = await other.fail(2, [...args, "snapshot"], [
      `Name it "${rootKeyId}.key", if it is one of these: "${other.trust}/private/tls.key"`,
    ]);
    assert.doesNotMatch(stderr, /mine\.pem/, "it says that it is for something else");
    assert.deepEqual(other.calls.filter((call) => call.startsWith("POST")), [], "no key was made at the server");
  });
  await t.step("wrong passphrase of the root key", async () => {
    story.secrets.push("not the passphrase");
    const env = { NOTARY_ROOT_PASSPHRASE: "not the passphrase" };
    await story.fail(2, [...args, "targets"], ["does not open the root key"], { env });
  });
  await t.step("a certificate that would be overwritten", async () => {
    story.calls.length = 0;
    await story.fail(6, [...args, "root"], ["exists already", "--force"]);
    assert.deepEqual(story.calls, []);
  });
  for (const status of [400, 403, 500, 503]) {
    await t.step(`the server refuses with ${status}: the new key goes`, async () => {
      story.between = (request, send) =>
        isPost(request) ? Promise.resolve(new Response("no", { status })) : send(request);
      await story.fail(status === 403 ? 4 : 5, [...args, "targets"], []);
      await story.fail(status === 403 ? 4 : 5, [...args, "root", "--force"], []);
      story.between = (request, send) => send(request);
    });
  }
  await t.step("the server does not make a new key", async () => {
    story.between = (request, send) =>
      request.method === "POST" && request.url.endsWith("snapshot.key")
        ? send(new Request(request.url))
        : send(request);
    await story.fail(5, [...args, "snapshot"], ["did not make a new snapshot key", "Nothing was changed"]);
    story.between = (request, send) => send(request);
  });
  assert.equal((await inspect(story)).roles.length, 6);
});

Deno.test("rotate-key: an answer that is lost never costs a key", async (t) => {
  for (const role of ["targets", "root"]) {
    await t.step(`${role}: it was published, and is found to be so`, async () => {
      await using story = await Story.readyToSign();
      story.between = async (request, send) => {
        const response = await send(request);
        if (isPost(request)) throw new TypeError("connection closed before message completed");
        return response;
      };
      const { newKeyId } = await rotate(story, role, "--force");
      assert.ok((await story.keys()).includes(`${newKeyId}.key`));
    });
    await t.step(`${role}: it cannot be read back, so the key is kept and named`, async () => {
      await using story = await Story.readyToSign();
      let posted = false;
      story.between = async (request, send) => {
        if (posted) throw new TypeError("connection reset by peer");
        const response = await send(request);
        posted ||= isPost(request);
        return response;
      };
      const args = ["rotate-key", "-r", story.gun, "--role", role, "--force", "--json"];
      const outcome = await story.run(args, { keysMayStay: true });
      assert.equal(outcome.code, 5, outcome.stderr);
      assert.match(
        outcome.stderr,
        /took the change to ".*", but it could not be read back: .*\n.*The new keys were kept/,
      );
      const { error } = outcome.json<{ error: { details: { keyIds: string[] } } }>();
      story.between = (request, send) => send(request);
      const view = await inspect(story);
      assert.deepEqual(role === "root" ? view.rootKeyIds : view.targetsKeyIds, error.details.keyIds);
      assert.ok((await story.keys()).includes(`${error.details.keyIds[0]}.key`));
      await rotate(story, role, "--force");
    });
  }
});

Deno.test("rotate-key: two admins at the same moment: both end well, and the later one stays", async () => {
  await using story = await Story.readyToSign();
  let first = true;
  let inner = "";
  story.between = async (request, send) => {
    if (first && isPost(request)) {
      first = false;
      inner = (await rotate(story, "targets")).newKeyId;
    }
    return await send(request);
  };
  const outer = await rotate(story, "targets");
  assert.deepEqual((await inspect(story)).targetsKeyIds, [outer.newKeyId]);
  assert.deepEqual([outer.rootVersion, outer.targetsVersion], [3, 3]);
  assert.ok((await story.keys()).includes(`${inner}.key`), "no key file is taken away");
});

Deno.test("rotate-key: targets that have expired are brought back", async () => {
  await using story = await Story.readyToSign();
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  const host = { now: () => new Date(Date.now() + 1096 * 86_400_000) };
  await story.fail(3, ["list", "-r", story.gun], ["expired on"], { host });
  // The embedded server has a clock of its own, so that its timestamp has expired as well, and stays so.
  const { stderr } = await story.succeed(["rotate-key", "-r", story.gun, "--role", "targets"], { host });
  assert.match(stderr, /something else has expired: see tagseal status/);
  assert.equal((await inspect(story)).targetsKeyIds.length, 1);
});
