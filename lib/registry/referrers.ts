/**
 * Referrers: what was attached to an image, as manifests that name it as their subject. Some registries list them; at the
 * others whoever attaches keeps an index of them under the tag `sha256-<hex>`.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-referrers | OCI Distribution}
 * @module
 */
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { withItems } from "../bytes/json_edit.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import type { ByteBudget } from "../http/send.ts";
import type { Pushed } from "./blob.ts";
import { type Descriptor, readAnnotations, readDescriptor } from "./descriptor.ts";
import type { Digest } from "./image_ref.ts";
import { findManifest, MAX_MANIFEST_BYTES, pushManifest, type StoredManifest } from "./manifest.ts";
import { OCI_INDEX } from "./manifest_type.ts";
import { nextPage, type RegistryRepository, type RepositoryAnswer, repositoryError } from "./repository.ts";
import { addToTagged } from "./tagged.ts";

/** Something that was attached to an image. */
export interface Referrer extends Descriptor {
  /** What kind of thing it is, as the list says. */
  readonly artifactType?: string;
  /** Its annotations. */
  readonly annotations: Readonly<Record<string, string>>;
}

const MAX_PAGES = 100;
const MAX_LIST_BYTES = 4 * MAX_MANIFEST_BYTES;

/** The tag under which referrers of `subject` are listed where the registry does not do so. */
export function referrersTag(subject: Digest): string {
  return subject.replace(":", "-");
}

/**
 * What was attached to `subject`; of one kind only, where `artifactType` is given. Lists are by others, and some give the
 * wrong kind (cosign 3): who must not miss anything takes all, and reads the manifests. Entries that cannot be read as
 * such are left out.
 *
 * @throws {TagsealError} `unavailable` where neither the registry nor the tag says for certain, and what `findManifest`
 *   throws of the tag
 */
export async function listReferrers(
  repository: RegistryRepository,
  subject: Digest,
  artifactType?: string,
): Promise<readonly Referrer[]> {
  const found = await byRegistry(repository, subject, artifactType);
  const entries = "entries" in found ? found.entries : await byTag(repository, subject, found.unread);
  const all = entries.flatMap((entry) => readReferrer(entry) ?? []);
  return artifactType === undefined ? all : all.filter((one) => one.artifactType === artifactType);
}

/**
 * Attaches a manifest, whose member `subject` says to what. Its blobs must be there already.
 *
 * @throws {TagsealError} `unexpected` where it names no subject, and what `pushManifest` and `addToTagged` throw
 */
export async function addReferrer(
  repository: RegistryRepository,
  manifest: Omit<StoredManifest, "digest">,
): Promise<Pushed> {
  const content = parseJson(manifest.bytes, "any") as JsonObject;
  const subject = readDescriptor(content["subject"]);
  if (subject === undefined) {
    const remedy = "Report this as a defect of tagseal";
    throw new TagsealError("unexpected", "A manifest that is to be attached names no subject", { remedy });
  }
  const { digest, listedUnder } = await pushManifest(repository, manifest);
  if (listedUnder === subject.digest) return "added";
  const { artifactType = (content["config"] as JsonObject | undefined)?.["mediaType"], annotations } = content;
  const entry = {
    mediaType: manifest.mediaType,
    digest,
    size: manifest.bytes.length,
    ...(annotations === undefined ? {} : { annotations }),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
  return await addToTagged(repository, {
    tag: referrersTag(subject.digest),
    mediaType: OCI_INDEX,
    add: (current) => withEntry(current, entry),
  });
}

function withEntry(current: Bytes | undefined, entry: JsonObject): Bytes | undefined {
  if (current === undefined) {
    return utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] }));
  }
  const there = entriesOf(current)?.some((one) => isJsonObject(one) && one["digest"] === entry["digest"]);
  return there ? undefined : withItems(current, "manifests", [entry]);
}

/** The entries of an index; nothing where it is none. */
function entriesOf(index: Bytes): readonly JsonValue[] | undefined {
  try {
    const { manifests } = Object(parseJson(index, "any")) as JsonObject;
    return Array.isArray(manifests) ? manifests : undefined;
  } catch {
    return undefined;
  }
}

/** Why there is no list of the registry's: it could not be read, or the registry keeps none. */
type Unread = { readonly unread: TagsealError | "no list" };

/** What the registry lists, or why it does not. */
async function byRegistry(
  repository: RegistryRepository,
  subject: Digest,
  artifactType: string | undefined,
): Promise<{ readonly entries: readonly JsonValue[] } | Unread> {
  const query = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  const shared: ByteBudget = { left: MAX_LIST_BYTES };
  const entries: JsonValue[] = [];
  let to: string | URL | undefined = `referrers/${subject}${query}`;
  for (let page = 0; to !== undefined; page++) {
    const answer = await ask(repository, to, shared);
    if ("unread" in answer) return answer;
    const failed = (why: string, remedy: string) =>
      repositoryError("unavailable", repository, answer, {
        what: `The list of what refers to "${subject}"`,
        why,
        remedy,
      });
    const found = answer.status === 200 ? entriesOf(answer.bytes) : undefined;
    if (found === undefined && (page > 0 || (answer.status >= 500 && answer.status !== 501))) {
      const why = `cannot be read: the registry gave status ${answer.status}`;
      const error = failed(why, "Try again later");
      if (page > 0) throw error;
      return { unread: error };
    }
    if (found === undefined) return { unread: "no list" };
    if (page === MAX_PAGES) throw failed(`has more than ${MAX_PAGES} pages`, "Remove what is not needed any more");
    entries.push(...found);
    const next = nextPage(answer);
    if (next === "elsewhere") throw failed("goes on at another host", "Ask the registry's operator");
    to = next;
  }
  return { entries };
}

/** An answer; or what stands in its place where the registry has another way of saying that it keeps no lists. */
async function ask(
  repository: RegistryRepository,
  to: string | URL,
  shared: ByteBudget,
): Promise<RepositoryAnswer | Unread> {
  try {
    const headers = { accept: OCI_INDEX };
    return await repository.request({ to, headers, maxBytes: MAX_MANIFEST_BYTES, shared, redirects: 3 });
  } catch (error) {
    // Some forbid what they do not know; who may not read at all is told so when the tag is read.
    if (isTagsealError(error, "unauthenticated", "forbidden")) return { unread: "no list" };
    throw error;
  }
}

/** What the tag lists. Where the registry's own list could not be read, that there is no tag says nothing. */
async function byTag(
  repository: RegistryRepository,
  subject: Digest,
  unread: Unread["unread"],
): Promise<readonly JsonValue[]> {
  const index = await findManifest(repository, referrersTag(subject));
  if (index === undefined && unread !== "no list") throw unread;
  return index?.mediaType === OCI_INDEX ? entriesOf(index.bytes) ?? [] : [];
}

function readReferrer(entry: JsonValue): Referrer | undefined {
  const descriptor = readDescriptor(entry);
  if (descriptor === undefined) return undefined;
  const { artifactType, annotations } = entry as JsonObject;
  return {
    ...descriptor,
    annotations: readAnnotations(annotations),
    ...(typeof artifactType === "string" ? { artifactType } : {}),
  };
}
