/** From preparing to publishing, with schemes and signers of a few lines: in which order, how often, and what is told. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { type ErrorFacts, isTagsealError, TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";
import { USER_AGENT } from "../../lib/http/send.ts";
import type { Batch } from "../../lib/signing/batch.ts";
import type { PayloadSigner, SignedBatch } from "../../lib/signing/payload_signer.ts";
import type { Job, SchemeResult, SignedPart } from "../../lib/signing/scheme.ts";
import { sign, type SignOptions } from "../../lib/signing/sign.ts";
import { KEYS } from "../support/trust_builder.ts";

const START = Date.UTC(2026, 5, 1, 12, 0, 0, 250);

function failure(code: TagsealErrorCode, facts: Partial<ErrorFacts> = {}): TagsealError {
  return new TagsealError(code, `It is ${code}`, { remedy: "Do this", ...facts });
}

const stale = failure("stale");

/** What goes wrong with a job, at each attempt; nothing where nothing is named. */
interface Faults {
  readonly prepare?: readonly unknown[];
  readonly look?: readonly unknown[];
  readonly check?: readonly unknown[];
  readonly publish?: readonly unknown[];
  /** There is nothing to sign. */
  readonly isDone?: boolean;
}

/** Jobs and a signer that note what is asked of them, and a clock that moves with each signing. */
class World {
  readonly steps: string[] = [];
  readonly batches: Batch[] = [];
  readonly parts: SignedPart[] = [];
  readonly times: Date[] = [];
  readonly slept: number[] = [];
  readonly ended: (readonly unknown[])[] = [];
  /** How long it takes to prepare. */
  readMs = 0;
  /** How long it takes to sign. */
  signMs = 1000;
  #now = START;

  job(
    repository: string,
    { prepare = [], look = [], check = [], publish = [], isDone = false }: Faults = {},
    scheme = "s",
  ): Job {
    const name = `${repository}/${scheme}`;
    let attempt = -1;
    const step = (what: string, fault: unknown) => {
      this.steps.push(`${what} ${name}`);
      if (fault !== undefined) throw fault;
    };
    const result = (outcome: SchemeResult["outcome"]): SchemeResult => ({ repository, outcome });
    // deno-lint-ignore require-await -- what it throws is a rejection
    const prepared = async (at: Date) => {
      this.times.push(at);
      step("prepare", prepare[++attempt]);
      this.#now += this.readMs;
      if (isDone) return { outcome: "unchanged", result: result("unchanged") } as const;
      const about = { repository, subject: "it", facts: {}, tags: [], removedTags: [] };
      const rules = { hash: "sha256", rsaPadding: "pkcs1" } as const;
      const payloads = [1, 2].map((n) => ({
        bytes: utf8(`${name} ${n}`),
        keys: [KEYS.releases.publicKey] as const,
        rules,
        about,
      }));
      return {
        outcome: "to-sign",
        part: { member: scheme, words: () => ({ repository }), payloads },
        // deno-lint-ignore require-await -- what they throw is a rejection
        look: async () => step("look", look[attempt]),
        // deno-lint-ignore require-await -- what they throw is a rejection
        check: async () => step("check", check[attempt]),
        // deno-lint-ignore require-await -- what they throw is a rejection
        publish: async (part: SignedPart) => {
          this.parts.push(part);
          step("publish", publish[attempt]);
          return result("published");
        },
      } as const;
    };
    return { repository, scheme, prepare: prepared };
  }

  signer(kind: "keys" | "service", answers: readonly (Partial<SignedBatch> | Error)[] = []): PayloadSigner {
    return {
      holder: kind === "service" ? { kind } : { kind, atHand: () => Promise.resolve(new Set()) },
      attempts: 3,
      spread: 4,
      // deno-lint-ignore require-await -- what it throws is a rejection
      sign: async (batch) => {
        const answer = answers[this.batches.length] ?? answers.at(-1) ?? {};
        this.batches.push(batch);
        this.steps.push("sign");
        this.#now += this.signMs;
        if (answer instanceof Error) throw answer;
        const signatures = new Map(batch.parts.flat().map(({ id }) => [id, utf8("signature")]));
        const nothing = { signatures, failures: new Map(), signingRequestId: null, isKept: false, unclearRequests: 0 };
        return { ...nothing, ...answer };
      },
      // deno-lint-ignore require-await -- as it is declared
      ended: async (failures) => void this.ended.push(failures),
    };
  }

  async run(jobs: readonly Job[], signer: PayloadSigner, more: Partial<SignOptions> = {}) {
    const { random } = Math;
    Math.random = () => 0.5;
    try {
      return await sign(jobs, {
        signer,
        now: () => new Date(this.#now),
        // deno-lint-ignore require-await -- as it is declared
        sleep: async (ms) => void this.slept.push(ms),
        ...more,
      });
    } finally {
      Math.random = random;
    }
  }
}

Deno.test("a service is asked once for all repositories, who holds keys for each by itself", async () => {
  const counts = { service: [4], keys: [2, 2] };
  for (const kind of ["service", "keys"] as const) {
    const world = new World();
    const origin = { build: "https://ci.test/7" };
    const result = await world.run([world.job("a"), world.job("b")], world.signer(kind), { origin });
    assert.deepEqual(world.batches.map(({ file }) => file.payloads.size), counts[kind]);
    assert.deepEqual(result.repositories.map(({ repository, outcome }) => [repository, outcome]), [
      ["a", "published"],
      ["b", "published"],
    ]);
    const { created, tool, manifest } = world.batches[0]!.file;
    assert.deepEqual([created, tool, manifest["origin"]], ["2026-06-01T12:00:00Z", USER_AGENT, origin]);
    assert.deepEqual(world.times, [new Date(START), new Date(START)]);
    assert.deepEqual([world.ended, world.slept], [[[]], []]);
  }
});

Deno.test("the last request is told, and how many may be there beside it, of all repositories and attempts", async () => {
  const world = new World();
  const answers = [{ signingRequestId: "first", unclearRequests: 1 }, { unclearRequests: 2 }];
  const { signingRequestId, unclearRequests } = await world.run(
    [world.job("a"), world.job("b")],
    world.signer("keys", answers),
  );
  assert.deepEqual([signingRequestId, unclearRequests], ["first", 3]);

  const again = new World();
  const later = [answers[0]!, { signingRequestId: "second", unclearRequests: 2 }];
  const result = await again.run([again.job("a", { publish: [stale] })], again.signer("service", later));
  assert.deepEqual([result.signingRequestId, result.unclearRequests], ["second", 3]);
});

Deno.test("where nothing is to be signed nobody is asked to", async () => {
  const world = new World();
  const result = await world.run(
    [world.job("a", { isDone: true }), world.job("b", { isDone: true })],
    world.signer("service"),
  );
  assert.deepEqual(world.steps, ["prepare a/s", "prepare b/s"]);
  assert.deepEqual(result.repositories.map(({ outcome }) => outcome), ["unchanged", "unchanged"]);
  assert.deepEqual([result.signingRequestId, world.ended], [null, [[]]]);
});

Deno.test("where one job of a repository cannot begin, none of it is signed, and others are", async () => {
  const world = new World();
  const [first, second] = [failure("not-found"), failure("forbidden")];
  const jobs = [
    world.job("a", {}, "s"),
    world.job("a", { prepare: [first] }, "t"),
    world.job("a", { prepare: [second] }, "u"),
    world.job("b"),
  ];
  const { repositories, failed } = await world.run(jobs, world.signer("service"));
  assert.deepEqual(world.batches.map(({ file }) => file.payloads.size), [2]);
  assert.deepEqual(repositories.map(({ repository }) => repository), ["b"]);
  assert.deepEqual(failed, [{ repository: "a", error: first }]);
  assert.deepEqual(world.ended, [[first, first, first]]);
});

Deno.test("a job hears that nothing more is done of it, once and last, whether it was published, began anew or failed", async () => {
  for (const kind of ["service", "keys"] as const) {
    const world = new World();
    const job = (name: string, faults: Faults = {}): Job => ({
      ...world.job(name, faults),
      ended: () => Promise.resolve(void world.steps.push(`end ${name}/s`)),
    });
    const jobs = [job("a"), job("b", { publish: [stale] }), job("c", { publish: [stale, stale, stale] })];
    await world.run(jobs, world.signer(kind));
    for (const name of ["a", "b", "c"]) {
      const own = world.steps.filter((step) => step.endsWith(` ${name}/s`));
      assert.deepEqual([own.filter((step) => step.startsWith("end")).length, own.at(-1)], [1, `end ${name}/s`], kind);
    }
    const broken = new World();
    let ended = 0;
    const sad = { ...broken.job("a"), ended: () => Promise.resolve(void ended++) };
    await broken.run([sad], broken.signer(kind, [failure("unavailable")])).catch(() => {});
    assert.equal(ended, 1, kind);
  }
});

Deno.test("where nothing could be signed all fail, once, and a request that may go on is told", async () => {
  const asked = failure("timed-out", { request: { id: "seven", goesOn: true } });
  for (const [error, id] of [[asked, "seven"], [stale, null], [new Error("odd"), null]] as const) {
    const world = new World();
    const result = await world.run([world.job("a"), world.job("b")], world.signer("service", [error]));
    assert.deepEqual(world.steps, ["prepare a/s", "prepare b/s", "sign"]);
    assert.deepEqual(result.failed, [{ repository: "a", error }, { repository: "b", error }]);
    assert.equal(result.signingRequestId, id);
  }
});

Deno.test("nothing of a repository is published before all of it is known to be good, then in its order", async () => {
  const bad = failure("trust-invalid");
  const world = new World();
  const jobs = [
    world.job("a", {}, "s"),
    world.job("a", { check: [bad] }, "t"),
    world.job("b", {}, "s"),
    world.job("b", {}, "t"),
  ];
  const done: string[] = [];
  const { failed } = await world.run(jobs, world.signer("service"), {
    onDone: (outcome) =>
      done.push(`${outcome.repository} ${"error" in outcome ? outcome.error : outcome.result.outcome}`),
  });
  assert.deepEqual(world.steps.filter((step) => step.startsWith("publish")), ["publish b/s", "publish b/t"]);
  assert.deepEqual(failed, [{ repository: "a", error: bad }]);
  assert.deepEqual(done.sort(), [`a ${bad}`, `a ${bad}`, "b published", "b published"]);
});

Deno.test("a payload that could not be signed fails its repository, with the reason of that payload", async () => {
  const world = new World();
  const refused = failure("forbidden");
  const failures = new Map([["payload/0004.json", refused]]);
  const { failed, repositories } = await world.run(
    [world.job("a"), world.job("b")],
    world.signer("service", [{ failures }]),
  );
  assert.deepEqual([failed, repositories.length], [[{ repository: "b", error: refused }], 1]);
  assert.ok(!world.steps.includes("check b/s"));
});

Deno.test("what an earlier run had signed is published in place of what was made now", async () => {
  const world = new World();
  const payloads = new Map<string, Bytes>([["payload/0002.json", utf8("earlier")]]);
  const madeAt = new Date(7);
  await world.run([world.job("a")], world.signer("service", [{ payloads, madeAt, isKept: true }]));
  const [part] = world.parts;
  assert.deepEqual(part!.payloads.map(({ id, bytes }) => [id, new TextDecoder().decode(bytes)]), [
    ["payload/0001.json", "a/s 1"],
    ["payload/0002.json", "earlier"],
  ]);
  assert.deepEqual([part!.madeAt, part!.wasAway, part!.beginsAnew], [madeAt, true, false]);
});

Deno.test("what others overtake begins anew after a pause, as often as the signer is worth, and without what is published", async () => {
  const world = new World();
  const told: unknown[] = [];
  const jobs = [
    world.job("a", {}, "s"),
    world.job("a", { publish: [stale, stale] }, "t"),
    world.job("b"),
  ];
  const { repositories } = await world.run(jobs, world.signer("service"), { onStale: (error) => told.push(error) });
  assert.deepEqual(repositories.map(({ repository }) => repository), ["a", "a", "b"]);
  assert.deepEqual(world.steps.filter((step) => step.startsWith("publish")).sort(), [
    "publish a/s",
    ...Array(3).fill("publish a/t"),
    "publish b/s",
  ]);
  assert.deepEqual(world.batches.map(({ file }) => file.payloads.size), [6, 2, 2]);
  assert.deepEqual(told, [stale, stale]);
  assert.deepEqual(world.slept, [2000, 2000]); // half of four times a second
  assert.deepEqual(world.times.slice(-2), [new Date(START + 1000), new Date(START + 2000)]);
});

Deno.test("with a key what others overtake begins anew unseen; what a service signed is looked for, and so is the last attempt", async () => {
  for (const [kind, races] of [["keys", [true, true, false]], ["service", [false, false, false]]] as const) {
    const world = new World();
    await world.run([world.job("a", { publish: [stale, stale] })], world.signer(kind));
    assert.deepEqual(world.parts.map(({ beginsAnew }) => beginsAnew), races);
  }
});

Deno.test("who was slow to read looks before the first signature of a service, and before the first post with a key", async () => {
  const rows: [kind: "service" | "keys", readMs: number, steps: string][] = [
    ["service", 751, "prepare, look, sign, check, publish"],
    ["service", 750, "prepare, sign, check, publish"], // what the signature takes does not count
    ["keys", 0, "prepare, sign, check, look, publish"],
  ];
  for (const [kind, readMs, expected] of rows) {
    const world = new World();
    world.readMs = readMs;
    await world.run([world.job("a")], world.signer(kind));
    assert.equal(world.steps.map((step) => step.replace(" a/s", "")).join(", "), expected);
  }
});

Deno.test("who begins anew looks after a slow reading as well, and never where there is nothing to begin anew", async () => {
  const before = { service: "look, sign, check, publish", keys: "sign, check, look, publish" };
  for (const kind of ["service", "keys"] as const) {
    const world = new World();
    world.readMs = 751;
    world.signMs = 0;
    await world.run([world.job("a", { publish: [stale, stale] })], world.signer(kind));
    const steps = world.steps.map((step) => step.replace(" a/s", "")).join(", ");
    const last = "prepare, sign, check, publish";
    assert.equal(steps, [...Array(2).fill(`prepare, ${before[kind]}`), last].join(", "));
  }
});

Deno.test("what is seen to be overtaken is not signed, and waits for as long as it took to read; others go on", async () => {
  const world = new World();
  world.readMs = 1600;
  const told: unknown[] = [];
  const jobs = [world.job("a", { look: [stale] }), world.job("b")];
  const { repositories } = await world.run(jobs, world.signer("service"), { onStale: (error) => told.push(error) });
  assert.deepEqual(repositories.map(({ repository }) => repository), ["a", "b"]);
  assert.deepEqual(world.batches.map(({ file }) => file.payloads.size), [2, 2]);
  assert.deepEqual(told, [stale]);

  const alone = new World();
  alone.readMs = 1000;
  await alone.run([alone.job("a", { look: [stale] })], alone.signer("service"));
  assert.deepEqual([alone.batches.length, alone.slept], [1, [2000]]); // half of four times a second
});

Deno.test("a look that fails, or a service that does, is told of whatever was to be signed", async () => {
  const down = failure("unavailable");
  const rows = [
    [{ look: [down] }, {}, ["a"]],
    [{ look: [stale] }, down, ["a", "b"]],
  ] as const;
  for (const [faults, answer, repositories] of rows) {
    const world = new World();
    world.readMs = 1600;
    const { failed } = await world.run([world.job("a", faults), world.job("b")], world.signer("service", [answer]));
    assert.deepEqual(failed, repositories.map((repository) => ({ repository, error: down })));
  }
});

Deno.test("who begins anew looks where it took long to sign, unless what was signed is kept: that is published on what is read then", async () => {
  const rows = [[101, false, 1], [100, false, 0], [101, true, 0]] as const;
  for (const [signMs, isKept, looks] of rows) {
    const world = new World();
    world.signMs = signMs;
    await world.run([world.job("a", { publish: [stale] })], world.signer("service", [{ isKept }]));
    assert.equal(world.steps.filter((step) => step.startsWith("look")).length, looks);
  }
});

Deno.test("an attempt is slow after three quarters of a second for each repository, and the last one looks no more", async () => {
  const steps = async (kind: "service" | "keys", names: string[], readMs: number, more: Partial<SignOptions> = {}) => {
    const world = Object.assign(new World(), { readMs, signMs: 0 });
    await world.run(names.map((name) => world.job(name)), world.signer(kind), more);
    return world.steps;
  };
  const [read, publish] = ["prepare a/s", ["check a/s", "publish a/s"]];
  assert.deepEqual(await steps("service", ["a"], 750), [read, "sign", ...publish]);
  assert.deepEqual(await steps("service", ["a"], 751, { attempts: 1 }), [read, "sign", ...publish]);
  assert.deepEqual(await steps("keys", ["a"], 750), [read, "sign", ...publish]);
  assert.deepEqual(await steps("keys", ["a"], 751), [read, "sign", "check a/s", "look a/s", "publish a/s"]);
  assert.deepEqual(await steps("keys", ["a"], 751, { attempts: 1 }), [read, "sign", ...publish]);
  const looks = async (names: string[], readMs: number) =>
    (await steps("service", names, readMs)).filter((step) => step.startsWith("look")).length;
  assert.deepEqual([await looks(["a", "b"], 750), await looks(["a", "b"], 751)], [0, 2]);
});

Deno.test("whoever sees before signing that others were faster begins anew with that alone", async () => {
  const world = Object.assign(new World(), { readMs: 2000 });
  const jobs = [world.job("a", { isDone: true }), world.job("b", { look: [stale] })];
  await world.run(jobs, world.signer("service"));
  const again = ["prepare b/s", "look b/s"];
  assert.deepEqual(world.steps.slice(0, 6), ["prepare a/s", ...again, ...again, "sign"]);
});

Deno.test("who begins anew waits over a time that grows with what it takes to be overtaken, with keys each by itself", async () => {
  const slept = async (kind: "service" | "keys", count: number, contended: number) => {
    const world = Object.assign(new World(), { signMs: 10 });
    const faults = Array.from({ length: count }, (_, i) => i < contended ? { publish: [stale] } : {});
    await world.run(faults.map((fault, i) => world.job(`r${i}`, fault)), world.signer(kind));
    return world.slept;
  };
  assert.deepEqual(await slept("keys", 1, 1), [20]);
  assert.deepEqual(await slept("keys", 2, 1), [80], "two are signed meanwhile, and they are several");
  assert.deepEqual(await slept("keys", 3, 1), [120], "three");
  assert.deepEqual(await slept("keys", 4, 3), [160, 120, 80]);
  assert.deepEqual(await slept("service", 4, 3), [20]);
});

Deno.test("reading is part of what it takes to be overtaken, but for the first time: a process starts then", async () => {
  const world = Object.assign(new World(), { readMs: 15, signMs: 10 });
  await world.run([world.job("a", { publish: [stale, stale] })], world.signer("keys"));
  assert.deepEqual(world.slept, [20, 50]);
});

Deno.test("with keys those that begin anew go on one at a time until they have posted, and others beside one another", async () => {
  for (const [first, atOnce] of [[[], 3], [[stale], 1]] as const) {
    const world = new World();
    let [underWay, most] = [0, 0];
    const jobs = ["a", "b", "c"].map((name) => {
      const job = world.job(name, { publish: first });
      let attempt = 0;
      return {
        ...job,
        async prepare(at: Date) {
          const prepared = await job.prepare(at);
          if (attempt++ !== first.length || prepared.outcome !== "to-sign") return prepared;
          most = Math.max(most, ++underWay);
          const publish = async (part: SignedPart) => {
            await new Promise((resolve) => setTimeout(resolve, 1));
            underWay--;
            return await prepared.publish(part);
          };
          return { ...prepared, publish };
        },
      };
    });
    const { repositories } = await world.run(jobs, world.signer("keys"));
    assert.deepEqual(repositories.map(({ outcome }) => outcome), Array(3).fill("published"));
    assert.equal(most, atOnce);
  }
});

Deno.test("the last attempt's failure is told, and nothing begins anew after what others have changed since", async () => {
  const rows: [string, TagsealError, Partial<SignOptions>, number][] = [
    ["the last attempt", stale, {}, 3],
    ["a single attempt", stale, { attempts: 1 }, 1],
    ["it was published", failure("stale", { published: "yes" }), {}, 1],
    ["another failure", failure("unavailable"), {}, 1],
  ];
  for (const [name, error, more, attempts] of rows) {
    const world = new World();
    await assert.rejects(
      world.run([world.job("a", { publish: Array(5).fill(error) })], world.signer("service"), more),
      (thrown) => thrown === error,
      name,
    );
    assert.deepEqual([world.batches.length, world.slept.length], [attempts, attempts - 1], name);
    assert.deepEqual(world.ended, [[error]], name);
  }
});

Deno.test("where the signed file is kept, who failed to publish is told to publish it, unless it is of no use", async (t) => {
  const again = "Do not sign again: publish what is signed already";
  const after = "Do this. Then publish what is signed already";
  const rows: [at: "check" | "publish", TagsealErrorCode, Partial<ErrorFacts>, remedy: string | undefined][] = [
    ["publish", "unavailable", {}, again],
    ["publish", "interrupted", {}, again],
    ["publish", "unauthenticated", {}, after],
    ["publish", "forbidden", {}, after],
    ["publish", "bad-input", {}, after],
    ["publish", "bad-input", { published: "maybe" }, again],
    ["publish", "trust-invalid", { published: "maybe" }, again],
    ["publish", "forbidden", { published: "maybe" }, after],
    ["publish", "unauthenticated", { published: "maybe" }, after],
    ["publish", "trust-invalid", {}, undefined],
    ["publish", "trust-invalid", { reason: "served" }, after],
    ["check", "trust-invalid", { reason: "served" }, after],
    ["check", "bad-input", { reason: "served" }, undefined],
    ["publish", "stale", {}, undefined],
    ["publish", "stale", { published: "maybe" }, undefined],
    ["check", "unavailable", {}, again],
    ["check", "interrupted", {}, again],
    ["check", "unauthenticated", {}, after],
    ["check", "forbidden", {}, after],
    ["check", "bad-input", {}, undefined],
    ["check", "trust-invalid", {}, undefined],
  ];
  for (const [at, code, facts, remedy] of rows) {
    await t.step(`${at}: ${code} ${facts.published ?? ""}`, async () => {
      const error = failure(code, facts);
      const run = async (isKept: boolean): Promise<unknown> => {
        const world = new World();
        const jobs = [world.job("a", { [at]: [error] }), world.job("b")];
        const signer = world.signer("service", [{ signingRequestId: "seven", isKept }]);
        let told: unknown;
        const onDone: SignOptions["onDone"] = (end) => "error" in end && (told = end.error);
        await world.run(jobs, signer, { attempts: 1, onDone }).catch(() => {}); // an interruption ends all
        return told;
      };
      assert.equal(await run(false), error);
      const told = await run(true);
      if (remedy === undefined) return assert.equal(told, error);
      assert.ok(isTagsealError(told, code));
      assert.equal(told.message, `Signed, but perhaps not published: It is ${code}`);
      assert.deepEqual([told.remedy, told.published, told.request], [remedy, facts.published, {
        id: "seven",
        goesOn: true,
      }]);
      const publish = { do: "as-told", remedy: "Then publish what is signed already" };
      const steps = [{ do: "as-told", remedy: "Do this" }, publish];
      assert.deepEqual(told.next, remedy === after ? { do: "in-turn", steps } : undefined);
    });
  }
  await t.step("what is no error of ours is told as it is", async () => {
    const world = new World();
    const odd = new Error("odd");
    const signer = world.signer("service", [{ signingRequestId: "seven", isKept: true }]);
    await assert.rejects(world.run([world.job("a", { publish: [odd] })], signer), (error) => error === odd);
  });
});
