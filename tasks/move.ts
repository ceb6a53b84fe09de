/** `tagseal move`: takes a repository to another Notary server. @module */
import { connectionFlags, notaryFlags, repositoryFlag } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { fromFlag, openReading } from "../lib/cli/exported.ts";
import { required, secret, text, toggle } from "../lib/cli/flags.ts";
import { keyStoreFlags } from "../lib/cli/key_stores.ts";
import { movedReport, planReport } from "../lib/cli/move_report.ts";
import { TagsealError } from "../lib/errors.ts";
import { moveRepository, planMove } from "../lib/flows/move_repository.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

const { targetsKeyStore: _, ...rootKeyFlags } = keyStoreFlags;

/** The command. */
export const command: Command = defineCommand({
  description:
    "Moves trust data to another Notary server, or under another name. The root key signs the new server's keys in, and " +
    "its passphrase is asked for; all that others have signed goes as it is, and versions are raised until whoever knows " +
    "the old place goes on at the new one untouched. The old place, a server or a file of tagseal export, is only read. " +
    "Each post is read back, and every tag is proved in the end. Interrupted, run it again: it goes on.",
  flags: {
    ...repositoryFlag,
    toNotaryUrl: required("--to-notary-url <url>", "the Notary server to move to"),
    toRepository: text("--to-repository <fqn>", "the name there, where it is to be another one"),
    toNotaryUsername: text("--to-notary-username <name>", "user there, where it is not the user at the old place"),
    toNotaryPassword: secret("--to-notary-password <secret>", "that user's password"),
    ...fromFlag,
    dryRun: toggle("--dry-run", "print what would be posted, and change nothing; the root key is not opened"),
    ...rootKeyFlags,
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal move -r registry.example.com/team/app --to-notary-url https://notary.example.org",
  async run(values, host) {
    const name = parseImageName(values.repository);
    const toName = parseImageName(values.toRepository ?? values.repository);
    const session = openSession(values, host);
    const there = {
      ...values,
      notaryUrl: values.toNotaryUrl,
      notaryUsername: values.toNotaryUsername ?? values.notaryUsername,
      notaryPassword: values.toNotaryPassword ?? values.notaryPassword,
    };
    const to = await openSession(there, host).notary(toName, "push,pull");
    const { trust: from } = values.from === undefined
      ? { trust: await session.notary(name, "pull") }
      : await (await openReading(values, host))(name);
    if (name.gun === toName.gun && from.server.url.href === to.server.url.href && values.from === undefined) {
      throw new TagsealError("usage", `"${name.gun}" is to be moved to where it is, "${to.server.url.href}"`, {
        remedy:
          "Name the old Notary server with --notary-url, the new one with --to-notary-url, or another name with " +
          "--to-repository",
      });
    }
    const options = { from, gun: name.gun, to, toGun: toName.gun, keys: session.keys() };
    if (values.dryRun) return planReport(await planMove(options), options, host);
    const onPost = (posted: number, of: number) => {
      if (posted === 1 || posted === of || posted % 25 === 0) host.info(`[${posted}/${of}] posted, and read back`);
    };
    return movedReport(await moveRepository({ ...options, onPost }), options, values.typed, host);
  },
});
