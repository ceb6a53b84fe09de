/** Sets a repository up: root and targets key here, snapshot and timestamp at the server, all published at once. @module */
import { type Bytes, sameBytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { type KeyId, keyOfCertificate, type PublicKey } from "../crypto/keys.ts";
import { createRootCertificate, preloadRootCertificate } from "../crypto/root_certificate.ts";
import type { Signer } from "../crypto/signer.ts";
import type { Certificate } from "../crypto/x509.ts";
import { isTagsealError, nextStepOf, reworded, TagsealError } from "../errors.ts";
import type { KeyInfo, KeyStore, NewKey } from "../keystore/keystore.ts";
import { connecting } from "../notary/first_round.ts";
import { doubtful, mayHaveLanded, mayStillArrive } from "../notary/doubt.ts";
import type { TrustServer } from "../notary/trust_server.ts";
import { assembleFile, emptyTargets, firstRoot } from "../tuf/edit.ts";
import type { RoleName } from "../tuf/roles.ts";
import type { RootPin } from "../tuf/root_keys.ts";
import { delegating, requireForeign, requireNoRootKey } from "./add_delegation.ts";
import { findKey } from "./list_keys.ts";
import { keepOrDiscard } from "./new_keys.ts";
import { openRepository, type Trust } from "../notary/repository.ts";

/** What frames the deletion of an old repository. */
export interface Replacement {
  /** Keeps the old trust data somewhere; called when all else is ready. */
  keep(): Promise<void>;
  /** Takes back what `keep` did, where nothing was deleted. */
  undo(): Promise<void>;
}

/** What a new repository is made of. */
export interface InitOptions {
  /** The GUN. */
  readonly gun: string;
  /** A delegation that is part of the first publish. */
  readonly delegation?: { readonly name: string; readonly key: PublicKey } | undefined;
  /**
   * A root key that is here already, by its id or the first digits; a new one without it. With it, a targets key of this
   * repository that an earlier try has left here is taken up, too.
   */
  readonly rootKey?: string | undefined;
  /**
   * Delete what the server has first, in the moment before the new repository is published. Whoever knows the old root
   * refuses the new one.
   */
  readonly replace?: Replacement | undefined;
  /**
   * Whether making and opening keys asks nobody for anything: then it is done while the server makes its own. A person is
   * asked only once all that the server has to do is done; not unless said.
   */
  readonly asksNobody?: boolean | undefined;
}

/** A repository that was set up, proved by reading it back. */
export interface InitResult {
  /** Canonical id of the root key. */
  readonly rootKeyId: KeyId;
  /** Canonical id of the targets key. */
  readonly targetsKeyId: KeyId;
  /** The root certificate, to be handed to SignPath and to consumers as a pin. */
  readonly rootCertificate: Certificate;
  /** Targets keys of this repository that lie here of earlier tries, and that it does not name. */
  readonly unusedKeyIds: readonly KeyId[];
}

/** The files that reading it back asks for at once: asked for now, too, they leave connections that are open then. */
const ASKED_FOR: readonly RoleName[] = ["timestamp", "snapshot", "targets"];

async function managedKeys(server: TrustServer, gun: string): Promise<[PublicKey, PublicKey]> {
  return [await server.managedKey(gun, "timestamp"), await server.managedKey(gun, "snapshot")];
}

/**
 * Sets a repository up.
 *
 * Keys are kept before they are published. Where it is certain that nothing was published they are removed again; where
 * the server's answer was lost they stay, as the server may trust them.
 *
 * @throws {TagsealError} `exists` where the repository has trust data already; `bad-input` where the delegation's key is
 *   one of the repository itself
 */
export async function initRepository(trust: Trust, keys: KeyStore, options: InitOptions): Promise<InitResult> {
  const { server } = trust;
  const { gun } = options;
  // All at once: for a repository that exists, asking for its keys changes nothing. Only the two keys one after the
  // other: a notary-signer that keeps its keys in memory can crash where it makes two at a time.
  const here = Promise.all([server.read(gun, "root"), trust.store.read(gun)]);
  const managed = managedKeys(server, gun);
  const openings = ASKED_FOR.map((name) => server.read(gun, name));
  // Nothing goes on behind the back of whoever is told of a failure.
  const asked = Promise.allSettled([here, managed, ...openings]);
  await connecting(asked);
  preloadRootCertificate();
  try {
    const [present, remembered] = await here;
    const isKnown = remembered.has("root");
    const isThere = present !== undefined;
    if (isThere && !options.replace) throw exists(gun, server.url);
    if (isKnown && !options.replace) throw vanished(gun, server.url, trust.store.folderOf?.(gun));
    if (!options.asksNobody) await managed;
    return await setUp(trust, keys, options, { managed, isNew: !isThere && !isKnown });
  } finally {
    await asked;
  }
}

/** What is known of a repository before it is set up. */
interface Ground {
  /** The keys that the server will have for timestamp and snapshot; they come while those of here are made. */
  readonly managed: Promise<readonly [PublicKey, PublicKey]>;
  /** Whether neither the server nor the local copy has one of that name. */
  readonly isNew: boolean;
}

async function setUp(trust: Trust, keys: KeyStore, options: InitOptions, ground: Ground): Promise<InitResult> {
  const { gun } = options;
  const replaces = !ground.isNew;
  const made: NewKey[] = [];
  let rootKeyId: KeyId | undefined;
  let isDeleted = false;
  try {
    const { delegation } = options;
    const root = await rootSigner(keys, made, options.rootKey);
    rootKeyId = root.publicKey.canonicalId;
    if (delegation) {
      requireForeign(delegation.key, { root: [root.publicKey] });
      requireNoRootKey(delegation.key, await keys.list());
    }
    const left = ground.isNew ? await leftOver(keys, gun) : [];
    const [kept] = options.rootKey === undefined ? [] : left;
    const targets = kept ? await keys.open(kept.id) : await newKey(keys, made, { role: "targets", gun });
    const at = trust.now();
    const rootCertificate = await createRootCertificate(root, gun, at);
    const [timestamp, snapshot] = await ground.managed;
    if (delegation) requireForeign(delegation.key, { timestamp: [timestamp], snapshot: [snapshot] });
    const rootKey = keyOfCertificate(rootCertificate);
    const targetsKey = targets.publicKey;
    const rootSigned = firstRoot({ root: rootKey, targets: targetsKey, snapshot, timestamp }, at);
    const first = emptyTargets(at);
    const targetsSigned = delegation ? delegating(first, delegation.name, delegation.key) : first;
    const rootFile = await sign(root, rootKey.id, canonicalJson(rootSigned));
    const targetsFile = await sign(targets, targetsKey.id, canonicalJson(targetsSigned));
    // All that can fail here has been done: there is one call between the old repository and the new one.
    if (replaces) {
      await options.replace!.keep();
      isDeleted = true;
      await removeRepository(trust, gun).catch(async (error) => {
        isDeleted = mayStillArrive(error);
        if (!isDeleted) await options.replace!.undo();
        throw error;
      });
    }
    await publishFirst(trust, gun, new Map([["root", rootFile], ["targets", targetsFile]]), {
      keyId: rootKey.canonicalId,
      certificateDerHex: rootCertificate.der.toHex(),
    });
    return {
      rootKeyId: rootKey.canonicalId,
      targetsKeyId: targetsKey.canonicalId,
      rootCertificate,
      unusedKeyIds: left.map(({ id }) => id).filter((id) => id !== targetsKey.canonicalId),
    };
  } catch (error) {
    const failure = await keepOrDiscard(error, made, rootKeyId);
    throw isDeleted ? betweenTwo(failure, gun) : failure;
  }
}

/** Publishes the first files of a repository, and reads back that they are there. */
async function publishFirst(
  trust: Trust,
  gun: string,
  files: ReadonlyMap<RoleName, Bytes>,
  pin: RootPin,
): Promise<void> {
  const { server } = trust;
  const failure = await server.publish(gun, files).then(() => undefined, (error: unknown) => error);
  if (failure !== undefined) {
    const served = await server.read(gun, "root").catch(() => {
      throw mayHaveLanded(failure) ? doubtful(failure, gun, "lost") : failure;
    });
    if (!sameBytes(served, files.get("root"))) {
      if (served) throw exists(gun, server.url);
      throw mayStillArrive(failure) ? doubtful(failure, gun, "lost") : failure;
    }
  }
  await openRepository({ ...trust, pin }, gun).catch((error: unknown) => {
    throw doubtful(error, gun, "taken");
  });
}

async function removeRepository({ server, store }: Trust, gun: string): Promise<void> {
  if (!server.remove) {
    throw new TagsealError("bad-input", `"${server.url.origin}" cannot delete trust data`, {
      remedy: "Use another server",
    });
  }
  await server.remove(gun);
  const copy = await store.read(gun);
  await store.write(gun, new Map([...copy.keys()].map((role) => [role, undefined])));
}

const AGAIN = "Run the command again: it goes on from what is there";

function betweenTwo(error: unknown, gun: string): unknown {
  if (!isTagsealError(error)) return error;
  return reworded(error, `${error.message}. The old trust data of "${gun}" may have been deleted already`, {
    remedy: `${error.remedy}. ${AGAIN}`,
    next: { do: "in-turn", steps: [nextStepOf(error), { do: "as-told", remedy: AGAIN }] },
  });
}

async function newKey(
  keys: KeyStore,
  made: NewKey[],
  info: { readonly role: string; readonly gun?: string },
): Promise<Signer> {
  const fresh = await keys.create(info);
  made.push(fresh);
  return fresh.signer;
}

/** Targets keys of an earlier try: nobody knew whether the server had taken them. */
async function leftOver(keys: KeyStore, gun: string): Promise<KeyInfo[]> {
  return (await keys.list()).filter((key) => key.role === "targets" && key.gun === gun);
}

async function rootSigner(keys: KeyStore, made: NewKey[], existing: string | undefined): Promise<Signer> {
  if (existing === undefined) return await newKey(keys, made, { role: "root" });
  const key = findKey(await keys.list(), existing);
  if (key.role !== "root") {
    throw new TagsealError("usage", `The key ${key.id.slice(0, 7)}… is not a root key, but one for "${key.role}"`, {
      remedy: "Name a key whose role is root",
      next: { do: "list-root-keys" },
      details: { keyId: key.id, role: key.role },
    });
  }
  const signer = await keys.open(key.id);
  const { shape } = signer.publicKey;
  if (shape.family === "ecdsa" && shape.curve === "P-256") return signer;
  throw new TagsealError("bad-input", `The root key ${key.id.slice(0, 7)}… is not an ECDSA key on P-256`, {
    remedy: "Let a new root key be made, or name another one",
    details: { keyId: key.id },
  });
}

async function sign(signer: Signer, keyId: KeyId, payload: Bytes): Promise<Bytes> {
  return assembleFile(payload, [{ keyId, signature: await signer.sign(payload) }]);
}

function exists(gun: string, url: URL): TagsealError {
  return new TagsealError("exists", `The repository "${gun}" has trust data on "${url.origin}" already`, {
    remedy: "Keep its keys: go on with its root certificate and its delegations",
    next: { do: "publish-certificate-and-delegate" },
    details: { repository: gun, url: url.origin },
  });
}

/** Whoever knows the old root will refuse a new one, this trust directory first of all. */
function vanished(gun: string, url: URL, folder: string | undefined): TagsealError {
  return new TagsealError("exists", `"${gun}" is known here by a root that "${url.origin}" does not have`, {
    remedy: "Check the Notary server's address. If the repository was deleted there and shall be made anew, every " +
      `client must forget its old root: here, move ${folder ? `"${folder}"` : "its copy"} away`,
    next: { do: "check-vanished", folder },
    details: { repository: gun, url: url.origin },
  });
}
