/** From the flags that name tags to what the flows take. @module */
import { TagsealError } from "../errors.ts";
import { STANDARD_DELEGATION } from "../flows/delegation_certificate.ts";
import type { ScopeAction } from "../http/auth.ts";
import { type Digest, type ImageName, parseImageName } from "../registry/image_ref.ts";
import { fetchManifest } from "../registry/manifest.ts";
import type { ImagesResult } from "../schemes/images.ts";
import type { TagsToSign } from "../schemes/notary_v1/prepare_tags.ts";
import { askedOnce, type KeyHolder } from "../signing/payload_signer.ts";
import type { Job } from "../signing/scheme.ts";
import { type DelegationRole, RELEASES, signerRole } from "../tuf/roles.ts";
import { readBuildxMetadata } from "./buildx.ts";
import { type buildFlags, type delegationFlags, type renewFlags, type tagFlags, workFlags } from "./common_flags.ts";
import type { connectionFlags, notaryFlags, registryFlags } from "./common_flags.ts";
import { imageSchemes, openImageJobs, type SchemeValues } from "./schemes.ts";
import type { Session } from "./session.ts";
import { namedKey } from "./delegation.ts";
import type { CommandValues } from "./command.ts";
import { type Flags, requireGiven, type Values } from "./flags.ts";
import type { Host } from "./host.ts";
import { readTagList } from "./tag_list.ts";
import { expectedDigests, holdingTo, requireTags } from "./tags.ts";

const MAX_METADATA_BYTES = 16 * 2 ** 20; // provenance may be part of it

/** Values of the flags that say where a repository's signers are, and as whom to sign. */
export type SignerValues =
  & Values<typeof delegationFlags & typeof renewFlags>
  & Values<typeof notaryFlags & typeof connectionFlags>
  & Pick<CommandValues<Flags>, "again">
  & Partial<Pick<CommandValues<Flags>, "project">>;

/** Values of all flags that say what to sign, and where it is. */
export type WorkValues =
  & SignerValues
  & Values<typeof workFlags & typeof tagFlags & typeof buildFlags & typeof registryFlags>;

/** The tags that flags name: those of `--repository` and `--tags`, or those of `--from`. */
export async function readWork(values: WorkValues, host: Host): Promise<WantedTags[]> {
  if (values.from !== undefined) return await listedTags(values, host);
  const several = values.repository === undefined ? values.project?.repositories ?? [] : [];
  return several.length > 0 ? await projectTags(several, values, host) : [await typedTags(values, host)];
}

/** What is to be signed, by scheme. */
export interface Work {
  /** Signatures beside images. */
  readonly images: readonly Job<ImagesResult>[];
  /** Tags of Docker Content Trust. */
  readonly tags: readonly TagsToSign[];
}

/** What {@linkcode readWork} has read, ready to be looked up and signed: in all schemes the same digests. */
export async function openWork(
  wanted: readonly WantedTags[],
  values: WorkValues & SchemeValues,
  session: Session,
  host: Host,
  access: "pull" | "push,pull",
  holder?: KeyHolder,
): Promise<Work> {
  const asked = holder && askedOnce(holder);
  const isDct = values.scheme.includes("dct");
  const signing = isDct ? await openSigning(values, session, host, access, asked) : undefined;
  const imageJobs = await openImageJobs(values, session, host, access, asked);
  const images: Job<ImagesResult>[] = [];
  const work: TagsToSign[] = [];
  for (const { name, tags, expected, known } of wanted) {
    const repository = await session.registry(name, imageSchemes(values).length > 0 ? access : "pull");
    const asking = holdingTo((tag) => fetchManifest(repository, tag), tags, expected);
    const found = new Map<string, ReturnType<typeof asking>>();
    const lookUp = (tag: string) => {
      const entry = known?.get(tag);
      if (entry) return Promise.resolve(entry);
      const reading = found.get(tag) ?? asking(tag);
      found.set(tag, reading);
      return reading;
    };
    images.push(...await imageJobs(name, { tags, digestOf: async (tag) => (await lookUp(tag)).digest as Digest }));
    if (signing) work.push({ ...await signing(name), sign: { tags, lookUp } });
  }
  return { images, tags: work };
}

/** What all signing has in common, whatever becomes of the tags; to be completed for each repository. */
export async function openSigning(
  values: SignerValues,
  session: Session,
  host: Host,
  access: ScopeAction,
  holder?: KeyHolder,
): Promise<(name: ImageName) => Promise<TagsToSign>> {
  const keyId = await namedKey(values, host);
  const signerName = values.delegation ?? STANDARD_DELEGATION;
  const roles = [RELEASES, signerRole(signerName)];
  const foreign = values.renewRole.find((role) => !roles.includes(role as DelegationRole));
  if (foreign !== undefined) {
    throw new TagsealError("usage", `--renew-role names "${foreign.slice(0, 100)}", which is not signed here`, {
      remedy: `Name ${roles.join(" or ")}`,
    });
  }
  const asked = holder && askedOnce(holder);
  return async (name) => ({
    trust: await session.notary(name, access),
    gun: name.gun,
    signer: signerName,
    keyId,
    holder: asked,
    publishes: access !== "pull",
    renew: values.renewRole,
    howToRenew: (roles) => values.again("renewRole", "--renew-role", roles.join(",")),
    onRenewed: (role, reason, kept) =>
      host.warn(
        `"${role}" of "${name.gun}" is not trusted as it is: ${reason}. ` +
          (kept ? "Its tags are signed anew" : "It starts anew: its other tags are gone until they are signed again"),
      ),
  });
}

/** Tags of one repository, and what they have to be. */
export interface WantedTags {
  /** The repository. */
  readonly name: ImageName;
  /** The tags. */
  readonly tags: readonly string[];
  /** Digests that the registry must agree to. */
  readonly expected: ReadonlyMap<string, string>;
  /** Tags whose manifest is known, so that the registry need not be asked. */
  readonly known?: ReadonlyMap<string, { readonly tag: string; readonly digest: string; readonly length: number }>;
}

async function typedTags(values: WorkValues, host: Host): Promise<WantedTags> {
  const name = parseImageName(requireGiven(workFlags.repository, values.repository));
  return { name, ...await tagsOf(values, host, name.gun) };
}

/** The same tags of all repositories of the project. */
async function projectTags(repositories: readonly string[], values: WorkValues, host: Host): Promise<WantedTags[]> {
  if (values.expectDigest.size > 0 || values.buildxMetadata !== undefined) {
    throw new TagsealError("usage", "What was built belongs to one repository, and the project file lists several", {
      remedy: `Give --repository: ${repositories.slice(0, 10).join(", ")}`,
    });
  }
  return await Promise.all(repositories.map(async (repository) => {
    const name = parseImageName(repository);
    return { name, ...await tagsOf(values, host, name.gun) };
  }));
}

async function listedTags(values: WorkValues, host: Host): Promise<WantedTags[]> {
  const { from, repository, tags, expectDigest, buildxMetadata } = values;
  if (repository !== undefined || tags.length > 0 || expectDigest.size > 0 || buildxMetadata !== undefined) {
    throw new TagsealError("usage", "--from and flags that name tags exclude each other", {
      remedy: "Write all tags into the file, with their digests where they are known",
    });
  }
  return (await readTagList(from!, host)).map(({ name, tags }) => {
    const expected = new Map<string, string>();
    const known = new Map<string, { tag: string; digest: string; length: number }>();
    for (const { tag, digest, length } of tags) {
      if (digest === undefined) continue;
      if (length === undefined) expected.set(tag, digest);
      else known.set(tag, { tag, digest, length });
    }
    return { name, tags: tags.map(({ tag }) => tag), expected, known };
  });
}

/** The tags and the digests they must stand for: as typed, and as built. */
async function tagsOf(
  values: WorkValues,
  host: Host,
  gun: string,
): Promise<{ tags: string[]; expected: Map<string, string> }> {
  const expected = expectedDigests(values.expectDigest);
  const path = values.buildxMetadata;
  if (path === undefined) {
    const isRenewal = values.renewRole.length > 0 && values.tags.length === 0;
    return { tags: isRenewal ? [] : requireTags(values.tags), expected };
  }
  const built = readBuildxMetadata(await host.readFile(path, MAX_METADATA_BYTES), path, gun);
  const tags = requireTags(values.tags.length > 0 ? values.tags : [...built.keys()]);
  for (const tag of tags) {
    const digest = built.get(tag);
    if (digest !== undefined && (expected.get(tag) ?? digest) === digest) {
      expected.set(tag, digest);
      continue;
    }
    throw new TagsealError("usage", `The build metadata "${path}" does not say that "${tag}" was built as asked for`, {
      remedy: `It has built ${[...built].map(([name, sha256]) => `${name} as ${sha256}`).slice(0, 10).join(", ")}`,
      details: { tag, path },
    });
  }
  return { tags, expected };
}
