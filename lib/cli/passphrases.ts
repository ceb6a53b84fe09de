/**
 * Passphrases of key files: Notary's and Docker's variables, else the terminal, else an error that names the variables.
 *
 * @module
 */
import { TagsealError } from "../errors.ts";
import { type AskPassphrase, MIN_PASSPHRASE, type PassphraseRequest } from "../keystore/keystore.ts";
import type { Host } from "./host.ts";

const VARIABLES: ReadonlyMap<string, readonly string[]> = new Map([
  ["root", ["NOTARY_ROOT_PASSPHRASE", "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE"]],
  ["targets", ["NOTARY_TARGETS_PASSPHRASE", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE"]],
  ["snapshot", ["NOTARY_SNAPSHOT_PASSPHRASE", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE"]],
  ["delegation", ["NOTARY_DELEGATION_PASSPHRASE", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE"]],
]);

/** The variables that may hold a passphrase of this role, in order. */
export function passphraseVariables(role: string): readonly string[] {
  return VARIABLES.get(role) ?? VARIABLES.get("delegation")!;
}

/** Whether nobody is asked for the passphrase of a role's key, as a variable holds it. */
export function hasPassphrase(host: Host, role: string): boolean {
  return passphraseVariables(role).some((name) => host.env(name));
}

/** Gets passphrases from the variables or the terminal; `variablesOf` names those of a role. */
export function passphrasesFrom(
  host: Host,
  variablesOf: (role: string) => readonly string[] = passphraseVariables,
): AskPassphrase {
  return async (request) => {
    const { role } = request.key;
    const variables = variablesOf(role);
    const name = variables.find((variable) => host.env(variable));
    if (name) return fromVariable(request, name, host.secret(host.env(name)!, name));
    const passphrase = request.purpose === "create" ? await newPassphrase(request, host) : await ask(request, host);
    if (passphrase !== undefined) return host.secret(passphrase);
    throw new TagsealError("bad-input", `The passphrase of the ${role} key is needed, and there is nobody to ask`, {
      remedy: `Set ${variables.join(" or ")}, or run this in a terminal`,
      details: { role, keyId: request.key.id },
    });
  };
}

function fromVariable(request: PassphraseRequest, name: string, value: string): string {
  if (request.attempt > 1) {
    throw new TagsealError("bad-input", `The passphrase in ${name} does not open the ${request.key.role} key`, {
      remedy: `Set ${name} to the passphrase that was given when the key was made`,
      details: { keyId: request.key.id },
    });
  }
  if (request.purpose === "create" && [...value].length < MIN_PASSPHRASE) {
    throw new TagsealError("bad-input", `The passphrase in ${name} is too short`, {
      remedy: `Use ${MIN_PASSPHRASE} characters at least`,
    });
  }
  return value;
}

function describe({ key }: PassphraseRequest): string {
  return `${key.role} key ${key.id.slice(0, 7)}`;
}

function ask(request: PassphraseRequest, host: Host): Promise<string | undefined> {
  if (request.attempt > 1) host.info("That passphrase does not open the key. Try again.");
  return host.askSecret(`Passphrase of the ${describe(request)}:`);
}

async function newPassphrase(request: PassphraseRequest, host: Host): Promise<string | undefined> {
  for (;;) {
    const first = await host.askSecret(`New passphrase for the ${describe(request)}:`);
    if (first === undefined) return undefined;
    if ([...first].length < MIN_PASSPHRASE) {
      host.info(`Too short: ${MIN_PASSPHRASE} characters at least.`);
      continue;
    }
    if (await host.askSecret("The same once more:") === first) return first;
    host.info("The two do not match. Once more from the start.");
  }
}
