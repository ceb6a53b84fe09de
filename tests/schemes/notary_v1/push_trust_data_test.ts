/** The last gate: a service that holds the right key and signs something else must not get it published. */
import assert from "node:assert/strict";
import { TagsealError, type TagsealErrorCode } from "../../../lib/errors.ts";
import { type Bytes, utf8 } from "../../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../../lib/bytes/canonical_json.ts";
import { type JsonObject, parseJson } from "../../../lib/bytes/json.ts";
import { sha256Hex } from "../../../lib/crypto/hash.ts";
import { addDelegation } from "../../../lib/flows/add_delegation.ts";
import { removeDelegation } from "../../../lib/flows/remove_delegation.ts";
import type { Trust } from "../../../lib/notary/repository.ts";
import type { TagsToSign } from "../../../lib/schemes/notary_v1/prepare_tags.ts";
import { createSigningData } from "../../../lib/schemes/create_signing_data.ts";
import { checkTrustData, pushTrustData } from "../../../lib/schemes/notary_v1/push_trust_data.ts";
import { listTags } from "../../../lib/schemes/notary_v1/verify_tags.ts";
import {
  readSigningData,
  type RepositoryChange,
  type SigningData,
  writeSigningData,
} from "../../../lib/schemes/signing_data.ts";
import { expiryAfter, LIFETIME_DAYS, trustTime } from "../../../lib/tuf/edit.ts";
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
  await others(world, ["v1", "v2"]);
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

/** What a task is to sign, signed. */
async function dataFor(world: FlowWorld, task: TagsToSign): Promise<SigningData> {
  return await signed(world, (await createSigningData([task], world.now())).data);
}

/** Signs and publishes tags in between, as somebody else. */
async function others(here: FlowWorld, tags: readonly string[], content?: string): Promise<void> {
  await push(here, await dataFor(here, here.task(GUN, tags, content)));
}

/** What withdraws a tag, signed. */
function withdrawal(here: FlowWorld, tag: string): Promise<SigningData> {
  return dataFor(here, { ...here.task(GUN, []), remove: [tag] });
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
    [
      "a date in other words",
      payloads((all) => changed(all, ["expires"], "2027-06-01T12:00:00.000Z")),
      "trust-invalid",
      "three years",
    ],
    ["no date", payloads((all) => changed(all, ["expires"], undefined)), "trust-invalid", "three years"],
    [
      "not canonical",
      payloads((all) => utf8(` ${new TextDecoder().decode(canonicalJson(all))}`)),
      "trust-invalid",
      "canonical",
    ],
    [
      "not canonical, and no date",
      payloads((all) => utf8(` ${new TextDecoder().decode(canonicalJson(changed(all, ["expires"], "soon")))}`)),
      "trust-invalid",
      "canonical",
    ],
    ["no JSON", payloads(() => utf8("not json")), "trust-invalid", "canonical"],
    ["a list", payloads(() => utf8("[]")), "trust-invalid", "it is no object"],
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
  assert.deepEqual(error.next, { do: "compare-policy-key", keyIds: [data.repositories[0]!.delegationKeyId] });
  assert.equal(
    error.remedy,
    "Nothing was published for this repository. Probably the signing policy uses another certificate than the " +
      `delegation (key ${key}): compare them, or add the policy's. If they are the same, somebody changes the file ` +
      "on its way",
  );
});

Deno.test("what is published says which tags, and which were withdrawn only where some were", async () => {
  const { world: here, data, change } = await world();
  const added = await pushTrustData(here.trust(), data, change);
  assert.deepEqual(added.tags.map(({ tag, previousDigest }) => [tag, previousDigest]), [["v3", null]]);
  assert.equal(Object.hasOwn(added, "removedTags"), false);
  const without = await withdrawal(here, "v1");
  const gone = await pushTrustData(here.trust(), without, without.repositories[0]!);
  assert.deepEqual([gone.tags, gone.removedTags], [[], ["v1"]]);
});

Deno.test("data that is not signed yet is told so", async () => {
  const { world: here, data, change } = await world();
  const unsigned = { ...data, signatures: new Map() };
  const error = await failsWith(pushTrustData(here.trust(), unsigned, change), "bad-input", "holds no signature", GUN);
  assert.deepEqual(error.details, { repository: GUN, role: "targets/releases" });
});

Deno.test("what is only checked is refused as it would be, and publishes nothing; what is there already is good", async () => {
  const { world: here, made, data, change } = await world();
  await checkTrustData(here.trust(), data, change);
  const tags = async () => (await listTags(here.trust(), GUN)).tags.map(({ tag }) => tag);
  assert.deepEqual(await tags(), ["v1", "v2"]);
  const evil = await signed(here, payloads((all) => changed(all, ["targets", "evil"], target(EVIL)))(made));
  await failsWith(checkTrustData(here.trust(), evil, evil.repositories[0]!), "trust-invalid", "something else");
  await push(here, data);
  await checkTrustData(here.trust(), data, change);
  assert.deepEqual(await tags(), ["v1", "v2", "v3"]);
});

Deno.test("a payload may last from now on for three years and a day, to the second", async () => {
  const { world: here, made } = await world();
  const until = (expires: string) => signed(here, payloads((all) => changed(all, ["expires"], expires))(made));
  const most = new Date(here.now().getTime() + (LIFETIME_DAYS.targets + 1) * 86_400_000);
  for (const expires of [trustTime(here.now()), trustTime(new Date(most.getTime() + 1000))]) {
    await failsWith(push(here, await until(expires)), "trust-invalid", "three years");
  }
  const longest = await until(expiryAfter(here.now(), LIFETIME_DAYS.targets + 1));
  await checkTrustData(here.trust(), longest, longest.repositories[0]!);
  const shortest = await until(trustTime(new Date(here.now().getTime() + 1000)));
  await checkTrustData(here.trust(), shortest, shortest.repositories[0]!);
});

Deno.test("a signature by another key that the manifest names is as good", async () => {
  const { world: here, made } = await world();
  const named = (ids: (id: string) => Partial<RepositoryChange>) =>
    manifest((change) => ({ ...change, ...ids(change.delegationKeyId) }))(made);
  const wrong = await signed(here, named((id) => ({ delegationKeyId: id, alternativeKeyIds: [EVIL] })));
  await checkTrustData(here.trust(), wrong, wrong.repositories[0]!);
  const other = await signed(
    here,
    named((id) => ({ delegationKeyId: EVIL, alternativeKeyIds: ["ab".repeat(32), id] })),
  );
  await push(here, other);
  assert.equal((await listTags(here.trust(), GUN)).tags.length, 3);
});

Deno.test("data that others were faster than is stale, says which tags of theirs, ten at most, and what to do", async () => {
  const { world: here, data, change } = await world();
  await others(here, ["theirs"]);
  const error = await failsWith(
    pushTrustData(here.trust(), data, change),
    "stale",
    "it is at version 2, the data was made from 1",
  );
  assert.match(error.message, / \(tags: theirs\)$/);
  assert.deepEqual(error.next, { do: "make-signing-data-anew" });
  assert.deepEqual(error.details, { repository: GUN, role: "targets/releases", version: 2, baseVersion: 1 });
  await others(here, Array.from({ length: 12 }, (_, n) => `t${n}`));
  const many = await failsWith(pushTrustData(here.trust(), data, change), "stale", "at version 3");
  assert.equal(/\(tags: (.*)\)$/.exec(many.message)?.[1]?.split(", ").length, 10);
});

Deno.test("data is stale where others took its very tag, and names none where all tags are as they were", async () => {
  const { world: here, data, change } = await world();
  await others(here, ["v3"], "theirs");
  await failsWith(pushTrustData(here.trust(), data, change), "stale", "at version 2", "(tags: v3)");

  const { world: there, data: same, change: unmoved } = await world();
  await push(there, await withdrawal(there, "v1"));
  await others(there, ["v1"]);
  const error = await failsWith(
    pushTrustData(there.trust(), same, unmoved),
    "stale",
    "at version 3, the data was made from 1",
  );
  assert.doesNotMatch(error.message, /tags:/);
});

/** Trust through a server on which something happens right after, or in place of, our own post. */
function racing(here: FlowWorld, onPost: (post: () => Promise<void>) => Promise<void>): Trust {
  const trust = here.trust();
  const { server } = trust;
  const publish: typeof server.publish = (gun, files) => onPost(() => server.publish(gun, files));
  return { ...trust, server: { ...server, publish } };
}

const LOST = { call: { url: "https://notary.test", sent: true } };

/** What the client makes of an answer that did not come. */
const lost = () => new TagsealError("unavailable", "No answer", { remedy: "Try again", ...LOST });

Deno.test("who is overtaken amid the post is told what others did, whether the answer is lost or not", async () => {
  for (const isLost of [false, true]) {
    for (const [tag, content] of [["theirs", undefined], ["v3", "theirs"]] as const) {
      const { world: here, data, change } = await world();
      const trust = racing(here, async (post) => {
        await others(here, [tag], content);
        if (isLost) throw lost();
        await post();
      });
      const error = await failsWith(pushTrustData(trust, data, change), "stale", "made from 1", `(tags: ${tag})`);
      assert.deepEqual(error.next, { do: "make-signing-data-anew" }, `an answer was lost: ${isLost}`);
    }
  }
});

Deno.test("who is overtaken twice amid the post, and refused, is told what others did", async () => {
  const { world: here, data, change } = await world();
  const trust = racing(here, async (post) => {
    await others(here, ["theirs"]);
    await others(here, ["more"]);
    await post();
  });
  const told = await failsWith(pushTrustData(trust, data, change), "stale", "at version 3, the data was made from 1");
  assert.deepEqual(told.next, { do: "make-signing-data-anew" });
});

Deno.test("what another signer has published of the same tag is not what was signed here", async (t) => {
  const { world: here, data, change } = await world();
  const team = { gun: GUN, name: "team", key: here.delegationKey };
  await addDelegation(here.trust(), here.keys, team);
  const theirs = async (tag: string) => {
    const made = await dataFor(here, { ...here.task(GUN, [tag]), signer: "team" });
    await push(here, made);
  };
  const isTold = async (data: SigningData, isLost: boolean, race: () => Promise<void>) => {
    const trust = racing(here, async (post) => {
      await race();
      if (isLost) throw lost();
      await post();
    });
    const told = await failsWith(pushTrustData(trust, data, data.repositories[0]!), "stale", "the data was made from");
    assert.deepEqual(told.next, { do: "make-signing-data-anew" });
  };
  await t.step("amid the post, which is refused, or whose answer is lost: all of it lands or none", async () => {
    for (const [nth, isLost] of [false, true].entries()) {
      for (const more of [[], [`more${nth}`]]) {
        const tag = `same${nth}${more.length}`;
        const again = await dataFor(here, here.task(GUN, [tag]));
        await isTold(again, isLost, async () => {
          for (const one of [tag, ...more]) await theirs(one);
        });
      }
    }
  });
  await t.step("after somebody with the same role, whose version is not ours", async () => {
    const again = await dataFor(here, here.task(GUN, ["ours"]));
    await isTold(again, true, async () => {
      await others(here, ["not-ours"]);
      await theirs("ours");
    });
  });
  await t.step("before it", async () => {
    await theirs("v3");
    await failsWith(pushTrustData(here.trust(), data, change), "stale", "the data was made from 1");
  });
});

Deno.test("a post whose answer was lost may have been published, whatever a cache or an administrator does", async (t) => {
  const isDoubted = async (trust: Trust, data: SigningData) => {
    const told = await failsWith(pushTrustData(trust, data, data.repositories[0]!), "stale", "in between");
    assert.deepEqual([told.published, told.next?.do], ["maybe", "look-whether-published"]);
  };
  await t.step("it was sent again, which was refused, and a cache shows what was there before", async () => {
    const { world: here, data } = await world();
    const trust = here.trust();
    const { server } = trust;
    let [posts, shown] = [0, new Map<string, Bytes | undefined>()];
    const read: typeof server.read = async (gun, name, ...more) => {
      const bytes = posts > 0 ? shown.get(name) : await server.read(gun, name, ...more);
      shown = shown.set(name, bytes);
      return bytes;
    };
    const publish: typeof server.publish = async (gun, files) => {
      const isFirst = posts++ === 0;
      await server.publish(gun, files);
      if (isFirst) throw new TagsealError("unavailable", "Cut", { remedy: "Wait", reason: "cut", ...LOST });
    };
    await isDoubted({ ...trust, server: { ...server, read, publish } }, data);
    assert.equal(posts, 2);
  });
  await t.step("the only role of it has not moved, and others have moved the tag in targets/releases", async () => {
    const { world: here } = await world();
    await addDelegation(here.trust(), here.keys, { gun: GUN, name: "team", key: here.delegationKey });
    const byTeam = (tags: string[]) => dataFor(here, { ...here.task(GUN, tags), signer: "team" });
    await push(here, await byTeam(["v2"]));
    const data = await byTeam(["v1"]);
    assert.deepEqual(data.repositories[0]!.roles.map(({ role }) => role), ["targets/team"]);
    let posts = 0;
    const trust = racing(here, async () => {
      if (posts++ > 0) throw new TagsealError("stale", "Somebody was faster", { remedy: "Begin anew" });
      await others(here, ["v1"], "theirs");
      throw new TagsealError("unavailable", "Cut", { remedy: "Wait", reason: "cut", ...LOST });
    });
    await isDoubted(trust, data);
  });
  await t.step("nothing of it is trusted any more", async () => {
    const { world: here } = await world();
    const data = await dataFor(here, here.task(GUN, ["v1"], "another"));
    const trust = racing(here, async (post) => {
      await post();
      const removal = { gun: GUN, name: "signpath", allOther: false };
      await removeDelegation(here.trust(), here.keys, removal, () => Promise.resolve());
      throw lost();
    });
    await isDoubted(trust, data);
  });
  for (const isReplaced of [false, true]) {
    await t.step(`its delegation is taken away, and comes back with another key: ${isReplaced}`, async () => {
      const { world: here } = await world();
      const team = { gun: GUN, name: "team", key: here.delegationKey };
      await addDelegation(here.trust(), here.keys, team);
      const data = await dataFor(here, { ...here.task(GUN, ["v3"]), signer: "team" });
      const trust = racing(here, async (post) => {
        await post();
        await removeDelegation(here.trust(), here.keys, { ...team, allOther: false }, () => Promise.resolve());
        const { signer: { publicKey: key } } = await here.keys.create({ role: "delegation" });
        if (isReplaced) await addDelegation(here.trust(), here.keys, { ...team, key });
        throw lost();
      });
      await isDoubted(trust, data);
    });
  }
});

Deno.test("what targets/releases has become already is no conflict for a signer's own role", async () => {
  const { world: here } = await world();
  await addDelegation(here.trust(), here.keys, { gun: GUN, name: "team", key: here.delegationKey });
  const team = (more: Partial<TagsToSign>) => dataFor(here, { ...here.task(GUN, []), signer: "team", ...more });
  const { sign } = here.task(GUN, ["v1"]);
  const same = await team({ sign: sign! });
  const { digest } = same.repositories[0]!.tags[0]!;
  const before = (previousDigest: string | null, { repositories: [change] }: SigningData): RepositoryChange => ({
    ...change!,
    tags: change!.tags.map((tag) => ({ ...tag, previousDigest })),
    removedTags: change!.removedTags.map((tag) => ({ ...tag, previousDigest })),
  });
  const published = await pushTrustData(here.trust(), same, before(null, same));
  assert.deepEqual(published.roles, [{ role: "targets/team", version: 1 }]);
  await push(here, await withdrawal(here, "v1"));
  const gone = await team({ remove: ["v1"] });
  const { outcome, removedTags } = await pushTrustData(here.trust(), gone, before(digest, gone));
  assert.deepEqual([outcome, removedTags], ["published", ["v1"]]);
});

Deno.test("roles that are made anew are published though all tags are as they shall be", async () => {
  const { world: here } = await world();
  const renewed = await dataFor(here, { ...here.task(GUN, ["v1"]), renew: ["targets/releases", "targets/signpath"] });
  const { outcome, roles } = await pushTrustData(here.trust(), renewed, renewed.repositories[0]!);
  assert.equal(outcome, "published");
  assert.deepEqual(roles.map(({ version }) => version), [2, 2]);
});

Deno.test("a role whose delegation was taken away since is not published, whatever it withdraws", async () => {
  const { world: here } = await world();
  await addDelegation(here.trust(), here.keys, { gun: GUN, name: "team", key: here.delegationKey });
  const renew = ["targets/team"];
  const gone = await dataFor(here, { ...here.task(GUN, []), signer: "team", remove: ["v1"], renew });
  await removeDelegation(here.trust(), here.keys, { gun: GUN, name: "team", allOther: false }, () => Promise.resolve());
  await failsWith(push(here, gone), "trust-invalid", "may not sign for it (any more)", "targets/team");
});

Deno.test("data for a repository that was set up anew since is stale, and so is a payload without tags", async () => {
  const { made, data, change } = await world();
  const { world: here } = await world();
  const anew = await FlowWorld.begin();
  await anew.init(GUN);
  await failsWith(pushTrustData(anew.trust(), data, change), "stale", "at version 0", "made from 1 (tags: v1, v2");
  const bare = payloads(({ targets: _, ...rest }) => rest)(made);
  await others(here, ["theirs"]);
  const odd = { ...bare, signatures: data.signatures };
  await failsWith(pushTrustData(here.trust(), odd, bare.repositories[0]!), "stale", "(tags: theirs");
});

Deno.test("what was posted and changed by others before the answer was lost is theirs, and was published", async () => {
  const { world: here, data, change } = await world();
  const trust = racing(here, async (post) => {
    await post();
    await others(here, ["v3"], "theirs");
    throw lost();
  });
  const error = await failsWith(pushTrustData(trust, data, change), "stale", 'something else about "v3"');
  assert.deepEqual([error.published, error.next], ["yes", { do: "look-at-later-tags" }]);
});

Deno.test("of a post that was lost and overtaken twice nobody knows, unless a tag is not what it was: that is not signed over", async () => {
  for (const [first, content] of [["theirs", undefined], ["v3", "theirs"]] as const) {
    const { world: here, data, change } = await world();
    const trust = racing(here, async () => {
      await others(here, [first], content);
      await others(here, ["more"]);
      throw lost();
    });
    const error = await failsWith(pushTrustData(trust, data, change), "stale", GUN);
    const { do: next } = error.next!;
    assert.deepEqual(
      [error.published, next],
      content ? ["yes", "look-at-later-tags"] : ["maybe", "look-whether-published"],
    );
    assert.doesNotMatch(error.remedy, /Nothing .*was published/);
  }
});

Deno.test("of two tags, one withdrawn by others after the post, whose answer was lost: published, and theirs stands", async () => {
  const { world: here } = await world();
  const data = await dataFor(here, here.task(GUN, ["v3", "v4"]));
  const trust = racing(here, async (post) => {
    await post();
    await push(here, await withdrawal(here, "v4"));
    throw lost();
  });
  const error = await failsWith(
    pushTrustData(trust, data, data.repositories[0]!),
    "stale",
    'something else about "v4"',
  );
  assert.deepEqual([error.published, error.next], ["yes", { do: "look-at-later-tags" }]);
  assert.deepEqual((await listTags(here.trust(), GUN)).tags.map(({ tag }) => tag), ["v1", "v2", "v3"]);
});

Deno.test("what was posted, and withdrawn by others before the answer was lost, may have been published", async () => {
  const { world: here, data, change } = await world();
  const trust = racing(here, async (post) => {
    await post();
    await push(here, await withdrawal(here, "v3"));
    throw lost();
  });
  const error = await failsWith(pushTrustData(trust, data, change), "stale", GUN);
  assert.equal(error.published, "maybe");
  assert.doesNotMatch(error.remedy, /Nothing .*was published/);
});
