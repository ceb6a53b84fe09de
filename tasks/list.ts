/** `tagseal list`: what is signed. @module */
import { connectionFlags, notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { fromFlag, openReadings } from "../lib/cli/exported.ts";
import { text, toggle } from "../lib/cli/flags.ts";
import { reportEach, repositoriesFlags } from "../lib/cli/repositories.ts";
import { past } from "../lib/cli/since.ts";
import { word } from "../lib/bytes/printable.ts";
import { standIn, tagListReport } from "../lib/cli/tag_report.ts";
import { listTags, type TagFacts } from "../lib/schemes/notary_v1/verify_tags.ts";

/** The command. */
export const command: Command = defineCommand({
  description: "Lists the signed tags of a repository as Docker resolves them (targets/releases, then targets), with " +
    "digest and signers. All trust data is verified first. --role lists one role and those below it instead, --all " +
    "every role's entry of a tag, with the role, and a mark (differs) where roles do not agree on the digest. Where the " +
    "server is out of reach the local copy is shown; --json says so (offline {why, judgedAt}). Exit code 3 where no tag " +
    "is shown and roles were left out, as they are not trusted. --since shows history instead of tags: the server's own " +
    "versions, each verified as of its time, which is the server's word; diff compares two exports of yours.",
  flags: {
    ...repositoriesFlags,
    role: text("--role <role>", "this role and those below it, e.g. targets/signpath"),
    all: toggle("--all", "every role's entry of a tag"),
    since: past("--since <when>", "what was added, moved and withdrawn since then, and which keys came and went"),
    ...fromFlag,
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal list -r registry.example.com/team/app",
  async run(values, host) {
    const { repositories, open } = await openReadings(values, host);
    const { role, all, since, from } = values;
    if (since) {
      const { historyReport, requireNone } = await import("../lib/cli/history_report.ts");
      requireNone({ "--role": role, "--all": all, "--from": from }, "--since");
      return await reportEach(
        repositories,
        host,
        async (name) => historyReport((await open(name)).trust, name.gun, since, host),
      );
    }
    return await reportEach(repositories, host, async (name) => {
      const { trust, offline } = await open(name);
      const list = await listTags(trust, name.gun, { role, all });
      for (const { role, reason } of list.skipped) {
        host.warn(`"${role}" of "${name.gun}" is not trusted and left out: ${reason}`);
      }
      if (list.tags.length === 0) {
        const isAll = list.skipped.length === 0;
        host.info(isAll ? `No tag of "${name.gun}" is signed.` : `No tag of "${name.gun}" is trusted.`);
      }
      const prefix = repositories.fromFile ? `${name.gun}:` : "";
      const line = ({ tag, digest, signers, role, differs }: TagFacts) =>
        `${prefix}${word(tag)} ${digest} ${all || values.role ? role : signers.join(",")}${differs ? " differs" : ""}`;
      return tagListReport(list, line, standIn(offline, list.offline, host.now()));
    });
  },
});
