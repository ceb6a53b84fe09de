/**
 * What `docker buildx build --metadata-file` (or `bake`) says that it has built: tag to digest.
 *
 * @see {@link https://docs.docker.com/reference/cli/docker/buildx/build/#metadata-file | docker buildx build}
 * @module
 */
import { type Bytes, fileText } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import { parseDigest, parseImageName, validTag } from "../registry/image_ref.ts";

/**
 * The tags of one repository and the digests they were pushed as. A build writes one object with
 * `containerimage.digest` and `image.name` (names separated by commas), a bake one for each target.
 *
 * @throws {TagsealError} `bad-input` where the file is no such metadata, or says nothing of the repository
 */
export function readBuildxMetadata(file: Bytes, path: string, gun: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const { digest, names } of builds(file, path)) {
    for (const name of names) {
      const [, repository, tag] = /^(.+?)(?::([^/:]+))?$/.exec(name.trim()) ?? [];
      if (repository === undefined || parseImageName(repository).gun !== gun) continue;
      const key = validTag(tag ?? "latest");
      if ((found.get(key) ?? digest) !== digest) {
        throw unusable(path, `it has built "${key}" twice, with other digests`);
      }
      found.set(key, digest);
    }
  }
  if (found.size > 0) return found;
  throw unusable(path, `it has built nothing that is named "${gun}"`);
}

function builds(file: Bytes, path: string): { digest: string; names: string[] }[] {
  let document: unknown;
  try {
    document = JSON.parse(fileText(file));
  } catch {
    throw unusable(path, "it is not JSON");
  }
  const top = Object(document) as Record<string, unknown>;
  const entries = ["containerimage.digest" in top ? top : undefined, ...Object.values(top)];
  return entries.flatMap((entry) => {
    const { "containerimage.digest": digest, "image.name": names } = Object(entry) as Record<string, unknown>;
    if (typeof digest !== "string" || typeof names !== "string") return [];
    return [{ digest: parseDigest(digest), names: names.split(",").filter(Boolean) }];
  });
}

function unusable(path: string, why: string): TagsealError {
  return new TagsealError("bad-input", `The build metadata "${path}" cannot be used: ${why}`, {
    remedy: "Give the file that docker buildx build --push --metadata-file wrote for this repository",
    details: { path },
  });
}
