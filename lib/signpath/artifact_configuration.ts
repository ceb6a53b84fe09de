/**
 * The artifact configuration of a SignPath project that signs Docker signing data: what SignPath is to do with the file.
 *
 * It is made of documented elements only (https://docs.signpath.io/, "Artifact configuration", `create-raw-signature`):
 * beside each `payload/*.json` of the ZIP comes a detached raw signature over its SHA-256, the only hash that Notary signs
 * over, and everything else stays as it is.
 *
 * @module
 */
import type { KeyShape } from "../crypto/algorithms.ts";
import { TagsealError } from "../errors.ts";

/**
 * The XML to paste into SignPath, for a key of this family; without a final line break.
 *
 * RSA keys sign with PKCS #1 v1.5: Notary takes PSS with a salt of 32 bytes only, and which salt SignPath makes is not
 * documented. For ECDSA keys there is no padding to name.
 *
 * @throws {TagsealError} `bad-input` for Ed25519 keys, which SignPath does not have
 */
export function artifactConfiguration(family: KeyShape["family"]): string {
  if (family === "ed25519") {
    throw new TagsealError("bad-input", "SignPath has no Ed25519 keys, and so no artifact configuration for them", {
      remedy: "Give the certificate of the key at SignPath (RSA or ECDSA)",
    });
  }
  const padding = family === "rsa" ? ' rsa-padding="pkcs1"' : "";
  return [
    '<artifact-configuration xmlns="http://signpath.io/artifact-configuration/v1">',
    "  <zip-file>",
    '    <file path="payload/*.json" max-matches="unbounded">',
    `      <create-raw-signature output-file-name="\${file.name}.sig" hash-algorithm="sha256"${padding} />`,
    "    </file>",
    "  </zip-file>",
    "</artifact-configuration>",
  ].join("\n");
}
