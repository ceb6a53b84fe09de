/**
 * A program: a key's life on the token "right", beside an empty token "left", by the key store. It fails with the first
 * thing that is not so. Its arguments are the addon's folder, the module and the PIN of both tokens.
 *
 * @module
 */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { verifySignature } from "../../lib/crypto/algorithms.ts";
import { CKA, CKO, loadPkcs11Addon } from "../../lib/keystore/pkcs11_addon.ts";
import { createPkcs11KeyStore, type Pkcs11Options } from "../../lib/keystore/pkcs11_keystore.ts";
import { Token } from "../../lib/keystore/pkcs11_token.ts";
import { failsWith } from "./failures.ts";

const GUN = "registry.example.com/team/app";
const PAYLOAD = utf8('{"payload":1}');

const [addon = "", module = "", pin = ""] = Deno.args;
const options = (more: Partial<Pkcs11Options> = {}): Pkcs11Options => ({
  addon: () => loadPkcs11Addon(addon),
  modulePaths: [module],
  tokenLabel: "right",
  askPin: () => Promise.resolve(pin),
  signal: new AbortController().signal,
  ...more,
});
const unasked = () => Promise.reject(new Error("asked"));

async function makesAndDiscards(): Promise<string> {
  using store = createPkcs11KeyStore(options());
  const made = await store.create({ role: "targets", gun: GUN });
  const root = await store.create({ role: "root" });
  assert.equal((await store.list()).length, 2);
  await root.discard();
  return made.signer.publicKey.canonicalId;
}

async function lists(id: string): Promise<void> {
  using right = createPkcs11KeyStore(options({ askPin: unasked }));
  assert.deepEqual(await right.list(), [{ id, role: "targets", gun: GUN, token: "right" }], "listing needs no PIN");
}

async function signs(id: string): Promise<void> {
  using store = createPkcs11KeyStore(options());
  const signer = await store.open(id);
  for (let n = 0; n < 3; n++) {
    const { method, bytes } = await signer.sign(PAYLOAD);
    assert.ok(await verifySignature(method, signer.publicKey, PAYLOAD, bytes));
  }
}

async function keepsWhatIsPrivate(): Promise<void> {
  using token = await Token.open(options());
  await token.login();
  const found = token.find([{ type: CKA.CLASS, value: CKO.PRIVATE_KEY }]);
  assert.equal(found.length, 1, "the discarded key is gone");
  const flags = [CKA.SENSITIVE, CKA.EXTRACTABLE, CKA.SIGN, CKA.PRIVATE].map((type) =>
    token.attribute(found[0]!, type)?.[0]
  );
  assert.deepEqual(flags, [1, 0, 1, 1]);
  assert.throws(() => token.attribute(found[0]!, CKA.VALUE), /CKR_ATTRIBUTE_SENSITIVE/);
}

async function leavesOthersAlone(): Promise<void> {
  using left = createPkcs11KeyStore(options({ tokenLabel: "left" }));
  assert.deepEqual(await left.list(), []);
}

async function refusesWhatIsNoModule(): Promise<void> {
  const own = new URL(import.meta.url).pathname;
  const store = createPkcs11KeyStore(options({ modulePaths: [own] }));
  await failsWith(store.list(), "bad-input", "token_life.ts", "cannot be used");
}

const id = await makesAndDiscards();
await lists(id);
await signs(id);
await keepsWhatIsPrivate();
await leavesOthersAlone();
await refusesWhatIsNoModule();
Deno.exit(); // as the program ends, and for its reason: see tasks/main.ts
