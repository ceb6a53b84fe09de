/** The flags that several commands share, in groups. @module */
import { SIGNPATH_TIMES_S } from "../signpath/times.ts";
import { list, pairs, required, seconds, secret, text, toggle } from "./flags.ts";
import { pins } from "./root_pins.ts";

/** Every command has these. */
export const globalFlags = {
  json: toggle("--json", "print exactly one JSON document on stdout, also on failure"),
  quiet: toggle("--quiet", "no progress on stderr"),
  verbose: toggle("--verbose", "show causes and stacks of failures"),
  yes: toggle("--yes", "answer yes where a confirmation is asked for"),
  noInput: toggle("--no-input", "never ask; fail where an answer is needed"),
  config: text(
    "--config <file>",
    "project file with defaults (the nearest tagseal.json upwards; none: no file at all)",
    "TAGSEAL_CONFIG",
  ),
};

/** Which repository. */
export const repositoryFlag = {
  repository: required(
    "-r, --repository <fqn>",
    "the image's full name without tag, e.g. registry.example.com/team/app",
  ),
};

/** Which tags to sign: of one repository, or those of a file. */
export const workFlags = {
  repository: {
    ...text(
      "-r, --repository <fqn>",
      "the image's full name without tag, e.g. registry.example.com/team/app (or --from)",
    ),
    remedy: "Give --repository and --tags, or --from <file>",
  },
  from: text(
    "--from <file>",
    "take the tags from this file (-: standard input), one per line: name:tag[@sha256:…] [length]; with both the " +
      "registry is not asked",
  ),
};

/** Whom to trust, and on what connection. */
export const connectionFlags = {
  ca: text("--ca <pem>", "file with more CA certificates, for all services"),
  allowHttp: toggle("--allow-http", "take plain http: addresses that are not loopback"),
};

/** Where the Notary server is, and who asks. */
export const notaryFlags = {
  notaryUrl: text("--notary-url <url>", "the Notary server", "DOCKER_CONTENT_TRUST_SERVER"),
  notaryUsername: text("--notary-username <name>", "user at the Notary server (else NOTARY_AUTH, Docker's config)"),
  notaryPassword: secret("--notary-password <secret>", "that user's password"),
  trustDir: { ...text("--trust-dir <dir>", "keys and trusted data (~/.docker/trust)"), standard: "~/.docker/trust" },
  rootPin: pins(
    "--root-pin <pin>",
    "what root must hold: a key id, a certificate file or a CA's; <name prefix>=<pin> for some repositories (repeatable)",
    "TAGSEAL_ROOT_PIN",
  ),
  requirePin: toggle("--require-pin", "never trust a root on first use: it must be known here already, or pinned"),
};

/** Where the registry is, and who asks. */
export const registryFlags = {
  registryUrl: text("--registry-url <url>", "the registry, where it is not the host of the repository's name"),
  registryUsername: text("--registry-username <name>", "user at the registry (else REGISTRY_AUTH, Docker's config)"),
  registryPassword: secret("--registry-password <secret>", "that user's password"),
};

/** Where SignPath is, and who asks. */
export const signPathFlags = {
  apiUrl: {
    ...text("--api-url <url>", "SignPath's API (https://app.signpath.io/API)", "SIGNPATH_API_URL"),
    standard: "https://app.signpath.io/API",
  },
  apiToken: secret("--api-token <secret>", "SignPath API token", "SIGNPATH_API_TOKEN"),
  organizationId: text("--organization-id <id>", "SignPath organization", "SIGNPATH_ORGANIZATION_ID"),
  serviceUnavailableTimeout: seconds(
    "--service-unavailable-timeout <s>",
    "seconds to repeat calls while SignPath is down",
    SIGNPATH_TIMES_S.unavailable,
  ),
  uploadAndDownloadTimeout: seconds(
    "--upload-and-download-timeout <s>",
    "seconds that an upload or download may take; a silent one ends sooner",
    SIGNPATH_TIMES_S.transfer,
  ),
};

/** What is submitted, and under which policy. */
export const submissionFlags = {
  projectSlug: text("--project-slug <slug>", "SignPath project", "SIGNPATH_PROJECT_SLUG"),
  signingPolicySlug: text("--signing-policy-slug <slug>", "signing policy", "SIGNPATH_SIGNING_POLICY_SLUG"),
  artifactConfigurationSlug: text(
    "--artifact-configuration-slug <slug>",
    "artifact configuration, if not the project's default",
    "SIGNPATH_ARTIFACT_CONFIGURATION_SLUG",
  ),
  description: text("--description <text>", "shown to approvers (repositories, tags and digests)"),
  parameter: pairs("--parameter <k=v>", "parameter of the artifact configuration (repeatable)"),
};

/** Where a delegation's certificate comes from, where it is not a file. */
export const delegationSourceFlags = {
  delegationFromSignpath: toggle(
    "--delegation-from-signpath",
    "take the certificate from the signing policy at SignPath instead of a file",
  ),
  ...signPathFlags,
  projectSlug: submissionFlags.projectSlug,
  signingPolicySlug: submissionFlags.signingPolicySlug,
};

/** How long to wait for a signing request. */
export const waitFlags = {
  waitForCompletionTimeout: seconds(
    "--wait-for-completion-timeout <s>",
    "seconds to wait for the signing request",
    SIGNPATH_TIMES_S.completion,
  ),
};

/** Which tags. */
export const tagsFlag = {
  tags: list("-t, --tags <a,b>", "tags, separated by commas or repeated"),
};

/** Which tags, and what they must be. */
export const tagFlags = {
  ...tagsFlag,
  expectDigest: pairs("--expect-digest <tag=digest>", "sign the tag only if it stands for this digest (repeatable)"),
};

/** The same for a command that signs nothing. */
export const signedTagFlags: typeof tagFlags = {
  ...tagFlags,
  expectDigest: {
    ...tagFlags.expectDigest,
    help: "the tag must be signed as exactly this digest; it need not be in --tags (repeatable)",
  },
};

/** What was built, so that nothing else is signed. */
export const buildFlags = {
  buildxMetadata: text(
    "--buildx-metadata <file>",
    "what docker buildx --metadata-file wrote: sign only what was built (all of its tags unless --tags)",
  ),
};

/** Which roles are signed anew, whatever becomes of tags. */
export const renewFlags = {
  renewRole: list(
    "--renew-role <role>",
    "publish this role anew for three years, with tags or without; also where it has expired, or its key was replaced " +
      "(then its other tags go); e.g. targets/releases",
  ),
};

/** Whose delegation. */
export const delegationFlags = {
  delegation: {
    ...text("--delegation <name>", "name of the delegation: targets/<name> (signpath)"),
    standard: "signpath",
  },
  delegationCertificate: text("--delegation-certificate <file>", "its certificate from SignPath, PEM or DER"),
};

/** As whom to sign; what changes who may sign is never taken from a variable. */
export const signerFlags = {
  delegation: delegationFlags.delegation,
  delegationCertificate: text(
    "--delegation-certificate <file|id>",
    "which of several keys signs: its certificate, its id, or 7 digits or more that its id begins with",
    "TAGSEAL_DELEGATION_CERTIFICATE",
  ),
};
