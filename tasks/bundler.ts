/**
 * The bundler that `deno bundle` runs: esbuild, which Deno fetches from npm with the hash that npm itself states. What
 * it writes is what is shipped, so that it is known by its own hash here before it runs.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { messageOf, TagsealError } from "../lib/errors.ts";
import { readFileBounded } from "../lib/files/files.ts";

/** Deno 2.9.6 runs this version, from a folder of this name in its cache. Another Deno may run another one. */
const DENO_VERSION = "2.9.6";
const VERSION = "0.25.5";
const FOLDER = "esbuild-0.25.5-1";

/** SHA-256 of the program in the npm package `@esbuild/<platform>`. */
const SHA256: Readonly<Record<string, string>> = {
  "linux-x64": "3331e0b23c99d93d9a39e436a4838de40ca1c95ac3bcbd9874ba169d8545b634",
  "linux-arm64": "d6d656d9326ce1c55c01f73604a3cffda35c63cce60016e9ed795ac91cd1e67d",
  "darwin-x64": "e7b2a105f88836f1e080a76180e5cd8e59d1c22f6575d63f5a77a104954c427e",
  "darwin-arm64": "58d144357454bca840167171380785b133b1e5e682d0c51afa8c80158bfd3f8a",
  "win32-x64": "889543031385fb79a28b09a5611a3a03f913beb5a608c7de29390c13f1030994",
  "win32-arm64": "34dd62536675871311e6e0d2bf9917f5671f3ecee695205dc4eaf649947348e7",
};
const MAX_BYTES = 64 * 2 ** 20;

/** Runs Deno and returns its stdout. @throws {TagsealError} `unavailable` where it fails; its stderr is shown as it is */
export function deno(...args: string[]): Promise<string> {
  return run(Deno.execPath(), args);
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const options: Deno.CommandOptions = { args: [...args], stdin: "null", stdout: "piped", stderr: "inherit" };
  const { success, stdout } = await new Deno.Command(program, options).output();
  if (success) return new TextDecoder().decode(stdout);
  const name = program.replace(/^.*[/\\]/, "");
  throw new TagsealError("unavailable", `${name} ${args[0]} failed; it says why above`, {
    remedy: "Mend what it names; packages and the bundler come from the npm registry at the first time",
  });
}

/**
 * Runs `deno bundle <args>` with the bundler that is known, and no other one.
 *
 * @throws {TagsealError} `trust-invalid` where another one is there or came; `bad-input` where none is known
 */
export async function bundle(...args: string[]): Promise<void> {
  const { platform, used, npmCache, expected } = await bundlerHere();
  // Where it was not used yet, Deno copies it from its npm cache, whichever registry that is from.
  const fetched = () => packagesIn(npmCache, platform);
  if (!await isKnown(used, expected) && fetched().length === 0) {
    await deno("cache", "-q", "--no-config", "--no-lock", `npm:@esbuild/${platform}@${VERSION}`);
  }
  for (const path of fetched()) await isKnown(path, expected);
  await deno("bundle", ...args);
  if (!await isKnown(used, expected)) {
    throw new TagsealError("trust-invalid", `The bundler that was run is not "${used}"`, {
      remedy: "Do not use what it wrote: look at what Deno runs as its bundler",
    });
  }
}

/**
 * Writes the modules that {@linkcode bundle} has written as CommonJS into a folder, which Deno's own command cannot. They
 * are no entry points, and find their address in the variable `address`.
 *
 * @throws {TagsealError} `trust-invalid` where the bundler is not the known one; `unavailable` where it fails
 */
export async function toCommonJs(files: readonly string[], address: string, folder: string): Promise<void> {
  const { used, expected } = await bundlerHere();
  if (!await isKnown(used, expected)) throw new Error("it is there once it has bundled");
  await run(used, [
    ...["--format=cjs", "--minify", "--supported:dynamic-import=false", "--log-level=warning"],
    ...["--define:import.meta.main=false", `--define:import.meta.url=${address}`],
    ...["--log-override:empty-import-meta=error", `--outdir=${folder}`, ...files],
  ]);
}

/** The bundler that is used here, and its SHA-256 in hex. */
export async function bundlerDigest(): Promise<{ readonly name: string; readonly sha256: string }> {
  const { platform, expected } = await bundlerHere();
  return { name: `@esbuild/${platform}@${VERSION}`, sha256: expected };
}

interface BundlerHere {
  readonly platform: string;
  readonly used: string;
  readonly npmCache: string;
  readonly expected: string;
}

/** Which bundler Deno runs here, and its hash. @throws {TagsealError} `bad-input` where none is known */
async function bundlerHere(): Promise<BundlerHere> {
  const platform = `${{ windows: "win32" }[Deno.build.os as string] ?? Deno.build.os}-${
    { x86_64: "x64", aarch64: "arm64" }[Deno.build.arch]
  }`;
  const expected = SHA256[platform];
  if (Deno.version.deno !== DENO_VERSION || !expected) {
    const here = `Deno ${Deno.version.deno} on ${platform}`;
    throw new TagsealError("bad-input", `The bundler of ${here} is not known`, {
      remedy: `Run this with Deno ${DENO_VERSION}, as npx -y deno@${DENO_VERSION} task bundle does`,
    });
  }
  const { denoDir, npmCache }: { denoDir: string; npmCache: string } = JSON.parse(await deno("info", "--json"));
  const used = `${denoDir}/dl/${FOLDER}/esbuild-${platform}${platform.startsWith("win32") ? ".exe" : ""}`;
  return { platform, used, npmCache, expected };
}

/** The program of the package, in the cache of each registry. */
function packagesIn(npmCache: string, platform: string): string[] {
  const name = platform.startsWith("win32") ? "esbuild.exe" : "bin/esbuild";
  const registries = entriesOf(npmCache);
  return registries.map((registry) => `${npmCache}/${registry}/@esbuild/${platform}/${VERSION}`)
    .filter((folder) => entriesOf(folder).length > 0).map((folder) => `${folder}/${name}`);
}

function entriesOf(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new TagsealError("bad-input", `Deno's cache "${folder}" cannot be read: ${messageOf(error)}`, {
      remedy: "Check its permissions",
    });
  }
}

/** Whether the bundler is there; whatever else is there is not run. @throws {TagsealError} `trust-invalid` */
async function isKnown(path: string, expected: string): Promise<boolean> {
  const bytes = await readFileBounded(path, MAX_BYTES);
  if (!bytes) return false;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 === expected) return true;
  throw new TagsealError("trust-invalid", `"${path}" is not the bundler that tasks/bundler.ts knows`, {
    remedy: "Find out who put it there. To have it fetched again, remove it",
    details: { sha256, expected },
  });
}
