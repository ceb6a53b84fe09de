/** Notation's trust policy and trust store. */
import assert from "node:assert/strict";
import { trustedIdentity } from "../../../lib/flows/policies/trusted_identity.ts";
import { failsWith } from "../../support/failures.ts";
import { ACME, FolderInMemory, inputFor, pems, signer } from "../../support/policy_world.ts";

const APP = "registry.example.com/team/app";
const POLICY = "notation/trustpolicy.json";
const STORE = "notation/truststore/x509/ca/signpath";
const certificate = await signer();
const statement = {
  name: "tagseal-signpath",
  registryScopes: [APP],
  signatureVerification: { level: "strict" },
  trustStores: ["ca:signpath"],
  trustedIdentities: ["x509.subject: C=AT, ST=Vienna, O=Acme GmbH, CN=Release"],
};

Deno.test("notation: the certificate goes into a store of its own, its subject into the policy", async () => {
  const folder = new FolderInMemory();
  const { outcomes, commands, notes } = await folder.put("notation", inputFor(certificate, APP));
  const [file, policy] = Object.keys(outcomes) as [string, string];
  assert.match(file, /^notation\/truststore\/x509\/ca\/signpath\/[0-9a-f]{16}\.pem$/);
  assert.equal(folder.files.get(file), pems(certificate).certificate);
  assert.deepEqual(folder.json(policy), { version: "1.0", trustPolicies: [statement] });
  assert.deepEqual(commands, [["env", "XDG_CONFIG_HOME=/srv/verifiers", "notation", "verify", `${APP}:TAG`]]);
  assert.match(notes.join("\n"), /signatures end with the certificate, on \d{4}-\d\d-\d\d/);
  const again = await folder.put("notation", inputFor(certificate, APP));
  assert.deepEqual([...new Set(Object.values(again.outcomes))], ["unchanged"]);
});

Deno.test("notation: statements of others stay; more repositories and a new certificate of the signer are added", async () => {
  const others = { ...statement, name: "site", registryScopes: ["registry.example.com/other"], extra: [1] };
  const folder = new FolderInMemory({ [POLICY]: JSON.stringify({ version: "1.0", trustPolicies: [others] }) });
  await folder.put("notation", inputFor(certificate, APP));
  await folder.put("notation", inputFor(await signer(), "acme/app", APP));
  assert.deepEqual(folder.json(POLICY), {
    version: "1.0",
    trustPolicies: [others, { ...statement, registryScopes: [APP, "docker.io/acme/app"] }],
  });
  assert.equal((await folder.list(STORE)).length, 2);
});

Deno.test("notation: what says otherwise is never overwritten", async (t) => {
  const policy = (changed: object) => JSON.stringify({ version: "1.0", trustPolicies: [{ ...statement, ...changed }] });
  const cases: [name: string, path: string, content: string | null, says: string][] = [
    ["the scope in another statement", POLICY, policy({ name: "site" }), `site / registryScopes / ${APP}`],
    ["another level", POLICY, policy({ signatureVerification: { level: "skip" } }), "signatureVerification / level"],
    ["another store", POLICY, policy({ trustStores: ["ca:other"] }), "trustPolicies / 0 / trustStores"],
    ["another subject", POLICY, policy({ trustedIdentities: ["*"] }), "trustPolicies / 0 / trustedIdentities"],
    ["another format", POLICY, '{"version":"2.0"}', 'at "version"'],
    ["no certificate in the store", `${STORE}/README`, "", "makes Notation fail for all images"],
    ["a link in the store", `${STORE}/a.pem`, null, "makes Notation fail for all images"],
  ];
  for (const [name, path, content, says] of cases) {
    await t.step(name, async () => {
      const folder = new FolderInMemory({ [path]: content });
      await failsWith(folder.put("notation", inputFor(certificate, APP)), "exists", says);
      assert.equal(folder.files.size, 1);
    });
  }
});

Deno.test("notation: a subject that no policy can name is any subject, in a store with this certificate alone", async () => {
  const nameless = await signer([]);
  const folder = new FolderInMemory();
  const { notes } = await folder.put("notation", inputFor(nameless, APP));
  assert.deepEqual(folder.json(POLICY).trustPolicies[0].trustedIdentities, ["*"]);
  assert.match(notes.join("\n"), /any subject is trusted/);
  await failsWith(folder.put("notation", inputFor(await signer([]), APP)), "exists", "would be trusted, too");
  const ca = { ...inputFor(nameless, APP), anchor: certificate };
  await failsWith(new FolderInMemory().put("notation", ca), "bad-input", "from others of the same CA");
});

Deno.test("notation: subjects are named as RFC 4514 escapes them, or not at all", async (t) => {
  const cases: [name: string, attributes: readonly [string, string][], identity: string | undefined][] = [
    [
      "signs",
      [["C", "AT"], ["ST", " Vienna "], ["O", '#Acme, "x" + <y>; \\']],
      String
        .raw`C=AT, ST=\ Vienna\ , O=\#Acme\, \"x\" \+ \<y\>\; \\, CN=Release`,
    ],
    [
      "letters of other scripts",
      [...ACME, ["L", "Übersee"]] as [string, string][],
      "C=AT, ST=Vienna, O=Acme GmbH, L=Übersee, CN=Release",
    ],
    ["no state", [["C", "AT"], ["O", "Acme"]], undefined],
    ["two units", [...ACME, ["OU", "a"], ["OU", "b"]] as [string, string][], undefined],
    ["a name that Go does not know", [...ACME, ["E", "a@example.com"]] as [string, string][], undefined],
    ["what looks like a number to Notation", [...ACME, ["L", "a=#b"]] as [string, string][], undefined],
  ];
  for (const [name, attributes, identity] of cases) {
    await t.step(name, async () => {
      assert.equal(trustedIdentity(await signer(attributes)), identity && `x509.subject: ${identity}`);
    });
  }
});
