/** `tagseal init`: sets a repository up. @module */
import { connectionFlags, delegationFlags, notaryFlags, repositoryFlag } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openKeyStore, openNetwork, openTrust } from "../lib/cli/connect.ts";
import { rootCertificateFlags, rootCertificatePath, writeRootCertificate } from "../lib/cli/root_certificate.ts";
import { readDelegation, requireFree } from "../lib/cli/signing.ts";
import { passphraseVariables } from "../lib/cli/passphrases.ts";
import { isTagsealError, TagsealError } from "../lib/errors.ts";
import { initRepository } from "../lib/flows/init_repository.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Makes a root key and a targets key (asking for their passphrases), leaves snapshot and timestamp to the " +
    "server, publishes everything at once and writes the root certificate, which SignPath wants to have. With " +
    "--delegation-certificate the delegation is part of it. Replaces Initialize-DockerSigning.",
  flags: { ...repositoryFlag, ...delegationFlags, ...rootCertificateFlags, ...notaryFlags, ...connectionFlags },
  environment: ["NOTARY_AUTH", "DOCKER_CONFIG", ...passphraseVariables("root"), ...passphraseVariables("targets")],
  example: "tagseal init -r docker.io/acme/app --delegation-certificate signpath.cer",
  async run(values, host) {
    const { gun } = parseImageName(values.repository);
    const path = rootCertificatePath(values.outputArtifactPath, gun);
    await requireFree(host, path, values.force);
    const delegation = await readDelegation(values, host);
    const send = await openNetwork(values, host);
    const trust = await openTrust(values, host, send, parseImageName(gun), "push,pull");
    const result = await initRepository(trust, openKeyStore(values, host), { gun, delegation });
    host.info(`Repository "${gun}" is set up. Keep the root key safe, off this machine: it cannot be replaced.`);
    if (!delegation) host.info("Next: tagseal add-delegation with the certificate of the key at SignPath.");
    try {
      return await writeRootCertificate(host, gun, path, values.force, result);
    } catch (error) {
      if (!isTagsealError(error)) throw error;
      throw new TagsealError(error.code, `The repository was published, but ${error.message}`, {
        remedy: "Write the certificate elsewhere: tagseal root-certificate --output-artifact-path <file>",
        details: { ...error.details, ...{ rootKeyId: result.rootKeyId, targetsKeyId: result.targetsKeyId } },
      });
    }
  },
});
