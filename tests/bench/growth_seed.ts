/** Repositories that are large in one way or another. @module */
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { initRepository } from "../../lib/flows/init_repository.ts";
import { rotateKey } from "../../lib/flows/rotate_key.ts";
import { openRepository } from "../../lib/notary/repository.ts";
import { mapAtOnce } from "../../lib/signing/at_once.ts";
import { assembleFile, nextTargets, withDelegationKey } from "../../lib/tuf/edit.ts";
import type { DelegationRole, RoleName } from "../../lib/tuf/roles.ts";
import { MemoryKeyStore } from "../support/flow_world.ts";
import { someTags } from "./seed.ts";
import type { Workshop } from "./workshop.ts";

const FILES_AT_ONCE = 8;

/** Repositories with three tags each. */
export async function manyRepositories({ seeder, freshGun }: Workshop, count: number): Promise<string[]> {
  const guns = Array.from({ length: count }, freshGun);
  await mapAtOnce(guns, FILES_AT_ONCE, (gun) => seeder.seed(gun, someTags(3)));
  return guns;
}

/** A repository with so many delegations, all of them published, beside `targets/releases` and `targets/ci`. */
export async function manyDelegations({ seeder, freshGun }: Workshop, count: number): Promise<string> {
  const gun = freshGun();
  const { trust, key, firstVersion } = seeder.owner;
  const keys = new MemoryKeyStore();
  await initRepository(trust, keys, { gun, delegation: { name: "ci", key } });
  const { repository: { targets } } = await openRepository(trust, gun);
  const names = Array.from({ length: count }, (_, i): DelegationRole => `targets/d${i}`);
  let { signed } = targets.envelope;
  for (const name of names) signed = withDelegationKey(signed, name, key, [""]);
  const payload = canonicalJson(nextTargets(signed, targets.version + 1, trust.now()));
  const own = (await keys.list()).find(({ role }) => role === "targets")!;
  const signer = await keys.open(own.id);
  const files = new Map<RoleName, Uint8Array<ArrayBuffer>>([
    ["targets", assembleFile(payload, [{ keyId: signer.publicKey.id, signature: await signer.sign(payload) }])],
  ]);
  const first = await firstVersion(someTags(3)); // the same bytes serve for all of them
  for (const name of ["targets/releases", "targets/ci", ...names] as const) files.set(name, first);
  await trust.server.publish(gun, files);
  return gun;
}

/** A repository whose root key can be replaced again and again. */
export async function rotating({ seeder, freshGun }: Workshop): Promise<{ gun: string; rotate(): Promise<unknown> }> {
  const gun = freshGun();
  const { trust, key, firstVersion } = seeder.owner;
  const keys = new MemoryKeyStore();
  await initRepository(trust, keys, { gun, delegation: { name: "ci", key } });
  await trust.server.publish(gun, new Map([["targets/releases", await firstVersion(someTags(3))]]));
  return { gun, rotate: () => rotateKey(trust, keys, { gun, role: "root" }) };
}
