/** A repository set up with a key that is here, or in the place of an old one: what fails, and what is left then. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import { initRepository } from "../../lib/flows/init_repository.ts";
import { openRepository, type Trust } from "../../lib/notary/repository.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, MemoryKeyStore } from "../support/flow_world.ts";

const GUN = "registry.example.test/app";

/** Notes what is kept, and taken back. */
function replacement() {
  const calls: string[] = [];
  const call = (name: string) => () => (calls.push(name), Promise.resolve());
  return { calls, keep: call("keep"), undo: call("undo") };
}

/** A root key that is here: one on P-384, or one that is for something else. */
function storeWith(curve: string, role: string): { keys: MemoryKeyStore; id: string } {
  const signer = localSigner(privateKeyOf(generateKeyPairSync("ec", { namedCurve: curve }).privateKey));
  const id = signer.publicKey.canonicalId;
  const keys = Object.assign(new MemoryKeyStore(), {
    list: () => Promise.resolve([{ id, role }]),
    open: () => Promise.resolve(signer),
  });
  return { keys, id };
}

const rootOf = async (trust: Trust) => (await openRepository(trust, GUN)).repository.root;

Deno.test("init: a key that is no root key, or none that Notary's clients take for one, makes no repository", async () => {
  for (
    const [curve, role, code, words] of [
      ["P-256", "targets", "usage", 'is not a root key, but one for "targets"'],
      ["P-384", "root", "bad-input", "is not an ECDSA key on P-256"],
    ] as const
  ) {
    const world = await FlowWorld.begin();
    const { keys, id } = storeWith(curve, role);
    await failsWith(initRepository(world.trust(), keys, { gun: GUN, rootKey: id }), code, id.slice(0, 7), words);
    await failsWith(rootOf(world.trust()), "not-found");
  }
});

Deno.test("init: in the place of an old repository, which goes in the moment before the new one comes", async () => {
  const world = await FlowWorld.begin();
  const old = await world.init(GUN);
  const replace = replacement();
  const trust = world.trust();
  await openRepository(trust, GUN);
  const keys = new MemoryKeyStore();
  await failsWith(initRepository(trust, keys, { gun: GUN }), "exists", "has trust data on");
  assert.deepEqual(await keys.list(), [], "no key is made for nothing");
  const { rootKeyId } = await initRepository(trust, keys, { gun: GUN, replace });
  assert.notEqual(rootKeyId, old.rootKeyId);
  assert.deepEqual(replace.calls, ["keep"]);
  const root = await rootOf(world.trust());
  assert.deepEqual([root.version, ...[...root.roles.root.keys.values()].map(({ canonicalId }) => canonicalId)], [
    1,
    rootKeyId,
  ]);
});

Deno.test("init: what was not deleted is as it was, and no new key stays", async () => {
  const world = await FlowWorld.begin();
  const { rootKeyId } = await world.init(GUN);
  const refused = new Response(null, { status: 403 });
  world.between = (request, send) => request.method === "DELETE" ? Promise.resolve(refused.clone()) : send(request);
  const replace = replacement();
  const keys = new MemoryKeyStore();
  const error = await failsWith(initRepository(world.trust(), keys, { gun: GUN, replace }), "unavailable");
  assert.doesNotMatch(error.message, /deleted already/);
  assert.deepEqual(replace.calls, ["keep", "undo"]);
  assert.deepEqual(await keys.list(), []);

  const trust = world.trust();
  const server = { ...trust.server };
  delete server.remove;
  const cannot = replacement();
  await failsWith(
    initRepository({ ...trust, server }, keys, { gun: GUN, replace: cannot }),
    "bad-input",
    '"https://notary.test" cannot delete trust data',
  );
  assert.deepEqual(cannot.calls, ["keep", "undo"]);
  const [key] = (await rootOf(world.trust())).roles.root.keys.values();
  assert.equal(key!.canonicalId, rootKeyId);
});

Deno.test("init: where the old repository has gone and the new one has not come, that is said, with how to go on", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  const refused = new Response(null, { status: 413 });
  world.between = (request, send) => request.method === "POST" ? Promise.resolve(refused.clone()) : send(request);
  const replace = replacement();
  const keys = new MemoryKeyStore();
  const attempt = initRepository(world.trust(), keys, { gun: GUN, replace });
  const error = await attempt.then(() => assert.fail("it was published"), (error) => error);
  assert.match(error.message, new RegExp(`The old trust data of "${GUN}" may have been deleted already$`));
  assert.match(error.remedy, /\. Run the command again: it goes on from what is there$/);
  assert.deepEqual(error.next.do, "in-turn");
  assert.deepEqual(replace.calls, ["keep"]);
  world.between = (request, send) => send(request);
  await initRepository(world.trust(), keys, { gun: GUN, replace });
  assert.equal((await rootOf(world.trust())).version, 1);
});

Deno.test("init: the keys of here are made while the server makes its own, and go where it cannot", async () => {
  const world = await FlowWorld.begin();
  const keys = new MemoryKeyStore();
  const answering = Promise.withResolvers<Response | undefined>();
  world.between = async (request, send) => {
    if (!request.url.endsWith("/snapshot.key")) return await send(request);
    return await answering.promise ?? await send(request);
  };
  const setUp = (asksNobody = true) => initRepository(world.trust(), keys, { gun: GUN, asksNobody });
  const waiting = setUp();
  const roles = async () => (await keys.list()).map(({ role }) => role).sort();
  for (let ms = 0; ms < 5000 && (await roles()).length < 2; ms++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.deepEqual(await roles(), ["root", "targets"]);
  answering.resolve(new Response("no", { status: 400 }));
  await failsWith(waiting, "unavailable");
  assert.deepEqual(await roles(), [], "nothing was published: nothing is left");
  let made = 0;
  const { create } = keys;
  keys.create = (info) => (made++, create.call(keys, info));
  await failsWith(setUp(false), "unavailable");
  assert.equal(made, 0, "a person is not asked for passphrases in vain");
  answering.promise = Promise.resolve(undefined);
  await setUp();
  assert.deepEqual(await roles(), ["root", "targets"]);
});
