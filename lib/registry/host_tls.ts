/**
 * What Docker knows of TLS with one host: CAs and a client certificate in a folder named after `host[:port]`, under
 * `~/.docker/tls` (Notary servers) and `/etc/docker/certs.d` (registries).
 *
 * `*.crt` are CAs, `name.cert` with `name.key` is a client certificate. They are for that host and port alone.
 *
 * @see {@link https://docs.docker.com/engine/security/certificates/ | Verify repository client with certificates}
 * @module
 */
import { fileText } from "../bytes/bytes.ts";
import { isTagsealError, messageOf, TagsealError } from "../errors.ts";
import { isDenied, isFile, readFileBounded } from "../files/files.ts";
import { filePath } from "../files/names.ts";
import type { HostTls } from "../http/network.ts";

const MAX_FILES = 100;
const MAX_FILE_BYTES = 2 ** 20;

/**
 * Reads `host`'s folders; `undefined` where none says anything. What the user may not read is left out with a warning:
 * Docker's engine runs as root, and a client key that is root's need not be wanted here.
 *
 * @throws {TagsealError} `bad-input` where a certificate is without its key or the other way round, there are several
 *   client certificates, or a file holds something else
 */
export async function readHostTls(
  folders: readonly string[],
  host: string,
  warn: (line: string) => void,
  os?: string,
): Promise<HostTls | undefined> {
  if (host.startsWith(".")) return undefined; // no name of a host, but one of another folder
  // The default port goes without saying in an address; in a folder's name it may be said.
  const names = (/:\d+$/.test(host) ? [host] : [host, `${host}:443`]).flatMap((name) => folderNames(name, os));
  const caCerts: string[] = [];
  let client: HostTls["client"];
  const files: string[] = [];
  const caFiles: string[] = [];
  for (const folder of folders.flatMap((base) => names.map((name) => `${base}/${name}`))) {
    const listed = list(folder, warn);
    const paths = (ending: string) => listed.filter((name) => name.endsWith(ending)).map((name) => `${folder}/${name}`);
    for (const path of paths(".crt")) {
      const pem = await readPem(path, "CERTIFICATE", warn);
      if (pem === undefined) continue;
      caCerts.push(pem);
      caFiles.push(path);
    }
    const [first, ...others] = pairsOf(paths(".cert"), paths(".key"));
    if (!first) continue;
    if (others.length > 0) throw severalPairs(folder, [first, ...others].map(({ cert }) => cert));
    const [cert, key] = [await readPem(first.cert, "CERTIFICATE", warn), await readPem(first.key, "PRIVATE KEY", warn)];
    if (client || cert === undefined || key === undefined) continue; // the first folder goes before the others
    client = { cert, key };
    files.push(first.cert, first.key);
  }
  return caCerts.length > 0 || client ? { caCerts, caFiles, client, files } : undefined;
}

/** Windows takes no colon. Docker's engine leaves it out there; written as `%3A` the name is nobody else's. */
function folderNames(host: string, os: string | undefined): string[] {
  return [...new Set([filePath(host, os), filePath(host, os) === host ? host : host.replaceAll(":", "")])];
}

/** The names in a folder, sorted; none where there is no such folder, or the task's permissions leave it out. */
function list(folder: string, warn: (line: string) => void): string[] {
  const names: string[] = [];
  try {
    for (const { name } of Deno.readDirSync(folder)) {
      if (names.push(name) > MAX_FILES) throw new Error(`there are more than ${MAX_FILES} files in it`);
    }
  } catch (error) {
    const { NotFound, NotADirectory, NotCapable, PermissionDenied } = Deno.errors;
    if (isFile(folder)) {
      return warn(`"${folder}" is a file, so that it is not used; a folder with the host's certificates is needed`), [];
    }
    if ([NotFound, NotADirectory, NotCapable].some((kind) => error instanceof kind)) return [];
    if (error instanceof PermissionDenied) return warn(notReadable(folder)), [];
    throw new TagsealError("bad-input", `The folder "${folder}" cannot be read: ${messageOf(error)}`, {
      remedy: "Leave only the host's CAs and its client certificate in it",
      details: { folder },
    });
  }
  return names.sort();
}

function pairsOf(certs: readonly string[], keys: readonly string[]): { cert: string; key: string }[] {
  for (const key of keys) {
    const cert = key.replace(/key$/, "cert");
    if (!certs.includes(cert)) throw half(key, cert);
  }
  return certs.map((cert) => {
    const key = cert.replace(/cert$/, "key");
    if (!keys.includes(key)) throw half(cert, key);
    return { cert, key };
  });
}

async function readPem(path: string, label: string, warn: (line: string) => void): Promise<string | undefined> {
  let pem: string | undefined;
  try {
    pem = fileText(await readFileBounded(path, MAX_FILE_BYTES) ?? new Uint8Array());
  } catch (error) {
    if (isDenied(error)) return void warn(notReadable(path));
    if (isTagsealError(error)) throw error;
  }
  if (pem !== undefined && new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(pem)) return pem;
  const what = label === "CERTIFICATE" ? "certificate" : "private key";
  throw new TagsealError("bad-input", `"${path}" holds no ${what} in PEM`, {
    remedy: `Put the ${what} there as PEM (-----BEGIN ${label}-----), or take the file away`,
    details: { path },
  });
}

function notReadable(path: string): string {
  return `"${path}" may not be read by this user, so that it is not used`;
}

function half(present: string, missing: string): TagsealError {
  return new TagsealError("bad-input", `There is "${present}", but no "${missing}"`, {
    remedy: "Put the missing half of the client certificate there; a CA's certificate is named *.crt",
    details: { present, missing },
  });
}

function severalPairs(folder: string, certs: readonly string[]): TagsealError {
  const names = certs.map((path) => `"${path}"`).join(", ");
  return new TagsealError("bad-input", `There is more than one client certificate for one host: ${names}`, {
    remedy: `Leave the one that the server wants in "${folder}"`,
    details: { folder, files: certs },
  });
}
