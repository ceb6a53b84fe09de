/**
 * The owner of a repository, who runs it with the notary client alone: what tagseal has to read as that client does.
 *
 * @module
 */
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { type Env, notary, NOTARY_PASSPHRASES, type NotaryAccess } from "./clients.ts";

/** A row of `notary list`. */
export interface ListedTag {
  /** The tag. */
  readonly tag: string;
  /** The manifest's digest, lower-case hex. */
  readonly sha256: string;
  /** The manifest's size in bytes. */
  readonly length: number;
  /** The role whose entry it is. */
  readonly role: string;
}

/** A key pair as files: the certificate and the private key, both PEM. */
export interface KeyFiles {
  /** Path of the certificate. */
  readonly certificate: string;
  /** Path of the private key. */
  readonly key: string;
}

/** Makes a key pair with a certificate of its own, as files in `folder`. */
export async function newKey(folder: string, commonName: string): Promise<KeyFiles> {
  const options = { commonName, algorithm: "ecdsa-p256", now: new Date(), days: 30 } as const;
  const { certificatePem, privateKey } = await createSigningCertificate(options);
  const files = { certificate: `${folder}/${commonName}.crt`, key: `${folder}/${commonName}.key` };
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(files.certificate, certificatePem);
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await Deno.writeTextFile(files.key, pem, { mode: 0o600 }); // docker refuses what others may read
  return files;
}

/** Somebody with the keys of a repository. */
export class NotaryOwner {
  /** `home/trust` is their trust directory. */
  constructor(
    readonly server: NotaryAccess,
    readonly home: string,
    readonly gun: string,
    readonly passphrases: Env = NOTARY_PASSPHRASES,
  ) {}

  /** Runs the client; what it says on stdout. */
  async run(args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await notary(this.server, this.home, args, this.passphrases, input);
    if (code === 0) return stdout;
    throw new Error(`notary ${args.join(" ")} failed: ${stderr}${stdout}`);
  }

  /** Publishes the repository as root version 1; the owner signs all roles but timestamp. */
  async init(): Promise<void> {
    await Deno.mkdir(this.home, { recursive: true });
    await this.run(["init", this.gun, "-p"]);
  }

  /** Gives a delegation a key, which the owner holds as well; all paths unless some are named. */
  async delegate(role: string, { certificate, key }: KeyFiles, paths: readonly string[] = []): Promise<void> {
    const scope = paths.length > 0 ? ["--paths", paths.join(",")] : ["--all-paths"];
    await this.run(["delegation", "add", this.gun, role, certificate, ...scope, "-p"]);
    await this.run(["key", "import", key, "--role", role]);
  }

  /** Takes a delegation away with all its keys. */
  async removeDelegation(role: string): Promise<void> {
    await this.run(["delegation", "remove", this.gun, role, "-y", "-p"]);
  }

  /** Signs a tag in each of `roles`. */
  async sign(
    { tag, sha256, length }: Omit<ListedTag, "role">,
    roles: readonly string[],
    custom?: string,
  ): Promise<void> {
    const more = custom === undefined ? [] : ["--custom", custom];
    const target = [this.gun, tag, `${length}`, "--sha256", sha256];
    await this.run(["addhash", ...target, ...more, "-r", roles.join(","), "-p"]);
  }

  /** Makes a new key for a role (`-r`: at the server); the client asks whether root is meant. */
  async rotate(role: string, ...more: string[]): Promise<void> {
    await this.run(["key", "rotate", this.gun, role, ...more], "yes\n");
  }
}

/** What `notary list` prints, as data; `roles` as in `-r`. */
export async function notaryList(
  server: NotaryAccess,
  home: string,
  gun: string,
  roles: readonly string[] = [],
): Promise<ListedTag[]> {
  const { code, stdout, stderr } = await notary(server, home, ["list", gun, ...roles.flatMap((role) => ["-r", role])]);
  if (code !== 0) throw new Error(`notary list failed: ${stderr}${stdout}`);
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/)).filter((row) => row.length === 4);
  return rows.filter(([tag, digest]) => tag !== "----" && /^[0-9a-f]{64}$/.test(digest!))
    .map(([tag, sha256, length, role]) => ({ tag: tag!, sha256: sha256!, length: Number(length), role: role! }));
}
