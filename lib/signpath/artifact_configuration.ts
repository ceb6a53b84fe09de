/**
 * The artifact configuration of a SignPath project that signs Docker signing data: what SignPath is to do with the file.
 *
 * It is made of documented elements only (https://docs.signpath.io/, "Artifact configuration", `create-raw-signature`):
 * beside each payload of the ZIP comes a detached raw signature, and everything else stays as it is.
 *
 * @module
 */
import type { KeyShape } from "../crypto/algorithms.ts";
import type { SignatureRules } from "../crypto/signature_rules.ts";
import { TagsealError } from "../errors.ts";

/** Payloads that are signed alike, by what their entries end in. */
export interface PayloadFiles {
  /** What they end in: `json`. */
  readonly extension: string;
  /** How they are signed. */
  readonly rules: SignatureRules;
}

/**
 * The XML to paste into SignPath, for a key of this family and these payloads; without a final line break. Where payloads
 * are of several kinds, a file may lack any of them. For ECDSA keys there is no padding to name.
 *
 * @throws {TagsealError} `bad-input` for Ed25519 keys, which SignPath does not have
 */
export function artifactConfiguration(family: KeyShape["family"], files: readonly PayloadFiles[]): string {
  if (family === "ed25519") {
    throw new TagsealError("bad-input", "SignPath has no Ed25519 keys, and so no artifact configuration for them", {
      remedy: "Give the certificate of the key at SignPath (RSA or ECDSA)",
    });
  }
  const matches = files.length > 1 ? ' min-matches="0" max-matches="unbounded"' : ' max-matches="unbounded"';
  return [
    '<artifact-configuration xmlns="http://signpath.io/artifact-configuration/v1">',
    "  <zip-file>",
    ...files.flatMap(({ extension, rules: { hash, rsaPadding } }) => [
      `    <file path="payload/*.${extension}"${matches}>`,
      `      <create-raw-signature output-file-name="\${file.name}.sig" hash-algorithm="${hash}"${
        family === "rsa" ? ` rsa-padding="${rsaPadding}"` : ""
      } />`,
      "    </file>",
    ]),
    "  </zip-file>",
    "</artifact-configuration>",
  ].join("\n");
}
