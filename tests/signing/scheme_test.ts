/** A scheme that nobody needs, signed by every signer: what a third one would have to bring, and no more. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import type { PublicKey } from "../../lib/crypto/keys.ts";
import { publicKeyOf } from "../../lib/crypto/key_object.ts";
import { recognizeSignature } from "../../lib/crypto/recognize.ts";
import { TagsealError } from "../../lib/errors.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { hashSigner } from "../../lib/signing/hash_signer.ts";
import { keySigner } from "../../lib/signing/key_signer.ts";
import type { PayloadSigner } from "../../lib/signing/payload_signer.ts";
import { jobOf, type Prepared, type Scheme, type SignedPart } from "../../lib/signing/scheme.ts";
import { sign } from "../../lib/signing/sign.ts";
import { fileSigner, zipSigner } from "../../lib/signing/zip_signer.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryKeyStore } from "../support/flow_world.ts";
import { connect, serve } from "../support/signpath_world.ts";

interface Greeting {
  readonly repository: string;
  readonly words: string;
}
interface Greeted {
  readonly repository: string;
  readonly outcome: "published" | "unchanged";
  readonly words: string;
}

/** Signs greetings and puts them up on a wall. */
class Greetings implements Scheme<Greeting, Bytes, Greeted, string, PublicKey> {
  readonly name = "greeting";
  readonly wall = new Map<string, { readonly words: string; readonly signature: Bytes }>();
  /** Whoever is faster than the first so many. */
  faster = 0;

  constructor(readonly key: PublicKey) {}

  prepare({ repository, words }: Greeting): Promise<Prepared<Bytes, Greeted>> {
    if (this.wall.get(repository)?.words === words) {
      return Promise.resolve({ outcome: "unchanged", result: { repository, outcome: "unchanged", words } });
    }
    const bytes = utf8(words);
    const about = { repository, subject: "a greeting", facts: {}, tags: [], removedTags: [] };
    const payload = {
      bytes,
      keys: [this.key] as const,
      rules: { hash: "sha256", rsaPadding: "pkcs1" } as const,
      label: words,
      about,
    };
    const part = {
      member: "greetings",
      payloads: [payload],
      words: ([named]: readonly { readonly id: string }[]) => ({
        repository,
        payload: named!.id,
        sha256: sha256Hex(bytes),
      }),
    };
    return Promise.resolve({ outcome: "to-sign", part, plan: bytes });
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  async publish(
    { repository, words }: Greeting,
    bytes: Bytes,
    { payloads, signatures }: SignedPart,
  ): Promise<Greeted> {
    if (this.faster-- > 0) throw new TagsealError("stale", "Somebody was faster", { remedy: "Try again" });
    const good = await recognizeSignature(this.key, bytes, signatures.get(payloads[0]!.id)!);
    if (!good) throw new TagsealError("trust-invalid", "The signature is not good", { remedy: "Find out why" });
    this.wall.set(repository, { words, signature: good.bytes });
    return { repository, outcome: "published", words };
  }

  async verify(repository: string) {
    const { words, signature } = this.wall.get(repository)!;
    assert.ok(await recognizeSignature(this.key, utf8(words), signature));
    return this.key;
  }
}

const CLOCK = { now: () => new Date("2026-06-01T12:00:00Z"), sleep: () => Promise.resolve() };
const TASKS = ["registry.test/a", "registry.test/b"].map((repository) => ({ repository, words: "Good morning" }));
const follow = { ...CLOCK, timeoutMs: 60_000, signal: new AbortController().signal, onProgress: () => {} };

/** Every way of signing, with the key that it signs with. */
async function signers(): Promise<[string, PublicKey, PayloadSigner, () => number][]> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const policy = {
    slug: "auto",
    approval: "automatic",
    certificate: utf8("x"),
    key: fileSigningKey(privateKey),
  } as const;
  const service = serve({
    projects: [{ slug: "p", policies: [policy] }, { slug: "h", kind: "hash-signing-data", policies: [policy] }],
  });
  const client = connect(service.handle);
  const atSignPath = publicKeyOf(privateKey);
  const store = new MemoryKeyStore();
  const { signer: { publicKey } } = await store.create({ role: "team" });
  const to = (projectSlug: string) => ({ projectSlug, signingPolicySlug: "auto" });
  return [
    ["zip", atSignPath, zipSigner(client, to("p"), follow), () => service.requests().length],
    ["hash", atSignPath, hashSigner(client, to("h"), {}), () => service.requests().length],
    ["key", publicKey, keySigner(store), () => store.opened],
  ];
}

Deno.test("any scheme is signed by any signer, and published once", async (t) => {
  for (const [name, key, signer, asked] of await signers()) {
    await t.step(name, async () => {
      const scheme = new Greetings(key);
      const before = asked();
      const run = () => sign(TASKS.map((task) => jobOf(scheme, task)), { ...CLOCK, signer });
      const first = await run();
      assert.deepEqual(first.repositories, TASKS.map((task) => ({ ...task, outcome: "published" })));
      for (const { repository } of TASKS) assert.equal(await scheme.verify(repository), key);
      assert.equal(asked() - before, name === "hash" ? 2 : 1, "one request, one opened key; hashes one by one");
      assert.deepEqual((await run()).repositories.map(({ outcome }) => outcome), ["unchanged", "unchanged"]);
      assert.equal(asked() - before, name === "hash" ? 2 : 1, "a second run asks nobody");
    });
  }
});

Deno.test("where one scheme of a repository cannot begin, nothing of it is signed or published in another", async () => {
  for (const [name, key, signer, asked] of await signers()) {
    const good = new Greetings(key);
    const broken = new Greetings(key);
    broken.prepare = ({ repository }) =>
      Promise.reject(new TagsealError("bad-input", `What "${repository}" has cannot be added to`, { remedy: "Ask" }));
    const [a, b] = [TASKS[0]!, TASKS[1]!];
    const before = asked();
    const alone = sign([jobOf(good, a), jobOf(broken, a), jobOf(broken, a)], { ...CLOCK, signer });
    await failsWith(alone, "bad-input", "cannot be added to");
    assert.deepEqual([asked() - before, good.wall.size], [0, 0], name);
    const { repositories, failed } = await sign([jobOf(good, a), jobOf(broken, a), jobOf(good, b)], {
      ...CLOCK,
      signer,
    });
    assert.deepEqual(repositories.map(({ repository }) => repository), [b.repository]);
    assert.deepEqual(failed.map(({ repository }) => repository), [a.repository]);
    assert.deepEqual([asked() - before, [...good.wall.keys()]], [1, [b.repository]], name);
  }
});

Deno.test("one that others overtake is signed anew, as often as the signer is worth", async () => {
  const [[, key, signer]] = await signers() as [[string, PublicKey, PayloadSigner, () => number]];
  const scheme = new Greetings(key);
  scheme.faster = 2;
  const told: string[] = [];
  const onStale = ({ message }: Error) => told.push(message);
  const { repositories } = await sign([jobOf(scheme, TASKS[0]!)], { ...CLOCK, signer, onStale });
  assert.deepEqual([repositories.length, told.length], [1, 2]);
  scheme.faster = 99;
  await failsWith(sign([jobOf(scheme, { ...TASKS[1]! })], { ...CLOCK, signer }), "stale", "Somebody was faster");
});

Deno.test("what a scheme cannot look for is published all the same, however long reading took", async () => {
  for (const [name, key, signer] of await signers()) {
    const scheme = new Greetings(key);
    let seconds = 0;
    const now = () => new Date(CLOCK.now().getTime() + 1000 * seconds++);
    await sign([jobOf(scheme, TASKS[0]!)], { ...CLOCK, now, signer });
    assert.deepEqual([...scheme.wall.keys()], [TASKS[0]!.repository], name);
  }
});

Deno.test("a scheme's entries are named for people, and what comes back must be what was sent", async (t) => {
  const [[, key, signer]] = await signers() as [[string, PublicKey, PayloadSigner, () => number]];
  const seen: string[] = [];
  const through = (change: (entries: Map<string, Bytes>) => void) =>
    fileSigner(async (file, batch) => {
      const { signatures } = await signer.sign(batch);
      const limits = { entries: 100, entryBytes: 2 ** 20, totalBytes: 2 ** 20 };
      const entries = new Map(await readZip(file, limits));
      seen.push(...entries.keys());
      for (const [name, signature] of signatures) entries.set(`${name}.sig`, signature);
      change(entries);
      return {
        signed: await writeZip([...entries].map(([name, bytes]) => ({ name, bytes }))),
        signingRequestId: "id-1",
      };
    });
  const jobs = (scheme: Greetings) => TASKS.map((task) => jobOf(scheme, task));
  const good = new Greetings(key);
  await sign(jobs(good), { ...CLOCK, signer: through(() => {}) });
  assert.equal(good.wall.size, 2);
  assert.deepEqual(seen, [
    "docker-signing-data.json",
    "payload/0001_Good-morning.json",
    "payload/0002_Good-morning.json",
  ]);
  const changes: [string, "trust-invalid" | "bad-input", (entries: Map<string, Bytes>) => void][] = [
    ["a payload more", "bad-input", (all) => void all.set("payload/0003.json", utf8("x"))],
    ["another payload", "trust-invalid", (all) => void all.set("payload/0001_Good-morning.json", utf8("Good night"))],
    ["trust data from nowhere", "trust-invalid", (all) => void all.set("trust/1/root.json", utf8("{}"))],
  ];
  for (const [name, code, change] of changes) {
    await t.step(name, async () => {
      const scheme = new Greetings(key);
      const { repositories, failed } = await sign(jobs(scheme), { ...CLOCK, signer: through(change) });
      assert.deepEqual([repositories, scheme.wall.size, failed.length], [[], 0, 2]);
      await failsWith(Promise.reject(failed[0]!.error), code);
    });
  }
});

Deno.test("with keys at hand, the repository that others overtake keeps none of the others waiting", async () => {
  const [, , [, key, signer]] = await signers() as [unknown, unknown, [string, PublicKey, PayloadSigner]];
  const [a, b] = [TASKS[0]!, TASKS[1]!];
  const slow = new Greetings(key);
  slow.faster = 1;
  const quick = new Greetings(key);
  const prepared: string[] = [];
  const counted = (scheme: Greetings): Greetings => {
    const prepare = scheme.prepare.bind(scheme);
    scheme.prepare = (task) => {
      prepared.push(task.repository);
      return prepare(task);
    };
    return scheme;
  };
  const settled = Promise.withResolvers<void>();
  const result = await sign([jobOf(counted(slow), a), jobOf(counted(quick), b)], {
    ...CLOCK,
    signer,
    sleep: () => settled.promise, // the pause of the one lasts until the other is done
    onDone: ({ repository }) => repository === b.repository && settled.resolve(),
  });
  assert.deepEqual(result.repositories.map(({ repository }) => repository), [a.repository, b.repository]);
  assert.deepEqual(prepared.sort(), [a.repository, a.repository, b.repository]);
});
