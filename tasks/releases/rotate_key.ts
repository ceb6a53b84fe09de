/** `deno task release-rotate-key`: gives a role of the release repository new keys. @module */
import { type Command, defineCommand } from "../../lib/cli/command.ts";
import { required } from "../../lib/cli/flags.ts";
import { rotateReleaseKey } from "../../lib/releases/publish.ts";
import { publisherFlags, roleOf, thresholdFlag, thresholdsOf, trustRoot, withReleases } from "./publisher.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Makes new keys for a role, and a new root that names them, signed by the root keys until now and, where root gets " +
    "new ones, by those as well. What the old keys have signed is signed anew. Every program follows, whichever root it " +
    "was built with. The old keys stay in their folder until they are deleted by hand.",
  flags: {
    role: required("--role <role>", "root, targets, snapshot or timestamp"),
    threshold: thresholdFlag,
    ...publisherFlags,
  },
  example: "deno task release-rotate-key --role timestamp --output /srv/releases --keys ~/release-keys",
  async run(values, host) {
    const role = roleOf(values.role);
    const amount = thresholdsOf(values.threshold)[role];
    return await withReleases(values, host, async (publisher, published) => {
      const { signed } = await rotateReleaseKey(publisher, published, role, amount);
      await trustRoot(publisher.folder, signed.version);
      host.info("Commit lib/updates/release_root.ts: what is built from now on begins with the new root.");
      const keyIds = signed.roles[role]!.keyIDs;
      return { json: { role, rootVersion: signed.version, keyIds }, lines: [`${role} ${keyIds.join(" ")} published`] };
    });
  },
});
