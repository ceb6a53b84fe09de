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
import { exitCodeOf } from "../lib/cli/exit_codes.ts";
import { errorLines } from "../lib/cli/report.ts";
import { loadPkcs11Addon } from "../lib/keystore/pkcs11_addon.ts";

const FOLDER = fileURLToPath(new URL("../.tagseal-pkcs11", import.meta.url));
const NAME = "pkcs11js";
const VERSION = "2.1.7";
/** Of the package that was looked at; npm refuses any other one. */
const INTEGRITY = "sha512-hstUuhkFoISF8BmTVRtaZzbF09WjE39K3gzZzUrI8WtRu4cYl4gakkd06I4Kq36kR/mkwVw2T2y3kHXk6JvuHQ==";

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
        "apt-get install build-essential python3), then run it again",
    });
  }
  loadPkcs11Addon(folder);
}

async function npm(args: readonly string[]): Promise<Deno.CommandStatus> {
  try {
    return await new Deno.Command("npm", { args: [...args], stdin: "null", stdout: "inherit", stderr: "inherit" })
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
    errorLines(error, !isTagsealError(error)).forEach(say);
    Deno.exit(exitCodeOf(error));
  }
}
