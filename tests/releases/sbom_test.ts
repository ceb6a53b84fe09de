/** The bill of materials, by the lock file's graph and the schema of CycloneDX. */
import assert from "node:assert/strict";
import { provenanceOf } from "../../lib/releases/provenance.ts";
import { billOfMaterials } from "../../lib/releases/sbom.ts";
import { shippedPackages } from "../../lib/releases/shipped.ts";

const sha512 = (byte: number) => `sha512-${new Uint8Array(64).fill(byte).toBase64()}`;
const LOCK = {
  version: "5",
  npm: {
    "@a/one@1.0.0_two@2.0.0": { integrity: sha512(1), dependencies: ["two@2.0.0", "unused"] },
    "two@2.0.0": { integrity: sha512(2), dependencies: ["three"] },
    "two@1.0.0": { integrity: sha512(3) },
    "three@3.1.0-rc.1": { integrity: sha512(4) },
    "unused@1.0.0": { integrity: sha512(5) },
  },
  workspace: { dependencies: ["npm:@a/one@1.0.0", "npm:unused@1.0.0"] },
};
const ids = (...given: string[]) => new Set(given);

Deno.test("sbom: packages whose code is shipped, with what they need of each other, and no other ones", () => {
  const { packages, direct } = shippedPackages(LOCK, ids("@a/one@1.0.0", "two@2.0.0", "three@3.1.0-rc.1"));
  assert.deepEqual(direct, ["@a/one@1.0.0"]);
  assert.deepEqual(packages.map(({ name, version, needs }) => [name, version, needs]), [
    ["@a/one", "1.0.0", ["two@2.0.0"]],
    ["three", "3.1.0-rc.1", []],
    ["two", "2.0.0", ["three@3.1.0-rc.1"]],
  ]);
  assert.equal(packages[2]!.sha512, "02".repeat(64));
  assert.throws(() => shippedPackages(LOCK, ids("four@1.0.0")), /deno\.lock does not hold "four@1\.0\.0"/);
  assert.throws(() => shippedPackages({ version: "5" }, ids()), /deno\.lock has no "npm"/);
});

Deno.test("sbom: it is what CycloneDX asks for, with licences", async () => {
  const contents = {
    version: "1.0.0",
    license: "Apache-2.0",
    licenses: new Map([["@a/one@1.0.0", "MIT"], ["two@2.0.0", "(MIT OR Apache-2.0)"]]),
    time: new Date("2026-11-28T12:00:00Z"),
    deno: "2.9.6",
    ...shippedPackages(LOCK, ids("@a/one@1.0.0", "two@2.0.0")),
  };
  const text = await billOfMaterials(contents);
  assert.equal(text, await billOfMaterials(contents), "nothing of it is by chance");
  const { specVersion, metadata, components, dependencies } = JSON.parse(text);
  assert.equal(specVersion, "1.6");
  assert.deepEqual([metadata.timestamp, metadata.component.name], ["2026-11-28T12:00:00.000Z", "tagseal"]);
  const of = (name: string) => components.find((each: { name: string }) => each.name === name);
  assert.equal(of("one").purl, "pkg:npm/%40a/one@1.0.0");
  assert.equal(of("one").group, "@a");
  assert.deepEqual(of("one").licenses, [{ license: { id: "MIT" } }]);
  assert.deepEqual(of("two").licenses, [{ expression: "(MIT OR Apache-2.0)" }]);
  assert.deepEqual(of("two").hashes, [{ alg: "SHA-512", content: "02".repeat(64) }]);
  assert.deepEqual(dependencies.find((each: { ref: string }) => each.ref === "tagseal@1.0.0").dependsOn, [
    "@a/one@1.0.0",
    "deno@2.9.6",
  ]);
  const { components: without } = JSON.parse(await billOfMaterials({ ...contents, deno: undefined }));
  assert.equal(without.length, components.length - 1, "the single file has no Deno in it");
});

Deno.test("provenance: the statement names files, commit, tools, and neither time nor place", () => {
  const made = {
    files: [{ name: "tagseal", sha256: "ab".repeat(32) }],
    commit: "cd".repeat(20),
    source: "git+https://git.example.com/tagseal",
    builder: "https://ci.example.com/",
    parameters: { version: "1.0.0", targets: ["x86_64-unknown-linux-gnu"] },
    tools: [{ name: "deno", sha256: "ef".repeat(32) }],
  };
  const statement = JSON.parse(provenanceOf(made));
  assert.deepEqual([statement._type, statement.predicateType], [
    "https://in-toto.io/Statement/v1",
    "https://slsa.dev/provenance/v1",
  ]);
  assert.deepEqual(statement.subject, [{ name: "tagseal", digest: { sha256: "ab".repeat(32) } }]);
  const { buildDefinition, runDetails } = statement.predicate;
  assert.deepEqual(buildDefinition.externalParameters, made.parameters);
  assert.deepEqual(buildDefinition.resolvedDependencies, [
    { name: "source", uri: made.source, digest: { gitCommit: made.commit } },
    { name: "deno", digest: { sha256: "ef".repeat(32) } },
  ]);
  assert.deepEqual(runDetails, { builder: { id: made.builder } });
});
