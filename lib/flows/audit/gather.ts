/** Finds out all that an audit judges. @module */
import { isTagsealError, type TagsealError } from "../../errors.ts";
import type { KeyStore } from "../../keystore/keystore.ts";
import type { Trust } from "../../notary/repository.ts";
import { registryStore } from "../../registry/image_store.ts";
import type { RegistryRepository } from "../../registry/repository.ts";
import { listTagNames } from "../../registry/tag_names.ts";
import { MANIFESTS_AT_ONCE } from "../../schemes/images.ts";
import { entriesBelow } from "../../schemes/notary_v1/role_entries.ts";
import { mapAtOnce } from "../../signing/at_once.ts";
import { resolveAll } from "../../tuf/resolve.ts";
import { RELEASES } from "../../tuf/roles.ts";
import { type Look, lookAtRepository } from "../look_at_expired.ts";
import { servedUnder } from "../served_tags.ts";
import { statusOf } from "../repository_status.ts";
import { judgeImage, type TrustedSigners } from "../verify_images.ts";
import type { AuditedTag, AuditFacts, RegistryFacts, SignedAs, Standing } from "./facts.ts";

/** What is audited. */
export interface AuditQuestion {
  /** The repository's trust data. */
  readonly trust: Trust;
  /** The keys at hand. */
  readonly keys: Pick<KeyStore, "list">;
  /** The repository: the GUN. */
  readonly gun: string;
  /** The same at its registry; left out where it is not to be asked. */
  readonly registry?: RegistryRepository | undefined;
  /** Whose cosign and Notation signatures are asked for. */
  readonly signers?: TrustedSigners;
  /** Told how many tags have been compared. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** Tags under which cosign and referrers lie beside an image. */
const ATTACHMENT = /^sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?$/;

/**
 * Finds it out: the trust data verified as always, expired parts looked at; the registry's list of tags; and what it
 * serves under each tag that is signed, or, where other schemes are asked for, under every tag.
 *
 * Throws what reading trust data throws. That the registry fails is a fact.
 */
export async function gatherFacts(question: AuditQuestion): Promise<AuditFacts> {
  const { trust, keys, gun, registry } = question;
  const before = await trust.store.read(gun);
  const look = await lookAtRepository(trust, gun);
  const [status, listed] = await Promise.all([
    statusOf(trust, keys, before, look),
    registry ? listTagNames(registry).catch(failure) : [],
  ]);
  const signed = signedTags(look);
  const holds = look.trusted !== undefined && look.trusted.delegations.get(RELEASES)?.kind !== "skipped";
  const resolved = new Set(holds ? resolveAll(look.trusted).map(({ tag }) => tag) : []);
  const known = Array.isArray(listed) ? new Set(listed.filter((tag) => !ATTACHMENT.test(tag))) : undefined;
  const facts = (tags: readonly AuditedTag[], registry: RegistryFacts): AuditFacts => ({ status, tags, registry });
  const unchecked = () =>
    [...signed].map(([tag, as]): AuditedTag => ({
      tag,
      signed: as,
      standing: resolved.has(tag) ? "unchecked" : "lapsed",
    })).sort(byTag);
  if (registry === undefined) return facts(unchecked(), { state: "not-asked" });
  if (known === undefined) return facts(unchecked(), { state: "failed", error: listed as TagsealError });

  const all = [...new Set([...signed.keys(), ...known])].sort();
  let done = 0;
  const compared = await mapAtOnce(all, MANIFESTS_AT_ONCE, async (tag) => {
    const one = await compare(question, registry, tag, signed.get(tag), {
      isServed: known.has(tag),
      isTrusted: resolved.has(tag),
    });
    question.onProgress?.(++done, all.length);
    return one;
  }).catch(failure);
  if (!Array.isArray(compared)) return facts(unchecked(), { state: "failed", error: compared });
  return facts(compared, { state: "asked", attachments: (listed as string[]).length - known.size });
}

async function compare(
  { gun, signers = {}, trust }: AuditQuestion,
  registry: RegistryRepository,
  tag: string,
  signed: SignedAs | undefined,
  { isServed, isTrusted }: { readonly isServed: boolean; readonly isTrusted: boolean },
): Promise<AuditedTag> {
  const about = { tag, ...(signed ? { signed } : {}) };
  const isAsked = signers.cosign !== undefined || signers.notation !== undefined;
  // Names are enough where nothing is signed.
  if (!isServed || (!signed && !isAsked)) {
    return { ...about, standing: !signed ? "unsigned" : isTrusted ? "gone" : "lapsed" };
  }
  const store = registryStore(registry);
  const found = await servedUnder(store, tag);
  if (typeof found === "string") return { ...about, standing: "unreadable", unreadable: found };
  if (found === undefined) return { ...about, standing: signed ? isTrusted ? "gone" : "lapsed" : "unsigned" };
  const { digest: served, mediaType, bytes } = found;
  const standing: Standing = !signed
    ? "unsigned"
    : signed.digest !== served
    ? "moved"
    : isTrusted
    ? "signed"
    : "lapsed";
  if (!isAsked) return { ...about, standing, served };
  const image = { mediaType, digest: served, size: bytes.length };
  const judged = await judgeImage({ tag, image }, { repository: gun, store, signers, at: trust.now() });
  return { ...about, standing, served, judged };
}

/** All that is or was signed, by tag, as Docker resolves it. */
function signedTags({ trusted, seen }: Look): Map<string, SignedAs> {
  const signed = new Map<string, SignedAs>();
  const views = trusted && trusted !== seen ? [seen, trusted] : [seen]; // what is trusted replaces what was
  for (const view of views) {
    const entries = Map.groupBy(entriesBelow(view, "targets"), ({ tag }) => tag);
    for (const { tag, sha256, role, signers } of resolveAll(view)) {
      const otherRoles = (entries.get(tag) ?? []).filter((one) => one.sha256 !== sha256).map(({ role }) => role);
      signed.set(tag, { digest: `sha256:${sha256}`, role, signers, otherRoles });
    }
  }
  return signed;
}

function failure(error: unknown): TagsealError {
  if (isTagsealError(error) && error.code !== "interrupted") return error;
  throw error;
}

function byTag(a: AuditedTag, b: AuditedTag): number {
  return a.tag < b.tag ? -1 : 1;
}
