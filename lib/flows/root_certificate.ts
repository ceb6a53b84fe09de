/** The root certificate of a repository that is signed already. @module */
import type { KeyId } from "../crypto/keys.ts";
import type { Certificate } from "../crypto/x509.ts";
import { usableRootKeys } from "../tuf/root_keys.ts";
import { openRepository, type Trust } from "../notary/repository.ts";

/** The public part of a repository's root and targets keys. */
export interface RootCertificateResult {
  /** The certificate of the root key that counts for this repository (the first, where there are several). */
  readonly rootCertificate: Certificate;
  /** Canonical id of that key. */
  readonly rootKeyId: KeyId;
  /** Canonical id of the targets key (the first, where there are several). */
  readonly targetsKeyId: KeyId;
}

/** Reads it from the server's verified root. Throws what reading throws. */
export async function readRootCertificate(trust: Trust, gun: string): Promise<RootCertificateResult> {
  const { repository: { root, at } } = await openRepository(trust, gun);
  const [key] = (await usableRootKeys(root, gun, at)).keys.values();
  const [targets] = root.roles.targets.keys.values();
  return {
    rootCertificate: key!.certificate!,
    rootKeyId: key!.canonicalId,
    targetsKeyId: targets!.canonicalId,
  };
}
