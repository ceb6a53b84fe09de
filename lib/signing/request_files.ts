/** Signing requests kept as files, one for each, in a folder of their own. @module */
import { utf8 } from "../bytes/bytes.ts";
import { parseJson } from "../bytes/json.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { isTagsealError, reworded } from "../errors.ts";
import { listFolder, readFileBounded, removeFile, removeLeftovers, writeFileAtomically } from "../files/files.ts";
import { type LockWait, withLock } from "../files/lock.ts";
import type { KeptRequest, KeptRequests } from "./kept_requests.ts";
import { hex, list, object, time, word } from "./manifest_words.ts";

const FORMAT = "tagseal-signing-request/1";
const NAME = /^[0-9a-f]{64}\.json$/;
const MAX_FILES = 1000;
const MAX_BYTES = 64 * 2 ** 20;

/** Requests in `folder`, which only this user can read. */
export function createRequestFiles(folder: string, wait: LockWait): KeptRequests {
  const pathOf = (request: KeptRequest) => `${folder}/${nameOf(request)}.json`;
  // A few for all there ever are: a lock that is removed is none for who waits for it.
  const lockOf = (request: KeptRequest) => `${folder}/.tagseal-${nameOf(request).slice(0, 2)}.lock`;
  return {
    async list() {
      const names = listFolder(folder).filter(({ name, isFile }) => isFile && NAME.test(name)).slice(0, MAX_FILES);
      const found: KeptRequest[] = [];
      for (const { name } of names) {
        const bytes = await readFileBounded(`${folder}/${name}`, MAX_BYTES).catch(() => undefined);
        const request = bytes && readRequest(bytes);
        if (request && `${nameOf(request)}.json` === name) found.push(request);
      }
      return found;
    },
    async keep(request) {
      await writeFileAtomically(pathOf(request), bytesOf(request), { replace: true, mode: 0o600, folderMode: 0o700 });
    },
    forget: (request) => removeFile(pathOf(request)),
    alone: async (request, use) => {
      let entered = false;
      try {
        return await withLock(lockOf(request), "exclusive", () => {
          entered = true;
          removeLeftovers(folder, (name) => name === `${nameOf(request)}.json`); // also where nothing is kept anew
          return use();
        }, wait);
      } catch (error) {
        // Nothing can be kept there, which is said when that is tried.
        if (!entered && isTagsealError(error, "bad-input")) return await use();
        if (entered || !isTagsealError(error, "unavailable")) throw error;
        throw reworded(error, "Another run is filing a signing request, perhaps for the same, for more than a minute", {
          remedy: "Nothing was filed here. Wait for it to end, and run this again: it goes on with the other's request",
        });
      }
    },
  };
}

/** By what it is for: the same again takes its place. */
function nameOf({ account, work }: KeptRequest): string {
  return sha256Hex(utf8([account, ...work.map(({ sha256 }) => sha256).sort()].join("\n")));
}

function bytesOf({ signingRequestId: id, filedAt, account, work, publishedAt }: KeptRequest): Uint8Array {
  const all = work.map(({ repository, purpose, sha256 }) => ({ repository, purpose, sha256 }));
  const document = {
    format: FORMAT,
    signingRequestId: id ?? null,
    filedAt,
    publishedAt,
    account,
    work: all,
  };
  return utf8(`${JSON.stringify(document)}\n`);
}

/** What a file says; nothing where it is damaged, or of another version. */
export function readRequest(bytes: Uint8Array<ArrayBuffer>): KeptRequest | undefined {
  try {
    const entry = object(parseJson(bytes), "it");
    const id = entry["signingRequestId"];
    if (entry["format"] !== FORMAT) return undefined;
    const filedAt = time(entry, "filedAt");
    const publishedAt = entry["publishedAt"] === undefined ? undefined : time(entry, "publishedAt");
    return {
      ...(id === null ? {} : { signingRequestId: word(entry, "signingRequestId") }),
      filedAt,
      ...(publishedAt && { publishedAt }),
      account: hex(entry, "account"),
      work: list(entry, "work").map((one) => {
        const unit = object(one, "it");
        return { repository: word(unit, "repository"), purpose: hex(unit, "purpose"), sha256: hex(unit, "sha256") };
      }),
    };
  } catch {
    return undefined; // damaged, or of another version: as if nothing were kept
  }
}
