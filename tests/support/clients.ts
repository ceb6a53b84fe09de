/**
 * The reference clients, run against a set of {@linkcode Peers}, each with an environment of its own: no variable and
 * no file of the user who runs the tests reaches them.
 *
 * @module
 */
import { utf8 } from "../../lib/bytes/bytes.ts";
import { addJson, type Blobs, type Descriptor, HERE, imageManifest } from "./images.ts";
import { verifier } from "./peer_case.ts";
import type { Peers } from "./peers.ts";

/** What a program left behind. */
export interface Result {
  /** Its exit code. */
  readonly code: number;
  /** All it wrote to standard output. */
  readonly stdout: string;
  /** All it wrote to standard error. */
  readonly stderr: string;
}

/** Variables for one run. */
export type Env = Readonly<Record<string, string>>;

/** What a tag points to: the facts a Notary target holds. */
export interface PushedManifest {
  /** `sha256:<hex>` of the manifest, or of the index of a multi-platform image. */
  readonly digest: string;
  /** Its size in bytes. */
  readonly length: number;
}

/** Passphrases for all keys, in the words of the notary client; spread them into a run's variables. */
export const NOTARY_PASSPHRASES: Env = {
  NOTARY_ROOT_PASSPHRASE: "root-passphrase",
  NOTARY_TARGETS_PASSPHRASE: "targets-passphrase",
  NOTARY_SNAPSHOT_PASSPHRASE: "snapshot-passphrase",
  NOTARY_DELEGATION_PASSPHRASE: "delegation-passphrase",
};

/** The same passphrases, in the words of the docker CLI, whose repository passphrase is for targets and delegations. */
export const DOCKER_PASSPHRASES: Env = {
  DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: "root-passphrase",
  DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: "targets-passphrase",
};

/** As much of the peers as the notary client needs. */
export type NotaryAccess = Pick<Peers, "notaryUrl" | "caPath" | "auth" | "username" | "password">;

/** Runs `notary` with its trust directory at `home/trust`; `input` is what it reads where it asks. */
export function notary(
  peers: NotaryAccess,
  home: string,
  args: readonly string[],
  env: Env = {},
  input?: string,
): Promise<Result> {
  const auth = peers.auth ? { NOTARY_AUTH: credentials(peers) } : {};
  const flags = ["-d", `${home}/trust`, "-s", peers.notaryUrl, "--tlscacert", peers.caPath];
  return run("notary", [...flags, ...args], { HOME: home, ...auth, ...env }, input);
}

/** Runs `docker` with its configuration at `home/docker` (trust directory: `home/docker/trust`). */
export async function docker(peers: Peers, home: string, args: readonly string[], env: Env = {}): Promise<Result> {
  const config = `${home}/docker`;
  const ca = `${config}/tls/${new URL(peers.notaryUrl).host}`;
  await Deno.mkdir(ca, { recursive: true });
  await Deno.writeTextFile(`${ca}/ca.crt`, peers.caPem);
  const auths = peers.auth ? { [peers.registryHost]: { auth: credentials(peers) } } : {};
  await Deno.writeTextFile(`${config}/config.json`, JSON.stringify({ auths }));
  return await run("docker", args, {
    HOME: home,
    DOCKER_CONFIG: config,
    DOCKER_CONTENT_TRUST_SERVER: peers.notaryUrl,
    ...(peers.dockerHost ? { DOCKER_HOST: peers.dockerHost } : {}),
    ...env,
  });
}

/** Runs a `skopeo` command about images in the peers' registry. */
export function skopeo(peers: Peers, args: readonly string[]): Promise<Result> {
  const [command = "", ...rest] = args;
  const sides = command === "copy" ? ["src-", "dest-"] : [""];
  const certs = peers.caPath.replace(/\/[^/]*$/, "");
  const flags = sides.flatMap((side) => [
    `--${side}cert-dir=${certs}`,
    ...(peers.auth ? [`--${side}creds=${peers.username}:${peers.password}`] : []),
  ]);
  // The policy says whose simple signatures are wanted; there are none here.
  return run("skopeo", ["--insecure-policy", command, ...flags, ...rest], { HOME: peers.dir });
}

/** Runs an `oras` command about `repositoryPath` with `reference` (`:tag`, `@digest`) in the peers' registry. */
export function oras(
  peers: Peers,
  [command = "", ...rest]: readonly string[],
  repositoryPath: string,
  reference: string,
  ...more: readonly string[]
): Promise<Result> {
  const access = [
    "--plain-http=false",
    "--ca-file",
    peers.caPath,
    ...(peers.auth ? ["-u", peers.username, "-p", peers.password] : []),
  ];
  const image = `${peers.registryHost}/${repositoryPath}${reference}`;
  return run(verifier("oras"), [command, ...access, ...rest, image, ...more], { HOME: peers.dir });
}

/** Pushes an image of one layer that holds the file `/content`, as `registryHost/repositoryPath:tag`. */
export function pushImage(peers: Peers, repositoryPath: string, tag: string, content: string): Promise<PushedManifest> {
  return push(peers, repositoryPath, tag, (blobs) => imageManifest(blobs, content, HERE));
}

/** Pushes an index of two images, for linux/amd64 and linux/arm64. */
export function pushIndex(peers: Peers, repositoryPath: string, tag: string, content: string): Promise<PushedManifest> {
  return push(peers, repositoryPath, tag, (blobs) => {
    const manifests = ["amd64", "arm64"].map((architecture) => {
      const platform = { os: "linux", architecture };
      return { ...imageManifest(blobs, `${content} on ${architecture}`, platform), platform };
    });
    return addJson(blobs, "application/vnd.oci.image.index.v1+json", { manifests });
  });
}

async function push(
  peers: Peers,
  repositoryPath: string,
  tag: string,
  build: (blobs: Blobs) => Descriptor,
): Promise<PushedManifest> {
  const blobs: Blobs = new Map();
  const top = build(blobs);
  const layout = await Deno.makeTempDir({ dir: peers.dir, prefix: "layout-" });
  await Deno.mkdir(`${layout}/blobs/sha256`, { recursive: true });
  for (const [digest, bytes] of blobs) await Deno.writeFile(`${layout}/blobs/${digest.replace(":", "/")}`, bytes);
  await Deno.writeTextFile(`${layout}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  await Deno.writeTextFile(`${layout}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [top] }));
  const destination = `docker://${peers.registryHost}/${repositoryPath}:${tag}`;
  const { code, stderr } = await skopeo(peers, ["copy", "--all", "--preserve-digests", `oci:${layout}`, destination]);
  await Deno.remove(layout, { recursive: true });
  if (code !== 0) throw new Error(`skopeo cannot push ${destination}: ${stderr}`);
  return { digest: top.digest, length: top.size };
}

/** User and password as `base64(user:password)`. */
export function credentials(peers: NotaryAccess): string {
  return utf8(`${peers.username}:${peers.password}`).toBase64();
}

async function run(program: string, args: readonly string[], env: Env, input?: string): Promise<Result> {
  const path = Deno.env.get("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin";
  const child = new Deno.Command(program, {
    args: [...args],
    clearEnv: true,
    env: { PATH: path, ...env },
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) await ReadableStream.from([utf8(input)]).pipeTo(child.stdin);
  const { code, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  return { code, stdout: out, stderr: err };
}
