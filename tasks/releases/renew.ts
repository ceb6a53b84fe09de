/** `deno task release-renew`: signs what ends soon anew. @module */
import { type Command, defineCommand } from "../../lib/cli/command.ts";
import { list } from "../../lib/cli/flags.ts";
import { renewReleases } from "../../lib/releases/publish.ts";
import { publisherFlags, roleOf, trustRoot, withReleases } from "./publisher.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Signs the timestamp of the release repository anew, which counts for ten days, and the snapshot where it ends " +
    "within fifteen. For a machine that has these two keys and no other one, each day. --role root,targets has people " +
    "sign those anew as well, once a year; they are asked to two months before.",
  flags: { roles: list("--role <role>", "sign these anew as well: root, targets"), ...publisherFlags },
  example: "deno task release-renew --output /srv/releases --keys /etc/tagseal-releases",
  async run(values, host) {
    const also = values.roles.map((name) => roleOf(name));
    return await withReleases(values, host, async (publisher, published) => {
      const { renewed, due } = await renewReleases(publisher, published, also);
      if (renewed.includes("root")) {
        await trustRoot(publisher.folder, published.root.signed.version + 1);
        host.info("Commit lib/updates/release_root.ts: what is built from now on begins with the new root.");
      }
      for (const { role, expires } of due) {
        host.warn(
          `the ${role} document of the releases ends at ${expires}: have people sign it anew with --role ${role}`,
        );
      }
      return { json: { renewed, due }, lines: [`renewed: ${renewed.join(", ")}`] };
    });
  },
});
