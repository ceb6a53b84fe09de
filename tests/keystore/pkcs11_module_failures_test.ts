/** Modules and tokens that fail in the middle: what is said, and that nothing stays open. */
import assert from "node:assert/strict";
import { CKA, CKF, CKO, type Pkcs11Addon } from "../../lib/keystore/pkcs11_addon.ts";
import { CKR } from "../../lib/keystore/pkcs11_failures.ts";
import type { Pkcs11KeyStore, Pkcs11Options } from "../../lib/keystore/pkcs11_keystore.ts";
import { failsWith } from "../support/failures.ts";
import { FakeToken, storeOf } from "../support/fake_token.ts";

type Call = keyof InstanceType<Pkcs11Addon["PKCS11"]>;

/** The module's answer, as the addon tells it. */
function answer(name: keyof typeof CKR): Error {
  return new Error(`CKR_${name}:${CKR[name]}\n    at Error (native)`);
}

/** A store whose module does something else in some of its calls. */
function broken(
  token: FakeToken,
  calls: Partial<Record<Call, (...args: never[]) => unknown>>,
  options: Partial<Pkcs11Options> = {},
): Pkcs11KeyStore {
  const addon = () => {
    const { PKCS11 } = token.addon();
    return {
      PKCS11: class extends PKCS11 {
        constructor() {
          super();
          Object.assign(this, calls);
        }
      },
    };
  };
  return storeOf(token, { addon, ...options });
}

const throwing = (error: Error) => () => {
  throw error;
};

Deno.test("pkcs11: a module that cannot be loaded or started is named, with the reason", async () => {
  for (
    const [call, error, reason, calls] of [
      ["load", new Error("wrong ELF class\n  at dlopen"), "wrong ELF class", []],
      ["C_Initialize", answer("DEVICE_REMOVED"), "CKR_DEVICE_REMOVED", ["close"]],
      ["C_GetSlotList", answer("DEVICE_REMOVED"), "CKR_DEVICE_REMOVED", ["C_Initialize", "C_Finalize", "close"]],
    ] as const
  ) {
    const token = new FakeToken();
    const failure = await failsWith(broken(token, { [call]: throwing(error) }).list(), "bad-input", "cannot be used");
    assert.ok(failure.message.endsWith(`cannot be used: ${reason}`), failure.message);
    assert.deepEqual(failure.next, { do: "name-built-token-module" });
    assert.deepEqual(token.calls.filter((name) => !name.startsWith("load")), calls, call);
  }
});

Deno.test("pkcs11: a module that another user of this process has started is used, and not ended", async () => {
  const token = new FakeToken();
  {
    using store = broken(token, { C_Initialize: throwing(answer("CRYPTOKI_ALREADY_INITIALIZED")) });
    assert.deepEqual(await store.list(), []);
  }
  assert.ok(!token.calls.includes("C_Finalize"));
  assert.equal(token.calls.at(-1), "close");
});

Deno.test("pkcs11: a module that fails as it is ended hides nothing, and is closed", async () => {
  const token = new FakeToken();
  {
    using store = broken(token, { C_Finalize: throwing(answer("DEVICE_REMOVED")) });
    assert.deepEqual(await store.list(), []);
  }
  assert.equal(token.calls.at(-1), "close");
});

Deno.test("pkcs11: a card that is none of ours, or not set up, is no token; a label may be padded with NUL", async () => {
  const token = Object.assign(new FakeToken(), { labels: ["alien", "empty", "ours"] });
  const C_GetTokenInfo = ([slot]: Uint8Array) => {
    if (slot === 0) throw answer("DEVICE_REMOVED");
    return { label: ["", "empty", "ours\0\0"][slot!], flags: slot === 2 ? CKF.TOKEN_INITIALIZED : 0 };
  };
  using store = broken(token, { C_GetTokenInfo });
  assert.deepEqual(await store.list(), []);
  const named = broken(token, { C_GetTokenInfo }, { tokenLabel: "empty" });
  await failsWith(named.list(), "not-found", 'There is no token "empty"', 'tokens there: "ours"');
});

Deno.test("pkcs11: what a token says of its PIN", async () => {
  const login = async (refusal: keyof typeof CKR, code: "bad-input" | "forbidden", ...says: string[]) => {
    const token = Object.assign(new FakeToken(), { refuses: { login: refusal } });
    using store = storeOf(token);
    return await failsWith(store.create({ role: "root" }), code, ...says);
  };
  const wanted = await login(
    "USER_PIN_NOT_INITIALIZED",
    "bad-input",
    "wants a new PIN first: CKR_USER_PIN_NOT_INITIALIZED",
  );
  assert.match(wanted.remedy, /the token's own tool/);
  await login("PIN_EXPIRED", "bad-input", "wants a new PIN first: CKR_PIN_EXPIRED");
  await login("PIN_LOCKED", "forbidden", "is locked after too many wrong tries");
  const locked = Object.assign(new FakeToken(), { triesLeft: 0 });
  using store = storeOf(locked);
  await failsWith(store.create({ role: "root" }), "forbidden", "is locked after too many wrong tries");
  assert.ok(!locked.calls.includes("C_Login"), "no try is made");

  const open = Object.assign(new FakeToken(), { refuses: { login: "USER_ALREADY_LOGGED_IN" } as const });
  using other = storeOf(open);
  await other.create({ role: "root" }); // another program has logged in
});

Deno.test("pkcs11: an empty PIN is not tried", async () => {
  const token = new FakeToken();
  const answers = ["", token.pin];
  using store = storeOf(token, { askPin: () => Promise.resolve(answers.shift()!) });
  await store.create({ role: "root" });
  assert.deepEqual(answers, []);
  assert.equal(token.calls.filter((call) => call === "C_Login").length, 1);
});

Deno.test("pkcs11: a token that was taken away, or may not be written to, is told apart", async () => {
  const made = async (error: Error, code: "unavailable" | "forbidden", words: string) => {
    const token = new FakeToken();
    using store = broken(token, { C_GenerateKeyPairAsync: () => Promise.reject(error) });
    await failsWith(store.create({ role: "root" }), code, words);
    assert.equal(token.objects.size, 0);
  };
  await made(answer("DEVICE_REMOVED"), "unavailable", 'The token "fake" was taken away');
  await made(answer("TOKEN_NOT_PRESENT"), "unavailable", 'The token "fake" was taken away');
  await made(answer("TOKEN_WRITE_PROTECTED"), "forbidden", 'The token "fake" is write-protected');
});

Deno.test("pkcs11: a public key that the token made and does not show: the pair is removed again", async () => {
  const token = new FakeToken();
  const hidden = (_: Uint8Array, object: Uint8Array, [{ type }]: [{ type: number }]) => {
    const { attributes } = token.objects.get(object[0]!)!;
    if (type === CKA.EC_POINT) throw answer("ATTRIBUTE_TYPE_INVALID");
    return [{ value: attributes.get(type) }];
  };
  using store = broken(token, { C_GetAttributeValue: hidden });
  await failsWith(store.create({ role: "root" }), "bad-input", "does not show the public key that it made");
  assert.equal(token.calls.filter((call) => call === "C_DestroyObject").length, 2);
  assert.equal(
    [...token.objects.values()].filter(({ attributes }) => attributes.get(CKA.CLASS)?.[0] === CKO.PRIVATE_KEY)
      .length,
    0,
  );
});
