/** From what is known of a repository to what should be done about it. No I/O. @module */
import { describeEnd, endOfServer } from "../notary/server_end.ts";
import type { NextStep } from "../next_step.ts";
import type { KeyId } from "../crypto/keys.ts";
import { BASE_ROLES, type BaseRole, type DelegationRole, isDelegation, RELEASES, type RoleName } from "../tuf/roles.ts";
import type { RoleStatus, StatusFacts } from "./status_facts.ts";

/** Something to do. */
export interface Problem {
  /** `error`: expired or not trusted; `warning`: will be within 30 days, or does not work; `advice`: everything else. */
  readonly severity: "error" | "warning" | "advice";
  /** A name for machines. */
  readonly code:
    | "expired"
    | "expires-soon"
    | "skipped"
    | "own-key-delegated"
    | "snapshot-not-at-server"
    | "server-ends"
    | "no-delegation"
    | "nothing-signed"
    | "targets-key-here"
    | "root-key-here"
    | "not-pinned";
  /** The role that it is about, if it is about one. */
  readonly role?: RoleName;
  /** What is wrong, as a sentence without a final period. */
  readonly message: string;
  /** The next action, as a sentence without a final period. */
  readonly remedy: string;
  /** The same as facts, where whoever shows it can say more. */
  readonly next?: NextStep;
  /** The same for a program, where it can be done as it stands. */
  readonly action?: Action;
}

/** Something that can be done without another word from anybody. */
export type Action =
  /** Sign roles anew, as the signer `delegation`. */
  | { readonly kind: "renew"; readonly delegation: string; readonly roles: readonly DelegationRole[] }
  /** Give a base role a new key, which signs it anew. */
  | { readonly kind: "rotate-key"; readonly role: BaseRole; readonly rootVersion: number }
  /** Let the certificate of the signing policy at SignPath sign. */
  | { readonly kind: "add-delegation"; readonly delegation?: string }
  /** Take the right to sign tags from a key. */
  | { readonly kind: "remove-delegation"; readonly keyId: KeyId }
  /** Keep all trust data in a file. */
  | { readonly kind: "export" }
  /** Delete a key. */
  | { readonly kind: "delete-key"; readonly keyId: KeyId };

const WARN_DAYS = 30;
const ADVISE_DAYS = 183; // six months
const SEVERITIES = ["error", "warning", "advice"] as const;

/** What should be done, worst first. */
export function adviceFor(facts: StatusFacts): Problem[] {
  const kinds = [expiries, skipped, certificates, ownKeys, server, setup];
  const problems = kinds.flatMap((kind) => [...kind(facts)]);
  return SEVERITIES.flatMap((severity) => problems.filter((problem) => problem.severity === severity));
}

function* expiries(facts: StatusFacts): Iterable<Problem> {
  for (const role of facts.roles) {
    const { role: name, state, expires, daysLeft } = role;
    if (expires === null || daysLeft === null) continue;
    const day = expires.slice(0, 10);
    const about = { role: name, ...isSignedByServer(facts, name) ? toldToServer(facts) : renewing(facts, role) };
    if (state === "expired") {
      yield { severity: "error", code: "expired", message: `"${name}" expired on ${day}`, ...about };
    } else if (!isSignedByServer(facts, name) && daysLeft <= ADVISE_DAYS) {
      const message = `"${name}" expires on ${day}, in ${count(daysLeft)}`;
      yield { severity: severityOf(daysLeft), code: "expires-soon", message, ...about };
    }
  }
}

/** Whether the server signs the role, and does so anew by itself. */
export function isSignedByServer({ managedBy }: StatusFacts, role: RoleName): boolean {
  return role === "timestamp" || (role === "snapshot" && ["server", "unknown"].includes(managedBy.snapshot));
}

function toldToServer({ notaryUrl }: StatusFacts): Pick<Problem, "remedy"> {
  return { remedy: `Tell the operator of "${notaryUrl}": the server signs this role, and should have signed it anew` };
}

function renewing(facts: StatusFacts, { role: name, state }: RoleStatus): Pick<Problem, "remedy" | "action"> {
  const base = BASE_ROLES.find((role) => role === name);
  if (base) return { remedy: "Publish it anew with a new key, which the root key signs", ...rotation(facts, base) };
  const renewal = renewalOf(facts, name);
  if (!renewal) return { remedy: "Have whoever signs this role publish it anew" };
  const remedy = state === "skipped"
    ? "Find out who published it. If its key was replaced, start it anew, without the tags it holds, and sign them again"
    : "Publish it anew for three years, with the tags it holds";
  return { remedy, action: renewal };
}

function rotation({ roles }: StatusFacts, role: BaseRole): Pick<Problem, "action"> {
  const rootVersion = roles.find(({ role }) => role === "root")?.version ?? 0;
  return { action: { kind: "rotate-key", role, rootVersion } };
}

/**
 * How a delegation is signed anew: in one go with all that stops its signer from publishing. Nothing where nobody can sign
 * it who signs for Docker.
 */
function renewalOf({ roles }: StatusFacts, role: RoleName): Action | undefined {
  const releases = roles.find(({ role }) => role === RELEASES);
  const signers = roles.filter(({ role: name, keyIds }) =>
    /^targets\/[^/]+$/.test(name) && name !== RELEASES && keyIds.some((id) => releases?.keyIds.includes(id))
  );
  const inNeed = signers.filter(isInNeed);
  const signer = role === RELEASES ? inNeed[0] ?? signers[0] : signers.find((each) => each.role === role);
  if (!releases || !signer) return undefined;
  const renewed = [releases, signer].filter((each) => each.role === role || isInNeed(each));
  return {
    kind: "renew",
    delegation: signer.role.slice("targets/".length),
    roles: renewed.map(({ role }) => role as DelegationRole),
  };
}

function isInNeed({ state, daysLeft }: RoleStatus): boolean {
  return state === "expired" || state === "skipped" || (daysLeft !== null && daysLeft <= ADVISE_DAYS);
}

function* skipped(facts: StatusFacts): Iterable<Problem> {
  for (const role of facts.roles) {
    const { role: name, state, reason, unusableKeys = [] } = role;
    if (state !== "skipped") continue;
    const message = `"${name}" is not trusted, nor its tags: ${reason}`;
    const barring = unusableKeys.find(({ bars }) => bars);
    const next = barring
      ? { remedy: "Take that key away", action: { kind: "remove-delegation", keyId: barring.keyId } as const }
      : renewing(facts, role);
    yield { severity: "error", code: "skipped", role: name, message, ...next };
  }
}

function* certificates(facts: StatusFacts): Iterable<Problem> {
  for (const { roles, keyId, expires, daysLeft } of facts.certificates) {
    if (daysLeft > ADVISE_DAYS) continue;
    const role = roles[0]!;
    const signer = roles.find((name) => name.startsWith("targets/") && name !== RELEASES);
    const delegation = signer?.slice("targets/".length);
    const remedy = role === "root"
      ? { remedy: "Give root a new key while the old one still counts", ...rotation(facts, "root") }
      : {
        remedy: "Have a new certificate made at SignPath and add it, then take this one away",
        next: { do: "replace-certificate" } as const,
        action: { kind: "add-delegation", ...(delegation === undefined ? {} : { delegation }) } as const,
      };
    const what = `The certificate of key ${keyId.slice(0, 7)} (${roles.join(", ")})`;
    const day = expires.slice(0, 10);
    if (daysLeft < 0) {
      yield { severity: "error", code: "expired", role, message: `${what} expired on ${day}`, ...remedy };
    } else {
      const message = `${what} expires on ${day}, in ${count(daysLeft)}`;
      yield { severity: severityOf(daysLeft), code: "expires-soon", role, message, ...remedy };
    }
  }
}

/** A root certificate that was taken for SignPath's, say: whoever has the root key can sign tags. */
function* ownKeys({ roles }: StatusFacts): Iterable<Problem> {
  const [delegations, base] = [true, false].map((below) => roles.filter(({ role }) => isDelegation(role) === below));
  for (const { role: own, keyIds } of base!) {
    for (const id of keyIds) {
      const held = delegations!.filter((role) => role.keyIds.includes(id)).map(({ role }) => role);
      if (held.length === 0) continue;
      yield {
        severity: "warning",
        code: "own-key-delegated",
        role: held[0]!,
        message: `The ${own} key ${id.slice(0, 7)} of this repository may sign tags (${held.join(", ")})`,
        remedy:
          "Add the certificate from SignPath, which is another one than the root certificate, and take this key away",
        action: { kind: "remove-delegation", keyId: id },
      };
    }
  }
}

function* server(facts: StatusFacts): Iterable<Problem> {
  const { managedBy, notaryUrl, checkedAt } = facts;
  if (managedBy.snapshot === "here" || managedBy.snapshot === "elsewhere") {
    yield {
      severity: "warning",
      code: "snapshot-not-at-server",
      role: "snapshot",
      message: "The Notary server does not manage the snapshot key, so nobody without that key can publish",
      remedy: "Let the server manage it, with a new key that the root key signs",
      ...rotation(facts, "snapshot"),
    };
  }
  const end = endOfServer(new URL(notaryUrl));
  if (end) {
    yield {
      severity: "warning",
      code: "server-ends",
      message: describeEnd(end, new Date(checkedAt)),
      remedy: "Keep what is signed there now, in a file that can be verified without the server",
      action: { kind: "export" },
    };
  }
}

function* setup({ roles, keysHere, rootTrustedBy }: StatusFacts): Iterable<Problem> {
  const delegations = roles.filter(({ role }) => role.startsWith("targets/"));
  // What was signed and is not trusted any more was signed, too.
  const signed = delegations.some(({ role, state }) => role === RELEASES && state !== "unpublished");
  const works = delegations.some(({ role, state }) => role === RELEASES && state === "ok");
  const holds = (role: RoleName) => keysHere.find(({ signsFor }) => signsFor.includes(role));
  const [root, targets] = [holds("root"), holds("targets")];
  if (delegations.length === 0) {
    yield {
      severity: "advice",
      code: "no-delegation",
      message: "No delegation may sign tags here, so SignPath cannot",
      remedy: "Add the certificate of the key at SignPath",
      action: { kind: "add-delegation" },
    };
  } else if (!signed) {
    yield {
      severity: "advice",
      code: "nothing-signed",
      role: RELEASES,
      message: "Nothing has been signed by a delegation yet",
      remedy: "Sign a test tag",
      next: { do: "sign-test-tag" },
    };
  }
  if (root) {
    yield {
      severity: "advice",
      code: "root-key-here",
      role: "root",
      message: `The root key ${root.keyId.slice(0, 7)} is on this machine`,
      remedy: "Move its file to a safe place off this machine; it is needed for rotations only, and cannot be replaced",
    };
  }
  if (targets) {
    yield {
      severity: "advice",
      code: "targets-key-here",
      role: "targets",
      message: `The targets key ${targets.keyId.slice(0, 7)} is on this machine`,
      ...(works
        ? { remedy: "Signing works without it: delete it", action: { kind: "delete-key", keyId: targets.keyId } }
        : {
          remedy: "Sign a test tag, then delete it: signing works without it",
          next: { do: "sign-then-delete-key" },
        }),
    };
  }
  if (rootTrustedBy !== "pin") {
    const how = rootTrustedBy === "known" ? "met before" : "met for the first time";
    yield {
      severity: "advice",
      code: "not-pinned",
      role: "root",
      message: `The root was not pinned: it is trusted because it was ${how}`,
      remedy: "In CI, pin its certificate or key id",
      next: { do: "pin-in-ci" },
    };
  }
}

function severityOf(daysLeft: number): "warning" | "advice" {
  return daysLeft <= WARN_DAYS ? "warning" : "advice";
}

function count(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}
