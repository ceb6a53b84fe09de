/** What can be known before anything is filed is found out before; whichever of several allowed keys SignPath has signs. */
import assert from "node:assert/strict";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { certificatePem, readCertificate } from "../../lib/crypto/x509.ts";
import type { Send } from "../../lib/http/send.ts";
import { createSigningCertificate, type SigningAlgorithm } from "../../lib/local/certificates.ts";
import { given, peersInMemory, Story } from "../support/local_story.ts";
import { createTokenIssuer } from "../support/token_issuer.ts";
import { KEYS } from "../support/trust_builder.ts";

type Between = (request: Request, send: Send) => Promise<Response>;
const through: Between = (request, send) => send(request);
const isPolicies = (request: Request) => new URL(request.url).pathname.endsWith("/Cryptoki/MySigningPolicies");

/** Answers a question for policies otherwise. */
function policies(answer: () => Response): Between {
  return async (request, send) => isPolicies(request) ? await Promise.resolve(answer()) : await send(request);
}

async function certificateFile(story: Story, name: string, algorithm: SigningAlgorithm = "ecdsa-p256") {
  const made = await createSigningCertificate({ commonName: name, algorithm, now: new Date(), days: 365 });
  const certificate = readCertificate(made.certificatePem);
  await given(story, name, certificatePem(certificate));
  return { certificate, keyId: keyOfCertificate(certificate).canonicalId };
}

/** A repository whose delegation has another key only. */
async function withAnotherKey() {
  const story = await Story.begin();
  await story.push("v1");
  const other = await certificateFile(story, "other.pem");
  await story.succeed(["init", "-r", story.gun, "--delegation-certificate", "other.pem"]);
  return { story, other };
}

/** A repository whose delegation has SignPath's key and another one. */
async function withTwoKeys(algorithm?: SigningAlgorithm) {
  const story = await Story.readyToSign();
  const other = await certificateFile(story, "other.pem", algorithm);
  await story.succeed(["add-delegation", "-r", story.gun, "--delegation-certificate", "other.pem"]);
  const own = keyOfCertificate(readCertificate(story.peers.certificate)).canonicalId;
  return { story, other: other.keyId, own };
}

const sign = (story: Story, ...more: string[]) => ["sign", "-r", story.gun, "-t", "v1", ...more];
const HASH = ["--signing-method", "hash", "--project-slug", "demo-hashes"];

Deno.test("a policy with another key than the delegation's: nothing is filed", async (t) => {
  const { story, other } = await withAnotherKey();
  await using _ = story;
  const words = [
    'The signing policy "release-signing" signs with the key ',
    `which may not sign for "${story.gun}"`,
    "Nothing was sent to SignPath",
    other.keyId.slice(0, 12),
    `tagseal add-delegation -r ${story.gun} --delegation-from-signpath`,
  ];
  await t.step("sign", async () => void await story.fail(2, sign(story), words));
  await t.step("sign by hash", async () => void await story.fail(2, sign(story, ...HASH), words));
  await t.step("submit", async () => {
    await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
    await story.fail(2, ["submit", "--input-artifact-path", "data.zip"], words);
  });
  await t.step("a dry run goes on, and asks nobody", async () => {
    story.calls.length = 0;
    assert.match((await story.succeed(sign(story, "--dry-run"))).stdout, new RegExp(`key ${other.keyId}$`, "m"));
    assert.ok(!story.calls.some((call) => call.includes("/API/") || call.endsWith("snapshot.key")));
  });
  await t.step("as the advice says", async () => {
    await story.succeed(["add-delegation", "-r", story.gun, "--delegation-from-signpath"]);
    await story.succeed(sign(story));
  });
  assert.equal(story.signingRequests, 1);
});

Deno.test("whose user may see no policies signs all the same, with a note", async (t) => {
  const answers: [string, () => Response][] = [
    ["403", () => new Response("", { status: 403 })],
    ["404", () => new Response("", { status: 404 })],
    ["503", () => new Response("", { status: 503 })],
    ["an empty list", () => Response.json({ signingPolicies: [] })],
    ["garbage", () => new Response("<html>")],
    [
      "no certificate",
      () =>
        Response.json({
          signingPolicies: [{
            projectSlug: "demo-images",
            signingPolicySlug: "release-signing",
            certificateBytes: "AAAA",
          }],
        }),
    ],
  ];
  for (const [name, answer] of answers) {
    await t.step(name, async () => {
      await using story = await Story.readyToSign();
      story.between = policies(answer);
      const { stderr } = await story.succeed(sign(story));
      assert.match(stderr, /^Which key the signing policy "release-signing" has is not known before it signs: /m);
      assert.equal(story.calls.filter((call) => call.endsWith("/MySigningPolicies")).length, 1);
    });
  }
});

Deno.test("where nothing is to be signed, nobody waits for SignPath", async () => {
  await using story = await Story.readyToSign();
  await story.succeed(sign(story));
  const { promise, resolve } = Promise.withResolvers<Response>();
  story.between = async (request, send) => isPolicies(request) ? await promise : await send(request);
  assert.match((await story.succeed(sign(story))).stdout, / unchanged\n$/);
  resolve(Response.json({}));
});

Deno.test("what is asked beforehand is asked beside what is read anyway", async () => {
  await using story = await Story.readyToSign();
  const begun: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  story.between = async (request, send) => {
    const name = `${new URL(request.url).pathname.split("/").at(-1)}`;
    begun.push(name);
    // Nothing is answered before all of these were asked for: if one waited for another, this would not end.
    const first = ["timestamp.json", "snapshot.key", "MySigningPolicies", "v1"];
    if (first.every((name) => begun.includes(name))) resolve();
    if (first.includes(name) && request.method === "GET") await promise;
    return await send(request);
  };
  await story.succeed(sign(story));
});

Deno.test("two allowed keys are no outage: whichever SignPath has signs", async (t) => {
  for (
    const [name, between] of [
      ["told by the policy", through],
      ["not told", policies(() => new Response("", { status: 403 }))],
    ] as const
  ) {
    await t.step(name, async () => {
      const { story, own } = await withTwoKeys();
      await using _ = story;
      story.between = between;
      await story.succeed(sign(story));
      await story.succeed(["sign", "-r", story.gun, "-t", "v2", ...HASH]);
      assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v1 .*\nv2 .*\n$/);
      const served = JSON.stringify((await story.succeed(["inspect", "-r", story.gun, "--json"])).json());
      assert.ok(served.includes(own));
    });
  }
  await t.step("in four steps", async () => {
    const { story, own, other } = await withTwoKeys("rsa-2048");
    await using _ = story;
    const make = ["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip", "--json"];
    const { repositories: [one] } = (await story.succeed(make)).json<
      { repositories: { delegationKeyId: string; alternativeKeyIds: string[] }[] }
    >();
    assert.deepEqual(new Set([one!.delegationKeyId, ...one!.alternativeKeyIds]), new Set([own, other]));
    await story.succeed(["submit", "--input-artifact-path", "data.zip", "--wait-for-completion"]);
    await story.succeed(["push", "-r", story.gun, "--input-artifact-path", "data.signed.zip"]);
    await story.succeed(["verify", "-r", story.gun, "-t", "v1"]);
  });
  await t.step("by hash, with keys of two kinds, of which nobody knows which", async () => {
    const { story, own } = await withTwoKeys("rsa-2048");
    await using _ = story;
    story.between = policies(() => new Response("", { status: 403 }));
    await story.fail(2, sign(story, ...HASH), ["it has keys of several kinds", "--delegation-certificate"]);
    assert.equal(story.signingRequests, 0);
    await story.succeed(sign(story, ...HASH, "--delegation-certificate", own));
  });
});

Deno.test("--delegation-certificate takes a key's id, how that begins, and a variable", async (t) => {
  const { story, own, other } = await withTwoKeys();
  await using _ = story;
  const key = (text: string) => new RegExp(`key ${text}$`, "m");
  const cases: [string, string[], Record<string, string>, string][] = [
    ["id", ["--delegation-certificate", other], {}, other],
    ["beginning", ["--delegation-certificate", own.slice(0, 7).toUpperCase()], {}, own],
    ["file", ["--delegation-certificate", "other.pem"], {}, other],
    ["variable", [], { TAGSEAL_DELEGATION_CERTIFICATE: other.slice(0, 12) }, other],
  ];
  for (const [name, more, env, wanted] of cases) {
    await t.step(name, async () => {
      assert.match((await story.succeed(sign(story, "--dry-run", ...more), { env })).stdout, key(wanted));
    });
  }
  await t.step("too short, or no id", async () => {
    for (const given of [own.slice(0, 6), "zzzzzzz"]) {
      await story.fail(2, sign(story, "--dry-run", "--delegation-certificate", given), ["There is no file", given]);
    }
  });
  await t.step("an id that is not there", async () => {
    await story.fail(2, sign(story, "--dry-run", "--delegation-certificate", "0".repeat(12)), ["is not in both"]);
  });
  await t.step("who may sign is not changed by a variable", async () => {
    const env = { TAGSEAL_DELEGATION_CERTIFICATE: "other.pem" };
    await story.fail(2, ["add-delegation", "-r", story.gun], ["--delegation-certificate is missing"], { env });
    await story.fail(2, ["remove-delegation", "-r", story.gun], ["--key"], { env });
  });
});

/** A server that has another snapshot key than root names. */
const userHeld: Between = async (request, send) => {
  if (!request.url.endsWith("/snapshot.key") || request.method !== "GET") return await send(request);
  return Response.json(KEYS.stranger.publicKey.json);
};

/** Has signing data signed while nothing stands in the way. */
async function signedData(story: Story): Promise<{ signed: string }> {
  story.between = through;
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v2", "--output-artifact-path", "v2.zip"]);
  await story.succeed(["submit", "--input-artifact-path", "v2.zip", "--wait-for-completion"]);
  return { signed: "v2.signed.zip" };
}

Deno.test("a snapshot key that is not the server's: told before anything is filed or asked for", async (t) => {
  await using story = await Story.readyToSign();
  await certificateFile(story, "other.pem");
  story.between = userHeld;
  const words = [
    `The snapshot key of "${story.gun}" is not the Notary server's`,
    `tagseal rotate-key -r ${story.gun} --role snapshot`,
  ];
  for (
    const [name, args] of [
      ["sign", sign(story)],
      ["by hash", sign(story, ...HASH)],
      ["signing-data", ["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]],
      ["add-delegation", ["add-delegation", "-r", story.gun, "--delegation-certificate", "other.pem"]],
    ] as const
  ) {
    await t.step(name, async () => void await story.fail(2, args, words));
  }
  await t.step("where it shows by the server's refusal alone", async () => {
    const { signed } = await signedData(story);
    story.between = async (request, send) => {
      if (request.method === "POST" && request.url.includes("/_trust/")) {
        await request.body?.cancel();
        const errors = [{ code: "UNKNOWN", message: "rpc error: code = NotFound desc = key not found" }];
        return Response.json({ errors }, { status: 500 });
      }
      return await userHeld(request, send);
    };
    await story.fail(2, ["push", "--input-artifact-path", signed], words);
  });
  await t.step("a server that does not tell is believed in", async () => {
    story.between = async (request, send) =>
      request.url.endsWith("/snapshot.key") ? new Response("", { status: 403 }) : await send(request);
    await story.succeed(sign(story));
  });
  assert.deepEqual(
    [story.signingRequests, story.posts],
    [2, 4 + 1],
    "the data, posted as to a server that fails for a moment; and the last one",
  );
});

Deno.test("who may not publish is told before anything is filed: strangers, and users who may only read", async (t) => {
  const realm = "https://localhost:5000/token";
  const [user, password] = ["ci", "password-of-ci"];
  const issuer = await createTokenIssuer({ issuer: "i", service: "s", user, password, now: () => new Date() });
  let reading: "nobody" | "everybody" = "nobody";
  const peers = await peersInMemory({
    notary: (request, scope) => {
      if (reading === "everybody" && scope.actions === "pull") return undefined;
      const refused = issuer.check(request, scope, realm);
      if (refused || reading === "nobody") return refused;
      const challenge = `Bearer realm="${realm}",service="s",error="insufficient_scope"`;
      return new Response("{}", { status: 401, headers: { "www-authenticate": challenge } });
    },
    elsewhere: issuer.handle,
  });
  await using story = await Story.begin(peers);
  const auth = btoa(`${user}:${password}`);
  story.secrets.push(password, auth);
  await story.push("v1");
  await story.succeed(["init", "-r", story.gun, "--delegation-certificate", "signpath.cer"], {
    env: { NOTARY_AUTH: auth },
  });
  reading = "everybody";
  for (const method of [[], HASH]) {
    await t.step(`a stranger ${method}`, async () => {
      await story.fail(4, sign(story, ...method), ["refuses access", "tried anonymously", ":push,pull", "NOTARY_AUTH"]);
    });
    await t.step(`a user who may only read ${method}`, async () => {
      const words = ["that user may not push to it", 'as user "ci"', "give that user the right to push"];
      await story.fail(4, sign(story, ...method), words, { env: { NOTARY_AUTH: auth } });
    });
  }
  assert.equal(story.signingRequests, 0);
  await t.step("who reads, or only makes signing data, needs no right to push", async () => {
    await story.succeed(["list", "-r", story.gun]);
    await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"]);
  });
});

Deno.test("a description tells approvers what is in the request", async () => {
  await using story = await Story.readyToSign();
  const digest = /sha256:\S+/.exec((await story.succeed(sign(story, "--dry-run"))).stdout)![0];
  await story.succeed(sign(story));
  await story.succeed(["sign", "-r", story.gun, "-t", "v2", ...HASH]);
  const [first, second] = story.peers.signPath.requests();
  assert.equal(first!.description, `${story.gun}: v1 ${digest.slice(0, "sha256:".length + 12)}`);
  assert.match(second!.description, /^localhost:5000\/demo\/app: v2 sha256:[0-9a-f]{12}$/);
});

Deno.test("a policy whose certificate is not valid: nothing is filed, since SignPath would not sign", async () => {
  let ahead = 0;
  const now = () => new Date(Date.now() + ahead);
  await using story = await Story.readyToSign(await peersInMemory({ now, days: 30 }));
  ahead = 31 * 86_400_000;
  const words = ['The certificate of the signing policy "release-signing" expired on ', "Nothing was sent to SignPath"];
  for (const method of [[], HASH]) await story.fail(2, sign(story, ...method), words, { host: { now } });
  assert.equal(story.signingRequests, 0);
  // A certificate from tomorrow: this machine's clock may be behind.
  ahead = -86_400_000;
  await story.fail(2, sign(story), ["is not valid before", "clock"], { host: { now } });
  assert.equal(story.signingRequests, 0);
});
