/** Trust directories that hold the delegation key and nothing else. @module */
import { notary, NOTARY_PASSPHRASES } from "../support/clients.ts";
import type { Peers } from "../support/peers.ts";

/** Imports the key once, with the notary client; the function returned copies it to a new trust directory. */
export async function importDelegationKey(peers: Peers, keyPem: string): Promise<(trustDir: string) => Promise<void>> {
  const home = await Deno.makeTempDir({ dir: peers.dir, prefix: "delegation-key-" });
  await Deno.writeTextFile(`${home}/key.pem`, keyPem, { mode: 0o600 });
  const { code, stderr } = await notary(
    peers,
    home,
    ["key", "import", `${home}/key.pem`, "-r", "delegation"],
    NOTARY_PASSPHRASES,
  );
  if (code !== 0) throw new Error(`The delegation key was not imported: ${stderr}`);
  const kept = `${home}/trust/private`;
  const names = (await Array.fromAsync(Deno.readDir(kept))).map(({ name }) => name);
  return async (trustDir) => {
    await Deno.mkdir(`${trustDir}/private`, { recursive: true, mode: 0o700 });
    for (const name of names) await Deno.copyFile(`${kept}/${name}`, `${trustDir}/private/${name}`);
  };
}
