/** A Docker engine of its own for one test (root only). @module */
import { Process } from "./process.ts";

/** The `DOCKER_HOST` of the engine below `dir`. */
export function engineAddress(dir: string): string {
  return `unix://${dir}/engine/sock`;
}

/**
 * Starts an engine that keeps all it has in `dir`, and waits until it answers.
 *
 * @throws {Error} with the end of its log where it does not come up
 */
export async function startEngine(dir: string): Promise<AsyncDisposable> {
  await using cleanUp = new AsyncDisposableStack();
  await Deno.mkdir(`${dir}/engine`);
  const folders = ["data", "exec"].map((name) => `--${name}-root=${dir}/engine/${name}`);
  // The registry's certificate is not checked on 127.0.0.0/8; the engine reads CAs from /etc/docker/certs.d only.
  const args = [`--host=${engineAddress(dir)}`, ...folders, `--pidfile=${dir}/engine/pid`, "--iptables=false"];
  args.push("--bridge=none", "--storage-driver=vfs", "--insecure-registry=127.0.0.0/8");
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: `${dir}/engine/sock` } });
  await cleanUp.use(new Process("dockerd", args, `${dir}/dockerd.log`)).waitUntil(async () => {
    const response = await fetch("http://localhost/_ping", { client });
    return await response.text() === "OK";
  });
  return cleanUp.move();
}
