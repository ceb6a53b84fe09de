/** Docker Content Trust (Notary v1): tags in `targets/releases` and the signer's own delegation. @module */
import type { Bytes } from "../../bytes/bytes.ts";
import { recognizeSignature } from "../../crypto/recognize.ts";
import { sha256Hex } from "../../crypto/hash.ts";
import { heldStore } from "../../notary/held_store.ts";
import { hasMoved, readAnew, type Sighting } from "../../notary/repository.ts";
import type { Part } from "../../signing/batch.ts";
import type { SignatureRules } from "../../crypto/signature_rules.ts";
import type { Payload } from "../../signing/payload.ts";
import { type Job, jobOf, type Scheme, type SignedPart } from "../../signing/scheme.ts";
import { DCT } from "../names.ts";
import { type RepositoryChange, wordsOf } from "./changes.ts";
import { type PreparedChange, type PreparedRepository, prepareTags, type TagsToSign } from "./prepare_tags.ts";
import { overtaken } from "../../notary/publish.ts";
import { type PushResult, pushTrustData } from "./push_trust_data.ts";
import { wrongSignature } from "./refused_data.ts";
import { verifyTags } from "./verify_tags.ts";

/**
 * Notary signs over SHA-256 whatever the key. RSA keys sign with PKCS #1 v1.5: Notary takes PSS with a salt of 32 bytes
 * only, and which salt a signing service makes is not documented.
 */
const RULES: SignatureRules = { hash: "sha256", rsaPadding: "pkcs1" };

/** A task of this scheme. */
export type DctTask = TagsToSign & { readonly repository: string };

/** Docker Content Trust as one of the schemes. */
export const notaryV1: Scheme<DctTask, PreparedChange, PushResult, Parameters<typeof verifyTags>, unknown> = {
  name: DCT,
  async prepare(task, at) {
    const { change, ...prepared } = await prepareTags(task, at);
    if (!change) return { outcome: "unchanged", result: unchanged(prepared, task.remove) };
    return { outcome: "to-sign", part: partOf(change), plan: change };
  },
  async look({ trust, gun }) {
    if (await hasMoved(trust, gun)) throw overtaken(gun);
  },
  async check({ gun, trust }, { keys, payloads: roles }, { payloads, signatures }) {
    const seen = trust.recent?.get(gun)?.repository.seen;
    const found = await Promise.all(payloads.map(({ id, bytes }) => {
      const signature = signatures.get(id);
      return Promise.all(keys.map((key) => signature && recognizeSignature(key, bytes, signature, seen)));
    }));
    const wrong = found.findIndex((one) => one.every((good) => good === undefined));
    if (wrong >= 0) throw wrongSignature(gun, roles[wrong]!.role, keys.map(({ canonicalId }) => canonicalId));
  },
  async publish({ trust }, change, { payloads, signatures, wasAway, beginsAnew }: SignedPart) {
    // An approval may have taken days: what is published builds on what is there now.
    if (wasAway) readAnew(trust);
    const bytes = new Map(payloads.map((payload): [string, Bytes] => [payload.id, payload.bytes]));
    return await pushTrustData(trust, { payloads: bytes, signatures }, changeOf(change, payloads), beginsAnew);
  },
  verify: (question) => verifyTags(...question),
};

/**
 * Tags of one repository, to be signed or withdrawn. Starting over signs what was meant at the start: a tag that somebody
 * moves meanwhile is not followed. It reads anew: after a pause, what the refused attempt has read is old among many writers.
 */
export function dctJob(task: TagsToSign): Job<PushResult> {
  const { sign, gun } = task;
  // A key signs in a moment. Whoever waits for a service keeps what has been trusted at once.
  const held = task.holder?.kind === "keys" ? heldStore(task.trust.store) : undefined;
  const known = new Map<string, ReturnType<NonNullable<typeof sign>["lookUp"]>>();
  const lookUp = (tag: string) => {
    const manifest = known.get(tag) ?? sign!.lookUp(tag);
    known.set(tag, manifest);
    return manifest;
  };
  const trust = { ...task.trust, recent: new Map<string, Sighting>(), ...(held ? { store: held } : {}) };
  const bound = { ...task, repository: gun, trust, ...(sign ? { sign: { ...sign, lookUp } } : {}) };
  let mayBeGone = false;
  return {
    repository: gun,
    scheme: notaryV1.name,
    async prepare(at) {
      readAnew(trust);
      const prepared = await jobOf(notaryV1, { ...bound, mayBeGone }).prepare(at);
      mayBeGone = true;
      if (prepared.outcome === "unchanged") await held?.keep(gun);
      return prepared;
    },
    // What is still held here is of a job that has failed: that is told, and nothing else.
    ...(held ? { ended: () => held.keep(gun).catch(() => {}) } : {}),
  };
}

/** What is to be signed, as part of a signing request. */
export function partOf(change: PreparedChange): Part {
  const { facts, keys, payloads, trust } = change;
  const { repository, tags, removedTags } = facts;
  return {
    member: "repositories",
    trust,
    words: (named) => wordsOf(changeOf(change, named)),
    payloads: payloads.map(({ role, version, bytes }) => ({
      bytes,
      keys,
      rules: RULES,
      about: {
        repository,
        subject: `${role}, version ${version}`,
        facts: { Role: role, Version: version },
        tags,
        removedTags,
      },
    })),
  };
}

/** A change, with the payloads as they are called in the file. */
function changeOf({ facts, payloads }: PreparedChange, named: readonly Pick<Payload, "id">[]): RepositoryChange {
  const roles = payloads.map(({ role, baseVersion, version, bytes }, i) => ({
    role,
    baseVersion,
    version,
    payload: named[i]!.id,
    sha256: sha256Hex(bytes),
  }));
  return { ...facts, roles };
}

function unchanged({ repository, tags }: PreparedRepository, removedTags: readonly string[] = []): PushResult {
  return {
    repository,
    outcome: "unchanged",
    tags: tags.map(({ tag, digest }) => ({ tag, digest, previousDigest: digest })),
    ...(removedTags.length > 0 ? { removedTags } : {}),
    roles: [],
  };
}
