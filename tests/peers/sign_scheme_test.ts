/**
 * `tagseal sign --scheme` as a build agent runs it, key at SignPath, and what the real verifiers say of it: cosign 2 and 3,
 * notation, skopeo; on docker's registry, which keeps no lists of referrers, and on the embedded one, which does.
 */
import assert from "node:assert/strict";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { SIGNING_ALGORITHMS } from "../../lib/local/certificates.ts";
import { mapAtOnce } from "../../lib/signing/at_once.ts";
import { pushIndex } from "../support/clients.ts";
import { Verifiers } from "../support/cosign_verifiers.ts";
import { notationAccepts } from "../support/notation_verifier.ts";
import { documentIn } from "../support/run.ts";
import { startSigningStack } from "../support/signing_stack.ts";
import { EMBEDDED, REAL, stackTest } from "../support/stacks.ts";

const READERS = ["cosign-2", "cosign-3", "containers-image"] as const;
for (const [stack, kinds] of [[REAL, SIGNING_ALGORITHMS], [EMBEDDED, ["ecdsa-p384"]]] as const) {
  stackTest(
    stack,
    "sign --scheme: the same key, the same digest, every verifier",
    ["verifiers", "skopeo"],
    async (t) => {
      await using servers = await stack.start();
      const shared = { ...stack, start: () => Promise.resolve({ ...servers, [Symbol.asyncDispose]: async () => {} }) };
      for (const algorithm of kinds) {
        await t.step(algorithm, async () => {
          await using running = await startSigningStack({ stack: shared, algorithm });
          const { peers, signPath } = running;
          await using verifiers = await Verifiers.start(peers.caPath);
          const certificate = readCertificate(await Deno.readFile(running.certificatePath));
          const key = { key: keyOfCertificate(certificate) } as Parameters<typeof verifiers.accepts>[2];
          const path = `schemes/${algorithm}`;
          const gun = `${peers.registryHost}/${path}`;
          await pushIndex(peers, path, "1.0", algorithm);
          const admin = await running.admin(`admin-${algorithm}`);
          await admin.succeeds("init", "-r", gun, "--delegation-certificate", running.certificatePath);
          const agent = await running.agent(`agent-${algorithm}`);
          const sign = ["-r", gun, "-t", "1.0", "--scheme", "dct,cosign,notation", "--json"];
          const { stdout } = await agent.succeeds("sign", ...sign);
          const { repositories: [first] } = documentIn(stdout) as unknown as {
            repositories: { signatures: { scheme: string; outcome: string; digest: string }[] }[];
          };
          assert.deepEqual(first!.signatures.map(({ scheme, outcome }) => `${scheme} ${outcome}`), [
            "cosign published",
            "notation published",
          ]);
          assert.equal(signPath.requests().length, 1, "one request for all of it");
          const { digest } = first!.signatures[0]!;
          const said = async (reference: string, ...more: string[]) =>
            (await mapAtOnce(READERS, 3, (reader) => verifiers.accepts(reader, reference, key, ...more))).join(" ");
          assert.equal(await said(`${gun}:1.0`), "true true true");
          assert.equal(await notationAccepts(peers, certificate, `${gun}@${digest}`, "1.0"), true);
          if (algorithm !== kinds[0]) return; // what follows is no matter of the key
          assert.equal(await said(`${gun}@${digest}`), "true true true");
          assert.equal(await verifiers.accepts("containers-image", `${gun}:1.0`, key, "--all"), true, "every platform");
          await pushIndex(peers, path, "2.0", `${algorithm}, again`);
          assert.equal(await said(`${gun}:2.0`), "false false false", "an image that was not signed");
          assert.equal(await notationAccepts(peers, certificate, `${gun}@${digest}`, "2.0"), false, "another tag");
          const again = documentIn((await agent.succeeds("sign", ...sign)).stdout) as unknown as {
            repositories: { outcome: string }[];
            signingRequestId: string | null;
          };
          assert.deepEqual([again.repositories[0]!.outcome, again.signingRequestId], ["unchanged", null]);
          assert.equal(signPath.requests().length, 1, "a second run asks nobody");
        });
      }
    },
  );
}
