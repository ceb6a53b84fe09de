/** `tagseal export`: keeps trust data for the time after its server. @module */
import { commandLine } from "../lib/cli/command_line.ts";
import { connectionFlags, notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { required, toggle } from "../lib/cli/flags.ts";
import {
  failedJson,
  failures,
  forEachRepository,
  readRepositories,
  repositoriesFlags,
} from "../lib/cli/repositories.ts";
import { requireFree, writeArtifact } from "../lib/cli/signing.ts";
import { sha256Hex } from "../lib/crypto/hash.ts";
import { type ExportedRepository, writeExport } from "../lib/flows/export_file.ts";
import { exportRepository } from "../lib/flows/export_repository.ts";
import { USER_AGENT } from "../lib/http/send.ts";
import { describeEnd, endOfServer, type ServerEnd } from "../lib/notary/server_end.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Verifies repositories and writes all their trust data, as served and with all older roots, into one ZIP that " +
    "tagseal verify --from and list --from verify again without any network. Nothing is written unless all of them " +
    "could be verified. Prints the path and the SHA-256 of the file: keep that elsewhere.",
  flags: {
    ...repositoriesFlags,
    outputArtifactPath: required("--output-artifact-path <file>", "the ZIP to write"),
    force: toggle("--force", "replace the file if it exists"),
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal export -r registry.example.com/team/app --output-artifact-path app-trust.zip --root-pin root.pem",
  async run(values, host) {
    const { outputArtifactPath: path, force } = values;
    const repositories = await readRepositories(values, host);
    await requireFree(host, path, force);
    const session = openSession(values, host);
    let end: ServerEnd | undefined;
    const done = await forEachRepository(repositories, host, async (name) => {
      const trust = await session.notary(name, "pull");
      end ??= endOfServer(trust.server.url);
      return await exportRepository(trust, name.gun);
    });
    if (end) {
      host.warn(
        `${describeEnd(end, host.now())}. Keep this file and its SHA-256 safe, check it with ${
          commandLine("verify", "--from")
        }, and move signing to ` +
          "another Notary server (--notary-url) or another kind of signature before that day",
      );
    }
    const exitCode = failures(done, host);
    if (exitCode !== 0) {
      host.warn("Nothing was written. Take the failed repositories out of the file, or see that they can be verified");
      const json = done.map((one) => "error" in one ? failedJson(one) : { repository: one.repository });
      return { json: { repositories: json }, lines: [], exitCode };
    }
    const all = done.flatMap((one) => "error" in one ? [] : [one.value]);
    for (const one of all) warnOf(one, (line) => host.warn(line));
    const file = await writeExport(all, { created: host.now().toISOString(), tool: USER_AGENT });
    await writeArtifact(host, path, file, force);
    const [exportPath, sha256] = [host.path(path), sha256Hex(file)];
    return {
      json: { path: exportPath, sha256, repositories: all.map(summary) },
      lines: [`${exportPath} sha256:${sha256}`],
    };
  },
});

function warnOf({ repository, skipped, verified }: ExportedRepository, warn: (line: string) => void): void {
  for (const { role, reason } of skipped) {
    warn(`"${role}" of "${repository}" is not trusted; its file is kept, its tags are not: ${reason}`);
  }
  if (verified.rootsFrom === null) warn(`no older root of "${repository}" leads to its newest one`);
}

function summary({ files, ...facts }: ExportedRepository): object {
  return { ...facts, files: files.length };
}
