/** What `doctor` is given. @module */
import { connectionFlags, notaryFlags, registryFlags, signerFlags } from "./common_flags.ts";
import { signPathFlags, submissionFlags } from "./common_flags.ts";
import type { Values } from "./flags.ts";
import { repositoriesFlags } from "./repositories.ts";
import { schemeFlags } from "./schemes.ts";
import { signingMethodFlags } from "./signing_method.ts";

const { apiUrl, apiToken, organizationId } = signPathFlags;
const { projectSlug, signingPolicySlug, artifactConfigurationSlug } = submissionFlags;

/** What `sign` is given, but for the tags. */
export const doctorFlags = {
  ...repositoriesFlags,
  ...schemeFlags,
  ...signingMethodFlags,
  ...{ apiUrl, apiToken, organizationId, projectSlug, signingPolicySlug, artifactConfigurationSlug },
  ...signerFlags,
  ...registryFlags,
  ...notaryFlags,
  ...connectionFlags,
};

/** Values of these flags. */
export type DoctorValues = Values<typeof doctorFlags>;
