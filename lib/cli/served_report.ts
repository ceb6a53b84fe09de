/** `verify --registry`: what is signed, and what is served. @module */
import { TagsealError } from "../errors.ts";
import { compareServed } from "../flows/served_tags.ts";
import type { Digest } from "../registry/image_ref.ts";
import { registryStore } from "../registry/image_store.ts";
import type { TagList } from "../schemes/notary_v1/verify_tags.ts";
import { word } from "../bytes/printable.ts";
import type { Host } from "./host.ts";
import type { Target } from "./image_target.ts";
import type { Report } from "./report.ts";
import type { Session } from "./session.ts";
import { type Offline, tagListReport } from "./tag_report.ts";

/**
 * The report, where all is served as it is signed. A tag that was asked for must be there; of all that are signed some may
 * be gone, which is said.
 *
 * @throws {TagsealError} `trust-invalid`, `not-found`
 */
export async function servedReport(
  list: TagList,
  { name, references }: Target,
  session: Session,
  host: Host,
  offline: Offline | undefined,
): Promise<Report> {
  const signed = list.tags.map(({ tag, sha256 }) => ({ tag, digest: `sha256:${sha256}` as Digest }));
  const served = await compareServed(name.gun, signed, registryStore(await session.registry(name)));
  const gone = served.filter((one) => one.served === null).map(({ tag }) => tag);
  const missing = gone.filter((tag) => references.includes(tag));
  if (missing.length > 0) throw notThere(name.gun, missing);
  if (gone.length > 0) {
    host.warn(`signed in "${name.gun}", and not in the registry any more: ${gone.map(word).join(", ")}`);
  }
  const there = list.tags.filter(({ tag }) => !gone.includes(tag));
  const report = tagListReport({ ...list, tags: there }, ({ tag, digest }) => `${word(tag)} ${digest}`, offline);
  return {
    ...report,
    json: { ...report.json, gone },
    tags: served.map(({ tag, digest, served }) => ({
      repository: name.gun,
      tag,
      digest,
      outcome: served === null ? "not in the registry" : "served as signed",
    })),
  };
}

function notThere(repository: string, tags: readonly string[]): TagsealError {
  return new TagsealError("not-found", `Signed in "${repository}", and not in the registry: ${tags.join(", ")}`, {
    remedy: "Push the images again, or check that this is the registry which they were pushed to",
    details: { repository, tags },
  });
}
