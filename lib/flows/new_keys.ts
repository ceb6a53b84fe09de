/** Keys that were made for a change, when it fails: they stay where a server may trust them. @module */
import { isTagsealError, reworded } from "../errors.ts";
import type { KeyId } from "../crypto/keys.ts";
import type { NewKey } from "../keystore/keystore.ts";

/**
 * What failed, where nobody knows whether the change is published: with the ids of the keys that were kept. Otherwise the
 * keys are removed again. `rootKeyId` names the root key with which the same can be tried again.
 */
export async function keepOrDiscard(
  error: unknown,
  made: readonly NewKey[],
  rootKeyId?: KeyId,
): Promise<unknown> {
  if (!isTagsealError(error) || error.published === undefined || error.published === "no") {
    await Promise.all(made.map((key) => key.discard()));
    return error;
  }
  if (made.length === 0) return error;
  return reworded(error, error.message, {
    remedy: "The new keys were kept. Look at the repository: if it names them, it is yours and complete",
    next: { do: "look-at-new-keys" },
    kept: { keyIds: made.map(({ signer }) => signer.publicKey.canonicalId), rootKeyId },
  });
}
