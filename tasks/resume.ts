/** `tagseal resume`: the rest of what `sign` does, for a request that was filed. @module */
import { signPathFlags, waitFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { withGoOn } from "../lib/cli/go_on.ts";
import { noteAsPublished, repositoriesOf } from "../lib/cli/kept_requests.ts";
import { pushFlags } from "../lib/cli/pushing.ts";
import { resumeRequest } from "../lib/cli/resuming.ts";
import { openSession } from "../lib/cli/session.ts";
import { signedReport } from "../lib/cli/signed_report.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Goes on with a signing request that was filed: waits, downloads, checks against the trust data as it is now, " +
    "publishes and reads back. It files nothing, and a second run changes nothing. A request that was filed from " +
    "here is for the repositories that it was filed for; of any other one, say which repository it is to be for.",
  argument: { name: "<id>", help: "the signing request's id, as sign and submit print it" },
  flags: {
    ...pushFlags,
    repository: { ...pushFlags.repository, help: "publish only what the request signs for this repository" },
    ...signPathFlags,
    ...waitFlags,
  },
  example: 'tagseal resume "$id" -r registry.example.com/team/app',
  async run(values, host, id) {
    const how = { ...values, outputArtifactPath: undefined, force: false };
    const filedFor = await repositoriesOf(id, values, host);
    const session = openSession(values, host);
    const result = await withGoOn(how, host, () => resumeRequest(id, filedFor, values, session, host));
    const isAll = values.repository === undefined || filedFor?.length === 1;
    if (result.failed.length === 0 && isAll) await noteAsPublished(id, values, host);
    return signedReport(result, host);
  },
});
