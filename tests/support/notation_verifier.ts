/** The real `notation` program. @module */
import { type Certificate, certificatePem } from "../../lib/crypto/x509.ts";
import { verifier } from "./peer_case.ts";
import type { Peers } from "./peers.ts";

/** Somebody with `notation` and a trust store: level strict, any identity. A home below `dir`. */
export async function notationHome(dir: string, trusted: readonly Certificate[]): Promise<string> {
  const home = await Deno.makeTempDir({ dir, prefix: "notation-" });
  const store = `${home}/notation/truststore/x509/ca/tests`;
  await Deno.mkdir(store, { recursive: true });
  for (const [i, certificate] of trusted.entries()) {
    await Deno.writeTextFile(`${store}/${i}.pem`, certificatePem(certificate));
  }
  const policy = {
    name: "tests",
    registryScopes: ["*"],
    signatureVerification: { level: "strict" },
    trustStores: ["ca:tests"],
    trustedIdentities: ["*"],
  };
  const file = `${home}/notation/trustpolicy.json`;
  await Deno.writeTextFile(file, JSON.stringify({ version: "1.0", trustPolicies: [policy] }), { mode: 0o600 });
  return home;
}

/** What `notation verify` says of an image. By address: it speaks HTTP to whatever is called localhost. */
export async function notationVerify(
  { caPath }: Peers,
  home: string,
  reference: string,
  tag?: string,
): Promise<{ readonly ok: boolean; readonly said: string }> {
  const { success, stderr } = await new Deno.Command(verifier("notation"), {
    args: [
      "verify",
      ...(tag === undefined ? [] : ["-m", `tag=${tag}`]),
      reference.replace("localhost", "127.0.0.1"),
    ],
    clearEnv: true,
    env: { HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, SSL_CERT_FILE: caPath },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  return { ok: success, said: new TextDecoder().decode(stderr) };
}

/** Whether `notation verify` accepts a tag, at the level strict and under this certificate alone. */
export async function notationAccepts(
  peers: Peers,
  certificate: Certificate,
  reference: string,
  tag: string,
): Promise<boolean> {
  return (await notationVerify(peers, await notationHome(peers.dir, [certificate]), reference, tag)).ok;
}
