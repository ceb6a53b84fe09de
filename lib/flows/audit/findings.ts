/** From facts to what is to be said about them. No I/O. @module */
import { isTagsealError, messageOf, type TagsealErrorCode } from "../../errors.ts";
import type { NextStep } from "../../next_step.ts";
import { REPO_ADMIN } from "../../tuf/resolve.ts";
import { isDelegation, RELEASES, type RoleName } from "../../tuf/roles.ts";
import type { Action, Problem } from "../status_advice.ts";
import type { AuditedTag, AuditFacts } from "./facts.ts";
import { type RuleId, SEVERITIES, type Severity } from "./rules.ts";

/** Something that was found. */
export interface Finding {
  /** Which rule found it. */
  readonly rule: RuleId;
  /** How bad it is. */
  readonly severity: Severity;
  /** The GUN. */
  readonly repository: string;
  /** The tag that it is about, if it is about one. */
  readonly tag?: string;
  /** The role, likewise. */
  readonly role?: RoleName;
  /** What is wrong, as a sentence without a final period. */
  readonly message: string;
  /** The next safe move, likewise. */
  readonly remedy: string;
  /** The same as facts. */
  readonly next?: NextStep | undefined;
  /** The same for a program, where it can be done as it stands. */
  readonly action?: Action;
  /** The kind of failure, where something could not be read. */
  readonly code?: TagsealErrorCode;
}

/** All findings of a repository, worst first; those of tags in the order of their names. */
export function findingsOf(facts: AuditFacts): Finding[] {
  const { status } = facts;
  const all = [
    ...status.problems.map((problem) => ofProblem(status.repository, problem)),
    ...serverFindings(facts),
    ...sharedKeys(facts),
    ...facts.tags.flatMap((tag) => [...tagFindings(tag)].map((found) => ({ repository: status.repository, ...found }))),
  ];
  return sorted(all);
}

/** The finding that a repository's trust data could not be read. */
export function unreadable(repository: string, error: unknown): Finding {
  return { repository, rule: "unreadable-repository", severity: "error", ...toldBy(error) };
}

/** Worst first, and otherwise as they are. */
export function sorted(findings: readonly Finding[]): Finding[] {
  return SEVERITIES.flatMap((severity) => findings.filter((found) => found.severity === severity));
}

function ofProblem(repository: string, { severity, code, ...problem }: Problem): Finding {
  return { repository, rule: code, severity: severity === "advice" ? "note" : severity, ...problem };
}

function toldBy(error: unknown): Pick<Finding, "message" | "remedy" | "next" | "code"> {
  if (!isTagsealError(error)) {
    return { message: messageOf(error), remedy: "Report this: it is a defect", code: "unexpected" };
  }
  const { message, remedy, next, code } = error;
  return { message, remedy, next, code };
}

function* serverFindings({ status: { repository }, registry, offline }: AuditFacts): Iterable<Finding> {
  if (registry.state === "failed") {
    yield { repository, rule: "unreadable-registry", severity: "error", ...toldBy(registry.error) };
  }
  if (offline !== undefined) {
    yield {
      repository,
      rule: "offline",
      severity: "note",
      message: offline,
      remedy: "Audit again with the Notary server, to know of what was withdrawn or replaced since",
    };
  }
}

/** Whoever holds such a key is more than one of those who are meant to watch each other. */
function* sharedKeys({ status: { repository, roles } }: AuditFacts): Iterable<Finding> {
  // Docker gives each signer's key to targets/releases as well, and the server may sign snapshot and timestamp with one.
  const apart = roles.filter(({ role }) => role !== RELEASES && /^(?:root|targets(?:\/[^/]+)?)$/.test(role));
  const held = apart.flatMap(({ role, keyIds }) => keyIds.map((id) => ({ id, role })));
  for (const [id, holders] of Map.groupBy(held, ({ id }) => id)) {
    const names = holders.map(({ role }) => role);
    // That one of these and delegations share a key is told of as what it is: the repository's own key.
    if (names.length < 2 || names.filter((role) => !isDelegation(role)).length === 1) continue;
    yield {
      repository,
      rule: "shared-key",
      severity: "warning",
      role: names[0]!,
      message: `The key ${id.slice(0, 7)} speaks for ${names.join(" and ")}`,
      remedy: "Give each role a key of its own",
    };
  }
}

type Found = Omit<Finding, "repository">;

function* tagFindings(audited: AuditedTag): Iterable<Found> {
  const { tag, signed, served, judged } = audited;
  const finding = STANDING_FINDINGS[audited.standing](audited);
  if (finding) yield { tag, ...finding };
  if (signed && signed.otherRoles.length > 0) {
    yield {
      tag,
      rule: "roles-disagree",
      severity: "warning",
      role: signed.role,
      message: `"${signed.role}" holds another digest under "${tag}" than ${signed.otherRoles.join(", ")}`,
      remedy: "Find out which of them is meant, and sign the tag again or withdraw it in the other roles",
    };
  }
  if (signed?.signers.every((name) => name === REPO_ADMIN)) {
    yield {
      tag,
      rule: "no-named-signer",
      severity: "note",
      role: signed.role,
      message: `"${tag}" is signed by nobody whom Docker names`,
      remedy: "Have a named signer sign it, so that it can be told who did",
    };
  }
  if (!judged) return;
  const missing = { tag, severity: "warning", remedy: "Sign what the tag stands for now in that scheme, too" } as const;
  const what = `"${tag}", which stands for ${served}, has no good`;
  if (judged.cosign?.outcome === "refused") {
    yield { ...missing, rule: "missing-cosign", message: `${what} cosign signature` };
  }
  if (judged.notation && !judged.notation.verified) {
    yield { ...missing, rule: "missing-notation", message: `${what} Notation signature` };
  }
  const foreign = [
    ...judged.cosign?.skipped.filter(({ reason }) => reason === "other-key") ?? [],
    ...judged.notation?.skipped.filter(({ reason }) => reason === "untrusted") ?? [],
  ].length;
  if (foreign > 0) {
    yield {
      tag,
      rule: "foreign-signature",
      severity: "note",
      message: `"${tag}" carries ${foreign} ${foreign === 1 ? "signature" : "signatures"} of somebody else`,
      remedy: "Find out whose they are; they count for nothing here",
    };
  }
}

const STANDING_FINDINGS: Readonly<
  Record<AuditedTag["standing"], (tag: AuditedTag) => Omit<Found, "tag"> | undefined>
> = {
  moved: ({ tag, signed, served }) => ({
    rule: "moved-tag",
    severity: "error",
    role: signed!.role,
    message: `"${tag}" is signed as ${signed!.digest}, and the registry serves ${served}`,
    remedy: "Pull by the signed digest alone. Find out who moved the tag, and sign it again only if that was meant",
  }),
  lapsed: ({ tag, signed }) => ({
    rule: "lapsed-tag",
    severity: "error",
    role: signed!.role,
    message: `"${tag}" was signed in "${signed!.role}", which cannot be relied on now`,
    remedy: "Do not use it before what has expired is signed anew",
  }),
  unreadable: ({ unreadable }) => ({
    rule: "unreadable-tag",
    severity: "error",
    message: unreadable!,
    remedy: "Do not use it; find out who pushed it, then build and push it again",
  }),
  unsigned: ({ tag }) => ({
    rule: "unsigned-tag",
    severity: "warning",
    message: `"${tag}" is not signed`,
    remedy: "Sign it, or remove it from the registry, so that nobody takes it for one that is",
  }),
  gone: ({ tag, signed }) => ({
    rule: "gone-tag",
    severity: "note",
    role: signed!.role,
    message: `"${tag}" is signed, and the registry does not have it`,
    remedy: "Withdraw its signature, unless the image is to come back",
  }),
  unchecked: () => undefined,
  signed: () => undefined,
};
