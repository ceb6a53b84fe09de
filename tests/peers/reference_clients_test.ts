/** The reference clients on the real servers and on the embedded ones: nothing of tagseal signs here. */
import assert from "node:assert/strict";
import { RELEASES } from "../../lib/tuf/roles.ts";
import {
  credentials,
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
import { copyFolder } from "../support/folders.ts";
import { newKey, notaryList, NotaryOwner } from "../support/notary_owner.ts";
import { type Need, peerTest, type Verifier, verifier, whatIsMissing } from "../support/peer_case.ts";
import type { Peers } from "../support/peers.ts";
import { tagseal } from "../support/run.ts";
import { EMBEDDED, REAL, REAL_WITH_TOKENS, stackTest } from "../support/stacks.ts";

const ENGINE: readonly Need[] = ["notary", "skopeo", "docker", "dockerd"];

for (const stack of [REAL_WITH_TOKENS, EMBEDDED]) {
  stackTest(stack, "reference clients: a delegation signs pushed images", ["notary", "skopeo"], async () => {
    await using peers = await stack.start();
    const gun = `${peers.registryHost}/team/app`;
    const image = await pushImage(peers, "team/app", "v1", "one");
    const index = await pushIndex(peers, "team/app", "v2", "two");
    const owner = await releaseOwner(peers, gun);
    await owner.sign(target("v1", image), [RELEASES]);
    await owner.sign(target("v2", index), [RELEASES]);
    const expected = [["v1", image] as const, ["v2", index] as const].map(([tag, pushed]) => ({
      ...target(tag, pushed),
      role: RELEASES,
    }));
    assert.deepEqual(await notaryList(peers, owner.home, gun), expected);
    const raw = await succeeds(skopeo(peers, ["inspect", "--raw", `docker://${gun}:v2`]));
    assert.equal(raw.stdout.length, index.length);
    const platforms = JSON.parse(raw.stdout).manifests.map((one: { platform: unknown }) => one.platform);
    assert.deepEqual(platforms, ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture })));
  });

  stackTest(stack, "reference clients: docker signs, and pulls signed tags only", ENGINE, async () => {
    await using peers = await stack.start({ engine: true });
    const home = `${peers.dir}/home`;
    const gun = `${peers.registryHost}/team/app`;
    const image = await pushImage(peers, "team/app", "v1", "one");
    await pushImage(peers, "team/app", "unsigned", "two");
    const run = (...args: string[]) => succeeds(docker(peers, home, args, DOCKER_PASSPHRASES));
    const trusted = { ...DOCKER_PASSPHRASES, DOCKER_CONTENT_TRUST: "1" };
    const pull = (name: string) => docker(peers, home, ["pull", name], trusted);
    await fails(pull(`${gun}:v1`), /remote trust data does not exist/);

    // Signed by the notary client…
    await (await releaseOwner(peers, gun)).sign(target("v1", image), [RELEASES]);
    const pulled = await succeeds(pull(`${gun}:v1`));
    assert.ok(pulled.stdout.includes(image.digest), pulled.stdout);
    await fails(pull(`${gun}:unsigned`), /No valid trust data for unsigned/);

    // …and by docker, in a repository of its own, with a key that it is given and with all that it has.
    const own = `${peers.registryHost}/team/own`;
    for (const tag of ["v3", "v4"]) await run("tag", `${gun}@${image.digest}`, `${own}:${tag}`);
    const alice = await newKey(home, "alice");
    await run("trust", "key", "load", "--name", "alice", alice.key);
    await run("trust", "signer", "add", "--key", alice.certificate, "alice", own);
    await run("trust", "sign", `${own}:v3`);
    await succeeds(docker(peers, home, ["push", `${own}:v4`], trusted));
    const inspected = async () => {
      const [{ SignedTags, Signers }] = JSON.parse((await run("trust", "inspect", own)).stdout);
      const names = (all: { Name: string }[]) => all.map(({ Name }) => Name);
      return [SignedTags.map((one: Record<string, unknown>) => [one["SignedTag"], one["Signers"]]), names(Signers)];
    };
    assert.deepEqual(await inspected(), [[["v3", ["alice"]], ["v4", ["alice"]]], ["alice"]]);
    for (const tag of ["v3", "v4"]) await succeeds(pull(`${own}:${tag}`));

    // We see the same, with the digests that the registry has.
    const env = { HOME: `${peers.dir}/ours`, ...(peers.auth ? { NOTARY_AUTH: credentials(peers) } : {}) };
    const verify = ["verify", "-r", own, "-t", "v3,v4", "--notary-url", peers.notaryUrl, "--ca", peers.caPath];
    const verified = await tagseal(verify, { env });
    const digests = await Promise.all(["v3", "v4"].map(async (tag) => {
      const format = ["inspect", "--format", "{{.Digest}}", `docker://${own}:${tag}`];
      return `${tag} ${(await succeeds(skopeo(peers, format))).stdout}`;
    }));
    assert.equal(verified.stdout, digests.join(""), verified.stderr);

    await run("trust", "revoke", "--yes", `${own}:v3`);
    await fails(pull(`${own}:v3`), /No valid trust data for v3/);
    assert.deepEqual(await inspected(), [[["v4", ["alice"]]], ["alice"]]);
  });
}

for (const stack of [REAL, EMBEDDED]) {
  stackTest(stack, "reference clients: notary runs a repository from init to delete", ["notary"], async (t) => {
    await using peers = await stack.start();
    const gun = `${peers.registryHost}/team/app`;
    const owner = new NotaryOwner(peers, `${peers.dir}/owner`, gun);
    await Deno.mkdir(owner.home);
    const reader = `${peers.dir}/reader`;
    const targetOf = (tag: string, byte: string) => ({ tag, sha256: byte.repeat(32), length: 528 });
    const [v1, v2] = [targetOf("v1", "a1"), targetOf("v2", "b2")];
    const list = () => notaryList(peers, reader, gun);
    const addHash = ({ tag, sha256, length }: typeof v1) => ["addhash", gun, tag, `${length}`, "--sha256", sha256];

    await t.step("init, addhash, status, publish, list, lookup, remove", async () => {
      await owner.run(["init", gun]);
      await fails(notary(peers, reader, ["list", gun]), /does not have trust data for/);
      await owner.run(["publish", gun]);
      assert.deepEqual(await list(), []);
      for (const one of [v1, v2]) await owner.run(addHash(one));
      assert.match(await owner.run(["status", gun]), /v1[^]*v2/);
      assert.deepEqual(await list(), []);
      await owner.run(["publish", gun]);
      assert.deepEqual(await list(), [v1, v2].map((one) => ({ ...one, role: "targets" })));
      const found = await succeeds(notary(peers, reader, ["lookup", gun, "v2"]));
      assert.equal(found.stdout, `v2 sha256:${v2.sha256} 528\n`);
      await owner.run(["remove", gun, "v2", "-p"]);
      await fails(notary(peers, reader, ["lookup", gun, "v2"]), /No valid trust data for v2|does not exist|not found/i);
      assert.deepEqual(await list(), [{ ...v1, role: "targets" }]);
    });
    await t.step("a delegation: add, witness, list, remove", async () => {
      await owner.run(["key", "rotate", gun, "snapshot", "-r"]);
      await owner.delegate(RELEASES, await newKey(owner.home, "delegation"));
      await owner.sign(v2, [RELEASES]);
      const version = async () => (await served(peers, gun, RELEASES)).version;
      const before = await version();
      await owner.run(["witness", gun, RELEASES, "-p"]);
      assert.equal(await version(), before + 1);
      assert.deepEqual(await list(), [{ ...v1, role: "targets" }, { ...v2, role: RELEASES }]);
      await owner.removeDelegation(RELEASES);
      assert.match(await owner.run(["delegation", "list", gun]), /No delegations present/);
      assert.deepEqual(await list(), [{ ...v1, role: "targets" }]);
    });
    await t.step("each role's key is rotated, twice: the server makes new ones of its own", async () => {
      const keyIds = async () => {
        const { roles } = await served(peers, gun, "root");
        return Object.fromEntries(Object.entries(roles!).map(([role, { keyids }]) => [role, keyids]));
      };
      const rotations = { timestamp: ["-r"], snapshot: ["-r"], targets: [], root: [] } as const;
      for (const [role, flags] of [...Object.entries(rotations), ...Object.entries(rotations)]) {
        const before = await keyIds();
        await owner.rotate(role, ...flags);
        const after = await keyIds();
        assert.notDeepEqual(after[role], before[role], role);
        assert.deepEqual({ ...after, [role]: [] }, { ...before, [role]: [] }, "the other roles keep theirs");
        assert.deepEqual(await list(), [{ ...v1, role: "targets" }]);
      }
      await owner.rotate("snapshot");
      await owner.sign(v2, ["targets"]);
      assert.deepEqual(await list(), [v1, v2].map((one) => ({ ...one, role: "targets" })));
    });
    await t.step("two who publish at once: the later one goes on with what the first has published", async () => {
      const other = `${peers.dir}/other`;
      await copyFolder(owner.home, other);
      const [v3, v4] = [targetOf("v3", "c3"), targetOf("v4", "d4")];
      await owner.run(addHash(v3));
      const late = new NotaryOwner(peers, other, gun);
      await late.run(addHash(v4));
      await owner.run(["publish", gun]);
      await late.run(["publish", gun]);
      assert.deepEqual((await list()).map(({ tag }) => tag), ["v1", "v2", "v3", "v4"]);
    });
    await t.step("delete: it is gone, and comes back as a new one", async () => {
      await owner.run(["delete", gun, "--remote"]);
      const fresh = `${peers.dir}/fresh`;
      await fails(notary(peers, fresh, ["list", gun]), /does not have trust data for/);
      await owner.init();
      assert.equal((await served(peers, gun, "root")).version, 1);
      assert.deepEqual(await notaryList(peers, fresh, gun), []);
    });
  });

  stackTest(stack, "reference clients: skopeo copies in and out", ["skopeo"], async (t) => {
    await using peers = await stack.start();
    const copy = (...args: string[]) => succeeds(skopeo(peers, ["copy", ...args]));
    const name = (path: string) => `docker://${peers.registryHost}/${path}`;
    const raw = async (path: string) => (await succeeds(skopeo(peers, ["inspect", "--raw", name(path)]))).stdout;
    const DOCKER = "application/vnd.docker.distribution.manifest";
    const OCI = "application/vnd.oci.image";

    await t.step("an image as OCI and as Docker's v2s2, within the registry and out of it", async () => {
      const { digest } = await pushImage(peers, "copy/app", "oci", "one");
      for (const [format, type] of [["v2s2", `${DOCKER}.v2+json`], ["oci", `${OCI}.manifest.v1+json`]] as const) {
        await copy("--format", format, name("copy/app:oci"), name(`copy/other:${format}`)); // mounts blobs
        const manifest = await raw(`copy/other:${format}`);
        assert.equal(JSON.parse(manifest).mediaType, type);
        await copy(name(`copy/other:${format}`), `dir:${peers.dir}/${format}`);
        assert.equal(await Deno.readTextFile(`${peers.dir}/${format}/manifest.json`), manifest);
        await copy("--preserve-digests", `dir:${peers.dir}/${format}`, name(`copy/back:${format}`));
        assert.equal(await raw(`copy/back:${format}`), manifest);
      }
      await copy(name(`copy/app@${digest}`), `oci-archive:${peers.dir}/app.tar`);
      await copy("--preserve-digests", `oci-archive:${peers.dir}/app.tar`, name("copy/back:archive"));
      assert.equal(await raw("copy/back:archive"), await raw("copy/app:oci"));
    });
    await t.step("an index with all its images", async () => {
      const { digest } = await pushIndex(peers, "copy/index", "oci", "many");
      await copy("--all", "--preserve-digests", name("copy/index:oci"), `oci:${peers.dir}/index`);
      const layout = JSON.parse(await Deno.readTextFile(`${peers.dir}/index/index.json`));
      assert.equal(layout.manifests[0].digest, digest);
      await copy("--all", "--preserve-digests", `oci:${peers.dir}/index`, name("copy/elsewhere:oci"));
      assert.equal(await raw("copy/elsewhere:oci"), await raw("copy/index:oci"));
      await copy("--all", "--format", "v2s2", name("copy/index:oci"), name("copy/index:v2s2"));
      const list = JSON.parse(await raw("copy/index:v2s2"));
      assert.equal(list.mediaType, `${DOCKER}.list.v2+json`);
      for (const { digest, mediaType } of list.manifests) {
        assert.equal(JSON.parse(await raw(`copy/index@${digest}`)).mediaType, mediaType);
      }
    });
    await t.step("tags are listed, and deleted", async () => {
      const tags = async () =>
        JSON.parse((await succeeds(skopeo(peers, ["list-tags", name("copy/other")]))).stdout).Tags;
      assert.deepEqual(await tags(), ["oci", "v2s2"]);
      await succeeds(skopeo(peers, ["delete", name("copy/other:v2s2")]));
      assert.deepEqual(await tags(), ["oci"]);
      await fails(skopeo(peers, ["inspect", name("copy/other:v2s2")]), /manifest unknown/);
      await fails(skopeo(peers, ["inspect", name("copy/nothing:v1")]), /(name|manifest) unknown/);
    });
  });
}

const TOKENS = "reference clients: the registry and the Notary server turn strangers away";
stackTest(REAL_WITH_TOKENS, TOKENS, ["notary", "skopeo"], async () => {
  await using peers = await REAL_WITH_TOKENS.start();
  const stranger = { ...peers, password: "wrong" };
  await assert.rejects(pushImage(stranger, "team/app", "v1", "one"), /unauthorized|authentication required/);
  const gun = `${peers.registryHost}/team/app`;
  const init = (who: Peers) => notary(who, `${peers.dir}/home`, ["init", gun, "-p"], NOTARY_PASSPHRASES);
  await fails(init(stranger), /unauthorized: wrong user or password/);
  await fails(init({ ...peers, auth: false }), /you are not authorized to perform this operation: server returned 401/);
});

for (const stack of [REAL_WITH_TOKENS, EMBEDDED]) {
  stackTest(stack, "peers: nothing is left when they are stopped", ["dockerd"], async () => {
    const peers = await stack.start({ engine: true });
    await peers.stop();
    await assert.rejects(Deno.stat(peers.dir), Deno.errors.NotFound);
    for (const host of [new URL(peers.notaryUrl).host, peers.registryHost]) {
      const port = Number(host.split(":")[1]);
      await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }), Deno.errors.ConnectionRefused);
    }
    await peers.stop();
  });
}

Deno.test("peer tests: what is missing is named with the packages that hold it", () => {
  const nothing = () => false;
  const all = () => true;
  assert.equal(whatIsMissing(ENGINE, all, true), undefined);
  assert.equal(whatIsMissing(REAL.needs, all, false), undefined);
  assert.equal(
    whatIsMissing(["softhsm2", "pkcs11 addon"], nothing, true, false),
    "install softhsm2, run deno task build-pkcs11",
  );
  assert.equal(whatIsMissing(ENGINE, all, false), "run as root");
  const docker = [...REAL.needs, ...ENGINE];
  assert.equal(
    whatIsMissing(docker, nothing, false),
    "install notary docker-registry skopeo docker.io, run as root",
  );
  assert.equal(whatIsMissing(docker, (program) => program !== "notary-signer", true), "install notary");
  assert.equal(whatIsMissing(EMBEDDED.needs, nothing, false), undefined);
  assert.equal(
    whatIsMissing(["docker", "verifiers"], (program) => program !== "cosign2", true),
    "run tests/support/fetch_verifiers.sh FOLDER and set TAGSEAL_VERIFIERS=FOLDER/bin",
  );
});

peerTest("peer tests: the verifiers are the versions that tests are about", ["verifiers"], async () => {
  const run = async (name: Verifier, ...args: string[]) => {
    const { success, stdout } = await new Deno.Command(verifier(name), { args }).output();
    return { success, stdout: new TextDecoder().decode(stdout) };
  };
  // Debian's cosign does not know its own version; "signing-config" came with 2.6.
  assert.equal((await run("cosign2", "signing-config", "--help")).success, false);
  assert.equal((await run("cosign3", "signing-config", "--help")).success, true);
  assert.match((await run("notation", "version")).stdout, /^Version: +v1\./m);
  assert.doesNotMatch((await run("skopeo", "--version")).stdout, / 1\.[0-9]\./); // they reject every such signature
});

/** Somebody with a repository whose snapshot key is the server's, and with the key of targets/releases. */
async function releaseOwner(peers: Peers, gun: string): Promise<NotaryOwner> {
  const owner = new NotaryOwner(peers, `${peers.dir}/owner`, gun);
  await owner.init();
  await owner.rotate("snapshot", "-r");
  await owner.delegate(RELEASES, await newKey(owner.home, "delegation"));
  return owner;
}

function target(tag: string, { digest, length }: PushedManifest) {
  return { tag, sha256: digest.slice("sha256:".length), length };
}

interface Signed {
  readonly version: number;
  readonly roles?: Readonly<Record<string, { readonly keyids: readonly string[] }>>;
}

/** What the Notary server has of a role, unverified. */
async function served({ notaryUrl, caPem }: Peers, gun: string, role: string): Promise<Signed> {
  using client = Deno.createHttpClient({ caCerts: [caPem] });
  const response = await fetch(`${notaryUrl}/v2/${gun}/_trust/tuf/${role}.json`, { client });
  return (await response.json()).signed;
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
