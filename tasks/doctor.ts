/** `tagseal doctor`: is everything as signing needs it? @module */
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { examine } from "../lib/cli/doctor.ts";
import { doctorFlags } from "../lib/cli/doctor_flags.ts";
import { doctorReport } from "../lib/cli/doctor_report.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Looks at everything that signing needs, at once, and files and publishes nothing: runtime, proxy, CAs, clock, trust " +
    "directory, Notary server and registry with what this user may do there, SignPath's token, policy and certificate, " +
    "trust data, pin, expiry, delegation. Takes the flags of sign but for the tags; without a repository all that are " +
    "known here. Says for each fault what to do. Nothing secret is shown, and the home folder as ~. Ends with 0, or with " +
    "the code of the worst error.",
  flags: doctorFlags,
  example: "tagseal doctor -r registry.example.com/team/app --project-slug app --signing-policy-slug release",
  async run(values, host) {
    return doctorReport(await examine(values, host), values.typed, host);
  },
});
