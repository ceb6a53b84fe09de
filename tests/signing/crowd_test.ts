/** Many who sign at once in one repository, in a time of their own: what it costs them, whoever holds the key. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { TagsealError } from "../../lib/errors.ts";
import { keySigner } from "../../lib/signing/key_signer.ts";
import type { PayloadSigner } from "../../lib/signing/payload_signer.ts";
import { SERVICE_SPREAD } from "../../lib/signing/payload_signer.ts";
import type { Job } from "../../lib/signing/scheme.ts";
import { sign } from "../../lib/signing/sign.ts";
import { MemoryKeyStore } from "../support/flow_world.ts";
import { random } from "../support/random.ts";
import { KEYS } from "../support/trust_builder.ts";

/** A time that passes only when everybody waits. */
class Clock {
  #now = 0;
  readonly #waiting: { readonly at: number; readonly wake: () => void }[] = [];

  readonly now = () => new Date(Date.UTC(2026, 0, 1) + this.#now);
  readonly sleep = (ms: number) =>
    new Promise<void>((wake) => {
      this.#waiting.push({ at: this.#now + ms, wake });
    });

  async runUntil(done: Promise<unknown>): Promise<number> {
    let isDone = false;
    done.finally(() => isDone = true);
    for (;;) {
      for (let turns = 0; turns < 100; turns++) await undefined; // all go on as far as they can
      if (isDone) return this.#now;
      this.#waiting.sort((a, b) => b.at - a.at);
      const { at, wake } = this.#waiting.pop()!;
      this.#now = at;
      wake();
    }
  }
}

/** How long things take, in milliseconds. */
const READ_MS = 60;
const POST_MS = 80;

interface Cost {
  /** Signatures made for each tag. */
  readonly signatures: number;
  /** Posts for each tag. */
  readonly posts: number;
  /** Until the last one was done, in milliseconds. */
  readonly ms: number;
}

interface Crowd {
  /** Who signs. */
  readonly kind: Pick<PayloadSigner, "attempts" | "spread" | "holder">;
  /** How long a signature takes. */
  readonly signMs: number;
  /** How long a process takes to read for the first time: much longer where many start on one machine. */
  readonly startMs?: number;
  /** How long after one another they start. */
  readonly apartMs?: number;
}

/** Has `count` sign at once, each one tag. */
async function crowd(count: number, { kind, signMs, startMs = READ_MS, apartMs = 50 }: Crowd): Promise<Cost> {
  const clock = new Clock();
  let [version, signatures, posts] = [0, 0, 0];
  const signer: PayloadSigner = {
    ...kind,
    async sign({ parts }) {
      signatures++;
      await clock.sleep(signMs * (0.8 + Math.random() / 2));
      const signed = new Map(parts.flat().map(({ id }) => [id, utf8("signature")]));
      return { signatures: signed, failures: new Map(), signingRequestId: null, isKept: false, unclearRequests: 0 };
    },
  };
  const overtaken = () => new TagsealError("stale", "Somebody was faster", { remedy: "Begin anew" });
  const job = (repository: string, starts = true): Job => ({
    repository,
    scheme: "numbers",
    async prepare() {
      // What is read is judged afterwards.
      await clock.sleep(READ_MS / 2);
      const base = version;
      await clock.sleep(starts ? startMs * (0.8 + Math.random() / 2) : READ_MS / 2);
      starts = false;
      const rules = { hash: "sha256", rsaPadding: "pkcs1" } as const;
      const about = { repository, subject: "a number", facts: {}, tags: [], removedTags: [] };
      const payload = { bytes: utf8(`${base + 1}`), keys: [KEYS.releases.publicKey] as const, rules, about };
      return {
        outcome: "to-sign",
        part: { member: "numbers", trust: new Map(), words: () => ({}), payloads: [payload] },
        async look() {
          await clock.sleep(READ_MS / 2);
          const moved = version !== base;
          await clock.sleep(READ_MS / 2);
          if (moved) throw overtaken();
        },
        check: () => Promise.resolve(),
        async publish() {
          posts++;
          await clock.sleep(POST_MS / 2);
          const moved = version !== base;
          if (!moved) version++;
          await clock.sleep(POST_MS / 2);
          if (moved) throw overtaken();
          await clock.sleep(READ_MS);
          return { repository, outcome: "published" };
        },
      };
    },
  });
  const all = Array.from({ length: count }, async (_, i) => {
    await clock.sleep(i * apartMs); // processes do not start at one moment
    await sign([job(`r${i}`)], { signer, now: clock.now, sleep: clock.sleep });
  });
  const ms = await clock.runUntil(Promise.all(all));
  assert.equal(version, count);
  return { signatures: signatures / count, posts: posts / count, ms };
}

async function average(count: number, what: Crowd): Promise<Cost> {
  const runs = 30;
  const sum = { signatures: 0, posts: 0, ms: 0 };
  const { random: chance } = Math;
  Math.random = random(1); // the same crowds in each run of the tests
  try {
    for (let i = 0; i < runs; i++) {
      const { signatures, posts, ms } = await crowd(count, what);
      sum.signatures += signatures / runs;
      sum.posts += posts / runs;
      sum.ms += ms / runs;
    }
  } finally {
    Math.random = chance;
  }
  return sum;
}

const SERVICE = { attempts: 20, spread: SERVICE_SPREAD, holder: { kind: "service" } } as const;
const KEYS_AT_HAND = keySigner(new MemoryKeyStore());

Deno.test("eight at once with keys at hand post twice for each tag at most, and are done in the time of 25 posts", async () => {
  const { posts, ms } = await average(8, { kind: KEYS_AT_HAND, signMs: 3 });
  assert.ok(posts <= 2 && ms <= 25 * POST_MS, `${posts} posts, ${ms} ms`);
});

Deno.test("a slow start of all does not make them wait longer, and who is late looks before the first post", async () => {
  const { posts, ms } = await average(8, { kind: KEYS_AT_HAND, signMs: 20, startMs: 1000, apartMs: 5 });
  assert.ok(posts <= 1.75 && ms <= 1300 + 30 * POST_MS, `${posts} posts, ${ms} ms`);
});

Deno.test("sixteen at once sign as rarely in vain where all of them are slow", async () => {
  for (const signMs of [600, 1500]) {
    const { signatures, posts } = await average(16, { kind: KEYS_AT_HAND, signMs, startMs: 1000, apartMs: 5 });
    assert.ok(signatures <= 3.9 && posts <= 2, `${signatures} signatures, ${posts} posts`);
  }
});

Deno.test("eight at once whose key a service holds have two signatures made for each tag", async () => {
  for (const signMs of [200, 1000]) {
    const { signatures, posts } = await average(8, { kind: SERVICE, signMs });
    assert.ok(signatures <= 2.1 && posts <= 2, `${signatures} signatures, ${posts} posts`);
  }
});

Deno.test("who has read for long looks before a service is asked: what others have published meanwhile costs nothing", async () => {
  const { signatures } = await average(8, { kind: SERVICE, signMs: 300, startMs: 1000, apartMs: 5 });
  assert.ok(signatures <= 2, `${signatures} signatures`);
});
