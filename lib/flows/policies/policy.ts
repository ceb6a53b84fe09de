/** What the files for one verifier are made from, and what comes of it. @module */
import { type Bytes, equalBytes, utf8 } from "../../bytes/bytes.ts";
import { formatPem } from "../../bytes/pem.ts";
import type { Certificate } from "../../crypto/x509.ts";
import { TagsealError } from "../../errors.ts";
import type { ImageName } from "../../registry/image_ref.ts";

/** Whose signatures are to be accepted, for which repositories. */
export interface PolicyInput {
  /** The repositories, each once. */
  readonly repositories: readonly [ImageName, ...ImageName[]];
  /** The signer's name, as statements, trust stores and resources get it: `signpath`. */
  readonly signer: string;
  /** The certificate of the key that signs. */
  readonly certificate: Certificate;
  /** What certificates are trusted by: the certificate itself, or the CA above it. */
  readonly anchor: Certificate;
  /** Absolute path of the folder that the files are for. */
  readonly folder: string;
  /** Where `cosign.pub` lies on the machines that verify. */
  readonly keyPath: string;
}

/** A file, by its path below the folder; its parts are separated by `/`. */
export interface PolicyFile {
  /** `registries.d/tagseal.yaml`. */
  readonly path: string;
  /** All of it. */
  readonly content: Bytes;
}

/** What one verifier needs. */
export interface VerifierPolicy {
  /** In the order in which they may be written: nothing names a file that is not there yet. */
  readonly files: readonly PolicyFile[];
  /** Commands, as words, that try the policy on the first repository; `TAG` stands for a tag. */
  readonly commands: readonly (readonly string[])[];
  /** What whoever uses it must know. */
  readonly notes: readonly string[];
}

/** An entry of a folder. */
export interface FolderEntry {
  /** Its name. */
  readonly name: string;
  /** Whether it is a regular file. */
  readonly isFile: boolean;
}

/** What is in the folder already. */
export interface PolicyFolder {
  /** A file's bytes; nothing where there is no such file. @throws {TagsealError} `bad-input` */
  read(path: string): Promise<Bytes | undefined>;
  /** What is in a folder below. @throws {TagsealError} `bad-input` */
  list(path: string): Promise<readonly FolderEntry[]>;
}

/** The name that the key's file has. */
export const KEY_FILE = "cosign.pub";

/** The key as verifiers of cosign signatures read it: PEM of the SubjectPublicKeyInfo. */
export function keyPem({ certificate }: Pick<PolicyInput, "certificate">): string {
  return formatPem("PUBLIC KEY", certificate.spki);
}

/**
 * A file that holds just this, or is not there yet.
 *
 * @throws {TagsealError} `exists` where it holds anything else
 */
export async function onlyFile(folder: PolicyFolder, path: string, text: string, what: string): Promise<PolicyFile> {
  const content = utf8(text);
  const present = await folder.read(path);
  if (!present || equalBytes(present, content)) return { path, content };
  throw new TagsealError("exists", `"${path}" holds another ${what} already`, {
    remedy: "Choose another folder for this one, or move that file away where nothing that it signed is to be accepted",
    details: { path },
  });
}

/** What a verifier cannot express. */
export function notForVerifier(verifier: string, gun: string, why: string): TagsealError {
  return new TagsealError("bad-input", `${verifier} has no policy for "${gun}": ${why}`, {
    remedy: "Leave that repository or that verifier out",
    details: { repository: gun },
  });
}
