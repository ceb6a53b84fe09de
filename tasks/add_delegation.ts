/** `tagseal add-delegation`: lets SignPath's key sign tags. @module */
import { connectionFlags, delegationFlags, delegationSourceFlags, notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { keyStoreFlags } from "../lib/cli/key_stores.ts";
import { readRepositories, reportEach, repositoriesFlags } from "../lib/cli/repositories.ts";
import { openDelegation } from "../lib/cli/delegation.ts";
import { TagsealError } from "../lib/errors.ts";
import { addDelegation } from "../lib/flows/add_delegation.ts";
import type { KeyStore } from "../lib/keystore/keystore.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Adds the key of a certificate to targets/releases and targets/<name> and publishes it with the targets " +
    "key, whose passphrase is asked for. Doing it again changes nothing. With " +
    "--repositories-from it is done for each repository of a file. Replaces Add-DelegationCertificate.",
  flags: {
    ...repositoriesFlags,
    ...delegationFlags,
    ...delegationSourceFlags,
    ...keyStoreFlags,
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal add-delegation -r registry.example.com/team/app --delegation-certificate certificate.cer",
  async run(values, host) {
    const repositories = await readRepositories(values, host);
    const session = openSession(values, host);
    const delegation = await openDelegation(values, session, host);
    if (!delegation) {
      throw new TagsealError("usage", "--delegation-certificate is missing", {
        remedy: "Download the certificate of the signing key from SignPath and name the file, or give " +
          "--delegation-from-signpath",
      });
    }
    const keys = oneByOne(session.keys());
    return await reportEach(repositories, host, async (name) => {
      const trust = await session.notary(name, "push,pull");
      const options = { gun: name.gun, ...delegation };
      const { outcome, targetsVersion, roles } = await addDelegation(trust, keys, options);
      const keyId = delegation.key.canonicalId;
      return {
        json: { repository: name.gun, outcome, roles, keyId, targetsVersion },
        lines: roles.map((role) => `${name.gun} ${role} ${keyId} ${outcome}`),
      };
    });
  },
});

/** Repositories are worked on side by side; a person can be asked for one passphrase at a time. */
function oneByOne(keys: KeyStore): KeyStore {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...keys,
    open(id) {
      const next = last.then(() => keys.open(id));
      last = next.catch(() => {});
      return next;
    },
  };
}
