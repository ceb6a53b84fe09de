/** `tagseal keys`: which keys are here. @module */
import { notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openKeyStore } from "../lib/cli/connect.ts";
import { keyStoreFlags } from "../lib/cli/key_stores.ts";
import { listKeys } from "../lib/flows/list_keys.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Lists the private keys of the trust directory with role, repository and id, also those that the first versions of " +
    "notary and Docker left there, and those of a token that is named. No key file is opened, and " +
    "nobody is asked for its passphrase. Replaces notary key list.",
  flags: { trustDir: notaryFlags.trustDir, ...keyStoreFlags },
  example: "tagseal keys",
  async run(values, host) {
    const keys = await listKeys([openKeyStore(values, host)]);
    if (keys.length === 0) host.info("There are no keys.");
    return {
      json: {
        keys: keys.map(({ id, role, gun, location }) => ({ id, role, gun: gun ?? null, location: location ?? null })),
      },
      lines: keys.map(({ id, role, gun, location }) => [role || "?", gun ?? "-", id, location ?? "-"].join(" ")),
    };
  },
});
