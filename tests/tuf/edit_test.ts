import assert from "node:assert/strict";
import { concat, text } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { type JsonObject, jsonObject, parseJson } from "../../lib/bytes/json.ts";
import {
  assembleFile,
  emptyTargets,
  expiryAfter,
  firstRoot,
  nextForm,
  nextRoot,
  nextTargets,
  trustTime,
  withDelegationKey,
  withDelegationKeys,
  withoutTargets,
  withRootKey,
  withTargets,
} from "../../lib/tuf/edit.ts";
import type { Target } from "../../lib/tuf/models.ts";
import { parseRoot, parseTargets } from "../../lib/tuf/parse.ts";
import { failsWith } from "../support/failures.ts";
import { AT, changed, DIGEST, KEYS, newKey, signedFile } from "../support/trust_builder.ts";

const UNKNOWN = ["x-unknown", jsonObject([["kept", [1, "two", null]]])] as const;
const START = [
  [[UNKNOWN[0]], UNKNOWN[1]] as const,
  [["delegations", UNKNOWN[0]], UNKNOWN[1]] as const,
  [
    ["targets", "old"],
    jsonObject([["custom", jsonObject([["a", 1]])], ["hashes", jsonObject([["sha256", "x"]])], ["length", 1]]),
  ] as const,
].reduce((signed, [path, to]) => changed(signed, path, to), emptyTargets(AT) as JsonObject);

const plain = (signed: JsonObject) => JSON.parse(text(canonicalJson(signed)));

Deno.test("edit: times are RFC 3339 in whole seconds", () => {
  assert.equal(trustTime(new Date("2026-06-01T12:00:00.999Z")), "2026-06-01T12:00:00Z");
  assert.equal(expiryAfter(AT, 1095), "2029-05-31T12:00:00Z");
  assert.equal(expiryAfter(AT, 0), "2026-06-01T12:00:00Z");
});

Deno.test("edit: a first targets file is one that is read", async () => {
  const file = parseTargets("targets", await signedFile(emptyTargets(AT), [KEYS.targets]));
  assert.deepEqual([file.version, file.expiresText, file.targets.size, file.delegations], [
    1,
    "2029-05-31T12:00:00Z",
    0,
    [],
  ]);
});

Deno.test("edit: the next version changes version and expiry, and nothing else", () => {
  const later = new Date("2027-01-01T00:00:00Z");
  const before = plain(START);
  assert.deepEqual(plain(nextTargets(START, 7, later)), { ...before, version: 7, expires: "2029-12-31T00:00:00Z" });
  assert.deepEqual(plain(START), before, "what came in stays as it is");
});

Deno.test("edit: a version that servers may not keep is not made", async () => {
  const last = 2 ** 31 - 1;
  const { rest, changed } = { rest: START, changed: () => [] };
  const makers: ((version: number) => unknown)[] = [
    (version) => nextTargets(START, version, AT),
    (version) => nextRoot(START, version, AT),
    (version) => nextForm({ rest, changed }, new Map(), version, trustTime(AT)),
  ];
  for (const make of makers) {
    make(last);
    const error = await failsWith(
      () => make(last + 1),
      "bad-input",
      `A Notary server may not keep version ${last + 1}`,
    );
    assert.deepEqual(error.details, { version: last + 1 });
  }
});

Deno.test("edit: in place or not, tags are changed to the same bytes, in the order of their names", () => {
  const set = (...names: string[]) => new Map(names.map((name) => [name, { length: 528, sha256: DIGEST }] as const));
  const names = (signed: JsonObject) => Object.keys(plain(signed).targets);
  const [role, expires] = [withTargets(emptyTargets(AT), set("b", "d", "f")), expiryAfter(AT, 1095)];
  const signature = { keyId: KEYS.targets.publicKey.id, method: "ecdsa", bytes: new Uint8Array(64) } as const;
  const { inPlace } = parseTargets(
    "targets",
    assembleFile(canonicalJson(role), [{ keyId: signature.keyId, signature }]),
  );
  assert.ok(inPlace);
  const rows: [changed: string[], gone: string[], left: string[]][] = [
    [["a", "c", "g"], [], ["a", "b", "c", "d", "f", "g"]],
    [['"', "\\", "\u00e9", "\u{1f600}"], ["d"], ['"', "\\", "b", "f", "\u00e9", "\u{1f600}"]],
    [["d"], ["b"], ["d", "f"]],
    [[], ["b", "d", "f"], []],
    [[], ["x"], ["b", "d", "f"]],
    [[], [], ["b", "d", "f"]],
  ];
  for (const [set_, gone, left] of rows) {
    const wanted = withoutTargets(withTargets(nextTargets(role, 2, AT), set(...set_)), gone);
    assert.deepEqual(Object.keys(wanted["targets"] as JsonObject), left);
    assert.deepEqual(names(wanted), left);
    const all = new Map<string, Target | undefined>([...set(...set_), ...gone.map((tag) => [tag, undefined] as const)]);
    assert.equal(text(concat(...nextForm(inPlace, all, 2, expires))), text(canonicalJson(wanted)));
  }
  assert.equal(withoutTargets(role, []), role, "what stays as it is, is not made anew");
});

Deno.test("edit: a key for one of several delegations leaves the others alone, and what Go writes as null is none", () => {
  const two = (["targets/a", "targets/b", "targets/c"] as const)
    .reduce((signed, role) => withDelegationKey(signed, role, KEYS.alice.publicKey, []), START);
  const names = (signed: JsonObject) =>
    plain(signed).delegations.roles.map((
      role: { name: string; keyids: string[] } | null,
    ) => [role?.name, role?.keyids?.length]);
  assert.deepEqual(names(withDelegationKey(two, "targets/b", KEYS.releases.publicKey, [])), [
    ["targets/a", 1],
    ["targets/b", 2],
    ["targets/c", 1],
  ]);
  const none = changed(START, ["delegations"], null);
  assert.deepEqual(names(withDelegationKey(none, "targets/a", KEYS.alice.publicKey, [])), [["targets/a", 1]]);
  const nothing = changed(START, ["delegations", "roles"], null);
  assert.deepEqual(names(withDelegationKeys(nothing, "targets/a", [])), []);
  const odd = changed(START, ["delegations", "roles"], [null, jsonObject([["name", "targets/a"], ["keyids", null]])]);
  assert.deepEqual(names(withDelegationKeys(odd, "targets/b", [])), [[undefined, undefined], ["targets/a", undefined]]);
});

Deno.test("edit: tags are set and moved; other entries and unknown members stay", () => {
  const tags = new Map([["v1", { length: 528, sha256: DIGEST }], ["__proto__", { length: 1, sha256: DIGEST }]]);
  const before = plain(START);
  const after = plain(withTargets(START, tags));
  const entry = { hashes: { sha256: Uint8Array.fromHex(DIGEST).toBase64() }, length: 528 };
  assert.deepEqual(Object.keys(after.targets).sort(), ["__proto__", "old", "v1"]);
  assert.deepEqual(after.targets.v1, entry);
  assert.deepEqual(after.targets.old, before.targets.old);
  assert.deepEqual({ ...after, targets: null }, { ...before, targets: null });
  const moved = plain(withTargets(START, new Map([["old", { length: 528, sha256: DIGEST }]])));
  assert.deepEqual(moved.targets, { old: entry }, "a moved tag keeps nothing of what it was");
});

Deno.test("edit: a delegation is made with threshold 1, and takes further keys", () => {
  const one = withDelegationKey(START, "targets/releases", KEYS.releases.publicKey, [""]);
  const entry = { keyids: [KEYS.releases.publicKey.id], name: "targets/releases", paths: [""], threshold: 1 };
  assert.deepEqual(plain(one).delegations.roles, [entry]);
  assert.deepEqual(plain(one).delegations[UNKNOWN[0]], plain(UNKNOWN[1]));
  assert.deepEqual(Object.keys(plain(one).delegations.keys), [KEYS.releases.publicKey.id]);

  const again = withDelegationKey(one, "targets/releases", KEYS.releases.publicKey, [""]);
  assert.deepEqual(plain(again), plain(one), "the same key again changes nothing");

  const two = withDelegationKey(one, "targets/releases", KEYS.alice.publicKey, ["v"]);
  assert.deepEqual(plain(two).delegations.roles, [
    { ...entry, keyids: [KEYS.releases.publicKey.id, KEYS.alice.publicKey.id], paths: ["v"] },
  ]);

  const other = withDelegationKey(two, "targets/alice", KEYS.alice.publicKey, [""]);
  assert.deepEqual(plain(other).delegations.roles.map((role: { name: string }) => role.name), [
    "targets/releases",
    "targets/alice",
  ]);
  assert.deepEqual(plain(other).targets, plain(START).targets);
});

Deno.test("edit: a delegation keeps its threshold and the members nobody here knows", () => {
  const strict = changed(
    withDelegationKey(START, "targets/a", KEYS.alice.publicKey, [""]),
    ["delegations", "roles", 0],
    jsonObject([
      ["keyids", [KEYS.alice.publicKey.id]],
      ["name", "targets/a"],
      ["paths", [""]],
      ["terminating", true],
      ["threshold", 2],
    ]),
  );
  const [entry] = plain(withDelegationKey(strict, "targets/a", KEYS.releases.publicKey, [""])).delegations.roles;
  assert.deepEqual([entry.threshold, entry.terminating, entry.keyids.length], [2, true, 2]);
});

Deno.test("edit: delegations written as null by Go can be added to", () => {
  const empty = changed(START, ["delegations", "roles"], null);
  assert.equal(plain(withDelegationKey(empty, "targets/a", KEYS.alice.publicKey, [])).delegations.roles.length, 1);
});

Deno.test("edit: a first root is one that is read, with each key in its role", async () => {
  const keys = {
    root: KEYS.root.publicKey,
    targets: KEYS.targets.publicKey,
    snapshot: KEYS.snapshot.publicKey,
    timestamp: KEYS.timestamp.publicKey,
  };
  const root = parseRoot(await signedFile(firstRoot(keys, AT), [KEYS.root]));
  for (const [name, key] of Object.entries(keys)) {
    const role = root.roles[name as keyof typeof keys];
    assert.deepEqual([[...role.keys.keys()], role.threshold], [[key.id], 1], name);
  }
  assert.deepEqual([root.version, root.expiresText], [1, "2036-05-29T12:00:00Z"]);
  assert.equal(root.envelope.signed["consistent_snapshot"], false);
});

Deno.test("edit: what is edited is signed and read back as it was meant", async () => {
  const signed = nextTargets(
    withTargets(
      withDelegationKey(emptyTargets(AT), "targets/a", KEYS.alice.publicKey, ["v"]),
      new Map([["v1", { length: 1, sha256: DIGEST }]]),
    ),
    2,
    AT,
  );
  const file = parseTargets("targets", await signedFile(signed, [KEYS.targets]));
  assert.deepEqual(file.targets, new Map([["v1", { length: 1, sha256: DIGEST }]]));
  assert.deepEqual(file.delegations.map(({ name, paths }) => [name, paths]), [["targets/a", ["v"]]]);
  assert.deepEqual(canonicalJson(parseJson(file.envelope.payload)), file.envelope.payload);
});

Deno.test("edit: a delegation is left with some of its keys, or goes; keys that nobody names go along", () => {
  const [a, b, c] = [newKey().publicKey, newKey().publicKey, newKey().publicKey];
  const start = ([["targets/releases", a], ["targets/releases", b], ["targets/x", b], ["targets/y", c]] as const)
    .reduce((signed, [role, key]) => withDelegationKey(signed, role, key, [""]), START);
  const shown = (signed: JsonObject) => {
    const { keys, roles } = plain(signed).delegations;
    const named = roles.map(({ name, keyids }: { name: string; keyids: string[] }) => [name, keyids]);
    return [Object.keys(keys).sort(), Object.fromEntries(named)];
  };
  const without = withDelegationKeys(start, "targets/releases", [a.id]);
  assert.deepEqual(shown(without), [[a.id, b.id, c.id].sort(), {
    "targets/releases": [a.id],
    "targets/x": [b.id],
    "targets/y": [c.id],
  }]);
  assert.deepEqual(shown(withDelegationKeys(without, "targets/x", [])), [[a.id, c.id].sort(), {
    "targets/releases": [a.id],
    "targets/y": [c.id],
  }]);
  assert.deepEqual(plain(withDelegationKeys(start, "targets/none", [])), plain(start));
  const rest = (
    { delegations, ...others }: { delegations: Record<string, unknown> },
  ) => [others, delegations["x-unknown"]];
  assert.deepEqual(rest(plain(without)), rest(plain(start)), "the rest stays as it was");
});

Deno.test("edit: a role of root gets another key, the old one goes unless another role names it", async () => {
  const keys = {
    root: KEYS.root.publicKey,
    targets: KEYS.targets.publicKey,
    snapshot: KEYS.targets.publicKey,
    timestamp: KEYS.timestamp.publicKey,
  };
  const first = changed(firstRoot(keys, AT), [UNKNOWN[0]], UNKNOWN[1]);
  const fresh = newKey().publicKey;
  const later = new Date("2027-01-01T00:00:00Z");
  const one = plain(nextRoot(withRootKey(first, "targets", fresh), 2, later));
  assert.deepEqual([one.version, one.expires], [2, "2036-12-29T00:00:00Z"]);
  assert.deepEqual(one.roles.targets, { keyids: [fresh.id], threshold: 1 });
  assert.deepEqual(
    Object.keys(one.keys).sort(),
    [keys.root.id, keys.snapshot.id, keys.timestamp.id, fresh.id].sort(),
  );
  const two = plain(withRootKey(withRootKey(first, "targets", fresh), "snapshot", fresh));
  assert.deepEqual(Object.keys(two.keys).sort(), [keys.root.id, keys.timestamp.id, fresh.id].sort());
  assert.deepEqual(two[UNKNOWN[0]], plain(START)[UNKNOWN[0]]);
  const read = parseRoot(await signedFile(withRootKey(first, "targets", fresh), [KEYS.root]));
  assert.deepEqual([...read.roles.targets.keys.keys()], [fresh.id]);
});
