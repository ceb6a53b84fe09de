/** `tagseal push`: the last of the four steps. @module */
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { required } from "../lib/cli/flags.ts";
import { pushFlags, pushSigned } from "../lib/cli/pushing.ts";
import { signedReport } from "../lib/cli/signed_report.ts";
import { readSigningFile, requireSignedFile } from "../lib/cli/signing_file.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Checks a signed signing data file against the trust data as it is now, publishes it to the Notary server " +
    "and reads it back. A second run changes nothing. Replaces Push-SignedDockerSigningData.",
  flags: {
    inputArtifactPath: required("--input-artifact-path <file>", "the signed ZIP from tagseal download"),
    ...pushFlags,
  },
  example: "tagseal push -r registry.example.com/team/app --input-artifact-path signed.zip",
  async run(values, host) {
    const { bytes, data } = await readSigningFile(host, values.inputArtifactPath);
    await requireSignedFile(values.inputArtifactPath, bytes, data);
    return signedReport(await pushSigned({ data, called: "The file" }, values, openSession(values, host), host), host);
  },
});
