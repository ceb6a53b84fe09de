/** PKCS#11 modules: where they lie, how they are started and ended, and which tokens they have. @module */
import { messageOf, TagsealError } from "../errors.ts";
import { pathExists } from "../files/files.ts";
import { CKF, type Handle, type Pkcs11Addon, type Pkcs11Module } from "./pkcs11_addon.ts";
import { answered, reasonOf } from "./pkcs11_failures.ts";

const MAX_TOKENS = 100;

const DEBIAN = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((name) => `/usr/lib/${name}`);
const LINUX = [...DEBIAN, "/usr/lib64", "/usr/lib", "/usr/local/lib"];
const MAC = ["/opt/homebrew/lib", "/usr/local/lib"];

const below = (folders: readonly string[], ...names: string[]) =>
  folders.flatMap((folder) => names.map((name) => `${folder}/${name}`));

/**
 * Paths of YubiKey's, SoftHSM's and OpenSC's modules as their packages for Linux, macOS and Windows install them, the
 * most specific first: OpenSC shows a YubiKey too, and less of it.
 */
export const KNOWN_MODULES: readonly string[] = [
  ...below(LINUX, "libykcs11.so", "libykcs11.so.2"),
  ...below(MAC, "libykcs11.dylib"),
  "C:\\Program Files\\Yubico\\Yubico PIV Tool\\bin\\libykcs11.dll",
  ...below(LINUX, "softhsm/libsofthsm2.so", "pkcs11/libsofthsm2.so"),
  ...below(MAC, "softhsm/libsofthsm2.so"),
  "C:\\SoftHSM2\\lib\\softhsm2-x64.dll",
  ...below(LINUX, "opensc-pkcs11.so", "pkcs11/opensc-pkcs11.so"),
  "/Library/OpenSC/lib/opensc-pkcs11.so",
  ...below(MAC, "opensc-pkcs11.so"),
  "C:\\Program Files\\OpenSC Project\\OpenSC\\pkcs11\\opensc-pkcs11.dll",
];

/** A token in its slot. */
export interface FoundToken {
  /** The slot. */
  readonly slot: Handle;
  /** The token's label. */
  readonly label: string;
}

/** A module that was started. */
export interface RunningModule {
  /** The module. */
  readonly module: Pkcs11Module;
  /** Ends it, and all sessions with it. */
  readonly close: () => void;
}

/**
 * The token, in the first of the modules that has one.
 *
 * @throws {TagsealError} `not-found` where no module or no token is there, `bad-input` where there are several tokens,
 * or a module cannot be used
 */
export async function findToken(
  loadAddon: () => Pkcs11Addon,
  modulePaths: readonly string[],
  tokenLabel: string | undefined,
): Promise<{ readonly running: RunningModule; readonly token: FoundToken }> {
  const there: string[] = [];
  for (const path of modulePaths) if (await pathExists(path)) there.push(path);
  if (there.length === 0) throw noModule(modulePaths);
  const addon = loadAddon();
  const others: string[] = [];
  for (const path of there) {
    const running = start(addon, path);
    try {
      const tokens = tokensOf(running.module);
      const fitting = tokens.filter(({ label }) => tokenLabel === undefined || label === tokenLabel);
      if (fitting.length > 1) throw severalTokens(fitting, tokenLabel);
      if (fitting[0]) return { running, token: fitting[0] };
      others.push(...tokens.map(({ label }) => label));
    } catch (error) {
      running.close();
      if (error instanceof TagsealError) throw error;
      throw unusable(path, error);
    }
    running.close();
  }
  throw noToken(there, others, tokenLabel);
}

function start(addon: Pkcs11Addon, path: string): RunningModule {
  const module = new addon.PKCS11();
  try {
    module.load(path);
  } catch (error) {
    throw unusable(path, error);
  }
  let ours = true;
  try {
    module.C_Initialize();
  } catch (error) {
    ours = !answered(error, "CRYPTOKI_ALREADY_INITIALIZED"); // by another user of the module in this process
    if (ours) {
      module.close();
      throw unusable(path, error);
    }
  }
  const close = () => {
    try {
      if (ours) module.C_Finalize();
    } catch { // nothing is left to be saved, and a failure before must not be hidden
    } finally {
      module.close();
    }
  };
  return { module, close };
}

function tokensOf(module: Pkcs11Module): FoundToken[] {
  return module.C_GetSlotList(true).slice(0, MAX_TOKENS).flatMap((slot) => {
    try {
      const { label, flags } = module.C_GetTokenInfo(slot);
      // The standard pads with spaces; some modules pad with NUL.
      return flags & CKF.TOKEN_INITIALIZED ? [{ slot, label: label.replace(/[ \0]+$/, "") }] : [];
    } catch { // a card that is none of ours
      return [];
    }
  });
}

const PLUG_IN = {
  remedy: "Plug the token in (for a YubiKey also: pcscd must run), or name its module",
  next: { do: "plug-in-token" },
} as const;

function noModule(paths: readonly string[]): TagsealError {
  const [only] = paths;
  return paths.length === 1
    ? new TagsealError("not-found", `There is no PKCS#11 module "${only}"`, {
      remedy: "Check the module's path",
      next: { do: "check-token-module" },
      details: { path: only! },
    })
    : new TagsealError("not-found", "No PKCS#11 module is installed where they usually are", {
      remedy: "Install the token's module (YubiKey: ykcs11), or name it",
      next: { do: "install-token-module" },
    });
}

function unusable(path: string, error: unknown): TagsealError {
  return new TagsealError("bad-input", `The PKCS#11 module "${path}" cannot be used: ${reasonOf(error)}`, {
    remedy: "Name the module that belongs to the token, built for this machine",
    next: { do: "name-built-token-module" },
    details: { path, reason: messageOf(error).split("\n")[0]! },
    cause: error,
  });
}

function noToken(modules: readonly string[], others: readonly string[], label: string | undefined): TagsealError {
  const looked = modules.map((path) => `"${path}"`).join(", ");
  if (label === undefined) {
    return new TagsealError("not-found", `No token is plugged in that ${looked} knows`, PLUG_IN);
  }
  const found = others.length > 0 ? others.map((other) => `"${other}"`).join(", ") : "none";
  return new TagsealError("not-found", `There is no token "${label}" in ${looked}; tokens there: ${found}`, {
    ...others.length > 0
      ? { remedy: "Plug it in, or name one of these", next: { do: "plug-in-or-name-token" } }
      : PLUG_IN,
    details: { token: label, found: others },
  });
}

function severalTokens(found: readonly FoundToken[], label: string | undefined): TagsealError {
  const labels = found.map((token) => token.label);
  const message = label === undefined
    ? `There are several tokens: ${labels.map((each) => `"${each}"`).join(", ")}`
    : `There are ${found.length} tokens "${label}"`;
  return new TagsealError("bad-input", message, {
    ...label === undefined
      ? { remedy: "Say which one", next: { do: "name-token" } }
      : { remedy: "Leave only one of them plugged in" },
    details: { found: labels },
  });
}
