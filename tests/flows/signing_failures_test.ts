/** What fails while payloads are signed stays with the repositories that it concerns, and costs no more than it must. */
import assert from "node:assert/strict";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { TagsealError } from "../../lib/errors.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { hashSigner } from "../../lib/signing/hash_signer.ts";
import { keySigner } from "../../lib/signing/key_signer.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { listTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import type { KeyStore } from "../../lib/keystore/keystore.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { createSignPathService } from "../../lib/local/signpath_service.ts";
import type { Send } from "../../lib/http/send.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, MemoryKeyStore } from "../support/flow_world.ts";
import { always, connect, json, TOKEN } from "../support/signpath_world.ts";

const GUNS = ["registry.test/acme/a", "registry.test/acme/b", "registry.test/acme/c"];

/** Three repositories that one key of SignPath's may sign as `team`. */
async function forHashes() {
  const world = await FlowWorld.begin();
  const made = await createSigningCertificate({ commonName: "x", algorithm: "ecdsa-p256", now: world.at, days: 365 });
  const key = keyOfCertificate(readCertificate(made.certificatePem));
  for (const gun of GUNS) {
    await world.init(gun);
    await addDelegation(world.trust(), world.keys, { gun, name: "team", key });
  }
  let posts = 0;
  world.between = (request, send) => {
    if (request.method === "POST") posts++;
    return send(request);
  };
  const sign = (send: Send, guns: readonly string[] = GUNS) =>
    signTags(guns.map((gun) => ({ ...world.task(gun, ["v1"]), signer: "team" })), {
      ...world.options,
      signer: hashSigner(connect(send), { projectSlug: "hashes", signingPolicySlug: "auto" }, {}),
      attempts: 5,
    });
  return { world, made, sign, posts: () => posts };
}

Deno.test("hash signing with a project of the wrong type: one ordinary request is filed, and it is named", async () => {
  const { sign, posts } = await forHashes();
  let n = 0;
  const network = always(() => json(201, { signingRequestId: `ordinary-${++n}` }));
  const { repositories, failed, signingRequestId } = await sign(network.send);
  assert.equal(network.requests.length, 1, "for three repositories with two payloads each");
  assert.deepEqual([repositories, failed.map(({ repository }) => repository), signingRequestId], [
    [],
    GUNS,
    "ordinary-1",
  ]);
  for (const { error } of failed) {
    assert.ok(error instanceof TagsealError);
    assert.deepEqual([error.code, error.details["signingRequestId"]], ["bad-input", "ordinary-1"]);
    assert.match(error.message, /filed signing request "ordinary-1" instead of signing the hash/);
    assert.match(error.remedy, /Cancel it/);
  }
  assert.equal(posts(), 0);
  n = 0;
  await failsWith(sign(network.send, GUNS.slice(0, 1)), "bad-input", '"ordinary-1"');
  assert.equal(network.requests.length, 2);
});

Deno.test("hash signing that is refused is asked for once", async () => {
  for (const [status, code] of [[400, "bad-input"], [401, "unauthenticated"], [403, "forbidden"]] as const) {
    const { sign, posts } = await forHashes();
    const network = always(() => json(status, { title: "No" }));
    const { failed } = await sign(network.send);
    assert.deepEqual(failed.map(({ error }) => error instanceof TagsealError && error.code), [code, code, code]);
    assert.deepEqual([network.requests.length, posts()], [1, 0]);
  }
});

Deno.test("a hash that cannot be signed later on keeps no other repository from being signed", async () => {
  const { world, made, sign } = await forHashes();
  // Where somebody else has signed before, the two roles are not the same: there is a hash of each.
  await signTags([world.task(GUNS[1]!, ["theirs"])], world.options);
  const service = createSignPathService({
    organizationId: "org-1",
    token: TOKEN,
    now: world.now,
    projects: [{
      slug: "hashes",
      kind: "hash-signing-data",
      policies: [{
        slug: "auto",
        approval: "automatic",
        key: fileSigningKey(made.privateKey),
        certificate: new Uint8Array(),
      }],
    }],
  });
  const { repositories, failed } = await sign(async (request) => {
    const { hashSigningData } = await request.clone().json();
    const isLost = hashSigningData.metadata.sourceProcess.commandLine.includes(`${GUNS[1]} (targets/team,`);
    if (isLost) await request.body?.cancel();
    return isLost ? json(400, { title: "Not this one" }) : await service.handle(request);
  });
  assert.deepEqual(repositories.map(({ repository, outcome }) => [repository, outcome]), [
    [GUNS[0], "published"],
    [GUNS[2], "published"],
  ]);
  assert.deepEqual(failed.map(({ repository }) => repository), [GUNS[1]]);
  assert.match(String(failed[0]!.error), /Not this one/);
  const there = (await listTags(world.trust(), GUNS[1]!)).tags.map(({ tag }) => tag);
  assert.deepEqual(there, ["theirs"], "half signed is not published");
});

/** Three repositories, of which the first and the last are signed by another key than the second. */
async function withTwoKeys() {
  const world = await FlowWorld.begin();
  const store = new MemoryKeyStore();
  const keys = await Promise.all(
    ["mine", "other"].map(async (role) => (await store.create({ role })).signer.publicKey),
  );
  for (const [i, gun] of GUNS.entries()) {
    await world.init(gun);
    await addDelegation(world.trust(), world.keys, { gun, name: "team", key: keys[i % 2]! });
  }
  const asked: string[] = [];
  const locked = (id: string): KeyStore => ({
    list: () => store.list(),
    create: (info) => store.create(info),
    open: (wanted) => {
      asked.push(wanted);
      if (wanted !== id) return store.open(wanted);
      return Promise.reject(
        new TagsealError("bad-input", "The passphrase does not open the key", { remedy: "Find it" }),
      );
    },
  });
  return { world, ids: keys.map(({ canonicalId }) => canonicalId), asked, locked };
}

for (const isEarly of [false, true]) {
  for (const [bad, name] of [[0, "the first key"], [1, "the second key"]] as const) {
    Deno.test(`a wrong passphrase for ${name} concerns its repositories alone${isEarly ? ", opened early" : ""}`, async () => {
      const { world, ids, asked, locked } = await withTwoKeys();
      const signer = keySigner(locked(ids[bad]!), isEarly);
      const work = GUNS.map((gun) => ({
        ...world.task(gun, ["v1"]),
        signer: "team",
        holder: signer.holder,
      }));
      const told: string[] = [];
      const onDone = ({ repository }: { repository: string }) => void told.push(repository);
      const { repositories, failed, signingRequestId } = await signTags(work, {
        ...world.options,
        signer,
        attempts: 3,
        onDone,
      });
      const isBad = (_gun: string, i: number) => i % 2 === bad;
      assert.deepEqual(failed.map(({ repository }) => repository), GUNS.filter(isBad));
      assert.deepEqual(
        repositories.map(({ repository, outcome }) => [repository, outcome]),
        GUNS.filter((gun, i) => !isBad(gun, i)).map((gun) => [gun, "published"]),
      );
      for (const { error } of failed) assert.match(String(error), /The passphrase does not open the key/);
      assert.deepEqual([told.sort(), signingRequestId], [GUNS, null]);
      assert.deepEqual(asked.sort(), [...ids].sort(), "each passphrase is asked for once");
      for (const [i, gun] of GUNS.entries()) {
        assert.equal((await listTags(world.trust(), gun)).tags.length, isBad(gun, i) ? 0 : 1, gun);
      }
    });
  }
}

Deno.test("a key that opens and then fails at signing concerns its repositories alone", async () => {
  const { world, ids, locked } = await withTwoKeys();
  const store = locked("");
  const signer = keySigner({
    ...store,
    open: async (id) => {
      const opened = await store.open(id);
      return id === ids[0] ? { ...opened, sign: () => Promise.reject(new Error("token removed")) } : opened;
    },
  });
  const work = GUNS.map((gun) => ({
    ...world.task(gun, ["v1"]),
    signer: "team",
    holder: signer.holder,
  }));
  const { repositories, failed } = await signTags(work, { ...world.options, signer, attempts: 3 });
  assert.deepEqual([repositories.map(({ repository }) => repository), failed.map(({ repository }) => repository)], [
    [GUNS[1]],
    [GUNS[0], GUNS[2]],
  ]);
});
