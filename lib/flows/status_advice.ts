/** From what is known of a repository to what should be done about it. No I/O. @module */
import { describeEnd, endOfServer } from "../notary/server_end.ts";
import { RELEASES, type RoleName } from "../tuf/roles.ts";
import type { RepositoryStatus } from "./repository_status.ts";

/** Something to do. */
export interface Problem {
  /** `error`: expired or not trusted; `warning`: will be within 30 days, or does not work; `advice`: everything else. */
  readonly severity: "error" | "warning" | "advice";
  /** A name for machines. */
  readonly code:
    | "expired"
    | "expires-soon"
    | "skipped"
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
  readonly next: string;
}

/** What is judged. */
export type StatusFacts = Omit<RepositoryStatus, "problems">;

const WARN_DAYS = 30;
const ADVISE_DAYS = 183; // six months
const SEVERITIES = ["error", "warning", "advice"] as const;

/** What users of a server that is switched off can do. */
const KEEP = "Keep what is signed there now: tagseal export, then verify the file with tagseal verify --from";

/** What should be done, worst first. */
export function adviceFor(facts: StatusFacts): Problem[] {
  const problems = [...expiries(facts), ...skipped(facts), ...certificates(facts), ...server(facts), ...setup(facts)];
  return SEVERITIES.flatMap((severity) => problems.filter((problem) => problem.severity === severity));
}

function* expiries({ roles, managedBy, notaryUrl }: StatusFacts): Iterable<Problem> {
  for (const { name: role, state, expires, daysLeft } of roles) {
    if (expires === null || daysLeft === null) continue;
    const byServer = role === "timestamp" ||
      (role === "snapshot" && ["server", "unknown"].includes(managedBy.snapshot));
    const next = byServer
      ? `Tell the operator of "${notaryUrl}": the server signs this role, and should have signed it anew`
      : role.startsWith("targets/")
      ? state === "expired"
        ? `Sign a tag again with tagseal sign --renew-role ${role}, which publishes this role anew for three years`
        : "Sign a tag again with tagseal sign, which publishes this role anew for three years"
      : `Publish it anew, for example with tagseal rotate-key; it needs the ${role} key`;
    const day = expires.slice(0, 10);
    if (state === "expired") {
      yield { severity: "error", code: "expired", role, message: `"${role}" expired on ${day}`, next };
    } else if (!byServer && daysLeft <= ADVISE_DAYS) {
      const message = `"${role}" expires on ${day}, in ${count(daysLeft)}`;
      yield { severity: severityOf(daysLeft), code: "expires-soon", role, message, next };
    }
  }
}

function* skipped({ roles }: StatusFacts): Iterable<Problem> {
  for (const { name: role, state, reason } of roles) {
    if (state !== "skipped") continue;
    yield {
      severity: "error",
      code: "skipped",
      role,
      message: `"${role}" is not trusted, nor its tags: ${reason}`,
      next: "Find out who published it. tagseal sign --renew-role starts it anew with the delegation's key",
    };
  }
}

function* certificates({ certificates }: StatusFacts): Iterable<Problem> {
  for (const { roles, keyId, expires, daysLeft } of certificates) {
    if (daysLeft > ADVISE_DAYS) continue;
    const role = roles[0]!;
    const next = role === "root"
      ? "Rotate the root key with tagseal rotate-key while the old one still counts"
      : "Create a new certificate in SignPath and add it with tagseal add-delegation, then remove this one";
    const what = `The certificate of key ${keyId.slice(0, 7)} (${roles.join(", ")})`;
    const day = expires.slice(0, 10);
    if (daysLeft < 0) yield { severity: "error", code: "expired", role, message: `${what} expired on ${day}`, next };
    else {
      const message = `${what} expires on ${day}, in ${count(daysLeft)}`;
      yield { severity: severityOf(daysLeft), code: "expires-soon", role, message, next };
    }
  }
}

function* server({ managedBy, notaryUrl, checkedAt }: StatusFacts): Iterable<Problem> {
  if (managedBy.snapshot === "here" || managedBy.snapshot === "elsewhere") {
    yield {
      severity: "warning",
      code: "snapshot-not-at-server",
      role: "snapshot",
      message: "The Notary server does not manage the snapshot key, so nobody without that key can publish",
      next: "Let the server manage it: tagseal rotate-key for the snapshot role",
    };
  }
  const end = endOfServer(new URL(notaryUrl));
  if (end) {
    const message = describeEnd(end, new Date(checkedAt));
    yield { severity: "warning", code: "server-ends", message, next: KEEP };
  }
}

function* setup({ roles, keysHere, rootTrustedBy }: StatusFacts): Iterable<Problem> {
  const delegations = roles.filter(({ name }) => name.startsWith("targets/"));
  const signed = delegations.some(({ name, version }) => name === RELEASES && version !== null);
  const holds = (role: RoleName) => keysHere.find(({ signsFor }) => signsFor.includes(role));
  const [root, targets] = [holds("root"), holds("targets")];
  if (delegations.length === 0) {
    yield {
      severity: "advice",
      code: "no-delegation",
      message: "No delegation may sign tags here, so SignPath cannot",
      next: "tagseal add-delegation with the certificate of the key at SignPath",
    };
  } else if (!signed) {
    yield {
      severity: "advice",
      code: "nothing-signed",
      role: RELEASES,
      message: "Nothing has been signed by a delegation yet",
      next: "Sign a test tag with tagseal sign",
    };
  }
  if (root) {
    yield {
      severity: "advice",
      code: "root-key-here",
      role: "root",
      message: `The root key ${root.id.slice(0, 7)} is on this machine`,
      next: "Move its file to a safe place off this machine; it is needed for rotations only, and cannot be replaced",
    };
  }
  if (targets) {
    yield {
      severity: "advice",
      code: "targets-key-here",
      role: "targets",
      message: `The targets key ${targets.id.slice(0, 7)} is on this machine`,
      next: signed
        ? "Signing works without it: remove it with tagseal delete-key"
        : "Sign a test tag, then remove it with tagseal delete-key: signing works without it",
    };
  }
  if (rootTrustedBy !== "pin") {
    const how = rootTrustedBy === "known" ? "met before" : "met for the first time";
    yield {
      severity: "advice",
      code: "not-pinned",
      role: "root",
      message: `The root was not pinned: it is trusted because it was ${how}`,
      next: "In CI, give its certificate or key id with --root-pin",
    };
  }
}

function severityOf(daysLeft: number): "warning" | "advice" {
  return daysLeft <= WARN_DAYS ? "warning" : "advice";
}

function count(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}
