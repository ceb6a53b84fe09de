/** The peers and the clients of `tests/support/`, proved with the reference tools alone: nothing of tagseal signs here. */
import assert from "node:assert/strict";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import {
  docker,
  DOCKER_PASSPHRASES,
  notary,
  NOTARY_PASSPHRASES,
  type PushedManifest,
  pushImage,
  pushIndex,
  type Result,
  skopeo,
} from "../support/clients.ts";
import { type Need, peerTest, whatIsMissing } from "../support/peer_case.ts";
import { type Peers, startPeers } from "../support/peers.ts";

const SERVERS: readonly Need[] = ["notary", "docker-registry", "skopeo"];
const ENGINE: readonly Need[] = [...SERVERS, "docker", "dockerd"];

for (const auth of [false, true]) {
  const how = auth ? "with token authentication" : "without authentication";

  peerTest(`reference clients: a delegation signs pushed images, ${how}`, SERVERS, async () => {
    await using peers = await startPeers({ auth });
    const home = `${peers.dir}/home`;
    const gun = `${peers.registryHost}/team/app`;
    const image = await pushImage(peers, "team/app", "v1", "one");
    const index = await pushIndex(peers, "team/app", "v2", "two");
    await initRepository(peers, home, gun);
    await addReleasesTarget(peers, home, gun, "v1", image);
    await addReleasesTarget(peers, home, gun, "v2", index);

    const listed = await succeeds(notary(peers, home, ["list", gun]));
    const rows = listed.stdout.split("\n").map((line) => line.trim().split(/\s+/)).filter((row) =>
      row[3]?.startsWith("targets")
    );
    assert.deepEqual(rows, [
      ["v1", image.digest.slice("sha256:".length), `${image.length}`, "targets/releases"],
      ["v2", index.digest.slice("sha256:".length), `${index.length}`, "targets/releases"],
    ]);
    const raw = await succeeds(skopeo(peers, ["inspect", "--raw", `docker://${gun}:v2`]));
    assert.equal(raw.stdout.length, index.length);
    const platforms = JSON.parse(raw.stdout).manifests.map((one: { platform: unknown }) => one.platform);
    assert.deepEqual(platforms, ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture })));
    assert.match(await peers.notaryLog(), /"POST"[^\n]*_trust\/tuf\//);
  });

  peerTest(`reference clients: docker pulls signed tags only, ${how}`, ENGINE, async () => {
    await using peers = await startPeers({ auth, engine: true });
    const home = `${peers.dir}/home`;
    const gun = `${peers.registryHost}/team/app`;
    const image = await pushImage(peers, "team/app", "v1", "one");
    await pushImage(peers, "team/app", "unsigned", "two");
    await pushImage(peers, "team/app", "v3", "three");
    const pull = (tag: string) => docker(peers, home, ["pull", `${gun}:${tag}`], { DOCKER_CONTENT_TRUST: "1" });
    await fails(pull("v1"), /remote trust data does not exist/);

    // Signed by the notary client…
    await initRepository(peers, `${home}/admin`, gun);
    await addReleasesTarget(peers, `${home}/admin`, gun, "v1", image);
    const pulled = await succeeds(pull("v1"));
    assert.ok(pulled.stdout.includes(image.digest), pulled.stdout);
    await fails(pull("unsigned"), /No valid trust data for unsigned/);

    // …and by docker, in a repository of its own.
    const own = `${peers.registryHost}/team/own`;
    await succeeds(docker(peers, home, ["pull", `${gun}:v3`]));
    await succeeds(docker(peers, home, ["tag", `${gun}:v3`, `${own}:v3`]));
    const run = (...args: string[]) => succeeds(docker(peers, home, ["trust", ...args], DOCKER_PASSPHRASES));
    await run("key", "generate", "alice", "--dir", home);
    await run("signer", "add", "--key", `${home}/alice.pub`, "alice", own);
    await run("sign", `${own}:v3`);
    const [inspected] = JSON.parse((await run("inspect", own)).stdout);
    assert.deepEqual(inspected.SignedTags[0].Signers, ["alice"]);
    await succeeds(docker(peers, home, ["pull", `${own}:v3`], { DOCKER_CONTENT_TRUST: "1" }));
  });
}

peerTest("reference clients: the registry and the Notary server turn strangers away", SERVERS, async () => {
  await using peers = await startPeers({ auth: true });
  const stranger = { ...peers, password: "wrong" };
  await assert.rejects(pushImage(stranger, "team/app", "v1", "one"), /unauthorized|authentication required/);
  const gun = `${peers.registryHost}/team/app`;
  const init = (who: Peers) => notary(who, `${peers.dir}/home`, ["init", gun, "-p"], NOTARY_PASSPHRASES);
  await fails(init(stranger), /unauthorized: wrong user or password/);
  await fails(init({ ...peers, auth: false }), /you are not authorized to perform this operation: server returned 401/);
});

peerTest("peers: nothing is left when they are stopped", ENGINE, async () => {
  const peers = await startPeers({ auth: true, engine: true });
  await peers.stop();
  await assert.rejects(Deno.stat(peers.dir), Deno.errors.NotFound);
  for (const host of [new URL(peers.notaryUrl).host, peers.registryHost]) {
    const port = Number(host.split(":")[1]);
    await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }), Deno.errors.ConnectionRefused);
  }
  await peers.stop();
});

Deno.test("peer tests: what is missing is named with the packages that hold it", () => {
  const nothing = () => false;
  const all = () => true;
  assert.equal(whatIsMissing(ENGINE, all, true), undefined);
  assert.equal(whatIsMissing(SERVERS, all, false), undefined);
  assert.equal(
    whatIsMissing(["softhsm2", "pkcs11 addon"], nothing, true, false),
    "install softhsm2, run deno task build-pkcs11",
  );
  assert.equal(whatIsMissing(ENGINE, all, false), "run as root");
  assert.equal(
    whatIsMissing(ENGINE, nothing, false),
    "install notary docker-registry skopeo docker.io, run as root",
  );
  assert.equal(whatIsMissing(SERVERS, (program) => program !== "notary-signer", true), "install notary");
});

/** What a repository's owner does before SignPath signs: root and targets here, snapshot at the server, a delegation. */
async function initRepository(peers: Peers, home: string, gun: string): Promise<void> {
  const run = (...args: string[]) => succeeds(notary(peers, home, args, NOTARY_PASSPHRASES));
  await Deno.mkdir(home, { recursive: true });
  await run("init", gun, "-p");
  await run("key", "rotate", gun, "snapshot", "-r");
  const { certificatePem, privateKey } = await createSigningCertificate({
    commonName: "delegation",
    algorithm: "rsa-2048",
    now: new Date(),
    days: 30,
  });
  await Deno.writeTextFile(`${home}/delegation.crt`, certificatePem);
  await Deno.writeTextFile(`${home}/delegation.key`, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  await run("delegation", "add", gun, "targets/releases", `${home}/delegation.crt`, "--all-paths", "-p");
  await run("key", "import", `${home}/delegation.key`, "--role", "delegation");
}

async function addReleasesTarget(
  peers: Peers,
  home: string,
  gun: string,
  tag: string,
  { digest, length }: PushedManifest,
): Promise<void> {
  const target = [gun, tag, `${length}`, "--sha256", digest.slice("sha256:".length)];
  const args = ["addhash", ...target, "-r", "targets/releases", "-p"];
  await succeeds(notary(peers, home, args, NOTARY_PASSPHRASES));
}

async function succeeds(run: Promise<Result>): Promise<Result> {
  const result = await run;
  assert.equal(result.code, 0, result.stderr + result.stdout);
  return result;
}

async function fails(run: Promise<Result>, why: RegExp): Promise<void> {
  const { code, stdout, stderr } = await run;
  assert.notEqual(code, 0, stdout);
  assert.match(stderr + stdout, why);
}
