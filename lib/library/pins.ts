/** Pins of the root as a script has them. @module */
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { messageOf, TagsealError } from "../errors.ts";
import { pinOfCertificate, pinOfKeyId } from "../tuf/pins.ts";
import type { CaPin, KeyPin, RootPin } from "../tuf/root_keys.ts";

/**
 * A root key: its id (64 hex digits), its certificate (PEM or DER), as `init` and `rootCertificate` give it, or that of
 * the CA which has issued it.
 */
export type Pin = string | Uint8Array;

/**
 * What the root of a repository is held to when it is met for the first time:
 *
 * - one pin, or several of which one must hold;
 * - `"known"`: nothing but a root that the trust directory, or this connection, knows already;
 * - `"first-use"`: whatever is met first is trusted, and told to `onNotice`. Without a trust directory that is every
 *   time.
 */
export type RootPins = Pin | readonly Pin[] | "known" | "first-use";

/**
 * Reads pins.
 *
 * @throws {TagsealError} `bad-input` where one is none; `usage` where a list of them is empty
 */
export function readPins(pins: RootPins): RootPin | undefined {
  if (pins === "first-use") return undefined;
  if (pins === "known") return "required";
  const all = typeof pins === "string" || pins instanceof Uint8Array ? [pins] : pins;
  const [first, ...others] = all.map(readPin);
  // A list that turned out to be empty must not turn the pin off.
  if (!first) throw new TagsealError("usage", "The list of root pins is empty", { remedy: REMEDY });
  return others.length > 0 ? { anyOf: [first, ...others] } : first;
}

const REMEDY = "Give the root key's id (64 hex digits), or the root certificate that was handed out";

function readPin(pin: Pin): KeyPin | CaPin {
  const keyPin = typeof pin === "string" ? pinOfKeyId(pin) : undefined;
  if (keyPin) return keyPin;
  try {
    return pinOfCertificate(bytesOf(pin));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new TagsealError("bad-input", `The root pin is neither a key id nor a certificate: ${messageOf(error)}`, {
      remedy: REMEDY,
      cause: error,
    });
  }
}

/** A file's content, as text or as bytes. */
export function bytesOf(file: string | Uint8Array): Bytes {
  return typeof file === "string" ? utf8(file) : new Uint8Array(file);
}
