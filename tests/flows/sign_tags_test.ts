/** Signing from start to end: several repositories at once, and what others publish meanwhile. */
import assert from "node:assert/strict";
import { fileSigner } from "../../lib/signing/zip_signer.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { generateKeyPairSync } from "node:crypto";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { removeDelegation } from "../../lib/flows/remove_delegation.ts";
import { listTags, verifyTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, manifestOf } from "../support/flow_world.ts";

const [A, B] = ["registry.test/acme/a", "registry.test/acme/b"];

Deno.test("two repositories: one file, one request", async () => {
  const world = await FlowWorld.begin();
  await world.init(A);
  await world.init(B);
  const work = [world.task(A, ["v1", "v2"]), world.task(B, ["v1"])];
  const options = { ...world.options, attempts: 1 };
  const result = await signTags(work, options);
  assert.deepEqual(result.repositories.map(({ repository, outcome }) => [repository, outcome]), [
    [A, "published"],
    [B, "published"],
  ]);
  assert.deepEqual([result.signingRequestId, world.files.length], ["request-1", 1]);
  const again = await signTags(work, options);
  assert.deepEqual(again.repositories.map(({ outcome }) => outcome), ["unchanged", "unchanged"]);
  assert.deepEqual([again.signingRequestId, world.files.length], [null, 1]);
});

Deno.test("only the repository that others published to is signed again", async () => {
  const world = await FlowWorld.begin();
  await world.init(A);
  await world.init(B);
  const told: string[] = [];
  const result = await signTags([world.task(A, ["v1"]), world.task(B, ["v1"])], {
    ...world.options,
    attempts: 2,
    onStale: ({ message }) => told.push(message),
    signer: fileSigner(async (file) => {
      const answer = await world.signFile(file);
      if (world.files.length === 1) {
        await signTags([world.task(B, ["theirs"])], { ...world.options, attempts: 1 });
      }
      return answer;
    }),
  });
  assert.deepEqual(result.repositories.map(({ repository, outcome }) => [repository, outcome]), [
    [A, "published"],
    [B, "published"],
  ]);
  assert.equal(world.files.length, 3, "ours, theirs, ours again");
  assert.equal(told.length, 1);
  assert.match(told[0]!, /registry\.test\/acme\/b.*version 1.*made from 0.*theirs/);
  assert.deepEqual((await listTags(world.trust(), B)).tags.map(({ tag }) => tag), ["theirs", "v1"]);
});

Deno.test("attempts come to an end, as stale", async () => {
  const world = await FlowWorld.begin();
  await world.init(A);
  let n = 0;
  await failsWith(
    signTags([world.task(A, ["v1"])], {
      ...world.options,
      attempts: 3,
      signer: fileSigner(async (file) => {
        const answer = await world.signFile(file);
        const theirs = world.task(A, [`theirs-${++n}`]);
        await signTags([theirs], { ...world.options, attempts: 1 });
        return answer;
      }),
    }),
    "stale",
    A,
    "theirs-3",
  );
  assert.equal(n, 3);
});

Deno.test("a tag that is moved while signing starts over is signed as what was looked up first", async () => {
  const world = await FlowWorld.begin();
  await world.init(A);
  let lookUps = 0;
  const lookUp = (tag: string) => Promise.resolve(manifestOf(tag, ++lookUps === 1 ? "built" : "moved"));
  await signTags([{ ...world.task(A, []), sign: { tags: ["v1"], lookUp } }], {
    ...world.options,
    attempts: 2,
    signer: fileSigner(async (file) => {
      const answer = await world.signFile(file);
      if (world.files.length === 1) {
        await signTags([world.task(A, ["theirs"])], { ...world.options, attempts: 1 });
      }
      return answer;
    }),
  });
  const { tags } = await listTags(world.trust(), A);
  assert.deepEqual(tags.map(({ tag, sha256 }) => [tag, `sha256:${sha256}`]), [
    ["theirs", manifestOf("theirs").digest],
    ["v1", manifestOf("v1", "built").digest],
  ]);
});

Deno.test("a tag that was moved is signed as what it is now", async () => {
  const world = await FlowWorld.begin();
  await world.init(A);
  const options = { ...world.options, attempts: 1 };
  await signTags([world.task(A, ["v1"], "old")], options);
  await signTags([world.task(A, ["v1"], "new")], options);
  const { tags } = await listTags(world.trust(), A);
  assert.deepEqual(tags.map(({ tag, sha256, length, signers }) => [tag, `sha256:${sha256}`, length, signers]), [
    ["v1", manifestOf("v1", "new").digest, 503, ["signpath"]],
  ]);
});

Deno.test("where only publishing fails, the error tells how to go on", async () => {
  const world = await FlowWorld.begin();
  await world.init(A);
  world.between = (request, send) =>
    request.method === "POST" ? Promise.resolve(new Response("", { status: 503 })) : send(request);
  const options = { ...world.options, attempts: 5 };
  const error = await failsWith(
    signTags([world.task(A, ["v1"])], options),
    "unavailable",
    "Signed, but perhaps not published",
  );
  assert.equal(error.remedy, "Do not sign again: publish what is signed already");
  assert.deepEqual(error.request, { id: "request-1", goesOn: true });
  assert.equal(world.files.length, 1);
});

Deno.test("a delegation that has expired is signed anew, with what it held", async () => {
  const world = await FlowWorld.begin();
  await world.init(A);
  await signTags([world.task(A, ["v1"])], { ...world.options, attempts: 1 });
  // The other roles go on: targets is published again after a year and a half.
  world.at = new Date("2027-12-01T12:00:00Z");
  const { publicKey } = localSigner(privateKeyOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey));
  await addDelegation(world.trust(), world.keys, { gun: A, name: "other", key: publicKey });
  world.at = new Date("2029-07-01T12:00:00Z");
  await failsWith(verifyTags(world.trust(), A, ["v1"]), "not-signed", '"targets/releases" was not trusted');
  const told: unknown[] = [];
  const onRenewed = (role: string, reason: string, kept: boolean) => {
    assert.match(reason, /expired on 2029-05-31/);
    told.push([role, kept]);
  };
  const asked = signTags([world.task(A, ["v2"])], { ...world.options, attempts: 1 });
  const refused = await failsWith(asked, "trust-invalid", '"targets/releases"', "are not trusted as they are");
  assert.match(refused.remedy, /name it as a role to renew: the tags they hold are then signed anew/);
  const task = { ...world.task(A, ["v2"]), renew: ["targets/releases", "targets/signpath"], onRenewed };
  const { repositories } = await signTags([task], { ...world.options, attempts: 1 });
  assert.deepEqual(told, [["targets/releases", true], ["targets/signpath", true]]);
  assert.deepEqual(repositories[0]!.roles.map(({ version }) => version), [2, 2]);
  assert.deepEqual((await verifyTags(world.trust(), A, ["v1", "v2"])).tags.length, 2);
});

Deno.test("a delegation whose key was replaced starts anew, one version higher, and believes nothing of the old", async () => {
  const world = await FlowWorld.begin();
  await world.init(A);
  await signTags([world.task(A, ["v1"])], { ...world.options, attempts: 1 });
  const before = await FlowWorld.begin(world.at);
  const successor = { gun: A, name: "signpath", key: before.delegationKey };
  await addDelegation(world.trust(), world.keys, successor);
  const keyId = world.delegationKey.canonicalId;
  await removeDelegation(world.trust(), world.keys, { gun: A, keyId, allOther: false }, () => Promise.resolve());
  await failsWith(verifyTags(world.trust(), A, ["v1"]), "not-signed", "is not signed by the keys");
  const told: unknown[] = [];
  const onRenewed = (role: string, _reason: string, kept: boolean) => void told.push([role, kept]);
  const files = before.files.length;
  for (const renew of [[], ["targets/signpath"]]) {
    const asked = signTags([{ ...world.task(A, ["v2"]), renew }], { ...before.options, attempts: 1 });
    const isOne = renew.length > 0;
    const refused = await failsWith(
      asked,
      "trust-invalid",
      `"targets/releases"${isOne ? " of" : " and"}`,
      "not trusted as",
    );
    assert.match(
      refused.remedy,
      isOne ? /: "targets\/releases" then starts anew, without the tags it holds$/ : /start anew/,
    );
  }
  assert.equal(before.files.length, files, "nothing was sent for signing");
  const task = { ...world.task(A, ["v2"]), renew: ["targets/releases", "targets/signpath"], onRenewed };
  const { repositories } = await signTags([task], { ...before.options, attempts: 1 });
  assert.deepEqual(told, [["targets/releases", false], ["targets/signpath", false]]);
  assert.deepEqual(repositories[0]!.roles.map(({ version }) => version), [2, 2]);
  const { tags } = await listTags(world.trust(), A);
  assert.deepEqual(tags.map(({ tag }) => tag), ["v2"]);
});

Deno.test("whoever is overtaken waits by the clock of the repository's trust, and where there is nothing to do nobody does", async () => {
  const world = await FlowWorld.begin();
  await world.init("registry.test/acme/app");
  const task = world.task("registry.test/acme/app", ["v1"]);
  let [slept, posts] = [0, 0];
  const { server } = task.trust;
  const publish: typeof server.publish = async (gun, files) => {
    if (posts++ === 0) await signTags([world.task(gun, ["theirs"])], { ...world.options, attempts: 1 });
    await server.publish(gun, files);
  };
  const sleep = (ms: number) => {
    if (ms > 0) slept++;
    return Promise.resolve();
  };
  const mine = { ...task, trust: { ...task.trust, sleep, server: { ...server, publish } } };
  let now = world.now().getTime();
  const options = { ...world.options, now: () => new Date(now += 1000) };
  const { repositories } = await signTags([mine], options);
  assert.deepEqual([repositories.map(({ outcome }) => outcome), posts, slept], [["published"], 2, 1]);
  assert.deepEqual((await signTags([], options)).repositories, []);
});
