/**
 * Repositories that the notary client runs on the real Notary server are read as that client and Docker read them, at
 * every step of their life; and both leave the other a trust directory to go on with.
 */
import assert from "node:assert/strict";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import type { JsonObject } from "../../lib/bytes/json.ts";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { authorize } from "../../lib/http/auth.ts";
import { createSend } from "../../lib/http/network.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import { createSigningCertificate, type SigningAlgorithm } from "../../lib/local/certificates.ts";
import { createTrustServer, type TrustServer } from "../../lib/notary/trust_server.ts";
import { assembleFile, LIFETIME_DAYS, nextTargets, withDelegationKey, withTargets } from "../../lib/tuf/edit.ts";
import { parseRoot, parseTargets } from "../../lib/tuf/parse.ts";
import { type DelegationRole, RELEASES } from "../../lib/tuf/roles.ts";
import { docker, type Env, notary, NOTARY_PASSPHRASES } from "../support/clients.ts";
import { copyFolder } from "../support/folders.ts";
import { type KeyFiles, type ListedTag, notaryList, NotaryOwner } from "../support/notary_owner.ts";
import type { Need } from "../support/peer_case.ts";
import type { Peers } from "../support/peers.ts";
import { type Outcome, tagseal } from "../support/run.ts";
import { REAL, REAL_WITH_TOKENS, type Stack, stackTest } from "../support/stacks.ts";

const CLIENTS: readonly Need[] = ["notary", "docker"];
const DAY_MS = 86_400_000;

/** What `list --json` says. */
interface List {
  readonly tags: readonly { tag: string; digest: string; length: number; role: string; signers: string[] }[];
  readonly skipped?: readonly { role: string; reason: string }[];
}

const tagged = (...tags: readonly Omit<ListedTag, "role">[]) => (signed: JsonObject): JsonObject =>
  withTargets(signed, new Map(tags.map(({ tag, ...target }) => [tag, target])));
const image = (tag: string, byte: string, length: number) => ({ tag, sha256: byte.repeat(32), length });

stackTest(REAL, "reading: a repository of the notary client, all its life", CLIENTS, async (t) => {
  await using life = await Life.begin(REAL);
  const { owner } = life;
  const step = (name: string, change: () => Promise<void>, skipped: readonly string[] = []) =>
    t.step(name, async () => {
      await change();
      await life.everybodyAgrees(skipped);
    });
  await step("just set up", () => owner.init());
  await life.keepCopies("first");
  await step("tags in targets", () => owner.sign(image("v1", "a1", 528), ["targets"]));
  await step("snapshot goes to the server", () => owner.rotate("snapshot", "-r"));
  await step("two delegations, not published yet", async () => {
    await owner.delegate(RELEASES, await life.newKey("releases", "rsa-2048"));
    await owner.delegate("targets/alice", await life.newKey("alice", "ecdsa-p256"));
  });
  await step("tags in one, in both, as different images", async () => {
    await owner.sign(image("v1", "b1", 1024), [RELEASES, "targets/alice"]);
    await owner.sign(image("v2", "b2", 7), [RELEASES]);
    await owner.sign(image("v3", "b3", 8), [RELEASES]);
    await owner.sign(image("v3", "c3", 9), ["targets/alice"]);
    await owner.sign(image("v10", "b4", 2 ** 31), ["targets/alice"]);
  });
  await step("a delegation below, for some tags", async () => {
    await owner.delegate(`${RELEASES}/nested`, await life.newKey("nested", "ecdsa-p256"), ["rel-", "v"]);
    await owner.sign(image("rel-1", "d1", 11), [`${RELEASES}/nested`]);
    await owner.sign(image("v2", "d2", 12), [`${RELEASES}/nested`]);
  });
  await life.keepCopies("delegated");
  await step("a new targets key", () => owner.rotate("targets"));
  await step("a new root key", () => owner.rotate("root"));
  await step("and another one", () => owner.rotate("root"));
  await step("a tag after that", () => owner.sign(image("v4", "e4", 13), [RELEASES, "targets/alice"]));
  await t.step("who was away all the time finds the way, in either trust directory", async () => {
    for (const name of ["first", "delegated"]) await life.copiesAgree(name);
  });
  await step("a delegation is gone", () => owner.removeDelegation("targets/alice"));
  // The server's snapshot goes on to name its last file, which the new key has not signed.
  await step("and comes back with another key", async () => {
    await owner.delegate("targets/alice", await life.newKey("alice-again", "rsa-2048"));
  }, ["targets/alice"]);
  await step("which signs the next version", () => life.edit("targets/alice", tagged(image("v4", "e4", 13))));
  await t.step(
    "everybody has read several times by now",
    () => assert.ok(life.compared > 150, `${life.compared}`),
  );
});

stackTest(REAL, "reading: what has expired is skipped as the notary client skips it", CLIENTS, async (t) => {
  await using life = await Life.begin(REAL);
  const { owner } = life;
  await owner.init();
  await owner.rotate("snapshot", "-r");
  await owner.delegate(RELEASES, await life.newKey("releases", "rsa-2048"));
  await owner.delegate("targets/alice", await life.newKey("alice", "ecdsa-p256"));
  await owner.sign(image("v1", "a1", 528), ["targets"]);
  await owner.sign(image("v1", "b1", 1024), [RELEASES]);
  await owner.sign(image("v2", "b2", 1024), [RELEASES, "targets/alice"]);
  await life.everybodyAgrees();

  await t.step("a delegation's certificate: it goes on to count", async () => {
    const longAgo = new Date(Date.now() - 40 * DAY_MS);
    const { pem, files } = await life.newKeyAt("short", longAgo, 30);
    const certificate = keyOfCertificate(readCertificate(pem));
    await life.edit("targets", (signed) => withDelegationKey(signed, "targets/short", certificate, [""]));
    await owner.run(["key", "import", files.key, "--role", "targets/short"]);
    await owner.sign(image("v2", "b2", 1024), ["targets/short"]);
    await life.everybodyAgrees();
    const { tags } = (await life.ours("fresh", ["list", "--role", "targets/short", "--json"])).json<List>();
    assert.deepEqual(tags.map(({ tag }) => tag), ["v2"]);
  });

  await t.step("a delegation: its tags are gone, and we say why", async () => {
    // The server refuses what has expired already, and a busy machine needs a while until it is there.
    const soon = new Date(Date.now() + 6000);
    await life.edit(RELEASES, (signed) => signed, new Date(soon.getTime() - LIFETIME_DAYS.targets * DAY_MS));
    await new Promise((resolve) => setTimeout(resolve, soon.getTime() - Date.now()));
    await life.everybodyAgrees([RELEASES]);
    const { tags, skipped } = (await life.ours("fresh", ["list", "--json"])).json<List>();
    assert.deepEqual(tags.map(({ tag, role }) => [tag, role]), [["v1", "targets"]]);
    assert.deepEqual(skipped?.map(({ role }) => role), [RELEASES]);
    assert.match(skipped![0]!.reason, /"targets\/releases" expired on 20/);
    const refused = await life.run("fresh", ["verify", "-t", "v2"]);
    assert.equal(refused.code, 3, refused.stderr);
    assert.match(refused.stderr, /Not signed in .*: v2 .*"targets\/releases" .*expired on/);
  });

  await t.step("published anew: they are back", async () => {
    await life.edit(
      RELEASES,
      (signed) => withTargets(signed, new Map([["v5", { length: 5, sha256: "b5".repeat(32) }]])),
    );
    await life.everybodyAgrees();
  });
});

// With tokens, which do not change what is read.
stackTest(REAL_WITH_TOKENS, "reading: a role whose last key the notary client took away", CLIENTS, async (t) => {
  await using life = await Life.begin(REAL_WITH_TOKENS);
  const { owner, server } = life;
  await owner.init();
  await owner.rotate("snapshot", "-r");
  const { files, pem } = await life.newKeyAt("releases", new Date(), 30);
  await owner.delegate(RELEASES, files);
  await owner.sign(image("v1", "a1", 528), ["targets"]);
  const keyIds = async () => {
    const bytes = (await server.read(owner.gun, "targets"))!;
    const { signed } = JSON.parse(new TextDecoder().decode(bytes));
    return signed.delegations.roles.map(({ keyids }: { keyids: unknown }) => keyids);
  };
  const { id, canonicalId } = keyOfCertificate(readCertificate(pem));
  await t.step("delegation remove: it writes null, and everybody reads on", async () => {
    await owner.run(["delegation", "remove", owner.gun, RELEASES, canonicalId, "-y", "-p"]);
    assert.deepEqual(await keyIds(), [null]);
    await life.everybodyAgrees();
    assert.match((await life.ours("fresh", ["status"])).stdout, /targets\/releases/);
  });
  await t.step("add-delegation puts the key back, and the notary client reads and signs on", async () => {
    const add = ["add-delegation", "--delegation-certificate", files.certificate];
    const { code, stderr } = await life.run("owner", add, NOTARY_PASSPHRASES);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await keyIds(), [[id], [id]]);
    await owner.sign(image("v2", "b2", 7), [RELEASES]);
    await life.everybodyAgrees();
    assert.deepEqual((await life.theirList("fresh")).map(({ tag, role }) => [tag, role]), [
      ["v1", "targets"],
      ["v2", RELEASES],
    ]);
  });
  await t.step("delegation purge, from all roles at once", async () => {
    await owner.run(["delegation", "purge", owner.gun, "--key", canonicalId, "-p"]);
    assert.deepEqual(await keyIds(), [null, null]);
    const left = await life.theirList("fresh");
    assert.deepEqual(left.map(({ tag }) => tag), ["v1"]);
    for (const reader of ["fresh", "kept-ours"]) assert.deepEqual(await life.ourList(reader, "targets"), left);
  });
});

/** One repository with its owner, and readers who follow it. */
class Life implements AsyncDisposable {
  /** How often both sides were compared. */
  compared = 0;
  #fresh = 0;

  private constructor(
    readonly peers: Peers,
    readonly owner: NotaryOwner,
    readonly server: TrustServer,
    readonly cleanUp: AsyncDisposableStack,
  ) {}

  static async begin(stack: Stack): Promise<Life> {
    await using cleanUp = new AsyncDisposableStack();
    const peers = cleanUp.use(await stack.start());
    const owner = new NotaryOwner(peers, `${peers.dir}/owner`, `${peers.registryHost}/read/app`);
    const { send, close } = createSend({ caCerts: [peers.caPem] });
    cleanUp.defer(close);
    const { username, password } = peers;
    const credentials = () => Promise.resolve(peers.auth ? { username, password } : undefined);
    const service = authorize(send, { service: "Notary server", allowHttp: false, credentials, remedy: "Correct it" });
    const server = createTrustServer({ url: new URL(peers.notaryUrl), service, access: "push,pull" });
    return new Life(peers, owner, server, cleanUp.move());
  }

  /** A delegation's key pair, valid for a month. */
  async newKey(name: string, algorithm: SigningAlgorithm): Promise<KeyFiles> {
    return (await this.newKeyAt(name, new Date(), 30, algorithm)).files;
  }

  /** The same, made at some other time. */
  async newKeyAt(
    name: string,
    now: Date,
    days: number,
    algorithm: SigningAlgorithm = "ecdsa-p256",
  ): Promise<{ pem: string; files: KeyFiles }> {
    const { certificatePem: pem, privateKey } = await createSigningCertificate({
      commonName: name,
      algorithm,
      now,
      days,
    });
    const files = { certificate: `${this.peers.dir}/${name}.crt`, key: `${this.peers.dir}/${name}.key` };
    await Deno.writeTextFile(files.certificate, pem);
    await Deno.writeTextFile(files.key, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    return { pem, files };
  }

  /** Publishes the next version of a role's file with our own edits, signed at `at` with the owner's key. */
  async edit(
    role: "targets" | DelegationRole,
    change: (signed: JsonObject) => JsonObject,
    at: Date = new Date(),
  ): Promise<void> {
    const { gun, home } = this.owner;
    const [root, targets, file] = await Promise.all(
      (["root", "targets", role] as const).map(async (name) => (await this.server.read(gun, name))!),
    );
    const { keys } = role === "targets"
      ? parseRoot(root!).roles.targets
      : parseTargets("targets", targets!).delegations.find(({ name }) => name === role)!;
    const [keyId, { canonicalId }] = [...keys][0]!;
    const { envelope, version } = parseTargets(role, file!);
    const passphrase = NOTARY_PASSPHRASES[`NOTARY_${role === "targets" ? "TARGETS" : "DELEGATION"}_PASSPHRASE`]!;
    const signer = await createFileKeyStore(`${home}/trust`, () => Promise.resolve(passphrase)).open(canonicalId);
    const payload = canonicalJson(nextTargets(change(envelope.signed), version + 1, at));
    const files = new Map([[role, assembleFile(payload, [{ keyId, signature: await signer.sign(payload) }])]]);
    await this.server.publish(gun, files);
  }

  /** Runs `tagseal` about the repository, with `reader/trust` as trust directory; a fresh one for `fresh`. */
  async run(reader: string, [command = "", ...args]: readonly string[], more: Env = {}): Promise<Outcome> {
    const { peers } = this;
    const home = await this.#homeOf(reader);
    const auth = peers.auth ? { NOTARY_AUTH: btoa(`${peers.username}:${peers.password}`) } : {};
    const env = { HOME: home, ...auth, ...more };
    const flags = ["--notary-url", peers.notaryUrl, "--ca", peers.caPath, "--trust-dir", `${home}/trust`];
    return await tagseal([command, "-r", this.owner.gun, ...args, ...flags], { env, cwd: home });
  }

  /** The same for a command that has to succeed. */
  async ours(reader: string, args: readonly string[]): Promise<Outcome> {
    const outcome = await this.run(reader, args);
    assert.equal(outcome.code, 0, `tagseal ${args.join(" ")}: ${outcome.stderr}`);
    return outcome;
  }

  /** Our list of a role and all below it, in the words of `notary list`. */
  async ourList(reader: string, role: string): Promise<ListedTag[]> {
    const { tags } = (await this.ours(reader, ["list", "--role", role, "--json"])).json<List>();
    return tags.map(({ tag, digest, length, role }) => ({ tag, sha256: digest.replace("sha256:", ""), length, role }));
  }

  async theirList(reader: string, roles: readonly string[] = []): Promise<ListedTag[]> {
    return await notaryList(this.peers, await this.#homeOf(reader), this.owner.gun, roles);
  }

  /** Keeps two trust directories as they are now: one that notary wrote, and one that we wrote. */
  async keepCopies(name: string): Promise<void> {
    await this.theirList(`${name}-of-notary`);
    await this.ours(`${name}-of-tagseal`, ["list"]);
  }

  /** Those directories lead either client to what a new one sees, whoever wrote them. */
  async copiesAgree(name: string): Promise<void> {
    const expected = await this.theirList("fresh");
    assert.ok(expected.length > 0);
    for (const writer of ["notary", "tagseal"]) {
      const kept = `${this.peers.dir}/${name}-of-${writer}`;
      for (const reader of ["notary", "tagseal"]) {
        const copy = `${name}-of-${writer}-for-${reader}`;
        await copyFolder(kept, `${this.peers.dir}/${copy}`);
        const seen = reader === "notary" ? await this.theirList(copy) : await this.ourList(copy, "targets");
        assert.deepEqual(seen, expected, copy);
        this.compared++;
      }
    }
  }

  /** Compares all that both sides say, from all kinds of trust directories; `skipped` are roles that nobody trusts. */
  async everybodyAgrees(skipped: readonly string[] = []): Promise<void> {
    await this.#listsAgree();
    await Promise.all([this.#rolesAgree(skipped), this.#dockerAgrees()]);
  }

  /** The whole tree: new clients, clients who were here before, and both in one directory, turn by turn. */
  async #listsAgree(): Promise<void> {
    const turns = async (...turns: (() => Promise<ListedTag[]>)[]) => {
      const seen: ListedTag[][] = [];
      for (const turn of turns) seen.push(await turn());
      return seen;
    };
    const ours = (reader: string) => () => this.ourList(reader, "targets");
    const theirs = (reader: string) => () => this.theirList(reader);
    const [[expected], ...all] = await Promise.all([
      turns(theirs("fresh")),
      turns(ours("fresh")),
      turns(ours("kept-ours")),
      turns(theirs("kept-theirs")),
      turns(ours("shared-we-begin"), theirs("shared-we-begin")),
      turns(theirs("shared-they-begin"), ours("shared-they-begin")),
    ]);
    for (const seen of all.flat()) {
      assert.deepEqual(seen, expected);
      this.compared++;
    }
  }

  /** Each role by itself, and each tag that it holds looked up. */
  async #rolesAgree(skipped: readonly string[]): Promise<void> {
    const { peers, owner } = this;
    const { stdout } = await notary(peers, await this.#homeOf("kept-theirs"), ["delegation", "list", owner.gun]);
    const roles = [...stdout.matchAll(/^(targets\/\S+)/gm)].map(([, role]) => role!);
    for (const role of roles.filter((role) => !skipped.includes(role))) {
      const both = [this.ourList("kept-ours", role), this.theirList("kept-theirs", [role])];
      const [ours, theirs] = await Promise.all(both);
      assert.deepEqual(ours, theirs, role);
      this.compared++;
    }
    for (const role of skipped) {
      assert.deepEqual(await this.theirList("kept-theirs", [role]), [], role);
      const outcome = await this.run("kept-ours", ["list", "--role", role]);
      assert.equal(outcome.code, 3, outcome.stderr);
    }
    // The notary client looks a tag up in targets first, and from there in all that is below.
    for (const { tag, sha256, length } of await this.ourList("kept-ours", "targets")) {
      const found = await notary(peers, await this.#homeOf("kept-theirs"), ["lookup", owner.gun, tag]);
      assert.equal(found.stdout, `${tag} sha256:${sha256} ${length}\n`, found.stderr);
      this.compared++;
    }
  }

  /** What Docker resolves: `docker trust inspect`, and the notary client asked for Docker's two roles. */
  async #dockerAgrees(): Promise<void> {
    const { peers, owner } = this;
    const { tags, skipped } = (await this.ours("docker-ours", ["list", "--json"])).json<List>();
    const rows = tags.map(({ tag, digest, length, role }) => ({ tag, sha256: digest.slice(7), length, role }));
    const released = (await this.theirList("docker-theirs", [RELEASES, "targets"]))
      .filter(({ role }) => role === RELEASES || role === "targets");
    assert.deepEqual(rows, released);

    const home = `${peers.dir}/consumer`;
    const { code, stdout, stderr } = await docker(peers, home, ["trust", "inspect", owner.gun]);
    assert.equal(code, 0, stderr);
    const [inspected] = JSON.parse(stdout);
    interface Row {
      readonly SignedTag: string;
      readonly Digest: string;
      readonly Signers: string[];
    }
    // Where targets holds another image than targets/releases, Docker shows both rows, and pulls the latter.
    for (const { tag, digest, signers } of tags) {
      const row = (inspected.SignedTags as Row[]).find((one) =>
        one.SignedTag === tag && `sha256:${one.Digest}` === digest
      );
      assert.deepEqual(row?.Signers.toSorted(), signers, `${tag}: ${stdout}`);
    }
    assert.deepEqual(
      new Set(inspected.SignedTags.map((row: Row) => row.SignedTag)),
      new Set(tags.map(({ tag }) => tag)),
    );
    if (tags.length === 0) return;
    const verify = ["verify", "-t", tags.map(({ tag }) => tag).join(",")];
    if (skipped?.some(({ role }) => role === RELEASES)) {
      // Stricter than Docker on purpose: what targets says may be what targets/releases has replaced.
      assert.equal((await this.run("docker-ours", verify)).code, 3);
      return;
    }
    const verified = await this.ours("docker-ours", verify);
    assert.equal(verified.stdout, tags.map(({ tag, digest }) => `${tag} ${digest}\n`).join(""));
    this.compared++;
  }

  async #homeOf(reader: string): Promise<string> {
    const home = `${this.peers.dir}/${reader === "fresh" ? `fresh-${this.#fresh++}` : reader}`;
    await Deno.mkdir(home, { recursive: true });
    return home;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cleanUp.disposeAsync();
  }
}
