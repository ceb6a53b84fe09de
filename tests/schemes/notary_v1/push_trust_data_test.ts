/** The last gate: a service that holds the right key and signs something else must not get it published. */
import assert from "node:assert/strict";
import type { TagsealErrorCode } from "../../../lib/errors.ts";
import { type Bytes, utf8 } from "../../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../../lib/bytes/canonical_json.ts";
import { type JsonObject, parseJson } from "../../../lib/bytes/json.ts";
import { sha256Hex } from "../../../lib/crypto/hash.ts";
import { createSigningData } from "../../../lib/schemes/create_signing_data.ts";
import { pushTrustData } from "../../../lib/schemes/notary_v1/push_trust_data.ts";
import { listTags } from "../../../lib/schemes/notary_v1/verify_tags.ts";
import {
  readSigningData,
  type RepositoryChange,
  type SigningData,
  writeSigningData,
} from "../../../lib/schemes/signing_data.ts";
import { failsWith } from "../../support/failures.ts";
import { FlowWorld } from "../../support/flow_world.ts";
import { changed, target } from "../../support/trust_builder.ts";

const GUN = "registry.test/acme/app";
const EVIL = "e0".repeat(32);

type Unsigned = Omit<SigningData, "signatures">;

/** `v1` and `v2` signed, and data for `v3`: as it is made, and as the service gives it back. */
async function world(): Promise<{ world: FlowWorld; made: Unsigned; data: SigningData; change: RepositoryChange }> {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  const first = await createSigningData([world.task(GUN, ["v1", "v2"])], world.now());
  await push(world, await signed(world, first.data));
  const { data: made } = await createSigningData([world.task(GUN, ["v3"])], world.now());
  const data = await signed(world, made);
  return { world, made, data, change: data.repositories[0]! };
}

async function signed(world: FlowWorld, data: Unsigned): Promise<SigningData> {
  return await readSigningData((await world.signFile(await writeSigningData(data))).signed);
}

async function push(world: FlowWorld, data: SigningData): Promise<void> {
  await pushTrustData(world.trust(), data, data.repositories[0]!);
}

/** Data whose payloads are others, and whose manifest fits them. */
function payloads(edit: (signed: JsonObject) => JsonObject | Bytes) {
  return (data: Unsigned): Unsigned => {
    const other = new Map([...data.payloads].map(([name, bytes]): [string, Bytes] => {
      const edited = edit(parseJson(bytes) as JsonObject);
      return [name, edited instanceof Uint8Array ? edited : canonicalJson(edited)];
    }));
    const repositories = data.repositories.map((repository) => ({
      ...repository,
      roles: repository.roles.map((role) => ({ ...role, sha256: sha256Hex(other.get(role.payload)!) })),
    }));
    return { ...data, repositories, payloads: other };
  };
}

function manifest(edit: (change: RepositoryChange) => RepositoryChange) {
  return (data: Unsigned) => ({ ...data, repositories: data.repositories.map(edit) });
}

Deno.test("good data is published, and a second time changes nothing", async () => {
  const { world: here, data, change } = await world();
  const first = await pushTrustData(here.trust(), data, change);
  assert.equal(first.outcome, "published");
  assert.deepEqual(first.roles.map(({ role, version }) => [role, version]), [["targets/releases", 2], [
    "targets/signpath",
    2,
  ]]);
  assert.equal((await pushTrustData(here.trust(), data, change)).outcome, "unchanged");
});

Deno.test("data that is well signed and does something else is refused", async (t) => {
  const other = "something else than the tags";
  const cases: [
    name: string,
    edit: (data: Unsigned) => Unsigned,
    code: TagsealErrorCode,
    words: string,
  ][] = [
    ["one tag more", payloads((all) => changed(all, ["targets", "evil"], target(EVIL))), "trust-invalid", other],
    ["another tag moved", payloads((all) => changed(all, ["targets", "v1"], target(EVIL))), "trust-invalid", other],
    ["another tag gone", payloads((all) => changed(all, ["targets", "v1"], undefined)), "trust-invalid", other],
    [
      "the tag itself elsewhere",
      payloads((all) => changed(all, ["targets", "v3"], target(EVIL))),
      "trust-invalid",
      other,
    ],
    ["the tag itself missing", payloads((all) => changed(all, ["targets", "v3"], undefined)), "trust-invalid", other],
    ["a new member", payloads((all) => changed(all, ["x"], "y")), "trust-invalid", other],
    ["another type", payloads((all) => changed(all, ["_type"], "Root")), "trust-invalid", other],
    ["a version too far", payloads((all) => changed(all, ["version"], 9)), "trust-invalid", other],
    [
      "a delegation of its own",
      payloads((all) => changed(all, ["delegations", "keys", EVIL], {})),
      "trust-invalid",
      other,
    ],
    ["for ever", payloads((all) => changed(all, ["expires"], "2999-01-01T00:00:00Z")), "trust-invalid", "three years"],
    ["expired", payloads((all) => changed(all, ["expires"], "2026-01-01T00:00:00Z")), "trust-invalid", "three years"],
    ["no date", payloads((all) => changed(all, ["expires"], undefined)), "trust-invalid", "three years"],
    [
      "not canonical",
      payloads((all) => utf8(` ${new TextDecoder().decode(canonicalJson(all))}`)),
      "trust-invalid",
      "canonical",
    ],
    ["no JSON", payloads(() => utf8("not json")), "trust-invalid", "canonical"],
    [
      "a tag of the manifest alone",
      manifest((change) => ({
        ...change,
        tags: [...change.tags, { ...change.tags[0]!, tag: "evil" }],
      })),
      "trust-invalid",
      other,
    ],
    ["another key", manifest((change) => ({ ...change, delegationKeyId: EVIL })), "trust-invalid", "may not sign"],
    [
      "another role",
      manifest((change) => ({
        ...change,
        roles: change.roles.map((role) => ({ ...role, role: "targets" })),
      })),
      "trust-invalid",
      "not for a delegation",
    ],
    [
      "an older base",
      manifest((change) => ({
        ...change,
        roles: change.roles.map((role) => ({ ...role, baseVersion: 0 })),
      })),
      "stale",
      "made from 0",
    ],
  ];
  const { world: here, made } = await world();
  for (const [name, edit, code, words] of cases) {
    await t.step(name, async () => {
      await failsWith(push(here, await signed(here, edit(made))), code, words, GUN);
      assert.deepEqual((await listTags(here.trust(), GUN)).tags.map(({ tag }) => tag), ["v1", "v2"]);
    });
  }
});

Deno.test("a signature by another key is refused", async () => {
  const { world: here, data } = await world();
  const stranger = await FlowWorld.begin();
  const { signatures: _, ...unsigned } = data;
  const error = await failsWith(push(here, await signed(stranger, unsigned)), "trust-invalid", "signature is not good");
  const key = data.repositories[0]!.delegationKeyId.slice(0, 12);
  assert.equal(
    error.remedy,
    "Nothing was published for this repository. Probably the signing policy uses another certificate than the " +
      `delegation (key ${key}): compare them, or add the policy's. If they are the same, somebody changes the file ` +
      "on its way",
  );
});
