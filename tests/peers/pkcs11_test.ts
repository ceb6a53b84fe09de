/**
 * Keys on a real PKCS#11 module, SoftHSM, and the repositories that they sign on the real Notary server. Whoever uses a
 * module is a process of its own: a module is initialized once for a process, and its libraries do not bear that threads
 * end while they clean up.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { KNOWN_MODULES } from "../../lib/keystore/pkcs11_modules.ts";
import { notary, NOTARY_PASSPHRASES } from "../support/clients.ts";
import { type Need, peerTest } from "../support/peer_case.ts";
import { type Peers, startPeers } from "../support/peers.ts";
import { type ProcessEnd, runProgram } from "../support/program.ts";

const TOKEN: readonly Need[] = ["softhsm2", "pkcs11 addon"];
const SERVERS: readonly Need[] = ["notary", "notary-server", "docker-registry", ...TOKEN];
const ROOT = new URL("../../", import.meta.url).pathname;
const MODULE = KNOWN_MODULES.find((path) => path.includes("softhsm") && existsSync(path)) ?? "";
const PIN = "secret-pin-4711";

/** Private tokens of SoftHSM below `dir`; returns the variable that makes a process use them. */
async function softHsm(dir: string, ...labels: string[]): Promise<{ SOFTHSM2_CONF: string }> {
  await Deno.mkdir(`${dir}/tokens`);
  const path = `${dir}/softhsm2.conf`;
  await Deno.writeTextFile(path, `directories.tokendir = ${dir}/tokens\nobjectstore.backend = file\n`);
  const env = { SOFTHSM2_CONF: path };
  for (const label of labels) {
    const args = ["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", PIN];
    await must(new Deno.Command("softhsm2-util", { args, env }));
  }
  return env;
}

async function must(command: Deno.Command): Promise<string> {
  const { success, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, text);
  return text;
}

async function inFolder(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tagseal-pkcs11-" });
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

peerTest("pkcs11: SoftHSM makes, keeps and uses keys that do not leave it", TOKEN, () =>
  inFolder(async (dir) => {
    const program = new URL("../support/token_life.ts", import.meta.url).pathname;
    const args = ["run", "-q", "-A", `--config=${ROOT}deno.json`, program, `${ROOT}.tagseal-pkcs11`, MODULE, PIN];
    await must(new Deno.Command(Deno.execPath(), { args, env: await softHsm(dir, "left", "right") }));
  }));

/** Somebody with tokens, who runs `tagseal` as `deno task with-token` does. */
class Admin {
  readonly ended: ProcessEnd[] = [];

  constructor(readonly peers: Peers, readonly home: string, readonly env: Record<string, string>) {}

  async run(args: readonly string[], env: Record<string, string> = {}): Promise<ProcessEnd> {
    const flags = ["--notary-url", this.peers.notaryUrl, "--ca", this.peers.caPath, "--trust-dir", "trust"];
    const variables = { ...NOTARY_PASSPHRASES, TAGSEAL_PKCS11_PIN: PIN, ...this.env, ...env };
    const end = await runProgram("with-token", [...args, ...flags], this.home, variables);
    assert.ok(!(end.stdout + end.stderr).includes(PIN), "the PIN is never shown");
    return end;
  }

  async succeeds(args: readonly string[], env: Record<string, string> = {}): Promise<ProcessEnd> {
    const end = await this.run(args, env);
    assert.equal(end.code, 0, end.stderr);
    return end;
  }

  async fails(code: number, args: readonly string[], words: RegExp, env: Record<string, string> = {}): Promise<void> {
    const end = await this.run(args, env);
    assert.equal(end.code, code, end.stderr);
    assert.match(end.stderr, words);
    assert.doesNotMatch(end.stderr, /\n\s+at /, "no stack trace");
  }

  async keyFiles(): Promise<string[]> {
    try {
      const names = (await Array.fromAsync(Deno.readDir(`${this.home}/trust/private`))).map(({ name }) => name);
      return names.filter((name) => name.endsWith(".key")).sort();
    } catch {
      return [];
    }
  }

  /** What another tool sees on the token. */
  objects(): Promise<string> {
    const args = ["--module", MODULE, "--token-label", "left", "--login", "--pin", PIN, "-O"];
    return must(new Deno.Command("pkcs11-tool", { args, env: this.env }));
  }
}

peerTest("pkcs11: repositories whose keys are on SoftHSM, on the real Notary server", SERVERS, async (t) => {
  await using peers = await startPeers();
  const home = `${peers.dir}/admin`;
  await Deno.mkdir(home);
  const admin = new Admin(peers, home, await softHsm(peers.dir, "left"));
  const cer = await createSigningCertificate({
    algorithm: "ecdsa-p256",
    commonName: "SignPath",
    now: new Date(),
    days: 30,
  });
  await Deno.writeTextFile(`${home}/signpath.cer`, cer.certificatePem);
  const delegating = ["--delegation-certificate", "signpath.cer"];
  const client = async (...args: string[]) => {
    const { code, stdout, stderr } = await notary(peers, home, args, NOTARY_PASSPHRASES);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  await t.step("root on the token, targets in a file", async () => {
    const gun = `${peers.registryHost}/token/root`;
    const made = await admin.succeeds(["init", "-r", gun, "--root-key-store", "pkcs11", "--json"]);
    const { rootKeyId, targetsKeyId } = JSON.parse(made.stdout);
    assert.match(made.stderr, /Signing on the token "left"\. If the token blinks, touch it\./);
    assert.deepEqual(await admin.keyFiles(), [`${targetsKeyId}.key`]);
    const objects = await admin.objects();
    assert.match(objects, /Private Key Object; EC\n\s+label:\s+tagseal root\n/);
    assert.ok(objects.includes(rootKeyId), "CKA_ID is the canonical key id");
    assert.match(objects, /Access:\s+sensitive, always sensitive, never extract/);

    assert.match(await client("list", gun), /No targets present/);
    const added = await admin.succeeds(["add-delegation", "-r", gun, ...delegating], { TAGSEAL_PKCS11_PIN: "" });
    assert.match(added.stdout, /targets\/signpath [0-9a-f]{64} published\n$/);
    assert.match(await client("delegation", "list", gun), /targets\/signpath /);

    const name = `${gun}/moved`;
    const move = ["move", "-r", gun, "--to-notary-url", peers.notaryUrl, "--to-repository", name];
    const moved = await admin.succeeds([...move, "--root-key-store", "pkcs11"]);
    assert.match(moved.stderr, /Signing on the token "left"/);
    assert.match(await client("delegation", "list", name), /targets\/signpath /);
  });

  await t.step("targets on the token as well: found by the module alone", async () => {
    const gun = `${peers.registryHost}/token/both`;
    const before = await admin.keyFiles();
    const both = ["--root-key-store", "pkcs11", "--targets-key-store", "pkcs11"];
    const { stderr } = await admin.succeeds(["init", "-r", gun, ...both]);
    assert.match(stderr, /Root key: on the token ".+"\. Keep that token safe: .*\nTargets key: on the token ".+"\.\n/);
    assert.deepEqual(await admin.keyFiles(), before);
    assert.ok((await admin.objects()).includes(`tagseal targets ${gun}`));
    await admin.fails(2, ["add-delegation", "-r", gun, ...delegating], /targets key of ".*" is not here/);
    const module = { TAGSEAL_PKCS11_MODULE: MODULE };
    const added = await admin.succeeds(["add-delegation", "-r", gun, ...delegating], module);
    assert.match(added.stdout, /targets\/releases [0-9a-f]{64} published\n/);
    assert.match(await client("delegation", "list", gun), /targets\/releases /);
  });

  await t.step("root is a key that another tool made, and that wants the PIN each time", async () => {
    const gun = `${peers.registryHost}/token/existing`;
    const args = ["--module", MODULE, "--token-label", "left", "--login", "--pin", PIN, "--keypairgen"];
    args.push("--key-type", "EC:prime256v1", "--id", "02", "--label", "SIGN key", "--always-auth");
    await must(new Deno.Command("pkcs11-tool", { args, env: admin.env }));
    const init = ["init", "-r", gun, "--root-key-store", "pkcs11", "--pkcs11-root-key"];
    await admin.fails(2, [...init, "07"], /has no P-256 key "07"; its keys: .*\b02\b/);
    await admin.succeeds([...init, "02"]);
    assert.match(await client("list", gun), /No targets present/);
  });

  await t.step("what goes wrong changes nothing", async () => {
    const gun = `${peers.registryHost}/token/none`;
    const init = ["init", "-r", gun, "--root-key-store", "pkcs11"];
    const [files, objects] = [await admin.keyFiles(), await admin.objects()];
    await admin.fails(2, [...init, "--pkcs11-token", "right"], /no token "right" in .*; tokens there: "left"/);
    await admin.fails(2, init, /The PIN in TAGSEAL_PKCS11_PIN does not open the token "left".*few tries/, {
      TAGSEAL_PKCS11_PIN: "999999",
    });
    await admin.fails(2, [...init, "--no-input"], /The PIN of the token "left" is needed.*\n.*Set TAGSEAL_PKCS11_PIN/, {
      TAGSEAL_PKCS11_PIN: "",
    });
    const empty = await softHsm(await Deno.makeTempDir({ dir: peers.dir }));
    await admin.fails(2, init, /No token is plugged in that .*\n.*Plug the token in/, empty);
    await admin.fails(2, [...init, "--pkcs11-module", "signpath.cer"], /module ".*signpath.cer" cannot be used/);
    await admin.fails(2, [...init, "--pkcs11-module", "none.so"], /There is no PKCS#11 module ".*none.so"/);
    await admin.fails(2, init, /addon is not in ".*\/nothing"\n.*deno task build-pkcs11/, {
      TAGSEAL_PKCS11_ADDON: "nothing",
    });
    await admin.fails(2, ["init", "-r", gun, "--root-key-store", "yubikey"], /--root-key-store cannot be "yubikey"/);
    // The root key was made on the token already when the targets key's passphrase turns out to be too short.
    await admin.fails(2, init, /NOTARY_TARGETS_PASSPHRASE is too short/, { NOTARY_TARGETS_PASSPHRASE: "seven77" });
    assert.deepEqual([await admin.keyFiles(), await admin.objects()], [files, objects]);
  });

  await t.step("several tokens are listed", async () => {
    const two = await softHsm(await Deno.makeTempDir({ dir: peers.dir }), "one", "two");
    const init = ["init", "-r", `${peers.registryHost}/token/several`, "--root-key-store", "pkcs11"];
    await admin.fails(2, init, /There are several tokens: "(one|two)", "(one|two)"\n.*--pkcs11-token/, two);
    await admin.succeeds([...init, "--pkcs11-token", "two"], two);
  });
});
