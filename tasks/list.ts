/** `tagseal list`: what is signed. @module */
import { connectionFlags, notaryFlags, repositoryFlag } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openNetwork, openTrust } from "../lib/cli/connect.ts";
import { listTags } from "../lib/flows/verify_tags.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";
import { tagListReport } from "../lib/cli/tag_report.ts";

/** The command. */
export const command: Command = defineCommand({
  description: "Lists the signed tags of a repository as Docker resolves them (targets/releases, then targets), with " +
    "digest and signers. All trust data is verified first.",
  flags: { ...repositoryFlag, ...notaryFlags, ...connectionFlags },
  environment: ["NOTARY_AUTH", "DOCKER_CONFIG", "HTTPS_PROXY", "NO_PROXY"],
  example: "tagseal list -r docker.io/acme/app",
  async run(values, host) {
    const name = parseImageName(values.repository);
    const trust = await openTrust(values, host, await openNetwork(values, host), name, "pull");
    const list = await listTags(trust, name.gun);
    for (const { role, reason } of list.skipped) host.warn(`"${role}" is not trusted and left out: ${reason}`);
    if (list.tags.length === 0) host.info(`No tag of "${name.gun}" is signed.`);
    return tagListReport(list, ({ tag, digest, signers }) => `${tag} ${digest} ${signers.join(",")}`);
  },
});
