/** `tagseal forget`: the local copy of a repository that was set up anew. @module */
import { connectionFlags, notaryFlags, repositoryFlag } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { requireConsent } from "../lib/cli/consent.ts";
import { openSession } from "../lib/cli/session.ts";
import { TagsealError } from "../lib/errors.ts";
import { prepareForgetting } from "../lib/flows/forget_copy.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "After a repository was set up anew, with another root key: forgets what is known of the old one here, and keeps " +
    "the new one, which must verify and hold the pin that its administrator has handed out. Nothing else can make " +
    "this machine take another root. Private keys stay.",
  flags: { ...repositoryFlag, ...notaryFlags, ...connectionFlags },
  example: "tagseal forget -r registry.example.com/team/app --root-pin new-root.pem",
  async run(values, host) {
    const name = parseImageName(values.repository);
    const { pin, ...trust } = await openSession(values, host).notary(name, "pull");
    if (pin === undefined || pin === "required") {
      throw new TagsealError(
        "usage",
        "--root-pin is missing: nothing is forgotten for a root that nobody vouches for",
        {
          remedy:
            "Give the new root certificate as --root-pin, from the repository's administrator and not from its server",
        },
      );
    }
    const { oldRootKeyIds, newRootKeyIds, replace } = await prepareForgetting({ ...trust, pin }, name.gun);
    const json = { repository: name.gun, oldRootKeyIds, newRootKeyIds, outcome: replace ? "forgotten" : "unchanged" };
    if (!replace) {
      return {
        json,
        lines: [`${name.gun}: nothing is to be forgotten, what the server shows leads on from the copy here`],
      };
    }
    host.info(`Known here: the root keys ${oldRootKeyIds.join(", ") || "of a copy that cannot be read"}`);
    host.info(`Now, as pinned: ${newRootKeyIds.join(", ")}`);
    await requireConsent(values.yes, host, `Forget what is known of "${name.gun}" here, and trust the new root?`);
    await replace();
    return { json, lines: [`${name.gun}: the old copy is forgotten, root ${newRootKeyIds.join(", ")}`] };
  },
});
