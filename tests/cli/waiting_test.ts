/** Waiting for a signing request: lines and status, and what an interruption leads to. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { createHost, type Host } from "../../lib/cli/host.ts";
import { waitAndDownload } from "../../lib/cli/waiting.ts";
import { TagsealError } from "../../lib/errors.ts";
import type { SignPathClient } from "../../lib/signpath/client.ts";
import { failsWith } from "../support/failures.ts";

const ID = "6f0a5a6e-0000-4000-8000-000000000001";
const INTERRUPTED = new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there" });

/** A service that passes through these states, and a host on a terminal whose clock runs five seconds a poll. */
function world(states: readonly string[], more: Partial<SignPathClient> = {}, terminal = true) {
  const written: string[] = [];
  const statuses: string[] = [];
  const ctrlC = new AbortController();
  let now = Date.parse("2026-06-01T12:00:00Z");
  let polls = 0;
  const cancelled: string[] = [];
  const client = {
    status(signingRequestId: string) {
      const status = states[Math.min(polls++, states.length - 1)]!;
      const isFinalStatus = ["Completed", "Failed", "Denied", "Canceled"].includes(status);
      return Promise.resolve({ signingRequestId, status, workflowStatus: status, isFinalStatus });
    },
    downloadSigned: (): Promise<Bytes> => Promise.resolve(utf8("signed")),
    cancel(id: string) {
      cancelled.push(id);
      return Promise.resolve();
    },
    ...more,
  } as unknown as SignPathClient;
  const real = createHost({ quiet: false, noInput: true }, {
    out: (text) => void written.push(text),
    err: (text) => void written.push(text),
    env: () => undefined,
    columns: () => terminal ? 80 : undefined,
    signal: ctrlC.signal,
  });
  const host: Host = {
    ...real,
    status(line) {
      statuses.push(line);
      real.status(line);
    },
    now: () => new Date(now),
    sleep(ms) {
      now += ms;
      return Promise.resolve();
    },
  };
  return { client, host, written, statuses, ctrlC, cancelled };
}

const wait = (client: SignPathClient, host: Host) =>
  waitAndDownload(client, ID, { waitForCompletionTimeout: 600_000 }, host);

Deno.test("waiting: each new status is a line that stays, and one line below counts the time", async () => {
  const { client, host, written, statuses } = world([
    "WaitingForApproval",
    "WaitingForApproval",
    "InProgress",
    "Completed",
  ]);
  assert.deepEqual(await wait(client, host), utf8("signed"));
  const lines = written.filter((text) => text.endsWith("\n"));
  assert.deepEqual(lines, [
    `Signing request ${ID}: WaitingForApproval\n`,
    `Signing request ${ID}: InProgress\n`,
    `Signing request ${ID}: Completed\n`,
  ]);
  const shown = statuses.filter(Boolean);
  assert.ok(shown.length >= 3);
  assert.ok(
    shown.every((line) => /^Waiting since \d+ s, 10 min 0 s at most; Ctrl-C ends it$/.test(line)),
    shown.join("\n"),
  );
  assert.equal(statuses.at(-1), "", "nothing stays");
  assert.ok(["\r\x1b[2K", "\n"].some((end) => written.join("").endsWith(end)));
});

Deno.test("waiting: the time is told in minutes once there are some", async () => {
  const { client, host, statuses } = world(["InProgress", ...Array(14).fill("WaitingForApproval"), "Completed"]);
  await wait(client, host);
  assert.ok(statuses.some((line) => / 0 s,/.test(line)), statuses.join("\n"));
  assert.ok(statuses.some((line) => / 1 min \d+ s,/.test(line)), statuses.join("\n"));
});

Deno.test("waiting: the time is seen, however long id and status are", async () => {
  const { client, host, written } = world([
    ...Array(15).fill(["WaitingForApproval", "InProgress"]).flat(),
    "Completed",
  ]);
  await wait(client, host);
  const shown = written.filter((text) => text.startsWith("\r\x1b[2K")).map((text) => text.slice(5)).filter(Boolean);
  assert.ok(shown.length > 0);
  for (const line of shown) assert.match(line, /\b\d+ s\b/, `the time is cut off: "${line}"`);
});

Deno.test("waiting without a terminal: lines alone", async () => {
  const { client, host, written } = world(["WaitingForApproval", "Completed"], {}, false);
  await wait(client, host);
  assert.deepEqual(written, [
    `Signing request ${ID}: WaitingForApproval\n`,
    `Signing request ${ID}: Completed\n`,
  ]);
});

Deno.test("waiting: a status that could steer a terminal is made printable", async () => {
  const { client, host, written } = world(["Odd\u001b[2J\u202e", "Completed"]);
  await wait(client, host);
  assert.doesNotMatch(written.join("").replaceAll("\r\x1b[2K", ""), /[^\P{Cc}\n]|[\u202a-\u202e]/u);
});

Deno.test("waiting fails: the status line is gone before the error is told", async () => {
  const { client, host, statuses, cancelled } = world(["WaitingForApproval", "Denied"]);
  await failsWith(wait(client, host), "signing-request-failed", ID, "Denied");
  assert.equal(statuses.at(-1), "");
  assert.deepEqual(cancelled, []);
});

Deno.test("interrupted: the question comes once the status line is gone, and the answer counts", async (t) => {
  for (const answer of [true, false, undefined]) {
    await t.step(String(answer), async () => {
      const { client, host, statuses, ctrlC, cancelled } = world(["WaitingForApproval"]);
      const asked: string[] = [];
      const waiting = wait(client, {
        ...host,
        sleep() {
          ctrlC.abort(INTERRUPTED);
          return Promise.reject(INTERRUPTED);
        },
        confirmInterrupted(question) {
          assert.equal(statuses.at(-1), "", "the line is free for the question");
          asked.push(question);
          return Promise.resolve(answer);
        },
      });
      const error = await failsWith(waiting, "interrupted", ID);
      assert.deepEqual(asked, [`Cancel signing request ${ID} at SignPath, too?`]);
      assert.deepEqual(cancelled, answer ? [ID] : []);
      assert.deepEqual(
        [error.details["signingRequestId"], error.details["cancelled"]],
        [ID, answer ? true : undefined],
      );
      assert.equal(error.request?.goesOn, !answer);
      assert.match(error.remedy, answer ? /Run the command again/ : /The request goes on/);
    });
  }
});

Deno.test("interrupted: while the question stands, nothing is written over it", async () => {
  const { client, host, written, ctrlC } = world(["WaitingForApproval"]);
  let during: string[] | undefined;
  const waiting = wait(client, {
    ...host,
    sleep() {
      ctrlC.abort(INTERRUPTED);
      return Promise.reject(INTERRUPTED);
    },
    async confirmInterrupted() {
      const before = written.length;
      await new Promise((resolve) => setTimeout(resolve, 1200)); // longer than the status line's tick
      during = written.slice(before);
      return false;
    },
  });
  await failsWith(waiting, "interrupted", ID);
  assert.deepEqual(during, [], "the ticking line writes into the question");
});

Deno.test("interrupted: a cancelling that fails is a warning, and the request goes on", async () => {
  const refused = new TagsealError("forbidden", "SignPath answered 403", { remedy: "Ask" });
  const { client, host, written, ctrlC } = world(["WaitingForApproval"], { cancel: () => Promise.reject(refused) });
  const waiting = wait(client, {
    ...host,
    sleep() {
      ctrlC.abort(INTERRUPTED);
      return Promise.reject(INTERRUPTED);
    },
    confirmInterrupted: () => Promise.resolve(true),
  });
  const error = await failsWith(waiting, "interrupted", "Interrupted while waiting");
  assert.match(error.remedy, /The request goes on/);
  assert.ok(written.includes("tagseal: warning: the signing request was not cancelled: SignPath answered 403\n"));
});
