/** Keys of all kinds that other tools put onto a real PKCS#11 module, SoftHSM. */
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { type SignatureMethod, verifySignature } from "../../lib/crypto/algorithms.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { keyOfSpki, type PublicKey } from "../../lib/crypto/keys.ts";
import { recognizeByRules } from "../../lib/crypto/signature_rules.ts";
import { publicKeyOf } from "../../lib/crypto/key_object.ts";
import { KNOWN_MODULES } from "../../lib/keystore/pkcs11_modules.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { peerTest } from "../support/peer_case.ts";
import { PAYLOAD, RULES, type TokenSignatures } from "../support/token_signatures.ts";
import { rsaKey } from "../support/rsa_keys.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const MODULE = KNOWN_MODULES.find((path) => path.includes("softhsm") && existsSync(path)) ?? "";
const PIN = "secret-pin-4711";

/** A private token of SoftHSM, and the tools of others for it. */
class TokenTools {
  readonly #dir: string;
  readonly #env: Record<string, string>;

  constructor(dir: string) {
    this.#dir = dir;
    this.#env = { SOFTHSM2_CONF: `${dir}/softhsm2.conf` };
  }

  async init(): Promise<void> {
    await Deno.mkdir(`${this.#dir}/tokens`);
    await Deno.writeTextFile(this.#env["SOFTHSM2_CONF"]!, `directories.tokendir = ${this.#dir}/tokens\n`);
    const named = ["--label", "company", "--so-pin", "12345678", "--pin", PIN];
    await this.#run("softhsm2-util", ["--init-token", "--free", ...named]);
  }

  /** A private key, with its public key object. */
  async importPair(key: KeyObject, id: string): Promise<void> {
    const path = `${this.#dir}/key.pem`;
    await Deno.writeTextFile(path, key.export({ type: "pkcs8", format: "pem" }).toString());
    const args = ["--import", path, "--token", "company", "--label", `key ${id}`, "--id", id, "--pin", PIN];
    await this.#run("softhsm2-util", args);
  }

  /** One object. */
  async write(type: "privkey" | "cert", der: Uint8Array, id: string, ...more: string[]): Promise<void> {
    const path = `${this.#dir}/${type}.der`;
    await Deno.writeFile(path, der);
    await this.pkcs11Tool("--write-object", path, "--type", type, "--id", id, ...more);
  }

  pkcs11Tool(...args: string[]): Promise<string> {
    const login = ["--module", MODULE, "--token-label", "company", "--login", "--pin", PIN];
    return this.#run("pkcs11-tool", [...login, ...args]);
  }

  /** What tagseal's key store does with all keys, in a process of its own. */
  async signatures(): Promise<Map<string, TokenSignatures>> {
    const program = new URL("../support/token_signatures.ts", import.meta.url).pathname;
    const args = ["run", "-q", "-A", `--config=${ROOT}deno.json`, program, `${ROOT}.tagseal-pkcs11`, MODULE];
    const keys: TokenSignatures[] = JSON.parse(await this.#run(Deno.execPath(), [...args, "company", PIN]));
    return new Map(keys.map((key) => [key.id, key]));
  }

  async #run(program: string, args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], env: this.#env }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
    assert.ok(success, out + err);
    return out;
  }
}

const pkcs8 = (key: KeyObject) => key.export({ type: "pkcs8", format: "der" });

peerTest("pkcs11: keys of all kinds on SoftHSM sign payloads and hashes", ["softhsm2", "pkcs11 addon"], async () => {
  const dir = await Deno.makeTempDir({ prefix: "tagseal-pkcs11-keys-" });
  try {
    const token = new TokenTools(dir);
    await token.init();
    const signers: [string, PublicKey][] = [];
    const made: [string, KeyObject][] = [
      ["RSA 2048", rsaKey(2048)],
      ["RSA 3072", rsaKey(3072)],
      ["P-256", generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey],
      ["P-384", generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey],
      ["P-521", generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey],
    ];
    for (const [i, [name, key]] of made.entries()) {
      await token.importPair(key, `a${i}`);
      signers.push([name, publicKeyOf(key)]);
    }
    const request = { commonName: "A company", now: new Date(), days: 1 };
    for (const algorithm of ["rsa-2048", "ecdsa-p256"] as const) {
      const { certificateDer, privateKey } = await createSigningCertificate({ ...request, algorithm });
      await token.write("privkey", pkcs8(privateKey), algorithm === "rsa-2048" ? "b0" : "b1", "--usage-sign");
      await token.write("cert", certificateDer, algorithm === "rsa-2048" ? "b0" : "b1");
      signers.push([`${algorithm} by its certificate`, publicKeyOf(privateKey)]);
    }
    await token.pkcs11Tool("--keypairgen", "--key-type", "rsa:2048", "--id", "c0", "--always-auth", "--usage-sign");
    await token.pkcs11Tool("--read-object", "--type", "pubkey", "--id", "c0", "-o", `${dir}/c0.der`);
    signers.push(["a key that wants the PIN each time", keyOfSpki(await Deno.readFile(`${dir}/c0.der`))]);

    const { certificateDer: elsewhere } = await createSigningCertificate({ ...request, algorithm: "ecdsa-p256" });
    await token.write("cert", elsewhere, "d0");

    const found = await token.signatures();
    for (const [name, key] of signers) {
      const { signed, byRules, error } = found.get(key.canonicalId) ?? assert.fail(`${name} is not listed`);
      assert.equal(error, undefined, name);
      const rsa = key.shape.family === "rsa";
      const methods = rsa ? ["rsapkcs1v15", "rsapkcs1v15", "rsapss"] : ["ecdsa", "ecdsa", "ecdsa"];
      assert.deepEqual(signed.map(({ method }) => method), methods, name);
      for (const { method, base64 } of signed) {
        const good = await verifySignature(method as SignatureMethod, key, PAYLOAD, Uint8Array.fromBase64(base64));
        assert.ok(good, `${name}: ${method}`);
      }
      for (const [i, rules] of RULES.entries()) {
        const recognized = await recognizeByRules(key, rules, PAYLOAD, Uint8Array.fromBase64(byRules[i]!));
        assert.ok(recognized, `${name}: ${JSON.stringify(rules)}`);
        if (rsa && rules.rsaPadding === "pss") assert.equal(recognized.saltLength, hash(rules.hash, PAYLOAD).length);
      }
    }
    const stranger = new X509Certificate(elsewhere).publicKey.export({ type: "spki", format: "der" });
    const { error } = found.get(keyOfSpki(new Uint8Array(stranger)).canonicalId) ?? {};
    assert.match(error ?? "", /The token "company" has no private key for the key/);
    assert.equal(found.size, signers.length + 1);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
