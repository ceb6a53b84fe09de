/**
 * What a signing data file would have signed, for whoever approves it. What it does is read from the payloads, which are
 * what gets signed; the manifest's words are held against them, and the trust data in the file is verified.
 *
 * @module
 */
import { recognizeSignature } from "../../crypto/recognize.ts";
import { keyOfCertificate, type PublicKey } from "../../crypto/keys.ts";
import type { ImagesChange } from "../../schemes/image_changes.ts";
import type { RepositoryChange } from "../../schemes/notary_v1/changes.ts";
import { baseOf } from "../../schemes/notary_v1/role_base.ts";
import { digestIn, isEdited } from "../../schemes/notary_v1/tag_change.ts";
import type { Origin } from "../../signing/origin.ts";
import type { SigningData } from "../../schemes/signing_data.ts";
import { isDelegation, RELEASES } from "../../tuf/roles.ts";
import type { TrustedRepository } from "../../tuf/trusted.ts";
import { canonicalIds } from "../inspect_repository.ts";
import type { RootTrust } from "../root_trust.ts";
import { type EvidenceTrust, verifyEvidence } from "./evidence.ts";
import { isGoodSignature, readImagePayload, type ShownImage } from "./image_payload.ts";
import { readRolePayload, type ShownRole } from "./role_payload.ts";

/** A key and whose it is. */
export interface ShownKey {
  /** Its canonical id. */
  readonly keyId: string;
  /** The subject of its certificate, where there is one. */
  readonly subject?: string;
}

/** A signature in the file. */
export type ShownSignature =
  /** Nobody has signed yet. */
  | { readonly state: "none" }
  /** It is good, and by this key. */
  | { readonly state: "good"; readonly by: ShownKey }
  /** It is by no key that may sign. */
  | { readonly state: "bad" }
  /** Nobody can say whose it would have to be. */
  | { readonly state: "unknown" };

/** What is to be signed for content trust in one repository. */
export interface ShownRepository {
  /** The GUN. */
  readonly repository: string;
  /** The Notary server, as the manifest says. */
  readonly notaryUrl: string;
  /** The root that the trust data in the file is verified by, and why that is trusted; nothing where it is not. */
  readonly root: { readonly trustedBy: RootTrust; readonly keyIds: readonly string[] } | null;
  /** The keys that may sign, as the manifest says and the trust data confirms. */
  readonly keys: readonly ShownKey[];
  /** By role. */
  readonly roles: readonly (ShownRole & { readonly signature: ShownSignature })[];
  /** What is wrong with the rest, as sentences without a final period. */
  readonly problems: readonly string[];
}

/** What is to be signed beside images, of one scheme in one repository. */
export interface ShownImages {
  /** `cosign` or `notation`. */
  readonly scheme: string;
  /** The GUN. */
  readonly repository: string;
  /** The key that is to sign, as the certificate in the file has it. */
  readonly key: ShownKey;
  /** The signatures. */
  readonly signatures: readonly (ShownImage & { readonly signature: ShownSignature })[];
}

/** All of a file. */
export interface ShownData {
  /** When it was made, as it says. */
  readonly created: string;
  /** What made it, as it says. */
  readonly tool: string;
  /** Who asks, as it says. */
  readonly origin?: Origin;
  /** How many payloads there are, and how many of them are signed. */
  readonly payloads: { readonly all: number; readonly signed: number };
  /** Content trust. */
  readonly repositories: readonly ShownRepository[];
  /** Beside images. */
  readonly images: readonly ShownImages[];
  /** Everything that is wrong, as sentences without a final period; nothing where it may be approved. */
  readonly problems: readonly string[];
}

/** Verifies and reads a file; `trustOf` says what is trusted of a repository. */
export async function showData(
  data: SigningData,
  trustOf: (repository: string) => Promise<EvidenceTrust & { readonly rootTrustedBy: RootTrust }>,
): Promise<ShownData> {
  const repositories: ShownRepository[] = [];
  for (const [i, change] of data.repositories.entries()) {
    repositories.push(await showRepository(data, change, i + 1, await trustOf(change.repository)));
  }
  const images: ShownImages[] = [];
  for (const change of data.images) images.push(await showImages(data, change));
  const { created, tool, payloads, signatures, origin } = data;
  const signed = signatures.size;
  const problems = [
    ...repositories.flatMap(problemsOf),
    ...images.flatMap(({ repository, scheme, signatures }) =>
      signatures.flatMap(({ tag, problems, signature }) => {
        const what = `the ${scheme} payload for "${repository}:${tag}"`;
        return [...problems.map((problem) => `${what} ${problem}`), ...signatureProblem(what, signature)];
      })
    ),
    ...signed > 0 && signed < payloads.size ? [`only ${signed} of ${payloads.size} payloads are signed`] : [],
  ];
  return {
    created,
    tool,
    ...origin ? { origin } : {},
    payloads: { all: payloads.size, signed },
    repositories,
    images,
    problems,
  };
}

function problemsOf({ repository, roles, problems }: ShownRepository): string[] {
  return [
    ...problems,
    ...roles.flatMap(({ role, problems, signature }) => {
      const what = `the payload for "${role}" of "${repository}"`;
      return [...problems.map((problem) => `${what} ${problem}`), ...signatureProblem(what, signature)];
    }),
  ];
}

function signatureProblem(what: string, { state }: ShownSignature): string[] {
  if (state === "bad") return [`the signature of ${what} is by no key that may sign`];
  return state === "unknown" ? [`nobody can say whether the signature of ${what} is good`] : [];
}

async function showRepository(
  data: SigningData,
  change: RepositoryChange,
  n: number,
  { rootTrustedBy, ...trust }: EvidenceTrust & { readonly rootTrustedBy: RootTrust },
): Promise<ShownRepository> {
  const { repository: gun, notaryUrl, delegationKeyId, alternativeKeyIds = [] } = change;
  const created = new Date(data.created);
  const evidence = await verifyEvidence(data, change, n, trust);
  const known = "repository" in evidence ? evidence.repository : undefined;
  const problems = known ? [...movedSince(known, change)] : [
    `what "${gun}" was before is not proved, and so is nothing of what moves: ${
      "refused" in evidence ? evidence.refused : ""
    }`,
  ];
  const roles: ShownRepository["roles"][number][] = [];
  const ids = [delegationKeyId, ...alternativeKeyIds];
  const keys = new Map<string, ShownKey>(ids.map((keyId) => [keyId, { keyId }]));
  for (const role of change.roles) {
    if (!isDelegation(role.role)) {
      problems.push(`"${role.role}" of "${gun}" is no delegation, and signs no tags`);
      continue;
    }
    const bytes = data.payloads.get(role.payload)!;
    const shown = readRolePayload(change, { ...role, role: role.role }, bytes, known, created);
    const may = keysOf(known, role.role);
    for (const id of ids) {
      const key = may.find(({ canonicalId }) => canonicalId === id);
      if (key) keys.set(id, shownKey(key));
      else if (known) problems.push(`the key ${id.slice(0, 12)} may not sign for "${role.role}" of "${gun}"`);
    }
    const raw = data.signatures.get(role.payload);
    let signature: ShownSignature = raw === undefined ? { state: "none" } : { state: known ? "bad" : "unknown" };
    for (const key of may) {
      if (raw && await recognizeSignature(key, bytes, raw)) signature = { state: "good", by: shownKey(key) };
    }
    roles.push({ ...shown, signature });
  }
  return {
    repository: gun,
    notaryUrl,
    root: known ? { trustedBy: rootTrustedBy, keyIds: canonicalIds(known.root.roles.root) } : null,
    keys: [...keys.values()],
    roles,
    problems: [...new Set(problems)],
  };
}

/** Where the manifest's digests from before are not those of the trust data, or a role that would change is left out. */
function* movedSince(known: TrustedRepository, change: RepositoryChange): Generator<string> {
  const { file } = baseOf(known, RELEASES);
  for (const { tag, previousDigest } of [...change.tags, ...change.removedTags]) {
    const before = digestIn(file, tag);
    if (before === previousDigest) continue;
    yield `"${change.repository}:${tag}" stood for ${before ?? "nothing"}, where the manifest says ${
      previousDigest ?? "nothing"
    }`;
  }
  if (change.roles.some(({ role }) => role === RELEASES) || isEdited(file, change)) return;
  yield `"${RELEASES}" of "${change.repository}", where Docker looks, is left as it is`;
}

function keysOf(known: TrustedRepository | undefined, role: string): PublicKey[] {
  const state = isDelegation(role) ? known?.delegations.get(role) : undefined;
  return [...state?.delegation.keys.values() ?? []];
}

function shownKey({ canonicalId: keyId, certificate }: PublicKey): ShownKey {
  return { keyId, ...certificate ? { subject: certificate.subject } : {} };
}

async function showImages(data: SigningData, change: ImagesChange): Promise<ShownImages> {
  const { scheme, repository, certificates: [certificate] } = change;
  const key = keyOfCertificate(certificate);
  const by = { keyId: key.canonicalId, subject: certificate.subject };
  const created = new Date(data.created);
  const signatures: ShownImages["signatures"][number][] = [];
  for (const one of change.signatures) {
    const bytes = data.payloads.get(one.payload)!;
    const raw = data.signatures.get(one.payload);
    const isGood = raw !== undefined && await isGoodSignature(one.payload, key, bytes, raw);
    const signature: ShownSignature = raw === undefined
      ? { state: "none" }
      : isGood
      ? { state: "good", by }
      : { state: "bad" };
    signatures.push({ ...readImagePayload(change, one, key, bytes, created), signature });
  }
  return { scheme, repository, key: by, signatures };
}
