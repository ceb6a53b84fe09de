/** Signs payloads by SignPath's fast hash signing: one request each, answered at once, without file and approval. @module */
import { digest } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { TagsealError } from "../errors.ts";
import type { SignPathClient } from "../signpath/client.ts";
import type { CallLimits, HashSubmission } from "../signpath/types.ts";
import { describeChanges } from "./description.ts";
import type { Payload } from "./payload.ts";
import { type KeyHolder, type PayloadSigner, perPayload, SERVICE_SPREAD } from "./payload_signer.ts";

/** For how many repositories hashes are signed at a time. */
const AT_ONCE = 4;
/** Nobody has to approve a fast request. */
const ATTEMPTS = 20;

/** Signs with the project and policy of `submission`. Throws what the client throws, `trust-invalid` for a wrong answer. */
export function hashSigner(
  client: Pick<SignPathClient, "signHash">,
  submission: Omit<HashSubmission, "digest" | "rules" | "key" | "metadata">,
  limits: CallLimits,
  policyKey?: KeyHolder & { readonly kind: "service" },
): PayloadSigner {
  return {
    holder: policyKey ?? { kind: "service" },
    attempts: ATTEMPTS,
    spread: SERVICE_SPREAD,
    // Where the first is refused all would be, and a project of the wrong type would file each as an ordinary request.
    sign: perPayload(async (payload) => {
      const { bytes, rules, about } = payload;
      const hashed = await digest(rules.hash, bytes);
      const description = submission.description ?? describeChanges([about]);
      return await client.signHash(
        { ...submission, description, digest: hashed, rules, key: oneKind(payload), metadata: about },
        limits,
      );
    }, { atOnce: AT_ONCE, probeFirst: true }),
  };
}

/**
 * A key that stands for those that may sign: how a hash is sent depends on the kind of key, which a file does not need to
 * know.
 */
function oneKind({ keys: [key, ...others], about: { repository } }: Payload): PublicKey {
  if (others.every(({ shape }) => shape.family === key.shape.family)) return key;
  throw new TagsealError("bad-input", `Cannot tell which key signs for "${repository}": it has keys of several kinds`, {
    remedy: "Name the one that SignPath has, or its certificate",
    next: { do: "name-signing-key" },
    details: { repository, keyIds: [key, ...others].map(({ canonicalId }) => canonicalId) },
  });
}
