/** Roles that are signed anew only where somebody says so. */
import assert from "node:assert/strict";
import { isToRenew, requireRenewalConsent } from "../../../lib/schemes/notary_v1/renewal_consent.ts";
import { baseOf } from "../../../lib/schemes/notary_v1/role_base.ts";
import { RELEASES } from "../../../lib/tuf/roles.ts";
import type { TrustedRepository } from "../../../lib/tuf/trusted.ts";
import { failsWith } from "../../support/failures.ts";
import { AT, buildFiles, type DelegationPlan, DIGEST, EXPIRES, GUN, judge, KEYS } from "../../support/trust_builder.ts";

const ROLES = [RELEASES, "targets/alice"] as const;
const EXPIRED = { expires: "2026-05-31T12:00:00Z" };
const REPLACED = { signers: [KEYS.stranger] };

async function repositoryWith(releases: DelegationPlan, alice: DelegationPlan = {}): Promise<TrustedRepository> {
  const plan = { tags: { v1: DIGEST } };
  return await judge(
    await buildFiles({
      delegations: {
        [RELEASES]: { keys: [KEYS.releases], ...plan, ...releases },
        "targets/alice": { keys: [KEYS.alice], ...plan, ...alice },
      },
    }),
  );
}

Deno.test("renewal: what is trusted as it is needs no word", async () => {
  requireRenewalConsent(await repositoryWith({}), ROLES, {});
  requireRenewalConsent(await repositoryWith({}, REPLACED), [RELEASES], {}); // nobody signs the other one
});

Deno.test("renewal: a role that has expired keeps its tags, once somebody says so of that very role", async () => {
  const repository = await repositoryWith(EXPIRED);
  const error = await failsWith(
    () => requireRenewalConsent(repository, ROLES, { renew: ["targets/alice"] }),
    "trust-invalid",
    `The role "${RELEASES}" of "${GUN}" is not trusted as it is: `,
    "expired",
  );
  assert.match(error.remedy, /sign and name it as a role to renew: the tags it holds are then signed anew$/);
  assert.deepEqual(error.details, { repository: GUN, role: RELEASES, roles: [RELEASES] });
  requireRenewalConsent(repository, ROLES, { renew: [RELEASES] });
});

Deno.test("renewal: a role whose key was replaced starts anew without its tags, which a limit of time does not agree to", async () => {
  const repository = await repositoryWith({}, REPLACED);
  const consents = [{}, { renew: ["targets/alice"], renewWithinMs: 10 ** 12 }];
  for (const consent of consents) {
    const error = await failsWith(
      () => requireRenewalConsent(repository, ROLES, consent),
      "trust-invalid",
      '"targets/alice"',
    );
    assert.match(error.remedy, /: "targets\/alice" then starts anew, without the tags it holds$/);
  }
  requireRenewalConsent(repository, ROLES, { renew: ["targets/alice"] });
  requireRenewalConsent(await repositoryWith(EXPIRED), ROLES, { renew: [RELEASES], renewWithinMs: 0 });
});

Deno.test("renewal: all roles that nobody has spoken of are named at once, each reason once", async () => {
  const howToRenew = (roles: readonly string[]) => `renew ${roles.join(" and ")}`;
  const cases = [
    [EXPIRED, EXPIRED, "the tags they hold are then signed anew", 1],
    [REPLACED, REPLACED, `"${RELEASES}" and "targets/alice" then start anew, without the tags they hold`, 1],
    [EXPIRED, REPLACED, '"targets/alice" then starts anew, without the tags it holds', 2],
  ] as const;
  for (const [releases, alice, end, reasons] of cases) {
    const error = await failsWith(
      async () => requireRenewalConsent(await repositoryWith(releases, alice), ROLES, { howToRenew }),
      "trust-invalid",
      `The roles "${RELEASES}" and "targets/alice" of "${GUN}" are not trusted as they are: `,
    );
    assert.ok(error.remedy.endsWith(`renew ${RELEASES} and targets/alice: ${end}`), error.remedy);
    assert.deepEqual(error.details["roles"], ROLES);
    if (reasons === 2) assert.match(error.message, /expired.*; .*not signed/);
  }
  const twice = await failsWith(
    async () => requireRenewalConsent(await repositoryWith(EXPIRED, EXPIRED), ROLES, { renew: [RELEASES], howToRenew }),
    "trust-invalid",
    'The role "targets/alice"',
  );
  assert.match(twice.remedy, /, renew targets\/releases and targets\/alice: /, "with what was agreed to already");
});

Deno.test("renewal: of roles that are trusted, those that are named, and end in time where a time is given", async () => {
  const base = baseOf(await repositoryWith({}), RELEASES);
  const left = Date.parse(EXPIRES) - AT.getTime();
  const rows = [
    [{}, false],
    [{ renew: ["targets/alice"] }, false],
    [{ renew: [RELEASES] }, true],
    [{ renew: ["targets/alice", RELEASES], renewWithinMs: left }, true],
    [{ renew: [RELEASES], renewWithinMs: left - 1 }, false],
    [{ renew: ["targets/alice"], renewWithinMs: left }, false],
  ] as const;
  for (const [consent, expected] of rows) assert.equal(isToRenew(RELEASES, base, consent, AT), expected);
  const none = baseOf(await repositoryWith({ published: false }), RELEASES);
  assert.equal(isToRenew(RELEASES, none, { renew: [RELEASES] }, AT), true);
  assert.equal(isToRenew(RELEASES, none, { renew: [RELEASES], renewWithinMs: left }, AT), false, "nothing of it ends");
});
