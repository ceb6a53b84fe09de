/** `tagseal policy`: files for other verifiers, on a disk with files of others. */
import assert from "node:assert/strict";
import { certificatePem, readCertificate } from "../../lib/crypto/x509.ts";
import { given, Story } from "../support/local_story.ts";
import { issuedByCa } from "../support/policy_world.ts";

const FOR = ["--for", "podman,notation"];
const POLICY = ["policy", "-r", "registry.example.com/team/app", "--delegation-certificate", "signpath.cer"];

Deno.test("policy writes, says how to try it, and changes nothing the second time", async () => {
  await using story = await Story.begin();
  const args = [...POLICY, "-r", "acme/app", ...FOR, "--output-dir", "its verifiers/"];
  const { stdout, stderr } = await story.succeed(args);
  const root = story.path("its verifiers");
  const paths = stdout.trimEnd().split("\n").map((line) => line.replace(/ written$/, ""));
  for (const path of paths) assert.ok((await Deno.stat(path)).isFile);
  assert.deepEqual(paths.map((path) => path.slice(root.length + 1).replace(/[0-9a-f]{16}/, "…")), [
    "cosign.pub",
    "registries.d/tagseal.yaml",
    "policy.json",
    "notation/truststore/x509/ca/signpath/….pem",
    "notation/trustpolicy.json",
  ]);
  assert.match(
    stderr,
    /^podman, to try it \(TAG is a tag\): skopeo --policy '.*\/its verifiers\/policy\.json' .*:TAG/m,
  );
  assert.match(stderr, /^notation: any subject is trusted/m);
  assert.deepEqual(story.calls, [], "no server is asked");
  const again = (await story.succeed([...args, "--json"])).json<{ verifiers: { files: { outcome: string }[] }[] }>();
  const outcomes = again.verifiers.flatMap(({ files }) => files.map(({ outcome }) => outcome));
  assert.deepEqual([...new Set(outcomes)], ["unchanged"]);
});

Deno.test("policy takes the key from SignPath, repositories from a file, and another place for the key", async () => {
  await using story = await Story.begin();
  await given(story, "names.txt", "acme/app # ours\nregistry.example.com/team/app\n");
  const args = ["policy", "--repositories-from", "names.txt", "--delegation-from-signpath", "--for", "podman"];
  await story.succeed([...args, "--output-dir", "out", "--key-path", "/etc/containers/tagseal/cosign.pub"]);
  const { transports } = JSON.parse(await Deno.readTextFile(story.path("out/policy.json")));
  assert.deepEqual(Object.keys(transports.docker), ["docker.io/acme/app", "registry.example.com/team/app"]);
  assert.equal(transports.docker["docker.io/acme/app"][0].keyPath, "/etc/containers/tagseal/cosign.pub");
});

Deno.test("policy writes nothing at all where one verifier's file says otherwise, or a link leads out", async (t) => {
  await using story = await Story.begin();
  const args = [...POLICY, ...FOR, "--output-dir", "out"];
  const file = (name: string, content: string) => given(story, `out/${name}`, content);
  await Deno.mkdir(story.path("out/notation"), { recursive: true });
  await t.step("the last of several files", async () => {
    await file("notation/trustpolicy.json", '{"version":"1.1"}');
    await story.fail(6, args, [
      '"notation/trustpolicy.json" says otherwise already at "version"',
      "Nothing was written",
    ]);
    await Deno.remove(story.path("out/notation/trustpolicy.json"));
  });
  await t.step("a file that is too long", async () => {
    await file("policy.json", " ".repeat(5 * 2 ** 20));
    await story.fail(2, args, ["policy.json", "longer than"]);
    await Deno.remove(story.path("out/policy.json"));
  });
  await given(story, "elsewhere", "{}");
  for (const link of ["policy.json", "registries.d", "notation/truststore", "cosign.pub"]) {
    await t.step(`a link at ${link}`, async () => {
      await Deno.symlink(story.path("elsewhere"), story.path(`out/${link}`));
      await story.fail(2, args, [`out/${link}" is a symbolic link`]);
      await Deno.remove(story.path(`out/${link}`));
    });
  }
  await t.step("a folder where a file belongs", async () => {
    await Deno.mkdir(story.path("out/policy.json"));
    await story.fail(2, args, ["out/policy.json", "it is not a file"]);
    await Deno.remove(story.path("out/policy.json"));
  });
  assert.deepEqual([...(await story.files()).keys()].filter((path) => path.startsWith("work/out/")), []);
  await story.succeed(args);
});

Deno.test("policy trusts the CA of a certificate that is not self-signed, if it is the one above it", async () => {
  await using story = await Story.begin();
  const [{ own, ca }, other] = [await issuedByCa(), await issuedByCa()];
  await given(story, "own.cer", own.der);
  await given(story, "ca.pem", certificatePem(ca));
  await given(story, "other.pem", certificatePem(other.ca));
  const args = ["policy", "-r", "acme/app", "--delegation-certificate", "own.cer", ...FOR, "--output-dir", "out"];
  await story.fail(2, args, ["A CA has issued the certificate", "--certificate-chain <file>"]);
  await story.fail(2, [...args, "--certificate-chain", "other.pem"], [
    '"other.pem" is no certificate chain',
    "no root",
  ]);
  await story.fail(2, [...args, "--certificate-chain", "own.cer"], ['"own.cer" is no certificate chain']);
  const { stdout } = await story.succeed([...args, "--certificate-chain", "ca.pem"]);
  const [store] = /\S+\.pem/.exec(stdout)!;
  assert.equal(await Deno.readTextFile(store), certificatePem(ca));
});

Deno.test("policy says what is missing on its command line", async () => {
  await using story = await Story.begin();
  const out = ["--output-dir", "out"];
  await story.fail(2, [...POLICY, ...out], ["--for is missing", "podman,notation,kyverno"]);
  await story.fail(2, [...POLICY, ...out, "--for", "podman,docker"], ['--for does not know "docker"']);
  await story.fail(2, [...POLICY, ...FOR], ["--output-dir is missing"]);
  await story.fail(2, ["policy", "-r", "acme/app", ...FOR, ...out], ["--delegation-certificate is missing"]);
  await story.fail(2, ["policy", "--delegation-certificate", "signpath.cer", ...FOR, ...out], ["--repository"]);
  await story.fail(2, [...POLICY, "-r", "acme/app:v1", ...FOR, ...out], ["carries a tag"]);
  await story.fail(2, [...POLICY, ...FOR, ...out, "--delegation", "../up"], ['--delegation cannot be "../up" here']);
  await given(story, "signpath.pem", certificatePem(readCertificate(story.peers.certificate)));
  await story.succeed([...POLICY, ...FOR, ...out, "--certificate-chain", "signpath.pem"]);
});
