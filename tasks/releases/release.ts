/** `deno task release`: builds a release, and publishes it in the release repository. @module */
import { type Command, defineCommand } from "../../lib/cli/command.ts";
import { text, toggle } from "../../lib/cli/flags.ts";
import type { Host } from "../../lib/cli/host.ts";
import type { Report } from "../../lib/cli/report.ts";
import { pathExists, removeFolder, requireFile, writeFileAtomically } from "../../lib/files/files.ts";
import {
  beginReleases,
  openReleaseSigners,
  type Publisher,
  publishRelease,
  type ReleasedFile,
  targetPath,
  type Threshold,
} from "../../lib/releases/publish.ts";
import type { ReleaseRole } from "../../lib/releases/keys.ts";
import type { Published } from "../../lib/releases/repository.ts";
import { RELEASE_ROOT } from "../../lib/updates/release_root.ts";
import { VERSION } from "../../lib/version.ts";
import { buildRelease, type Plan } from "./build.ts";
import { targetFlag, targetsOf } from "./compile.ts";
import { publisherFlags, thresholdFlag, thresholdsOf, trustRoot, withPublisher } from "./publisher.ts";
import { commitHere } from "./sources.ts";

const MAX_FILE_BYTES = 512 * 2 ** 20;

/** The command. */
export const command: Command = defineCommand({
  description:
    "Builds the files of the version in deno.json: the single file, its launcher for Windows, programs with Deno inside, " +
    "a bill of materials, provenance and checksums; the same bytes from the same commit, wherever it is cloned. Then " +
    "publishes them in the release repository, which tagseal self-update follows. The first time it makes the keys and " +
    "the root, and writes it into lib/updates/release_root.ts, to be committed before the first release is built.",
  flags: {
    ...publisherFlags,
    threshold: thresholdFlag,
    targets: { ...targetFlag, help: "the systems to make programs for (all)" },
    withoutPrograms: toggle("--without-programs", "make no programs with Deno inside"),
    releaseUrl: text("--release-url <url>", "the first time: where the releases will be, for programs to know"),
    source: text("--source-uri <uri>", "where the sources are, for the provenance: git+https://…"),
    builder: text("--builder <uri>", "who builds, for the provenance (urn:tagseal:builder:local)"),
  },
  example: "deno task release --output /srv/releases --keys ~/release-keys --root-key-store pkcs11",
  async run(values, host) {
    return await withPublisher(values, host, async (publisher, published) => {
      if (!published || RELEASE_ROOT === undefined) {
        return await begin(publisher, published, thresholdsOf(values.threshold), values.releaseUrl, host);
      }
      const targets = values.withoutPrograms ? [] : targetsOf(values.targets.length > 0 ? values.targets : ["all"]);
      const { source, builder = "urn:tagseal:builder:local" } = values;
      const plan = { ...await commitHere(), targets, source, builder };
      return await release(publisher, published, plan, host);
    });
  },
});

async function begin(
  publisher: Publisher,
  published: Published | undefined,
  thresholds: Partial<Record<ReleaseRole, Threshold>>,
  url: string | undefined,
  host: Host,
): Promise<Report> {
  const { signed } = published?.root ?? await beginReleases(publisher, thresholds);
  await trustRoot(publisher.folder, signed.version, url);
  host.info("The keys of the releases are made. Keep those of root and targets where few can reach them, and a copy.");
  host.info("Commit lib/updates/release_root.ts; then run the same again for the first release.");
  return { json: { outcome: "begun", rootVersion: signed.version }, lines: [`root ${signed.version} begun`] };
}

async function release(publisher: Publisher, published: Published, plan: Plan, host: Host): Promise<Report> {
  const { folder } = publisher.folder;
  // Whoever cannot open the keys hears of it before anything is built.
  const signers = await openReleaseSigners(publisher.keys, published.root);
  const work = `${folder}/.building-${crypto.randomUUID().slice(0, 8)}`;
  try {
    const files = await buildRelease(work, plan, host);
    for (const file of files) await layTarget(folder, work, file);
    host.signal.throwIfAborted();
    const isNew = await publishRelease(publisher, published, files, signers);
    if (!await pathExists(`${folder}/${VERSION}`)) await Deno.rename(work, `${folder}/${VERSION}`);
    const outcome = isNew ? "released" : "unchanged";
    return {
      json: {
        outcome,
        version: VERSION,
        commit: plan.commit,
        files: files.map(({ path, sha256 }) => ({ path, sha256 })),
      },
      lines: files.map(({ path, sha256 }) => `${path} sha256:${sha256} ${outcome}`),
    };
  } finally {
    await removeFolder(work);
  }
}

/** Nobody sees it before the metadata names it. */
async function layTarget(folder: string, work: string, file: ReleasedFile): Promise<void> {
  const path = `${folder}/targets/${targetPath(file)}`;
  if (await pathExists(path)) return;
  const bytes = await requireFile(`${work}/${file.path.slice(VERSION.length + 1)}`, MAX_FILE_BYTES);
  await writeFileAtomically(path, bytes, { replace: true });
}
