/** A signing request is followed to its signed file, and every way out names it. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";
import { downloadWhenSigned, resubmitForSigning, submitForSigning } from "../../lib/signing/request_signature.ts";
import type { SignPathClient } from "../../lib/signpath/client.ts";
import type { SigningRequestStatus } from "../../lib/signpath/types.ts";
import { failsWith } from "../support/failures.ts";
import { connect, serve, submission } from "../support/signpath_world.ts";

const state = (status: string, workflowStatus = status, webLink?: string): SigningRequestStatus => ({
  status,
  workflowStatus,
  isFinalStatus: status === "Completed",
  ...webLink === undefined ? {} : { webLink },
});
const PAGE = "https://sp.test/Web/id-1";
const failure = (code: TagsealErrorCode) => new TagsealError(code, "It fails", { remedy: "Try again" });

/** Follows a request through `states`, and to what the download gives. */
function follow(states: readonly (SigningRequestStatus | Error)[], download: () => Promise<Uint8Array<ArrayBuffer>>) {
  const told: string[] = [];
  const open = [...states];
  const { signal } = new AbortController();
  const client: Pick<SignPathClient, "status" | "downloadSigned"> = {
    status: (id, limits) => {
      assert.deepEqual([id, limits?.signal], ["id-1", signal]);
      const next = open.length > 1 ? open.shift()! : open[0]!;
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    downloadSigned: (id, limits) => {
      assert.deepEqual([id, limits?.signal], ["id-1", signal]);
      return download();
    },
  };
  let now = 0;
  const signed = downloadWhenSigned(client as SignPathClient, "id-1", {
    timeoutMs: 10_000,
    now: () => new Date(now),
    sleep: (ms) => Promise.resolve(void (now += ms)),
    signal,
    onProgress: (line) => told.push(line),
  });
  return { signed, told };
}

Deno.test("a request is told as soon as it is filed, with its page", async () => {
  const service = serve();
  const client = connect(service.handle);
  const told: string[] = [];
  const options = { signal: new AbortController().signal, onProgress: (line: string) => void told.push(line) };
  const first = await submitForSigning(client, await submission(), options);
  const again = await resubmitForSigning(
    client,
    { originalSigningRequestId: first.signingRequestId, signingPolicySlug: "manual" },
    options,
  );
  assert.deepEqual(
    told,
    [first, again].map(({ signingRequestId: id, url }) => `Signing request ${id} submitted: ${url}`),
  );
  assert.deepEqual(service.requests().map(({ id }) => id), [first.signingRequestId, again.signingRequestId]);
  const ended = AbortSignal.abort(failure("interrupted"));
  await failsWith(submitForSigning(client, await submission(), { ...options, signal: ended }), "interrupted");
  const { signingRequestId: originalSigningRequestId } = first;
  await failsWith(
    resubmitForSigning(client, { originalSigningRequestId, signingPolicySlug: "auto" }, { ...options, signal: ended }),
    "interrupted",
  );
  assert.equal(service.requests().length, 2);
});

Deno.test("each state is told once, the finer one where it says more", async () => {
  const states = [state("InProgress", "QueuedForProcessing"), state("WaitingForApproval"), state("Completed")];
  const { signed, told } = follow(states, () => Promise.resolve(utf8("signed")));
  assert.deepEqual(await signed, utf8("signed"));
  assert.deepEqual(told, [
    "Signing request id-1: InProgress (QueuedForProcessing)",
    "Signing request id-1: WaitingForApproval",
    "Signing request id-1: Completed",
  ]);
});

Deno.test("whatever ends the following, it is said whether the request goes on", async (t) => {
  const waits = state("WaitingForApproval", undefined, PAGE);
  const done = state("Completed", undefined, PAGE);
  type Row = [
    name: string,
    states: readonly (SigningRequestStatus | Error)[],
    download: TagsealErrorCode,
    code: TagsealErrorCode,
    message: string,
    request: TagsealError["request"],
  ];
  const signedFile = 'The signed file of signing request "id-1" cannot be had: It fails';
  const interrupted = 'Interrupted while waiting for signing request "id-1"';
  const rows: Row[] = [
    ["the file is not there", [waits, state("Completed")], "unavailable", "unavailable", signedFile, {
      id: "id-1",
      webLink: PAGE,
      goesOn: true,
    }],
    ["interrupted before anything is known", [failure("interrupted")], "unavailable", "interrupted", interrupted, {
      id: "id-1",
      webLink: undefined,
      goesOn: true,
    }],
    ["interrupted while it waits", [waits, failure("interrupted")], "unavailable", "interrupted", interrupted, {
      id: "id-1",
      webLink: PAGE,
      goesOn: true,
    }],
    ["interrupted while the file comes", [done], "interrupted", "interrupted", interrupted, {
      id: "id-1",
      webLink: PAGE,
      goesOn: true,
    }],
    ["the file is refused", [done], "forbidden", "forbidden", "It fails", undefined],
  ];
  for (const [name, states, download, code, message, request] of rows) {
    await t.step(name, async () => {
      const error = await failsWith(follow(states, () => Promise.reject(failure(download))).signed, code);
      assert.equal(error.message, message);
      assert.deepEqual(error.request, request);
      if (code === "unavailable") assert.match(error.remedy, /^Do not submit again: download the signed file/);
      if (code === "interrupted") assert.match(error.remedy, /^The request goes on: download its signed file later/);
    });
  }
  await t.step("the service goes away while it waits", async () => {
    const away = failure("unavailable");
    const error = await failsWith(follow([waits, away, away], () => Promise.reject(away)).signed, "unavailable");
    assert.match(error.message, /^While waiting for signing request "id-1": It fails$/);
  });
});
