import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip } from "../../lib/bytes/zip.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { isTagsealError, type TagsealError } from "../../lib/errors.ts";
import type { Send } from "../../lib/http/send.ts";
import type { SignPathService } from "../../lib/local/signpath_service.ts";
import type { SignPathClient } from "../../lib/signpath/client.ts";
import type { HashSubmission } from "../../lib/signpath/types.ts";
import { always, connect, json, KEY, refused, serve, submission } from "../support/signpath_world.ts";

const LIMITS = { entries: 9, entryBytes: 999, totalBytes: 999 };
const METADATA = {
  repository: "r.test/app",
  subject: "targets/releases, version 2",
  facts: { Role: "targets/releases", Version: 2 },
  tags: [],
  removedTags: [],
};
const PAYLOAD = utf8('{"one":1}');

function hashSubmission(more: Partial<HashSubmission> = {}): HashSubmission {
  return {
    projectSlug: "hashes",
    signingPolicySlug: "auto",
    description: "one tag",
    digest: hash("sha256", PAYLOAD),
    rules: { hash: "sha256", rsaPadding: "pkcs1" },
    key: KEY.publicKey,
    metadata: METADATA,
    ...more,
  };
}

/** The path of a call below the organization. */
function callOf(request: Request): string {
  return `${request.method} ${new URL(request.url).pathname.split("/").slice(4).join("/")}`;
}

/** A service behind a network that does something else with the answers that `harm` picks by their number. */
function behind(service: SignPathService, harm: (n: number, answer: Response) => Response | Error) {
  const calls: string[] = [];
  const send: Send = async (request) => {
    calls.push(callOf(request));
    const answer = await service.handle(request);
    const outcome = harm(calls.length, answer);
    if (outcome !== answer) await answer.body?.cancel();
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  return { calls, send };
}

const RESET = () => new TypeError("fetch failed", { cause: new Error("connection reset by peer") });

Deno.test("a request is resubmitted under another policy: same artifact unsigned, new id", async () => {
  const service = serve();
  const client = connect(service.handle);
  const original = await client.submit(await submission({ parameters: { version: "1" }, description: "first" }));
  const again = await client.resubmit({
    originalSigningRequestId: original.signingRequestId,
    signingPolicySlug: "manual",
    description: "second",
  });
  assert.notEqual(again.signingRequestId, original.signingRequestId);
  assert.equal(again.url, `https://sp.test/Api/v1/org-1/SigningRequests/${again.signingRequestId}`);
  const { submitted: _, ...kept } = service.requests()[1]!;
  assert.deepEqual(kept, {
    id: again.signingRequestId,
    originalSigningRequestId: original.signingRequestId,
    projectSlug: "project",
    signingPolicySlug: "manual",
    description: "second",
    parameters: { version: "1" },
    fileName: "data.zip",
    workflowStatus: "WaitingForApproval",
  });
  await service.approve(again.signingRequestId);
  const names = [...(await readZip(await client.downloadSigned(again.signingRequestId), LIMITS)).keys()];
  assert.deepEqual(names, ["payload/0001.json", "payload/0001.json.sig"]);
});

Deno.test("a resubmission is a multipart form, and is refused as SignPath refuses", async (t) => {
  const network = always(() => json(201, { signingRequestId: "new-1" }));
  await connect(network.send).resubmit({ originalSigningRequestId: "old-1", signingPolicySlug: "release" });
  const [request] = network.requests;
  assert.equal(request!.url, "https://sp.test/Api/v1/org-1/SigningRequests/Resubmit");
  assert.match(request!.headers.get("content-type") ?? "", /^multipart\/form-data; boundary=/);
  assert.deepEqual([...await request!.formData()], [
    ["originalSigningRequestId", "old-1"],
    ["signingPolicySlug", "release"],
  ]);
  const service = serve();
  const client = connect(service.handle);
  const { signingRequestId: id } = await client.submit(await submission());
  const { signingRequestId: hashed } = await client.signHash(hashSubmission());
  const rows: [string, string, string, TagsealError["code"], RegExp][] = [
    ["no such request", "nothing", "auto", "not-found", /404 to resubmitting signing request "nothing": .*There is no/],
    ["no such policy", id, "nothing", "bad-input", /signingPolicySlug: There is no such signing policy/],
    ["a hash", hashed!, "auto", "bad-input", /It is a fast signing request/],
    ["no id", "a/b", "auto", "usage", /"a\/b" is not a signing request id/],
    ["no policy", id, "", "usage", /The signingPolicySlug is empty/],
  ];
  for (const [name, originalSigningRequestId, signingPolicySlug, code, words] of rows) {
    await t.step(name, () => refused(client.resubmit({ originalSigningRequestId, signingPolicySlug }), code, words));
  }
  assert.equal(service.requests().length, 2);
});

/** Whether `signature` is the key's over the payload. */
async function isGood(signature: Bytes): Promise<boolean> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("spki", KEY.publicKey.spki, algorithm, false, ["verify"]);
  return await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, PAYLOAD);
}

Deno.test("a hash is signed at once, and stands in the audit log", async (t) => {
  const today = ["POST SigningRequests/SignHash"];
  const fast = ["POST SigningRequests/SubmitWithArtifact"];
  for (
    const [name, parameters, calls] of [["today", {}, today], ["with parameters", { version: "1.2" }, fast]] as const
  ) {
    await t.step(name, async () => {
      const service = serve();
      const network = behind(service, (_, answer) => answer);
      const { signature, signingRequestId } = await connect(network.send).signHash(hashSubmission({ parameters }));
      assert.ok(await isGood(signature));
      assert.deepEqual(network.calls, calls, "SignHash has no place for parameters");
      assert.deepEqual(service.requests(), [{
        id: signingRequestId,
        projectSlug: "hashes",
        signingPolicySlug: "auto",
        description: "one tag",
        parameters,
        fileName: "payload.json",
        submitted: new Date(0),
        fast: true,
        workflowStatus: "Completed",
      }]);
    });
  }
});

Deno.test("SignHash is sent as SignPath documents it", async () => {
  const network = always(() => json(404, {}));
  await refused(
    connect(network.send).signHash(hashSubmission({ artifactConfigurationSlug: "ac" })),
    "not-found",
    /404/,
  );
  const [request] = network.requests;
  assert.deepEqual([request!.method, request!.url, request!.headers.get("content-type")], [
    "POST",
    "https://sp.test/Api/v1/org-1/SigningRequests/SignHash",
    "application/json",
  ]);
  assert.deepEqual(await request!.json(), {
    projectSlug: "hashes",
    signingPolicySlug: "auto",
    artifactConfigurationSlug: "ac",
    description: "one tag",
    hashSigningData: {
      signatureAlgorithm: "Ecdsa",
      ecdsaOptions: { signatureFormat: "Ieee" },
      hash: hash("sha256", PAYLOAD).toBase64(),
      metadata: {
        sourceProcess: { commandLine: "tagseal sign --repository r.test/app (targets/releases, version 2)" },
      },
    },
  });
  assert.deepEqual(network.requests.map(callOf).slice(1), [
    "POST SigningRequests/SubmitWithArtifact",
    "POST SigningRequests",
  ]);
});

Deno.test("the answer to a hash needs no id, is about this hash, and is bounded", async () => {
  const answers = (body: string) => connect(always(() => json(201, body)).send).signHash(hashSubmission());
  const of = (hash: string) => JSON.stringify({ hashSigningData: { hash }, hashSigningResult: { signature: "AA==" } });
  assert.deepEqual(await answers(of(hash("sha256", PAYLOAD).toBase64())), { signature: Uint8Array.of(0) });
  await refused(answers(of("AA==")), "trust-invalid", /the hash in it is not the one that was sent$/);
  await refused(answers(" ".repeat(2_000_000)), "unavailable", /^The hash may or may not have been signed.*too long/);
});

Deno.test("what goes into a submission's form, and what is said where no id comes back", async () => {
  const network = always(() => json(201, {}));
  const artifactConfigurationSlug = "docker-signing-data";
  const filing = connect(network.send).submit(await submission({ artifactConfigurationSlug }));
  await assert.rejects(filing, (error) => {
    assert.ok(isTagsealError(error, "unavailable"));
    assert.match(error.message, /named no signing request id; at most 1 signing request may be there$/);
    assert.deepEqual([error.filed, error.details["unclearRequests"]], ["maybe", 1]);
    assert.deepEqual(error.next, { do: "look-for-request" });
    return true;
  });
  const form = await network.requests[0]!.formData();
  assert.deepEqual([...form.keys()], ["projectSlug", "signingPolicySlug", "artifactConfigurationSlug", "artifact"]);
  assert.equal(form.get("artifactConfigurationSlug"), artifactConfigurationSlug);
});

Deno.test("which form a server knows for hashes is remembered only where that was asked", async () => {
  const paths: string[] = [];
  const service = serve();
  const client = connect((request) => (paths.push(request.url.split("/").at(-1)!), service.handle(request)));
  await client.signHash(hashSubmission());
  await client.signHash(hashSubmission({ parameters: { version: "1" } }));
  await client.signHash(hashSubmission());
  assert.deepEqual(paths, ["SignHash", "SubmitWithArtifact", "SignHash"]);
});

Deno.test("an older server that files a hash, or answers without a signature, has not signed it", async () => {
  let calls = 0;
  const older = always(() => ++calls === 1 ? json(404, {}) : json(201, { signingRequestId: "abc-1" }));
  const filed = connect(older.send).signHash(hashSubmission());
  await refused(filed, "bad-input", /^SignPath filed signing request "abc-1" instead of signing the hash at once$/);
  await assert.rejects(filed, (error) => isTagsealError(error) && error.request?.goesOn === false);
  const network = always(() => json(201, { hashSigningData: { hash: hash("sha256", PAYLOAD).toBase64() } }));
  await refused(connect(network.send).signHash(hashSubmission()), "trust-invalid", /it has no signature$/);
  for (const name of ["projectSlug", "signingPolicySlug"] as const) {
    const nameless = async () => await connect(network.send).signHash(hashSubmission({ [name]: "" }));
    await refused(nameless(), "usage", new RegExp(`^The ${name} is empty$`));
  }
});

Deno.test("a project that signs no hashes is told apart, whether it refuses or files", async (t) => {
  await t.step("refused", async () => {
    const service = serve();
    const outcome = connect(service.handle).signHash(hashSubmission({ projectSlug: "project" }));
    const remedy = /names, .* a project of the type "Hash signing data": name that one$/;
    await refused(outcome, "bad-input", /projectSlug: The project signs no hashes/, remedy, {
      do: "in-turn",
      steps: [
        { do: "as-told", remedy: "Correct what SignPath names, then run the command again" },
        { do: "name-hash-project" },
      ],
    });
    assert.equal(service.requests().length, 0);
  });
  await t.step("filed", async () => {
    const network = always(() => json(201, { signingRequestId: "abc-1" }, { location: "https://sp.test/abc-1" }));
    await assert.rejects(connect(network.send).signHash(hashSubmission()), (error) => {
      assert.ok(isTagsealError(error, "bad-input"));
      assert.equal(error.message, 'SignPath filed signing request "abc-1" instead of signing the hash at once');
      assert.match(error.remedy, /Cancel it .*"Hash signing data"/);
      assert.deepEqual(error.details, { signingRequestId: "abc-1" });
      return true;
    });
    assert.equal(network.requests.length, 1);
  });
});

Deno.test("older servers get the same form on the older route", async (t) => {
  const routes = ["POST SigningRequests/SubmitWithArtifact", "POST SigningRequests"];
  for (const [name, status] of [["404", 404], ["405", 405]] as const) {
    await t.step(name, async () => {
      const service = serve({ older: true });
      const { calls, send } = behind(service, (n, answer) => n === 1 ? new Response(null, { status }) : answer);
      const client = connect(send);
      const { signingRequestId } = await client.submit(await submission({ description: "older" }));
      assert.deepEqual(calls, routes);
      assert.deepEqual(service.requests().map(({ id, description }) => [id, description]), [[
        signingRequestId,
        "older",
      ]]);
      assert.equal((await client.status(signingRequestId)).status, "Completed");
    });
  }
  await t.step("a hash", async () => {
    const service = serve({ older: true });
    const { calls, send } = behind(service, (_, answer) => answer);
    const client = connect(send);
    for (let n = 0; n < 2; n++) assert.ok(await isGood((await client.signHash(hashSubmission())).signature));
    const sign = "POST SigningRequests/SignHash";
    // Which of the forms it knows is asked once.
    assert.deepEqual(calls, [sign, ...routes, ...routes]);
  });
  await t.step("where both routes are unknown, the first refusal is told", async () => {
    let n = 0;
    const network = always(() => json(404, { title: n++ === 0 ? "No such project" : "No such route" }));
    await refused(connect(network.send).submit(await submission()), "not-found", /answered 404 .*: No such project$/);
    assert.equal(network.requests.length, 2);
  });
  await t.step("what the older route refuses otherwise is told", async () => {
    const client = connect(serve({ older: true }).handle);
    await refused(client.submit(await submission({ projectSlug: "x" })), "bad-input", /answered 400 .*no such project/);
  });
  await t.step("no other refusal leads there", async () => {
    for (const status of [400, 401, 403, 409, 410]) {
      const network = always(() => json(status, {}));
      await assert.rejects(connect(network.send).submit(await submission()), (e) => isTagsealError(e));
      assert.equal(network.requests.length, 1, String(status));
    }
  });
});

Deno.test("whatever answer is lost, nothing is filed twice, and what may have been filed is told", async (t) => {
  type File = (client: SignPathClient, original: string) => Promise<unknown>;
  const submit: File = async (client) => await client.submit(await submission());
  const resubmit: File = (client, originalSigningRequestId) =>
    client.resubmit({ originalSigningRequestId, signingPolicySlug: "auto" });
  const signHash: File = (client) => client.signHash(hashSubmission());
  const request = /^The signing request may or may not have been filed: /;
  const signature = /^The hash may or may not have been signed, the answer is lost: /;
  const rows: [string, File, { older: boolean; lose: number; filed: number; words: RegExp; remedy: RegExp }][] = [
    ["submit", submit, { older: false, lose: 1, filed: 1, words: request, remedy: /Look it up in SignPath's web UI/ }],
    ["submit, older, first", submit, { older: true, lose: 1, filed: 0, words: request, remedy: /Look it up/ }],
    ["submit, older, second", submit, { older: true, lose: 2, filed: 1, words: request, remedy: /Look it up/ }],
    ["resubmit", resubmit, {
      older: false,
      lose: 1,
      filed: 1,
      words: request,
      remedy: /if it is there, download its signed/,
    }],
    ["hash", signHash, { older: false, lose: 1, filed: 1, words: signature, remedy: /Nothing was published with it/ }],
    ["hash, older, first", signHash, { older: true, lose: 1, filed: 0, words: signature, remedy: /sign once more/ }],
    ["hash, older, last", signHash, { older: true, lose: 3, filed: 1, words: signature, remedy: /sign once more/ }],
  ];
  for (const [name, file, { older, lose, filed, words, remedy }] of rows) {
    for (const [how, harm] of [["reset", RESET], ["500", () => json(500, { title: "Oops" })]] as const) {
      await t.step(`${name}: ${how}`, async () => {
        const service = serve({ older });
        const { signingRequestId } = await connect(service.handle).submit(await submission());
        const { calls, send } = behind(service, (n, answer) => n === lose ? harm() : answer);
        const outcome = file(connect(send), signingRequestId);
        await refused(outcome, "unavailable", words, remedy);
        await assert.rejects(outcome, (e) => isTagsealError(e) && e.details["mayBeFiled"] === true);
        assert.equal(calls.length, lose);
        assert.equal(service.requests().length, 1 + filed);
      });
    }
  }
});
