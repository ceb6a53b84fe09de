/**
 * What a project file may set, and how far it is believed: the one table of that.
 *
 * A file that was only found may be the work of a stranger: in CI it is part of what a pull request brings. So it says
 * what a call works on, and may ask for more checks; whom to trust, where secrets are sent, what is run, read and written
 * is for a file that the user has named. Secrets, and what belongs to a single call, are for none.
 *
 * @module
 */
import { type Flag, type Flags, partsOf } from "./flags.ts";

/** Whether a file may set a flag once it was found, only if it was named, or never. */
export type Rule = "found" | "named" | "never";

/** What has a word of its own in the file. */
export const OWN_WORDS: ReadonlyMap<string, string> = new Map([
  ["repository", "repositories"],
  ["repositories-from", "repositories"],
  ["root-pin", "pins"],
  ["scheme", "schemes"],
]);

/** Commands after which others may sign, or something is gone: whom and what they are about is said each time. */
const CHANGING = new Set([
  ...["init", "add-delegation", "remove-delegation", "rotate-key", "delete-key", "remove-tag", "move", "forget"],
]);
const OF_A_CHANGE = new Set([
  "delegation",
  "delegation-certificate",
  "key",
  "role",
  "tags",
  "root-key",
  "pkcs11-root-key",
]);

/** Flags of a single call, beside all that are on or off and are not named below. */
const OF_ONE_CALL = new Set([
  ...["config", "from", "expect-digest", "renew-role", "oci-layout", "input-artifact-path", "export-to"],
  ...["original-signing-request-id", "signing-request-id", "to-repository", "to-notary-url", "to-notary-username"],
]);
/** Of the flags that are on or off, those that say how a project works. */
const SWITCHES = new Set(["allow-http", "require-pin", "der", "wait-for-completion"]);

/** Commands about what SignPath signs, and its own rules say for whom. */
const SIGNING = [
  ...["sign", "signing-data", "submit", "download", "resume", "cancel", "remove-tag", "renew", "migrate", "doctor"],
];
const MAKING = ["sign", "signing-data", "migrate"];

/** What a file that was only found may set, and for which commands; for all where none are named. */
const FOUND: ReadonlyMap<string, readonly string[] | undefined> = new Map([
  ["require-pin", undefined],
  ["root-pin", undefined],
  ["organization-id", SIGNING],
  ["project-slug", SIGNING],
  ["signing-policy-slug", SIGNING],
  ["artifact-configuration-slug", SIGNING],
  ["scheme", MAKING],
  ["cosign-bundle", MAKING],
  ["delegation", ["sign", "signing-data"]],
  ["wait-for-completion-timeout", undefined],
  ["service-unavailable-timeout", undefined],
  ["upload-and-download-timeout", undefined],
]);

/** Flags that mean another thing in another command: they are set for one command alone. */
export const DIFFERENT_EVERYWHERE: ReadonlySet<string> = new Set(["output-artifact-path", "format", "key"]);

/** What a file may do about a flag of a command. */
export function ruleOf(command: string, { spec, kind, secret }: Flag<unknown>): Rule {
  const { long } = partsOf(spec);
  if (secret || OF_ONE_CALL.has(long) || (kind === "toggle" && !SWITCHES.has(long))) return "never";
  if (CHANGING.has(command) && OF_A_CHANGE.has(long)) return "never";
  if (long === "repository" || long === "repositories-from") return "never"; // see below
  const commands = FOUND.get(long);
  return FOUND.has(long) && (commands === undefined || commands.includes(command)) ? "found" : "named";
}

/**
 * Commands that work on the repositories of the file where none is typed: on the only one, or on however many there are.
 * No other does, so that nothing is changed or deleted in a repository that nobody has named.
 */
const ON_REPOSITORIES: ReadonlyMap<string, "one" | "several"> = new Map([
  ...([
    "sign",
    "signing-data",
    "renew",
    "list",
    "inspect",
    "status",
    "export",
    "migrate",
    "policy",
    "report",
    "audit",
    "doctor",
  ] as const)
    .map((name) => [name, "several"] as const),
  ...(["verify", "root-certificate"] as const).map((name) => [name, "one"] as const),
]);

/** How many repositories of the file a command works on, if any. */
export function repositoriesFor(command: string, flags: Flags): "one" | "several" | undefined {
  const takes = Object.values(flags).some(({ spec }) => partsOf(spec).long === "repository");
  return takes ? ON_REPOSITORIES.get(command) : undefined;
}
