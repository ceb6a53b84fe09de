/** `tagseal renew`: signs roles anew before they end, with the tags they hold. @module */
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { days } from "../lib/cli/flags.ts";
import { nextCommand } from "../lib/cli/next_command.ts";
import { readRepositories, repositoriesFlags } from "../lib/cli/repositories.ts";
import { openSession } from "../lib/cli/session.ts";
import { openNeededMethod, runSigning, signingFlags } from "../lib/cli/signing_method.ts";
import { openSigning } from "../lib/cli/work.ts";
import { STANDARD_DELEGATION } from "../lib/flows/delegation_certificate.ts";
import { RELEASES, signerRole } from "../lib/tuf/roles.ts";

const { renewRole: _, ...flags } = signingFlags;
const DAY_MS = 86_400_000;

/** The command. */
export const command: Command = defineCommand({
  description:
    "Signs targets/releases and the signer's own delegation anew, for three years and with just the tags they hold: at " +
    "once, or with --within only what ends that soon. All repositories go into one signing request; where nothing ends " +
    "soon none is filed, so that it can be run every night. Roles that have expired keep their tags; one whose key was " +
    "replaced would lose them, and is left to sign --renew-role.",
  flags: {
    ...repositoriesFlags,
    within: days("--within <days>", "only roles that end within so many days, or have expired"),
    ...flags,
  },
  example:
    "tagseal renew --repositories-from repositories.txt --within 90 --project-slug app --signing-policy-slug release",
  async run(values, host) {
    const { names, fromFile } = await readRepositories(values, host);
    const session = openSession(values, host);
    const signer = await openNeededMethod(values, session, host);
    const access = values.dryRun ? "pull" : "push,pull";
    const signing = await openSigning({ ...values, renewRole: [] }, session, host, access, signer?.holder);
    const delegation = values.delegation ?? STANDARD_DELEGATION;
    const roles = [RELEASES, signerRole(delegation)];
    const tags = await Promise.all(names.map(async (name) => ({
      ...await signing(name),
      renew: roles,
      renewWithinMs: values.within === undefined ? Infinity : values.within * DAY_MS,
      howToRenew: () => nextCommand(name.gun, { kind: "renew", delegation, roles }, values.typed),
    })));
    const repository = fromFile ? undefined : values.repository;
    return await runSigning({ images: [], tags }, signer, { ...values, repository }, host);
  },
});
