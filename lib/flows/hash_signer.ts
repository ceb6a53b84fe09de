/** Signs payloads by SignPath's fast hash signing: one request each, answered at once, without file and approval. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { hash } from "../crypto/hash.ts";
import type { CallLimits, HashSubmission } from "../signpath/types.ts";
import type { SignPathClient } from "../signpath/client.ts";
import type { RepositoryChange, RoleChange } from "../signpath/signing_data.ts";
import { mapAtOnce } from "./at_once.ts";
import type { PayloadSigner } from "./payload_signer.ts";

/** For how many repositories hashes are signed at a time. */
const AT_ONCE = 4;

/** Signs with the project and policy of `submission`. Throws what the client throws, `trust-invalid` for a wrong answer. */
export function hashSigner(
  client: Pick<SignPathClient, "signHash">,
  submission: Omit<HashSubmission, "sha256" | "key" | "metadata">,
  limits: CallLimits,
): PayloadSigner {
  return {
    async sign({ repositories, payloads }, keys) {
      let id: string | null = null;
      let unclearRequests = 0;
      const signHash = async (change: RepositoryChange, { role, version, payload }: RoleChange) => {
        const { repository, tags, removedTags, delegationKeyId } = change;
        const sha256 = hash("sha256", payloads.get(payload)!);
        const metadata = { repository, role, version, tags, removedTags };
        const key = keys.get(delegationKeyId)!;
        const answer = await client.signHash({ ...submission, sha256, key, metadata }, limits);
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
