/**
 * From Docker Content Trust to cosign and Notation on real servers: what notary and tagseal have signed is migrated, and
 * what the real verifiers say of it, by tag and by digest, for the index and for its platforms.
 */
import assert from "node:assert/strict";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { mapAtOnce } from "../../lib/signing/at_once.ts";
import { pushIndex } from "../support/clients.ts";
import { Verifiers } from "../support/cosign_verifiers.ts";
import { notationAccepts } from "../support/notation_verifier.ts";
import { NotaryOwner } from "../support/notary_owner.ts";
import { startSigningStack } from "../support/signing_stack.ts";
import { EMBEDDED, REAL, stackTest } from "../support/stacks.ts";

const READERS = ["cosign-2", "cosign-3", "containers-image"] as const;

for (const stack of [REAL, EMBEDDED]) {
  stackTest(stack, "migrate: what was signed under content trust is accepted by every verifier, and nothing else", [
    "notary",
    "verifiers",
    "skopeo",
  ], async (t) => {
    await using running = await startSigningStack({ stack, algorithm: stack === REAL ? "rsa-2048" : "ecdsa-p256" });
    const { peers, signPath } = running;
    await using verifiers = await Verifiers.start(peers.caPath);
    const certificate = readCertificate(await Deno.readFile(running.certificatePath));
    const key = { key: keyOfCertificate(certificate) } as Parameters<typeof verifiers.accepts>[2];
    const cosign = async (reference: string, ...more: string[]) =>
      (await mapAtOnce(READERS, 3, (reader) => verifiers.accepts(reader, reference, key, ...more))).join(" ");
    const [byNotary, byUs] = ["notary", "tagseal"].map((name) => `${peers.registryHost}/migrate/${name}`) as [
      string,
      string,
    ];
    const push = (path: string, tag: string, content = tag) => pushIndex(peers, `migrate/${path}`, tag, content);
    const images = { notary: await push("notary", "1.0"), tagseal: await push("tagseal", "1.0") };
    const unsigned = await push("notary", "unsigned");
    const agent = await running.agent("agent");

    await t.step("one repository is signed by the notary client, one by tagseal", async () => {
      const owner = new NotaryOwner(peers, `${peers.dir}/owner`, byNotary);
      await owner.init();
      const { digest, length } = images.notary;
      await owner.sign({ tag: "1.0", sha256: digest.slice("sha256:".length), length }, ["targets"]);
      const admin = await running.admin("admin");
      await admin.succeeds("init", "-r", byUs, "--delegation-certificate", running.certificatePath);
      await agent.succeeds("sign", "-r", byUs, "-t", "1.0");
    });
    const now = await push("tagseal", "1.0", "pushed later, and signed by nobody");
    const filed = signPath.requests().length;
    await Deno.writeTextFile(`${agent.home}/repositories.txt`, `${byNotary}\n${byUs}\n`);
    await agent.succeeds("export", "--repositories-from", "repositories.txt", "--output-artifact-path", "trust.zip");
    const migrate = ["--repositories-from", "repositories.txt", "--from", "trust.zip"];

    await t.step("both are migrated from an export, in one request", async () => {
      const { stdout } = await agent.succeeds("migrate", ...migrate);
      assert.deepEqual(stdout.trimEnd().split("\n"), [
        `${byNotary}:1.0 ${images.notary.digest} published (cosign)`,
        `${byNotary}:1.0 ${images.notary.digest} published (notation)`,
        `${byUs}:1.0 ${images.tagseal.digest} published (cosign)`,
        `${byUs}:1.0 ${images.tagseal.digest} published (notation)`,
        `${byUs}:1.0 ${images.tagseal.digest} moved to ${now.digest}`,
      ]);
      assert.equal(signPath.requests().length, filed + 1);
    });
    await t.step("cosign 2, cosign 3 and skopeo", async () => {
      assert.equal(await cosign(`${byNotary}:1.0`), "true true true");
      assert.equal(await verifiers.accepts("containers-image", `${byNotary}:1.0`, key, "--all"), true);
      assert.equal(await cosign(`${byUs}@${images.tagseal.digest}`), "true true true");
      assert.equal(await cosign(`${byUs}:1.0`), "false false false", "what the tag stands for now");
      assert.equal(await cosign(`${byNotary}:unsigned`), "false false false");
    });
    await t.step("notation", async () => {
      const accepts = (gun: string, digest: string, tag = "1.0") =>
        notationAccepts(peers, certificate, `${gun}@${digest}`, tag);
      assert.equal(await accepts(byNotary, images.notary.digest), true);
      assert.equal(await accepts(byUs, images.tagseal.digest), true);
      assert.equal(await accepts(byUs, now.digest), false);
      assert.equal(await accepts(byNotary, unsigned.digest, "unsigned"), false);
    });
    await t.step("from the server: the same, so that nothing is left to do", async () => {
      const { stdout } = await agent.succeeds("migrate", "--repositories-from", "repositories.txt");
      assert.equal(stdout.match(/ unchanged \((cosign|notation)\)$/gm)?.length, 4);
      assert.equal(signPath.requests().length, filed + 1);
    });
  });
}
