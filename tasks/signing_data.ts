/** `tagseal signing-data`: the first of the four steps. @module */
import {
  buildFlags,
  connectionFlags,
  notaryFlags,
  registryFlags,
  renewFlags,
  signerFlags,
  tagFlags,
  workFlags,
} from "../lib/cli/common_flags.ts";
import { buildOrigin } from "../lib/cli/build_origin.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { imageLines, imagesJson, schemeFlags } from "../lib/cli/schemes.ts";
import { openSession } from "../lib/cli/session.ts";
import { readDelegation } from "../lib/cli/delegation.ts";
import { requireGiven, text, toggle } from "../lib/cli/flags.ts";
import { discardArtifact, requireFree, writeArtifact } from "../lib/cli/signing.ts";
import { readUnsigned } from "../lib/cli/signing_file.ts";
import { openWork, readWork } from "../lib/cli/work.ts";
import { createSigningData, isSameWork } from "../lib/schemes/create_signing_data.ts";
import { writeSigningData } from "../lib/schemes/signing_data.ts";

const outputFlag = text("--output-artifact-path <file>", "where to write the ZIP");

/** The command. */
export const command: Command = defineCommand({
  description:
    "Writes a Docker signing data file (ZIP): what is to be signed, and the verified trust data it was made " +
    "from. Nothing is published. Replaces New-DockerSigningData.",
  flags: {
    ...workFlags,
    ...tagFlags,
    ...buildFlags,
    ...schemeFlags,
    ...renewFlags,
    outputArtifactPath: outputFlag,
    force: toggle("--force", "replace the file if it exists"),
    printArtifactConfiguration: toggle(
      "--print-artifact-configuration",
      "only print the XML that the SignPath project needs, for --scheme: for an RSA key, or the key of --delegation-certificate",
    ),
    ...signerFlags,
    ...notaryFlags,
    ...registryFlags,
    ...connectionFlags,
  },
  example: "tagseal signing-data -r registry.example.com/team/app -t v1 --output-artifact-path data.zip",
  async run(values, host) {
    if (values.printArtifactConfiguration) {
      const { configurationFor } = await import("../lib/cli/artifact_configuration.ts");
      const xml = configurationFor(values.scheme, (await readDelegation(values, host))?.key.shape);
      return { json: { artifactConfiguration: xml }, lines: xml.split("\n") };
    }
    const { force } = values;
    const path = requireGiven(outputFlag, values.outputArtifactPath);
    const before = force ? undefined : await readUnsigned(host, path);
    await requireFree(host, path, force || before !== undefined); // it may be the very same
    const wanted = await readWork(values, host);
    const work = await openWork(wanted, values, openSession(values, host), host, "pull", { kind: "service" });
    const { data, unchanged, unchangedImages } = await createSigningData(
      work.tags,
      host.now(),
      work.images,
      buildOrigin(host),
    );
    const { repositories } = data;
    const images = values.scheme.some((one) => one !== "dct") ? { images: data.images.map(imagesJson) } : {};
    if (data.payloads.size === 0) {
      await requireFree(host, path, force);
      if (force) await discardArtifact(host, path); // what was there is not this signing data
      const all = [...unchanged, ...unchangedImages].map(({ repository }) => `"${repository}"`);
      const names = [...new Set(all)].join(", ");
      host.info(`Every tag of ${names} is signed already as it is: there is nothing to sign, and no file.`);
      return { json: { outputArtifactPath: null, repositories, ...images, unchanged }, lines: [] };
    }
    if (before && isSameWork(before, data)) {
      host.info(`"${path}" is there already, made at ${before.created} from the same, and is left as it is.`);
      return {
        json: { outputArtifactPath: path, repositories: before.repositories, ...images, unchanged },
        lines: [path],
      };
    }
    await writeArtifact(host, path, await writeSigningData(data), force);
    for (const { repository, tags } of repositories) {
      for (const { tag, digest, previousDigest } of tags) {
        const was = previousDigest && previousDigest !== digest ? ` (was ${previousDigest})` : "";
        host.info(`${repository}:${tag} ${digest}${was}`);
      }
    }
    for (const line of data.images.flatMap(imageLines)) host.info(line);
    return { json: { outputArtifactPath: path, repositories, ...images, unchanged }, lines: [path] };
  },
});
