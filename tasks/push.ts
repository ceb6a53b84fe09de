/** `tagseal push`: the last of the four steps. @module */
import { commandLine } from "../lib/cli/command_line.ts";
import { connectionFlags, notaryFlags, registryFlags, signerFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { namedKey } from "../lib/cli/delegation.ts";
import { openSession } from "../lib/cli/session.ts";
import { required, text } from "../lib/cli/flags.ts";
import { counted, signedReport } from "../lib/cli/signing.ts";
import { readSigningFile, requireSignedFile } from "../lib/cli/signing_file.ts";
import { TagsealError } from "../lib/errors.ts";
import { AT_ONCE, mapAtOnce } from "../lib/signing/at_once.ts";
import { joinOutcomes, settled } from "../lib/signing/outcomes.ts";
import type { ImagesChange } from "../lib/schemes/image_changes.ts";
import { byRepository } from "../lib/schemes/results.ts";
import type { SchemeResult } from "../lib/signing/scheme.ts";
import { checkTrustData, pushTrustData } from "../lib/schemes/notary_v1/push_trust_data.ts";
import { type ImageName, parseImageName } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Checks a signed signing data file against the trust data as it is now, publishes it to the Notary server " +
    "and reads it back. A second run changes nothing. Replaces Push-SignedDockerSigningData.",
  flags: {
    inputArtifactPath: required("--input-artifact-path <file>", "the signed ZIP from tagseal download"),
    repository: text("-r, --repository <fqn>", "push only if the file is for this repository (and push only this one)"),
    delegationCertificate: {
      ...signerFlags.delegationCertificate,
      help: "push cosign and notation signatures only if they are by this key: its certificate, or its id",
    },
    ...notaryFlags,
    ...registryFlags,
    ...connectionFlags,
  },
  example: "tagseal push -r registry.example.com/team/app --input-artifact-path signed.zip",
  async run(values, host) {
    const { bytes, data } = await readSigningFile(host, values.inputArtifactPath);
    await requireSignedFile(values.inputArtifactPath, bytes, data);
    const only = values.repository === undefined ? undefined : parseImageName(values.repository).gun;
    const changes = data.repositories.filter(({ repository }) => only === undefined || repository === only);
    const images = data.images.filter(({ repository }) => only === undefined || repository === only);
    if (changes.length + images.length === 0) {
      throw new TagsealError("bad-input", `The file holds nothing for ${only ? `"${only}"` : "any repository"}`, {
        remedy: "Check --repository and --input-artifact-path",
        details: {
          repositories: [...new Set([...data.repositories, ...data.images].map(({ repository }) => repository))],
        },
      });
    }
    if (images.length > 0) await requireKey(images, await namedKey({ ...values, delegation: undefined }, host));
    const session = openSession(values, host);
    const names = [...new Set([...images, ...changes].map(({ repository }) => repository))];
    const onDone = counted(names.map((repository) => ({ repository })), host);
    const outcomes = await mapAtOnce(names, AT_ONCE, async (repository) => {
      const outcome = await settled(repository, async () => {
        const name = requireGun(repository);
        const results: SchemeResult[] = [];
        const beside = images.filter((one) => one.repository === repository);
        const tags = changes.filter((one) => one.repository === repository);
        const trust = tags.length > 0 && { ...await session.notary(name, "push,pull"), recent: new Map() };
        // Most files hold none: what that takes is loaded where it is needed.
        const jobs = beside.length > 0 ? await import("../lib/schemes/jobs.ts") : undefined;
        const registry = jobs && await session.registry(name, "push,pull");
        const signed = beside.map((change) => jobs!.signedImages(change, data, registry!));
        // As sign does it: nothing before all of it is known to be good; beside the images first, content trust last.
        for (const one of signed) await one.check();
        if (trust && signed.length > 0) { for (const change of tags) await checkTrustData(trust, data, change); }
        for (const one of signed) results.push(await one.publish());
        if (trust) { for (const change of tags) results.push(await pushTrustData(trust, data, change)); }
        return byRepository(results)[0]!;
      });
      onDone?.(outcome);
      return outcome;
    });
    return signedReport(joinOutcomes(outcomes, null), host);
  },
});

/** The file says itself whose signatures beside images are: nobody but the user knows whose they should be. */
async function requireKey(images: readonly ImagesChange[], keyId: string | undefined): Promise<void> {
  if (keyId === undefined) return;
  const { keyOfCertificate } = await import("../lib/crypto/keys.ts");
  for (const { scheme, repository, certificates } of images) {
    const signer = keyOfCertificate(certificates[0]).canonicalId;
    if (signer.startsWith(keyId)) continue;
    throw new TagsealError(
      "trust-invalid",
      `The ${scheme} signatures for "${repository}" are by the key ${signer.slice(0, 12)}, not by ${
        keyId.slice(0, 12)
      }`,
      {
        remedy: "Nothing was published. Find out who has made or changed the file, or name the key that is to sign",
        details: { repository, keyId: signer },
      },
    );
  }
}

/** The names in a file come from outside: they must be full names, not something that could be read as one. */
function requireGun(repository: string): ImageName {
  const name = parseImageName(repository);
  if (name.gun === repository) return name;
  throw new TagsealError("bad-input", `The file names the repository "${repository}", which is not a full name`, {
    remedy: `Use a file made by ${commandLine("signing-data")}`,
  });
}
