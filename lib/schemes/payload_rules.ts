/**
 * How payloads are signed, by what their entries in the signing data end in: a signing service that is told by patterns
 * of names knows nothing else of them.
 *
 * @module
 */
import type { KeyShape } from "../crypto/algorithms.ts";
import type { SignatureRules } from "../crypto/signature_rules.ts";
import { TagsealError } from "../errors.ts";
import { PAYLOAD_EXTENSIONS, type PayloadExtension } from "../signing/signing_data.ts";
import { COSIGN_RULES } from "./cosign/signature.ts";
import type { SchemeName } from "./names.ts";
import { algorithmOf } from "./notation/formats.ts";

/** How the payloads of one kind are signed. */
export interface PayloadRules {
  /** What their entries end in. */
  readonly extension: PayloadExtension;
  /** How. */
  readonly rules: SignatureRules;
}

const EXTENSIONS: Readonly<Record<SchemeName, readonly PayloadExtension[]>> = {
  dct: ["json"],
  cosign: ["json", "dsse"],
  notation: ["jws"],
};

/** How a key signs payloads whose entries end so; `undefined` where their format has no place for the key. */
export function rulesOf(extension: PayloadExtension, shape: KeyShape): SignatureRules | undefined {
  return extension === "jws" ? algorithmOf(shape)?.rules : COSIGN_RULES; // roles of Notary are signed like cosign's payloads
}

/**
 * How a key signs all that `schemes` may give it, each kind of payload once.
 *
 * @throws {TagsealError} `bad-input` where one of them has no place for the key
 */
export function payloadRules(shape: KeyShape, schemes: readonly SchemeName[]): PayloadRules[] {
  const wanted = new Set(schemes.flatMap((scheme) => EXTENSIONS[scheme]));
  return PAYLOAD_EXTENSIONS.filter((extension) => wanted.has(extension)).map((extension) => {
    const rules = rulesOf(extension, shape);
    if (rules) return { extension, rules };
    throw new TagsealError("bad-input", "Notation signs with no key of this kind", {
      remedy: "Take a key of RSA 2048, 3072 or 4096, or of P-256, P-384 or P-521, or leave the scheme notation out",
    });
  });
}
