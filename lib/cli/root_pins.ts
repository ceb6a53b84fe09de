/**
 * Pins of the root on the command line and in `TAGSEAL_ROOT_PIN`: `<key id>`, `<certificate file>`, or one of them behind
 * `<name prefix>=`. A file that holds a CA pins that CA, any other certificate itself.
 *
 * @module
 */
import { commandLine } from "./command_line.ts";
import { isTagsealError, messageOf, TagsealError } from "../errors.ts";
import { pinOfCertificate, pinOfKeyId } from "../tuf/pins.ts";
import type { CaPin, KeyPin, RootPin } from "../tuf/root_keys.ts";
import type { Flag } from "./flags.ts";
import type { Host } from "./host.ts";

const MAX_PEM_BYTES = 2 ** 20;
/** `docker.io/acme/=…`: what stands before the first "=" must be able to begin a repository's name. */
const PREFIXED = /^([a-z0-9][a-z0-9._:-]*(?:\/[a-z0-9._-]+)*\/?)=(.+)$/s;

/** A pin as it is typed. */
export interface PinText {
  /** The repository, or the folder of repositories, that it is for; "" for all. */
  readonly prefix: string;
  /** A key id or a file. */
  readonly value: string;
}

/** A flag that may be repeated; its variable holds pins separated by white space or commas. */
export function pins(spec: string, help: string, variable: string): Flag<readonly PinText[]> {
  return {
    spec,
    help,
    kind: "text",
    variable,
    read(given, host) {
      const values = Array.isArray(given)
        ? given as readonly string[]
        : (host.env(variable) ?? "").split(/[\s,]+/).filter(Boolean);
      if (!values.includes("")) return values.map(parsePin);
      // A variable that is not set in CI must not turn the pin off.
      throw new TagsealError("usage", "--root-pin is empty", {
        remedy: "Give --root-pin a value, or leave it out",
      });
    },
  };
}

/** Whether a repository's name can begin like this. */
export function isPrefix(text: string): boolean {
  return PREFIXED.test(`${text}=.`);
}

/** A pin as it is typed, taken apart. */
export function parsePin(given: string): PinText {
  const [, prefix = "", value = given] = PREFIXED.exec(given) ?? [];
  return { prefix, value };
}

/**
 * The pin for one repository. Of several pins those for the longest prefix count, and one of them must hold; where pins
 * are given and none is for this repository, only a root that is known already will do.
 *
 * @throws {TagsealError} `bad-input` for what is neither key id nor certificate, `not-found` for a file that is not there
 */
export async function readRootPin(
  given: readonly PinText[],
  required: boolean,
  gun: string,
  host: Host,
): Promise<RootPin | undefined> {
  const fitting = given.filter(({ prefix }) => covers(prefix, gun));
  const longest = Math.max(...fitting.map(({ prefix }) => bare(prefix).length));
  const nearest = fitting.filter(({ prefix }) => bare(prefix).length === longest);
  const [first, ...others] = await Promise.all(nearest.map(({ value }) => readPin(value, host)));
  // Whoever pins means to be strict: a repository that no pin covers (a mistyped prefix, say) is not met on trust.
  if (!first) return required || given.length > 0 ? "required" : undefined;
  return others.length > 0 ? { anyOf: [first, ...others] } : first;
}

/** Whether no root can hold both of two pins. */
export function contradict(one: RootPin, other: RootPin): boolean {
  const named = keysOf(one);
  return !keysOf(other).some((key) => named.includes(key));
}

function keysOf(pin: RootPin): string[] {
  if (pin === "required") return [];
  if ("anyOf" in pin) return pin.anyOf.flatMap(keysOf);
  return ["ca" in pin ? pin.ca.der.toHex() : pin.keyId];
}

/** Whole parts of a name only: `acme` is not a prefix of `acme-evil`. */
function covers(prefix: string, gun: string): boolean {
  return prefix === "" || bare(prefix) === gun || gun.startsWith(`${bare(prefix)}/`);
}

function bare(prefix: string): string {
  return prefix.replace(/\/$/, "");
}

async function readPin(pin: string, host: Host): Promise<KeyPin | CaPin> {
  const keyPin = pinOfKeyId(pin);
  if (keyPin) return keyPin;
  try {
    return pinOfCertificate(await host.readFile(pin, MAX_PEM_BYTES));
  } catch (error) {
    if (isTagsealError(error, "bad-input")) throw error; // a file that cannot be read
    const isAbsent = isTagsealError(error, "not-found");
    const why = isAbsent
      ? `${error.message}, and "${pin}" is no key id`
      : `The file "${pin}" of the pin holds no certificate to pin: ${messageOf(error)}`;
    throw new TagsealError(isAbsent ? "not-found" : "bad-input", why, {
      remedy: `Give the root key's id (64 hex digits), or the file that ${commandLine("root-certificate")} wrote`,
      cause: error,
    });
  }
}
