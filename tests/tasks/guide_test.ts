/** The guide's whole path, over TLS, against the embedded stack: setup by an admin, signing by a build agent. */
import assert from "node:assert/strict";
import { createSend } from "../../lib/http/network.ts";
import { startLocalStack } from "../../lib/local/stack.ts";
import { tamperedArtifact } from "../../lib/local/tampering.ts";
import { given, type Peers, Story } from "../support/local_story.ts";

const HEX = /^[0-9a-f]{64}$/;

Deno.test("from an unsigned image to a verified one, as the guide tells it", async (t) => {
  let cheating = false;
  await using stack = await startLocalStack({
    port: 0,
    now: () => new Date(),
    algorithm: "rsa-2048",
    async betweenSignPath(request, handle) {
      const response = await handle(request);
      return cheating && request.url.endsWith("/SignedArtifact") ? await tamperedArtifact(response) : response;
    },
  });
  const peers: Peers = { ...stack, connect: createSend };
  await using story = await Story.begin(peers);
  const { gun } = story;
  const digests = { v1: await story.push("v1"), v2: await story.push("v2"), v3: await story.push("v3") };
  await given(story, "ca.pem", stack.caPem);
  const common = ["-r", gun, "--ca", "ca.pem"];
  const path = story.path(`localhost_${stack.host.slice(10)}_demo_app.root.pem`);

  await t.step("init makes two keys, publishes, and prints the root certificate's path last", async () => {
    const { stdout, stderr } = await story.succeed(["init", ...common]);
    assert.equal(stdout, `${path}\n`);
    assert.match(await Deno.readTextFile(path), /^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n$/);
    assert.match(
      stderr,
      /is set up\.\nRoot key: ".*[0-9a-f]{64}\.key"\. Keep that file safe, off this machine: .*\.\nTargets key: ".*\.key"\.\n/,
    );
    assert.match(stderr, /Next: tagseal add-delegation/);
    assert.equal((await story.keys()).length, 2);
    for (const name of await story.keys()) {
      const { mode } = await Deno.stat(`${story.trust}/private/${name}`);
      assert.equal(mode! & 0o777, 0o600);
    }
    assert.equal((await story.succeed(["list", ...common])).stdout, "");
  });

  await t.step("root-certificate writes the same certificate from what the server has", async () => {
    const { stdout } = await story.succeed(["root-certificate", ...common, "--output-artifact-path", "again.pem"]);
    assert.equal(stdout, `${story.path("again.pem")}\n`);
    assert.equal(await Deno.readTextFile(story.path("again.pem")), await Deno.readTextFile(path));
    const { stdout: json } = await story.succeed(["root-certificate", ...common, "--force", "--json"]);
    const { rootKeyId, targetsKeyId, ...rest } = JSON.parse(json);
    assert.deepEqual(rest, { schemaVersion: 1, repository: gun, rootCertificatePath: path });
    assert.deepEqual(await story.keys(), [`${rootKeyId}.key`, `${targetsKeyId}.key`].sort());
  });

  await t.step("add-delegation gives SignPath's key the right to sign, once", async () => {
    const args = ["add-delegation", ...common, "--delegation-certificate", "signpath.cer"];
    const { stdout, stderr } = await story.succeed(args);
    const [releases, named] = stdout.trim().split("\n");
    assert.match(releases!, new RegExp(`^${gun} targets/releases [0-9a-f]{64} published$`));
    assert.match(named!, new RegExp(`^${gun} targets/signpath [0-9a-f]{64} published$`));
    assert.match(
      stderr,
      /Delegation certificate: CN=Docker signing \(local\), valid until \d{4}-\d\d-\d\d, key [0-9a-f]/,
    );
    const again = (await story.succeed([...args, "--json"])).json();
    assert.deepEqual([again["outcome"], again["targetsVersion"]], ["unchanged", 2]);
    assert.deepEqual(Object.keys(again), ["repository", "outcome", "roles", "keyId", "targetsVersion"]);
    assert.match(again["keyId"] as string, HEX);
  });

  const agent = await Story.begin(peers);
  await using _ = agent;
  await given(agent, "ca.pem", stack.caPem);
  const onAgent = [...common, "--root-pin", path];

  await t.step("sign does all on a machine without keys", async () => {
    const args = ["sign", ...onAgent, "-t", "v1"];
    const { stdout, stderr } = await agent.succeed(args);
    assert.equal(stdout, `${gun}:v1 ${digests.v1} published\n`);
    assert.match(stderr, /^Signing request [0-9a-f-]{36} submitted: https:\/\/\S+$/m);
    assert.doesNotMatch(stderr, /warning/, "the root is pinned");
    assert.deepEqual(await agent.keys(), []);
    const again = await agent.succeed([...args, "--json"]);
    assert.deepEqual(again.json(), {
      repositories: [{
        repository: gun,
        outcome: "unchanged",
        tags: [{ tag: "v1", digest: digests.v1, previousDigest: digests.v1 }],
        roles: [],
      }],
      signingRequestId: null,
    });
    assert.equal(agent.signingRequests, 1);
  });

  await t.step("the four steps apart, with an approval in between", async () => {
    const data = await agent.succeed(["signing-data", ...onAgent, "-t", "v2", "--output-artifact-path", "data.zip"]);
    assert.equal(data.stdout, "data.zip\n");
    const manual = { env: { SIGNPATH_SIGNING_POLICY_SLUG: "release-signing-with-approval" } };
    const submitting = ["submit", "--ca", "ca.pem", "--input-artifact-path", "data.zip"];
    const id = (await agent.succeed(submitting, manual)).stdout.trimEnd();
    assert.match(id, /^[0-9a-f-]{36}$/);
    const downloading = ["download", id, "--ca", "ca.pem", "--output-artifact-path", "signed.zip"];
    await agent.fail(8, [...downloading, "--wait-for-completion-timeout", "3"], [id, "WaitingForApproval"]);
    await stack.signPath.approve(id);
    assert.equal((await agent.succeed(downloading)).stdout, "signed.zip\n");
    const pushing = ["push", ...onAgent, "--input-artifact-path", "signed.zip"];
    assert.equal((await agent.succeed(pushing)).stdout, `${gun}:v2 ${digests.v2} published\n`);
    assert.deepEqual((await agent.succeed([...pushing, "--json"])).json(), {
      repositories: [{
        repository: gun,
        outcome: "unchanged",
        tags: [{ tag: "v2", digest: digests.v2, previousDigest: null }],
        roles: [{ role: "targets/releases", version: 2 }, { role: "targets/signpath", version: 2 }],
      }],
      signingRequestId: null,
    });
  });

  await t.step("a signing service that changes what it signs is caught", async () => {
    cheating = true;
    await agent.fail(3, ["sign", ...onAgent, "-t", "v3"], [
      "is not the one that the manifest names",
      "Nothing was saved or published",
    ]);
    cheating = false;
    await agent.fail(3, ["verify", ...onAgent, "-t", "v3"], ["Not signed", "v3"]);
  });

  await t.step("a consumer lists and verifies, from nothing but the root certificate", async () => {
    await using consumer = await Story.begin(peers);
    await given(consumer, "ca.pem", stack.caPem);
    const { stdout } = await consumer.succeed(["verify", ...onAgent, "-t", "v1,v2", "-t", "v1"]);
    assert.equal(stdout, `v1 ${digests.v1}\nv2 ${digests.v2}\n`);
    const list = await consumer.succeed(["list", ...onAgent]);
    assert.equal(list.stdout, `v1 ${digests.v1} signpath\nv2 ${digests.v2} signpath\n`);
    const json = (await consumer.succeed(["list", ...onAgent, "--json"])).json<{
      repository: string;
      tags: Record<string, unknown>[];
      expires: Record<string, string>;
    }>();
    assert.deepEqual(Object.keys(json), ["repository", "tags", "expires"]);
    assert.equal(json.repository, gun);
    const row = (tag: "v1" | "v2", length: unknown) => ({
      tag,
      digest: digests[tag],
      length,
      role: "targets/releases",
      signers: ["signpath"],
    });
    assert.deepEqual(json.tags, [row("v1", json.tags[0]!["length"]), row("v2", json.tags[1]!["length"])]);
    assert.ok(json.tags.every(({ length }) => typeof length === "number" && length > 100));
    assert.deepEqual(Object.keys(json.expires).sort(), [
      "root",
      "snapshot",
      "targets",
      "targets/releases",
      "targets/signpath",
      "timestamp",
    ]);
    for (const time of Object.values(json.expires)) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
    }
  });

  await t.step("without the CA, nothing is asked and the remedy names --ca", async () => {
    for (const args of [["list", "-r", gun], ["sign", "-r", gun, "-t", "v1"]]) {
      const run = { cacheStays: true };
      await agent.fail(5, args, ["TLS certificate that is not trusted", "--ca <pem>"], run);
    }
    const submit = ["submit", "--input-artifact-path", "data.zip"];
    await agent.fail(5, submit, ["SignPath", "TLS certificate that is not trusted", "--ca <pem>"]);
    await agent.fail(2, ["list", "-r", gun, "--ca", "signpath.cer"], ['"signpath.cer" holds no certificate in PEM']);
    await agent.fail(2, ["list", "-r", gun, "--ca", "no.pem"], ["There is no file", "no.pem"]);
  });
});
