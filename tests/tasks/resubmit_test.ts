/** `tagseal submit --resubmit`: the artifact of an earlier signing request is processed once more. */
import assert from "node:assert/strict";
import type { Send } from "../../lib/http/send.ts";
import { readSigningData } from "../../lib/schemes/signing_data.ts";
import { Story } from "../support/local_story.ts";

const through = (request: Request, send: Send) => send(request);
const MANUAL = { env: { SIGNPATH_SIGNING_POLICY_SLUG: "release-signing-with-approval" } };
const resubmit = (id: string, ...more: string[]) => [
  "submit",
  "--resubmit",
  "--original-signing-request-id",
  id,
  ...more,
];

/** A machine whose signing data waits for approval; the request's id. */
async function submitted(): Promise<{ story: Story; id: string }> {
  const story = await Story.readyToSign();
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
  const id = (await story.succeed(["submit", "--input-artifact-path", "data.zip"], MANUAL)).stdout.trim();
  story.calls.length = 0;
  return { story, id };
}

Deno.test("resubmit prints the new request's id, and its file can be pushed", async () => {
  const { story, id } = await submitted();
  await using _ = story;
  const { stdout, stderr } = await story.succeed(resubmit(id, "--description", "once more"));
  const again = stdout.trim();
  assert.match(stdout, /^[0-9a-f-]{36}\n$/);
  assert.notEqual(again, id);
  assert.match(stderr, new RegExp(`^Signing request ${again} submitted: https://`, "m"));
  const [first, second, ...others] = story.peers.signPath.requests();
  assert.deepEqual(others, []);
  assert.deepEqual(
    [second!.id, second!.originalSigningRequestId, second!.signingPolicySlug, second!.description],
    [again, id, "release-signing", "once more"],
  );
  assert.equal(first!.workflowStatus, "WaitingForApproval", "the original goes on as it is");
  await story.succeed(["download", again, "--output-artifact-path", "signed.zip"]);
  assert.match((await story.succeed(["push", "--input-artifact-path", "signed.zip"])).stdout, / published\n$/);
});

Deno.test("resubmit as JSON", async () => {
  const { story, id } = await submitted();
  await using _ = story;
  const json = (await story.succeed(resubmit(id, "--json"), MANUAL)).json();
  assert.deepEqual(Object.keys(json), ["signingRequestId", "url", "status"]);
  assert.deepEqual([json["signingRequestId"], json["status"]], [
    story.peers.signPath.requests().at(-1)!.id,
    "WaitingForApproval",
  ]);
});

Deno.test("resubmit --wait-for-completion writes the signed file", async (t) => {
  const { story, id } = await submitted();
  await using _ = story;
  const args = resubmit(id, "--wait-for-completion");
  const standard = `${id}.resubmitted.zip`;
  await t.step("where it says, or named after the original", async () => {
    for (const [more, path] of [[[], standard], [["--output-artifact-path", "out.zip"], "out.zip"]] as const) {
      const { stdout } = await story.succeed([...args, ...more]);
      assert.equal(stdout, `${story.peers.signPath.requests().at(-1)!.id}\n`);
      const { signatures, repositories } = await readSigningData(await Deno.readFile(story.path(path)));
      assert.deepEqual([signatures.size, repositories[0]!.repository], [2, story.gun]);
    }
  });
  await t.step("an existing file stays, and nothing is filed", async () => {
    const before = story.signingRequests;
    await story.fail(6, args, [`"${standard}" exists already`, "--force"]);
    assert.equal(story.signingRequests, before);
    const json = (await story.succeed([...args, "--force", "--json"])).json();
    assert.deepEqual([json["status"], json["outputArtifactPath"]], ["Completed", standard]);
  });
  await t.step("too long: it goes on, by its own id", async () => {
    const { stderr } = await story.fail(8, [...args, "--force", "--wait-for-completion-timeout", "1"], [
      "did not end within 1 s",
    ], MANUAL);
    const newest = story.peers.signPath.requests().at(-1)!.id;
    assert.ok(stderr.includes(`tagseal download ${newest}`), stderr);
  });
});

Deno.test("resubmit: what is missing or contradicts is refused before anything is sent", async (t) => {
  const { story, id } = await submitted();
  await using _ = story;
  const both = "Give --input-artifact-path <file>, or --resubmit with --original-signing-request-id <id>";
  const missing = "--original-signing-request-id is for --resubmit, which is missing";
  const cases: [name: string, args: string[], words: string[], env?: Record<string, string>][] = [
    ["no original", ["submit", "--resubmit"], ["--original-signing-request-id is missing", both]],
    ["an original alone", ["submit", "--original-signing-request-id", id], [missing, both]],
    ["a file as well", resubmit(id, "--input-artifact-path", "data.zip"), [
      "--resubmit and --input-artifact-path exclude each other",
      both,
    ]],
    ["an original for a file", ["submit", "--original-signing-request-id", id, "--input-artifact-path", "data.zip"], [
      missing,
    ]],
    ["neither", ["submit"], ["--input-artifact-path is missing", both]],
    ["no policy", resubmit(id), ["--signing-policy-slug is missing"], { SIGNPATH_SIGNING_POLICY_SLUG: "" }],
    ["no token", resubmit(id), ["--api-token is missing"], { SIGNPATH_API_TOKEN: "" }],
    ["an id that is none", resubmit("../../etc/passwd"), ['"../../etc/passwd" is not a signing request id']],
    ["an empty id", resubmit(""), ["--original-signing-request-id is empty"]],
  ];
  for (const [name, args, words, env = {}] of cases) {
    await t.step(name, async () => {
      await story.fail(2, args, words, { env });
    });
  }
  assert.deepEqual(story.calls, []);
  assert.equal(story.signingRequests, 1);
});

Deno.test("resubmit and SignPath: no project is needed; refusals; a lost answer files once", async (t) => {
  const { story, id } = await submitted();
  await using _ = story;
  await t.step("no project", async () => {
    await story.succeed(resubmit(id), { env: { SIGNPATH_PROJECT_SLUG: "" } });
  });
  await t.step("an unknown original", async () => {
    await story.fail(2, resubmit(crypto.randomUUID()), ["answered 404", "There is no signing request"]);
  });
  await t.step("an unknown policy", async () => {
    await story.fail(2, resubmit(id, "--signing-policy-slug", "none"), ["signingPolicySlug"]);
  });
  await t.step("a lost answer", async () => {
    const before = story.signingRequests;
    story.between = async (request, send) => {
      const response = await send(request);
      if (!request.url.endsWith("/Resubmit")) return response;
      await response.body?.cancel();
      throw new TypeError("connection closed");
    };
    await story.fail(5, resubmit(id), ["may or may not have been filed", "before submitting again"]);
    assert.equal(story.signingRequests, before + 1);
    story.between = through;
  });
  await t.step("the original may have ended", async () => {
    await story.peers.signPath.approve(id);
    await story.succeed(resubmit(id));
  });
});
