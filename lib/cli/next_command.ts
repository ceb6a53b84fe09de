/** What is advised, as a command line that can be pasted. @module */
import type { Action } from "../flows/status_advice.ts";
import { commandLine } from "./command_line.ts";
import { connectionFlags, notaryFlags } from "./common_flags.ts";
import { STANDARD_DELEGATION } from "../flows/delegation_certificate.ts";
import { retyped, type Typed } from "./flags.ts";
import { fileNameFor } from "./file_names.ts";

/** The command line that does `action` for a repository, reached as the command did that was `typed`. */
export function nextCommand(gun: string, action: Action, typed: Typed): string {
  return commandLine(...commandWords(gun, action), ...retyped({ ...notaryFlags, ...connectionFlags }, typed));
}

/** The words of the command that does `action` for a repository. */
export function commandWords(gun: string, action: Action): string[] {
  const repository = ["-r", gun];
  const as = "delegation" in action && (action.delegation ?? STANDARD_DELEGATION) !== STANDARD_DELEGATION
    ? ["--delegation", action.delegation!]
    : [];
  switch (action.kind) {
    case "renew":
      return ["sign", ...repository, ...as, "--renew-role", action.roles.join(",")];
    case "rotate-key": {
      const words = ["rotate-key", ...repository, "--role", action.role];
      if (action.role !== "root") return words;
      // The certificate of the root before it may lie here still.
      return [...words, "--output-artifact-path", fileNameFor(gun, `root-${action.rootVersion + 1}.pem`)];
    }
    case "add-delegation":
      return ["add-delegation", ...repository, ...as, "--delegation-from-signpath"];
    case "remove-delegation":
      return ["remove-delegation", ...repository, "--key", action.keyId];
    case "export":
      return ["export", ...repository, "--output-artifact-path", fileNameFor(gun, "trust.zip")];
    case "delete-key":
      return ["delete-key", action.keyId, ...repository];
  }
}
