/**
 * Forged repositories put to the notary client and to us: whatever it refuses, we do not show as signed. Where that is not
 * so, the table says why.
 */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { createLocalCa, LOOPBACK_NAMES } from "../../lib/local/certificates.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { readRepository } from "../../lib/notary/update.ts";
import { resolveAll } from "../../lib/tuf/resolve.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { type Attack, ATTACKS, BETA, moment, ROLES } from "../support/attacks.ts";
import { notary, type NotaryAccess } from "../support/clients.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { peerTest } from "../support/peer_case.ts";
import { buildFiles, GUN } from "../support/trust_builder.ts";

/** Long after anybody runs this: the notary client knows no other clock than the machine's. */
const EXPIRES = "2035-01-01T00:00:00Z";
const AT_ONCE = 4;

/** Forgeries of which we show more than the notary client does, and why that is right. */
const ARGUED: ReadonlyMap<string, string> = new Map([
  [
    "a member whose name differs from a known one by case",
    'Go takes "Expires" for "expires", the last one counts, and so everything has expired; the name is exact here',
  ],
  [
    "a SHA-1 certificate beside the right key",
    "Notary refuses the whole repository; here, the delegation that names the certificate, and all below it",
  ],
  ["a certificate with an RSA key of 1024 bits beside the right key", "the same"],
]);

/** A server that shows one repository for each first part of the path. */
class ForgeryServer implements AsyncDisposable {
  #asked = 0;

  private constructor(
    readonly access: NotaryAccess,
    readonly home: string,
    readonly shown: Map<string, MemoryTrustServer>,
    readonly cleanUp: AsyncDisposableStack,
  ) {}

  static async start(): Promise<ForgeryServer> {
    await using cleanUp = new AsyncDisposableStack();
    const home = await Deno.makeTempDir({ prefix: "tagseal-forgeries-" });
    cleanUp.defer(() => Deno.remove(home, { recursive: true }));
    const ca = await createLocalCa(new Date(), "tagseal tests, throw-away CA");
    const { certPem: cert, keyPem: key } = await ca.issue(LOOPBACK_NAMES);
    const caPath = `${home}/ca.crt`;
    await Deno.writeTextFile(caPath, ca.caPem);
    const shown = new Map<string, MemoryTrustServer>();
    const tls = { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} };
    const stop = new AbortController();
    const options = { ...tls, signal: stop.signal };
    const server = Deno.serve(options, (request) => answer(shown, new URL(request.url).pathname));
    cleanUp.defer(() => (stop.abort(), server.finished)); // connections of clients that have ended are not waited for
    const notaryUrl = `https://localhost:${server.addr.port}`;
    const access = { notaryUrl, caPath, auth: false, username: "", password: "" };
    return new ForgeryServer(access, home, shown, cleanUp.move());
  }

  /** The tags that the notary client lists, with their digests; nothing where it refuses. */
  async theirs(files: ReadonlyMap<RoleName, Bytes>): Promise<ReadonlySet<string>> {
    const name = `${++this.#asked}`;
    this.shown.set(name, new MemoryTrustServer(files));
    const access = { ...this.access, notaryUrl: `${this.access.notaryUrl}/${name}` };
    const { code, stdout } = await notary(access, `${this.home}/${name}`, ["list", GUN]);
    this.shown.delete(name);
    if (code !== 0) return new Set();
    return new Set(
      stdout.split("\n").flatMap((line) => {
        const [, tag, sha256] = /^(.*?) +([0-9a-f]{64}) +\d+ +\S+$/.exec(line.trimEnd()) ?? [];
        return sha256 ? [`${tag} ${sha256}`] : [];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cleanUp.disposeAsync();
  }
}

async function answer(shown: ReadonlyMap<string, MemoryTrustServer>, path: string): Promise<Response> {
  const [, name = "", file] = /^\/(\d+)\/v2\/.*_trust\/tuf\/(.*)\.json$/.exec(path) ?? [];
  const bytes = file && await shown.get(name)?.read(GUN, file);
  if (bytes) return new Response(bytes);
  const missing = { errors: [{ code: "METADATA_NOT_FOUND", message: "metadata not found" }] };
  return path.endsWith("/v2/") ? new Response("{}") : Response.json(missing, { status: 404 });
}

/** The tags that we show as signed. */
async function ours(files: ReadonlyMap<RoleName, Bytes>): Promise<ReadonlySet<string>> {
  const server = new MemoryTrustServer(files);
  const store = createMemoryMetadataStore();
  try {
    const { repository } = await readRepository({ server, gun: GUN, at: new Date(), store, expected: [BETA] });
    return new Set(resolveAll(repository).map(({ tag, sha256 }) => `${tag.trimEnd()} ${sha256}`)); // as a table shows them
  } catch (error) {
    if (isTagsealError(error)) return new Set();
    throw error;
  }
}

peerTest("forgeries: what the notary client refuses, we do not show as signed", ["notary"], async (t) => {
  await using server = await ForgeryServer.start();
  const cases = ATTACKS.filter(({ state }) => state !== "cached")
    .flatMap((attack) => (attack.roles ?? ROLES).map((role) => ({ attack, role })));
  let asked = 0;
  const argued = new Set<string>();
  const unsafe: string[] = [];
  async function compare({ attack, role }: { attack: Attack; role: RoleName }): Promise<void> {
    const plan = { ...moment(3, attack.specials(role), EXPIRES), ...attack.plan?.(role) };
    const files = await buildFiles(plan);
    attack.serve?.(files, role);
    const shown = await ours(files);
    if (shown.size === 0) return; // then the client may say what it likes
    asked++;
    const taken = await server.theirs(files);
    const more = [...shown].filter((tag) => !taken.has(tag));
    if (more.length === 0) return;
    if (ARGUED.has(attack.name)) argued.add(attack.name);
    else unsafe.push(`${role}: ${attack.name}: ${more.join(", ")}`);
  }
  const left = cases.values();
  await t.step(`${cases.length} of them`, async () => {
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (const each of left) await compare(each);
    }));
    assert.deepEqual(unsafe, []);
  });
  await t.step("and there was something to compare", () => {
    assert.ok(asked > 150, `${asked} of ${cases.length}`);
    assert.deepEqual([...argued].sort(), [...ARGUED.keys()].sort(), "nothing is argued for that is not so");
  });
});
