/** `tagseal demo`: that it tells the whole story, fits a terminal, and leaves nothing behind. */
import assert from "node:assert/strict";
import { tagseal } from "../support/run.ts";

/** What must be said, in this order. */
const STORY: readonly RegExp[] = [
  /pushed localhost:\d+\/demo\/app:v1, sha256:[0-9a-f]{12}…/,
  /admin\$ tagseal init /,
  /targets\/releases [0-9a-f]{12}… published/,
  /admin\$ tagseal keys\n {2}\S+\n {4}ROLE .*\n {4}root +[0-9a-f]{7} /,
  /agent: SIGNPATH_API_TOKEN=\(secret\)/,
  /agent\$ tagseal sign .* --dry-run\n {2}Dry run: nothing was signed/,
  /:v1 not signed -> sha256:[0-9a-f]{12}…/,
  /agent\$ tagseal sign .* -t v1\n(.*\n)*?.*:v1 sha256:[0-9a-f]{12}… published/,
  /agent\$ tagseal keys\n {2}There are no keys\./,
  /consumer\$ tagseal verify .* -t v1\n {2}v1 sha256:/,
  /consumer\$ tagseal verify .* -t v2\n.*Not signed in .*: v2\n.*\n.*\(exit code 3/,
  /is\s+not the one that the manifest names\n(.*\n){2,3}.*\(exit code 3/,
  /consumer\$ tagseal list .*\n {2}v1 sha256:.* signpath\n\n/,
  /publisher\$ tagseal download [^]*WaitingForApproval[^]*\(exit code 8/,
  /\(approved at SignPath: /,
  /publisher\$ tagseal push .*\n.*:v2 sha256:[0-9a-f]{12}… published/,
  /--scheme cosign,notation\n(.*\n)*?.*:v2 sha256:[0-9a-f]{12}… published \(cosign\)\n(.*\n)*?.* published \(notation\)/,
  /consumer\$ tagseal verify .* --scheme cosign --key signpath\.cer\n {2}v1 sha256:/,
  /verifiers\/policy\.json written/,
  /Signed tags: 2\n {4}v1 {2}signed by signpath\n/,
  /Done in [\d.]+ s\. Nothing is left behind\.\n$/,
];

Deno.test("demo: the whole story within 100 columns, and nothing left behind", async () => {
  const cwd = await Deno.makeTempDir();
  const { code, stdout, stderr } = await tagseal(["demo"], { cwd });
  assert.deepEqual([code, stderr], [0, ""], stdout);
  let rest = stdout;
  for (const words of STORY) {
    const found = words.exec(rest) ?? assert.fail(`${words} is missing in:\n${rest}`);
    rest = rest.slice(found.index + found[0].length);
  }
  assert.deepEqual(stdout.split("\n").filter((line) => line.length > 100), []);
  assert.doesNotMatch(stdout, /[0-9a-f]{32}|PRIVATE KEY/, "neither long ids nor secrets");
  assert.deepEqual(await Array.fromAsync(Deno.readDir(cwd)), []);
  await Deno.remove(cwd, { recursive: true });
});

Deno.test("demo --json: the story goes to stderr, and stdout has one document", async () => {
  const cwd = await Deno.makeTempDir();
  const outcome = await tagseal(["demo", "--json"], { cwd });
  assert.equal(outcome.code, 0, outcome.stderr);
  const { ok, seconds } = outcome.json();
  assert.deepEqual([ok, typeof seconds], [true, "number"]);
  assert.match(outcome.stderr, /^Registry, Notary server and SignPath service are up/);
  await Deno.remove(cwd, { recursive: true });
});
