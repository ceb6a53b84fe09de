/** The files of a release, built into a folder. @module */
import { OLDEST_DENO } from "../../lib/flows/doctor/machine.ts";
import { createHash } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import type { Host } from "../../lib/cli/host.ts";
import { isTagsealError, reworded } from "../../lib/errors.ts";
import { requireFile, writeFileAtomically } from "../../lib/files/files.ts";
import { checksumsOf, type Digested, provenanceOf } from "../../lib/releases/provenance.ts";
import type { ReleasedFile } from "../../lib/releases/publish.ts";
import { billOfMaterials } from "../../lib/releases/sbom.ts";
import { fileNameOf } from "../../lib/updates/choose.ts";
import { VERSION } from "../../lib/version.ts";
import { bundlerDigest } from "../bundler.ts";
import { commonJsOf, PROJECT, withParts } from "../parts.ts";
import { singleFile } from "../single_file.ts";
import { WINDOWS_LAUNCHER } from "../windows_launcher.ts";
import { compileProgram, runtimeOf, type Target } from "./compiler.ts";
import { type Commit, packagesShipped } from "./sources.ts";

/** What is built. */
export interface Plan extends Commit {
  /** The systems to make programs for. */
  readonly targets: readonly Target[];
  /** Where the sources are, as a URI. */
  readonly source: string | undefined;
  /** Who builds, as a URI. */
  readonly builder: string;
}

const MAX_FILE_BYTES = 512 * 2 ** 20;
/** The licence of tagseal, as deno.json has it. */
const LICENSE = "Apache-2.0";

/** Builds a release into `folder`. @returns its files, as their metadata will name them */
export async function buildRelease(folder: string, plan: Plan, host: Host): Promise<ReleasedFile[]> {
  const { targets, time } = plan;
  const files: ReleasedFile[] = [];
  const tools: Digested[] = [
    digested("deno", await requireFile(Deno.execPath(), MAX_FILE_BYTES)),
    await bundlerDigest(),
    digested("deno.lock", await requireFile(`${PROJECT}deno.lock`, MAX_FILE_BYTES)),
  ];
  const add = async (name: string, form: string, more: Readonly<Record<string, string>> = {}) => {
    const bytes = await requireFile(`${folder}/${name}`, MAX_FILE_BYTES);
    const { sha256 } = digested(name, bytes);
    const custom = { version: VERSION, form, ...more };
    files.push({ path: `${VERSION}/${name}`, length: bytes.length, sha256, custom });
  };
  const write = async (name: string, text: string, mode = 0o644) => {
    await writeFileAtomically(`${folder}/${name}`, utf8(text), { replace: true, mode });
  };

  const packages = await withParts(async (parts) => {
    host.info("Building the single file");
    await write("tagseal", singleFile(await commonJsOf(parts, "programUrl")), 0o755);
    await add("tagseal", "deno", { oldestDeno: OLDEST_DENO.join(".") });
    await write("tagseal.cmd", WINDOWS_LAUNCHER);
    await add("tagseal.cmd", "launcher");
    for (const target of targets) {
      host.info(`Making the program for ${target}`);
      await compileProgram(parts, target, `${folder}/${fileNameOf(target)}`).catch(orLeaveOut);
      await add(fileNameOf(target), target);
      tools.push(await runtimeOf(target));
    }
    return await packagesShipped(parts.bundled);
  }, true);
  const deno = targets.length > 0 ? Deno.version.deno : undefined;
  const contents = { version: VERSION, license: LICENSE, time, deno, ...packages };
  await write("tagseal.cdx.json", await billOfMaterials(contents));
  await add("tagseal.cdx.json", "sbom");
  const named = () => files.map(({ path, sha256 }) => ({ name: path.slice(VERSION.length + 1), sha256 }));
  await write(
    "provenance.json",
    provenanceOf({ ...plan, files: named(), parameters: { version: VERSION, targets }, tools }),
  );
  await add("provenance.json", "provenance");
  await write("SHA256SUMS", checksumsOf(named()));
  return files;
}

function digested(name: string, bytes: Bytes): Digested {
  return { name, sha256: createHash("sha256").update(bytes).digest("hex") };
}

function orLeaveOut(error: unknown): never {
  if (!isTagsealError(error, "unavailable")) throw error;
  throw reworded(error, error.message, {
    remedy: `${error.remedy}. To release fewer programs, name them with --target, or give --without-programs`,
  });
}
