/** `tagseal init`: sets a repository up. @module */
import { commandLine } from "../lib/cli/command_line.ts";
import {
  connectionFlags,
  delegationFlags,
  delegationSourceFlags,
  notaryFlags,
  repositoryFlag,
} from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openDelegation } from "../lib/cli/delegation.ts";
import { openSession } from "../lib/cli/session.ts";
import { requireTyped } from "../lib/cli/consent.ts";
import { text, toggle } from "../lib/cli/flags.ts";
import type { Host } from "../lib/cli/host.ts";
import { placeOf } from "../lib/cli/key_list.ts";
import { existingRootKeyFlag, keyStoreFlags } from "../lib/cli/key_stores.ts";
import { hasPassphrase } from "../lib/cli/passphrases.ts";
import { docker29 } from "../lib/cli/server_end.ts";
import { rootCertificateFlags, rootCertificatePath, writeRootCertificate } from "../lib/cli/root_certificate.ts";
import { fileNameFor } from "../lib/cli/file_names.ts";
import { exitCodeOf } from "../lib/cli/exit_codes.ts";
import { remedyOf } from "../lib/cli/hints.ts";
import { PROJECT_FILE } from "../lib/cli/file_names.ts";
import type { Project } from "../lib/cli/project.ts";
import type { Report } from "../lib/cli/report.ts";
import { discardArtifact, requireFree, writeArtifact } from "../lib/cli/signing.ts";
import { isTagsealError, reworded } from "../lib/errors.ts";
import { writeExport } from "../lib/flows/export_file.ts";
import { exportRepository } from "../lib/flows/export_repository.ts";
import { initRepository, type InitResult, type Replacement } from "../lib/flows/init_repository.ts";
import type { Trust } from "../lib/notary/repository.ts";
import { USER_AGENT } from "../lib/http/send.ts";
import type { KeyInfo } from "../lib/keystore/keystore.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Makes a root key and a targets key (asking for their passphrases), leaves snapshot and timestamp to the " +
    "server, publishes everything at once and writes the root certificate, which SignPath wants to have. With " +
    "--delegation-certificate the delegation is part of it. A repository that exists is left alone, unless " +
    "--force-reinitialize is given. Replaces Initialize-DockerSigning.",
  flags: {
    ...repositoryFlag,
    ...delegationFlags,
    ...delegationSourceFlags,
    ...rootCertificateFlags,
    ...keyStoreFlags,
    ...existingRootKeyFlag,
    forceReinitialize: toggle(
      "--force-reinitialize",
      "delete what the server has, after it was exported and the repository's name was typed, and begin anew",
    ),
    exportTo: text(
      "--export-to <file>",
      "where --force-reinitialize keeps the old trust data (<repository>.trust.zip)",
    ),
    writeConfig: toggle(
      "--write-config",
      "write the repository, its root key as pin and what was given here into tagseal.json, or complete the one that is there",
    ),
    rootKey: text("--root-key <id>", "root key of the trust directory to use, instead of a new one (tagseal keys)"),
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal init -r registry.example.com/team/app --delegation-certificate signpath.cer",
  async run(values, host) {
    const { gun } = parseImageName(values.repository);
    await requireFree(host, rootCertificatePath(values, gun), values.force).catch(pointOn);
    if (values.writeConfig) await requireWritable(values.project, host);
    const session = openSession(values, host);
    const delegation = await openDelegation(values, session, host);
    const access = values.forceReinitialize ? "*" : "push,pull";
    const trust = await session.notary(parseImageName(gun), access);
    const replace = values.forceReinitialize ? await keepingOld(trust, gun, values, host) : undefined;
    const keys = session.keys();
    const result = await initRepository(trust, keys, {
      gun,
      delegation,
      rootKey: values.rootKey,
      replace,
      asksNobody: values.rootKeyStore === "file" && values.targetsKeyStore === "file" && !values.rootKey &&
        hasPassphrase(host, "root") && hasPassphrase(host, "targets"),
    }).catch((error: unknown) => {
      throw tellingHow(error, gun, values.again);
    });
    for (const id of result.unusedKeyIds) {
      host.warn(
        `the targets key ${id} of an earlier try lies here and is not used: if that try was never published, delete ` +
          `the key with ${commandLine("delete-key", id.slice(0, 12))}, and the root key that it told of as well`,
      );
    }
    host.info(`Repository "${gun}" is set up.`);
    for (const line of whereKeysAre(await keys.list(), result)) host.info(line);
    host.info(docker29());
    if (!delegation) host.info(`Next: ${commandLine("add-delegation")} with the certificate of the key at SignPath.`);
    let report: Report;
    try {
      report = await writeRootCertificate(host, gun, values, result);
    } catch (error) {
      if (!isTagsealError(error)) throw error;
      throw reworded(error, `The repository was published, but ${error.message}`, {
        remedy: `Write the certificate elsewhere: ${commandLine("root-certificate", "--output-artifact-path")} <file>`,
        details: { rootKeyId: result.rootKeyId, targetsKeyId: result.targetsKeyId },
        published: "yes",
      });
    }
    // Most have set up one repository, and have not yet heard of such a file.
    const { offerProject } = await import("../lib/cli/project_writer.ts");
    const written = { command: "init", flags: command.flags, gun, rootKeyId: result.rootKeyId };
    try {
      const projectFile = await offerProject(values, host, written);
      return projectFile === undefined ? report : { ...report, json: { ...report.json as object, projectFile } };
    } catch (error) {
      if (!isTagsealError(error)) throw error;
      host.error(`the repository is set up, but ${error.message}`, remedyOf(error));
      return { ...report, exitCode: exitCodeOf(error) };
    }
  },
});

/** What cannot be written afterwards is said before anything is published. */
async function requireWritable(project: Project | undefined, host: Host): Promise<void> {
  const path = project?.path ?? host.path(PROJECT_FILE);
  await requireFree(host, path, project !== undefined).catch((error: unknown) => {
    if (!isTagsealError(error, "exists")) throw error;
    throw reworded(error, error.message, {
      remedy: "Leave --config none out, so that it is completed, or move it away",
    });
  });
}

/** Where nobody knows whether it was published, the next try takes up the keys of this one. */
function tellingHow(error: unknown, gun: string, again: (but: string, ...more: string[]) => string): unknown {
  if (!isTagsealError(error) || error.kept?.rootKeyId === undefined) return error;
  return reworded(error, error.message, {
    remedy: `${remedyOf(error)}. If "${gun}" is not there at all, go on with the same keys: ` +
      again("rootKey", "--root-key", error.kept.rootKeyId),
  });
}

/** Years later somebody has to find them. */
function whereKeysAre(keys: readonly KeyInfo[], { rootKeyId, targetsKeyId }: InitResult): string[] {
  const where = (id: string) => {
    const key = keys.find((one) => one.id === id);
    return key?.location === undefined ? `on the ${key ? placeOf(key) : "token"}` : `"${key.location}"`;
  };
  const isFile = keys.some(({ id, location }) => id === rootKeyId && location !== undefined);
  const safe = isFile ? "Keep that file safe, off this machine" : "Keep that token safe";
  return [
    `Root key: ${where(rootKeyId)}. ${safe}: the key cannot be replaced without it.`,
    `Targets key: ${where(targetsKeyId)}.`,
  ];
}

/** Who runs it twice has the file from the first time, and wants neither another file nor that one replaced. */
function pointOn(error: unknown): never {
  if (!isTagsealError(error, "exists")) throw error;
  throw reworded(error, error.message, {
    remedy: `${remedyOf(error)}; if the repository is set up already, ${commandLine("root-certificate")} and ` +
      `${commandLine("add-delegation")} are next`,
  });
}

/**
 * Nothing is deleted that cannot be looked at any more, and nothing without a word of consent: reads all there is, asks,
 * and hands back what writes it to a file.
 */
async function keepingOld(
  trust: Trust,
  gun: string,
  values: { readonly exportTo: string | undefined; readonly force: boolean; readonly yes: boolean },
  host: Host,
): Promise<Replacement | undefined> {
  const { force } = values;
  if (!await trust.server.read(gun, "root")) return undefined;
  const path = values.exportTo ?? fileNameFor(gun, "trust.zip");
  await requireFree(host, path, force);
  const old = await exportRepository(trust, gun);
  const file = await writeExport([old], { created: host.now().toISOString(), tool: USER_AGENT });
  host.warn(
    `all trust data of "${gun}" is about to be deleted on "${trust.server.url.origin}". Whoever knows its root, by a pin ` +
      "or from a pull before, will refuse the new one until its copy in their trust directory is moved away; all tags must be signed again",
  );
  await requireTyped(values.yes, host, gun);
  return {
    async keep() {
      await writeArtifact(host, path, file, force);
      host.info(`The old trust data is kept in ${host.path(path)}`);
    },
    undo: () => discardArtifact(host, path),
  };
}
