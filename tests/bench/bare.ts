/**
 * The requests of one sign in each of some repositories, and nothing else: answers are received and never looked at, what is
 * posted is refused at once. What this takes is the runtime, the network and the server, below which no program on this
 * runtime comes that asks the same.
 *
 * Arguments: the server's address, its CA, a list of repositories, how many of them at once.
 *
 * @module
 */
const [url, caPath, list, atOnce] = Deno.args as [string, string, string, string];
const client = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(caPath)] });
const READ = ["root", "timestamp", "snapshot", "targets", "targets/releases", "targets/ci"];
const READ_BACK = READ.filter((role) => role !== "targets");

async function ask(path: string, init: RequestInit = {}): Promise<void> {
  const response = await fetch(`${url}/v2/${path}`, { client, ...init });
  await response.arrayBuffer();
}

async function signsNothing(gun: string): Promise<void> {
  const readAll = (roles: readonly string[]) => Promise.all(roles.map((role) => ask(`${gun}/_trust/tuf/${role}.json`)));
  await readAll(READ);
  const body = new FormData();
  body.append("files", new Blob(["no JSON"]), "targets/releases");
  await ask(`${gun}/_trust/tuf/`, { method: "POST", body });
  await readAll(READ_BACK);
}

const guns = Deno.readTextFileSync(list).trim().split("\n").values();
await Promise.all(Array.from({ length: Number(atOnce) }, async () => {
  for (const gun of guns) await signsNothing(gun);
}));
Deno.exit(0);
