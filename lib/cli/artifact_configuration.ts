/** The artifact configuration that users are shown: for the schemes that they sign in, and their key. @module */
import type { KeyShape } from "../crypto/algorithms.ts";
import { TagsealError } from "../errors.ts";
import type { SchemeName } from "../schemes/names.ts";
import { payloadRules } from "../schemes/payload_rules.ts";
import { artifactConfiguration } from "../signpath/artifact_configuration.ts";

/** Docker Content Trust and cosign sign alike with every RSA key; Notation does not. */
const ANY_RSA: KeyShape = { family: "rsa", bits: 2048 };

/**
 * The XML for a key; for RSA keys where none is named.
 *
 * @throws {TagsealError} `usage` where no key is named and it depends on the key; `bad-input` for keys that SignPath or a
 *   scheme does not have
 */
export function configurationFor(schemes: readonly SchemeName[], shape?: KeyShape): string {
  if (shape === undefined && schemes.includes("notation")) {
    throw new TagsealError("usage", "How Notation signs depends on the key, and none is named", {
      remedy: "Give --delegation-certificate <file>: the certificate of the key at SignPath",
    });
  }
  const { family } = shape ?? ANY_RSA;
  // Else what a scheme has no place for would be told first.
  const files = family === "ed25519" ? [] : payloadRules(shape ?? ANY_RSA, schemes);
  return artifactConfiguration(family, files);
}
