/** `tagseal self-update`: takes the newest release of tagseal itself. @module */
import { utf8 } from "../lib/bytes/bytes.ts";
import { connectionFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { UPDATE_AVAILABLE } from "../lib/cli/exit_codes.ts";
import { requireGiven, text, toggle } from "../lib/cli/flags.ts";
import { programFile } from "../lib/cli/form.ts";
import { TagsealError } from "../lib/errors.ts";
import { secureUrl } from "../lib/http/send.ts";
import { RELEASE_ROOT, RELEASE_URL } from "../lib/updates/release_root.ts";

const releaseUrl = text(
  "--release-url <url>",
  "the repository of releases, if not the one that this file knows: metadata/ and targets/ are below it",
  "TAGSEAL_RELEASE_URL",
);

/** The command. */
export const command: Command = defineCommand({
  description:
    "Follows the releases of tagseal, a TUF repository, from the root that this file was built with, and replaces the " +
    "file by the newest release of its form. Nothing older is taken, nothing that the metadata does not name, and " +
    "nothing from metadata that has expired. The old file is kept beside it as tagseal.previous. With --check nothing " +
    `is replaced: the exit code is ${UPDATE_AVAILABLE} where there is a newer release, and 0 where there is none. Where ` +
    "the variable TAGSEAL_NO_SELF_UPDATE is set, only --check works.",
  flags: {
    check: toggle("--check", "say whether there is a newer release, and replace nothing"),
    releaseUrl,
    ...connectionFlags,
  },
  example: "tagseal self-update --check",
  async run(values, host) {
    const path = programFile();
    if (path === undefined) {
      throw new TagsealError("usage", "This is tagseal's project itself, and no file of a release", {
        remedy: "Take its newest state with git pull",
      });
    }
    if (!values.check && host.env("TAGSEAL_NO_SELF_UPDATE") !== undefined) {
      throw new TagsealError("usage", "self-update is switched off here, by the variable TAGSEAL_NO_SELF_UPDATE", {
        remedy: "Leave the update to whoever set it; --check says whether there is one",
      });
    }
    if (RELEASE_ROOT === undefined) {
      throw new TagsealError("usage", "This file was built without a release root, so that it can trust no release", {
        remedy: "Get the new version from where this file came from",
      });
    }
    const url = secureUrl(
      requireGiven(releaseUrl, values.releaseUrl ?? RELEASE_URL),
      "release server's address (--release-url or TAGSEAL_RELEASE_URL)",
      values.allowHttp,
    );
    const { reportSelfUpdate } = await import("../lib/cli/self_update.ts");
    const { check } = values;
    return await reportSelfUpdate(
      { path, root: utf8(RELEASE_ROOT), url, check, toTake: values.again("check") },
      values,
      host,
    );
  },
});
