/** The root certificate as a file: what `init` and `root-certificate` leave behind. @module */
import { utf8 } from "../bytes/bytes.ts";
import { certificatePem } from "../crypto/x509.ts";
import type { RootCertificateResult } from "../flows/root_certificate.ts";
import { text, toggle, type Values } from "./flags.ts";
import type { Host } from "./host.ts";
import type { Report } from "./report.ts";
import { fileNameFor } from "./file_names.ts";
import { writeArtifact } from "./signing.ts";

/** Where the certificate goes. */
export const rootCertificateFlags = {
  outputArtifactPath: text(
    "--output-artifact-path <file>",
    "where to write the root certificate (<repository>.root.pem)",
  ),
  force: toggle("--force", "replace the file if it exists"),
  der: toggle("--der", "write the certificate as DER (.cer), not as PEM"),
};

/** Values of these flags. */
export type RootCertificateValues = Values<typeof rootCertificateFlags>;

/** The file's name unless told: the repository's name with everything odd replaced. */
export function rootCertificatePath({ outputArtifactPath, der }: RootCertificateValues, gun: string): string {
  return outputArtifactPath ?? fileNameFor(gun, `root.${der ? "cer" : "pem"}`);
}

/** Writes the certificate and reports its path last. */
export async function writeRootCertificate(
  host: Host,
  gun: string,
  values: RootCertificateValues,
  result: RootCertificateResult,
): Promise<Report> {
  const { rootCertificate, rootKeyId, targetsKeyId } = result;
  const path = rootCertificatePath(values, gun);
  const file = values.der ? rootCertificate.der : utf8(certificatePem(rootCertificate));
  await writeArtifact(host, path, file, values.force);
  const absolute = host.path(path);
  return {
    json: { repository: gun, rootCertificatePath: absolute, rootKeyId, targetsKeyId },
    lines: [absolute],
  };
}
