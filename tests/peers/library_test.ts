/** The library on real servers: what a script sets up and signs, the notary client sees just so. */
import assert from "node:assert/strict";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { connect, type ConnectOptions, keyFiles, keyFileSigner, openExport } from "../../mod.ts";
import { pushImage } from "../support/clients.ts";
import { failsWith } from "../support/failures.ts";
import { notaryList } from "../support/notary_owner.ts";
import { EMBEDDED, REAL_WITH_TOKENS, stackTest } from "../support/stacks.ts";
import { putKey } from "../support/story_keys.ts";

const PASSPHRASE = "correct horse battery";

for (const servers of [REAL_WITH_TOKENS, EMBEDDED]) {
  stackTest(servers, "library: a script sets up, signs, withdraws and exports", ["notary", "skopeo"], async () => {
    await using peers = await servers.start();
    const { username, password, notaryUrl, caPem, registryHost, dir } = peers;
    const given: ConnectOptions = {
      repository: `${registryHost}/script/app`,
      rootPin: "known",
      notaryUrl,
      caCerts: [caPem],
      ...(peers.auth ? { credentials: { username, password } } : {}),
    };
    const [v1, v2] = [
      await pushImage(peers, "script/app", "v1", "one"),
      await pushImage(peers, "script/app", "v2", "two"),
    ];
    const made = await createSigningCertificate({
      commonName: "script",
      algorithm: "ecdsa-p256",
      now: new Date(),
      days: 365,
    });
    await putKey(`${dir}/signer`, made.privateKey, "script", PASSPHRASE);

    using repository = connect(given);
    const keys = keyFiles({ trustDir: `${dir}/admin`, passphrase: PASSPHRASE });
    const { rootCertificate } = await repository.init({
      keys,
      delegate: { certificate: made.certificateDer, delegation: "script" },
    });
    const signing = { signer: keyFileSigner(`${dir}/signer`, PASSPHRASE), delegation: "script" };
    await repository.sign({ tags: { v1: v1.digest }, ...signing });
    await repository.sign({ tags: ["v2"], ...signing });
    await repository.withdraw({ tags: ["v1"], ...signing });

    const seen = await notaryList(peers, `${dir}/reader`, repository.name);
    assert.deepEqual(seen.map(({ tag, sha256 }) => [tag, `sha256:${sha256}`]), [["v2", v2.digest]]);
    const exported = await openExport(await repository.export(), { rootPin: rootCertificate });
    const { tags } = await exported.repository(repository.name).verify({ v2: v2.digest });
    assert.deepEqual(tags.map(({ tag, signers }) => [tag, signers]), [["v2", ["script"]]]);

    if (!peers.auth) return;
    using stranger = connect({
      ...given,
      rootPin: rootCertificate,
      credentials: { username, password: "not-the-password" },
    });
    await failsWith(() => stranger.verify(["v2"]), "unauthenticated", `user "${username}"`);
  });
}
