/** Where the project file is. @module */
import { globalFlags } from "./common_flags.ts";
import type { NearestFile } from "../files/nearest.ts";
import { MAX_PROJECT_BYTES, PROJECT_FILE } from "./file_names.ts";
import { attributeOf } from "./flags.ts";
import type { Host } from "./host.ts";
import type { Need } from "./needs.ts";
import type { Call, Project } from "./project.ts";

/** Who needs none of these looks for no project file, and who needs nothing at all does not even open one that is named. */
export const ABOUT_PROJECTS: readonly Need[] = ["notary", "registry", "signpath", "trust-dir", "variables"];

/** The project file of a call: the one that is named, else the nearest. @throws {TagsealError} `usage`, `bad-input`, `not-found` */
export async function openProject(call: Call, host: Host): Promise<Project | undefined> {
  const file = await findProject(call, host);
  if (file === undefined) return undefined;
  // Who has no such file does not wait for what reads it.
  const { readProject } = await import("./project_reader.ts");
  return await readProject(file, file.isNamed, call, host);
}

/** The file alone, and whether it was named. @throws {TagsealError} `usage`, `bad-input`, `not-found` */
export async function findProject(
  { typed, needs }: Pick<Call, "typed" | "needs">,
  host: Host,
): Promise<NearestFile & { readonly isNamed: boolean } | undefined> {
  if (needs.length === 0) return undefined;
  const named = await globalFlags.config.read(typed[attributeOf(globalFlags.config)], host);
  if (named === "none") return undefined;
  if (named !== undefined) {
    return { path: host.path(named), bytes: await host.readFile(named, MAX_PROJECT_BYTES), isNamed: true };
  }
  if (!needs.some((need) => ABOUT_PROJECTS.includes(need))) return undefined;
  const found = await host.readNearestFile(PROJECT_FILE, MAX_PROJECT_BYTES);
  return found && { ...found, isNamed: false };
}
