/**
 * Looking at a repository that can no longer be trusted because something of it has expired.
 *
 * It is verified as always, at the last moment before the expiry. So signatures, hashes and versions hold, and it is
 * known what was signed, but nothing of it is trusted: no copy is kept, and whoever asks is told so.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError } from "../errors.ts";
import type { ByteBudget } from "../http/send.ts";
import type { MetadataStore } from "../notary/metadata_store.ts";
import { unverifiedTotal } from "../notary/sizes.ts";
import type { TrustServer } from "../notary/trust_server.ts";
import { parseListing, parseRoot, parseTargets } from "../tuf/parse.ts";
import { BASE_ROLES, type RoleName } from "../tuf/roles.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import type { RepositoryView } from "../tuf/view.ts";
import { openRepository, type Trust } from "../notary/repository.ts";

/** A repository, trusted or looked at. */
export interface Look {
  /** As it is trusted now; `undefined` where it is not. */
  readonly trusted: TrustedRepository | undefined;
  /** As it was before anything expired: for showing, and for nothing that is trusted. */
  readonly seen: RepositoryView;
}

/** Each look goes back to before one more expiry; roles expire one below the other at most this often. */
const MAX_LOOKS = 16;

/**
 * Opens a repository; where only expiry is in the way, looks at it. Throws what reading throws.
 *
 * @param atHand what `readRepository` is told to be at hand
 */
export async function lookAtRepository(
  trust: Trust,
  gun: string,
  atHand?: ReadonlyMap<RoleName, Bytes>,
): Promise<Look> {
  const { server, pin } = trust;
  const store = readOnly(trust.store);
  let failure: unknown;
  const opened = await openRepository(trust, gun, [], atHand).catch((error: unknown) => {
    if (!isTagsealError(error, "trust-invalid")) throw error;
    failure = error;
    return undefined;
  });
  let result = opened;
  let at: Date = trust.now();
  for (let look = 0; look < MAX_LOOKS; look++) {
    const shared = unverifiedTotal();
    const expiries = (await Promise.all(
      result ? skippedExpiries(result.repository) : BASE_ROLES.map((role) => expiryOf(server, gun, role, shared)),
    )).filter((expiry) => expiry !== undefined && expiry <= at) as Date[];
    if (expiries.length === 0) break;
    at = new Date(Math.min(...expiries.map((expiry) => expiry.getTime())) - 1);
    const earlier = await openRepository({ server, store, pin, now: () => at, sleep: trust.sleep }, gun)
      .catch((error: unknown) => {
        if (!isTagsealError(error, "trust-invalid")) throw error;
        failure = error; // says more than that it has expired, too
        return undefined;
      });
    if (!earlier) break;
    result = earlier;
  }
  if (!result) throw failure;
  return { trusted: opened?.repository, seen: result.repository };
}

/** When the delegations expired that are skipped for that. */
function skippedExpiries(repository: RepositoryView): (Date | undefined)[] {
  return [...repository.delegations.values()].map((state) =>
    state.kind === "skipped" ? state.expired?.expires : undefined
  );
}

/** When the file that is served expires, or the last certificate of root; nothing where it cannot be read. */
async function expiryOf(
  server: TrustServer,
  gun: string,
  role: RoleName,
  shared: ByteBudget,
): Promise<Date | undefined> {
  const bytes = await server.read(gun, role, { maxBytes: shared.left, shared });
  if (!bytes) return undefined;
  try {
    if (role === "timestamp" || role === "snapshot") return parseListing(role, bytes).expires;
    if (role !== "root") return parseTargets(role, bytes).expires;
    const root = parseRoot(bytes);
    const certificates = [...root.roles.root.keys.values()].map((key) => key.certificate?.notAfter.getTime() ?? 0);
    return new Date(Math.min(root.expires.getTime(), Math.max(...certificates)));
  } catch (error) {
    if (!isTagsealError(error, "trust-invalid")) throw error;
    return undefined;
  }
}

/** `store`, in which nothing is kept: for who looks and trusts nothing by it. */
export function readOnly(store: MetadataStore): MetadataStore {
  return { read: (gun) => store.read(gun), write: () => Promise.resolve(true) };
}
