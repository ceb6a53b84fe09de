/** Setting up, delegating, verifying: what the commands' tests cannot reach. */
import assert from "node:assert/strict";
import { readDelegationCertificate } from "../../lib/flows/delegation_certificate.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { signerRole } from "../../lib/tuf/roles.ts";
import { readRootCertificate } from "../../lib/flows/root_certificate.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { listTags, verifyTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, manifestOf } from "../support/flow_world.ts";

const GUN = "registry.test/acme/app";
const DAY = 86_400_000;

Deno.test("names of delegations", async () => {
  for (const name of ["signpath", "team_b", "a-1"]) assert.equal(signerRole(name), `targets/${name}`);
  for (const name of ["", "releases", "a/b", "A", "..", "ä", "a".repeat(300)]) {
    await failsWith(() => signerRole(name), "usage", "cannot be the name of a delegation");
  }
});

Deno.test("a new repository is read back over connections that are open by then", async () => {
  const world = await FlowWorld.begin();
  const most = { before: 0, after: 0 };
  let underWay = 0, isPosted = false;
  world.between = async (request, send) => {
    isPosted ||= request.method === "POST";
    const phase = isPosted ? "after" : "before";
    most[phase] = Math.max(most[phase], ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return await send(request).finally(() => underWay--);
  };
  await world.init(GUN);
  assert.equal(most.after, 5);
  assert.equal(most.before, 5);
});

Deno.test("administrators who add delegations at once lose nothing, and type their passphrase once", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  const keys = (await Promise.all(Array.from({ length: 4 }, () => FlowWorld.begin()))).map((each) =>
    each.delegationKey
  );
  const results = await Promise.all(
    keys.map((key, i) => addDelegation(world.trust(), world.keys, { gun: GUN, name: `team-${i}`, key })),
  );
  assert.deepEqual(results.map(({ outcome }) => outcome), keys.map(() => "published"));
  assert.equal(world.keys.opened, 4);
  for (const [i, key] of keys.entries()) {
    const again = await addDelegation(world.trust(), world.keys, { gun: GUN, name: `team-${i}`, key });
    assert.deepEqual([again.outcome, again.targetsVersion], ["unchanged", 5]);
  }
});

Deno.test("a delegation certificate: its dates, and the half year of warning", async (t) => {
  const now = new Date("2026-06-01T00:00:00Z");
  const { certificateDer, certificatePem } = await createSigningCertificate({
    commonName: "signer",
    algorithm: "ecdsa-p256",
    now,
    days: 365,
  });
  const at = (days: number) => new Date(now.getTime() + days * DAY);
  const read = (when: Date) => readDelegationCertificate(certificateDer, "a.cer", when);
  await t.step("PEM and DER are the same key", () => {
    const pem = readDelegationCertificate(new TextEncoder().encode(certificatePem), "a.pem", now);
    assert.equal(pem.key.id, read(now).key.id);
    assert.deepEqual(pem.warnings, []);
  });
  await t.step("warned of from half a year before", () => {
    assert.deepEqual(read(at(365 - 184)).warnings, []);
    assert.deepEqual(read(at(365 - 182)).warnings, ['The certificate "a.cer" expires on 2027-06-01']);
  });
  await t.step("refused outside of its dates", async () => {
    assert.equal(read(new Date(at(365).getTime() - 1000)).warnings.length, 1);
    await failsWith(() => read(at(365)), "bad-input", '"a.cer"', "expired on 2027-06-01");
    await failsWith(() => read(at(-1)), "bad-input", '"a.cer"', "valid from 2026-05-31");
  });
});

Deno.test("verify and list say when everything expires, and fail on what is not signed", async () => {
  const world = await FlowWorld.begin();
  const { rootKeyId, targetsKeyId, rootCertificate } = await world.init(GUN);
  await signTags([world.task(GUN, ["v1"])], { ...world.options, attempts: 1 });
  const { tags, expires, skipped } = await verifyTags(
    world.trust(),
    GUN,
    ["v1"],
    new Map([["v1", manifestOf("v1").digest]]),
  );
  assert.deepEqual([tags.length, skipped], [1, []]);
  assert.deepEqual([...expires.keys()].sort(), [
    "root",
    "snapshot",
    "targets",
    "targets/releases",
    "targets/signpath",
    "timestamp",
  ]);
  for (const time of expires.values()) assert.ok(Date.parse(time) > world.at.getTime());
  const error = await failsWith(verifyTags(world.trust(), GUN, ["v1", "v0", "v2"]), "not-signed", "v0, v2");
  assert.deepEqual(error.details["tags"], ["v0", "v2"]);
  const read = await readRootCertificate(world.trust(), GUN);
  assert.deepEqual([read.rootKeyId, read.targetsKeyId], [rootKeyId, targetsKeyId]);
  assert.equal(read.rootCertificate.der.toHex(), rootCertificate.der.toHex());
});

Deno.test("a root that was met without a pin is told, once", async () => {
  const world = await FlowWorld.begin();
  const { rootKeyId } = await world.init(GUN);
  const told: [string, readonly string[]][] = [];
  const trust = { ...world.trust(), onFirstUse: (gun: string, ids: readonly string[]) => void told.push([gun, ids]) };
  await listTags(trust, GUN);
  await listTags(trust, GUN);
  assert.deepEqual(told, [[GUN, [rootKeyId]]]);
  await listTags({ ...trust, store: world.trust().store, pin: { keyId: rootKeyId } }, GUN);
  assert.equal(told.length, 1);
});

Deno.test("trust data that is refused is named with its repository and server", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  world.at = new Date("2040-01-01T00:00:00Z");
  const error = await failsWith(listTags(world.trust(), GUN), "trust-invalid", GUN);
  assert.equal(error.details["repository"] ?? error.details["gun"], GUN);
  world.between = () => Promise.resolve(new Response("{}"));
  await failsWith(
    listTags(world.trust(), GUN),
    "trust-invalid",
    "root",
    `(repository "${GUN}" at "https://notary.test")`,
  );
});
