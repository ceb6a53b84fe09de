/** Waiting for a signing request: how far it is, and what Ctrl-C means for it. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, messageOf, reworded, TagsealError } from "../errors.ts";
import { downloadWhenSigned, type FollowOptions } from "../signing/request_signature.ts";
import { readSigned } from "../signing/signed_file.ts";
import type { SignPathClient } from "../signpath/client.ts";
import { SIGNPATH_TIMES_S } from "../signpath/times.ts";
import type { Host } from "./host.ts";
import { writeArtifact } from "./signing.ts";

const CANCEL_TIMEOUT_MS = 30_000;

/** For how long, and with what, a signing request is followed as the flags say. */
export function followOptions(
  { waitForCompletionTimeout: timeoutMs = SIGNPATH_TIMES_S.completion * 1000 }: {
    readonly waitForCompletionTimeout: number | undefined;
  },
  { now, sleep, signal, info }: Host,
): FollowOptions {
  return { timeoutMs, now, sleep, signal, onProgress: info };
}

/**
 * Waits for a signing request and downloads the signed file. On a terminal one line counts the time, and Ctrl-C offers to
 * cancel the request, too; elsewhere each status is a line.
 *
 * @throws {TagsealError} what `downloadWhenSigned` throws
 */
export async function waitAndDownload(
  client: SignPathClient,
  id: string,
  values: { readonly waitForCompletionTimeout: number | undefined },
  host: Host,
): Promise<Bytes> {
  const { timeoutMs, now, ...options } = followOptions(values, host);
  const started = now().getTime();
  const show = () =>
    host.status(`Waiting since ${duration(now().getTime() - started)}, ${duration(timeoutMs)} at most; Ctrl-C ends it`);
  const onProgress = (line: string) => {
    host.info(line);
    show();
  };
  const ticking = setInterval(show, 1000);
  const stop = () => {
    clearInterval(ticking);
    host.status("");
  };
  try {
    return await downloadWhenSigned(client, id, { ...options, timeoutMs, now, onProgress });
  } catch (error) {
    stop(); // nothing may be written over the question
    if (isTagsealError(error, "interrupted")) await offerToCancel(client, id, host);
    throw error;
  } finally {
    stop();
  }
}

/**
 * The same, and writes the file to `path`, unless it is not what was to come.
 *
 * @throws {TagsealError} what {@linkcode waitAndDownload}, `readSigned` and writing throw
 */
export async function saveSigned(
  client: SignPathClient,
  id: string,
  path: string,
  values: { readonly waitForCompletionTimeout: number | undefined; readonly force: boolean },
  host: Host,
): Promise<void> {
  const file = await waitAndDownload(client, id, values, host);
  await readSigned(file, id);
  try {
    await writeArtifact(host, path, file, values.force);
  } catch (error) {
    throw isTagsealError(error) ? reworded(error, error.message, { request: { id, goesOn: true } }) : error;
  }
}

/** Only a person can say whether the request is still wanted; without one it goes on. @throws where it is not */
async function offerToCancel(client: SignPathClient, id: string, host: Host): Promise<void> {
  if (!await host.confirmInterrupted(`Cancel signing request ${id} at SignPath, too?`)) return;
  try {
    await client.cancel(id, { signal: AbortSignal.timeout(CANCEL_TIMEOUT_MS), unavailableTimeoutMs: 0 });
  } catch (error) {
    host.warn(`the signing request was not cancelled: ${messageOf(error)}`);
    return;
  }
  throw new TagsealError("interrupted", `Interrupted, and signing request "${id}" is cancelled`, {
    remedy: "Nothing was published. Run the command again to file a new request",
    details: { cancelled: true },
    request: { id, goesOn: false },
  });
}

/**
 * Cancels a request, as often as that is asked for.
 *
 * @throws {TagsealError} `bad-input` where it has ended otherwise; what `cancel` of the client throws
 */
export async function cancelRequest(
  client: Pick<SignPathClient, "cancel" | "status">,
  id: string,
  { signal }: Pick<Host, "signal">,
): Promise<"canceled" | "unchanged"> {
  try {
    await client.cancel(id, { signal });
    return "canceled";
  } catch (error) {
    if (!isTagsealError(error, "bad-input")) throw error;
    const now = await client.status(id, { signal, unavailableTimeoutMs: 0 }).catch(() => undefined);
    if (now?.status === "Canceled") return "unchanged";
    throw error;
  }
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
