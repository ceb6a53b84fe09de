/**
 * What commands may do, from what they need: the permission sets of `deno.json` and the flags of the single file. Only
 * `deno task sync`, `bundle` and tests load this.
 *
 * @module
 */
import { MEANS, type Need, SECRETS } from "../lib/cli/needs.ts";
import { passphraseVariables } from "../lib/cli/passphrases.ts";
import { ABOUT_PROJECTS } from "../lib/cli/open_project.ts";
import { CODE } from "../lib/files/open.ts";
import { COMMANDS } from "./commands.ts";

/** Docker's credential helpers: the only programs that commands may run. */
export const CREDENTIAL_HELPERS: readonly string[] = [
  "docker-credential-acr-env",
  "docker-credential-acr-linux",
  "docker-credential-acr-darwin",
  "docker-credential-acr-windows",
  "docker-credential-desktop",
  "docker-credential-desktop.exe",
  "docker-credential-ecr-login",
  "docker-credential-env",
  "docker-credential-gcloud",
  "docker-credential-gcr",
  "docker-credential-osxkeychain",
  "docker-credential-pass",
  "docker-credential-secretservice",
  "docker-credential-wincred",
  "docker-credential-wincred.exe",
];

/** A permission set, as `deno.json` has them. */
export type PermissionSet = Readonly<Record<string, unknown>>;

/** The folder that `deno task build-pkcs11` fills, and the only one that native code is loaded from. */
const ADDON = "./.tagseal-pkcs11";

/** Deno compares paths as text, links go round that: writing looks where a path leads, and this is the second fence. */
const WRITE = { allow: true, deny: [...CODE].map((name) => `./${name}`) };
/** Whose a project file is that was found must be known. */
export const OWN_ID: readonly string[] = ["uid"];
const LOOPBACK = ["localhost", "127.0.0.1"];
/** What the task itself says. */
const OWN_VARIABLES = { allow: ["TAGSEAL_CWD"], ignore: true };

/** The variables of the keys of tagseal's own releases, by role. */
export const RELEASE_PASSPHRASES = {
  "root": "TAGSEAL_RELEASE_ROOT_PASSPHRASE",
  "targets": "TAGSEAL_RELEASE_TARGETS_PASSPHRASE",
  "snapshot": "TAGSEAL_RELEASE_SNAPSHOT_PASSPHRASE",
  "timestamp": "TAGSEAL_RELEASE_TIMESTAMP_PASSPHRASE",
} as const;

/** Variables with secrets, also those of keys that no command opens. */
const HIDDEN = [
  ...new Set([...SECRETS, ...passphraseVariables("snapshot"), ...Object.values(RELEASE_PASSPHRASES)]),
];

/** What all tasks with native code may do: it is bound by no permission, so that finer sets would promise too much. */
export const TOKEN_SET: PermissionSet = {
  read: true,
  write: WRITE,
  net: true,
  env: true,
  run: CREDENTIAL_HELPERS,
  sys: OWN_ID,
  ffi: [ADDON],
};

/** What a command may do without native code. */
export function permissionSet(needs: readonly Need[]): PermissionSet {
  const means = needs.filter((need) => need !== "token").map((need) => MEANS[need]);
  const ownFolder = needs.includes("own-folder");
  const own = { read: ["./"], write: ["./.tagseal-demo"], env: { allow: [], ignore: true } };
  const known = means.flatMap(({ secrets = [] }) => secrets);
  if (needs.length === 0) return { env: OWN_VARIABLES };
  const env = needs.includes("loopback")
    ? OWN_VARIABLES
    : { allow: true, ignore: HIDDEN.filter((name) => !known.includes(name)) };
  return {
    ...(ownFolder ? own : { read: true, ...(needs.includes("write") ? { write: WRITE } : {}), env }),
    ...(needs.includes("loopback") ? { net: LOOPBACK } : {}),
    ...(means.some(({ network }) => network) ? { net: true } : {}),
    ...(means.some(({ helpers }) => helpers) ? { run: CREDENTIAL_HELPERS } : {}),
    ...(needs.some((need) => ABOUT_PROJECTS.includes(need)) ? { sys: OWN_ID } : {}),
  };
}

/** The name of the set for these needs. What every command may do, and what takes a task of its own, is left out. */
export function setName(needs: readonly Need[]): string {
  return needs.filter((need) => need !== "write" && need !== "token").join("+") || "nothing";
}

/** All sets of commands by name; equal needs share one. */
export function commandSets(): Record<string, PermissionSet> {
  const sets = Object.values(COMMANDS).map(({ needs }) => [setName(needs), permissionSet(needs)]);
  return { ...Object.fromEntries(sets), "token": TOKEN_SET };
}

/** What the single file and the compiled program may do, as flags: all that a command without native code may. */
export const PROGRAM_FLAGS: readonly string[] = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  `--allow-sys=${OWN_ID.join(",")}`,
  `--allow-run=${CREDENTIAL_HELPERS.join(",")}`,
];
