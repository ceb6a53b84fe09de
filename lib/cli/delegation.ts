/** The delegation that flags name: from a certificate file, or from SignPath itself. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { sentence } from "../bytes/printable.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { readDelegationCertificate, STANDARD_DELEGATION } from "../flows/delegation_certificate.ts";
import type { connectionFlags, delegationFlags, delegationSourceFlags } from "./common_flags.ts";
import type { Session } from "./session.ts";
import type { Values } from "./flags.ts";
import type { Host } from "./host.ts";

const MAX_CERTIFICATE_BYTES = 2 ** 20;

/** A delegation to be. */
export interface NamedDelegation {
  /** `signpath` for `targets/signpath`. */
  readonly name: string;
  /** Its key. */
  readonly key: PublicKey;
}

/** The delegation of `--delegation-certificate`, which is shown before anything is done with it. */
export async function readDelegation(
  values: Values<typeof delegationFlags>,
  host: Host,
): Promise<NamedDelegation | undefined> {
  const path = values.delegationCertificate;
  if (path === undefined) return undefined;
  return shown(await host.readFile(path, MAX_CERTIFICATE_BYTES), path, values.delegation, host);
}

/** A key id, or how one begins. */
const KEY_ID = /^[0-9a-f]{7,64}$/i;

/** The canonical id, or how it begins, of the key that `--delegation-certificate` names by itself or its certificate. */
export async function namedKey(values: Values<typeof delegationFlags>, host: Host): Promise<string | undefined> {
  const given = values.delegationCertificate;
  try {
    return (await readDelegation(values, host))?.key.canonicalId;
  } catch (error) {
    if (given !== undefined && KEY_ID.test(given) && isTagsealError(error, "not-found")) return given.toLowerCase();
    throw error;
  }
}

/** {@linkcode readDelegation}, or what `--delegation-from-signpath` gets from the service. */
export async function openDelegation(
  values: Values<typeof delegationFlags & typeof delegationSourceFlags & typeof connectionFlags>,
  session: Session,
  host: Host,
): Promise<NamedDelegation | undefined> {
  if (!values.delegationFromSignpath) return await readDelegation(values, host);
  const { organizationId, projectSlug, signingPolicySlug } = values;
  if (values.delegationCertificate !== undefined || !organizationId || !projectSlug || !signingPolicySlug) {
    throw new TagsealError("usage", "--delegation-from-signpath wants to know the signing policy, and no file", {
      remedy: "Give --organization-id, --project-slug and --signing-policy-slug (or their variables), without " +
        "--delegation-certificate",
    });
  }
  const client = await session.signPath();
  const der = await client.certificate(projectSlug, signingPolicySlug, { signal: host.signal });
  return shown(der, `signing policy ${signingPolicySlug}`, values.delegation, host);
}

function shown(file: Bytes, source: string, name: string | undefined, host: Host): NamedDelegation {
  const { certificate, key, warnings } = readDelegationCertificate(file, source, host.now());
  const until = certificate.notAfter.toISOString().slice(0, 10);
  host.info(`Delegation certificate: ${sentence(certificate.subject)}, valid until ${until}, key ${key.canonicalId}`);
  for (const warning of warnings) host.warn(warning);
  return { name: name ?? STANDARD_DELEGATION, key };
}
