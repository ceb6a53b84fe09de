/** The real `notation` program. @module */
import { type Certificate, certificatePem } from "../../lib/crypto/x509.ts";
import { verifier } from "./peer_case.ts";
import type { Peers } from "./peers.ts";

/** Whether `notation verify` accepts a tag, at the level strict and under this certificate alone. */
export async function notationAccepts(
  peers: Peers,
  certificate: Certificate,
  reference: string,
  tag: string,
): Promise<boolean> {
  const home = await Deno.makeTempDir({ dir: peers.dir, prefix: "notation-" });
  const store = `${home}/notation/truststore/x509/ca/tests`;
  await Deno.mkdir(store, { recursive: true });
  await Deno.writeTextFile(`${store}/one.pem`, certificatePem(certificate));
  const policy = {
    name: "tests",
    registryScopes: ["*"],
    signatureVerification: { level: "strict" },
    trustStores: ["ca:tests"],
    trustedIdentities: ["*"],
  };
  await Deno.writeTextFile(
    `${home}/notation/trustpolicy.json`,
    JSON.stringify({ version: "1.0", trustPolicies: [policy] }),
    { mode: 0o600 },
  );
  const { success } = await new Deno.Command(verifier("notation"), {
    args: ["verify", "-m", `tag=${tag}`, reference.replace("localhost", "127.0.0.1")],
    clearEnv: true,
    env: { HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, SSL_CERT_FILE: peers.caPath },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}
