/** Signs payloads by SignPath's fast hash signing: one request each, answered at once, without file and approval. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { hash } from "../crypto/hash.ts";
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import { TagsealError } from "../errors.ts";
import type { CallLimits, HashSubmission } from "../signpath/types.ts";
import type { SignPathClient } from "../signpath/client.ts";
import { describeChanges } from "../signpath/description.ts";
import type { RepositoryChange, RoleChange } from "../signpath/signing_data.ts";
import { mapAtOnce } from "./at_once.ts";
import type { PayloadSigner } from "./payload_signer.ts";
import type { SigningService } from "./signing_keys.ts";

type Keys = ReadonlyMap<KeyId, PublicKey>;

/** For how many repositories hashes are signed at a time. */
const AT_ONCE = 4;

/** Signs with the project and policy of `submission`. Throws what the client throws, `trust-invalid` for a wrong answer. */
export function hashSigner(
  client: Pick<SignPathClient, "signHash">,
  submission: Omit<HashSubmission, "sha256" | "key" | "metadata">,
  limits: CallLimits,
  service: SigningService = {},
): PayloadSigner {
  return {
    service,
    async sign({ repositories, payloads }, keys) {
      let id: string | null = null;
      let unclearRequests = 0;
      const signHash = async (change: RepositoryChange, { role, version, payload }: RoleChange) => {
        const { repository, tags, removedTags } = change;
        const sha256 = hash("sha256", payloads.get(payload)!);
        const metadata = { repository, role, version, tags, removedTags };
        const key = oneKind(change, keys);
        const description = submission.description ?? describeChanges([change]);
        const answer = await client.signHash({ ...submission, description, sha256, key, metadata }, limits);
        id = answer.signingRequestId ?? id;
        unclearRequests += answer.unclearRequests ?? 0;
        return [payload, answer.signature] as const;
      };
      const signatures = new Map<string, Bytes>();
      const failures = new Map<string, unknown>();
      const signAll = async (changes: readonly RepositoryChange[]) => {
        await mapAtOnce(changes, AT_ONCE, async (change) => {
          try {
            for (const role of change.roles) signatures.set(...await signHash(change, role));
          } catch (error) {
            failures.set(change.repository, error);
          }
        });
      };
      // Where the first is refused all would be, and a project of the wrong type would file each as an ordinary request.
      const [first, ...others] = repositories;
      await signAll([first!]);
      if (failures.size > 0) throw failures.get(first!.repository);
      await signAll(others);
      return { signatures, failures, signingRequestId: id, isKept: false, unclearRequests };
    },
  };
}

/**
 * A key that stands for those that may sign: how a hash is sent depends on the kind of key, which a file does not need to
 * know.
 */
function oneKind({ repository, delegationKeyId, alternativeKeyIds = [] }: RepositoryChange, keys: Keys): PublicKey {
  const [key, ...others] = [delegationKeyId, ...alternativeKeyIds].map((id) => keys.get(id)!);
  if (others.every(({ shape }) => shape.family === key!.shape.family)) return key!;
  throw new TagsealError("bad-input", `Cannot tell which key signs for "${repository}": it has keys of several kinds`, {
    remedy: "Name the one that SignPath has, or its certificate, with --delegation-certificate",
    details: { repository, keyIds: [delegationKeyId, ...alternativeKeyIds] },
  });
}
