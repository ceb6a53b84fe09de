/** The embedded stack with SignPath's key on a real PKCS#11 module, SoftHSM; `tagseal local` is a process of its own. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import { createSend } from "../../lib/http/network.ts";
import { KNOWN_MODULES } from "../../lib/keystore/pkcs11_modules.ts";
import { pushTinyImage } from "../../lib/local/image.ts";
import { NOTARY_PASSPHRASES } from "../support/clients.ts";
import { peerTest } from "../support/peer_case.ts";
import { runProgram, startProgram } from "../support/program.ts";
import { tagseal } from "../support/run.ts";

const MODULE = KNOWN_MODULES.filter((path) => path.includes("softhsm")).find((path) => existsSync(path)) ?? "";
const PIN = "secret-pin-4711";
const TOKEN = ["--key", "pkcs11", "--pkcs11-module", MODULE, "--pkcs11-token", "signer"];

interface Told {
  readonly host: string;
  readonly certificate: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Runs `tagseal local` until it has said how to reach it; then `use`, then Ctrl-C. */
async function whileRunning(
  folder: string,
  port: string,
  env: Record<string, string>,
  use: (told: Told) => Promise<void>,
): Promise<void> {
  const args = ["local", "--json", "--port", port, "--data", "kept", ...TOKEN];
  const child = startProgram("with-token", args, folder, env);
  const errors = new Response(child.stderr).text();
  let said = "";
  const output = child.stdout.pipeThrough(new TextDecoderStream());
  for await (const part of output.values({ preventCancel: true })) {
    said += part;
    if (said.includes("\n")) break;
  }
  try {
    assert.match(said, /"variables":/); // else it is the error
    await use(JSON.parse(said));
  } finally {
    if (said.includes('"variables":')) child.kill("SIGINT");
    await output.cancel();
  }
  assert.equal((await child.status).code, 0);
  const told = await errors;
  assert.ok(!told.includes(PIN), "the PIN is never shown");
  assert.match(told, /Signing on the token "signer"/);
}

peerTest(
  "stack: SignPath's key on a token is made once, and signs after a restart",
  ["softhsm2", "pkcs11 addon"],
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "tagseal-stack-token-" });
    try {
      await Deno.mkdir(`${folder}/tokens`);
      const conf = `${folder}/softhsm2.conf`;
      await Deno.writeTextFile(conf, `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\n`);
      const token = { SOFTHSM2_CONF: conf };
      const init = ["--init-token", "--free", "--label", "signer", "--so-pin", "12345678", "--pin", PIN];
      const made = await new Deno.Command("softhsm2-util", { args: init, env: token }).output();
      assert.ok(made.success, new TextDecoder().decode(made.stderr));
      const env = { ...token, TAGSEAL_PKCS11_PIN: PIN };
      const run = async ({ DENO_CERT = "", ...variables }: Told["variables"], ...args: string[]) => {
        const all = { HOME: folder, ...NOTARY_PASSPHRASES, ...variables };
        const { code, stderr } = await tagseal([...args, "--ca", DENO_CERT], { cwd: folder, env: all });
        assert.equal(code, 0, stderr);
      };

      const push = async ({ host, variables }: Told, tag: string) => {
        const { send, close } = createSend({ caCerts: [await Deno.readTextFile(variables["DENO_CERT"]!)] });
        await pushTinyImage(send, new URL(`https://${host}`), "demo/app", tag, `hello from ${tag}`).finally(close);
      };
      let gun = "", port = "0", certificate = "";
      await whileRunning(folder, port, env, async (told) => {
        port = told.host.split(":")[1]!;
        gun = `${told.host}/demo/app`;
        certificate = await Deno.readTextFile(told.certificate);
        assert.equal(new X509Certificate(certificate).publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
        await push(told, "v1");
        await run(told.variables, "init", "-r", gun, "--delegation-certificate", told.certificate);
        await run(told.variables, "sign", "-r", gun, "-t", "v1");
        await run(told.variables, "verify", "-r", gun, "-t", "v1");
      });
      await whileRunning(folder, port, env, async (told) => {
        assert.equal(await Deno.readTextFile(told.certificate), certificate);
        await push(told, "v2");
        await run(told.variables, "sign", "-r", gun, "-t", "v2");
        await run(told.variables, "verify", "-r", gun, "-t", "v1,v2");
      });
      const withoutIt = await runProgram("local", ["local", "--port", "0", "--data", "kept"], folder, env);
      assert.equal(withoutIt.code, 2);
      assert.match(withoutIt.stderr, /was begun with another key: a key on a PKCS#11 token/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
