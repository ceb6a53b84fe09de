/** The signing requests of this user that may go on. @module */
import { utf8 } from "../bytes/bytes.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { workIn } from "../schemes/same_work.ts";
import type { KeptRequests } from "../signing/kept_requests.ts";
import type { Resume } from "../signing/zip_signer.ts";
import { normalizeApiUrl } from "../signpath/api.ts";
import { SIGNPATH_API_URL } from "../signpath/client.ts";
import type { Submission } from "../signpath/types.ts";
import type { signPathFlags } from "./common_flags.ts";
import type { Values } from "./flags.ts";
import type { Host } from "./host.ts";
import type { resumeFlags } from "./resume_flags.ts";
import type { TrustDirValue } from "./docker_folder.ts";
import { openRequestFiles } from "./trust_dir.ts";

/** Which organization. */
export type Account = Pick<Values<typeof signPathFlags>, "apiUrl" | "organizationId">;
/** Under which policy, and how. */
export type Policy = Omit<Submission, "artifact" | "fileName">;

/** How `sign` goes on with what an earlier run has filed. */
export function resumeOf(
  values: Values<typeof resumeFlags> & TrustDirValue & Account,
  submission: Policy,
  host: Host,
): Resume {
  const requests = openRequestFiles(values, host);
  return {
    workIn,
    signingRequestId: values.signingRequestId,
    anew: values.newSigningRequest,
    kept: requests && { requests, account: accountOf(values, submission) },
  };
}

/** What decides who signs how: of another account no request is gone on with. Descriptions are for people alone. */
function accountOf(
  { apiUrl = SIGNPATH_API_URL, organizationId = "" }: Account,
  { projectSlug, signingPolicySlug, artifactConfigurationSlug: configuration, parameters = {} }: Policy,
): string {
  const api = normalizeApiUrl(new URL(apiUrl)).toLowerCase();
  const named = Object.entries(parameters).sort(([a], [b]) => a < b ? -1 : 1);
  const facts = [api, organizationId, projectSlug, signingPolicySlug, configuration ?? null, named];
  return sha256Hex(utf8(JSON.stringify(facts)));
}

/** The repositories that a kept request was filed for; `undefined` where it is not kept here. */
export async function repositoriesOf(id: string, values: TrustDirValue, host: Host): Promise<string[] | undefined> {
  const found = await keptById(openRequestFiles(values, host), id);
  return found[0] && [...new Set(found.flatMap(({ work }) => work.map(({ repository }) => repository)))];
}

/** Notes that a request is published. */
export async function noteAsPublished(id: string, values: TrustDirValue, host: Host): Promise<void> {
  const requests = openRequestFiles(values, host);
  for (const request of await keptById(requests, id)) {
    await requests!.keep({ ...request, publishedAt: host.now() }).catch(() => {});
  }
}

async function keptById(requests: KeptRequests | undefined, id: string) {
  const all = await requests?.list().catch(() => []) ?? [];
  return all.filter(({ signingRequestId }) => signingRequestId === id);
}
