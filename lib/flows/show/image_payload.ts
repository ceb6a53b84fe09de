/** What the payloads beside images say: read from the bytes that are signed, and held against the manifest. @module */
import { type Bytes, equalBytes, text } from "../../bytes/bytes.ts";
import { parseJson } from "../../bytes/json.ts";
import { shown } from "../../bytes/printable.ts";
import type { PublicKey } from "../../crypto/keys.ts";
import { recognizeByRules } from "../../crypto/signature_rules.ts";
import { bytesToSign } from "../../schemes/cosign/missing.ts";
import { readSimpleSigning } from "../../schemes/cosign/payload.ts";
import type { ImagesChange } from "../../schemes/image_changes.ts";
import { unsignedEnvelope } from "../../schemes/notation/envelope.ts";
import { algorithmOf } from "../../schemes/notation/formats.ts";
import { rulesOf } from "../../schemes/payload_rules.ts";
import type { PayloadExtension } from "../../signing/signing_data.ts";

/** One signature beside an image. */
export interface ShownImage {
  /** `classic`, `bundle` or `jws`. */
  readonly form: string;
  /** The tag. */
  readonly tag: string;
  /** `sha256:<hex>`. */
  readonly digest: string;
  /** What the manifest says that it runs on. */
  readonly platform?: string;
  /** What is wrong: each the end of the sentence "the payload …". */
  readonly problems: readonly string[];
}

/** One signature, as a manifest names it. */
export type NamedSignature = ImagesChange["signatures"][number];

/** Reads one payload: what it says where that can be read, else what the manifest says of it. */
export function readImagePayload(
  { repository, scheme }: ImagesChange,
  signature: NamedSignature,
  key: PublicKey,
  bytes: Bytes,
  created: Date,
): ShownImage {
  const { tag, image: { digest }, platform, form } = signature;
  const facts = { form, ...platform === undefined ? {} : { platform } };
  const wanted = expected(repository, scheme, signature, key, created);
  if (wanted === undefined) {
    return {
      ...facts,
      tag,
      digest,
      problems: [`is of a form that "${shown(scheme, 30)}" does not have, or not with this key`],
    };
  }
  if (equalBytes(wanted, bytes)) return { ...facts, tag, digest, problems: [] };
  const said = statedIn(form, bytes);
  const problem = `does not say what the manifest says (${repository}:${tag} ${digest}), but ${said.words}`;
  return { ...facts, tag: said.tag ?? tag, digest: said.digest ?? digest, problems: [problem] };
}

/** The bytes that the manifest's words come to. */
function expected(
  gun: string,
  scheme: string,
  { tag, image, form }: NamedSignature,
  key: PublicKey,
  created: Date,
): Bytes | undefined {
  if (scheme === "cosign" && form !== "jws") return bytesToSign({ image: { gun, tag, digest: image.digest }, form });
  const algorithm = scheme === "notation" && form === "jws" ? algorithmOf(key.shape) : undefined;
  return algorithm && unsignedEnvelope({ image, tag }, algorithm, created).signingInput;
}

/** What a payload says itself, as far as it can be read. */
function statedIn(
  form: string,
  bytes: Bytes,
): { readonly words: string; readonly tag?: string; readonly digest?: string } {
  try {
    if (form === "classic") {
      const simple = readSimpleSigning(bytes);
      if (!simple) return { words: "something that cannot be read" };
      const { reference: { name: { gun }, tag }, digest } = simple;
      return {
        words: `${gun}${tag === undefined ? "" : `:${tag}`} ${digest}`,
        digest,
        ...tag === undefined ? {} : { tag },
      };
    }
    const source = text(bytes);
    const part = form === "jws" ? source.split(".")[1]! : source.replace(/^DSSEv1 \d+ \S+ \d+ /, "");
    const json = form === "jws"
      ? Uint8Array.fromBase64(part, { alphabet: "base64url" })
      : new TextEncoder().encode(part);
    return { words: shown(JSON.stringify(parseJson(json, "any")), 400) };
  } catch {
    return { words: "something that cannot be read" };
  }
}

/** Whether a signature is good under the key of the certificate. */
export async function isGoodSignature(payload: string, key: PublicKey, bytes: Bytes, raw: Bytes): Promise<boolean> {
  const rules = rulesOf(payload.replace(/^.*\./, "") as PayloadExtension, key.shape);
  return rules !== undefined && await recognizeByRules(key, rules, bytes, raw) !== undefined;
}
