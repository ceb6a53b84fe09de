/** What commands print with `--json` is what the reference says, and the reference is what `deno task sync` writes. */
import assert from "node:assert/strict";
import { variablesOf } from "../../lib/cli/needs.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { DOCUMENTS, FAILURE, type Shape } from "../../tasks/documents.ts";
import { reference } from "../../tasks/reference.ts";
import { VARIABLES } from "../../tasks/variables.ts";
import { Story } from "../support/local_story.ts";
import { documentIn } from "../support/run.ts";
import { differences } from "../support/shapes.ts";

Deno.test("documents: a difference is one", () => {
  const found = (value: unknown, shape: Shape) => [...differences(value, shape, "")];
  const shape: Shape = { a: "integer | null", "b?": ["digest"], c: { "<name>": "published | unchanged" } };
  const digest = `sha256:${"0".repeat(64)}`;
  assert.deepEqual(found({ a: null, c: {} }, shape), []);
  assert.deepEqual(found({ a: 1, b: [digest], c: { x: "published" } }, shape), []);
  assert.deepEqual(found({ a: "1", b: ["sha256:0"], c: { x: "lost" }, d: 0 }, shape), [
    '.a: "1" is no integer | null',
    '.b[0]: "sha256:0" is no digest',
    '.c.x: "lost" is no published | unchanged',
    ".d: the reference does not name it",
  ]);
  assert.deepEqual(found({ a: 0 }, shape), [".c: missing"]);
});

Deno.test("documents: REFERENCE.md is what `deno task sync` writes", async () => {
  assert.equal(await Deno.readTextFile(new URL("../../REFERENCE.md", import.meta.url)), await reference());
});

Deno.test("documents: every variable that a command reads is explained", async () => {
  const read = await Promise.all(
    Object.values(COMMANDS).map(async ({ needs, load }) => {
      const { flags } = (await load()).command;
      return [...variablesOf(needs), ...Object.values(flags).flatMap(({ variable }) => variable ?? [])];
    }),
  );
  assert.deepEqual([...new Set(read.flat())].filter((name) => !Object.hasOwn(VARIABLES, name)), []);
});

Deno.test("documents: commands print what the reference says", async () => {
  await using story = await Story.begin();
  const { gun } = story;
  const checked = new Set<string>();
  const check = (stdout: string, shape: Shape | undefined, name: string) => {
    assert.ok(shape, `the reference has no document of ${name}`);
    assert.deepEqual([...differences(documentIn(stdout), shape, "")], [], name);
  };
  const prints = async (args: readonly string[], when = "") => {
    const [name] = args;
    const { stdout } = await story.succeed([...args, "--json"]);
    check(stdout, DOCUMENTS[name!]?.[when], [name, when].join(" "));
    checked.add(name!);
    return documentIn(stdout);
  };
  await story.push("v1");
  await story.push("v2");
  await story.push("v3");
  const { targetsKeyId } = await prints(["init", "-r", gun]);
  await prints(["env"]);
  await prints(["add-delegation", "-r", gun, "--delegation-certificate", "signpath.cer"]);
  await prints(["root-certificate", "-r", gun, "--output-artifact-path", "root.pem"]);
  await prints(["sign", "-r", gun, "-t", "v1", "--dry-run"], "--dry-run");
  await prints(["sign", "-r", gun, "-t", "v1"]);
  await prints(["sign", "-r", gun, "-t", "v1"]);
  await prints(["signing-data", "--print-artifact-configuration"], "--print-artifact-configuration");
  const data = ["signing-data", "-r", gun, "-t", "v2", "--output-artifact-path", "data.zip"];
  await prints(data);
  await prints(["show", "data.zip"]);
  const { signingRequestId } = await prints(["submit", "--input-artifact-path", "data.zip"]);
  await prints(["submit", "--input-artifact-path", "data.zip", "--wait-for-completion"]);
  await prints(["download", signingRequestId]);
  await prints(["resume", signingRequestId, "-r", gun]);
  await prints(["push", "-r", gun, "--input-artifact-path", "data.signed.zip"]);
  const manual = ["--signing-policy-slug", "release-signing-with-approval"];
  await prints(["signing-data", "-r", gun, "-t", "v3", "--output-artifact-path", "v3.zip"]);
  const waits = await prints(["submit", "--input-artifact-path", "v3.zip", ...manual]);
  await prints(["cancel", waits.signingRequestId]);
  await prints(["renew", "-r", gun]);
  await prints(["remove-tag", "-r", gun, "-t", "v2"]);
  await prints(["list", "-r", gun, "--all"]);
  await prints(["verify", "-r", gun, "-t", "v1"]);
  await prints(["verify", "-r", gun, "--registry"], "--registry");
  await prints(["report", "-r", gun, "--output-artifact-path", "report.html"]);
  await prints(["inspect", "-r", gun]);
  const audited = await story.run(["audit", "-r", gun, "--json"]); // what it finds wrong is an exit code
  check(audited.stdout, DOCUMENTS["audit"]?.[""], "audit");
  checked.add("audit");
  await prints(["status", "-r", gun, "--fail-within", "1"]);
  await prints(["status", "-r", gun, "--summary"], "--summary");
  await prints(["export", "-r", gun, "--output-artifact-path", "trust.zip"]);
  await prints(["forget", "-r", gun, "--root-pin", "root.pem"]);
  await prints(["list", "-r", gun, "--from", "trust.zip"]);
  await prints(["list", "-r", gun, "--since", "1h"], "--since");
  await prints(["diff", "trust.zip", "-r", gun], "-r");
  await prints(["diff", "trust.zip", "trust.zip"]);
  const verifiers = ["--for", "podman,notation,kyverno,connaisseur,ratify,policy-controller"];
  const certificate = ["--delegation-certificate", "signpath.cer"];
  await prints(["policy", "-r", gun, ...certificate, ...verifiers, "--output-dir", "verifiers"]);
  const migrate = ["migrate", "-r", gun, "--scheme", "cosign", ...certificate];
  await prints([...migrate, "--dry-run"], "--dry-run");
  await prints(migrate);
  await prints(["keys"]);
  await prints(["completion", "bash"]);
  await prints(["help", "exit-codes"]);
  const move = ["move", "-r", gun, "--to-notary-url", `https://${story.peers.host}`, "--to-repository", `${gun}/moved`];
  await prints([...move, "--dry-run"], "--dry-run");
  await prints(move);
  await prints(["doctor", "-r", gun]);
  await prints(["rotate-key", "-r", gun, "--role", "targets"]);
  await prints(["rotate-key", "-r", gun, "--role", "root", "--output-artifact-path", "new.pem"]);
  await prints(["delete-key", targetsKeyId, "--yes"]);
  await prints(["remove-delegation", "-r", gun, "--delegation", "signpath", "--yes"]);
  const { stdout } = await story.run(["verify", "-r", gun, "-t", "none", "--json"]);
  check(stdout, FAILURE, "a failure");
  // These have servers of their own: self_update_test.ts, local_test.ts and demo_test.ts run them.
  assert.deepEqual(Object.keys(COMMANDS).filter((name) => !checked.has(name)), ["self-update", "local", "demo"]);
});
