/** Keys on a PKCS#11 token, over a module in memory; `tests/peers/pkcs11_test.ts` has the real ones. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { verifySignature } from "../../lib/crypto/algorithms.ts";
import { createHost, type Host } from "../../lib/cli/host.ts";
import { withToken } from "../../lib/cli/key_stores.ts";
import { pinFrom } from "../../lib/cli/token.ts";
import { TagsealError } from "../../lib/errors.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import type { KeyStore } from "../../lib/keystore/keystore.ts";
import { CKA, loadPkcs11Addon } from "../../lib/keystore/pkcs11_addon.ts";
import type { PinRequest } from "../../lib/keystore/pkcs11_token.ts";
import { routedKeyStore } from "../../lib/keystore/routed_keystore.ts";
import { failsWith } from "../support/failures.ts";
import { FakeToken, newPair, PAYLOAD, storeOf } from "../support/fake_token.ts";

const GUN = "registry.example.com/team/app";
/** Any file that is there: what it holds is the fake's business. */
const MODULE = new URL(import.meta.url).pathname;

function hostWith(env: Record<string, string>, answers: string[] = []): Host & { said: string[]; asked: string[] } {
  const said: string[] = [], asked: string[] = [];
  const signal = new AbortController().signal;
  const streams = { out() {}, err: (text: string) => void said.push(text), env: (name: string) => env[name], signal };
  const askSecret = (question: string) => (asked.push(question), Promise.resolve(answers.shift()));
  return { ...createHost({ quiet: false, noInput: true }, streams), said, asked, askSecret };
}

const endings = (token: FakeToken) => token.calls.slice(-2);

Deno.test("pkcs11: a key is made, found, opened and signs; nothing stays open", async () => {
  for (const bare of [false, true]) {
    const token = Object.assign(new FakeToken(), { bare });
    let touches = 0;
    {
      using store = storeOf(token, { onSign: () => void touches++ });
      const { signer } = await store.create({ role: "targets", gun: GUN });
      const id = signer.publicKey.canonicalId;
      assert.deepEqual(await store.list(), [{ id, role: "targets", gun: GUN, token: "fake" }]);
      for (const one of [signer, await store.open(id)]) {
        const { method, bytes } = await one.sign(PAYLOAD);
        assert.ok(await verifySignature(method, one.publicKey, PAYLOAD, bytes));
      }
      assert.deepEqual([...token.objects.values()].map(({ attributes }) => attributes.get(CKA.ID)?.toString()), [
        Buffer.from(id, "hex").toString(),
        Buffer.from(id, "hex").toString(),
      ]);
      const root = await store.create({ role: "root" });
      assert.deepEqual((await store.list()).map(({ role }) => role).sort(), ["root", "targets"]);
      await root.discard();
      assert.deepEqual((await store.list()).map(({ role }) => role), ["targets"]);
      await failsWith(store.open("ab".repeat(32)), "not-found", "The key abababa… is not on the token");
    }
    assert.equal(touches, 2);
    assert.equal(token.calls.filter((call) => call === "C_Login").length, 1, "the PIN is asked for once");
    assert.deepEqual(endings(token), ["C_Finalize", "close"]);
  }
});

Deno.test("pkcs11: listing needs no PIN", async () => {
  const token = new FakeToken();
  token.add([{ type: CKA.LABEL, value: "Public key for Digital Signature" }], []);
  token.add([{ type: CKA.LABEL, value: "tagseal root" }], []);
  token.add([{ type: CKA.LABEL, value: "a duplicate" }], [], newPair());
  using store = storeOf(token, { askPin: () => Promise.reject(new Error("asked")) });
  assert.deepEqual((await store.list()).map(({ role, gun }) => [role, gun]).sort(), [
    ["", undefined],
    ["", undefined],
    ["root", undefined],
  ]);
});

Deno.test("pkcs11: a wrong PIN is asked for again, with what the token tells of tries", async () => {
  const token = new FakeToken();
  const asked: PinRequest[] = [];
  const pins = ["", "0000", "1234"];
  const askPin = (request: PinRequest) => (asked.push(request), Promise.resolve(pins.shift()!));
  using store = storeOf(token, { askPin });
  await store.create({ role: "root" });
  assert.deepEqual(asked.map(({ attempt, tries }) => [attempt, tries]), [[1, "enough"], [2, "enough"], [3, "few"]]);

  token.triesLeft = 3;
  using wrong = storeOf(token, { askPin: () => Promise.resolve("0000") });
  const error = await failsWith(wrong.create({ role: "root" }), "forbidden", 'token "fake" is locked');
  assert.match(error.remedy, /unblock-pin.*do not reset/);
  const before = token.calls.length;
  using locked = storeOf(token, { askPin: () => Promise.reject(new Error("asked")) });
  await failsWith(locked.create({ role: "root" }), "forbidden", "is locked");
  assert.equal(token.calls.slice(before).includes("C_Login"), false);

  const few = Object.assign(new FakeToken(), { triesLeft: 99, refuses: { login: "PIN_INCORRECT" as const } });
  using never = storeOf(few);
  await failsWith(never.create({ role: "root" }), "bad-input", 'The PIN does not open the token "fake"');
  assert.equal(few.calls.filter((call) => call === "C_Login").length, 3);
});

Deno.test("pkcs11: the PIN of the variable is tried once, and never as the last try", async () => {
  const token = new FakeToken();
  const create = (host: Host) => storeOf(token, { askPin: pinFrom(host) }).create({ role: "root" });
  const wrong = hostWith({ TAGSEAL_PKCS11_PIN: "777777" });
  const error = await failsWith(create(wrong), "bad-input", "The PIN in TAGSEAL_PKCS11_PIN does not open", "few tries");
  assert.doesNotMatch(JSON.stringify([error.message, error.remedy, error.details, wrong.said]), /777777/);
  assert.equal(token.triesLeft, 2);
  await failsWith(create(wrong), "bad-input", "ONE try is left, then it locks");
  const last = await failsWith(create(wrong), "bad-input", 'The token "fake" locks at the next wrong PIN');
  assert.match(last.remedy, /Unset TAGSEAL_PKCS11_PIN.*type the PIN/);
  assert.equal(token.triesLeft, 1);

  const typing = hostWith({}, ["1234"]);
  await create(typing);
  assert.deepEqual(typing.asked, ['PIN of the token "fake"; ONE try is left, then it locks:']);
  assert.equal(token.triesLeft, 3);
  await create(hostWith({ TAGSEAL_PKCS11_PIN: "1234" }));
  const nobody = await failsWith(
    create(hostWith({})),
    "bad-input",
    'PIN of the token "fake" is needed',
    "nobody to ask",
  );
  assert.match(nobody.remedy, /^Set TAGSEAL_PKCS11_PIN/);
});

Deno.test("pkcs11: no module, no token, several tokens, the wrong label", async () => {
  const none = Object.assign(new FakeToken(), { labels: [] });
  const error = await failsWith(storeOf(none).list(), "not-found", "No token is plugged in");
  assert.match(error.remedy, /Plug the token in/);
  assert.deepEqual(error.next, { do: "plug-in-token" });
  assert.deepEqual(endings(none), ["C_Finalize", "close"]);

  const two = Object.assign(new FakeToken(), { labels: ["left", "right"] });
  const several = await failsWith(storeOf(two).list(), "bad-input", 'several tokens: "left", "right"');
  assert.deepEqual(several.next, { do: "name-token" });
  assert.deepEqual(endings(two), ["C_Finalize", "close"]);
  await failsWith(storeOf(two, { tokenLabel: "up" }).list(), "not-found", 'no token "up"', '"left", "right"');
  using right = storeOf(two, { tokenLabel: "right" });
  assert.deepEqual(await right.list(), []);
  two.labels = ["same", "same"];
  await failsWith(storeOf(two, { tokenLabel: "same" }).list(), "bad-input", '2 tokens "same"');

  const paths = { modulePaths: ["/nowhere/module.so"] };
  await failsWith(storeOf(new FakeToken(), paths).list(), "not-found", 'no PKCS#11 module "/nowhere/module.so"');
  const known = { modulePaths: ["/nowhere/a.so", "/nowhere/b.so"] };
  await failsWith(storeOf(new FakeToken(), known).list(), "not-found", "No PKCS#11 module is installed");
});

Deno.test("pkcs11: a token whose user cannot make keys, as a YubiKey", async () => {
  const token = Object.assign(new FakeToken(), { alwaysAuthenticate: true });
  token.refuses = { generate: "TEMPLATE_INCOMPLETE", setId: "FUNCTION_NOT_SUPPORTED" };
  const id = [{ type: CKA.ID, value: Uint8Array.of(2) }];
  token.add(id, id);
  using refused = storeOf(token);
  const error = await failsWith(refused.create({ role: "root" }), "bad-input", "does not make keys for its user");
  assert.match(error.remedy, /^Make an ECDSA P-256 key .* with the token's own tool, and name it/);
  assert.deepEqual(error.next, { do: "make-key-on-token" });
  await refused.list();

  using store = storeOf(token, { existingKeys: new Map([["root", "02"]]) });
  const root = await store.create({ role: "root" });
  token.calls.length = 0;
  await root.signer.sign(PAYLOAD);
  await root.signer.sign(PAYLOAD);
  const once = ["C_SignInit", "C_Login for one signature", "C_Sign"];
  assert.deepEqual(token.calls, [...once, ...once]);
  await root.discard();
  assert.equal(token.objects.size, 2, "it was there before, and stays");
  await failsWith(store.create({ role: "targets" }), "bad-input", "does not make keys");

  using byKeyId = storeOf(token, { existingKeys: new Map([["root", root.signer.publicKey.canonicalId]]) });
  await byKeyId.create({ role: "root" });
  using other = storeOf(token, { existingKeys: new Map([["root", "03"]]) });
  await failsWith(other.create({ role: "root" }), "not-found", 'no P-256 key "03"; its keys: 02');
});

Deno.test("pkcs11: a token that keeps its own ids is no hindrance", async () => {
  const token = new FakeToken();
  token.refuses = { setId: "ATTRIBUTE_READ_ONLY" };
  using store = storeOf(token);
  const { signer } = await store.create({ role: "root" });
  await (await store.open(signer.publicKey.canonicalId)).sign(PAYLOAD);
  await store.create({ role: "root" }); // with the same label
  await failsWith(store.open(signer.publicKey.canonicalId), "bad-input", "several private keys");
  for (const [at, { attributes }] of token.objects) {
    if (attributes.has(CKA.ALWAYS_AUTHENTICATE)) token.objects.delete(at);
  }
  await failsWith(store.open(signer.publicKey.canonicalId), "not-found", "no private key");
});

Deno.test("pkcs11: a private key that is not the one of the public key is found out", async () => {
  const token = new FakeToken();
  const id = [{ type: CKA.ID, value: Uint8Array.of(1) }];
  token.add(id, id, { publicKey: newPair().publicKey, privateKey: newPair().privateKey });
  using store = storeOf(token);
  const signer = await store.open((await store.list())[0]!.id);
  await failsWith(signer.sign(PAYLOAD), "bad-input", "signed with another key than it shows");
});

Deno.test("pkcs11: nobody touches the token", async (t) => {
  await t.step("it gives up", async () => {
    const token = new FakeToken();
    using store = storeOf(token);
    const { signer } = await store.create({ role: "root" });
    token.refuses = { sign: "DEVICE_REMOVED" };
    await failsWith(signer.sign(PAYLOAD), "unavailable", 'The token "fake" was taken away');
    token.refuses = { sign: "PIN_EXPIRED" };
    const error = await failsWith(signer.sign(PAYLOAD), "unavailable", "could not sign: CKR_PIN_EXPIRED");
    assert.match(error.remedy, /Touch the token/);
  });

  await t.step("it never answers: a limit, and it is closed once it has", async () => {
    const token = new FakeToken();
    const store = storeOf(token, { callTimeoutMs: 40 });
    const { signer, discard } = await store.create({ role: "root" });
    const touch = Promise.withResolvers<void>();
    token.touch = touch.promise;
    await failsWith(signer.sign(PAYLOAD), "unavailable", "could not sign within 0 s");
    const left = await failsWith(discard(), "unavailable", "could not remove the key");
    assert.match(left.remedy, /remove it \(label "tagseal/);
    store[Symbol.dispose]();
    assert.equal(token.calls.includes("C_Finalize"), false, "not while it is at work");
    touch.resolve();
    while (!token.calls.includes("close")) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.deepEqual(endings(token), ["C_Finalize", "close"]);
  });

  await t.step("Ctrl-C does not wait for it", async () => {
    const token = new FakeToken();
    const interruption = new AbortController();
    const store = storeOf(token, { signal: interruption.signal });
    const { signer, discard } = await store.create({ role: "root" });
    const touch = Promise.withResolvers<void>();
    token.touch = touch.promise;
    const both = [signer.sign(PAYLOAD), signer.sign(PAYLOAD)].map((each) =>
      failsWith(each, "interrupted", "Interrupted")
    );
    while (!token.calls.includes("C_SignInit")) await new Promise((resolve) => setTimeout(resolve, 1));
    interruption.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Again" }));
    await Promise.all(both);
    touch.resolve();
    await discard();
    assert.equal(token.objects.size, 0, "a key that nothing depends on is removed still");
    store[Symbol.dispose]();
    while (!token.calls.includes("close")) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.deepEqual(endings(token), ["C_Finalize", "close"]);
  });

  await t.step("Ctrl-C while a key is made: it is removed", async () => {
    const token = new FakeToken();
    const interruption = new AbortController();
    using store = storeOf(token, { signal: interruption.signal });
    const made = Promise.withResolvers<void>();
    token.generating = made.promise;
    const creating = store.create({ role: "root" });
    while (!token.calls.includes("C_GenerateKeyPair")) await new Promise((resolve) => setTimeout(resolve, 1));
    interruption.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Again" }));
    made.resolve();
    await failsWith(creating, "interrupted", "Interrupted");
    assert.equal(token.objects.size, 0);
  });

  await t.step("Ctrl-C while the PIN is asked for", async () => {
    const token = new FakeToken();
    const askPin = () => Promise.reject(new TagsealError("interrupted", "Interrupted", { remedy: "Again" }));
    const store = storeOf(token, { askPin });
    await failsWith(store.create({ role: "root" }), "interrupted", "Interrupted");
    store[Symbol.dispose]();
    assert.deepEqual(endings(token), ["C_Finalize", "close"]);
  });
});

Deno.test("pkcs11: the addon that is not built, or not for this machine", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-addon-" });
  try {
    const absent = await failsWith(() => loadPkcs11Addon(folder), "not-found", "addon is not in", folder);
    assert.match(absent.remedy, /^Build it once .*, or name the folder/);
    assert.deepEqual(absent.next, { do: "build-token-addon" });
    const release = `${folder}/node_modules/pkcs11js/build/Release`;
    await Deno.mkdir(release, { recursive: true });
    await Deno.writeTextFile(
      `${folder}/node_modules/pkcs11js/index.js`,
      'module.exports = require("./build/Release/pkcs11.node");',
    );
    await failsWith(() => loadPkcs11Addon(folder), "not-found", "addon is not in");
    await Deno.writeTextFile(
      `${folder}/node_modules/pkcs11js/index.js`,
      'throw new Error("pkcs11.node: invalid ELF header\\n    at native");', // what the runtime says of another machine's
    );
    const foreign = await failsWith(
      () => loadPkcs11Addon(folder),
      "bad-input",
      "cannot be loaded: pkcs11.node: invalid",
    );
    assert.match(foreign.remedy, /Build it again on this machine/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "pkcs11: the addon that this program may not load",
  permissions: { read: true, write: true, env: true, ffi: false },
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "tagseal-addon-" });
    try {
      const release = `${folder}/node_modules/pkcs11js`;
      await Deno.mkdir(release, { recursive: true });
      await Deno.writeTextFile(`${release}/pkcs11.node`, "");
      await Deno.writeTextFile(`${release}/index.js`, 'module.exports = require("./pkcs11.node");');
      await failsWith(() => loadPkcs11Addon(folder), "forbidden", "may not be loaded", folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("key stores: roles go where they belong, keys are found wherever they are", async () => {
  const [files, token] = [storeOf(new FakeToken()), storeOf(new FakeToken())];
  const keys = routedKeyStore(files, token, new Set(["root"]));
  const [root, targets] = [await keys.create({ role: "root" }), await keys.create({ role: "targets", gun: GUN })];
  const ids = (store: KeyStore) => store.list().then((list) => list.map(({ id }) => id));
  const [rootId, targetsId] = [root.signer.publicKey.canonicalId, targets.signer.publicKey.canonicalId];
  assert.deepEqual([await ids(files), await ids(token)], [[targetsId], [rootId]]);
  assert.deepEqual(await ids(keys), [targetsId, rootId]);
  for (const id of [rootId, targetsId]) assert.equal((await keys.open(id)).publicKey.canonicalId, id);
  await failsWith(keys.open("ab".repeat(32)), "not-found", "abababa");
});

Deno.test("key stores: a token that is only named may be missing, one that is wanted may not", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-keys-" });
  try {
    const files = createFileKeyStore(folder, () => Promise.resolve("a passphrase"));
    const { signer } = await files.create({ role: "targets", gun: GUN });
    const host = hostWith({ TAGSEAL_PKCS11_ADDON: folder });
    assert.equal(withToken(files, {}, host), files);
    const named = withToken(files, { pkcs11Module: MODULE }, host);
    assert.deepEqual((await named.list()).length, 1);
    await named.open(signer.publicKey.canonicalId);
    assert.equal(host.said.length, 1);
    assert.match(host.said[0]!, /warning: only key files were looked at\. The PKCS#11 addon is not in/);
    const wanted = withToken(files, { rootKeyStore: "pkcs11", pkcs11Module: MODULE }, host);
    await failsWith(wanted.create({ role: "root" }), "not-found", "addon is not in");
    await failsWith(wanted.list(), "not-found", "addon is not in");
    await failsWith(() => withToken(files, { pkcs11RootKey: "02" }, host), "usage", "--pkcs11-root-key");
    host[Symbol.dispose]();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
