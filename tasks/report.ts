/** `tagseal report`: a page for auditors, and for whoever is to know before it breaks. @module */
import { auditFlags, gatherAudit } from "../lib/cli/audit/gathering.ts";
import { countOf } from "../lib/cli/audit/text.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { required, toggle } from "../lib/cli/flags.ts";
import { requireFree, writeArtifact } from "../lib/cli/signing.ts";
import { EXIT_CODES, worstOf } from "../lib/cli/exit_codes.ts";
import { utf8 } from "../lib/bytes/bytes.ts";
import { USER_AGENT } from "../lib/http/send.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Writes one HTML page, which needs no network and runs no script, to read, to send and to print: the tree of roles " +
    "and keys, what ends when, how many of the registry's tags are signed, moved since or not signed, who signed what, " +
    "and what audit finds. Takes what audit takes. Exit code 0 where the page was written, whatever it says; audit " +
    "says it as an exit code. Where a repository cannot be read, the page says so, and the exit code is that failure's.",
  flags: {
    ...auditFlags,
    outputArtifactPath: required("--output-artifact-path <file>", "the page to write"),
    force: toggle("--force", "replace the file if it exists"),
  },
  example: "tagseal report -r registry.example.com/team/app --output-artifact-path report.html --root-pin root.pem",
  async run(values, host) {
    const { outputArtifactPath: path, force } = values;
    await requireFree(host, path, force);
    const audit = await gatherAudit(values, host);
    const { reportPage } = await import("../lib/cli/report_page/page.ts");
    await writeArtifact(host, path, utf8(host.withoutSecrets(reportPage(audit, USER_AGENT))), force);
    const { repositories } = audit;
    const unread = repositories.flatMap(({ findings }) => findings.flatMap(({ code }) => code ?? []));
    return {
      json: {
        path: host.path(path),
        summary: countOf(repositories.flatMap(({ findings }) => findings)),
        repositories: repositories.map(({ repository }) => repository),
      },
      lines: [host.path(path)],
      exitCode: worstOf(unread.map((code) => EXIT_CODES[code].exitCode)),
    };
  },
});
