/** Build metadata: which tags were built as what. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { readBuildxMetadata } from "../../lib/cli/buildx.ts";
import { failsWith } from "../support/failures.ts";

const GUN = "registry.test:5000/acme/app";
const [A, B] = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
const read = (metadata: unknown, gun = GUN) => readBuildxMetadata(utf8(JSON.stringify(metadata)), "meta.json", gun);

Deno.test("a build: all names of one digest, other repositories left out", () => {
  const names = `${GUN}:v1,${GUN}:v1.2,registry.test:5000/acme/other:v1, ${GUN}`;
  const metadata = { "containerimage.digest": A, "image.name": names, "buildx.build.provenance": { a: 1 } };
  assert.deepEqual([...read(metadata)], [["v1", A], ["v1.2", A], ["latest", A]]);
  assert.deepEqual([...read({ "containerimage.digest": B, "image.name": "acme/x:2" }, "docker.io/acme/x")], [["2", B]]);
});

Deno.test("a byte order mark in front of the file, as PowerShell writes it, is no part of it", () => {
  const metadata = utf8(`\ufeff${JSON.stringify({ "containerimage.digest": A, "image.name": `${GUN}:v1` })}`);
  assert.deepEqual([...readBuildxMetadata(metadata, "meta.json", GUN)], [["v1", A]]);
});

Deno.test("a bake: each target with its own", () => {
  const target = (digest: string, tag: string) => ({ "containerimage.digest": digest, "image.name": `${GUN}:${tag}` });
  assert.deepEqual([...read({ app: target(A, "v1"), tool: target(B, "t1"), "buildx.build.warnings": [] })], [
    ["v1", A],
    ["t1", B],
  ]);
});

Deno.test("what is no build metadata, contradicts itself, or is about something else", async () => {
  const name = `${GUN}:v1`;
  const cases: readonly [metadata: unknown, words: string][] = [
    [{}, "built nothing that is named"],
    [null, "built nothing"],
    [{ "containerimage.digest": A, "image.name": "acme/other:v1" }, `named "${GUN}"`],
    [{ "containerimage.digest": A }, "built nothing"],
    [{
      a: { "containerimage.digest": A, "image.name": name },
      b: { "containerimage.digest": B, "image.name": name },
    }, '"v1" twice'],
  ];
  for (const [metadata, words] of cases) await failsWith(() => read(metadata), "bad-input", "meta.json", words);
  await failsWith(() => readBuildxMetadata(utf8("{"), "meta.json", GUN), "bad-input", "not JSON");
  await failsWith(() => read({ "containerimage.digest": "sha256:1", "image.name": name }), "usage", "sha256:1");
});
