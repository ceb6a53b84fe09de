/** `--signing-method`: who signs, and what that needs. @module */
import { keySigner } from "../signing/key_signer.ts";
import { byRepository } from "../schemes/results.ts";
import { dctJob } from "../schemes/notary_v1/scheme.ts";
import type { SchemeResult } from "../signing/scheme.ts";
import { sign } from "../signing/sign.ts";
import type { PayloadSigner } from "../signing/payload_signer.ts";
import { buildOrigin } from "./build_origin.ts";
import { connectionFlags, notaryFlags, renewFlags, signerFlags } from "./common_flags.ts";
import { signPathFlags, submissionFlags, waitFlags } from "./common_flags.ts";
import type { Session } from "./session.ts";
import { choice, toggle, type Values } from "./flags.ts";
import { type GoOn, tellingAllHow, withGoOn } from "./go_on.ts";
import type { Host } from "./host.ts";
import { openToken, tokenFlags } from "./key_stores.ts";
import { hasPassphrase } from "./passphrases.ts";
import type { Report } from "./report.ts";
import { counted, signedReport } from "./signed_report.ts";
import type { Work } from "./work.ts";
import { requireNoRequest, resumeFlags } from "./resume_flags.ts";

/** Who signs. */
export const signingMethodFlags = {
  signingMethod: choice(
    "--signing-method <method>",
    "who signs. zip: SignPath, with policies and approvals; hash: SignPath's fast hash signing; key: a delegation key " +
      "of the trust directory; pkcs11: one on a token",
    ["zip", "hash", "key", "pkcs11"],
  ),
  ...resumeFlags,
  ...tokenFlags,
};

/** Whether to do nothing. */
export const dryRunFlag = {
  dryRun: toggle(
    "--dry-run",
    "print what would be signed (digests before and after, versions, key), and change nothing",
  ),
};

/** What all commands that sign have in common. */
export const signingFlags:
  & typeof dryRunFlag
  & typeof signingMethodFlags
  & typeof renewFlags
  & typeof signPathFlags
  & typeof submissionFlags
  & typeof waitFlags
  & typeof signerFlags
  & typeof notaryFlags
  & typeof connectionFlags = {
    ...dryRunFlag,
    ...signingMethodFlags,
    ...renewFlags,
    ...signPathFlags,
    ...submissionFlags,
    ...waitFlags,
    ...signerFlags,
    ...notaryFlags,
    ...connectionFlags,
  };

/** Values of all flags that a signing method may need. */
export type SigningMethodValues = Values<
  & typeof signingMethodFlags
  & typeof signPathFlags
  & typeof submissionFlags
  & typeof waitFlags
  & typeof notaryFlags
  & typeof connectionFlags
>;

/** {@linkcode openSigningMethod}; nothing with `--dry-run` where it is a service that would sign. */
export async function openNeededMethod(
  values: SigningMethodValues & Values<typeof dryRunFlag>,
  session: Session,
  host: Host,
): Promise<PayloadSigner | undefined> {
  const isService = values.signingMethod === "zip" || values.signingMethod === "hash";
  return values.dryRun && isService ? undefined : await openSigningMethod(values, session, host);
}

/** Opens what `--signing-method` names; what is missing for it is said before anything is done. */
export async function openSigningMethod(
  values: SigningMethodValues,
  session: Session,
  host: Host,
): Promise<PayloadSigner> {
  if (values.signingMethod !== "zip") requireNoRequest(values);
  switch (values.signingMethod) {
    case "key":
      return keySigner(session.keys(), hasPassphrase(host, "delegation"));
    case "pkcs11":
      return keySigner(openToken(values, host));
    case "hash":
    case "zip": {
      // Who signs with a key at hand does not wait for what a service takes.
      const { openHashSigning, openZipSigning } = await import("./signing_service.ts");
      return await (values.signingMethod === "hash" ? openHashSigning : openZipSigning)(values, session, host);
    }
  }
}

/** Signs `work` and reports what became of it, or with `--dry-run` what would. */
export async function runSigning(
  work: Work,
  signer: PayloadSigner | undefined,
  values: Values<typeof dryRunFlag> & Pick<GoOn, "repository" | "typed">,
  host: Host,
): Promise<Report> {
  if (values.dryRun || !signer) return await (await import("./dry_run.ts")).dryRun(work, host);
  const jobs = [...work.images, ...work.tags.map(dctJob)];
  const onDone = counted(jobs, host);
  const how: GoOn = { ...values, outputArtifactPath: undefined, force: false };
  const { failed, ...result } = await withGoOn(how, host, () =>
    sign<SchemeResult>(jobs, {
      signer,
      origin: buildOrigin(host),
      now: host.now,
      sleep: host.sleep,
      onStale: ({ message }) => host.info(`${message}. Starting over on top of it.`),
      ...(onDone ? { onDone } : {}),
    }));
  return signedReport(
    { ...result, repositories: byRepository(result.repositories), failed: await tellingAllHow(failed, how, host) },
    host,
  );
}
