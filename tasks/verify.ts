/** `tagseal verify`: are these tags signed? @module */
import { connectionFlags, notaryFlags, repositoryFlag, tagFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openNetwork, openTrust } from "../lib/cli/connect.ts";
import { tagListReport } from "../lib/cli/tag_report.ts";
import { expectedDigests, requireTags } from "../lib/cli/tags.ts";
import { verifyTags } from "../lib/flows/verify_tags.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Proves that tags are signed and prints tag and digest: pull by that digest. Exit code 3 where one is not. " +
    "With --expect-digest the tag must be signed as exactly that digest.",
  flags: { ...repositoryFlag, ...tagFlags, ...notaryFlags, ...connectionFlags },
  environment: ["NOTARY_AUTH", "DOCKER_CONFIG", "HTTPS_PROXY", "NO_PROXY"],
  example: "tagseal verify -r docker.io/acme/app -t v1 --root-pin root.pem",
  async run(values, host) {
    const name = parseImageName(values.repository);
    const expected = expectedDigests(values.expectDigest);
    const tags = requireTags([...values.tags, ...expected.keys()]);
    const trust = await openTrust(values, host, await openNetwork(values, host), name, "pull");
    return tagListReport(await verifyTags(trust, name.gun, tags, expected), ({ tag, digest }) => `${tag} ${digest}`);
  },
});
