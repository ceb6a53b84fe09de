/** `tagseal migrate`: from Docker Content Trust to cosign and Notation. @module */
import { connectionFlags, notaryFlags, registryFlags, signerFlags } from "../lib/cli/common_flags.ts";
import { signPathFlags, submissionFlags, tagsFlag, waitFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { fromFlag } from "../lib/cli/exported.ts";
import { migrationReport, openMigration, targetSchemeFlag } from "../lib/cli/migration.ts";
import { readRepositories, repositoriesFlags } from "../lib/cli/repositories.ts";
import { schemeFlags } from "../lib/cli/schemes.ts";
import { openSession } from "../lib/cli/session.ts";
import { dryRunFlag, openNeededMethod, runSigning, signingMethodFlags } from "../lib/cli/signing_method.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Signs as cosign and Notation what Docker Content Trust vouches for: every signed tag, or those of --tags, by the " +
    "digest that is signed, whatever the tag stands for now. All trust data is verified first, from the Notary server or " +
    "from a file of tagseal export. All repositories go into one signing request. Tags whose signed image is not in the " +
    "registry any more are told and left out: exit code 2 where they were named with --tags, or where a repository has " +
    "none of its images. A second run signs only what is missing.",
  flags: {
    ...repositoriesFlags,
    ...tagsFlag,
    ...fromFlag,
    ...schemeFlags,
    scheme: targetSchemeFlag,
    delegationCertificate: {
      ...signerFlags.delegationCertificate,
      spec: "--delegation-certificate <file>",
      help: "the signing key's certificate, PEM or DER (that of the signing policy)",
    },
    ...dryRunFlag,
    ...signingMethodFlags,
    ...signPathFlags,
    ...submissionFlags,
    ...waitFlags,
    ...notaryFlags,
    ...registryFlags,
    ...connectionFlags,
  },
  example: "tagseal migrate --repositories-from repositories.txt --project-slug app --signing-policy-slug release",
  async run(values, host) {
    const repositories = await readRepositories(values, host);
    const session = openSession(values, host);
    const signer = await openNeededMethod(values, session, host);
    const { jobs, plans } = await openMigration(repositories, values, session, host, signer?.holder);
    const report = await runSigning({ images: jobs, tags: [] }, signer, values, host);
    return migrationReport(report, plans(), values.tags);
  },
});
