/** `tagseal cancel`: a signing request that nobody wants any more. @module */
import { connectionFlags, signPathFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { cancelRequest } from "../lib/cli/waiting.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Cancels a signing request at SignPath that has not ended, so that nobody approves it any more. What is signed " +
    "already, and what is published, stays as it is.",
  argument: { name: "<id>", help: "the signing request's id, as sign and submit print it" },
  flags: { ...signPathFlags, ...connectionFlags },
  example: 'tagseal cancel "$id"',
  async run(values, host, signingRequestId) {
    const outcome = await cancelRequest(await openSession(values, host).signPath(), signingRequestId, host);
    return {
      json: { signingRequestId, outcome },
      lines: [`Signing request ${signingRequestId}: ${outcome === "canceled" ? "cancelled" : "was cancelled before"}`],
    };
  },
});
