/** What an audit looks for. Ids keep their meaning: baselines and suppressions name them. @module */
import type { Problem } from "../status_advice.ts";

/** From what must be put right to what somebody should know. */
export type Severity = "error" | "warning" | "note";

/** Worst first. */
export const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];

/** Whether `severity` is as bad as `from`, or worse. */
export function counts(severity: Severity, from: Severity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(from);
}

/** What is found of tags, keys and servers, beside what `status` finds. */
export type RuleId =
  | Problem["code"]
  | "unreadable-repository"
  | "unreadable-registry"
  | "moved-tag"
  | "lapsed-tag"
  | "unreadable-tag"
  | "unsigned-tag"
  | "gone-tag"
  | "roles-disagree"
  | "no-named-signer"
  | "missing-cosign"
  | "missing-notation"
  | "foreign-signature"
  | "shared-key"
  | "offline";

/** By rule: what it finds, as a sentence without a final period. */
export const RULES: Readonly<Record<RuleId, string>> = {
  "unreadable-repository": "The trust data of a repository cannot be read, or is not valid",
  "unreadable-registry": "The registry does not tell which tags there are, so that nothing was compared",
  "moved-tag": "The registry serves something else under a tag than what was signed",
  "lapsed-tag": "A tag was signed in a role that is not trusted any more",
  "unreadable-tag": "What the registry serves under a tag is no image that can be verified",
  "expired": "A role or certificate has expired",
  "skipped": "A delegation is not trusted, nor its tags",
  "unsigned-tag": "A tag in the registry is not signed",
  "missing-cosign": "A tag has no good cosign signature of those who must have signed",
  "missing-notation": "A tag has no good Notation signature of those who must have signed",
  "roles-disagree": "Roles hold different digests under one tag",
  "shared-key": "One key speaks for several roles that are meant to be apart",
  "expires-soon": "A role or certificate ends within half a year; a warning within 30 days",
  "own-key-delegated": "A key of the repository itself may sign tags",
  "snapshot-not-at-server": "The Notary server does not manage the snapshot key",
  "server-ends": "The Notary server is going to be switched off",
  "no-delegation": "No delegation may sign tags",
  "nothing-signed": "Nothing has been signed by a delegation",
  "not-pinned": "The root was not pinned",
  "offline": "The Notary server was not asked: an export or the local copy was judged",
  "gone-tag": "A tag is signed that the registry does not have any more",
  "no-named-signer": "A tag is signed by nobody whom Docker names: with the targets key, or in targets/releases alone",
  "foreign-signature": "An image carries signatures of somebody else",
  "root-key-here": "The root key is on this machine",
  "targets-key-here": "The targets key is on this machine",
};
