/** Names of the field as names of files. @module */

/** What Windows takes in no name, or not at its end; `%` as well, so that no two names become one. */
const NOT_ON_WINDOWS = /[<>:"|?*%]|[. ]$/g;
/** Devices, whatever comes after a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)/i;

/**
 * A path below a folder of ours, its parts being hosts, repositories and roles, as the system takes it. It is the path
 * itself, as Docker and notary have it, but on Windows: `host:5000` is `host%3A5000` there, and a device's name such as
 * `aux` is `%61ux`. Docker and notary fail for both.
 *
 * @see {@link https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file | Naming Files, Paths, and Namespaces}
 */
export function filePath(path: string, os: string = Deno.build.os): string {
  if (os !== "windows") return path;
  return path.split("/").map((part) =>
    part.replaceAll(NOT_ON_WINDOWS, encoded).replace(DEVICE, (name) => encoded(name[0]!) + name.slice(1))
  ).join("/");
}

function encoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** The path that {@linkcode filePath} made a path of files from. */
export function pathOfFile(path: string, os: string = Deno.build.os): string {
  if (os !== "windows") return path;
  return path.replaceAll(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** Whether a path says by itself where it leads; on Windows with its drive, or with the server that shares it. */
export function isAbsolute(path: string, os: string = Deno.build.os): boolean {
  return (os === "windows" ? /^(?:[/\\]|[A-Za-z]:)/ : /^\//).test(path);
}

/** Where an absolute path begins: `/`, `C:\`, or the folder that a server shares. */
const ROOT = { windows: /^(?:[A-Za-z]:[/\\]?|[/\\]{2}[^/\\]+[/\\]+[^/\\]+[/\\]?|[/\\])/, other: /^\// };

/**
 * The folder that an absolute path lies in; `undefined` for the root of a file system. As the platform's `dirname` has it,
 * but that loading this takes no time.
 */
export function folderOf(path: string, os: string = Deno.build.os): string | undefined {
  const isWindows = os === "windows";
  const root = ROOT[isWindows ? "windows" : "other"].exec(path)?.[0] ?? "";
  const rest = path.slice(root.length).replace(isWindows ? /[/\\]+$/ : /\/+$/, "");
  if (rest === "") return undefined;
  return root + rest.replace(isWindows ? /[/\\]*[^/\\]*$/ : /\/*[^/]*$/, "");
}

/** An entry of a folder. */
export function entryOf(folder: string, name: string, os: string = Deno.build.os): string {
  const separator = os === "windows" ? "\\" : "/";
  return `${folder.replace(os === "windows" ? /[/\\]+$/ : /\/+$/, "")}${separator}${name}`;
}

/** The path in a `file:` address, as the platform's `fileURLToPath` tells it, but that loading this takes no time. */
export function pathOfUrl(address: string, os: string = Deno.build.os): string {
  const { hostname, pathname } = new URL(address);
  const path = decodeURIComponent(pathname);
  if (os !== "windows") return path;
  return hostname === "" ? path.slice(1).replaceAll("/", "\\") : `\\\\${hostname}${path.replaceAll("/", "\\")}`;
}
