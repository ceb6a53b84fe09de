/** `tagseal keys`: which keys are here. @module */
import { notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { keyLines } from "../lib/cli/key_list.ts";
import { keyStoreFlags } from "../lib/cli/key_stores.ts";
import { readKeptRoots } from "../lib/cli/trust_dir.ts";
import { listKeys, repositoriesOfRootKeys } from "../lib/flows/list_keys.ts";
import type { KeyInfo } from "../lib/keystore/keystore.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Lists the private keys of the trust directory with role, repository and id, also those that the first versions of " +
    "notary and Docker left there, and those of a token that is named. No key file is opened, and " +
    "nobody is asked for its passphrase. Replaces notary key list.",
  flags: { trustDir: notaryFlags.trustDir, ...keyStoreFlags },
  example: "tagseal keys",
  async run(values, host) {
    const keys = await listKeys([openSession(values, host).keys()]);
    if (keys.length === 0) host.info("There are no keys.");
    const roots = repositoriesOfRootKeys(await readKeptRoots(values, host));
    const repositories = ({ id, gun }: KeyInfo) => gun === undefined ? roots.get(id) ?? [] : [gun];
    return {
      json: {
        keys: keys.map((key) => ({
          ...{ keyId: key.id, role: key.role, repositories: repositories(key) },
          ...{ path: key.location ?? null, token: key.token ?? null },
        })),
      },
      lines: keyLines(keys, repositories),
    };
  },
});
