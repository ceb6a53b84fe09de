/** What `fixtures/record.ts` recorded: repositories that the real notary client made. @module */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import type { KeyId } from "../../lib/crypto/keys.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import type { ListedTag } from "./notary_owner.ts";

const FIXTURES = new URL("../../fixtures/", import.meta.url);

/** One recorded repository. */
export interface Recording {
  /** When it is judged. */
  readonly at: string;
  /** Its name. */
  readonly gun: string;
  /** What `notary list` says. */
  readonly listed: readonly ListedTag[];
  /** What it said before the rotation. */
  readonly before?: readonly ListedTag[];
}

/** The facts of a recording, by the name of its folder. */
export function recording(name: string): Recording {
  return JSON.parse(Deno.readTextFileSync(new URL(`${name}/recorded.json`, FIXTURES)));
}

/** The names of all recordings. */
export function recordings(): string[] {
  const entries = [...Deno.readDirSync(FIXTURES)];
  return entries.map(({ name }) => name).filter((name) => name.startsWith("notary-")).sort();
}

/** The metadata of a recording as a client keeps it: of one that came last, or of one from before the rotation. */
export function metadataOf(name: string, state: "last" | "before" = "last"): Map<RoleName, Bytes> {
  const folder = `${name}/${state === "last" ? "" : "before/"}tuf/${recording(name).gun}/metadata/`;
  const files = new Map<RoleName, Bytes>();
  const add = (below: string) => {
    for (const entry of Deno.readDirSync(new URL(`${folder}${below}`, FIXTURES))) {
      const path = `${below}${entry.name}`;
      if (entry.isDirectory) add(`${path}/`);
      else files.set(path.replace(/\.json$/, "") as RoleName, Deno.readFileSync(new URL(`${folder}${path}`, FIXTURES)));
    }
  };
  add("");
  return files;
}

/** All root versions of a recording, oldest first, as the server shows them. */
export function rootsOf(name: string): Bytes[] {
  const first = metadataOf(name, "before").get("root")!;
  const served = new URL(`${name}/served/`, FIXTURES);
  const between = [...Deno.readDirSync(served)].map((entry) => entry.name).sort();
  return [
    first,
    ...between.map((file) => Deno.readFileSync(new URL(file, served))),
    metadataOf(name).get("root")!,
  ];
}

/** The facts of `notary-basic`. */
export const RECORDED: Recording & {
  readonly keys: Readonly<Record<"root" | "targets", KeyId>>;
  readonly passphrases: Readonly<Record<"root" | "targets", string>>;
} = JSON.parse(Deno.readTextFileSync(new URL("notary-basic/recorded.json", FIXTURES)));

/** The metadata of `notary-basic`. */
export function recordedFiles(): Map<RoleName, Bytes> {
  return metadataOf("notary-basic");
}

/** A key file of `notary-basic`, as the notary client wrote it. */
export function recordedKey(role: "root" | "targets"): string {
  return Deno.readTextFileSync(new URL(`notary-basic/private/${RECORDED.keys[role]}.key`, FIXTURES));
}
