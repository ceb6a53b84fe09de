/** Which keys may sign a change. */
import assert from "node:assert/strict";
import { keysOfPolicy, requirePolicyKey, signingKeys } from "../../../lib/schemes/notary_v1/signing_keys.ts";
import { RELEASES } from "../../../lib/tuf/roles.ts";
import { failsWith } from "../../support/failures.ts";
import { buildFiles, GUN, judge, KEYS, newKey, type Plan, type TestKey } from "../../support/trust_builder.ts";

const [ONE, TWO, THREE] = [newKey(), newKey(), newKey()];
const idOf = ({ publicKey }: TestKey) => publicKey.canonicalId;
const short = (...keys: readonly TestKey[]) => keys.map((key) => idOf(key).slice(0, 12)).join(", ");

async function repositoryWith(releases: readonly TestKey[], ci: readonly TestKey[], more: Plan = {}) {
  return await judge(
    await buildFiles({ delegations: { [RELEASES]: { keys: releases }, "targets/ci": { keys: ci } }, ...more }),
  );
}
const BOTH = await repositoryWith([ONE, TWO, THREE], [TWO, ONE, KEYS.stranger]);
const ids = (keys: readonly { readonly canonicalId: string }[]) => keys.map(({ canonicalId }) => canonicalId);

Deno.test("signing keys: of a service, each key that both delegations hold may sign", () => {
  assert.deepEqual(ids(signingKeys(BOTH, { signer: "ci" }, undefined)).sort(), [idOf(ONE), idOf(TWO)].sort());
  const keyId = idOf(TWO).slice(0, 20);
  assert.deepEqual(ids(signingKeys(BOTH, { signer: "ci", keyId }, undefined)), [idOf(TWO)]);
});

Deno.test("signing keys: of the keys at hand, the one that both delegations hold", () => {
  const atHand = new Set([idOf(ONE), idOf(THREE), idOf(KEYS.stranger)]);
  assert.deepEqual(ids(signingKeys(BOTH, { signer: "ci" }, atHand)), [idOf(ONE)]);
});

Deno.test("signing keys: where several at hand may sign, or several are named, it must be said which", async () => {
  const wanted = signingKeys(BOTH, { signer: "ci" }, undefined);
  const error = await failsWith(
    () => signingKeys(BOTH, { signer: "ci" }, new Set([idOf(ONE), idOf(TWO)])),
    "bad-input",
    '"targets/ci" has several keys',
  );
  assert.deepEqual(error.next, { do: "name-key", keyIds: ids(wanted) });
  assert.equal(
    error.remedy,
    `Name one of them, or its certificate: ${ids(wanted).map((id) => id.slice(0, 12)).join(", ")}`,
  );
  assert.deepEqual(error.details, { repository: GUN, keyIds: ids(wanted) });
  // Two keys whose ids begin alike are found by trial: one digit in 16 is enough of them.
  const many = Array.from({ length: 17 }, newKey);
  const alike = many.find((key, i) => many.slice(i + 1).some((other) => idOf(other)[0] === idOf(key)[0]))!;
  const crowded = await repositoryWith(many, many);
  await failsWith(
    () => signingKeys(crowded, { signer: "ci", keyId: idOf(alike)[0] }, undefined),
    "bad-input",
    "several keys",
  );
});

Deno.test("signing keys: a key that may sign and is not here is asked for; one that may not is to be added", async () => {
  const absent = await failsWith(
    () => signingKeys(BOTH, { signer: "ci", keyId: idOf(ONE) }, new Set([idOf(TWO)])),
    "not-found",
    `No key that may sign as "targets/ci" for "${GUN}" is here`,
  );
  assert.deepEqual(absent.next, { do: "bring-key", keyIds: [idOf(ONE)] });
  assert.ok(absent.remedy.includes(`(${short(ONE)})`));
  const wrong = await failsWith(
    () => signingKeys(BOTH, { signer: "ci", keyId: idOf(THREE) }, undefined),
    "bad-input",
    `the key is not in both "${RELEASES}" and "targets/ci"`,
  );
  assert.deepEqual(wrong.next, { do: "add-certificate" });
});

Deno.test("signing keys: a delegation that is not there is told, with those to sign as", async () => {
  const error = await failsWith(
    () => signingKeys(BOTH, { signer: "nobody" }, undefined),
    "not-found",
    `The repository "${GUN}" has no delegation "targets/nobody"`,
  );
  assert.doesNotMatch(error.message, /its only one/);
  assert.deepEqual(error.next, { do: "have-delegation-added", others: ["ci"] });
  assert.match(error.remedy, /; or sign as another one: ci$/);
  assert.deepEqual(error.details["roles"], ["targets/nobody"]);

  const alone = await judge(await buildFiles({ delegations: { [RELEASES]: { keys: [ONE] } } }));
  await failsWith(() => signingKeys(alone, { signer: "ci" }, undefined), "not-found", `"${RELEASES}" is its only one`);

  const none = await judge(await buildFiles({ delegations: {} }));
  const both = await failsWith(
    () => signingKeys(none, { signer: "ci" }, undefined),
    "not-found",
    `no delegation "${RELEASES}", "targets/ci"`,
  );
  assert.doesNotMatch(both.message, /its only one/);
  assert.doesNotMatch(both.remedy, /another one/);

  const many = Array.from(
    { length: 12 },
    (_, n) => [`targets/s${String(n).padStart(2, "0")}`, { keys: [ONE] }] as const,
  );
  const crowded = await judge(await buildFiles({ delegations: Object.fromEntries(many) }));
  const named = await failsWith(() => signingKeys(crowded, { signer: "ci" }, undefined), "not-found", "no delegation");
  assert.match(named.remedy, /: s00, s01, s02, s03, s04, s05, s06, s07, s08, s09$/);
});

Deno.test("signing keys: a delegation that wants two signatures is not signed with one", async () => {
  const keys = [ONE, TWO];
  const delegations = { [RELEASES]: { keys }, "targets/ci": { keys, threshold: 2 } };
  const repository = await judge(await buildFiles({ delegations }));
  const error = await failsWith(
    () => signingKeys(repository, { signer: "ci" }, undefined),
    "bad-input",
    'The role "targets/ci" needs 2 signatures',
  );
  assert.deepEqual(error.details, { repository: GUN, role: "targets/ci" });
});

Deno.test("signing keys: a delegation that Notary refuses, for a key that must not stand there, is not signed for", async () => {
  const { id } = ONE.publicKey;
  const set = [[["delegations", "keys", id], KEYS.stranger.publicKey.json]] as const;
  const barred = await repositoryWith([ONE, TWO], [ONE, TWO], { targets: { set } });
  const error = await failsWith(
    () => signingKeys(barred, { signer: "ci", keyId: idOf(TWO) }, undefined),
    "bad-input",
    `"${RELEASES}" of "${GUN}" names a key that Notary refuses: its id is`,
  );
  assert.deepEqual(error.next, { do: "have-key-removed", repository: GUN, keyId: id });
  assert.deepEqual(error.details, { repository: GUN, role: RELEASES, keyId: id });

  const harmless = [[["delegations", "keys", id, "keytype"], "of-tomorrow"]] as const;
  const passed = await repositoryWith([ONE, TWO], [ONE, TWO], { targets: { set: harmless } });
  assert.deepEqual(
    ids(signingKeys(passed, { signer: "ci" }, undefined)),
    [idOf(TWO)],
    "one that is only unknown is passed over",
  );
});

Deno.test("signing keys: of those that may, the policy's; a policy with another key is refused before anything is sent", async () => {
  const allowed = signingKeys(BOTH, { signer: "ci" }, undefined);
  assert.deepEqual(keysOfPolicy(BOTH, allowed, undefined), allowed);
  for (const key of [ONE, TWO]) {
    assert.deepEqual(ids(keysOfPolicy(BOTH, allowed, { policy: "release", keyId: idOf(key) })), [idOf(key)]);
  }
  const other = { policy: "release", keyId: idOf(THREE) };
  await failsWith(() => keysOfPolicy(BOTH, allowed, other), "bad-input", "may not sign");
  const error = await failsWith(
    () => requirePolicyKey(GUN, ids(allowed), { policy: "release", keyId: idOf(THREE) }),
    "bad-input",
    `"release" signs with the key ${short(THREE)}, which may not sign for "${GUN}"`,
  );
  assert.deepEqual(error.next, { do: "name-policy-or-delegate", repository: GUN, keyIds: ids(allowed) });
  assert.deepEqual(error.details, { repository: GUN, keyIds: ids(allowed), policyKeyId: idOf(THREE) });
});
