/** Replacing the program by its newest release. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { type Choice, chooseRelease, type Program, type Release } from "../updates/choose.ts";
import { type Floors, followReleases } from "../updates/follow.ts";
import type { ReleaseServer } from "../updates/release_server.ts";

/** The program's file. */
export interface ProgramFile extends Disposable {
  /** Its path. */
  readonly path: string;
  /** Where the old one is kept. */
  readonly previousPath: string;
  /** Has the new one take its place. @throws {TagsealError} `bad-input` */
  put(bytes: Bytes): void;
}

/** What an update works with. */
export interface UpdateWorld {
  /** The program as it runs. */
  readonly program: Program;
  /** The root that it was built with. */
  readonly firstRoot: Bytes;
  /** Where releases come from. */
  readonly server: ReleaseServer;
  /** Runs `use` on what was trusted before, alone on this machine. */
  withFloors<T>(use: (floors: Floors) => Promise<T>): Promise<T>;
  /** Whether the program's file is a release already: another process may have been quicker. */
  isInPlace(release: Release): Promise<boolean>;
  /** Makes ready to replace the program's file. @throws {TagsealError} `bad-input` where that is not allowed */
  open(): ProgramFile;
  /** Told before the release is downloaded. */
  onDownload(release: Release): void;
}

/** What became of it. */
export interface Update extends Choice {
  /** `available`: it was only looked for; `replaced`: by the newer one. */
  readonly outcome: "unchanged" | "available" | "replaced";
  /** Where the old program is kept, where it was replaced by this call. */
  readonly previousPath?: string;
}

/**
 * Looks for a newer release and, unless `checkOnly`, has it take the program's place.
 *
 * @throws {TagsealError} `trust-invalid`, `unavailable`, `bad-input`; then the program's file is as it was
 */
export async function selfUpdate(world: UpdateWorld, checkOnly: boolean): Promise<Update> {
  const { program, firstRoot, server } = world;
  return await world.withFloors(async (floors) => {
    const choice = chooseRelease(await followReleases(firstRoot, floors, server), program);
    const { newer } = choice;
    if (!newer) return { ...choice, outcome: "unchanged" };
    if (checkOnly) return { ...choice, outcome: "available" };
    if (await world.isInPlace(newer)) return { ...choice, outcome: "replaced" };
    using file = world.open();
    world.onDownload(newer);
    const bytes = await server.target(newer.path, newer.length);
    await newer.verify(bytes);
    file.put(bytes);
    return { ...choice, outcome: "replaced", previousPath: file.previousPath };
  });
}
