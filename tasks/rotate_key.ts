/** `tagseal rotate-key`: gives a role a new key. @module */
import { commandLine } from "../lib/cli/command_line.ts";
import { connectionFlags, notaryFlags, repositoryFlag } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { required } from "../lib/cli/flags.ts";
import { keyStoreFlags } from "../lib/cli/key_stores.ts";
import { rootCertificateFlags, rootCertificatePath, writeRootCertificate } from "../lib/cli/root_certificate.ts";
import { requireFree } from "../lib/cli/signing.ts";
import { isTagsealError, reworded, TagsealError } from "../lib/errors.ts";
import { listKeys } from "../lib/flows/list_keys.ts";
import { rotateKey } from "../lib/flows/rotate_key.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";
import { BASE_ROLES, type BaseRole } from "../lib/tuf/roles.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Gives a role of the repository a new key; the root key signs that, and its passphrase is asked for. targets: a new " +
    "key in the trust directory; delegations and tags stay. snapshot, timestamp: a new key at the server. root: a new " +
    "root key; the new root is signed by both, so that consumers follow, and its certificate is written, for SignPath " +
    "and for pins. Works for expired targets, too. Old key files stay where they are: tagseal delete-key. Replaces " +
    "notary key rotate.",
  flags: {
    ...repositoryFlag,
    role: { ...required("--role <role>", "targets, snapshot, timestamp or root"), choices: BASE_ROLES },
    ...rootCertificateFlags,
    ...keyStoreFlags,
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal rotate-key -r registry.example.com/team/app --role targets",
  async run(values, host) {
    const name = parseImageName(values.repository);
    const { gun } = name;
    const role = BASE_ROLES.find((each) => each === values.role);
    if (!role) {
      throw new TagsealError("usage", `"${values.role.slice(0, 60)}" is not a role whose key can be rotated`, {
        remedy: "Give targets, snapshot, timestamp or root; keys of delegations come and go with add-delegation and " +
          "remove-delegation",
      });
    }
    if (role === "root") await requireFree(host, rootCertificatePath(values, gun), values.force);
    const session = openSession(values, host);
    // The server lets only those rotate its own keys who may do anything with the repository.
    const trust = await session.notary(name, role === "root" || role === "targets" ? "push,pull" : "*");
    const keys = session.keys();
    const { trusted, rootCertificate, ...result } = await rotateKey(trust, keys, { gun, role });
    host.info(`Read back and verified: the new ${role} key of "${gun}" is ${result.newKeyId}.`);
    if (!trusted) host.warn(`"${gun}" is not trusted yet, as something else has expired: see ${commandLine("status")}`);
    const oldKeys = (await listKeys([keys])).filter(({ id }) => result.oldKeyIds.includes(id))
      .map(({ id, location = null }) => ({ keyId: id, path: location }));
    for (const { keyId, path } of oldKeys) host.info(advice(role, keyId, path));
    const report = { repository: gun, ...result, oldKeys };
    if (!rootCertificate) return { json: report, lines: [`${gun} ${role} ${result.newKeyId} published`] };
    try {
      const { newKeyId: rootKeyId, targetsKeyId } = result;
      const written = await writeRootCertificate(host, gun, values, { rootCertificate, rootKeyId, targetsKeyId });
      host.info("Give the new root certificate to SignPath and to those who pin the root.");
      return { json: { ...report, ...(written.json as object) }, lines: written.lines };
    } catch (error) {
      if (!isTagsealError(error)) throw error;
      throw reworded(error, `The new root was published, but ${error.message}`, {
        remedy: `Write the certificate elsewhere: ${commandLine("root-certificate", "--output-artifact-path")} <file>`,
        details: { rootKeyId: result.newKeyId },
        published: "yes",
      });
    }
  },
});

function advice(role: BaseRole, id: string, path: string | null): string {
  const where = `The old ${role} key is still here: ${path ?? id}`;
  // Notary and tagseal alike let one root key serve several repositories.
  return role === "root"
    ? `${where}. Keep it as long as other repositories use it`
    : `${where}. Delete it with ${commandLine("delete-key", id.slice(0, 7))}`;
}
