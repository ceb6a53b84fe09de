/** Which of the releases is for a program. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { messageOf, TagsealError } from "../errors.ts";
import type { Target } from "./follow.ts";
import { compareVersions, isPreRelease, isVersion } from "./semver.ts";

/** A program that looks for a newer one. */
export interface Program {
  /** `deno` for the single file, or else the target triple that it was compiled for. */
  readonly form: string;
  /** Its version. */
  readonly version: string;
  /** The version of the Deno that runs it. */
  readonly deno: string;
}

/** A file of a release. */
export interface Release {
  /** Its version. */
  readonly version: string;
  /** The oldest Deno that runs it, major and minor; only of the single file. */
  readonly oldestDeno: string | undefined;
  /** Its length in bytes. */
  readonly length: number;
  /** Its path below `targets/`, with its hash. */
  readonly path: string;
  /** Passes for the bytes that the metadata names. @throws {TagsealError} `trust-invalid` for all others */
  verify(bytes: Bytes): Promise<void>;
}

/** What there is for a program. */
export interface Choice {
  /** The newest release that is newer than the program, and that this Deno runs. */
  readonly newer: Release | undefined;
  /** One that is newer still, and wants a newer Deno. */
  readonly outOfReach: Release | undefined;
}

/** Programs with Deno inside have about 100 MB. */
const MAX_BYTES = 512 * 2 ** 20;

/**
 * Takes the highest version of the program's own form, never one that is lower than its own, and a pre-release only where
 * the program is one.
 *
 * @throws {TagsealError} `trust-invalid` where the targets contradict themselves
 */
export function chooseRelease(targets: ReadonlyMap<string, Target>, program: Program): Choice {
  const newer = [...targets]
    .flatMap(([path, file]) => file.custom["form"] === program.form ? releaseOf(path, file, program.form) : [])
    .filter(({ version }) =>
      compareVersions(version, program.version) > 0 && (isPreRelease(program.version) || !isPreRelease(version))
    )
    .sort((a, b) => compareVersions(b.version, a.version));
  const usable = newer.find((release) => runsOn(release, program.deno));
  return { newer: usable, outOfReach: newer[0] === usable ? undefined : newer[0] };
}

function runsOn({ oldestDeno }: Release, deno: string): boolean {
  return oldestDeno === undefined || compareVersions(deno, `${oldestDeno}.0`) >= 0;
}

/** The name of a form's file in the folder of its version. */
export function fileNameOf(form: string): string {
  if (form === "deno") return "tagseal";
  return `tagseal-${form}${form.includes("windows") ? ".exe" : ""}`;
}

function releaseOf(path: string, file: Target, form: string): Release {
  const { version, oldestDeno } = file.custom;
  const wrong = (why: string) => notUsable(path, why);
  if (typeof version !== "string" || !isVersion(version)) throw wrong("it names no version");
  // What a version's folder holds is of that version: nobody gets an old file under a new number by a slip.
  if (path !== `${version}/${fileNameOf(form)}`) throw wrong(`it is said to be version ${version} for "${form}"`);
  if (oldestDeno !== undefined && (typeof oldestDeno !== "string" || !isVersion(`${oldestDeno}.0`))) {
    throw wrong("it names no version of Deno as the oldest");
  }
  const sha256 = file.hashes["sha256"];
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) throw wrong("its SHA-256 is missing");
  if (!Number.isSafeInteger(file.length) || file.length > MAX_BYTES) throw wrong("it is too long");
  return {
    version,
    oldestDeno,
    length: file.length,
    path: `${version}/${sha256}.${fileNameOf(form)}`,
    async verify(bytes) {
      try {
        await file.verify(bytes);
      } catch (error) {
        throw wrong(messageOf(error));
      }
    },
  };
}

function notUsable(path: string, why: string): TagsealError {
  return new TagsealError("trust-invalid", `The release "${path}" is not what the metadata says: ${why}`, {
    remedy: "Nothing was changed. Tell whoever publishes the releases",
    details: { path },
  });
}
