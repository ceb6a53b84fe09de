/** One signing request for one work, however often a run is begun anew. */
import assert from "node:assert/strict";
import { TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";
import { fileOnce, type FilingOnce } from "../../lib/signing/file_once.ts";
import type { KeptRequest } from "../../lib/signing/kept_requests.ts";
import type { SigningRequestStatus } from "../../lib/signpath/types.ts";
import { failsWith } from "../support/failures.ts";

const NOW = new Date("2026-06-10T12:00:00Z");
const DAY_MS = 86_400_000;
const PAGE = "https://sp.test/Web/old-1";

const unit = (purpose: string, sha256 = `${purpose}, first`) => ({
  repository: "registry.test/acme/a",
  payload: `payload/${purpose}.json`,
  purpose,
  sha256,
});
const WORK = [unit("releases"), unit("team")];

/** A request that was filed for {@linkcode WORK} two hours ago. */
function before(more: Partial<KeptRequest> = {}): KeptRequest {
  return { signingRequestId: "old-1", filedAt: new Date(+NOW - DAY_MS / 12), account: "ours", work: WORK, ...more };
}

/** The same, of which nothing was heard. */
function unheard(more: Partial<KeptRequest> = {}): KeptRequest {
  const { signingRequestId: _, ...rest } = before(more);
  return rest;
}

function state(status: string, isFinalStatus: boolean, more: Partial<SigningRequestStatus> = {}): SigningRequestStatus {
  return { status, workflowStatus: status, isFinalStatus, ...more };
}

function failure(code: TagsealErrorCode, filed?: "maybe"): TagsealError {
  return new TagsealError(code, "It fails", { remedy: "Try again", filed });
}

/** Files {@linkcode WORK} where `earlier` is kept; `steps` says what is done, in its order. */
function run(
  earlier: readonly KeptRequest[],
  answer: SigningRequestStatus | Error = state("WaitingForApproval", false),
  change: (how: FilingOnce) => FilingOnce = (how) => how,
) {
  const steps: string[] = [];
  const told: string[] = [];
  let kept = [...earlier];
  const isOf = (work: KeptRequest["work"]) => (one: KeptRequest) =>
    one.work.map(({ sha256 }) => sha256).join() === work.map(({ sha256 }) => sha256).join();
  const how = change({
    client: {
      status: (id) => {
        steps.push(`ask for ${id}`);
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    kept: {
      list: () => Promise.resolve([...kept]),
      keep: (request) => {
        steps.push(`keep ${request.signingRequestId ?? "that one is filed"}`);
        kept = [...kept.filter((one) => !isOf(request.work)(one)), request];
        return Promise.resolve();
      },
      forget: (request) => {
        steps.push(`forget ${request.signingRequestId ?? "that one is filed"}`);
        kept = kept.filter((one) =>
          one !== request && (one.signingRequestId ?? "") !== (request.signingRequestId ?? "")
        );
        return Promise.resolve();
      },
      alone: async ({ account, work }, use) => {
        assert.deepEqual([account, work], ["ours", WORK]);
        steps.push("alone");
        const result = await use();
        steps.push("no longer alone");
        return result;
      },
    },
    account: "ours",
    anew: false,
    now: () => NOW,
    signal: new AbortController().signal,
    onProgress: (line) => told.push(line),
    submit: () => {
      steps.push("submit");
      return Promise.resolve({ signingRequestId: "new-1", url: "https://sp.test/new-1", unclearRequests: 2 });
    },
  });
  return { filed: fileOnce(WORK, how), steps, told, kept: () => kept };
}

const ANEW = ["keep that one is filed", "submit", "keep new-1"];

Deno.test("where nothing was filed, a request is; it is kept before anything is sent, and with its id afterwards", async () => {
  const { filed, steps, told, kept } = run([]);
  const { signingRequestId, unclearRequests, isEarlier } = await filed;
  assert.deepEqual([signingRequestId, unclearRequests, isEarlier], ["new-1", 2, false]);
  assert.deepEqual([steps, told], [["alone", ...ANEW, "no longer alone"], []]);
  assert.deepEqual(kept(), [{ signingRequestId: "new-1", filedAt: NOW, account: "ours", work: WORK }]);
});

Deno.test("a request for the same that goes on or is completed is gone on with; another one is filed otherwise", async (t) => {
  const goesOn = "Going on with signing request old-1, which was filed at 2026-06-10T10:00:00Z for this";
  const filedFor = "Signing request old-1, which was filed at 2026-06-10T10:00:00Z for this,";
  const overtaken = "Signing request old-1 was filed at 2026-06-10T10:00:00Z for the same tags, and cannot be " +
    "published any more: others have published since. A new one is filed; cancel the old one if it still waits.";
  const week = 7 * DAY_MS;
  const at = (ms: number) => before({ filedAt: new Date(+NOW + ms) });
  const late = (ms: number) =>
    `Going on with signing request old-1, which was filed at ${at(ms).filedAt.toISOString().slice(0, 19)}Z for this`;
  const asked = "ask for old-1";
  const forgot = "forget old-1";
  const rows: [
    name: string,
    earlier: readonly KeptRequest[],
    answer: SigningRequestStatus | Error | undefined,
    steps: readonly string[],
    told: readonly string[],
  ][] = [
    ["waits", [before()], state("WaitingForApproval", false), [asked], [goesOn]],
    ["has a page", [before()], state("InProgress", false, { webLink: PAGE }), [asked], [`${goesOn}: ${PAGE}`]],
    ["completed", [before()], state("Completed", true), [asked], [goesOn]],
    ["denied", [before()], state("Denied", true), [asked, forgot, ...ANEW], [
      `${filedFor} ended as "Denied": a new one is filed.`,
    ]],
    ["not known", [before()], failure("not-found"), [asked, forgot, ...ANEW], [
      `${filedFor} is not known to SignPath: a new one is filed.`,
    ]],
    ["an id that is none", [before()], failure("usage"), [asked, forgot, ...ANEW], [
      `${filedFor} is not known to SignPath: a new one is filed.`,
    ]],
    ["for more", [before({ work: [...WORK, unit("other")] })], undefined, [asked], [goesOn]],
    ["for less", [before({ work: WORK.slice(1) })], undefined, ANEW, []],
    ["for something else", [before({ work: [unit("other")] })], undefined, ANEW, []],
    ["of another account", [before({ account: "theirs" })], undefined, ANEW, []],
    ["a week old", [at(-week)], undefined, [asked], [late(-week)]],
    ["more than a week old", [at(-week - 1)], undefined, [forgot, ...ANEW], []],
    ["of another account, more than a week old", [{ ...at(-week - 1), account: "theirs" }], undefined, [
      forgot,
      ...ANEW,
    ], []],
    ["published", [before({ publishedAt: at(-600_000).filedAt })], state("Completed", true), [asked], [goesOn]],
    ["published long ago", [before({ publishedAt: at(-600_001).filedAt })], undefined, [forgot, ...ANEW], []],
    [
      "what it builds upon is published",
      [before({ publishedAt: NOW, work: [WORK[0]!, unit("team", "another base")] })],
      undefined,
      ANEW,
      [],
    ],
    ["from a clock that went ahead", [at(week)], undefined, [asked], [late(week)]],
    ["from a clock that was wrong", [at(week + 1)], undefined, [forgot, ...ANEW], []],
    ["overtaken in one role", [before({ work: [WORK[0]!, unit("team", "another base")] })], undefined, [
      forgot,
      ...ANEW,
    ], [overtaken]],
    [
      "perhaps filed, and overtaken",
      [
        unheard({ work: WORK.map(({ purpose }) => unit(purpose, "another base")) }),
      ],
      undefined,
      ANEW,
      [],
    ],
    [
      "two of them",
      [
        before({ signingRequestId: "older-1", filedAt: new Date(+NOW - DAY_MS) }),
        before(),
        before({ signingRequestId: "older-2", filedAt: new Date(+NOW - DAY_MS / 2) }),
      ],
      undefined,
      [asked],
      [goesOn],
    ],
  ];
  for (const [name, earlier, answer, expected, words] of rows) {
    await t.step(name, async () => {
      const { filed, steps, told } = run(earlier, answer);
      const isEarlier = !expected.includes("submit");
      const { signingRequestId, ...more } = await filed;
      assert.deepEqual([signingRequestId, more.isEarlier], isEarlier ? ["old-1", true] : ["new-1", false]);
      assert.deepEqual(steps, ["alone", ...expected, "no longer alone"]);
      assert.deepEqual(told, words);
    });
  }
});

Deno.test("where it is not known what became of a request, none is filed, and it stays kept", async (t) => {
  for (const code of ["unavailable", "unauthenticated", "forbidden", "interrupted"] as const) {
    await t.step(code, async () => {
      const { filed, steps, kept } = run([before()], failure(code));
      await failsWith(filed, code, "It fails");
      assert.deepEqual([steps, kept().length], [["alone", "ask for old-1"], 1]);
    });
  }
});

Deno.test("a run that was ended while it filed one may have filed it: none is filed, unless somebody has looked", async () => {
  const earlier = unheard();
  const { filed, steps, kept } = run([earlier]);
  const error = await failsWith(filed, "exists", "ended while it was filing it, at 2026-06-10T10:00:00Z");
  assert.deepEqual(error.next, { do: "look-for-own-request" });
  assert.equal(error.details["filedAt"], "2026-06-10T10:00:00.000Z");
  assert.deepEqual([steps, kept()], [["alone"], [earlier]]);
  const looked = run([earlier], undefined, (how) => ({ ...how, anew: true }));
  assert.equal((await looked.filed).signingRequestId, "new-1");
  assert.deepEqual(looked.steps, ["alone", "forget that one is filed", ...ANEW, "no longer alone"]);
});

Deno.test("a request that was certainly not filed is forgotten; one that may have been is not", async (t) => {
  const rows: [name: string, error: Error, isForgotten: boolean][] = [
    ["refused", failure("bad-input"), true],
    ["the answer was lost", failure("unavailable", "maybe"), false],
    ["nobody knows", new Error("a defect"), false],
  ];
  for (const [name, error, isForgotten] of rows) {
    await t.step(name, async () => {
      const { filed, steps } = run([], undefined, (how) => ({ ...how, submit: () => Promise.reject(error) }));
      await assert.rejects(filed, (thrown) => thrown === error);
      assert.deepEqual(steps, [
        "alone",
        "keep that one is filed",
        ...isForgotten ? ["forget that one is filed"] : [],
      ]);
    });
  }
});

Deno.test("what cannot be kept, read or forgotten is said at most: the request is filed", async () => {
  const full = () => Promise.reject(new Error("the disk is full"));
  const { filed, told } = run([], undefined, (how) => ({ ...how, kept: { ...how.kept, keep: full, list: full } }));
  assert.equal((await filed).signingRequestId, "new-1");
  const words = "The signing request is not remembered here: the disk is full";
  assert.deepEqual(told, [words, words]);
  const old = run([before({ filedAt: new Date(0) })], undefined, (how) => ({
    ...how,
    kept: { ...how.kept, forget: full },
  }));
  assert.equal((await old.filed).signingRequestId, "new-1");
  assert.deepEqual(old.told, [words]);
});

Deno.test("who asks for the end of it ends the asking as well", async () => {
  const { signal } = new AbortController();
  let given: AbortSignal | undefined;
  const { filed } = run([before()], undefined, (how) => ({
    ...how,
    signal,
    client: {
      status: (_id, limits) => {
        given = limits?.signal;
        return Promise.resolve(state("Completed", true));
      },
    },
  }));
  await filed;
  assert.equal(given, signal);
});
