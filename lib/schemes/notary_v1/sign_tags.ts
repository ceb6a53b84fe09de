/** Signs tags with Docker Content Trust, from start to end. @module */
import type { SignResult } from "../../signing/outcomes.ts";
import { sign, type SignOptions } from "../../signing/sign.ts";
import type { TagsToSign } from "./prepare_tags.ts";
import type { PushResult } from "./push_trust_data.ts";
import { dctJob } from "./scheme.ts";

/** Signs, or withdraws, tags in one or many repositories with one signing request. Throws what `sign` throws. */
export async function signTags(
  work: readonly TagsToSign[],
  options: Omit<SignOptions<PushResult>, "sleep">,
): Promise<SignResult<PushResult>> {
  const sleep = work[0]?.trust.sleep ?? (() => Promise.resolve());
  return await sign(work.map(dctJob), { ...options, sleep });
}
