/** `tagseal sign --signing-method hash|pkcs11`: the same result, whoever signs. Keys in files: `sign_with_key_test.ts`. */
import assert from "node:assert/strict";
import { generateKeyPairSync, sign as signBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { createSend } from "../../lib/http/network.ts";
import type { Send } from "../../lib/http/send.ts";
import { KNOWN_MODULES } from "../../lib/keystore/pkcs11_modules.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { pushTinyImage } from "../../lib/local/image.ts";
import { startLocalStack } from "../../lib/local/stack.ts";
import { PASSPHRASES, peersInMemory, Story } from "../support/local_story.ts";
import { peerTest } from "../support/peer_case.ts";
import { runProgram } from "../support/program.ts";

const isHash = (request: Request) => request.url.endsWith("/SignHash");
const through = (request: Request, send: Send) => send(request);

const HASH = { env: { SIGNPATH_PROJECT_SLUG: "demo-hashes" } };
const hashSign = (story: Story, ...more: string[]) => ["sign", "-r", story.gun, "--signing-method", "hash", ...more];

/** What is sent for one hash, as far as tests look at it. */
interface HashRequest {
  description?: string;
  hashSigningData: {
    signatureAlgorithm: string;
    rsaOptions?: unknown;
    ecdsaOptions?: unknown;
    metadata: { sourceProcess: { commandLine: string } };
  };
}

/** What is answered. */
interface HashAnswer {
  signingRequestId: string;
  hashSigningData: { hash: string };
  hashSigningResult: { signature: string };
}

async function documentIn(request: Request): Promise<HashRequest> {
  return await request.clone().json();
}

/** Changes what the service answers to a hash. */
function answering(change: (answer: HashAnswer) => Response | Record<string, unknown>) {
  return async (request: Request, send: Send): Promise<Response> => {
    const response = await send(request);
    if (!isHash(request) || !response.ok) return response;
    const changed = change(await response.json());
    return changed instanceof Response ? changed : Response.json(changed, { status: 201, headers: response.headers });
  };
}

/** The same with another signature. */
function signed(signature: unknown) {
  return (all: HashAnswer) => ({ ...all, hashSigningResult: { signature } });
}

for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
  Deno.test(`--signing-method hash, ${algorithm}: signed, published, verified`, async () => {
    await using story = await Story.readyToSign(await peersInMemory({ algorithm }));
    const v1 = await story.push("v1");
    const sent: HashRequest[] = [];
    story.between = async (request, send) => {
      if (isHash(request)) sent.push(await documentIn(request));
      return await send(request);
    };
    const more = ["-t", "v1", "--description", "build 7", "--json"];
    const { signingRequestId, repositories } = (await story.succeed(hashSign(story, ...more), HASH)).json<
      { signingRequestId: string; repositories: unknown[] }
    >();
    assert.deepEqual(repositories, [{
      repository: story.gun,
      outcome: "published",
      tags: [{ tag: "v1", digest: v1, previousDigest: null }],
      roles: [{ role: "targets/releases", version: 1 }, { role: "targets/signpath", version: 1 }],
    }]);
    const requests = story.peers.signPath.requests();
    assert.deepEqual(requests.map(({ fast, projectSlug, fileName }) => [fast, projectSlug, fileName]), [
      [true, "demo-hashes", "payload.json"],
    ], "one for both roles");
    assert.equal(requests[0]!.id, signingRequestId);
    assert.equal(requests[0]!.description, "build 7");
    assert.deepEqual(
      sent.map(({ hashSigningData: { metadata } }) => metadata.sourceProcess.commandLine),
      [
        `tagseal sign --repository ${story.gun} ` +
        `(targets/releases, version 1; targets/signpath, version 1; sign 1: v1@${v1})`,
      ],
      "the audit log shows what it is for",
    );
    for (const { hashSigningData: { signatureAlgorithm, rsaOptions, ecdsaOptions } } of sent) {
      assert.deepEqual(
        [signatureAlgorithm, rsaOptions, ecdsaOptions],
        algorithm === "rsa-2048"
          ? ["Rsa", { hashAlgorithmName: "Sha256", paddingMode: "Pkcs1" }, undefined]
          : ["Ecdsa", undefined, { signatureFormat: "Ieee" }],
      );
    }
    story.between = through;
    assert.equal((await story.succeed(["verify", "-r", story.gun, "-t", "v1"])).stdout, `v1 ${v1}\n`);
    assert.match((await story.succeed(["list", "-r", story.gun])).stdout, / signpath\n$/);
    assert.equal((await story.succeed(hashSign(story, "-t", "v1"), HASH)).stdout, `${story.gun}:v1 ${v1} unchanged\n`);
    assert.equal(story.signingRequests, 1, "nothing to sign, nothing filed");
  });
}

Deno.test("--signing-method hash: a service that answers with something else gets nothing published", async (t) => {
  await using story = await Story.readyToSign();
  const digest = (text: string) => utf8(text).slice(0, 32).toBase64();
  const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const other = new Uint8Array(signBytes("sha256", utf8("else"), { key: stranger, dsaEncoding: "ieee-p1363" }));
  const cases: [name: string, code: number, change: Parameters<typeof answering>[0], words: string[]][] = [
    ["another hash", 3, (all) => ({ ...all, hashSigningData: { hash: digest("x".repeat(32)) } }), [
      "the hash in it is not the one that was sent",
      "Nothing was published",
    ]],
    ["a signature of something else", 3, signed(other.toBase64()), [
      "its signature is not good",
      "Nothing was published",
    ]],
    ["no signature but zeros", 3, signed(new Uint8Array(64).toBase64()), ["its signature is not good"]],
    ["a signature that is no base64", 3, signed("*".repeat(88)), ["is not base64"]],
    ["a signature without end", 3, signed("A".repeat(100_000)), ["longer than any key's"]],
    ["an empty signature", 3, signed(""), ["it has no signature"]],
    ["garbage", 3, () => new Response("<html>Sign in\u001b[2J</html>", { status: 200 }), ["it is not JSON"]],
    ["nothing", 3, () => new Response("", { status: 200 }), ["it is not JSON"]],
    ["a list", 3, () => Response.json([1, 2]), ["it is not a JSON object"]],
    [
      "an ordinary signing request",
      2,
      () => Response.json({ signingRequestId: crypto.randomUUID() }, { status: 201 }),
      ["instead of signing the hash at once", '"Hash signing data"'],
    ],
    ["a refusal", 4, () => new Response("", { status: 403 }), ["answered 403"]],
  ];
  for (const [name, code, change, words] of cases) {
    await t.step(name, async () => {
      story.between = answering(change);
      await story.fail(code, hashSign(story, "-t", "v1"), words, HASH);
    });
  }
  story.between = through;
  await t.step("a project for files", async () => {
    const before = story.signingRequests;
    await story.fail(2, hashSign(story, "-t", "v1"), ["The project signs no hashes"]);
    assert.equal(story.signingRequests, before);
  });
  await t.step("a policy that wants approval, or is not there", async () => {
    const policy = ["--signing-policy-slug", "release-signing-with-approval"];
    await story.fail(2, hashSign(story, "-t", "v1", ...policy), ["signingPolicySlug"], HASH);
  });
  assert.equal(story.posts, 0);
  assert.equal((await story.succeed(["list", "-r", story.gun])).stdout, "");
});

Deno.test("--signing-method hash: a lost answer is said, and nothing is asked for twice", async () => {
  await using story = await Story.readyToSign();
  const roles: unknown[] = [];
  story.between = async (request, send) => {
    if (!isHash(request)) return await send(request);
    roles.push((await documentIn(request)).hashSigningData.metadata.sourceProcess.commandLine);
    await (await send(request)).body?.cancel();
    throw new TypeError("connection closed");
  };
  const words = ["The hash may or may not have been signed", "connection closed", "Nothing was published"];
  await story.fail(5, hashSign(story, "-t", "v1"), words, HASH);
  assert.ok(roles.length > 0 && new Set(roles).size === roles.length, `asked for ${roles.join()}`);
  assert.deepEqual([story.signingRequests, story.posts], [roles.length, 0]);
  story.between = through;
  await story.succeed(hashSign(story, "-t", "v1"), HASH);
});

Deno.test("--signing-method hash: when others are faster it is signed anew, and nobody loses a tag", async () => {
  await using story = await Story.readyToSign();
  await using other = await Story.begin(story.peers);
  let slipped = false;
  story.between = async (request, send) => {
    const response = await send(request);
    if (isHash(request) && !slipped) {
      slipped = true;
      await other.succeed(["sign", "-r", other.gun, "-t", "v2"]);
    }
    return response;
  };
  const { stderr } = await story.succeed(hashSign(story, "-t", "v1"), HASH);
  assert.match(stderr, /Starting over on top of it\.$/m);
  assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v1 .*\nv2 .*\n$/);
});

Deno.test("--signing-method pkcs11 without addon, module or token says what to do", async (t) => {
  await using story = await Story.readyToSign();
  const sign = ["sign", "-r", story.gun, "-t", "v1", "--signing-method", "pkcs11"];
  await t.step("no addon", async () => {
    const env = { TAGSEAL_PKCS11_ADDON: story.path("nowhere"), TAGSEAL_PKCS11_MODULE: story.path("signpath.cer") };
    await story.fail(2, sign, ["The PKCS#11 addon is not in", "deno task build-pkcs11"], { env });
  });
  await t.step("no module", async () => {
    const env = { TAGSEAL_PKCS11_ADDON: story.path("nowhere") };
    await story.fail(2, [...sign, "--pkcs11-module", "none.so"], ["none.so"], { env });
  });
  assert.deepEqual([story.signingRequests, story.posts], [0, 0]);
});

const MODULE = KNOWN_MODULES.find((path) => path.includes("softhsm") && existsSync(path)) ?? "";
const PIN = "secret-pin-4711";

peerTest("--signing-method pkcs11: a delegation's key on SoftHSM", ["softhsm2", "pkcs11 addon"], async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-sign-token-" });
  try {
    await using stack = await startLocalStack({ port: 0, now: () => new Date() });
    await Deno.mkdir(`${folder}/tokens`);
    await Deno.writeTextFile(`${folder}/ca.pem`, stack.caPem);
    const conf = `${folder}/softhsm2.conf`;
    await Deno.writeTextFile(conf, `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\n`);
    const tool = async (...args: string[]) => {
      const made = await new Deno.Command("softhsm2-util", { args, env: { SOFTHSM2_CONF: conf } }).output();
      assert.ok(made.success, new TextDecoder().decode(made.stderr));
    };
    const request = { commonName: "team", algorithm: "ecdsa-p256", now: new Date(), days: 30 } as const;
    const { privateKey, certificatePem } = await createSigningCertificate(request);
    await Deno.writeTextFile(`${folder}/team.cer`, certificatePem);
    await Deno.writeTextFile(`${folder}/key.pem`, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    await tool("--init-token", "--free", "--label", "team", "--so-pin", "12345678", "--pin", PIN);
    await tool("--import", `${folder}/key.pem`, "--token", "team", "--label", "team", "--id", "01", "--pin", PIN);
    await Deno.remove(`${folder}/key.pem`);

    const gun = `${stack.host}/demo/app`;
    const { send, close } = createSend({ caCerts: [stack.caPem] });
    const digest = await pushTinyImage(send, new URL(`https://${stack.host}`), "demo/app", "v1", "v1").finally(close);
    const env = {
      NOTARY_ROOT_PASSPHRASE: PASSPHRASES.root,
      NOTARY_TARGETS_PASSPHRASE: PASSPHRASES.targets,
      SOFTHSM2_CONF: conf,
      TAGSEAL_PKCS11_PIN: PIN,
    };
    const run = async (task: string, args: string[], variables: Record<string, string> = {}) => {
      const end = await runProgram(task, [...args, "--ca", "ca.pem"], folder, { ...env, ...variables });
      assert.ok(!(end.stdout + end.stderr).includes(PIN), "the PIN is never shown");
      return end;
    };
    const setUp = await run("init", [
      "init",
      "-r",
      gun,
      "--delegation-certificate",
      "team.cer",
      "--delegation",
      "team",
    ]);
    assert.equal(setUp.code, 0, setUp.stderr);
    const method = ["--signing-method", "pkcs11", "--pkcs11-module", MODULE, "--delegation", "team"];
    const sign = ["sign", "-r", gun, "-t", "v1", ...method];
    await t.step("a dry run needs no PIN", async () => {
      const end = await run("with-token", [...sign, "--dry-run"], { TAGSEAL_PKCS11_PIN: "" });
      assert.equal(end.code, 0, end.stderr);
      assert.match(end.stdout, new RegExp(`^${gun}:v1 not signed -> ${digest}\n`));
    });
    await t.step("no PIN, the wrong PIN, another token", async () => {
      const cases: [string[], Record<string, string>, RegExp][] = [
        [sign, { TAGSEAL_PKCS11_PIN: "" }, /The PIN of the token "team" is needed.*\n.*Set TAGSEAL_PKCS11_PIN/],
        [sign, { TAGSEAL_PKCS11_PIN: "999999" }, /The PIN in TAGSEAL_PKCS11_PIN does not open the token "team"/],
        [[...sign, "--pkcs11-token", "none"], {}, /no token "none" in .*; tokens there: "team"/],
        [["sign", "-r", gun, "-t", "v1", ...method.slice(0, 4)], {}, /no delegation "targets\/signpath"/],
      ];
      for (const [args, variables, words] of cases) {
        const { code, stderr } = await run("with-token", args, variables);
        assert.equal(code, 2, stderr);
        assert.match(stderr, words);
      }
    });
    await t.step("signed, published, verified", async () => {
      const end = await run("with-token", sign);
      assert.equal(end.code, 0, end.stderr);
      assert.equal(end.stdout, `${gun}:v1 ${digest} published\n`);
      assert.match(end.stderr, /Signing on the token "team"\. If the token blinks, touch it\./);
      const list = await run("list", ["list", "-r", gun]);
      assert.equal(list.stdout, `v1 ${digest} team\n`, list.stderr);
      assert.deepEqual(stack.signPath.requests(), []);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
