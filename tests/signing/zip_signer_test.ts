/** One file for all: filed once however often a run begins anew, and what comes back is what was sent, with signatures. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { type ErrorFacts, TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";
import { assembleBatch, type Batch } from "../../lib/signing/batch.ts";
import type { KeptRequest } from "../../lib/signing/kept_requests.ts";
import type { ReadWork, WorkUnit } from "../../lib/signing/work_unit.ts";
import { SERVICE_SPREAD } from "../../lib/signing/payload_signer.ts";
import {
  ARTIFACT_NAME,
  fileSigner,
  type Resume,
  zipSigner,
  type ZipSignerOptions,
} from "../../lib/signing/zip_signer.ts";
import type { Submission } from "../../lib/signpath/types.ts";
import { failsWith } from "../support/failures.ts";
import { KEYS } from "../support/trust_builder.ts";

const LIMITS = { entries: 100, entryBytes: 2 ** 20, totalBytes: 2 ** 20 };
const NOW = new Date("2026-06-01T12:00:00Z");

/** What is to be signed in one run; `run` makes the bytes differ as the time does. */
function batchOf(run: string, ...subjects: string[]): Batch {
  const rules = { hash: "sha256", rsaPadding: "pkcs1" } as const;
  const about = (subject: string) => ({
    repository: "r.test/a",
    subject,
    facts: {},
    tags: [{ tag: "v1", digest: `sha256:${"ab".repeat(32)}` }],
    removedTags: [],
  });
  const payloads = subjects.map((subject) => ({
    bytes: utf8(`${run} ${subject}`),
    keys: [KEYS.releases.publicKey] as const,
    rules,
    about: about(subject),
  }));
  const part = {
    member: "units",
    trust: new Map([["targets", utf8("{}")], ["targets/releases", utf8("{}")]]),
    payloads,
    words: (named: readonly { readonly id: string; readonly bytes: Bytes }[]) => ({
      units: named.map(({ id, bytes }, i) => ({
        payload: id,
        sha256: sha256Hex(bytes),
        subject: subjects[i]!,
      })),
    }),
  };
  return assembleBatch([part], run === "now" ? "2026-06-01T12:00:00Z" : "2026-05-31T12:00:00Z", "test");
}

const workIn: ReadWork = ({ manifest }) =>
  (manifest["units"] as { units: { payload: string; subject: string }[] }[]).flatMap(({ units }) =>
    units.map(({ payload, subject }): WorkUnit => ({
      repository: "r.test/a",
      payload,
      purpose: subject,
      sha256: `work of ${subject}`,
    }))
  );

/** A signed file of `batch`, whatever `change` makes of its entries. */
async function signed(file: Bytes, change: (entries: Map<string, Bytes>) => unknown = () => {}): Promise<Bytes> {
  const entries = new Map(await readZip(file, LIMITS));
  for (const name of [...entries.keys()]) {
    if (name.startsWith("payload/")) entries.set(`${name}.sig`, utf8(`signature of ${name}`));
  }
  change(entries);
  return await writeZip([...entries].map(([name, bytes]) => ({ name, bytes })));
}

async function fileOf(batch: Batch): Promise<Bytes> {
  let file: Bytes | undefined;
  await fileSigner((sent) => {
    file = sent;
    return Promise.reject(new Error("not now"));
  }).sign(batch).catch(() => {});
  return file!;
}

/** A service that signs what it is sent, and a place where requests are kept. */
class World {
  readonly submitted: Submission[] = [];
  readonly followed: string[] = [];
  readonly told: string[] = [];
  readonly asked: string[] = [];
  refusal: TagsealError | undefined;
  kept: KeptRequest[] = [];
  files = new Map<string, Bytes>();

  signer(
    resume?: Partial<Resume> & { readonly isKept?: boolean },
    more: Partial<ZipSignerOptions> = {},
    description?: string,
  ) {
    const client = {
      submit: (submission: Submission) => {
        this.submitted.push(submission);
        if (this.refusal) return Promise.reject(this.refusal);
        const signingRequestId = `request-${this.submitted.length}`;
        this.files.set(signingRequestId, submission.artifact);
        return Promise.resolve({ signingRequestId, url: "https://sp.test/", unclearRequests: 2 });
      },
      status: (id: string) => {
        this.asked.push(id);
        return Promise.resolve({ status: "Completed", workflowStatus: "Completed", isFinalStatus: true });
      },
    };
    const requests = {
      list: () => Promise.resolve([...this.kept]),
      // deno-lint-ignore require-await -- as it is declared
      keep: async (request: KeptRequest) =>
        void (this.kept = [
          ...this.kept.filter(({ signingRequestId: id, work, account }) =>
            id !== undefined &&
            !isDeepStrictEqual([id, work, account], [request.signingRequestId, request.work, request.account])
          ),
          request,
        ]),
      // deno-lint-ignore require-await -- as it is declared
      forget: async (request: KeptRequest) => void (this.kept = this.kept.filter((one) => one !== request)),
      alone: <T>(_: KeptRequest, use: () => Promise<T>) => use(),
    };
    const kept = { requests, account: "ours" };
    const { isKept = true, ...rest } = resume ?? {};
    return zipSigner(
      client as unknown as Parameters<typeof zipSigner>[0],
      { projectSlug: "app", signingPolicySlug: "release", ...(description === undefined ? {} : { description }) },
      {
        timeoutMs: 1000,
        now: () => NOW,
        sleep: () => Promise.resolve(),
        signal: new AbortController().signal,
        onProgress: (line) => this.told.push(line),
        follow: async (id) => {
          this.followed.push(id);
          return await signed(this.files.get(id)!);
        },
        ...(resume ? { resume: { workIn, anew: false, ...(isKept ? { kept } : {}), ...rest } } : {}),
        ...more,
      },
    );
  }
}

function failure(code: TagsealErrorCode, facts: Partial<ErrorFacts> = {}): TagsealError {
  return new TagsealError(code, "It fails", { remedy: "Try again", ...facts });
}

Deno.test("a file is filed under its name with what it is for, followed, and its signatures given back", async () => {
  for (const resume of [undefined, {}, { isKept: false }]) {
    const world = new World();
    const signer = world.signer(resume);
    assert.deepEqual([signer.holder, signer.attempts, signer.spread], [{ kind: "service" }, 10, SERVICE_SPREAD]);
    const answer = await signer.sign(batchOf("now", "one", "two"));
    assert.equal(ARTIFACT_NAME, "docker-signing-data.zip");
    assert.deepEqual([...answer.signatures.keys()], ["payload/0001.json", "payload/0002.json"]);
    assert.deepEqual(answer.signatures.get("payload/0001.json"), utf8("signature of payload/0001.json"));
    const { signingRequestId, isKept, failures, unclearRequests, payloads, madeAt } = answer;
    assert.deepEqual([signingRequestId, isKept, failures.size, unclearRequests], ["request-1", true, 0, 2]);
    assert.deepEqual([payloads, madeAt], [undefined, undefined]);
    const [{ artifact: _, description, ...submission }] = world.submitted as [Submission];
    assert.deepEqual(submission, { projectSlug: "app", signingPolicySlug: "release", fileName: ARTIFACT_NAME });
    assert.match(description!, /r\.test\/a/);
    assert.deepEqual(world.followed, ["request-1"]);
    await world.signer(resume, {}, "Release 7").sign(batchOf("now", "three"));
    assert.equal(world.submitted[1]!.description, "Release 7");
    const service = { kind: "service", policyKey: () => Promise.resolve(undefined) } as const;
    assert.equal(world.signer(resume, { service }).holder, service);
  }
});

Deno.test("what comes back must be what was sent, with signatures and nothing else", async (t) => {
  const manifest = "docker-signing-data.json";
  const changes: [name: string, change: (entries: Map<string, Bytes>) => unknown][] = [
    [
      "another time",
      (all) => all.set(manifest, utf8(new TextDecoder().decode(all.get(manifest)).replace("2026-06", "2026-07"))),
    ],
    [
      "another tool",
      (all) => all.set(manifest, utf8(new TextDecoder().decode(all.get(manifest)).replace('"test"', '"text"'))),
    ],
    ["other trust data", (all) => all.set("trust/1/targets.json", utf8("[]"))],
    ["no trust data", (all) => all.delete("trust/1/targets.json")],
    ["more trust data", (all) => all.set("trust/2/targets.json", utf8("{}"))],
    [
      "trust data of another name",
      (all) => (all.delete("trust/1/targets.json"), all.set("trust/2/targets.json", utf8("{}"))),
    ],
    ["another payload", (all) => {
      const text = new TextDecoder().decode(all.get(manifest));
      all.set(manifest, utf8(text.replace(sha256Hex(utf8("now one")), sha256Hex(utf8("two")))));
      all.set("payload/0001.json", utf8("two"));
    }],
  ];
  for (const [name, change] of changes) {
    for (const resume of [undefined, {}]) {
      await t.step(`${name}${resume ? ", where requests are kept" : ""}`, async () => {
        const world = new World();
        const follow = (id: string) => signed(world.files.get(id)!, change);
        const signing = world.signer(resume, { follow }).sign(batchOf("now", "one"));
        const error = await failsWith(
          signing,
          "trust-invalid",
          "The signed file is not the one that was sent for signing",
        );
        assert.deepEqual(error.request, { id: "request-1", goesOn: false });
      });
    }
  }
  await t.step("as another signer of files gives it back", async () => {
    const signFile = async (file: Bytes) => ({ signed: await signed(file), signingRequestId: "seven" });
    const answer = await fileSigner(signFile).sign(batchOf("now", "one"));
    assert.deepEqual([answer.signingRequestId, answer.unclearRequests, answer.isKept], ["seven", 0, true]);
    const other = async () => ({
      signed: await signed(await fileOf(batchOf("earlier", "one"))),
      signingRequestId: "seven",
    });
    await failsWith(fileSigner(other).sign(batchOf("now", "one")), "trust-invalid", "is not the one that was sent");
  });
});

Deno.test("a run that is begun anew goes on with the request that it filed, and signs nothing twice", async () => {
  const world = new World();
  await world.signer({}).sign(batchOf("earlier", "one"));
  assert.deepEqual(world.kept.map(({ signingRequestId, account }) => [signingRequestId, account]), [[
    "request-1",
    "ours",
  ]]);
  const signer = world.signer({});
  const answer = await signer.sign(batchOf("now", "one"));
  assert.deepEqual([world.submitted.length, world.asked, answer.signingRequestId], [1, ["request-1"], "request-1"]);
  assert.deepEqual(answer.payloads, new Map([["payload/0001.json", utf8("earlier one")]]));
  assert.deepEqual([answer.madeAt, answer.unclearRequests], [new Date("2026-05-31T12:00:00Z"), 0]);
});

Deno.test("a request that somebody has named is followed, once, and none is filed", async () => {
  const world = new World();
  world.files.set("seven", await fileOf(batchOf("earlier", "one")));
  const signer = world.signer({ signingRequestId: "seven" });
  assert.equal(signer.attempts, 1);
  const answer = await signer.sign(batchOf("now", "one"));
  assert.deepEqual([world.submitted, world.followed, answer.signingRequestId], [[], ["seven"], "seven"]);
  assert.deepEqual(answer.payloads, new Map([["payload/0001.json", utf8("earlier one")]]));
});

Deno.test("what is of no use is forgotten, of this account and for this work; what may go on is kept, and what is published", async (t) => {
  type End = "published" | "forgotten" | "kept";
  const rows: [name: string, failures: readonly unknown[], end: End][] = [
    ["all is published", [], "published"],
    [
      "it is of no use",
      [failure("stale"), failure("trust-invalid", { request: { id: "x", goesOn: false } })],
      "forgotten",
    ],
    ["it is of no use, and that is all", [failure("stale")], "forgotten"],
    ["it is interrupted", [failure("stale"), failure("interrupted")], "kept"],
    ["it goes on", [failure("unavailable", { request: { id: "x", goesOn: true } })], "kept"],
    ["nobody knows", [new Error("odd")], "kept"],
  ];
  for (const [name, failures, end] of rows) {
    await t.step(name, async () => {
      const world = new World();
      const signer = world.signer({});
      await signer.sign(batchOf("now", "one"));
      const [mine] = world.kept;
      const others: KeptRequest[] = [
        { ...mine!, account: "theirs" },
        { ...mine!, signingRequestId: "another" },
        { ...mine!, work: [{ repository: "r.test/a", purpose: "two", sha256: "work of two" }] },
      ];
      world.kept.push(...others);
      await signer.ended!(failures);
      const own = { published: [{ ...mine!, publishedAt: NOW }], forgotten: [], kept: [mine!] }[end];
      assert.deepEqual(new Set(world.kept), new Set([...own, ...others]));
    });
  }
  await t.step("it may have been filed unheard", async () => {
    const world = new World();
    world.refusal = failure("unavailable", { filed: "maybe" });
    const signer = world.signer({});
    await failsWith(signer.sign(batchOf("now", "one")), "unavailable");
    await signer.ended!([world.refusal]);
    assert.deepEqual(world.kept.map(({ signingRequestId }) => signingRequestId), [undefined]);
  });
  await t.step("of what it was filed for only a part is to be signed still", async () => {
    const world = new World();
    await world.signer({}).sign(batchOf("earlier", "one", "two"));
    const signer = world.signer({});
    await signer.sign(batchOf("now", "one"));
    await signer.ended!([]);
    assert.deepEqual([world.submitted.length, world.kept.map(({ publishedAt }) => publishedAt)], [1, [NOW]]);
  });
  await t.step("nothing was filed, or nothing is kept", async () => {
    const world = new World();
    const unheard: KeptRequest = { filedAt: NOW, account: "ours", work: [] };
    world.kept = [unheard];
    await world.signer({}).ended!([]);
    assert.deepEqual(world.kept, [unheard]);
    const signer = world.signer({ isKept: false });
    await signer.sign(batchOf("now", "one"));
    await signer.ended!([]);
  });
  await t.step("it was filed unheard, and somebody has found its id", async () => {
    for (const [subject, isFound] of [["one", true], ["two", false]] as const) {
      const world = new World();
      world.files.set("seven", await fileOf(batchOf("earlier", subject)));
      const work = [{ repository: "r.test/a", purpose: "one", sha256: "work of one" }];
      const unheard: KeptRequest = { filedAt: NOW, account: "ours", work };
      world.kept = [unheard];
      const signer = world.signer({ signingRequestId: "seven" });
      await signer.sign(batchOf("now", "one")).catch(() => {});
      await signer.ended!([]);
      assert.deepEqual(world.kept, [isFound ? { ...unheard, signingRequestId: "seven", publishedAt: NOW } : unheard]);
    }
  });
  await t.step("that is waited for", async () => {
    const world = new World();
    let isKept = false;
    const requests = {
      list: () => Promise.resolve(world.kept),
      keep: async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        isKept = true;
      },
      forget: () => Promise.resolve(),
      alone: <T>(_: unknown, use: () => Promise<T>) => use(),
    };
    const signer = world.signer({ kept: { requests, account: "ours" } });
    await signer.sign(batchOf("now", "one"));
    const work = [{ repository: "r.test/a", purpose: "one", sha256: "work of one" }];
    world.kept = [{ signingRequestId: "request-1", filedAt: NOW, account: "ours", work }];
    isKept = false;
    await signer.ended!([]);
    assert.ok(isKept);
  });
  await t.step("what cannot be looked at, or removed, is left to the next run", async () => {
    const world = new World();
    const broken = () => Promise.reject(failure("bad-input"));
    for (const method of ["list", "keep", "forget"] as const) {
      const requests = {
        list: () => Promise.resolve(world.kept),
        keep: () => Promise.resolve(),
        forget: broken,
        alone: <T>(_: unknown, use: () => Promise<T>) => use(),
      };
      if (method === "list") requests.list = broken;
      if (method === "keep") requests.keep = broken;
      const signer = world.signer({ kept: { requests, account: "ours" } });
      await signer.sign(batchOf("now", "one"));
      world.kept = [{
        signingRequestId: `request-${world.submitted.length}`,
        filedAt: NOW,
        account: "ours",
        work: [{ repository: "r.test/a", purpose: "one", sha256: "work of one" }],
      }];
      await signer.ended!(method === "forget" ? [failure("stale")] : []);
      world.kept = [];
    }
  });
});
