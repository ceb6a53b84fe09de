/** `tagseal verify`: are these tags signed? @module */
import { connectionFlags, notaryFlags, repositoryFlag, signedTagFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { fromFlag, openReading } from "../lib/cli/exported.ts";
import { tagListReport } from "../lib/cli/tag_report.ts";
import { expectedDigests, requireTags } from "../lib/cli/tags.ts";
import { verifyTags } from "../lib/schemes/notary_v1/verify_tags.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Proves that tags are signed and prints tag and digest: pull by that digest. Exit code 3 where one is not. " +
    "With --expect-digest the tag must be signed as exactly that digest. With --from the whole chain is verified from " +
    "a file of tagseal export alone, and expiry is judged as of the export.",
  flags: { ...repositoryFlag, ...signedTagFlags, ...fromFlag, ...notaryFlags, ...connectionFlags },
  example: "tagseal verify -r registry.example.com/team/app -t v1 --root-pin root.pem",
  async run(values, host) {
    const name = parseImageName(values.repository);
    const expected = expectedDigests(values.expectDigest);
    const tags = requireTags([...values.tags, ...expected.keys()]);
    const { trust, offline } = await (await openReading(values, host))(name);
    // A copy, however well verified, proves nothing about now.
    const list = await verifyTags({ ...trust, offline: "refused" }, name.gun, tags, expected);
    return tagListReport(list, ({ tag, digest }) => `${tag} ${digest}`, offline);
  },
});
