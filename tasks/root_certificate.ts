/** `tagseal root-certificate`: for repositories that are signed already. @module */
import { connectionFlags, notaryFlags, repositoryFlag } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { rootCertificateFlags, rootCertificatePath, writeRootCertificate } from "../lib/cli/root_certificate.ts";
import { isTaken, requireFree } from "../lib/cli/signing.ts";
import { readRootCertificate } from "../lib/flows/root_certificate.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description: "Writes the root certificate (public part) of a repository that is signed already, from the server's " +
    "verified root, and prints its path. Where the server cannot be reached, the copy in the trust directory serves, with " +
    "a warning. Replaces Get-RootCertificate.",
  flags: { ...repositoryFlag, ...rootCertificateFlags, ...notaryFlags, ...connectionFlags },
  example: "tagseal root-certificate -r registry.example.com/team/app",
  async run(values, host) {
    const name = parseImageName(values.repository);
    const path = rootCertificatePath(values, name.gun);
    await requireFree(host, path, values.force || await isTaken(host, path)); // it may be the very same
    const session = openSession(values, host);
    const trust = await session.notary(name, "pull");
    const result = await readRootCertificate({ ...trust, offline: "allowed" }, name.gun);
    return await writeRootCertificate(host, name.gun, values, result);
  },
});
