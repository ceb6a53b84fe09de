/**
 * What commands need of the machine. Each says it once, in `tasks/commands.ts`; the variables in `--help` and the
 * permission sets of `deno.json` follow from it.
 *
 * @module
 */
import { passphraseVariables } from "./passphrases.ts";

/** One need. */
export type Need =
  /** The Notary server. */
  | "notary"
  /** The registry. */
  | "registry"
  /** SignPath. */
  | "signpath"
  /** The server of tagseal's own releases. */
  | "releases"
  /** Nothing but this machine's loopback, and no variable that is not named. */
  | "loopback"
  /** The trust directory. */
  | "trust-dir"
  /** The root key, and so its passphrase. */
  | "root-key"
  /** The targets key, and so its passphrase. */
  | "targets-key"
  /** A delegation's key, and so its passphrase. */
  | "delegation-key"
  /** A PKCS#11 token, where one is asked for. */
  | "token"
  /** To know of every variable whether it is set, and to do nothing with it. */
  | "variables"
  /** Files wherever the user says. */
  | "write"
  /** A folder of its own within the project, and no other file. */
  | "own-folder";

/** What a need comes to. */
export interface Means {
  /** Variables with secrets that it reads, of flags and others. */
  readonly secrets?: readonly string[];
  /** Other variables that it reads beside those of flags. */
  readonly variables?: readonly string[];
  /** Any server may be called, as users name them. */
  readonly network?: true;
  /** Docker's credential helpers may be run. */
  readonly helpers?: true;
}

/** Every variable with a secret that some command reads. */
export const SECRETS: readonly string[] = [
  ...new Set([
    ...["NOTARY_AUTH", "REGISTRY_AUTH", "DOCKER_AUTH_CONFIG", "SIGNPATH_API_TOKEN", "TAGSEAL_PKCS11_PIN"],
    ...["root", "targets", "delegation"].flatMap((role) => passphraseVariables(role)),
  ]),
];

/** What each need comes to. */
export const MEANS: Readonly<Record<Need, Means>> = {
  "notary": {
    secrets: ["NOTARY_AUTH", "DOCKER_AUTH_CONFIG"],
    variables: ["DOCKER_CONFIG"],
    network: true,
    helpers: true,
  },
  "registry": {
    secrets: ["REGISTRY_AUTH", "DOCKER_AUTH_CONFIG"],
    variables: ["DOCKER_CONFIG"],
    network: true,
    helpers: true,
  },
  "signpath": { secrets: ["SIGNPATH_API_TOKEN"], network: true },
  "releases": { variables: ["DOCKER_CONFIG", "TAGSEAL_NO_SELF_UPDATE"], network: true },
  "loopback": {},
  "trust-dir": { variables: ["DOCKER_CONFIG"] },
  "root-key": { secrets: passphraseVariables("root") },
  "targets-key": { secrets: passphraseVariables("targets") },
  "delegation-key": { secrets: passphraseVariables("delegation") },
  "token": { secrets: ["TAGSEAL_PKCS11_PIN"], variables: ["TAGSEAL_PKCS11_ADDON"] },
  "variables": { secrets: SECRETS },
  "write": {},
  "own-folder": {},
};

/** The variables that a command with these needs reads; those of its flags are in it where they hold secrets. */
export function variablesOf(needs: readonly Need[]): readonly string[] {
  const means = needs.map((need) => MEANS[need]);
  const proxy = means.some(({ network }) => network) ? ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] : [];
  return [...new Set([...means.flatMap(({ secrets = [], variables = [] }) => [...secrets, ...variables]), ...proxy])];
}
