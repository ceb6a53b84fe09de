/** What a server has taken is said, whatever fails afterwards; and what it refuses without a reason is not called wrong. */
import assert from "node:assert/strict";
import { TagsealError } from "../../lib/errors.ts";
import type { Send } from "../../lib/http/send.ts";
import { Story } from "../support/local_story.ts";

const isPost = (request: Request) => request.method === "POST" && request.url.endsWith("/_trust/tuf/");
const straight = (request: Request, send: Send) => send(request);

/** What reading back meets, and the exit code that this is. */
const FAILURES: readonly [name: string, code: number, answer: (request: Request) => Response | Promise<Response>][] = [
  ["500", 5, () => new Response("", { status: 500 })],
  ["404", 5, () => new Response("", { status: 404 })],
  ["403", 4, () => new Response("", { status: 403 })],
  ["a redirect", 5, () => new Response("", { status: 302, headers: { location: "https://elsewhere.test/" } })],
  ["a page", 3, () => new Response("<html>Log in</html>")],
  ["a cut connection", 5, () => Promise.reject(new TypeError("connection reset by peer"))],
];

/** The commands that publish; each runs in a repository where `v1` is signed. */
const COMMANDS: readonly (readonly string[])[] = [
  ["sign", "-t", "v2"],
  ["sign", "-t", "v2", "--signing-method", "hash", "--project-slug", "demo-hashes"],
  ["remove-tag", "-t", "v1"],
  ["add-delegation", "--delegation", "other", "--delegation-certificate", "signpath.cer"],
  ["remove-delegation", "--delegation", "signpath", "--yes"],
  ["rotate-key", "--role", "targets"],
  ["rotate-key", "--role", "snapshot"],
  ["rotate-key", "--role", "root", "--force"],
];

/** Every reading after the first post that the server took ends as `answer` says. */
function unreadableAfterPost(answer: (request: Request) => Response | Promise<Response>) {
  let taken = false;
  return async (request: Request, send: Send) => {
    if (taken && request.url.includes("/_trust/tuf/")) return await answer(request);
    const response = await send(request);
    taken ||= isPost(request) && response.ok;
    return response;
  };
}

async function requireSaid(story: Story, args: readonly string[], code: number): Promise<void> {
  const outcome = await story.run([...args, "-r", story.gun, "--json"], { keysMayStay: true });
  assert.equal(outcome.code, code, `${args.join(" ")}: ${outcome.stderr}`);
  const { error } = outcome.json<{ error: { message: string; remedy: string; published: string } }>();
  assert.equal(error.published, "maybe", args.join(" "));
  assert.match(error.message, /took the change to ".*", but it could not be read back: /);
  assert.match(error.remedy, /look with tagseal inspect|Look with tagseal inspect|go on with: tagseal resume/i);
}

for (const args of COMMANDS) {
  Deno.test(`taken and not read back: ${args.slice(0, 5).join(" ")}`, async () => {
    await using story = await Story.readyToSign();
    await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
    const [first] = FAILURES;
    story.between = unreadableAfterPost(first![2]);
    await requireSaid(story, args, first![1]);
    story.between = straight;
    await story.succeed(["inspect", "-r", story.gun]);
  });
}

Deno.test("taken and not read back, in every way", async (t) => {
  await using story = await Story.readyToSign();
  for (const [i, [name, code, answer]] of FAILURES.entries()) {
    await t.step(name, async () => {
      story.between = unreadableAfterPost(answer);
      const args = ["add-delegation", "--delegation", `team${i}`, "--delegation-certificate", "signpath.cer"];
      await requireSaid(story, args, code);
      story.between = straight;
      assert.match((await story.succeed([...args, "-r", story.gun])).stdout, /unchanged/);
    });
  }
  await t.step("Ctrl-C", async () => {
    const control = new AbortController();
    const interruption = new TagsealError("interrupted", "Interrupted", { remedy: "Run it again" });
    story.between = async (request, send) => {
      control.signal.throwIfAborted();
      const response = await send(request);
      if (isPost(request)) control.abort(interruption);
      return response;
    };
    const args = ["add-delegation", "--delegation", "late", "--delegation-certificate", "signpath.cer"];
    const outcome = await story.run([...args, "-r", story.gun, "--json"], { signal: control.signal });
    assert.equal(outcome.code, 130, outcome.stderr);
    assert.equal(outcome.json<{ error: { published: string } }>().error.published, "maybe");
    story.between = straight;
  });
});

Deno.test("push: taken and not read back; and run again, it changes nothing", async () => {
  await using story = await Story.readyToSign();
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
  const submit = ["submit", "--input-artifact-path", "data.zip", "--wait-for-completion"];
  await story.succeed([...submit, "--output-artifact-path", "signed.zip"]);
  const push = ["push", "--input-artifact-path", "signed.zip"];
  story.between = unreadableAfterPost(FAILURES[1]![2]);
  await requireSaid(story, push, 5);
  story.between = straight;
  assert.match((await story.succeed(push)).stdout, /unchanged$/m);
});

Deno.test("init: taken and not read back, also by what is no Notary server", async (t) => {
  for (const [name, code, answer] of FAILURES) {
    await t.step(name, async () => {
      await using story = await Story.begin();
      story.between = unreadableAfterPost(answer);
      await requireSaid(story, ["init"], code);
      assert.equal((await story.keys()).length, 2);
    });
  }
  await t.step("a page that says 200 to everything posted", async () => {
    await using story = await Story.begin();
    story.between = (request, send) =>
      isPost(request) ? Promise.resolve(new Response("<html>Log in</html>")) : send(request);
    await requireSaid(story, ["init"], 5);
  });
});

Deno.test("a refusal without a reason, as while the server's database is down, is 5 and not 3", async () => {
  await using story = await Story.readyToSign();
  const refusal = { code: "INVALID_UPDATE", message: "Update sent by the client is invalid.", detail: null };
  story.between = (request, send) =>
    isPost(request) ? Promise.resolve(Response.json({ errors: [refusal] }, { status: 400 })) : send(request);
  await story.fail(5, ["sign", "-r", story.gun, "-t", "v1"], ["refused to publish", "is invalid"]);
  story.between = straight;
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
});
