/** When the local copy may stand in for the server, and when it may not. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { isTagsealError, type Reason, TagsealError } from "../../lib/errors.ts";
import { authorize } from "../../lib/http/auth.ts";
import { createSend } from "../../lib/http/network.ts";
import { readRetries } from "../../lib/http/read_retries.ts";
import { exchange, type Send } from "../../lib/http/send.ts";
import { createMemoryMetadataStore, type MetadataStore } from "../../lib/notary/metadata_store.ts";
import { isServerDown } from "../../lib/notary/offline.ts";
import { createTrustServer, type TrustServer } from "../../lib/notary/trust_server.ts";
import { type ReadOptions, readRepository } from "../../lib/notary/update.ts";
import { resolveTag } from "../../lib/tuf/resolve.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { AT, buildFiles, DELEGATIONS, DIGEST, GUN, KEYS, newKey } from "../support/trust_builder.ts";

const KNOWN = await buildFiles();

async function storeOf(files: ReadonlyMap<RoleName, Bytes>): Promise<MetadataStore> {
  const store = createMemoryMetadataStore();
  await store.write(GUN, files);
  return store;
}

const refused = (status: number | undefined, reason?: Reason<"unavailable">, words = "no answer"): TagsealError =>
  new TagsealError("unavailable", words, {
    remedy: "Wait",
    reason,
    call: { status },
  });
const DOWN: TagsealError = refused(503);

/** A server whose answers come from HTTP that `send` gives. */
function httpServer(send: Send): TrustServer {
  const service = authorize(send, { service: "Notary server", allowHttp: true, remedy: "Set NOTARY_AUTH" });
  return createTrustServer({ url: new URL("https://notary.test"), service, access: "pull" });
}

function failing(error: unknown): MemoryTrustServer {
  const server = new MemoryTrustServer(KNOWN);
  server.read = () => Promise.reject(error);
  return server;
}

function reading(server: TrustServer, store: MetadataStore, more: Partial<ReadOptions> = {}) {
  return readRepository({ server, gun: GUN, at: AT, store, offline: "allowed", ...more });
}

for (const status of [500, 502, 503, 504]) {
  Deno.test(`offline: the copy stands in where the server answers ${status}, if that is allowed`, async () => {
    const server = httpServer(() => Promise.resolve(new Response("{}", { status })));
    const store = await storeOf(KNOWN);
    const { repository, offline, firstUse } = await reading(server, store);
    assert.equal(resolveTag(repository, "v1")?.sha256, DIGEST);
    assert.match(offline!, /notary\.test/);
    assert.equal(firstUse, false);
    assert.deepEqual(await store.read(GUN), KNOWN);
    await assert.rejects(reading(server, store, { offline: "refused" }), (error) => isTagsealError(error));
    await assert.rejects(reading(server, store, { offline: undefined }), (error) => isTagsealError(error));
  });
}

Deno.test("offline: a server that is out of order is waited for a moment where the copy stands in, and patiently else", async () => {
  for (const [offline, longest, shortest] of [["allowed", 2000, 500], ["refused", 21_000, 10_000]] as const) {
    let slept = 0;
    const sleep = (ms: number) => Promise.resolve(void (slept += ms));
    const retryReads = readRetries({ sleep, now: () => new Date(AT.getTime() + slept), onRetry() {} });
    const send: Send = ({ url }) => {
      const isOut = url.endsWith("/timestamp.json");
      const file = KNOWN.get(url.replace(/^.*\/tuf\/(.*)\.json$/, "$1") as RoleName);
      return Promise.resolve(isOut ? new Response("", { status: 500 }) : new Response(file ?? "{}"));
    };
    const service = authorize(send, { service: "Notary server", allowHttp: true, remedy: "-", retryReads });
    const server = createTrustServer({ url: new URL("https://notary.test"), service, access: "pull" });
    const end = await reading(server, await storeOf(KNOWN), { offline }).then(({ offline }) => offline, String);
    assert.match(end!, /status 500/);
    assert.ok(slept >= shortest && slept <= longest, `${offline}: ${slept} ms`);
  }
});

for (const status of [200, 204, 301, 302, 400, 401, 403, 404, 418, 429]) {
  Deno.test(`offline: the copy does not stand in where the server answers ${status} and nothing usable`, async () => {
    const headers = status < 400 ? { location: "https://elsewhere.test/" } : undefined;
    const body = status === 204 ? null : "<html>";
    const server = httpServer(() => Promise.resolve(new Response(body, { status, ...(headers ? { headers } : {}) })));
    const before = await storeOf(KNOWN);
    await assert.rejects(
      reading(server, before),
      (error) =>
        isTagsealError(error, "trust-invalid", "unavailable", "unauthenticated", "forbidden", "bad-input") &&
        !error.message.includes("local copy"),
    );
    assert.deepEqual(await before.read(GUN), KNOWN);
  });
}

Deno.test("offline: one file that cannot be had is enough", async () => {
  for (const role of ["root", "timestamp", "snapshot", "targets/releases"]) { // targets is at hand, and not asked for
    const server = new MemoryTrustServer(KNOWN);
    server.onRead = (name) => {
      if (name === role) throw DOWN;
    };
    assert.equal((await reading(server, await storeOf(KNOWN))).offline, "no answer");
  }
});

Deno.test("offline: the server is asked first, and the copy is not used where it answers", async () => {
  const next = await buildFiles({ timestamp: { version: 2 }, snapshot: { version: 2 } });
  const { repository, offline } = await reading(new MemoryTrustServer(next), await storeOf(KNOWN));
  assert.deepEqual([repository.timestamp.version, offline], [2, undefined]);
});

Deno.test("offline: without a copy the server's failure is what is said", async () => {
  const store = createMemoryMetadataStore();
  await failsWith(reading(failing(DOWN), store), "unavailable", "no answer");
  await failsWith(reading(new MemoryTrustServer(), store), "not-found", "has no trust data");
  assert.equal((await store.read(GUN)).size, 0);
});

for (const role of ["root", "timestamp", "snapshot", "targets"] as const) {
  Deno.test(`offline: a copy whose ${role} has expired does not stand in`, async () => {
    const files = await buildFiles({ [role]: { expires: "2026-06-01T12:00:00Z" } });
    const store = await storeOf(files);
    const error = await failsWith(
      reading(failing(DOWN), store),
      "unavailable",
      "no answer. ",
      `The local copy of "${GUN}" cannot stand in: The trust data of "${role}" expired on 2026-06-01T12:00:00Z`,
    );
    assert.equal(error.details["repository"], GUN);
    const aMomentEarlier = { at: new Date(AT.getTime() - 1000) };
    assert.equal((await reading(failing(DOWN), store, aMomentEarlier)).offline, "no answer");
  });
  Deno.test(`offline: a copy whose ${role} is missing, damaged or of another moment does not stand in`, async () => {
    const other = (await buildFiles({ [role]: { version: 7 } })).get(role)!;
    for (const bytes of [undefined, utf8("{"), ...role === "timestamp" ? [] : [other]]) {
      const files = new Map(KNOWN);
      bytes ? files.set(role, bytes) : files.delete(role);
      await failsWith(reading(failing(DOWN), await storeOf(files)), "unavailable", "no answer");
    }
  });
}

Deno.test("offline: an expired delegation is skipped, as are those that were skipped when the copy was made", async () => {
  const expired = await buildFiles({
    delegations: { ...DELEGATIONS, "targets/alice": { keys: [KEYS.alice], expires: "2026-01-01T00:00:00Z" } },
  });
  const store = createMemoryMetadataStore();
  await reading(new MemoryTrustServer(expired), store);
  assert.equal((await store.read(GUN)).has("targets/alice"), false);
  const { repository, offline } = await reading(failing(DOWN), store);
  const alice = repository.delegations.get("targets/alice")!;
  assert.equal(alice.kind === "skipped" && alice.reason, "there is no copy of it here");
  assert.deepEqual([offline, resolveTag(repository, "v1")?.sha256], ["no answer", DIGEST]);
});

Deno.test("offline: the copy is held to the pin", async () => {
  const store = await storeOf(KNOWN);
  const pinned = (keyId: string) => reading(failing(DOWN), store, { pin: { keyId } });
  assert.equal((await pinned(KEYS.root.publicKey.canonicalId)).offline, "no answer");
  await failsWith(pinned(newKey().publicKey.canonicalId), "unavailable", "is not the pinned one");
  assert.equal((await reading(failing(DOWN), store, { pin: "required" })).offline, "no answer");
});

// What counts as down

Deno.test("offline: which failures mean that the server cannot be asked", () => {
  for (
    const [error, expected] of [
      [refused(500), true],
      [refused(400), false],
      [refused(302), false],
      [refused(undefined), false],
      [refused(undefined, "unknown-host"), true],
      [refused(undefined, "refused"), true],
      [refused(undefined, "no-answer"), true],
      [refused(undefined, "tls"), false],
      [refused(undefined, "tls", "connection closed before message completed"), false],
      [refused(undefined, "proxy"), false],
      [refused(undefined, "other"), false],
      [refused(undefined, "hung-up"), true],
      [refused(undefined, "no-tls"), false],
      [refused(undefined, "cut", "words decide nothing: connection closed before message completed"), false],
      [new TagsealError("trust-invalid", "x", { remedy: "y" }), false],
      [new TagsealError("not-found", "x", { remedy: "y" }), false],
      [new Error("Connection refused"), false],
    ] as const
  ) {
    const reason = isTagsealError(error) ? error.reason : undefined;
    assert.equal(isServerDown(error), expected, `${reason}: ${error.message}`);
  }
});

async function failureOf(url: string, timeoutMs = 5000): Promise<unknown> {
  const { send, close } = createSend();
  try {
    const call = { service: "Notary server", url: new URL(url), maxBytes: 1000, timeoutMs };
    return await exchange(send, call).then(() => undefined, (error: unknown) => error);
  } finally {
    close();
  }
}

/** A server on TCP that does `act` with whoever has said something. */
async function onTcp(act: (connection: Deno.Conn) => Promise<void> | void, use: (port: number) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(10_000));
      await act(connection);
      connection.close();
    }
  })();
  try {
    await use((listener.addr as Deno.NetAddr).port);
  } finally {
    listener.close();
    await serving;
  }
}

Deno.test("offline: real failures of connections", async (t) => {
  await t.step("nobody listens", async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    assert.equal(isServerDown(await failureOf(`https://127.0.0.1:${port}/`)), true);
  });
  await t.step("does not answer", async () => {
    const endless = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    assert.equal(isServerDown(await failureOf(`http://127.0.0.1:${(endless.addr as Deno.NetAddr).port}/`, 100)), true);
    endless.close();
  });
  await t.step("hangs up without an answer", async () => {
    await onTcp(() => {}, async (port) => {
      assert.equal(isServerDown(await failureOf(`http://127.0.0.1:${port}/`)), true);
      assert.equal(isServerDown(await failureOf(`https://127.0.0.1:${port}/`)), false, "no TLS: not the server");
    });
  });
  await t.step("speaks no TLS", async () => {
    await onTcp(async (connection) => void await connection.write(utf8("HTTP/1.1 400 Bad\r\n\r\n")), async (port) => {
      assert.equal(isServerDown(await failureOf(`https://127.0.0.1:${port}/`)), false);
    });
  });
  await t.step("cuts its answer", async () => {
    const cut = utf8("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc");
    await onTcp(async (connection) => void await connection.write(cut), async (port) => {
      const error = await failureOf(`http://127.0.0.1:${port}/`);
      assert.ok(isTagsealError(error, "unavailable"));
      assert.equal(isServerDown(error), false);
    });
  });
});
