/** A PKCS#11 token, opened: its addon, its modules, its PIN. Loaded when a key of one is asked for. @module */
import { fileURLToPath } from "node:url";
import { isTagsealError, reworded, TagsealError } from "../errors.ts";
import { loadPkcs11Addon, type Pkcs11Addon } from "../keystore/pkcs11_addon.ts";
import { triesText, wrongPin } from "../keystore/pkcs11_failures.ts";
import { createPkcs11KeyStore, type Pkcs11KeyStore } from "../keystore/pkcs11_keystore.ts";
import { KNOWN_MODULES } from "../keystore/pkcs11_modules.ts";
import type { AskPin } from "../keystore/pkcs11_token.ts";
import { FORM, installedAddonFolder } from "./form.ts";
import type { Host } from "./host.ts";

/** Which token, as flags name it. */
export interface TokenValues {
  /** Its module. */
  readonly pkcs11Module?: string | undefined;
  /** Its label. */
  readonly pkcs11Token?: string | undefined;
  /** The key on it that becomes the root key. */
  readonly pkcs11RootKey?: string | undefined;
}

/** The folder that `deno task build-pkcs11` fills. */
const BUILT = new URL("../../.tagseal-pkcs11", import.meta.url);

/** Where the addon is. A program of one file has no project around it, and must not load what lies about there. */
function addonFolder(host: Host): string {
  const named = host.env("TAGSEAL_PKCS11_ADDON");
  if (named) return host.path(named);
  if (FORM === "task") return fileURLToPath(BUILT);
  if (FORM === "program") return installedAddonFolder();
  throw new TagsealError("not-found", "The PKCS#11 addon is not part of this file", {
    remedy: "Build it in tagseal's project with deno task build-pkcs11, and set TAGSEAL_PKCS11_ADDON to the folder " +
      ".tagseal-pkcs11 that this fills",
  });
}

function loadAddon(host: Host): Pkcs11Addon {
  const folder = addonFolder(host);
  try {
    return loadPkcs11Addon(folder);
  } catch (error) {
    if (!isTagsealError(error, "forbidden") && !(FORM === "program" && isTagsealError(error, "not-found"))) throw error;
    throw reworded(error, error.message, { remedy: howToAllow(folder) });
  }
}

/** How a token is used in the form that this is. */
function howToAllow(folder: string): string {
  switch (FORM) {
    case "task":
      return folder === fileURLToPath(BUILT)
        ? "Commands that use a token have a task of their own: deno task with-token <command> ..."
        : "Unset TAGSEAL_PKCS11_ADDON: tasks load the addon from the project's folder alone. Then: deno task " +
          "with-token <command> ...";
    case "file":
      return "Set TAGSEAL_PKCS11_ADDON to that folder, and start the file itself; to start it by hand: deno run " +
        `--allow-ffi="${folder}" and the other flags`;
    case "program":
      return `Put the folder .tagseal-pkcs11 that deno task build-pkcs11 fills at "${installedAddonFolder()}", and unset ` +
        "TAGSEAL_PKCS11_ADDON: this program loads native code from nowhere else";
  }
}

/** The keys of the token that is named, or of the only one there is. It is closed with the host. */
export function createToken({ pkcs11Module, pkcs11Token, pkcs11RootKey }: TokenValues, host: Host): Pkcs11KeyStore {
  const token = createPkcs11KeyStore({
    addon: () => loadAddon(host),
    modulePaths: pkcs11Module === undefined ? KNOWN_MODULES : [host.path(pkcs11Module)],
    tokenLabel: pkcs11Token,
    existingKeys: new Map(pkcs11RootKey === undefined ? [] : [["root", pkcs11RootKey]]),
    askPin: pinFrom(host),
    onSign: (label) => host.info(`Signing on the token "${label}". If the token blinks, touch it.`),
    signal: host.signal,
  });
  host.onEnd(() => token[Symbol.dispose]());
  return token;
}

/** Gets PINs from the variable or the terminal. A PIN of the variable is tried once, and never as the last try. */
export function pinFrom(host: Host): AskPin {
  return async ({ token, attempt, tries }) => {
    const pin = host.secret(host.env("TAGSEAL_PKCS11_PIN"), "TAGSEAL_PKCS11_PIN");
    if (pin) {
      if (attempt > 1) throw wrongPin(token, tries, "TAGSEAL_PKCS11_PIN");
      if (tries !== "one") return pin;
      throw new TagsealError("bad-input", `The token "${token}" locks at the next wrong PIN`, {
        remedy: "Unset TAGSEAL_PKCS11_PIN, run this in a terminal and type the PIN: a right one sets the counter back",
        details: { token },
      });
    }
    if (attempt > 1) host.info("That PIN does not open the token. Try again.");
    const typed = await host.askSecret(`PIN of the token "${token}"${triesText(tries)}:`);
    if (typed !== undefined) return host.secret(typed);
    throw new TagsealError("bad-input", `The PIN of the token "${token}" is needed, and there is nobody to ask`, {
      remedy: "Set TAGSEAL_PKCS11_PIN, or run this in a terminal",
      details: { token },
    });
  };
}
