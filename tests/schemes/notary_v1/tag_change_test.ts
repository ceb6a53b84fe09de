/** What becomes of a role when tags are signed or withdrawn. */
import assert from "node:assert/strict";
import { joined, text, utf8 } from "../../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../../lib/bytes/canonical_json.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue, parseJson } from "../../../lib/bytes/json.ts";
import { createSigningData } from "../../../lib/schemes/create_signing_data.ts";
import { pushTrustData } from "../../../lib/schemes/notary_v1/push_trust_data.ts";
import type { RoleBase } from "../../../lib/schemes/notary_v1/role_base.ts";
import { signTags } from "../../../lib/schemes/notary_v1/sign_tags.ts";
import { digestIn, editedForm, editedRole, isEdited, type TagEdit } from "../../../lib/schemes/notary_v1/tag_change.ts";
import { listTags } from "../../../lib/schemes/notary_v1/verify_tags.ts";
import { readSigningData, type RepositoryChange, writeSigningData } from "../../../lib/schemes/signing_data.ts";
import { sha256Hex } from "../../../lib/crypto/hash.ts";
import { assembleFile } from "../../../lib/tuf/edit.ts";
import type { Targets } from "../../../lib/tuf/models.ts";
import { parseTargets } from "../../../lib/tuf/parse.ts";
import { failsWith } from "../../support/failures.ts";
import { FlowWorld } from "../../support/flow_world.ts";
import { below, pick, random } from "../../support/random.ts";

const AT = new Date("2026-06-01T12:00:00Z");
const [A, B] = ["a", "b"].map((digit) => digit.repeat(64)) as [string, string];
const GUN = "registry.test/acme/app";

/** A role's file with these tags, and whatever else an entry holds. */
function file(version: number, tags: Readonly<Record<string, { sha256: string; length: number; custom?: string }>>) {
  const targets = Object.fromEntries(
    Object.entries(tags).map(([tag, { sha256, length, custom }]) => [tag, {
      ...(custom ? { custom } : {}),
      hashes: { sha256: Uint8Array.fromHex(sha256).toBase64() },
      length,
    }]),
  );
  const text = JSON.stringify({
    _type: "Targets",
    delegations: { keys: {}, roles: [] },
    expires: "2027-01-01T00:00:00Z",
    targets,
    version,
  });
  const signed = parseJson(utf8(text)) as JsonObject;
  const parsed = new Map(Object.entries(tags).map(([tag, { sha256, length }]) => [tag, { sha256, length }]));
  return { version, targets: parsed, envelope: { signed } } as unknown as Targets;
}

const base = (version: number, of?: Targets): RoleBase => ({ version, file: of });
const sign = (tag: string, sha256: string, length = 528): TagEdit["tags"][number] => ({
  tag,
  digest: `sha256:${sha256}`,
  length,
});
const edit = (tags: TagEdit["tags"], removed: readonly string[] = []): TagEdit => ({
  tags,
  removedTags: removed.map((tag) => ({ tag })),
});
function entries(signed: JsonObject): Record<string, unknown> {
  assert.ok(isJsonObject(signed["targets"]));
  return JSON.parse(new TextDecoder().decode(canonicalJson(signed["targets"])));
}

Deno.test("the digest that a file holds for a tag", () => {
  const held = file(1, { v1: { sha256: A, length: 1 } });
  assert.deepEqual([digestIn(held, "v1"), digestIn(held, "v2"), digestIn(undefined, "v1")], [
    `sha256:${A}`,
    null,
    null,
  ]);
});

Deno.test("a file is as it shall be only with the very digest and length, and without what is withdrawn", () => {
  const held = file(1, { v1: { sha256: A, length: 528 }, v2: { sha256: B, length: 7 } });
  const cases: [boolean, TagEdit][] = [
    [true, edit([])],
    [true, edit([sign("v1", A)])],
    [true, edit([sign("v1", A), sign("v2", B, 7)], ["v3"])],
    [false, edit([sign("v1", B)])],
    [false, edit([sign("v1", A, 529)])],
    [false, edit([sign("v3", A)])],
    [false, edit([sign("v1", A)], ["v2"])],
    [false, edit([], ["v1"])],
  ];
  for (const [is, wanted] of cases) assert.equal(isEdited(held, wanted), is, JSON.stringify(wanted));
  assert.equal(isEdited(undefined, edit([sign("v1", A)])), false);
  assert.equal(isEdited(undefined, edit([], ["v1"])), true, "what was never there need not be withdrawn");
});

Deno.test("the next version holds the change, keeps all else, and lives anew", () => {
  const held = file(4, {
    v1: { sha256: A, length: 528, custom: "kept" },
    v2: { sha256: A, length: 7 },
    v3: { sha256: B, length: 9 },
  });
  const next = editedRole(base(4, held), edit([sign("v1", A), sign("v2", B, 8), sign("new", A)], ["v3", "absent"]), AT);
  const target = (sha256: string, length: number) => ({
    hashes: { sha256: Uint8Array.fromHex(sha256).toBase64() },
    length,
  });
  assert.deepEqual(entries(next), {
    v1: { custom: "kept", ...target(A, 528) },
    v2: target(B, 8),
    new: target(A, 528),
  });
  assert.deepEqual([next["version"], next["expires"], next["_type"]], [5, "2029-05-31T12:00:00Z", "Targets"]);
  assert.deepEqual(entries(held.envelope.signed)["v3"], target(B, 9), "the base itself is left alone");
});

Deno.test("a tag that is withdrawn and signed in one change is there in the end", () => {
  const held = file(1, { v1: { sha256: A, length: 528 } });
  const next = editedRole(base(1, held), edit([sign("v1", B)], ["v1"]), AT);
  assert.deepEqual(Object.keys(entries(next)), ["v1"]);
});

Deno.test("a role that was never published starts empty, one version up", () => {
  const next = editedRole(base(0), edit([sign("v1", A)]), AT);
  assert.deepEqual([next["version"], Object.keys(entries(next))], [1, ["v1"]]);
  assert.equal(editedRole(base(9), edit([]), AT)["version"], 10, "or where nothing of it is to be believed");
});

Deno.test("names that mean something to JavaScript are tags like others", () => {
  const odd = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const next = editedRole(base(0), edit(odd.map((tag) => sign(tag, A))), AT);
  assert.deepEqual(Object.keys(next["targets"] as JsonObject).sort(), [...odd].sort());
  assert.equal(isEdited(undefined, edit([], odd)), true);
});

/** `v1` and `v2` signed, and the withdrawal of `v1` as the service gives it back for what `change` made of it. */
async function withdrawal(change: (data: Draft) => Draft = (data) => data) {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  await signTags([world.task(GUN, ["v1", "v2"])], { ...world.options, attempts: 1 });
  const { data } = await createSigningData([{ ...world.task(GUN, []), remove: ["v1"] }], world.now());
  const { signed } = await world.signFile(await writeSigningData(change(data)));
  const back = await readSigningData(signed);
  const push = () => pushTrustData(world.trust(), back, back.repositories[0]!);
  const tags = async () => (await listTags(world.trust(), GUN)).tags.map(({ tag }) => tag);
  return { world, push, tags, change: back.repositories[0]! };
}
type Draft = Parameters<typeof writeSigningData>[0];

const manifest = (change: (repository: RepositoryChange) => RepositoryChange) => (data: Draft): Draft => ({
  ...data,
  repositories: data.repositories.map(change),
});

/** Takes `tag` out of every payload, with hashes that fit. */
function alsoGone(tag: string) {
  return (data: Draft): Draft => {
    const payloads = new Map([...data.payloads].map(([name, bytes]) => {
      const signed = JSON.parse(new TextDecoder().decode(bytes));
      delete signed.targets[tag];
      return [name, canonicalJson(parseJson(utf8(JSON.stringify(signed))))] as const;
    }));
    const repositories = data.repositories.map((repository) => ({
      ...repository,
      roles: repository.roles.map((role) => ({ ...role, sha256: sha256Hex(payloads.get(role.payload)!) })),
    }));
    return { ...data, payloads, repositories };
  };
}

Deno.test("a withdrawal is published, and a second time changes nothing", async () => {
  const { push, tags, change } = await withdrawal();
  assert.deepEqual(change.removedTags.map(({ tag }) => tag), ["v1"]);
  const first = await push();
  assert.deepEqual([first.outcome, first.tags, first.removedTags], ["published", [], ["v1"]]);
  assert.deepEqual(await tags(), ["v2"]);
  assert.equal((await push()).outcome, "unchanged");
});

Deno.test("a withdrawal that is well signed and does something else is refused", async (t) => {
  const cases: [name: string, change: (data: Draft) => Draft][] = [
    ["one tag more is gone", alsoGone("v2")],
    ["the manifest does not say so", manifest((all) => ({ ...all, removedTags: [] }))],
    ["the manifest names another", manifest((all) => ({ ...all, removedTags: [{ tag: "v2", previousDigest: null }] }))],
    [
      "the manifest names one that is still there",
      manifest((all) => ({ ...all, removedTags: [...all.removedTags, { tag: "v2", previousDigest: null }] })),
    ],
  ];
  for (const [name, change] of cases) {
    await t.step(name, async () => {
      const { push, tags } = await withdrawal(change);
      await failsWith(push(), "trust-invalid", "something else than the tags", GUN);
      assert.deepEqual(await tags(), ["v1", "v2"]);
    });
  }
});

Deno.test("a withdrawal of what stands for something else now is stale", async () => {
  const { push, world, tags } = await withdrawal(manifest((all) => ({
    ...all,
    removedTags: all.removedTags.map((each) => ({ ...each, previousDigest: `sha256:${A}` })),
  })));
  await failsWith(push(), "stale", GUN);
  const late = await withdrawal();
  await signTags([late.world.task(GUN, ["v1"], "moved")], { ...late.world.options, attempts: 1 });
  await failsWith(late.push(), "stale", "(tags: v1)");
  assert.deepEqual([await tags(), world.files.length], [["v1", "v2"], 2]);
});

Deno.test("a manifest that names a tag twice is refused, whatever its payloads are, and nothing is posted", async (t) => {
  const twice: [name: string, change: (repository: RepositoryChange) => RepositoryChange][] = [
    ["with two digests", (all) => ({ ...all, tags: [{ ...all.tags[0]!, digest: `sha256:${A}` }, ...all.tags] })],
    ["signed and withdrawn", (all) => ({
      ...all,
      removedTags: all.tags.map(({ tag, previousDigest }) => ({ tag, previousDigest })),
    })],
  ];
  for (const [name, change] of twice) {
    await t.step(name, async () => {
      const world = await FlowWorld.begin();
      await world.init(GUN);
      await signTags([world.task(GUN, ["v1"])], { ...world.options, attempts: 1 });
      const { data } = await createSigningData([world.task(GUN, ["v1"], "moved")], world.now());
      const posts: string[] = [];
      world.between = (request, send) => {
        if (request.method === "POST") posts.push(request.url);
        return send(request);
      };
      const push = async () => {
        const { signed } = await world.signFile(await writeSigningData(manifest(change)(data)));
        const back = await readSigningData(signed);
        await pushTrustData(world.trust(), back, back.repositories[0]!);
      };
      await failsWith(push(), "bad-input", '"v1"');
      assert.deepEqual(posts, []);
    });
  }
});

const TAGS = [
  "v1",
  "v10",
  "v2",
  "1",
  "10",
  "2",
  "latest",
  "__proto__",
  "constructor",
  "a.b",
  "A",
  "z",
  "é",
  'a"b',
  "😀",
];

Deno.test("what is copied around an edit is what the whole role would be, made anew: any role, any edit", () => {
  const next = random(20261129);
  const some = (most: number) => [...new Set(Array.from({ length: below(next, most) }, () => pick(next, TAGS)))];
  const entry = (tag: string) => sign(tag, pick(next, [A, B]), pick(next, [0, 528, 9_999]));
  let copied = 0;
  for (let i = 0; i < 1500; i++) {
    const extra: [string, JsonValue][] = below(next, 4) ? [] : [[pick(next, ["zz", "a", "x"]), { targets: { v1: 1 } }]];
    const plain = editedRole(base(0), edit(some(9).map(entry)), AT);
    const payload = canonicalJson(jsonObject([...Object.entries(plain), ...extra]));
    const file = parseTargets(
      "targets/releases",
      assembleFile(payload, [{ keyId: "k", signature: { method: "ecdsa", bytes: new Uint8Array(64) } }]),
    );
    if (file.inPlace) copied++;
    const change = edit(some(5).map(entry), some(5));
    const form = joined(editedForm(base(7, file), change, AT));
    assert.equal(text(form), text(canonicalJson(editedRole(base(7, file), change, AT))));
    const later = joined(editedForm(base(7, file), change, AT, "2031-01-01T00:00:00Z"));
    assert.equal(text(later), text(form).replace("2029-05-31T12:00:00Z", "2031-01-01T00:00:00Z"));
  }
  assert.ok(copied > 600 && copied < 1500, `${copied} of 1500 are copied`);
});

Deno.test("an edit of a large role copies what stays, and reads nothing of it", () => {
  const tags = Array.from({ length: 20_000 }, (_, i) => sign(`t${i}`, A, i));
  const payload = canonicalJson(editedRole(base(0), edit(tags), AT));
  const file = parseTargets(
    "targets/releases",
    assembleFile(payload, [{ keyId: "k", signature: { method: "ecdsa", bytes: new Uint8Array(64) } }]),
  );
  const { envelope, ...rest } = file;
  const unread = {
    ...rest,
    envelope: {
      ...envelope,
      get signed(): JsonObject {
        throw new Error("it is read whole");
      },
    },
  };
  const parts = editedForm(base(1, unread), edit([sign("t7", B)], ["t9", "t10"]), AT);
  assert.ok(parts.length < 12, `${parts.length} parts`);
  const large = parts.filter(({ length }) => length > 10_000);
  assert.ok(large.length > 0 && large.every(({ buffer }) => buffer === envelope.bytes.buffer), "the file's own bytes");
  const made = parts.filter(({ buffer }) => buffer !== envelope.bytes.buffer);
  assert.ok(made.reduce((sum, { length }) => sum + length, 0) < 500, "the rest is the edit itself");
  assert.equal(
    text(joined(parts)),
    text(canonicalJson(editedRole(base(1, file), edit([sign("t7", B)], ["t9", "t10"]), AT))),
  );
});
