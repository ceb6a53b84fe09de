/** The embedded stack of `lib/local`, in this process, as the same {@linkcode Peers} as the real servers. @module */
import { startLocalStack } from "../../lib/local/stack.ts";
import { engineAddress, startEngine } from "./engine.ts";
import type { Peers } from "./peers.ts";

/** Starts the embedded registry and Notary server, which ask nobody for a token, and an engine where wanted. */
export async function startEmbeddedPeers(options: { readonly engine?: boolean } = {}): Promise<Peers> {
  await using cleanUp = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "tagseal-peers-" });
  cleanUp.defer(() => Deno.remove(dir, { recursive: true }));
  const { host, notaryUrl, caPem } = cleanUp.use(
    await startLocalStack({ port: 0, now: () => new Date(), algorithm: "ecdsa-p256", dataDir: `${dir}/data` }),
  );
  const caPath = `${dir}/certs/ca.crt`;
  await Deno.mkdir(`${dir}/certs`);
  await Deno.writeTextFile(caPath, caPem);
  if (options.engine) cleanUp.use(await startEngine(dir));
  const running = cleanUp.move();
  const stop = () => running.disposeAsync();
  return {
    notaryUrl,
    registryHost: host,
    caPath,
    caPem,
    dir,
    auth: false,
    username: "nobody",
    password: "not-asked-for",
    ...(options.engine ? { dockerHost: engineAddress(dir) } : {}),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
