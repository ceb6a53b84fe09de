/** Who signs the payloads: whatever comes back, only signatures may have been added. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { verifySignature } from "../../lib/crypto/algorithms.ts";
import type { PublicKey } from "../../lib/crypto/keys.ts";
import { TagsealError } from "../../lib/errors.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { partOf } from "../../lib/schemes/notary_v1/scheme.ts";
import { assembleBatch, type Batch } from "../../lib/signing/batch.ts";
import { keySigner } from "../../lib/signing/key_signer.ts";
import type { PayloadSigner } from "../../lib/signing/payload_signer.ts";
import { fileSigner } from "../../lib/signing/zip_signer.ts";
import { prepareTags } from "../../lib/schemes/notary_v1/prepare_tags.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { listTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import { failsWith } from "../support/failures.ts";
import { batchOf, FlowWorld, MemoryKeyStore } from "../support/flow_world.ts";

const [A, B] = ["registry.test/acme/a", "registry.test/acme/b"];
const LIMITS = { entries: 100, entryBytes: 2 ** 24, totalBytes: 2 ** 24 };
const MANIFEST = "docker-signing-data.json";

/** Data of two repositories, in a world where SignPath's key signs. */
async function prepared(): Promise<{ world: FlowWorld; batch: Batch }> {
  const world = await FlowWorld.begin();
  for (const gun of [A, B]) await world.init(gun);
  return { world, batch: await batchOf([world.task(A, ["v1"]), world.task(B, ["v1"])], world.now()) };
}

async function edited(zip: Bytes, change: (entries: Map<string, Bytes>) => void): Promise<Bytes> {
  const entries = new Map(await readZip(zip, LIMITS));
  change(entries);
  return await writeZip([...entries].map(([name, bytes]) => ({ name, bytes })));
}

Deno.test("a file signer sends one file and gives back a good signature for each payload", async () => {
  const { world, batch } = await prepared();
  const { signatures, signingRequestId, isKept } = await fileSigner(world.signFile).sign(batch);
  assert.deepEqual([signingRequestId, isKept, world.files.length], ["request-1", true, 1]);
  assert.deepEqual([...signatures.keys()].sort(), [...batch.file.payloads.keys()].sort());
  for (const [name, signature] of signatures) {
    assert.ok(await verifySignature("ecdsa", world.delegationKey, batch.file.payloads.get(name)!, signature), name);
  }
});

Deno.test("a file signer's file must come back with nothing but signatures added", async (t) => {
  const text = (bytes: Bytes | undefined) => new TextDecoder().decode(bytes);
  const cases: [
    name: string,
    code: "trust-invalid" | "bad-input",
    change: (all: Map<string, Bytes>) => void,
    words: string,
  ][] = [
    [
      "another manifest",
      "trust-invalid",
      (all) => void all.set(MANIFEST, utf8(text(all.get(MANIFEST)).replace('"tag": "v1"', '"tag": "v2"'))),
      "not the one that was sent",
    ],
    [
      "another time",
      "trust-invalid",
      (all) => void all.set(MANIFEST, utf8(text(all.get(MANIFEST)).replace('"created": "2026', '"created": "2027'))),
      "not the one that was sent",
    ],
    [
      "another payload",
      "trust-invalid",
      (all) => void all.set("payload/0001.json", utf8("{}")),
      "not the one that the manifest names",
    ],
    ["a payload gone", "bad-input", (all) => void all.delete("payload/0002.json"), "is missing, or used twice"],
    ["a stranger in it", "bad-input", (all) => void all.set("run.sh", utf8("#!")), 'it holds "run.sh"'],
  ];
  for (const [name, code, change, words] of cases) {
    await t.step(name, async () => {
      const { world, batch } = await prepared();
      const signer = fileSigner(async (file) => {
        const { signed, signingRequestId } = await world.signFile(file);
        return { signed: await edited(signed, change), signingRequestId };
      });
      await failsWith(signer.sign(batch), code, words);
    });
  }
});

Deno.test("the manifest may be written in another way, as long as it says the same", async () => {
  const { world, batch } = await prepared();
  const signer = fileSigner(async (file) => {
    const { signed, signingRequestId } = await world.signFile(file);
    const other = await edited(signed, (all) => {
      all.set(MANIFEST, utf8(JSON.stringify(JSON.parse(new TextDecoder().decode(all.get(MANIFEST))))));
    });
    return { signed: other, signingRequestId };
  });
  assert.equal((await signer.sign(batch)).signatures.size, 4);
});

Deno.test("more than one file can hold is refused before anything is sent: an approval would be in vain", async () => {
  const world = await FlowWorld.begin();
  await world.init(A);
  const { change } = await prepareTags(world.task(A, ["v1"]), world.now());
  const many = Array.from({ length: 15000 }, (_, n) => ({
    ...change!,
    facts: { ...change!.facts, repository: `registry.test/acme/r${n}` },
  }));
  let sent = 0;
  const signer = fileSigner(() => {
    sent++;
    return Promise.reject(new Error("it was sent"));
  });
  await failsWith(signer.sign(assembleBatch(many.map(partOf), "2026-06-01T12:00:00Z", "a test")), "bad-input");
  assert.equal(sent, 0);
});

Deno.test("signatures that are missing are not made up: nothing is published", async () => {
  const { world } = await prepared();
  const signer = fileSigner(async (file) => {
    const { signed, signingRequestId } = await world.signFile(file);
    const other = await edited(signed, (all) => void all.delete("payload/0002.json.sig"));
    return { signed: other, signingRequestId };
  });
  const failure = signTags([world.task(A, ["v1"])], { ...world.options, signer, attempts: 1 });
  await failsWith(failure, "signing-request-failed", "sent the file back unsigned in part (1 of 2 payloads)");
  assert.deepEqual((await listTags(world.trust(), A)).tags, []);
});

/** A world where a key of a store may sign for `A` and `B`. */
async function withStore(): Promise<{ world: FlowWorld; store: MemoryKeyStore; key: PublicKey }> {
  const world = await FlowWorld.begin();
  for (const gun of [A, B]) await world.init(gun);
  const store = new MemoryKeyStore();
  const { signer: { publicKey: key } } = await store.create({ role: "team" });
  for (const gun of [A, B]) await addDelegation(world.trust(), world.keys, { gun, name: "team", key });
  return { world, store, key };
}

Deno.test("a key signer opens its key once, for all repositories and roles", async () => {
  const { world, store, key } = await withStore();
  const signer = keySigner(store);
  const work = [A, B].map((gun) => ({
    ...world.task(gun, ["v1"]),
    signer: "team",
    holder: signer.holder,
  }));
  const result = await signTags(work, { ...world.options, signer, attempts: 1 });
  assert.deepEqual(result.repositories.map(({ repository, outcome }) => [repository, outcome]), [
    [A, "published"],
    [B, "published"],
  ]);
  assert.deepEqual([result.signingRequestId, store.opened, world.files.length], [null, 1, 0]);
  assert.ok(signer.holder.kind === "keys");
  assert.deepEqual([...await signer.holder.atHand()], [key.canonicalId]);
  assert.deepEqual((await listTags(world.trust(), A)).tags[0]!.signers, ["team"]);
});

Deno.test("a key signer that was overtaken reads after its pause, and looks before it posts what took long to sign", async () => {
  const { world, store } = await withStore();
  const inner = keySigner(store);
  const theirs = (tag: string) => signTags([world.task(A, [tag])], { ...world.options, attempts: 1 });
  const trust = world.trust();
  let posts = 0;
  const server: typeof trust.server = {
    ...trust.server,
    publish: (gun, files) => (posts++, trust.server.publish(gun, files)),
  };
  let signed = 0;
  const now = () => new Date(world.at.getTime() + signed * 150);
  const signer: PayloadSigner = {
    ...inner,
    async sign(batch) {
      const answer = await inner.sign(batch);
      if (++signed <= 2) await theirs(`while ${signed} is signed`);
      return answer;
    },
  };
  let overtaken = 0;
  const sleep = async () => {
    if (overtaken === 1) await theirs("in the pause");
    if (overtaken > 0) overtaken++;
  };
  const task = { ...world.task(A, ["v1"]), trust: { ...trust, server, sleep }, signer: "team", holder: signer.holder };
  await signTags([task], { ...world.options, now, signer, attempts: 3, onStale: () => overtaken++ });
  const { tags } = await listTags(world.trust(), A);
  assert.deepEqual(tags.map(({ tag }) => tag), ["in the pause", "v1", "while 1 is signed", "while 2 is signed"]);
  assert.equal(signed, 3, "what others did in the pause is known before it is signed again");
  assert.equal(posts, 2, "the first was in vain; the second was seen to be, and not posted");
});

Deno.test("a key signer that cannot open its key publishes nothing", async () => {
  const { world, store } = await withStore();
  const refused = new TagsealError("bad-input", "The passphrase does not open the key", { remedy: "Find it" });
  const signer = keySigner({
    list: () => store.list(),
    create: (info) => store.create(info),
    open: () => Promise.reject(refused),
  });
  const task = { ...world.task(A, ["v1"]), signer: "team", holder: signer.holder };
  await failsWith(signTags([task], { ...world.options, signer, attempts: 3 }), "bad-input", "The passphrase");
  assert.deepEqual((await listTags(world.trust(), A)).tags, []);
});

Deno.test("nothing is signed, and no key opened, where nothing has to be", async () => {
  const { world, store } = await withStore();
  const signer = keySigner(store);
  const task = { ...world.task(A, ["v1"]), signer: "team", holder: signer.holder };
  const options = { ...world.options, signer, attempts: 1 };
  await signTags([task], options);
  const [again] = (await signTags([task], options)).repositories;
  assert.deepEqual([again!.outcome, store.opened], ["unchanged", 1]);
});
