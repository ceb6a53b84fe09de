/** The root certificate as a file: what `init` and `root-certificate` leave behind. @module */
import { utf8 } from "../bytes/bytes.ts";
import { certificatePem } from "../crypto/x509.ts";
import type { RootCertificateResult } from "../flows/root_certificate.ts";
import { text, toggle } from "./flags.ts";
import type { Host } from "./host.ts";
import type { Report } from "./report.ts";
import { writeArtifact } from "./signing.ts";

/** Where the certificate goes. */
export const rootCertificateFlags = {
  outputArtifactPath: text(
    "--output-artifact-path <file>",
    "where to write the root certificate (<repository>.root.pem)",
  ),
  force: toggle("--force", "replace the file if it exists"),
};

/** The file's name unless told: the repository's name with everything odd replaced. */
export function rootCertificatePath(given: string | undefined, gun: string): string {
  return given ?? `${gun.replaceAll(/[^A-Za-z0-9.-]+/g, "_")}.root.pem`;
}

/** Writes the certificate and reports its path last. */
export async function writeRootCertificate(
  host: Host,
  gun: string,
  path: string,
  force: boolean,
  result: RootCertificateResult,
): Promise<Report> {
  const { rootCertificate, rootKeyId, targetsKeyId } = result;
  await writeArtifact(host, path, utf8(certificatePem(rootCertificate)), force);
  const rootCertificatePath = host.path(path);
  return {
    json: { repository: gun, rootCertificatePath, rootKeyId, targetsKeyId },
    lines: [rootCertificatePath],
  };
}
