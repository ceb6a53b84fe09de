/** The files for Kubernetes: golden, of the fields that the controllers know, and for these repositories alone. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { failsWith } from "../../support/failures.ts";
import { POLICY_SHAPES } from "../../support/policy_shapes.ts";
import { FolderInMemory, indented, inputFor, pems, signer } from "../../support/policy_world.ts";
import { differences } from "../../support/shapes.ts";

const APP = "registry.example.com/team/app";
const certificate = await signer();
const { key, certificate: pem } = pems(certificate);

async function written(verifier: string, path: string, ...names: [string, ...string[]]): Promise<string> {
  const folder = new FolderInMemory();
  await folder.put(verifier, inputFor(certificate, ...names));
  return folder.files.get(path)!;
}

Deno.test("kyverno: one policy for cosign's signatures, one for Notation's", async () => {
  const golden = (name: string, type: string, attestor: string) =>
    `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: tagseal-signpath-${name}
spec:
  webhookConfiguration:
    failurePolicy: Fail
    timeoutSeconds: 30
  background: false
  rules:
    - name: ${name}
      match:
        any:
          - resources:
              kinds:
                - Pod
      verifyImages:
        - type: ${type}
          imageReferences:
            - ${APP}:*
            - ${APP}@*
          failureAction: Enforce
          attestors:
            - count: 1
              entries:
                - ${attestor}
`;
  const cosign = `keys:
                    publicKeys: |
                      ${indented(key, 22)}
                    signatureAlgorithm: sha256
                    rekor:
                      ignoreTlog: true
                      url: https://rekor.sigstore.dev
                    ctlog:
                      ignoreSCT: true`;
  const notary = `certificates:
                    cert: |
                      ${indented(pem, 22)}`;
  assert.equal(await written("kyverno", "kyverno/cosign.yaml", APP), golden("cosign", "Cosign", cosign));
  assert.equal(await written("kyverno", "kyverno/notary.yaml", APP), golden("notary", "Notary", notary));
});

Deno.test("connaisseur: validators and rules", async () => {
  const rule = (pattern: string) =>
    `    - pattern: ${pattern}
      validator: tagseal-signpath-cosign
      with:
        trustRoot: default
        verifyInTransparencyLog: false
        verifySCT: false
`;
  assert.equal(
    await written("connaisseur", "connaisseur/values.yaml", APP),
    `application:
  validators:
    - name: tagseal-signpath-cosign
      type: cosign
      trustRoots:
        - name: default
          key: |
            ${indented(key, 12)}
    - name: tagseal-signpath-notation
      type: notation
      trustRoots:
        - name: default
          cert: |
            ${indented(pem, 12)}
  policy:
${rule(`${APP}:*`)}${rule(`${APP}@*`)}`,
  );
});

Deno.test("ratify: keys and certificates as resources, verifiers that name them", async () => {
  const folder = new FolderInMemory();
  await folder.put("ratify", inputFor(certificate, APP));
  const head = (kind: string, name: string) =>
    `apiVersion: config.ratify.deislabs.io/v1beta1
kind: ${kind}
metadata:
  name: tagseal-signpath-${name}
spec:
`;
  assert.deepEqual(Object.fromEntries(folder.files), {
    "ratify/key.yaml": `${head("KeyManagementProvider", "key")}  type: inline
  parameters:
    contentType: key
    value: |
      ${indented(key, 6)}
`,
    "ratify/certificate.yaml": `${head("KeyManagementProvider", "certificate")}  type: inline
  parameters:
    contentType: certificate
    value: |
      ${indented(pem, 6)}
`,
    "ratify/cosign.yaml": `${head("Verifier", "cosign")}  name: cosign
  artifactTypes: application/vnd.dev.cosign.artifact.sig.v1+json
  parameters:
    trustPolicies:
      - name: tagseal-signpath
        version: 1.0.0
        scopes:
          - ${APP}:*
          - ${APP}@*
        keys:
          - provider: tagseal-signpath-key
        tLogVerify: false
`,
    "ratify/notation.yaml": `${head("Verifier", "notation")}  name: notation
  artifactTypes: application/vnd.cncf.notary.signature
  parameters:
    verificationCertStores:
      ca:
        certificates:
          - tagseal-signpath-certificate
    trustPolicyDoc:
      version: "1.0"
      trustPolicies:
        - name: tagseal-signpath
          registryScopes:
            - ${APP}
          signatureVerification:
            level: strict
          trustStores:
            - ca:certificates
          trustedIdentities:
            - x509.subject: C=AT, ST=Vienna, O=Acme GmbH, CN=Release
`.replace(
      "x509.subject: C=AT, ST=Vienna, O=Acme GmbH, CN=Release",
      '"x509.subject: C=AT, ST=Vienna, O=Acme GmbH, CN=Release"',
    ),
  });
});

Deno.test("policy-controller: one policy, which knows Docker Hub by another name", async () => {
  assert.equal(
    await written("policy-controller", "policy-controller/cosign.yaml", APP, "acme/app"),
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: tagseal-signpath
spec:
  images:
    - glob: ${APP}:**
    - glob: ${APP}@**
    - glob: index.docker.io/acme/app:**
    - glob: index.docker.io/acme/app@**
  authorities:
    - name: tagseal-signpath-key
      key:
        hashAlgorithm: sha256
        data: |
          ${indented(key, 10)}
`,
  );
});

Deno.test("clusters: all fields are ones that the controllers know, of the right kind", async () => {
  for (const [verifier, shapes] of Object.entries(POLICY_SHAPES)) {
    const folder = new FolderInMemory();
    await folder.put(verifier, inputFor(certificate, APP, "acme/app"));
    assert.deepEqual([...folder.files.keys()].sort(), Object.keys(shapes).sort());
    for (const [path, shape] of Object.entries(shapes)) {
      assert.deepEqual([...differences(parse(folder.files.get(path)!, { version: "1.1" }), shape, path)], []);
    }
  }
  const broken = parse(await written("kyverno", "kyverno/cosign.yaml", APP));
  broken.spec.rules[0].verifyImages[0].failureAction = "Audit it";
  broken.spec.rules[0].verifyImages[0].attestor = [];
  assert.equal([...differences(broken, POLICY_SHAPES.kyverno["kyverno/cosign.yaml"], "")].length, 2);
});

Deno.test("clusters: every image of a repository is matched, and no image of another one", async () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const [own, foreign] = [
    [`${APP}:v1`, `${APP}@${digest}`, `${APP}:1.0_x-Y`],
    [
      `${APP}2:v1`,
      `${APP}/sub:v1`,
      `${APP}-x@${digest}`,
      `registry.example.com/team/ap:v1`,
      `${APP.replace(".", "x")}:v1`,
    ],
  ];
  const lists: [verifier: string, path: string, (document: ReturnType<typeof JSON.parse>) => string[]][] = [
    ["kyverno", "kyverno/cosign.yaml", ({ spec }) => spec.rules[0].verifyImages[0].imageReferences],
    ["kyverno", "kyverno/notary.yaml", ({ spec }) => spec.rules[0].verifyImages[0].imageReferences],
    ["ratify", "ratify/cosign.yaml", ({ spec }) => spec.parameters.trustPolicies[0].scopes],
    [
      "connaisseur",
      "connaisseur/values.yaml",
      ({ application }) => application.policy.map(({ pattern }: { pattern: string }) => pattern),
    ],
    [
      "policy-controller",
      "policy-controller/cosign.yaml",
      ({ spec }) => spec.images.map(({ glob }: { glob: string }) => glob),
    ],
  ];
  for (const [verifier, path, read] of lists) {
    // To all of them a star at the end is whatever follows; before it, all signs stand for themselves.
    const starts = read(parse(await written(verifier, path, APP))).map((pattern) => pattern.replace(/\*+$/, ""));
    assert.ok(starts.every((start) => !start.includes("*")), path);
    const matched = [...own!, ...foreign!].filter((image) => starts.some((start) => image.startsWith(start)));
    assert.deepEqual(matched, own, path);
  }
});

Deno.test("clusters: repositories are added, comments stay, and what says otherwise is refused", async (t) => {
  for (const [verifier, shapes] of Object.entries(POLICY_SHAPES)) {
    await t.step(verifier, async () => {
      const folder = new FolderInMemory();
      await folder.put(verifier, inputFor(certificate, APP));
      for (const [path, content] of folder.files) folder.files.set(path, `# by hand\n${content}`);
      const grown = await folder.put(verifier, inputFor(certificate, "acme/app"));
      assert.ok(Object.values(grown.outcomes).includes("merged"));
      const both = new FolderInMemory();
      await both.put(verifier, inputFor(certificate, APP, "acme/app"));
      for (const path of Object.keys(shapes)) {
        assert.equal(folder.files.get(path), `# by hand\n${both.files.get(path)}`);
      }
      const again = await folder.put(verifier, inputFor(certificate, APP, "acme/app"));
      assert.deepEqual([...new Set(Object.values(again.outcomes))], ["unchanged"]);
      await failsWith(folder.put(verifier, inputFor(await signer(), APP)), "exists", "says otherwise already at");
    });
  }
});

Deno.test("clusters: what others have in Connaisseur's values stays", async () => {
  const values = `application:
  validators:
    - { name: allow, type: static, approve: true }
  policy:
    - pattern: "*:*"
      validator: deny
`;
  const folder = new FolderInMemory({ "connaisseur/values.yaml": values });
  await folder.put("connaisseur", inputFor(certificate, APP));
  const { application } = parse(folder.files.get("connaisseur/values.yaml")!);
  assert.deepEqual(application.validators[0], { name: "allow", type: "static", approve: true });
  assert.deepEqual(application.policy[0], { pattern: "*:*", validator: "deny" });
  assert.deepEqual([application.validators.length, application.policy.length], [3, 3]);
  const taken = values.replace('"*:*"', `${APP}:*`);
  const other = new FolderInMemory({ "connaisseur/values.yaml": taken });
  await failsWith(
    other.put("connaisseur", inputFor(certificate, APP)),
    "exists",
    "application / policy / 0 / validator",
  );
});

Deno.test("clusters: names that a controller cannot express are refused", async () => {
  const refused = (verifier: string, name: string) =>
    failsWith(new FolderInMemory().put(verifier, inputFor(certificate, name)), "bad-input", `no policy for "${name}"`);
  await refused("ratify", "registry.example.com/team/my_app");
  await refused("ratify", "[::1]:5000/team/app");
  await refused("policy-controller", "[::1]:5000/team/app");
});

Deno.test("yaml: plain words that programs take for other things are quoted", async () => {
  const { mergedYaml } = await import("../../../lib/flows/policies/documents.ts");
  const words = [
    ...["yes", "on", "NO", "null", "~", "", "1.0", "0o7", "0777", "1_000", "12:30:45", "1e3", ".inf", "2026-11-28"],
    ...[
      "true",
      "# x",
      "a: b",
      "- a",
      "*x",
      "&x",
      "!x",
      "| x",
      "> x",
      "%x",
      "@x",
      "`x",
      "{x",
      "[x",
      "x #y",
      " x ",
      "x\n",
      "\n",
    ],
    ...[
      '"',
      "'",
      "\\",
      "a\tb",
      "\u0085",
      "\u2028",
      "\0",
      "ü",
      "<<",
      "=",
      "---",
      "...",
      "localhost:5000/a:*",
      "?",
      "? x",
      "x:",
    ],
  ];
  const ours = { list: words, ...Object.fromEntries(words.map((word) => [word, word])) };
  const { content } = await mergedYaml(new FolderInMemory(), "x.yaml", ours);
  for (const version of ["1.1", "1.2"] as const) {
    assert.deepEqual(parse(new TextDecoder().decode(content), { version }), ours, version);
  }
});
