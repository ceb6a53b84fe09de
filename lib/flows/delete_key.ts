/** Whether a targets key can be deleted: does signing go on without it? @module */
import type { KeyId } from "../crypto/keys.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { fileOf, resolveAll } from "../tuf/resolve.ts";
import { RELEASES } from "../tuf/roles.ts";
import { checkSignatures } from "../tuf/threshold.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import { openRepository, type Trust } from "../notary/repository.ts";

/** Why a targets key is not needed. */
export type NeedlessKey =
  /** The server has no such repository. */
  | { readonly kind: "no-repository" }
  /** The repository does not trust it, any more or yet. */
  | { readonly kind: "not-trusted" }
  /** The repository trusts it, and tags are signed by others. */
  | {
    readonly kind: "replaced-by-delegation";
    /** Canonical ids of the keys that sign tags. */
    readonly signerKeyIds: readonly KeyId[];
    /** A tag that Docker takes from `targets/releases`, proved now without the key; nothing where none is signed yet. */
    readonly provedBy: { readonly tag: string; readonly digest: string } | undefined;
  };

/**
 * Reads the repository, and proves that it can be signed and verified without the targets key `keyId`.
 *
 * @throws {TagsealError} `bad-input` where the key is still needed; what reading throws
 */
export async function proveNeedless(trust: Trust, gun: string, keyId: KeyId): Promise<NeedlessKey> {
  let repository: TrustedRepository;
  try {
    ({ repository } = await openRepository(trust, gun));
  } catch (error) {
    if (isTagsealError(error, "not-found")) return { kind: "no-repository" };
    throw error;
  }
  const isThis = ({ canonicalId }: { readonly canonicalId: KeyId }) => canonicalId === keyId;
  if (![...repository.root.roles.targets.keys.values()].some(isThis)) return { kind: "not-trusted" };

  const releases = repository.targets.delegations.find(({ name }) => name === RELEASES);
  const others = new Map([...releases?.keys ?? []].filter(([, key]) => !isThis(key)));
  if (!releases || others.size < releases.threshold) {
    throw new TagsealError(
      "bad-input",
      `The targets key ${keyId.slice(0, 7)}… of "${gun}" is still needed: ` +
        `no other key may sign in "${RELEASES}"`,
      {
        remedy: "Let another key sign first: add it to a delegation. Then sign a test tag",
        next: { do: "delegate-then-sign" },
        details: { repository: gun, keyId },
      },
    );
  }
  const state = repository.delegations.get(RELEASES);
  if (state?.kind === "skipped") throw stillNeeded(gun, keyId, state.reason);
  const file = fileOf(repository, RELEASES);
  if (file && !(await checkSignatures(file.envelope, { ...releases, keys: others })).ok) {
    throw stillNeeded(gun, keyId, "it is signed by this very key alone");
  }
  const tag = resolveAll(repository).find(({ role }) => role === RELEASES);
  return {
    kind: "replaced-by-delegation",
    signerKeyIds: [...new Set([...others.values()].map(({ canonicalId }) => canonicalId))],
    provedBy: tag && { tag: tag.tag, digest: `sha256:${tag.sha256}` },
  };
}

function stillNeeded(gun: string, keyId: KeyId, why: string): TagsealError {
  return new TagsealError(
    "bad-input",
    `The tags in "${RELEASES}" of "${gun}" are not trusted without this key: ${why}`,
    {
      remedy: "Sign a tag with the delegation key first, and see in the repository's status that all is well",
      next: { do: "sign-then-look" },
      details: { repository: gun, keyId },
    },
  );
}
