/** `tagseal add-delegation`: lets SignPath's key sign tags. @module */
import { connectionFlags, delegationFlags, notaryFlags, repositoryFlag } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openKeyStore, openNetwork, openTrust } from "../lib/cli/connect.ts";
import { passphraseVariables } from "../lib/cli/passphrases.ts";
import { readDelegation } from "../lib/cli/signing.ts";
import { TagsealError } from "../lib/errors.ts";
import { addDelegation } from "../lib/flows/add_delegation.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Adds the key of a certificate to targets/releases and targets/<name> and publishes it with the targets " +
    "key, whose passphrase is asked for. Doing it again changes nothing. Replaces Add-DelegationCertificate.",
  flags: { ...repositoryFlag, ...delegationFlags, ...notaryFlags, ...connectionFlags },
  environment: ["NOTARY_AUTH", "DOCKER_CONFIG", ...passphraseVariables("targets")],
  example: "tagseal add-delegation -r docker.io/acme/app --delegation-certificate certificate.cer",
  async run(values, host) {
    const name = parseImageName(values.repository);
    const delegation = await readDelegation(values, host);
    if (!delegation) {
      throw new TagsealError("usage", "--delegation-certificate is missing", {
        remedy: "Download the certificate of the signing key from SignPath and name the file",
      });
    }
    const trust = await openTrust(values, host, await openNetwork(values, host), name, "push,pull");
    const options = { gun: name.gun, ...delegation };
    const { outcome, targetsVersion, roles } = await addDelegation(trust, openKeyStore(values, host), options);
    const keyId = delegation.key.canonicalId;
    return {
      json: { repository: name.gun, outcome, roles, keyId, targetsVersion },
      lines: roles.map((role) => `${name.gun} ${role} ${keyId} ${outcome}`),
    };
  },
});
