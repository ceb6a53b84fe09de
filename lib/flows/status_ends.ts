/** What of a repository ends when. No I/O. @module */
import type { KeyId } from "../crypto/keys.ts";
import type { RoleName } from "../tuf/roles.ts";
import { isSignedByServer } from "./status_advice.ts";
import type { StatusFacts } from "./status_facts.ts";

/** A role, or a certificate of root or of a delegation, that ends. */
export interface End {
  /** What it is. */
  readonly kind: "role" | "certificate";
  /** The role itself, or those that hold the certificate. */
  readonly roles: readonly RoleName[];
  /** Canonical id of the certificate's key. */
  readonly keyId?: KeyId;
  /** When (RFC 3339). */
  readonly expires: string;
  /** Whole days until then, negative afterwards. */
  readonly daysLeft: number;
}

/** All that people have to see to, soonest first; what the server signs anew by itself is left out. */
export function endsOf(facts: StatusFacts): End[] {
  const roles = facts.roles.flatMap(({ role, expires, daysLeft }): End[] =>
    expires === null || daysLeft === null || isSignedByServer(facts, role)
      ? []
      : [{ kind: "role", roles: [role], expires, daysLeft }]
  );
  const certificates = facts.certificates.map(({ roles, keyId, expires, daysLeft }): End => ({
    kind: "certificate",
    roles,
    keyId,
    expires,
    daysLeft,
  }));
  return [...roles, ...certificates].sort((a, b) => Date.parse(a.expires) - Date.parse(b.expires));
}

/** Those within so many days, or past. */
export function endsWithin(facts: StatusFacts, days: number): End[] {
  return endsOf(facts).filter(({ daysLeft }) => daysLeft <= days);
}

/** What it is, in words: `"targets/releases"`, `the certificate of key 7ed1dc9 (targets/releases)`. */
export function endWords({ kind, roles, keyId }: End): string {
  return kind === "role" ? `"${roles[0]}"` : `the certificate of key ${keyId!.slice(0, 7)} (${roles.join(", ")})`;
}
