/**
 * What the real cosign 2, cosign 3 and notation sign is proved by `tagseal verify --scheme`, at the registry and in a copy
 * that oras made; what they refuse, it refuses.
 */
import assert from "node:assert/strict";
import { fetchManifest } from "../../lib/registry/manifest.ts";
import { readVerificationKeys } from "../../lib/schemes/cosign/keys.ts";
import { signatureTag } from "../../lib/schemes/cosign/classic.ts";
import { pushIndex } from "../support/clients.ts";
import { sample, testKey } from "../support/cosign.ts";
import { Registry, Verifiers } from "../support/cosign_verifiers.ts";
import { verifier } from "../support/peer_case.ts";
import { tagseal } from "../support/run.ts";
import { EMBEDDED, REAL, stackTest } from "../support/stacks.ts";

for (const stack of [REAL, EMBEDDED]) {
  stackTest(stack, "verify --scheme: what cosign and notation sign", ["verifiers"], async (t) => {
    await using peers = await stack.start();
    await using verifiers = await Verifiers.start(peers.caPath);
    const home = await Deno.makeTempDir({ dir: peers.dir });
    for (const name of ["key.pem", "certificate.pem"]) {
      await Deno.writeFile(`${home}/${name}`, await sample(`p256/${name}`));
    }
    const other = await testKey("p256");
    await Deno.writeFile(`${home}/other.pem`, await sample("p384/certificate.pem"));
    const run = async (program: string, ...args: string[]) => {
      const { success, stderr } = await new Deno.Command(program, {
        args,
        cwd: home,
        clearEnv: true,
        env: { HOME: home, XDG_CONFIG_HOME: home, COSIGN_PASSWORD: "", SSL_CERT_FILE: peers.caPath },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).output();
      assert.ok(success, `${program} ${args.join(" ")}\n${new TextDecoder().decode(stderr)}`);
    };
    using registry = new Registry(`https://${peers.registryHost}`, peers.caPem);
    const digestOf = async (path: string, tag: string) => (await fetchManifest(registry.repository(path), tag)).digest;
    const verify = (...args: string[]) =>
      tagseal(["verify", ...args, "--ca", peers.caPath, "--json"], { env: { HOME: home }, cwd: home });
    const says = async (code: number, ...args: string[]) => {
      const outcome = await verify(...args);
      assert.equal(outcome.code, code, `${args.join(" ")}\n${outcome.stdout}${outcome.stderr}`);
      return outcome.json<{ error?: { details: { reasons: string[] } }; tags?: { digest: string }[] }>();
    };
    // By address: oras and notation speak HTTP to whatever is called localhost.
    const byAddress = (gun: string) => gun.replace("localhost", "127.0.0.1");
    await run(verifier("cosign2"), "generate-key-pair", "--output-key-prefix", "real");
    const key = { ...other, key: readVerificationKeys(await Deno.readFile(`${home}/real.pub`))[0] };
    const cosign = ["--scheme", "cosign", "--key", "real.pub"];
    const flags = ["--key", "real.key", "--tlog-upload=false", "--yes", `--registry-cacert=${peers.caPath}`];

    await t.step("cosign 2: the classic form", async () => {
      const gun = `${peers.registryHost}/verify/classic`;
      await pushIndex(peers, "verify/classic", "1.0", "one");
      await pushIndex(peers, "verify/classic", "2.0", "two");
      const digest = await digestOf("verify/classic", "1.0");
      const identity = `--sign-container-identity=${gun}:1.0`;
      await run(verifier("cosign2"), "sign", ...flags, identity, `${gun}@${digest}`);
      assert.equal((await says(0, "-r", gun, "-t", "1.0", ...cosign)).tags![0]!.digest, digest);
      await says(0, "-r", `${gun}@${digest}`, ...cosign);
      assert.deepEqual((await says(3, "-r", gun, "-t", "2.0", ...cosign)).error!.details.reasons, [
        "cosign: no-signatures",
      ]);
      const others = await says(3, "-r", gun, "-t", "1.0", "--scheme", "cosign", "--key", "other.pem");
      assert.deepEqual(others.error!.details.reasons, ["cosign: other-key"]);
      assert.equal(await verifiers.accepts("cosign-2", `${gun}:1.0`, key), true);
      assert.equal(await verifiers.accepts("cosign-2", `${gun}:2.0`, key), false);
      assert.equal(await verifiers.accepts("cosign-2", `${gun}:1.0`, other), false);
      const copy = ["copy", "--from-ca-file", peers.caPath, "--to-oci-layout"];
      await run(verifier("oras"), ...copy, `${byAddress(gun)}:1.0`, "classic:1.0");
      await says(3, "-r", gun, "-t", "1.0", "--oci-layout", "classic", ...cosign);
      await run(
        verifier("oras"),
        ...copy,
        `${byAddress(gun)}:${signatureTag(digest)}`,
        `classic:${signatureTag(digest)}`,
      );
      assert.equal(
        (await says(0, "-r", gun, "-t", "1.0", "--oci-layout", "classic", ...cosign)).tags![0]!.digest,
        digest,
      );
      await pushIndex(peers, "verify/classic", "1.0", "moved");
      await says(3, "-r", gun, "-t", "1.0", ...cosign);
      assert.equal(await verifiers.accepts("cosign-2", `${gun}:1.0`, key), false);
    });

    await t.step("cosign 3: a bundle", async () => {
      const gun = `${peers.registryHost}/verify/bundle`;
      await pushIndex(peers, "verify/bundle", "1.0", "one");
      const digest = await digestOf("verify/bundle", "1.0");
      await run(
        verifier("cosign3"),
        "sign",
        ...flags,
        "--use-signing-config=false",
        "-a",
        "tag=1.0",
        `${gun}@${digest}`,
      );
      await says(0, "-r", `${gun}@${digest}`, ...cosign);
      await says(0, "-r", gun, "-t", "1.0", ...cosign);
      await says(3, "-r", gun, "-t", "1.0", "--scheme", "cosign", "--key", "other.pem");
      assert.equal(await verifiers.accepts("cosign-3", `${gun}:1.0`, key), true);
      assert.equal(await verifiers.accepts("cosign-3", `${gun}:1.0`, other), false);
    });

    await t.step("notation", async () => {
      const gun = `${peers.registryHost}/verify/notation`;
      await pushIndex(peers, "verify/notation", "1.0", "one");
      await pushIndex(peers, "verify/notation", "2.0", "one");
      const digest = await digestOf("verify/notation", "1.0");
      await Deno.mkdir(`${home}/notation`);
      const real = { name: "real", keyPath: `${home}/key.pem`, certPath: `${home}/certificate.pem` };
      await Deno.writeTextFile(`${home}/notation/signingkeys.json`, JSON.stringify({ default: "real", keys: [real] }));
      await run(
        verifier("notation"),
        "sign",
        "--force-referrers-tag=false",
        "-m",
        "tag=1.0",
        `${byAddress(gun)}@${digest}`,
      );
      const trusting = (file: string) => ["--scheme", "notation", "--certificate", file];
      assert.equal((await says(0, "-r", gun, "-t", "1.0", ...trusting("certificate.pem"))).tags![0]!.digest, digest);
      await says(0, "-r", `${gun}@${digest}`, ...trusting("certificate.pem"));
      for (const [tag, file, reason] of [["1.0", "other.pem", "untrusted"], ["2.0", "certificate.pem", "other-tag"]]) {
        const { error } = await says(3, "-r", gun, "-t", tag!, ...trusting(file!));
        assert.deepEqual(error!.details.reasons, [`notation: ${reason}`]);
      }
      await run(
        verifier("oras"),
        "copy",
        "-r",
        "--from-ca-file",
        peers.caPath,
        "--to-oci-layout",
        `${byAddress(gun)}:1.0`,
        "jws:1.0",
      );
      await says(0, "-r", gun, "-t", "1.0", "--oci-layout", "jws", ...trusting("certificate.pem"));
      await says(3, "-r", gun, "-t", "1.0", "--oci-layout", "jws", ...trusting("other.pem"));
    });
  });
}
