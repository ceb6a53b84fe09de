/** What can be read of a repository, whether a server shows it or an export. @module */
import { type Inspection, inspectRepository } from "../flows/inspect_repository.ts";
import type { Trust } from "../notary/repository.ts";
import {
  describeTags,
  type ListOptions,
  listTags,
  type TagListFacts,
  verifyTags,
} from "../schemes/notary_v1/verify_tags.ts";
import type { CallOptions } from "./network.ts";
import { selectTags, type TagSelection } from "./tags.ts";

/** A repository to read. All that it tells has been verified, up to the root. */
export interface TrustReader {
  /** Its full name: `registry.example.com/team/app`. */
  readonly name: string;
  /**
   * Proves that tags are signed, and where digests are given, that they are signed as those. Pull by the digests that
   * it returns: a tag can be moved in between.
   *
   * @throws {TagsealError} `not-signed` naming every tag that is not; `trust-invalid` where a digest is another one, or
   *   the trust data does not hold; `not-found`, `unavailable`, `unauthenticated`, `forbidden`
   */
  verify(tags: TagSelection, options?: CallOptions): Promise<TagListFacts>;
  /**
   * The signed tags as Docker resolves them, or as `options` say. Throws what `verify` throws of trust data and
   * servers.
   */
  list(options?: ListOptions & CallOptions): Promise<TagListFacts>;
  /** Roles, keys and signers, and all signed tags. Throws what `list` throws. */
  inspect(options?: CallOptions): Promise<RepositoryFacts>;
}

/** All that a repository is made of. */
export interface RepositoryFacts
  extends TagListFacts, Pick<Inspection, "roles" | "signers" | "rootKeyIds" | "targetsKeyIds"> {}

/** Opens what is read, for one call. */
export type Reading = <T>(options: CallOptions, work: (trust: Trust) => Promise<T>) => Promise<T>;

/** Reads `name` through `reading`. */
export function trustReader(name: string, reading: Reading): TrustReader {
  return {
    name,
    async verify(selection, options = {}) {
      const { tags, digests } = selectTags(selection);
      return describeTags(await reading(options, (trust) => verifyTags(trust, name, tags, digests)));
    },
    list: async ({ signal, ...options } = {}) =>
      describeTags(await reading({ signal }, (trust) => listTags(trust, name, options))),
    async inspect(options = {}) {
      const inspection = await reading(options, (trust) => inspectRepository(trust, name));
      const { roles, signers, rootKeyIds, targetsKeyIds } = inspection;
      return { ...describeTags(inspection), roles, signers, rootKeyIds, targetsKeyIds };
    },
  };
}
