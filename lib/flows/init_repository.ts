/** Sets a repository up: root and targets key here, snapshot and timestamp at the server, all published at once. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { type KeyId, keyOfCertificate, type PublicKey } from "../crypto/keys.ts";
import { createRootCertificate } from "../crypto/root_certificate.ts";
import type { Certificate } from "../crypto/x509.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { neverSent } from "../http/send.ts";
import type { KeyStore, NewKey } from "../keystore/keystore.ts";
import { assembleFile, emptyTargets, firstRoot } from "../tuf/edit.ts";
import { delegating } from "./add_delegation.ts";
import { openRepository, type Trust } from "./repository.ts";

/** What a new repository is made of. */
export interface InitOptions {
  /** The GUN. */
  readonly gun: string;
  /** A delegation that is part of the first publish. */
  readonly delegation?: { readonly name: string; readonly key: PublicKey } | undefined;
}

/** A repository that was set up, proved by reading it back. */
export interface InitResult {
  /** Canonical id of the root key. */
  readonly rootKeyId: KeyId;
  /** Canonical id of the targets key. */
  readonly targetsKeyId: KeyId;
  /** The root certificate, to be handed to SignPath and to consumers as a pin. */
  readonly rootCertificate: Certificate;
}

/**
 * Sets a repository up.
 *
 * Keys are kept before they are published. Where it is certain that nothing was published they are removed again; where
 * the server's answer was lost they stay, as the server may trust them.
 *
 * @throws {TagsealError} `exists` where the repository has trust data already
 */
export async function initRepository(trust: Trust, keys: KeyStore, options: InitOptions): Promise<InitResult> {
  const { server } = trust;
  const { gun } = options;
  // All at once: for a repository that exists, asking for its keys changes nothing.
  const [present, remembered, timestamp, snapshot] = await Promise.all([
    server.read(gun, "root"),
    trust.store.read(gun),
    server.managedKey(gun, "timestamp"),
    server.managedKey(gun, "snapshot"),
  ]);
  if (present) throw exists(gun, server.url);
  if (remembered.has("root")) throw vanished(gun, server.url);

  const made: NewKey[] = [];
  let mayBeLive = false;
  try {
    const root = await keys.create({ role: "root" });
    made.push(root);
    const targets = await keys.create({ role: "targets", gun });
    made.push(targets);
    const at = trust.now();
    const rootCertificate = await createRootCertificate(root.signer, gun, at);
    const rootKey = keyOfCertificate(rootCertificate);
    const targetsKey = targets.signer.publicKey;
    const rootSigned = firstRoot({ root: rootKey, targets: targetsKey, snapshot, timestamp }, at);
    const first = emptyTargets(at);
    const { delegation } = options;
    const targetsSigned = delegation ? delegating(first, delegation.name, delegation.key) : first;
    const rootFile = await sign(root, rootKey.id, canonicalJson(rootSigned));
    const targetsFile = await sign(targets, targetsKey.id, canonicalJson(targetsSigned));
    mayBeLive = true;
    const failure = await server.publish(gun, new Map([["root", rootFile], ["targets", targetsFile]]))
      .then(() => undefined, (error: unknown) => error);
    if (failure !== undefined) {
      const served = await server.read(gun, "root");
      if (served?.toHex() !== rootFile.toHex()) {
        mayBeLive = !served && mayStillArrive(failure);
        throw served ? exists(gun, server.url) : failure;
      }
    }
    const pin = { keyId: rootKey.canonicalId, certificateDerHex: rootCertificate.der.toHex() };
    await openRepository({ ...trust, pin }, gun);
    return { rootKeyId: rootKey.canonicalId, targetsKeyId: targetsKey.canonicalId, rootCertificate };
  } catch (error) {
    if (mayBeLive) throw keptKeys(error, gun, made);
    await Promise.all(made.map((key) => key.discard()));
    throw error;
  }
}

/**
 * Whether a publish that failed may still take effect: it went out and the server itself has not answered. Then the keys
 * must be kept.
 */
function mayStillArrive(failure: unknown): boolean {
  if (!isTagsealError(failure, "unavailable") || neverSent(failure)) return false;
  const status = failure.details["status"];
  return status === undefined || status === 502 || status === 504; // gateways speak for a server that is still at work
}

async function sign(key: NewKey, keyId: KeyId, payload: Bytes): Promise<Bytes> {
  return assembleFile(payload, [{ keyId, signature: await key.signer.sign(payload) }]);
}

function exists(gun: string, url: URL): TagsealError {
  return new TagsealError("exists", `The repository "${gun}" has trust data on "${url.origin}" already`, {
    remedy: "Keep its keys: go on with tagseal root-certificate and tagseal add-delegation",
    details: { repository: gun, url: url.origin },
  });
}

/** Whoever knows the old root will refuse a new one, this trust directory first of all. */
function vanished(gun: string, url: URL): TagsealError {
  return new TagsealError("exists", `"${gun}" is known here by a root that "${url.origin}" does not have`, {
    remedy:
      "Check --notary-url. If the repository was deleted there and shall be made anew, every client must forget its " +
      "old root: here, move its folder below tuf/ in the trust directory away",
    details: { repository: gun, url: url.origin },
  });
}

function keptKeys(error: unknown, gun: string, made: readonly NewKey[]): unknown {
  if (!isTagsealError(error)) return error;
  const keyIds = made.map(({ signer }) => signer.publicKey.canonicalId);
  return new TagsealError(error.code, `${error.message}. Whether "${gun}" was published is not known`, {
    remedy: "The new keys were kept. Look with tagseal list; if the repository is there, it is yours and complete",
    details: { ...error.details, keyIds },
    cause: error,
  });
}
