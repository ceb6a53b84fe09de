/** What is said of images that were verified with cosign or Notation, and of those that were refused. @module */
import { keyOfCertificate } from "../crypto/keys.ts";
import { TagsealError } from "../errors.ts";
import type { JudgedImage } from "../flows/verify_images.ts";
import { shown } from "../bytes/printable.ts";
import type { CosignVerdict, SkipReason } from "../schemes/cosign/verify.ts";
import { problemWords } from "../schemes/notation/certificate_words.ts";
import type { NotationReport, SkippedNotation } from "../schemes/notation/verify.ts";
import type { TagFacts } from "../schemes/notary_v1/verify_tags.ts";
import type { Report } from "./report.ts";
import type { Offline } from "./tag_report.ts";

/** Why a cosign signature does not count, as the end of a sentence about one. */
const COSIGN_WORDS: Readonly<Record<SkipReason, string>> = {
  "manifest-of-other-type": "its manifest is of another type",
  "malformed-manifest": "its manifest is malformed",
  "manifest-too-large": "its manifest is too large",
  "payload-missing": "a payload is missing",
  "payload-of-other-bytes": "a payload does not have its digest",
  "payloads-too-large": "the payloads are too large",
  "malformed-bundle": "its bundle is malformed",
  "bundle-of-other-kind": "its bundle is made with a certificate, a log or a time stamp, which is not verified here",
  "bundle-is-no-signature": "its bundle states something else, as attestations do",
  "certificate-not-valid-now": "the certificate beside it is not valid now",
  "malformed-annotation": "what stands beside it cannot be read",
  "no-signature-layer": "it is no signature",
  "malformed-signature": "it is malformed",
  "payload-of-other-size": "its payload has another size than its manifest says",
  "other-key": "it was made with another key, or altered",
  "malformed-payload": "its payload is malformed",
  "other-digest": "it is of another image",
  "other-repository": "it is of another repository",
  "no-tag": "it names no tag",
  "other-tag": "it is of another tag",
};

const MAX_REASONS = 5;

/** The refusal of images that are not signed in every scheme that was asked for; nothing where all are. */
export function refused(repository: string, images: readonly JudgedImage[]): TagsealError | undefined {
  const found = images.flatMap(({ tag, image: { digest }, cosign, notation }) => {
    const problems = [
      ...cosign?.outcome === "refused"
        ? [{ scheme: "cosign", skipped: cosign.skipped.map(cosignSkipped), untried: 0 }]
        : [],
      ...notation && !notation.verified
        ? [{ scheme: "notation", skipped: notation.skipped.map(notationSkipped), untried: notation.untried }]
        : [],
    ];
    return problems.map((problem) => ({ ...problem, tag, digest }));
  });
  if (found.length === 0) return undefined;
  const said = found.map(({ scheme, skipped, untried, tag, digest }) => {
    const what = tag === undefined ? `"${digest}"` : `"${tag}" (${digest} now)`;
    return skipped.length === 0
      ? `${what} has no ${scheme} signature`
      : `${what} has no good ${scheme} signature: ${grouped(skipped.map(({ words }) => words))}${
        untried > 0 ? `, and ${untried} more were not looked at` : ""
      }`;
  });
  return new TagsealError("not-signed", `Not signed in "${repository}": ${said.join("; ")}`, {
    remedy: "Do not use these images. Ask whoever publishes them to sign what the tags stand for now",
    details: {
      repository,
      tags: [...new Set(found.flatMap(({ tag }) => tag ?? []))],
      digests: [...new Set(found.map(({ digest }) => digest))],
      reasons: [
        ...new Set(
          found.flatMap(({ scheme, skipped }) =>
            skipped.length === 0 ? [`${scheme}: no-signatures`] : skipped.map(({ reason }) => `${scheme}: ${reason}`)
          ),
        ),
      ],
    },
  });
}

function grouped(all: readonly string[]): string {
  const groups = [...Map.groupBy(all, (words) => words)].map(([words, { length }]) =>
    length === 1 ? words : `${words} (${length} times)`
  );
  const more = groups.length - MAX_REASONS;
  return [...groups.slice(0, MAX_REASONS), ...more > 0 ? [`and ${more} more reasons`] : []].join(", ");
}

interface Skipped {
  readonly place: string;
  readonly reason: string;
  readonly words: string;
}

function cosignSkipped({ place, reason }: CosignVerdict["skipped"][number]): Skipped {
  return { place, reason, words: COSIGN_WORDS[reason] };
}

function notationSkipped(skipped: SkippedNotation): Skipped {
  return { place: skipped.digest, reason: skipped.reason, words: notationWords(skipped) };
}

function notationWords(skipped: SkippedNotation): string {
  switch (skipped.reason) {
    case "missing":
      return "its manifest or envelope is missing, or not what its digest says";
    case "manifest":
      return "its manifest does not hold one envelope in JWS";
    case "envelope":
      return `its envelope is refused: ${shown(skipped.why)}`;
    case "algorithm":
      return "its algorithm is not that of its key";
    case "certificate":
      return skipped.problems.map((problem) =>
        `the certificate "${shown(problem.certificate.subject)}" is refused: ${problemWords(problem)}`
      ).join(", ");
    case "signature":
      return "it is wrong";
    case "untrusted":
      return `its signer "${shown(skipped.signer.subject)}" is not trusted`;
    case "expired":
      return `it expired at ${skipped.expiry.toISOString()}`;
    case "other-image":
      return "it is of another image";
    case "other-tag":
      return skipped.tag === undefined ? "it names no tag" : "it is of another tag";
  }
}

/** What was verified, as it is printed; `dct` are the same tags, as Docker Content Trust has them signed. */
export function imagesReport(
  repository: string,
  images: readonly JudgedImage[],
  dct: readonly TagFacts[],
  offline: Offline | undefined,
): Report {
  const tags = images.map((judged) => {
    const { tag, image: { digest, size, mediaType }, cosign, notation } = judged;
    const trusted = tag === undefined
      ? dct.filter((one) => one.digest === digest).map(({ tag, role, signers }) => ({
        scheme: "dct",
        tag,
        role,
        signers,
      }))
      : dct.filter((one) => one.tag === tag).map(({ role, signers }) => ({ scheme: "dct", role, signers }));
    const skipped = [
      ...(cosign?.skipped ?? []).map((one) => ({ scheme: "cosign", ...cosignSkipped(one) })),
      ...(notation?.skipped ?? []).map((one) => ({ scheme: "notation", ...notationSkipped(one) })),
    ];
    return {
      ...tag === undefined ? {} : { tag },
      digest,
      length: size,
      mediaType,
      signatures: [...trusted, ...cosign ? cosignJson(cosign) : [], ...notation ? notationJson(notation) : []],
      ...skipped.length === 0 ? {} : {
        skipped: skipped.map(({ scheme, place, reason, words }) => ({ scheme, place, reason, message: words })),
      },
    };
  });
  return {
    json: { repository, tags, ...offline ? { offline } : {} },
    lines: tags.map(({ tag, digest }) => tag === undefined ? digest : `${tag} ${digest}`),
    tags: tags.map(({ tag, digest }) => ({
      repository,
      ...tag === undefined ? {} : { tag },
      digest,
      outcome: "verified",
    })),
  };
}

function cosignJson(verdict: CosignVerdict): object[] {
  if (verdict.outcome === "refused") return [];
  const { readers } = verdict;
  return verdict.signatures.map(({ form, keyId, tag, signed }) => ({
    scheme: "cosign",
    form,
    keyId,
    ...tag === undefined ? {} : { tag },
    payload: signed,
    readers,
  }));
}

function notationJson({ verified }: NotationReport): object[] {
  if (!verified) return [];
  const { signer, tag, signingTime, digest } = verified;
  return [{
    scheme: "notation",
    form: "jws",
    keyId: keyOfCertificate(signer).canonicalId,
    ...tag === undefined ? {} : { tag },
    subject: signer.subject,
    signedAt: signingTime.toISOString(),
    reference: digest,
  }];
}
