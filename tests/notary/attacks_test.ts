/**
 * The attack suite: every way to damage or forge a file, for every role, against a machine that meets the repository for
 * the first time and against one that knows it. After each refusal the local copy is byte for byte what it was.
 */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { jsonObject, type JsonValue } from "../../lib/bytes/json.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { createMemoryMetadataStore, type MetadataStore } from "../../lib/notary/metadata_store.ts";
import { readRepository, type ReadResult } from "../../lib/notary/update.ts";
import { resolveTag } from "../../lib/tuf/resolve.ts";
import type { TrustedRepository } from "../../lib/tuf/trusted.ts";
import { BASE_ROLES, type DelegationRole, type RoleName } from "../../lib/tuf/roles.ts";
import { type Attack, ATTACKS, BETA, isBelowTargets, KNOWN, moment, ROLES, unsigned } from "../support/attacks.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { below, damaged, pick, random } from "../support/random.ts";
import { AT, buildFiles, DIGEST, GUN, KEYS, newKey, type RolePlan } from "../support/trust_builder.ts";
import { MORE } from "../support/fuzz.ts";

const NEXT = await buildFiles(moment(3));
const text = (bytes: Bytes) => new TextDecoder().decode(bytes);

/** Delegations with a bad signature or past their expiry are skipped, with all below them. */
function isSkippable({ name, words }: Attack, role: RoleName): boolean {
  if (!isBelowTargets(role) || name === "withholding the file") return false;
  const said = [words?.(role) ?? ""].flat()[0]!;
  return said.startsWith(unsigned(role)) || said.includes("expired on");
}

async function storeOf(files: ReadonlyMap<RoleName, Bytes>): Promise<MetadataStore> {
  const store = createMemoryMetadataStore();
  await store.write(GUN, files);
  return store;
}

/** Reads what a server shows, in a command that has read the repository a moment ago, if at all. */
function readAfter(
  before: TrustedRepository | undefined,
  files: ReadonlyMap<RoleName, Bytes>,
  store: MetadataStore,
): Promise<ReadResult> {
  const server = new MemoryTrustServer();
  server.show(KNOWN); // older files stay there by hash and version, as on a real server
  for (const role of ROLES) server.lose(role);
  server.show(files);
  return readRepository({ server, gun: GUN, at: AT, store, expected: [BETA], before });
}

const GOOD = (await readAfter(undefined, KNOWN, await storeOf(KNOWN))).repository;
await readAfter(GOOD, NEXT, await storeOf(KNOWN)); // now all that is good here has been verified

/** Whoever knows the repository has read it a moment ago. */
async function read(files: ReadonlyMap<RoleName, Bytes>, store: MetadataStore): Promise<ReadResult> {
  return await readAfter((await store.read(GUN)).size > 0 ? GOOD : undefined, files, store);
}

for (const attack of ATTACKS) {
  for (const role of attack.roles ?? ROLES) {
    Deno.test(`attack on ${role}: ${attack.name}`, async (t) => {
      const files = await buildFiles({ ...moment(3, attack.specials(role)), ...attack.plan?.(role) });
      attack.serve?.(files, role);
      for (const state of ["fresh", "cached"] as const) {
        if (attack.state && attack.state !== state) continue;
        const before = state === "fresh" ? new Map<RoleName, Bytes>() : KNOWN;
        await t.step(state, async () => {
          const store = await storeOf(before);
          if (attack.outcome === "refused" && !isSkippable(attack, role)) {
            const words = [attack.words!(role)].flat();
            await failsWith(read(files, store), attack.code?.(role) ?? "trust-invalid", ...words);
            assert.deepEqual(await store.read(GUN), before, "nothing that is kept has moved");
            return;
          }
          const { repository } = await read(files, store);
          const kept = await store.read(GUN);
          if (attack.outcome === "accepted") {
            for (const [name, bytes] of files) assert.deepEqual(kept.get(name), bytes, name);
            assert.equal(resolveTag(repository, "v1")?.sha256, DIGEST);
            return;
          }
          const state = repository.delegations.get(role as DelegationRole);
          assert.equal(state?.kind, "skipped");
          for (const part of [attack.words!(role)].flat()) assert.ok(state.reason.includes(part), state.reason);
          assert.equal(resolveTag(repository, "v1") === undefined, role === "targets/releases");
          assert.equal(repository.delegations.has(BETA), role === BETA);
          assert.deepEqual(kept.get(role), before.get(role), "the copy of a skipped role stays");
          assert.deepEqual(kept.get("timestamp"), files.get("timestamp"));
        });
      }
    });
  }
}

Deno.test("attacks: the repository that they start from is good, on both machines", async () => {
  for (const before of [new Map<RoleName, Bytes>(), KNOWN]) {
    const store = await storeOf(before);
    const { repository } = await read(NEXT, store);
    assert.deepEqual([...repository.delegations.values()].map(({ kind }) => kind), ["trusted", "trusted"]);
    assert.deepEqual(new Map([...await store.read(GUN)].sort()), new Map([...NEXT].sort()));
  }
});

Deno.test("attacks: what was read a moment ago does not stand in for a copy that another process has brought forward", async () => {
  const store = await storeOf(NEXT);
  await failsWith(readAfter(GOOD, KNOWN, store), "trust-invalid", "(rollback)");
  assert.deepEqual(await store.read(GUN), NEXT);
  // Nor for one that was damaged since, nor one of another repository.
  const damagedRoot = KNOWN.get("root")!.slice();
  damagedRoot[damagedRoot.indexOf(0x76)]! ^= 1;
  const broken = await storeOf(new Map([...KNOWN, ["root", damagedRoot]]));
  await failsWith(readAfter(GOOD, KNOWN, broken), "trust-invalid", "The local copy of the root", "damaged");
  const foreign = new MemoryTrustServer(KNOWN);
  const other = { server: foreign, gun: `${GUN}/other`, at: AT, store: createMemoryMetadataStore(), before: GOOD };
  await failsWith(readRepository(other), "trust-invalid", "no usable certificate");
  await other.store.write(other.gun, KNOWN);
  await failsWith(readRepository(other), "trust-invalid", "no usable certificate");
});

Deno.test("attacks: whatever random damage does, reading ends in a refusal of ours or in a good repository", async () => {
  const next = random(MORE === 1 ? 42 : Date.now());
  const runs = 200 * MORE;
  let [refused, accepted] = [0, 0];
  for (let i = 0; i < runs; i++) {
    const files = new Map(pick(next, [NEXT, KNOWN]));
    for (let hits = 1 + below(next, 3); hits > 0; hits--) {
      const role = pick(next, ROLES);
      files.set(role, damaged(next, files.get(role)!));
    }
    const before = pick(next, [new Map<RoleName, Bytes>(), KNOWN]);
    const store = await storeOf(before);
    try {
      const { repository } = await read(files, store);
      assert.equal(repository.root.version >= 2, true);
      accepted++;
    } catch (error) {
      assert.ok(isTagsealError(error), error instanceof Error ? error.stack : String(error));
      assert.ok(["trust-invalid", "not-found"].includes(error.code), error.message);
      assert.deepEqual(await store.read(GUN), before);
      refused++;
    }
  }
  assert.ok(refused > runs / 2, `${refused} refused, ${accepted} accepted`);
});

/** Values that somebody may put in the place of any other. */
const ODD_VALUES: readonly (JsonValue | undefined)[] = [
  null,
  true,
  0,
  -1,
  2 ** 53 - 1,
  "",
  "__proto__",
  "\u0000",
  "x".repeat(10_000),
  [],
  [null],
  jsonObject(),
  jsonObject([["__proto__", null]]),
  undefined,
];

Deno.test("attacks: odd values anywhere, properly signed, end in a refusal of ours or in a good repository", async () => {
  const next = random(MORE === 1 ? 7 : Date.now());
  const runs = 200 * MORE;
  const seen = new Map<string, number>();
  for (let i = 0; i < runs; i++) {
    const role = pick(next, ROLES);
    const signed = JSON.parse(text(NEXT.get(role)!)).signed;
    const special: RolePlan = { set: [[anyPath(next, signed), pick(next, ODD_VALUES)]] };
    const files = await buildFiles(moment(3, { [role]: special }));
    const store = await storeOf(KNOWN);
    try {
      await read(files, store);
      seen.set("accepted", (seen.get("accepted") ?? 0) + 1);
    } catch (error) {
      assert.ok(isTagsealError(error, "trust-invalid"), error instanceof Error ? error.stack : String(error));
      assert.deepEqual(await store.read(GUN), KNOWN);
      seen.set("refused", (seen.get("refused") ?? 0) + 1);
    }
  }
  assert.ok(seen.get("refused")! > runs / 3 && seen.get("accepted")! > 0, JSON.stringify([...seen]));
});

function anyPath(next: () => number, value: unknown): (string | number)[] {
  if (typeof value !== "object" || value === null) return [];
  const names: (string | number)[] = Array.isArray(value) ? value.map((_, i) => i) : Object.keys(value);
  if (names.length === 0) return ["x"];
  const name = pick(next, names);
  const rest = next() < 0.3 ? [] : anyPath(next, (value as Record<string | number, unknown>)[name]);
  return [name, ...rest.filter((step) => step !== "x" || rest.length === 1)];
}

Deno.test("attacks: a fresh key in every role at once is trusted nowhere that knows the repository", async () => {
  const keys = Object.fromEntries(BASE_ROLES.map((role) => [role, [role === "root" ? KEYS.root : newKey()]]));
  const files = await buildFiles({ ...moment(3), keys, root: { version: 3, signers: [KEYS.stranger] } });
  const store = await storeOf(KNOWN);
  await failsWith(read(files, store), "trust-invalid", unsigned("root"));
  assert.deepEqual(await store.read(GUN), KNOWN);
});
