/**
 * What the embedded Notary server lets in. The rules are the real server's; what a good root, a good signature and a
 * well-formed file are is decided by `lib/tuf` alone, which is stricter in places.
 *
 * @see Notary `server/handlers/validation.go`
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError } from "../errors.ts";
import { isListed } from "../tuf/listed.ts";
import type { Metadata, RoleKeys, Root, Targets } from "../tuf/models.ts";
import { parseListing, parseRoot, parseTargets } from "../tuf/parse.ts";
import { type DelegationRole, isDelegation, parentOf, type RoleName } from "../tuf/roles.ts";
import { requireSigned } from "../tuf/threshold.ts";
import { openRoot } from "../tuf/trusted.ts";
import { newestFiles, nextSnapshot, nextTimestamp, storedFile } from "./notary_signing.ts";
import type { NotaryStore, StoredFile } from "./notary_store.ts";

/** The kinds of refusal, as the real server names them. */
export type RefusalName = "ErrValidation" | "ErrBadHierarchy" | "ErrBadRoot" | "ErrBadTargets" | "ErrBadSnapshot";

/** The server refuses an update. */
export class UpdateRefusal extends Error {
  /** Makes a refusal; `missing` names the role that is not there. */
  constructor(readonly kind: RefusalName, message: string, readonly missing?: RoleName) {
    super(message);
  }
}

/** A posted file is not strict JSON. */
export class MalformedJson extends Error {}

/** One update under judgement. */
export interface Update {
  /** What is there already, and the server's keys. */
  readonly store: NotaryStore;
  /** The repository. */
  readonly gun: string;
  /** The posted files. */
  readonly posted: ReadonlyMap<RoleName, Bytes>;
  /** The one time that everything is judged and signed at. */
  readonly at: Date;
}

/**
 * Judges what was posted, and signs what the server signs on top of it: the files to add together.
 *
 * Whether versions are new enough is left to the store, which alone can tell in one step with adding. A posted timestamp
 * is passed over: that role is the server's.
 *
 * @throws {UpdateRefusal}
 * @throws {MalformedJson}
 */
export async function acceptUpdate(update: Update): Promise<StoredFile[]> {
  const { store, gun, posted, at } = update;
  const root = await acceptRoot(update);
  const accepted: [RoleName, Metadata][] = [...await acceptTargets(update, root)];
  if (posted.has("root")) accepted.unshift(["root", root]);
  const files = newestFiles(store, gun);
  for (const [role, { envelope }] of accepted) files.set(role, envelope.bytes);
  if (!files.has("targets")) throw new UpdateRefusal("ErrValidation", "targets must be loaded first");

  const given = posted.get("snapshot");
  const snapshot = given
    ? await acceptSnapshot(update, root, given, files)
    : await nextSnapshot(store, gun, root, files, at);
  if (!snapshot) {
    const why = "no snapshot was included in update and server does not hold current snapshot key for repository";
    throw new UpdateRefusal("ErrBadHierarchy", why, "snapshot");
  }
  const timestamp = await nextTimestamp(store, gun, root, snapshot.bytes, at);
  if (!timestamp) throw new UpdateRefusal("ErrBadRoot", "no timestamp keys exist on the server");
  const added = accepted.map(([role, file]) => storedFile(role, file.version, file.envelope.bytes, at));
  return [...added, snapshot, timestamp];
}

/** The root that the rest is judged by: the posted one, signed by the keys of the one before and by its own. */
async function acceptRoot({ store, gun, posted, at }: Update): Promise<Root> {
  const stored = store.find(gun, "root");
  const current = stored && parseRoot(stored.bytes);
  const bytes = posted.get("root");
  if (!bytes) {
    if (current) return current;
    throw new UpdateRefusal("ErrValidation", "no pre-existing root and no root provided in update.");
  }
  return await refusing("ErrBadRoot", async () => {
    const { root } = await openRoot(gun, bytes, { kind: "first-use" }, new Map(), at);
    const before = current?.version ?? 1; // so a first root may have version 2, as at the real server
    if (root.version !== before && root.version !== before + 1) {
      const why = `Root modifications must increment the version. Current ${before}, new ${root.version}`;
      throw new UpdateRefusal("ErrBadRoot", why);
    }
    if (current) await requireSigned(root.envelope, current.roles.root, "root", "the keys of the current root");
    requireFresh("ErrBadRoot", root, "root", at);
    return root;
  });
}

/** The posted targets and delegations, parents first. */
async function acceptTargets({ store, gun, posted, at }: Update, root: Root): Promise<[RoleName, Targets][]> {
  const trusted = new Map<RoleName, Targets>();

  /** The file of a role, posted or stored, that the keys its parent names have signed. */
  async function open(role: "targets" | DelegationRole): Promise<Targets> {
    const known = trusted.get(role);
    if (known) return known;
    const keys = role === "targets" ? root.roles.targets : await delegation(role);
    const bytes = posted.get(role) ?? store.find(gun, role)?.bytes;
    if (!bytes) throw new UpdateRefusal("ErrBadTargets", `${role} must be loaded first`);
    const file = parseTargets(role, bytes);
    await requireSigned(file.envelope, keys, role, `the keys of "${role}"`);
    if (posted.has(role)) requireFresh("ErrBadTargets", file, role, at);
    trusted.set(role, file);
    return file;
  }

  async function delegation(role: DelegationRole): Promise<RoleKeys> {
    const parent = await open(parentOf(role));
    const listed = parent.delegations.find(({ name }) => name === role);
    if (listed) return listed;
    throw new UpdateRefusal("ErrBadTargets", `tuf: invalid role ${role}. delegation does not exist`);
  }

  return await refusing("ErrBadTargets", async () => {
    const accepted: [RoleName, Targets][] = [];
    for (const role of posted.keys()) {
      if (role === "targets" || isDelegation(role)) accepted.push([role, await open(role)]);
    }
    return accepted;
  });
}

/** A posted snapshot names root, targets and all that was posted, and nothing that is not there. */
function acceptSnapshot(
  { posted, at }: Update,
  root: Root,
  bytes: Bytes,
  files: ReadonlyMap<string, Bytes>,
): Promise<StoredFile> {
  return refusing("ErrBadSnapshot", async () => {
    const snapshot = parseListing("snapshot", bytes);
    await requireSigned(snapshot.envelope, root.roles.snapshot, "snapshot", "the key that root names");
    requireFresh("ErrBadSnapshot", snapshot, "snapshot", at);
    const needed = [...posted.keys()].filter((role) => files.has(role));
    for (const role of new Set([...needed, ...snapshot.meta.keys()])) {
      const meta = snapshot.meta.get(role), file = files.get(role);
      if (!meta || !file || !await isListed(file, meta)) {
        throw new UpdateRefusal("ErrBadSnapshot", `the snapshot does not name ${role} as it is`);
      }
    }
    return storedFile("snapshot", snapshot.version, bytes, at);
  });
}

function requireFresh(kind: RefusalName, { expires, expiresText }: Metadata, role: RoleName, at: Date): void {
  if (at >= expires) throw new UpdateRefusal(kind, `${role} expired at ${expiresText}`);
}

/** Turns what is wrong with trust data into a refusal of that kind. */
async function refusing<T>(kind: RefusalName, judge: () => Promise<T>): Promise<T> {
  try {
    return await judge();
  } catch (error) {
    if (!isTagsealError(error, "trust-invalid")) throw error;
    throw error.reason === "not-json" ? new MalformedJson(error.message) : new UpdateRefusal(kind, error.message);
  }
}
