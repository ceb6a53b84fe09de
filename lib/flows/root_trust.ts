/** Why the root of a repository was taken. @module */
import type { Bytes } from "../bytes/bytes.ts";
import type { RoleName } from "../tuf/roles.ts";
import type { Trust } from "../notary/repository.ts";

/** A pin held it; this machine knew it, or an older one that leads to it; or nothing was known. */
export type RootTrust = "pin" | "known" | "first-use";

/** Why; `before` is the local copy as it was before the reading. */
export function rootTrust({ pin }: Trust, before: ReadonlyMap<RoleName, Bytes>): RootTrust {
  if (pin !== undefined && pin !== "required") return "pin";
  return before.has("root") ? "known" : "first-use";
}
