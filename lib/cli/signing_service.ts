/** Signing by SignPath: with signing requests, or by hashes. @module */
import { hashSigner } from "../signing/hash_signer.ts";
import type { PayloadSigner } from "../signing/payload_signer.ts";
import { zipSigner } from "../signing/zip_signer.ts";
import type { connectionFlags, signPathFlags, submissionFlags, waitFlags } from "./common_flags.ts";
import type { TrustDirValue } from "./docker_folder.ts";
import type { Values } from "./flags.ts";
import type { Host } from "./host.ts";
import { resumeOf } from "./kept_requests.ts";
import { signPathService } from "./policy_key.ts";
import type { resumeFlags } from "./resume_flags.ts";
import type { Session } from "./session.ts";
import { submissionOf } from "./signing.ts";
import { followOptions, waitAndDownload } from "./waiting.ts";

/** Values of the flags that SignPath may need. */
export type ServiceValues =
  & Values<
    & typeof resumeFlags
    & typeof signPathFlags
    & typeof submissionFlags
    & typeof waitFlags
    & typeof connectionFlags
  >
  & TrustDirValue;

/** `--signing-method hash`. */
export async function openHashSigning(
  values: ServiceValues,
  session: Session,
  host: Host,
): Promise<PayloadSigner> {
  const client = await session.signPath();
  const submission = submissionOf(values);
  return hashSigner(client, submission, { signal: host.signal }, signPathService(client, submission, host));
}

/** `--signing-method zip`. */
export async function openZipSigning(
  values: ServiceValues,
  session: Session,
  host: Host,
): Promise<PayloadSigner> {
  const client = await session.signPath();
  const submission = submissionOf(values);
  return zipSigner(client, submission, {
    ...followOptions(values, host),
    follow: (id) => waitAndDownload(client, id, values, host),
    resume: resumeOf(values, submission, host),
    service: signPathService(client, submission, host),
  });
}
