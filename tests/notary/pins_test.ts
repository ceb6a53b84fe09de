/** Pins of the root: what holds them, across rotations, with and without a local copy. */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { createMemoryMetadataStore, type MetadataStore } from "../../lib/notary/metadata_store.ts";
import { type ReadOptions, readRepository } from "../../lib/notary/update.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import type { RootPin } from "../../lib/tuf/root_keys.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import {
  AT,
  buildFiles,
  certified,
  certify,
  GUN,
  KEYS,
  newKey,
  type Plan,
  type RolePlan,
  type TestKey,
} from "../support/trust_builder.ts";

function reading(server: MemoryTrustServer, pin: RootPin, store?: MetadataStore, more: Partial<ReadOptions> = {}) {
  return readRepository({ server, gun: GUN, at: AT, store: store ?? createMemoryMetadataStore(), pin, ...more });
}
async function storeOf(files: ReadonlyMap<RoleName, Bytes>): Promise<MetadataStore> {
  const store = createMemoryMetadataStore();
  await store.write(GUN, files);
  return store;
}
function serving(...generations: ReadonlyMap<RoleName, Bytes>[]): MemoryTrustServer {
  const server = new MemoryTrustServer();
  for (const files of generations) server.show(files);
  return server;
}
const pinOf = (key: TestKey): RootPin => ({ keyId: key.publicKey.canonicalId });
const certificateOf = (key: TestKey): RootPin => ({
  keyId: key.publicKey.canonicalId,
  certificateDerHex: key.publicKey.certificate!.der.toHex(),
});
const NOT_PINNED = `The root of "${GUN}" is not the pinned one`;

/** A repository in the `version`th generation of its root. */
const generation = (version: number, key: TestKey, special: RolePlan = {}): Plan => ({
  keys: { root: [key] },
  root: { version, ...special },
  timestamp: { version },
  snapshot: { version },
  targets: { version },
});
const [SECOND, THIRD] = [await certified(newKey()), await certified(newKey())];
const ROOTS = [
  await buildFiles(generation(1, KEYS.root)),
  await buildFiles(generation(2, SECOND, { signers: [KEYS.root, SECOND], expires: "2026-02-01T00:00:00Z" })),
  await buildFiles(generation(3, THIRD, { signers: [SECOND, THIRD] })),
] as const;

for (const [name, key] of [["first", KEYS.root], ["second", SECOND], ["newest", THIRD]] as const) {
  for (const [kind, pin] of [["key", pinOf(key)], ["certificate", certificateOf(key)]] as const) {
    Deno.test(`pins: the ${kind} of the ${name} root leads to the newest one, with a copy and without`, async () => {
      for (const before of [new Map<RoleName, Bytes>(), ROOTS[0], ROOTS[1], ROOTS[2]]) {
        const { repository, firstUse } = await reading(serving(...ROOTS), pin, await storeOf(before));
        assert.deepEqual([repository.root.version, firstUse], [3, false]);
      }
    });
  }
}

Deno.test("pins: the newest root holds the pin: older ones are not asked for", async () => {
  const server = serving(...ROOTS);
  await reading(server, pinOf(THIRD));
  assert.deepEqual(server.reads.filter((name) => name.endsWith(".root")), []);
});

Deno.test("pins: one of several is enough", async () => {
  const anyOf = (...keys: TestKey[]): RootPin => ({ anyOf: keys.map((key) => ({ keyId: key.publicKey.canonicalId })) });
  await reading(serving(...ROOTS), anyOf(KEYS.stranger, KEYS.root));
  await failsWith(reading(serving(...ROOTS), anyOf(KEYS.stranger, KEYS.alice)), "trust-invalid", NOT_PINNED);
  await failsWith(reading(serving(...ROOTS), { anyOf: [] }), "trust-invalid", NOT_PINNED);
});

Deno.test("pins: another certificate of the pinned key is told from another key", async () => {
  const again = await certified(KEYS.root, { to: "2035-01-01T00:00:00Z" });
  const error = await failsWith(reading(serving(ROOTS[0]), certificateOf(again)), "trust-invalid", NOT_PINNED);
  assert.match(error.message, / it has the key [0-9a-f]{64} in another certificate than the pin's$/);
});

Deno.test("pins: a key that no root holds is refused after all roots were looked at, and nothing is kept", async () => {
  const [server, store] = [serving(...ROOTS), createMemoryMetadataStore()];
  const error = await failsWith(reading(server, pinOf(KEYS.stranger), store), "trust-invalid", NOT_PINNED);
  const [pinned, served] = [KEYS.stranger.publicKey.canonicalId, THIRD.publicKey.canonicalId];
  assert.ok(error.message.endsWith(`it has the key ${served}, and the pin is ${pinned}`), error.message);
  assert.deepEqual([error.details["pinned"], error.details["served"]], [[pinned], [served]]);
  assert.ok(server.reads.includes("1.root") && server.reads.includes("2.root"));
  assert.equal((await store.read(GUN)).size, 0);
});

Deno.test("pins: the way from the pinned root must be signed at every step", async () => {
  const stolen = await buildFiles(generation(2, SECOND, { signers: [SECOND] }));
  await failsWith(
    reading(serving(ROOTS[0], stolen), pinOf(KEYS.root)),
    "trust-invalid",
    'The trust data of "root" is not signed by the keys of the root trusted so far',
  );
  await failsWith(
    reading(serving(ROOTS[0], stolen, ROOTS[2]), certificateOf(KEYS.root)),
    "trust-invalid",
    "is not signed by the keys of the root trusted so far",
  );
  const withoutSecond = serving(...ROOTS);
  withoutSecond.lose("2.root");
  await failsWith(reading(withoutSecond, pinOf(KEYS.root)), "trust-invalid", "the keys of the root trusted so far");
});

Deno.test("pins: an old root that lists the pinned key and is signed by another leads nowhere", async () => {
  const forged = await buildFiles({
    ...generation(1, KEYS.root),
    keys: { root: [KEYS.root, SECOND] },
    root: { version: 1, signers: [SECOND] },
  });
  const next = await buildFiles(generation(2, SECOND));
  await failsWith(reading(serving(forged, next), pinOf(KEYS.root)), "trust-invalid", NOT_PINNED);
});

Deno.test("pins: an old root of another repository with the same key leads nowhere", async () => {
  const elsewhere = await certified(KEYS.root, { commonName: "registry.test/acme/other" });
  const other = await buildFiles(generation(1, elsewhere));
  const next = await buildFiles(generation(2, SECOND, { signers: [elsewhere, SECOND] }));
  await failsWith(reading(serving(other, next), pinOf(KEYS.root)), "trust-invalid", NOT_PINNED);
});

Deno.test("pins: an old root whose certificate has run out still leads to the newest one", async () => {
  const aged = await certified(newKey(), { from: "2016-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" });
  const old = await buildFiles(generation(1, aged, { expires: "2026-01-01T00:00:00Z" }));
  const next = await buildFiles(generation(2, SECOND, { signers: [aged, SECOND] }));
  const { repository } = await reading(serving(old, next), pinOf(aged));
  assert.equal(repository.root.version, 2);
  await failsWith(reading(serving(old), pinOf(aged)), "trust-invalid", "has no usable certificate");
});

Deno.test("pins: a copy that does not come from the pinned root is refused, though the server shows the same", async () => {
  const theirs = await buildFiles(generation(1, THIRD));
  await failsWith(reading(serving(theirs), pinOf(KEYS.root), await storeOf(theirs)), "trust-invalid", NOT_PINNED);
});

Deno.test("pins: only so many older roots are looked at", async () => {
  const far = await buildFiles(generation(400, THIRD));
  const server = serving(ROOTS[0], far);
  await failsWith(reading(server, pinOf(KEYS.root)), "trust-invalid", NOT_PINNED);
  const asked = server.reads.filter((name) => name.endsWith(".root"));
  assert.deepEqual([asked.length, asked[0]], [256, "144.root"]);
});

// A CA

const CA_KEY = newKey();
const CA: RootPin = { ca: await certify(CA_KEY, { commonName: "An issuer", ca: true }) };
const ISSUED = await certified(newKey(), { issuer: CA_KEY });

Deno.test("CA pins: a root key that the CA certified is trusted, any other is refused", async () => {
  const { firstUse } = await reading(serving(await buildFiles(generation(1, ISSUED))), CA);
  assert.equal(firstUse, false);
  const error = await failsWith(reading(serving(ROOTS[0]), CA), "trust-invalid", NOT_PINNED);
  assert.deepEqual(error.details["pinned"], ["CN=An issuer"]);
  const posing = await certified(newKey(), { issuer: newKey() });
  await failsWith(reading(serving(await buildFiles(generation(1, posing))), CA), "trust-invalid", NOT_PINNED);
});

Deno.test("CA pins: a certified key that is only listed does not help", async () => {
  const forged = await buildFiles({
    ...generation(1, ISSUED),
    keys: { root: [ISSUED, SECOND] },
    root: { signers: [SECOND] },
  });
  await failsWith(reading(serving(forged), CA), "trust-invalid", "is not signed by the pinned key");
});

Deno.test("CA pins: a certificate for another repository, or out of date, does not help", async () => {
  for (const special of [{ commonName: "registry.test/acme/other" }, { to: "2026-05-01T00:00:00Z" }]) {
    const key = await certified(newKey(), { issuer: CA_KEY, ...special });
    await failsWith(reading(serving(await buildFiles(generation(1, key))), CA), "trust-invalid", NOT_PINNED);
  }
});

Deno.test("CA pins: a rotation to another key of the CA, or away from the CA, is followed", async () => {
  const first = await buildFiles(generation(1, ISSUED));
  const other = await certified(newKey(), { issuer: CA_KEY });
  for (const key of [other, SECOND]) {
    const next = await buildFiles(generation(2, key, { signers: [ISSUED, key] }));
    assert.equal((await reading(serving(first, next), CA)).repository.root.version, 2);
  }
});

// No first use

Deno.test("required pins: a first root is refused before the server is even asked; a known one is trusted", async () => {
  const server = serving(ROOTS[0]);
  const store = createMemoryMetadataStore();
  const error = await failsWith(
    reading(server, "required", store),
    "trust-invalid",
    `The root of "${GUN}" is not known here and not pinned`,
  );
  assert.match(error.remedy, /root certificate, or for a CA that issues it, and pin it$/);
  assert.deepEqual(error.next, { do: "pin-root" });
  assert.deepEqual([server.reads.length, (await store.read(GUN)).size], [0, 0]);
  const { firstUse } = await reading(serving(...ROOTS), "required", await storeOf(ROOTS[0]));
  assert.equal(firstUse, false);
});
