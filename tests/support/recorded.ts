/** What `fixtures/record.ts` recorded: a repository that the real notary client made. @module */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import type { KeyId } from "../../lib/crypto/keys.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";

const FOLDER = new URL("../../fixtures/notary-basic/", import.meta.url);

/** The facts of the recording. */
export const RECORDED: {
  readonly at: string;
  readonly gun: string;
  readonly keys: Readonly<Record<"root" | "targets", KeyId>>;
  readonly passphrases: Readonly<Record<"root" | "targets", string>>;
  readonly tag: { readonly name: string; readonly length: number; readonly sha256: string };
} = JSON.parse(Deno.readTextFileSync(new URL("recorded.json", FOLDER)));

/** The recorded metadata, as the server showed it. */
export function recordedFiles(): Map<RoleName, Bytes> {
  const roles: RoleName[] = ["root", "timestamp", "snapshot", "targets", "targets/releases"];
  const file = (role: RoleName) => new URL(`tuf/${RECORDED.gun}/metadata/${role}.json`, FOLDER);
  return new Map(roles.map((role) => [role, Deno.readFileSync(file(role))]));
}

/** A recorded key file, as the notary client wrote it. */
export function recordedKey(role: "root" | "targets"): string {
  return Deno.readTextFileSync(new URL(`private/${RECORDED.keys[role]}.key`, FOLDER));
}
