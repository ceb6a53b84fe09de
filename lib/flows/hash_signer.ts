/** Signs payloads by SignPath's fast hash signing: one request each, answered at once, without file and approval. @module */
import { hash } from "../crypto/hash.ts";
import type { CallLimits, HashSubmission } from "../signpath/types.ts";
import type { SignPathClient } from "../signpath/client.ts";
import { HASH_ARTIFACT_NAME, hashArtifact, readHashSignature } from "../signpath/hash_signing.ts";
import { mapAtOnce } from "./at_once.ts";
import type { PayloadSigner } from "./payload_signer.ts";

/** How many hashes are signed at a time. */
const AT_ONCE = 4;

/** Signs with the project and policy of `submission`. Throws what the client throws, `trust-invalid` for a wrong answer. */
export function hashSigner(
  client: Pick<SignPathClient, "signHash">,
  submission: Omit<HashSubmission, "artifact" | "fileName">,
  limits: CallLimits,
): PayloadSigner {
  return {
    async sign({ repositories, payloads }, keys) {
      const parts = repositories.flatMap((change) => change.roles.map((role) => ({ change, role })));
      const signed = await mapAtOnce(parts, AT_ONCE, async ({ change, role: { role, version, payload } }) => {
        const { repository, tags, removedTags, delegationKeyId } = change;
        const digest = hash("sha256", payloads.get(payload)!);
        const artifact = hashArtifact(keys.get(delegationKeyId)!, digest, {
          repository,
          role,
          version,
          tags,
          removedTags,
        });
        const answer = await client.signHash({ ...submission, artifact, fileName: HASH_ARTIFACT_NAME }, limits);
        return { payload, signature: readHashSignature(artifact, answer.signed), id: answer.signingRequestId ?? null };
      });
      return {
        signatures: new Map(signed.map(({ payload, signature }) => [payload, signature])),
        signingRequestId: signed.at(-1)?.id ?? null,
        isKept: false,
      };
    },
  };
}
