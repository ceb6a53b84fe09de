/** Goes on with a signing request that was filed, here or elsewhere. @module */
import { isTagsealError, reworded, TagsealError } from "../errors.ts";
import { documentOf } from "../schemes/signing_data.ts";
import type { RepositoryResult } from "../schemes/results.ts";
import type { SignResult } from "../signing/outcomes.ts";
import { readSigned } from "../signing/signed_file.ts";
import type { waitFlags } from "./common_flags.ts";
import type { Values } from "./flags.ts";
import type { Host } from "./host.ts";
import { type pushFlags, pushSigned, repositoriesIn } from "./pushing.ts";
import type { Session } from "./session.ts";
import { waitAndDownload } from "./waiting.ts";

/**
 * Waits for a request, downloads, checks and publishes what it signs.
 *
 * @param filedFor the repositories that it was filed for, where that is known here
 * @throws {TagsealError} `usage` where nobody says for which repository; `trust-invalid` where it is for others than it
 *   was filed for; what waiting, reading and publishing throw
 */
export async function resumeRequest(
  id: string,
  filedFor: readonly string[] | undefined,
  values: Values<typeof pushFlags & typeof waitFlags>,
  session: Session,
  host: Host,
): Promise<SignResult<RepositoryResult>> {
  if (values.repository === undefined && !filedFor) {
    throw new TagsealError("usage", `Signing request "${id}" was not filed from here: say which repository it is for`, {
      remedy: "Give --repository: what the request signs for any other one is not published",
    });
  }
  const client = await session.signPath();
  const data = documentOf(await readSigned(await waitAndDownload(client, id, values, host), id));
  const others = repositoriesIn(data).filter((repository) => filedFor?.includes(repository) === false);
  if (others.length > 0) {
    throw new TagsealError(
      "trust-invalid",
      `Signing request "${id}" is not what was filed from here: it is for ${
        others.slice(0, 5).map((other) => `"${other}"`).join(", ")
      }`,
      {
        remedy:
          "Nothing was published. Find out who has changed the file on its way, or what is kept in the trust directory",
        request: { id, goesOn: false },
      },
    );
  }
  try {
    const result = await pushSigned({ data, called: `Signing request "${id}"` }, values, session, host);
    const failed = result.failed.map(({ repository, error }) => ({ repository, error: goingOn(id, error) }));
    return { ...result, failed, signingRequestId: id };
  } catch (error) {
    throw goingOn(id, error);
  }
}

/** What could not be published for want of a server can be published later. */
function goingOn(id: string, error: unknown): unknown {
  if (!isTagsealError(error, "unavailable", "unauthenticated", "forbidden", "interrupted")) return error;
  return reworded(error, `Signed, but perhaps not published: ${error.message}`, { request: { id, goesOn: true } });
}
