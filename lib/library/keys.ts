/** Private keys of a script: where they are, and what opens them. @module */
import { TagsealError } from "../errors.ts";
import { createFileKeyStore } from "../keystore/file_keystore.ts";
import { type KeyInfo, type KeyStore, MIN_PASSPHRASE, type PassphraseRequest } from "../keystore/keystore.ts";

/** A passphrase for all keys, or how to come by the one for a key; what it throws ends the call. */
export type Passphrase = string | ((key: KeyInfo) => string | Promise<string>);

/** Key files. */
export interface KeyFilesOptions {
  /** Docker's trust directory, such as `~/.docker/trust`: keys are in `private` below it. */
  readonly trustDir: string;
  /** What opens them, and closes new ones; 8 characters at least. */
  readonly passphrase: Passphrase;
  /** Told of files that are no keys. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

/**
 * The keys of a trust directory, as Docker and the notary client keep them, and whatever is made anew.
 *
 * Permissions: `--allow-read=<trustDir>`, and to make keys `--allow-write=<trustDir>`.
 */
export function keyFiles({ trustDir, passphrase, onNotice }: KeyFilesOptions): KeyStore {
  const ask = async (request: PassphraseRequest): Promise<string> => {
    const { key: { id, role } } = request;
    if (request.attempt > 1) throw refused(request.key, "does not open the key", "Give the one that it was made with");
    const given = typeof passphrase === "string" ? passphrase : await passphrase(request.key);
    if (request.purpose === "open" || [...given].length >= MIN_PASSPHRASE) return given;
    throw refused({ id, role }, "is too short", `Use ${MIN_PASSPHRASE} characters at least`);
  };
  return createFileKeyStore(trustDir, ask, ({ message }) => onNotice?.(message));
}

function refused({ id, role }: KeyInfo, why: string, remedy: string): TagsealError {
  return new TagsealError("bad-input", `The passphrase for the ${role} key ${id.slice(0, 7)}… ${why}`, {
    remedy,
    details: { keyId: id },
  });
}
