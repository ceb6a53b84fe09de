/** Signers that sign payloads one by one: how many at a time, after which failure, and what is asked of whom. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { publicKeyOf } from "../../lib/crypto/key_object.ts";
import { assembleBatch, type Batch } from "../../lib/signing/batch.ts";
import { hashSigner } from "../../lib/signing/hash_signer.ts";
import { keySigner } from "../../lib/signing/key_signer.ts";
import type { Payload, SigningKeys } from "../../lib/signing/payload.ts";
import { askedOnce, type OneSigned, perPayload } from "../../lib/signing/payload_signer.ts";
import { fileSigner } from "../../lib/signing/zip_signer.ts";
import type { HashSubmission } from "../../lib/signpath/types.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryKeyStore } from "../support/flow_world.ts";

const newKey = (kind: "ec" | "ed25519") =>
  publicKeyOf(
    kind === "ec"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
      : generateKeyPairSync("ed25519").privateKey,
  );
const KEY = newKey("ec");
const DIGEST = `sha256:${"ab".repeat(32)}`;
const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

/** As many parts, of so many payloads each: `a0`, `a1`, `b0` … */
function batchOf(parts: number, each: number, keys: SigningKeys = [KEY]): Batch {
  const names = Array.from({ length: parts }, (_, n) => String.fromCharCode(97 + n));
  const payload = (repository: string, n: number): Payload => ({
    id: `${repository}${n}`,
    bytes: utf8(`${repository}${n}`),
    keys,
    rules: { hash: "sha256", rsaPadding: "pkcs1" },
    about: { repository, subject: "it", facts: {}, tags: [{ tag: "v1", digest: DIGEST }], removedTags: [] },
  });
  const all = names.map((name) => Array.from({ length: each }, (_, n) => payload(name, n)));
  return { ...assembleBatch([], "2026-06-01T12:00:00Z", "test"), parts: all };
}

/** Notes who is signed, and how many at a time; nobody but the first is done before `gathering` have been under way at once. */
function counted(sign: (id: string) => OneSigned, gathering = 0) {
  const began: string[] = [];
  let [underWay, peak] = [0, 0];
  const gathered = Promise.withResolvers<void>();
  return {
    began,
    peak: () => peak,
    async sign({ id }: { readonly id: string }): Promise<OneSigned> {
      began.push(id);
      peak = Math.max(peak, ++underWay);
      if (peak >= gathering) gathered.resolve();
      await soon();
      if (began[0] !== id) await gathered.promise;
      underWay--;
      return sign(id);
    },
  };
}

const good = (id: string): OneSigned => ({ signature: utf8(`signed ${id}`) });
const refuses = (...ids: string[]) => (id: string) => {
  if (ids.includes(id)) throw new Error(`${id} is refused`);
  return good(id);
};

Deno.test("one by one: a part ends with its first failure, the others go on", async () => {
  const { began, sign } = counted(refuses("a0", "b1"));
  const { signatures, failures, isKept } = await perPayload(sign, { atOnce: 2, probeFirst: false })(batchOf(3, 3));
  assert.deepEqual([...signatures].map(([id, bytes]) => [id, new TextDecoder().decode(bytes)]).sort(), [
    ["b0", "signed b0"],
    ["c0", "signed c0"],
    ["c1", "signed c1"],
    ["c2", "signed c2"],
  ]);
  assert.deepEqual([...failures].map(([id, error]) => [id, String(error)]).sort(), [
    ["a0", "Error: a0 is refused"],
    ["b1", "Error: b1 is refused"],
  ]);
  assert.deepEqual([began.sort(), isKept], [["a0", "b0", "b1", "c0", "c1", "c2"], false]);
});

Deno.test("one by one, the first part first: it fails for all, or the others follow", async () => {
  for (const id of ["a0", "a1"]) {
    const { began, sign } = counted(refuses(id));
    await assert.rejects(
      perPayload(sign, { atOnce: 4, probeFirst: true })(batchOf(3, 2)),
      new RegExp(`${id} is refused`),
    );
    assert.deepEqual(began.at(-1), id);
  }
  const { began, peak, sign } = counted(refuses("b0"));
  const { failures } = await perPayload(sign, { atOnce: 4, probeFirst: true })(batchOf(6, 2));
  assert.deepEqual([began.slice(0, 3), began.length, began.filter((id) => id === "a0").length], [
    ["a0", "a1", "b0"],
    11,
    1,
  ]);
  assert.deepEqual([[...failures.keys()], peak()], [["b0"], 4]);
  const at = counted(good);
  await perPayload(at.sign, { atOnce: 4, probeFirst: false })(batchOf(6, 1));
  assert.deepEqual(at.began.slice(0, 4), ["a0", "b0", "c0", "d0"]);
});

Deno.test("one by one: who begins anew has all of a part signed at a time, by a service, and never by a key", async () => {
  for (const [probeFirst, peaks] of [[true, [1, 2]], [false, [1, 1]]] as const) {
    const { peak, sign } = counted(good);
    const signAll = perPayload(sign, { atOnce: 4, probeFirst });
    for (const expected of peaks) {
      const { signatures } = await signAll(batchOf(1, 2));
      assert.deepEqual([signatures.size, peak()], [2, expected]);
    }
  }
});

Deno.test("one by one: what is the same to the key is signed once, and whoever approves is told of all that it is for", async () => {
  const [part] = batchOf(1, 1).parts;
  const other = newKey("ec");
  const about = (role: string, version: number, tags: string[] = ["v1"]) => ({
    ...part![0]!.about,
    subject: `${role}, version ${version}`,
    facts: { Role: role, Version: version },
    tags: tags.map((tag) => ({ tag, digest: DIGEST })),
  });
  const one = { ...part![0]!, bytes: utf8("same") };
  const payloads: Payload[] = [
    { ...one, id: "1", about: about("a", 3) },
    { ...one, id: "2", about: about("b", 3, ["v1", "v2"]) },
    { ...one, id: "longer", bytes: utf8("same.") },
    { ...one, id: "differs", bytes: utf8("some") },
    { ...one, id: "hash", rules: { ...one.rules, hash: "sha384" } },
    { ...one, id: "padding", rules: { ...one.rules, rsaPadding: "pss" } },
    { ...one, id: "key", keys: [other] },
    { ...one, id: "more keys", keys: [KEY, other] },
  ];
  const asked: Payload[] = [];
  const sign = perPayload((payload) => {
    asked.push(payload);
    return Promise.resolve(good(payload.id));
  }, { atOnce: 1, probeFirst: false });
  const { signatures } = await sign({ ...batchOf(1, 1), parts: [payloads] });
  assert.deepEqual(asked.map(({ id }) => id), ["1", "longer", "differs", "hash", "padding", "key", "more keys"]);
  assert.deepEqual([...signatures.keys()].sort(), payloads.map(({ id }) => id).sort());
  assert.deepEqual(signatures.get("2"), signatures.get("1"));
  assert.deepEqual(asked[0]!.about, {
    ...about("a", 3, ["v1", "v2"]),
    subject: "a, version 3; b, version 3",
    facts: { Role: "a, b", Version: 3 },
  });
});

Deno.test("a batch numbers what vouches for a change by the parts that bring it, and payloads over all of them", () => {
  const part = (name: string, trust?: [string, string][]) => ({
    member: name,
    words: (named: readonly { readonly id: string }[]) => ({ payload: named[0]!.id }),
    payloads: [batchOf(1, 1).parts[0]![0]!],
    ...(trust ? { trust: new Map(trust.map(([role, text]) => [role, utf8(text)])) } : {}),
  });
  const parts = [part("a", [["root", "r1"]]), part("b"), part("a", [["root", "r2"], ["targets/x", "x2"]])];
  const { file } = assembleBatch(parts, "2026-06-01T12:00:00Z", "test");
  assert.deepEqual([...file.trust], [
    ["trust/1/root.json", utf8("r1")],
    ["trust/2/root.json", utf8("r2")],
    ["trust/2/targets_x.json", utf8("x2")],
  ]);
  assert.deepEqual(file.manifest["a"], [{ payload: "payload/0001.json" }, { payload: "payload/0003.json" }]);
  assert.deepEqual(file.manifest["b"], [{ payload: "payload/0002.json" }]);
});

Deno.test("one by one: the last request is told, and how many more may be there", async () => {
  const answers: Record<string, Partial<OneSigned>> = {
    a0: { signingRequestId: "first", unclearRequests: 2 },
    a1: { signingRequestId: "last" },
    a2: { unclearRequests: 1 },
  };
  const sign = perPayload(({ id }) => Promise.resolve({ ...good(id), ...answers[id] }), {
    atOnce: 1,
    probeFirst: false,
  });
  const told = await sign(batchOf(1, 3));
  assert.deepEqual([told.signingRequestId, told.unclearRequests], ["last", 3]);
  const nothing = await sign(batchOf(0, 0));
  assert.deepEqual([nothing.signingRequestId, nothing.unclearRequests], [null, 0]);
});

Deno.test("keys are asked for once, however many repositories are signed; a service is no store of keys", async () => {
  let asked = 0;
  const holder = askedOnce({
    kind: "keys",
    atHand: () => Promise.resolve(new Set([KEY.canonicalId]).add(`${++asked}`)),
  });
  assert.ok(holder.kind === "keys");
  for (let n = 0; n < 2; n++) assert.deepEqual([...await holder.atHand()], [KEY.canonicalId, "1"]);
  const service = { kind: "service" } as const;
  assert.equal(askedOnce(service), service);
});

Deno.test("to start over is worth more the less it costs: an approval, a request, nothing", () => {
  const signers = [
    fileSigner(() => Promise.reject(new Error("not asked"))),
    hashed().signer,
    keySigner(new MemoryKeyStore()),
  ];
  assert.deepEqual(signers.map(({ attempts }) => attempts), [10, 20, 50]);
});

/** A signer of hashes, and what is sent. */
function hashed(
  submission: { readonly description?: string } = {},
  policyKey?: Parameters<typeof hashSigner>[3],
  gathering = 0,
) {
  const sent: HashSubmission[] = [];
  const { peak, sign } = counted(good, gathering);
  const client = {
    signHash: async (submission: HashSubmission) => {
      sent.push(submission);
      const { signature } = await sign({ id: `${sent.length}` });
      return { signature };
    },
  };
  const signer = hashSigner(client, { projectSlug: "p", signingPolicySlug: "s", ...submission }, {}, policyKey);
  return { signer, sent, peak };
}

Deno.test("hashes: what is sent is the hash, for what it is, and in whose words", async () => {
  const { signer, sent, peak } = hashed({}, undefined, 4);
  await signer.sign(batchOf(9, 1));
  const { about, bytes } = batchOf(1, 1).parts[0]![0]!;
  assert.deepEqual(sent[0], {
    projectSlug: "p",
    signingPolicySlug: "s",
    description: `a: v1 ${DIGEST.slice(0, 19)}`,
    digest: hash("sha256", bytes),
    rules: { hash: "sha256", rsaPadding: "pkcs1" },
    key: KEY,
    metadata: about,
  });
  assert.deepEqual([sent.length, peak()], [9, 4]);
  const own = hashed({ description: "build 7" });
  await own.signer.sign(batchOf(1, 1));
  assert.equal(own.sent[0]!.description, "build 7");
});

Deno.test("hashes: the service is who tells its key, where somebody asks it", () => {
  assert.deepEqual(hashed().signer.holder, { kind: "service" });
  const service = { kind: "service", policyKey: () => Promise.resolve(undefined) } as const;
  assert.equal(hashed({}, service).signer.holder, service);
});

Deno.test("hashes: of several keys of one kind any will do; of several kinds it must be said which", async () => {
  const { signer, sent } = hashed();
  await signer.sign(batchOf(1, 1, [KEY, newKey("ec")]));
  assert.equal(sent[0]!.key, KEY);
  const other = newKey("ed25519");
  for (const keys of [[KEY, other], [KEY, newKey("ec"), other], [other, KEY, KEY]] as const) {
    const error = await failsWith(signer.sign(batchOf(1, 1, keys)), "bad-input", 'which key signs for "a"');
    assert.deepEqual(error.next, { do: "name-signing-key" });
    assert.deepEqual(error.details["keyIds"], keys.map(({ canonicalId }) => canonicalId));
  }
  assert.equal(sent.length, 1, "nothing is sent");
});

Deno.test("a key is opened early where it is the only one that signs tags, and nobody is asked for anything", async (t) => {
  const rows: [name: string, roles: readonly string[], early: boolean, opened: number][] = [
    ["one", ["root", "targets", "team"], true, 1],
    ["one, and its passphrase is asked for", ["team"], false, 0],
    ["two", ["team", "releases"], true, 0],
    ["none", ["root", "targets"], true, 0],
  ];
  for (const [name, roles, early, opened] of rows) {
    await t.step(name, async () => {
      const store = new MemoryKeyStore();
      for (const role of roles) await store.create({ role });
      const { holder } = early ? keySigner(store, true) : keySigner(store);
      assert.ok(holder.kind === "keys");
      assert.equal((await holder.atHand()).size, roles.length);
      assert.equal(store.opened, opened);
    });
  }
  await t.step("one that cannot be opened fails where it signs, and is tried once", async () => {
    const store = new MemoryKeyStore();
    const { signer: { publicKey } } = await store.create({ role: "team" });
    store.open = () => {
      store.opened++;
      return Promise.reject(new Error("The passphrase is wrong"));
    };
    const signer = keySigner(store, true);
    assert.ok(signer.holder.kind === "keys");
    await signer.holder.atHand();
    await soon();
    const { failures } = await signer.sign(batchOf(2, 2, [publicKey]));
    assert.deepEqual([[...failures.keys()], store.opened], [["a0", "b0"], 1]);
  });
});

Deno.test("keys sign one payload at a time: a token has one session", async () => {
  const store = new MemoryKeyStore();
  const { signer } = await store.create({ role: "team" });
  const { peak, sign } = counted(good);
  store.open = () =>
    Promise.resolve({
      ...signer,
      sign: async (bytes, rules) => (await sign({ id: "" }), await signer.sign(bytes, rules)),
    });
  const { signatures } = await keySigner(store).sign(batchOf(5, 2, [signer.publicKey]));
  assert.deepEqual([signatures.size, peak()], [10, 1]);
});

Deno.test("trust data is numbered by the parts that have some, as the manifest names their repositories", () => {
  const trust = new Map([["targets", utf8("{}")], ["targets/team", utf8("{}")]]);
  const part = (member: string, more = {}) => ({ member, payloads: [], words: () => ({}), ...more });
  const { file } = assembleBatch(
    [part("images"), part("repositories", { trust }), part("images"), part("repositories", { trust })],
    "2026-06-01T12:00:00Z",
    "test",
  );
  assert.deepEqual([...file.trust.keys()], [
    "trust/1/targets.json",
    "trust/1/targets_team.json",
    "trust/2/targets.json",
    "trust/2/targets_team.json",
  ]);
});
