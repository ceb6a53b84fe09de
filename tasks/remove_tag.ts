/** `tagseal remove-tag`: withdraws the signature of tags. @module */
import { repositoryFlag, tagsFlag } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { openNeededMethod, runSigning, signingFlags } from "../lib/cli/signing_method.ts";
import { requireTags } from "../lib/cli/tags.ts";
import { openSigning } from "../lib/cli/work.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Takes tags out of targets/releases and the signer's own delegation, so that Docker refuses them from then on. " +
    "This is signed as sign does it, with the same policies and approvals. The images stay where they are. Replaces " +
    "notary remove and docker trust revoke.",
  flags: { ...repositoryFlag, ...tagsFlag, ...signingFlags },
  example:
    "tagseal remove-tag -r registry.example.com/team/app -t 1.2.16 --project-slug app --signing-policy-slug release",
  async run(values, host) {
    const name = parseImageName(values.repository);
    const remove = requireTags(values.tags);
    const session = openSession(values, host);
    const signer = await openNeededMethod(values, session, host);
    const signing = await openSigning(values, session, host, values.dryRun ? "pull" : "push,pull", signer?.holder);
    const onStillSigned = (tag: string) =>
      host.warn(
        `"targets" of "${name.gun}" holds "${tag}" as well: Docker goes on taking it until that is removed, too`,
      );
    const task = { ...await signing(name), remove, onStillSigned };
    return await runSigning({ images: [], tags: [task] }, signer, values, host);
  },
});
