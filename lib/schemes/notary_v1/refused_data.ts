/** What is said of signed data that is not what it must be. @module */
import { type NextMove, TagsealError } from "../../errors.ts";

/** A signature by none of the keys `ids`. */
export function wrongSignature(gun: string, role: string, ids: readonly string[]): TagsealError {
  return refusedData(gun, "its signature is not good under the delegation's key", role, otherKey(ids));
}

/** A policy with another certificate is far more common than somebody who tampers. */
function otherKey(ids: readonly string[]): NextMove {
  return {
    remedy: `${NOTHING_HERE}. Probably the signing policy uses another certificate than the delegation ` +
      `(key ${
        ids.map((id) => id.slice(0, 12)).join(", ")
      }): compare them, or add the policy's. If they are the same, ` +
      "somebody changes the file on its way",
    next: { do: "compare-policy-key", keyIds: ids },
  };
}

const NOTHING_HERE = "Nothing was published for this repository";
const ON_ITS_WAY: NextMove = {
  remedy:
    `${NOTHING_HERE}. Make new signing data; if this happens again, find out who changes the file on its way to ` +
    "the signing service and back",
};

/** Signed data that is not what it must be; `next` is what to do. */
export function refusedData(gun: string, why: string, role: string, next: NextMove = ON_ITS_WAY): TagsealError {
  return new TagsealError("trust-invalid", `The signing data for "${role}" of "${gun}" is refused: ${why}`, {
    ...next,
    details: { repository: gun, role },
  });
}
