/**
 * `deno task build-pkcs11`: fetches the native addon for PKCS#11 tokens, exactly one version of it, and builds it in a
 * folder of its own. It needs npm, Python and a C++ compiler (node-gyp), and is a program apart from `tagseal`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { isTagsealError, messageOf, TagsealError } from "../lib/errors.ts";
import { writeFileAtomically } from "../lib/files/files.ts";
import { utf8 } from "../lib/bytes/bytes.ts";
import { printable } from "../lib/bytes/printable.ts";
import { exitCodeOf } from "../lib/cli/exit_codes.ts";
import { errorLines } from "../lib/cli/report.ts";
import { loadPkcs11Addon } from "../lib/keystore/pkcs11_addon.ts";

const FOLDER = fileURLToPath(new URL("../.tagseal-pkcs11", import.meta.url));
const NAME = "pkcs11js";
const VERSION = "2.1.7";
/** Of the package that was looked at; npm refuses any other one. */
const INTEGRITY = "sha512-hstUuhkFoISF8BmTVRtaZzbF09WjE39K3gzZzUrI8WtRu4cYl4gakkd06I4Kq36kR/mkwVw2T2y3kHXk6JvuHQ==";

/**
 * Variables that npm, node-gyp and the compiler get, `*` standing for any end: no others, as packages' scripts see them
 * all. Names of Windows are those without which no program runs there.
 */
export const NPM_VARIABLES: readonly string[] = [
  ...["PATH", "HOME", "TMPDIR", "LANG", "npm_config_*", "NPM_CONFIG_*"],
  ...["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"],
  ...["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "PYTHON", "CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS"],
  ...["Path", "PATHEXT", "SystemRoot", "ComSpec", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA"],
  ...["ProgramData", "ProgramFiles", "ProgramFiles(x86)"],
];

function npmVariables(): Record<string, string> {
  const isPassed = (name: string) =>
    NPM_VARIABLES.some((known) => known.endsWith("*") ? name.startsWith(known.slice(0, -1)) : name === known);
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => isPassed(name)));
}

async function build(folder: string): Promise<void> {
  const root = { private: true, dependencies: { [NAME]: VERSION }, allowScripts: { [NAME]: true } };
  const locked = { version: VERSION, integrity: INTEGRITY, hasInstallScript: true };
  const packages = { "": { dependencies: root.dependencies }, [`node_modules/${NAME}`]: locked };
  const write = (name: string, content: unknown) =>
    writeFileAtomically(`${folder}/${name}`, utf8(`${JSON.stringify(content, undefined, 2)}\n`), {
      replace: true,
      ownCode: true,
    });
  await write("package.json", root);
  await write("package-lock.json", { lockfileVersion: 3, requires: true, packages });
  const args = ["ci", "--prefix", folder, "--no-audit", "--no-fund"];
  const { success } = await npm(args);
  if (!success) {
    throw new TagsealError("unavailable", "npm could not build the PKCS#11 addon; it says why above", {
      remedy: "Install what it misses: access to the npm registry, Python 3, a C++ compiler and make (Debian: " +
        "apt-get install build-essential python3), and Node's headers, which come from nodejs.org, or from where they " +
        "are installed: npm_config_nodedir=/usr (Debian: apt-get install libnode-dev); then run it again",
    });
  }
  loadPkcs11Addon(folder);
}

async function npm(args: readonly string[]): Promise<Deno.CommandStatus> {
  try {
    const streams = { stdin: "null", stdout: "inherit", stderr: "inherit" } as const;
    return await new Deno.Command("npm", { args: [...args], env: npmVariables(), clearEnv: true, ...streams })
      .spawn().status;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new TagsealError("not-found", "npm is not installed", {
      remedy: "Install Node.js with npm (Debian: apt-get install npm), then run it again",
      details: { reason: messageOf(error) },
    });
  }
}

if (import.meta.main) {
  const say = (line: string) => Deno.stderr.writeSync(utf8(`${line}\n`));
  try {
    await build(FOLDER);
    say(`The PKCS#11 addon ${NAME} ${VERSION} is in "${FOLDER}". Tokens can be used now.`);
  } catch (error) {
    errorLines(error, !isTagsealError(error)).map(printable).forEach(say);
    Deno.exit(exitCodeOf(error));
  }
}
