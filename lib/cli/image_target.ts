/** `verify`: in which schemes, whose signatures, and of what. @module */
import { TagsealError } from "../errors.ts";
import { type ImageName, parseImageName, parseImageReference } from "../registry/image_ref.ts";
import { text, type Values } from "./flags.ts";
import type { SchemeName } from "../schemes/names.ts";
import { schemeFlag } from "./scheme_flag.ts";
import type { SessionValues } from "./session.ts";
import { expectedDigests, requireTags } from "./tags.ts";

/** Which signatures, by whom, and where. */
export const imageSignerFlags = {
  scheme: schemeFlag,
  key: {
    ...text("--key <file>", "for cosign: the public key (cosign.pub) or certificate of whoever must have signed"),
    remedy: "Give --key the public key or certificate of whoever must have signed with cosign",
  },
  certificate: {
    ...text("--certificate <file>", "for notation: whom to trust, a CA's certificate or the signer's self-signed one"),
    remedy: "Give --certificate the certificate that Notation signatures must lead to",
  },
  ociLayout: text(
    "--oci-layout <dir>",
    "for cosign and notation: read image and signatures from this OCI image layout, without any network",
  ),
};

/** Values of these flags, and of those that they do not go together with. */
export type ImageSignerValues = Values<typeof imageSignerFlags> & SessionValues & {
  readonly from?: string | undefined;
};

/** What is to be verified. */
export interface Target {
  /** The repository. */
  readonly name: ImageName;
  /** Tags, or one digest; none for all that are signed. */
  readonly references: readonly string[];
  /** What tags must stand for. */
  readonly expected: ReadonlyMap<string, string>;
}

/**
 * Which tags of a repository are to be verified, or which digest: `name@sha256:…`.
 *
 * @throws {TagsealError} `usage`
 */
export function verifyTarget(
  values: ImageSignerValues & {
    readonly repository: string;
    readonly tags: readonly string[];
    readonly expectDigest: ReadonlyMap<string, string>;
    readonly registry: boolean;
  },
): Target {
  requireUse(values);
  const { repository, tags, expectDigest, scheme, registry } = values;
  if (registry && scheme.some((one) => one !== "dct")) throw readAnyhow();
  const expected = expectedDigests(expectDigest);
  const { name, tag, digest } = parseImageReference(repository);
  if (digest === undefined || tag !== undefined) {
    const alone = parseImageName(repository);
    const named = [...tags, ...expected.keys()];
    return { name: alone, references: registry && named.length === 0 ? [] : requireTags(named), expected };
  }
  if (tags.length === 0 && expected.size === 0) return { name, references: [digest], expected };
  throw new TagsealError("usage", "--repository names a digest, and tags are named as well", {
    remedy: `Name the tag alone and hold it to the digest: --expect-digest ${
      [...tags, ...expected.keys()][0]
    }=${digest}`,
  });
}

function readAnyhow(): TagsealError {
  return new TagsealError(
    "usage",
    "--registry is of no use here: for cosign and Notation the registry is read anyhow",
    {
      remedy: "Leave it out",
    },
  );
}

/** What flags say of a scheme that is not asked for would be left undone unsaid. @throws {TagsealError} `usage` */
export function requireUse(
  { scheme, key, certificate, ociLayout, from }: Pick<
    ImageSignerValues,
    "scheme" | "key" | "certificate" | "ociLayout" | "from"
  >,
): void {
  const isAsked = (...schemes: SchemeName[]) => scheme.some((one) => schemes.includes(one));
  if (key !== undefined && !isAsked("cosign")) throw notAsked("--key", "cosign");
  if (certificate !== undefined && !isAsked("notation")) throw notAsked("--certificate", "notation");
  if (ociLayout !== undefined && !isAsked("cosign", "notation")) throw notAsked("--oci-layout", "cosign");
  if (from !== undefined && !isAsked("dct")) throw notAsked("--from", "dct");
}

function notAsked(flag: string, scheme: string): TagsealError {
  return new TagsealError("usage", `${flag} is of no use here: --scheme does not name ${scheme}`, {
    remedy: `Give --scheme ${scheme}, or leave ${flag} out`,
  });
}
