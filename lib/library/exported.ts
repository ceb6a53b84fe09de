/** Reading an export, without any network. @module */
import { TagsealError } from "../errors.ts";
import { readExport } from "../flows/export_file.ts";
import { exportedTrust } from "../flows/exported_trust.ts";
import { sleep } from "../http/retry.ts";
import { parseImageName } from "../registry/image_ref.ts";
import { during } from "./network.ts";
import { bytesOf, readPins, type RootPins } from "./pins.ts";
import { type TrustReader, trustReader } from "./reader.ts";

/** How an export is opened. */
export interface OpenExportOptions {
  /** What the roots in it are held to; nothing is `"known"` of a file. */
  readonly rootPin: RootPins;
  /** Told which root was taken without a pin. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

/** An export that was opened. Nothing of it is trusted before it has been read. */
export interface ExportedTrust {
  /** The repositories that it says it holds. */
  readonly repositories: readonly string[];
  /**
   * One of them. Everything is verified as online, and expiry is judged at the time of the export: nobody can tell
   * offline whether anything has been withdrawn or replaced since.
   *
   * @throws {TagsealError} `not-found` where it is not there; `usage` where that is no name
   */
  repository(name: string): TrustReader;
}

/**
 * Opens what {@linkcode Repository.export}, or `tagseal export`, wrote. Permissions: none.
 *
 * @throws {TagsealError} `bad-input` where it is no export; `trust-invalid` where it was changed
 */
export async function openExport(
  file: Uint8Array,
  { rootPin, onNotice }: OpenExportOptions,
): Promise<ExportedTrust> {
  const pin = readPins(rootPin);
  const exported = await readExport(bytesOf(file));
  return {
    repositories: exported.map(({ repository }) => repository),
    repository(name) {
      const { gun } = parseImageName(name);
      const found = exported.find(({ repository }) => repository === gun);
      if (!found) {
        throw new TagsealError("not-found", `The export does not hold "${gun}"`, {
          remedy: "Open the export that it was written to",
          details: { repository: gun },
        });
      }
      const trust = exportedTrust(found, {
        pin,
        onFirstUse: (gun, keyIds) => onNotice?.(firstUse(gun, keyIds)),
        now: () => new Date(),
        sleep,
      });
      return trustReader(gun, ({ signal }, work) => during(signal ? [signal] : [], () => work(trust)));
    },
  };
}

/** What is told where a root was taken without a pin. */
export function firstUse(gun: string, keyIds: readonly string[]): string {
  return `The root of "${gun}" was met for the first time and not pinned: its key is ${keyIds.join(", ")}`;
}
