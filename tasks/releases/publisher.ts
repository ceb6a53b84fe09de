/** The release repository and its keys, as flags name them. @module */
import { utf8 } from "../../lib/bytes/bytes.ts";
import { type Flag, required, text, type Values } from "../../lib/cli/flags.ts";
import type { Host } from "../../lib/cli/host.ts";
import { existingRootKeyFlag, keyStoreFlags, withToken } from "../../lib/cli/key_stores.ts";
import { passphrasesFrom } from "../../lib/cli/passphrases.ts";
import { TagsealError } from "../../lib/errors.ts";
import { pathExists, writeFileAtomically } from "../../lib/files/files.ts";
import { withLock } from "../../lib/files/lock.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import { RELEASE_ROLES, type ReleaseRole } from "../../lib/releases/keys.ts";
import type { Publisher, Threshold } from "../../lib/releases/publish.ts";
import { type Published, ReleaseFolder } from "../../lib/releases/repository.ts";
import { ROOT_SOURCE, rootSource } from "../../lib/releases/root_source.ts";
import { RELEASE_ROOT, RELEASE_URL } from "../../lib/updates/release_root.ts";
import { PROJECT } from "../parts.ts";
import { RELEASE_PASSPHRASES } from "../permissions.ts";

/** Which repository, and where its keys are. */
export const publisherFlags = {
  output: required("--output <dir>", "the release repository: the folder that a web server hands out"),
  keys: required("--keys <dir>", "the folder of its keys, kept in private/ below it", "TAGSEAL_RELEASE_KEYS"),
  ...keyStoreFlags,
  ...existingRootKeyFlag,
};

/** How many keys roles have. */
export const thresholdFlag: Flag<string | undefined> = text(
  "--threshold <role=k/n>",
  "make n keys for a role, of which k must sign; several with commas: root=2/3,targets=1/2 (1/1 each)",
);

/** The value of that flag. @throws {TagsealError} `usage` */
export function thresholdsOf(given: string | undefined): Partial<Record<ReleaseRole, Threshold>> {
  const entries = (given?.split(",") ?? []).map((each) => {
    const [, role = "", threshold, keys] = /^([a-z]+)=(\d{1,2})\/(\d{1,2})$/.exec(each.trim()) ?? [];
    return [roleOf(role, `--threshold wants role=k/n, not "${each.slice(0, 40)}"`), {
      threshold: Number(threshold),
      keys: Number(keys),
    }];
  });
  return Object.fromEntries(entries);
}

/** A role by its name. @throws {TagsealError} `usage` */
export function roleOf(name: string, message = `"${name.slice(0, 40)}" is no role of the releases`): ReleaseRole {
  const role = RELEASE_ROLES.find((each) => each === name);
  if (role) return role;
  throw new TagsealError("usage", message, { remedy: `Roles are ${RELEASE_ROLES.join(", ")}` });
}

/** Runs `use` alone on the repository; what is there has been verified. */
export async function withPublisher<T>(
  values: Values<typeof publisherFlags>,
  host: Host,
  use: (publisher: Publisher, published: Published | undefined) => Promise<T>,
): Promise<T> {
  const output = host.path(values.output);
  const ask = passphrasesFrom(host, (role) => [RELEASE_PASSPHRASES[roleOf(role)]]);
  const files = createFileKeyStore(host.path(values.keys), ask, (error) => host.warn(error.message));
  const keys = withToken(files, values, host);
  const folder = new ReleaseFolder(output);
  const trusted = RELEASE_ROOT === undefined ? undefined : utf8(RELEASE_ROOT);
  await Deno.mkdir(output, { recursive: true }); // a lock would make it for this user alone, and a web server reads it
  return await withLock(`${output}/.lock`, "exclusive", async () => {
    return await use({ folder, keys, now: host.now() }, await folder.read(trusted));
  }, { signal: host.signal });
}

/** The same for a repository that must be there already. @throws {TagsealError} `not-found` */
export async function withReleases<T>(
  values: Values<typeof publisherFlags>,
  host: Host,
  use: (publisher: Publisher, published: Published) => Promise<T>,
): Promise<T> {
  const absent = () =>
    new TagsealError("not-found", `There is no release repository in "${values.output}"`, {
      remedy: "Check --output; deno task release begins one",
    });
  if (!await pathExists(`${host.path(values.output)}/metadata`)) throw absent();
  return await withPublisher(values, host, async (publisher, published) => {
    if (published) return await use(publisher, published);
    throw absent();
  });
}

/** Has the programs that are built from now on trust the newest root. */
export async function trustRoot(folder: ReleaseFolder, version: number, url = RELEASE_URL): Promise<void> {
  const source = rootSource(await folder.rootText(version), url);
  await writeFileAtomically(`${PROJECT}${ROOT_SOURCE}`, utf8(source), { replace: true, ownCode: true });
}
