/** The first round of a reading: which files are asked for before anything is known of the repository. @module */
import { type Bytes, sameBytes } from "../bytes/bytes.ts";
import { isTagsealError } from "../errors.ts";
import { sleep } from "../http/retry.ts";
import { isTooLong } from "../http/send.ts";
import { isDelegation, type RoleName } from "../tuf/roles.ts";
import { unverifiedTotal } from "./sizes.ts";
import type { TrustServer } from "./trust_server.ts";

/** Files by role: what was trusted before, or is at hand. */
export type Copy = ReadonlyMap<RoleName, Bytes>;

/** Longer files are not asked for where a copy is at hand: most of the time they are what the snapshot names. */
export const LARGE_FILE_BYTES: number = 64 * 1024;

/** By then names are looked up, and connections begun. */
const CONNECTING_MS = 10;

/**
 * Files that need not be asked for: what the snapshot says decides whether they count.
 *
 * @param cached what was trusted before: of it the long files, and `targets` where tags go to delegations, as it seldom changes
 *   then. Root is never among them: whether there is a newer one is asked first (TUF 5.3)
 * @param atHand what the server has, as far as the caller knows, in place of that; with root for who has just read it
 */
export function probable(cached: Copy, atHand?: Copy): Copy {
  if (atHand) return new Map([...atHand].filter(([name]) => name === "root" || isHashed(name)));
  const isSteady = (name: RoleName) => name === "targets" && [...cached.keys()].some(isDelegation);
  return new Map(
    [...cached].filter(([name, bytes]) => isHashed(name) && (isSteady(name) || bytes.length > LARGE_FILE_BYTES)),
  );
}

/** Whether a parent names the hash of the role's file, so that it can be had by it. */
function isHashed(name: RoleName): boolean {
  return name === "targets" || isDelegation(name);
}

/**
 * What is longer than is read unseen comes later, when the snapshot has named its length and hash. So does, if it exists, a
 * delegation for which the server fails: notary-server with a database answers 500 instead of 404 for one that its
 * snapshot does not name.
 *
 * @see Notary `server/storage/tuf_store.go`, "no checksums for supported algorithms were provided"
 */
async function ifReadable(name: RoleName, reading: Promise<Bytes | undefined>): Promise<Bytes | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isTooLong(error)) return undefined;
    if (isDelegation(name) && isTagsealError(error, "unavailable") && error.call?.status === 500) return undefined;
    throw error;
  }
}

/** Reads `names` side by side; without a file that the server does not have, or that is too long to be read unseen. */
export async function readFiles(
  server: TrustServer,
  gun: string,
  names: Iterable<RoleName>,
  cached: Copy,
  atHand: Copy,
): Promise<Map<RoleName, Bytes | undefined>> {
  const shared = unverifiedTotal();
  const files = [...names].map(async (name): Promise<[RoleName, Bytes | undefined]> => {
    const present = atHand.get(name);
    if (present) return [name, present];
    const bytes =
      await (isHashed(name) ? ifReadable(name, server.read(gun, name, { shared })) : server.read(gun, name));
    const kept = cached.get(name);
    return [name, sameBytes(bytes, kept) ? kept : bytes]; // the very same array, so that nobody compares them again
  });
  const settled = await Promise.allSettled(files); // nothing goes on behind the back of whoever is told of a failure
  return new Map(settled.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  }));
}

/**
 * Waits until the requests of `reading` are on their way: whoever keeps the processor busy before then holds them up.
 * `false` where they have been answered by then.
 */
export async function connecting(reading: Promise<unknown>): Promise<boolean> {
  const answered = reading.then(() => false, () => false);
  // By the next turn of the event loop they are made.
  for (const ms of [0, CONNECTING_MS]) {
    if (!await Promise.race([answered, sleep(ms).then(() => true)])) return false;
  }
  return true;
}
