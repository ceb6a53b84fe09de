/** `tagseal audit`: is all as it should be, and is what the registry serves what was signed? @module */
import { auditFormatFlags, auditReport } from "../lib/cli/audit/auditing.ts";
import { auditFlags, gatherAudit } from "../lib/cli/audit/gathering.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Compares the tags of the registry with what is signed, and looks at roles, keys and certificates: unsigned tags, " +
    "tags that were moved since they were signed, what has expired or soon will, keys in several roles, a root that is " +
    "not pinned. With --scheme also cosign and Notation signatures, by whom --key and --certificate name. Without a " +
    "repository all of the project file, or that are known here; with --from all of that export, without the registry. " +
    "Exit code 3 where something is wrong (--fail-on says from when on). Each finding has a rule whose name is kept.",
  flags: { ...auditFlags, ...auditFormatFlags },
  example: "tagseal audit -r registry.example.com/team/app --root-pin root.pem",
  async run(values, host) {
    return await auditReport(await gatherAudit(values, host), values);
  },
});
