/** The repositories of a command that is about all that are known here, unless some are named. @module */
import { isTagsealError, TagsealError } from "../errors.ts";
import { keptRepositories } from "../notary/kept_names.ts";
import { type ImageName, parseImageName } from "../registry/image_ref.ts";
import { type TrustDirValue, trustFolder } from "./docker_folder.ts";
import type { Host } from "./host.ts";
import { readRepositories, type Repositories, type RepositoriesValues } from "./repositories.ts";

/** What flags or the project file name, else what the trust directory knows, which may be nothing. */
export async function namedOrKnown(values: RepositoriesValues & TrustDirValue, host: Host): Promise<Repositories> {
  const isNamed = values.repository !== undefined || values.repositoriesFrom !== undefined ||
    (values.project?.repositories.length ?? 0) > 0;
  if (isNamed) return await readRepositories(values, host);
  const folder = trustFolder(values, host);
  return { names: folder === undefined ? [] : keptRepositories(folder).flatMap(nameOf).sort(byGun), fromFile: true };
}

/** Nothing for a folder that somebody else has put there. */
function nameOf(gun: string): ImageName | [] {
  try {
    return parseImageName(gun);
  } catch (error) {
    if (!isTagsealError(error)) throw error;
    return [];
  }
}

function byGun(a: ImageName, b: ImageName): number {
  return a.gun < b.gun ? -1 : 1;
}

/** {@linkcode namedOrKnown}, of which there must be one. @throws {TagsealError} `usage` */
export async function someNamedOrKnown(
  values: RepositoriesValues & TrustDirValue,
  host: Host,
): Promise<Repositories> {
  const found = await namedOrKnown(values, host);
  if (found.names.length > 0) return found;
  throw new TagsealError("usage", "--repository is missing, and no repository is known on this machine", {
    remedy: "Give --repository, or --repositories-from <file>; --help shows how",
  });
}
