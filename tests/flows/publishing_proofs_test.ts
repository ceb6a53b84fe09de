/** Before anything is posted the server's present state is read; after it, what is said to be done is there. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { type JsonObject, parseJson } from "../../lib/bytes/json.ts";
import { exitCodeOf } from "../../lib/cli/exit_codes.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { TagsealError } from "../../lib/errors.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { createSigningData } from "../../lib/schemes/create_signing_data.ts";
import { keySigner } from "../../lib/signing/key_signer.ts";
import { fileSigner } from "../../lib/signing/zip_signer.ts";
import type { TagsToSign } from "../../lib/schemes/notary_v1/prepare_tags.ts";
import { pushTrustData } from "../../lib/schemes/notary_v1/push_trust_data.ts";
import type { Trust } from "../../lib/notary/repository.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { listTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import type { Send } from "../../lib/http/send.ts";
import { createNotaryServer } from "../../lib/local/notary_server.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { readSigningData, type RepositoryChange, writeSigningData } from "../../lib/schemes/signing_data.ts";
import { assembleFile, nextTargets } from "../../lib/tuf/edit.ts";
import { parseTargets } from "../../lib/tuf/parse.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, manifestOf, MemoryKeyStore } from "../support/flow_world.ts";
import { changed } from "../support/trust_builder.ts";

const GUN = "registry.test/acme/app";

/** How the server is reached; a test changes it on the way. */
type Between = FlowWorld["between"];
const straight: Between = (request, send) => send(request);

/** A repository that SignPath's key may sign as `signpath`, and a key of a store as `team`. */
class Place {
  /** What was posted since the last {@linkcode count}. */
  posts = 0;
  between: Between = straight;
  /** The team's machine: what it has read stays with it. */
  readonly teamTrust: Trust;

  private constructor(
    readonly world: FlowWorld,
    readonly store: MemoryKeyStore,
    readonly addTeam: () => Promise<void>,
  ) {
    this.teamTrust = world.trust();
  }

  static async begin(): Promise<Place> {
    const world = await FlowWorld.begin();
    await world.init(GUN);
    const store = new MemoryKeyStore();
    const { signer: { publicKey: key } } = await store.create({ role: "team" });
    const addTeam = async () => {
      await addDelegation(world.trust(), world.keys, { gun: GUN, name: "team", key });
    };
    await addTeam();
    const place = new Place(world, store, addTeam);
    world.between = (request, send) => {
      if (request.method === "POST") place.posts++;
      return place.between(request, send);
    };
    return place;
  }

  /** The team signs, or withdraws, on its own machine. */
  async team(tags: readonly string[], more: Partial<TagsToSign> & { content?: string } = {}) {
    const signer = keySigner(this.store);
    const task = {
      ...this.world.task(GUN, tags, more.content),
      trust: this.teamTrust,
      signer: "team",
      holder: signer.holder,
      ...more,
    };
    const [result] = (await signTags([task], { ...this.world.options, signer, attempts: 1 })).repositories;
    return result!;
  }

  /** SignPath's key signs, or withdraws. */
  async signPath(tags: readonly string[], more: Partial<TagsToSign> = {}) {
    const task = { ...this.world.task(GUN, tags), ...more };
    return (await signTags([task], { ...this.world.options, attempts: 1 })).repositories[0]!;
  }

  /** Signing data as the service gives it back, and what pushes it. */
  async signedData(
    tags: readonly string[],
    more: Partial<TagsToSign> = {},
    edit: (data: Draft) => Draft = (data) => data,
  ) {
    const { data } = await createSigningData([{ ...this.world.task(GUN, tags), ...more }], this.world.now());
    const { signed } = await this.world.signFile(await writeSigningData(edit(data)));
    const back = await readSigningData(signed);
    const change = back.repositories[0]!;
    return { change, push: () => pushTrustData(this.world.trust(), back, change) };
  }

  /** The tags that everybody sees, with what they stand for; and all entries of all roles. */
  async tags(): Promise<[string, string][]> {
    const { tags } = await listTags(this.world.trust(), GUN);
    return tags.map(({ tag, sha256 }) => [tag, `sha256:${sha256}`]);
  }

  async entries(): Promise<string[]> {
    const { tags } = await listTags(this.world.trust(), GUN, { all: true });
    return tags.map(({ tag, role }) => `${tag} ${role}`).sort();
  }
}

type Draft = Parameters<typeof writeSigningData>[0];

const manifest = (edit: (change: RepositoryChange) => RepositoryChange) => (data: Draft): Draft => {
  const repositories = data.repositories.map(edit);
  const used = new Set(repositories.flatMap(({ roles }) => roles.map(({ payload }) => payload)));
  return { ...data, repositories, payloads: new Map([...data.payloads].filter(([name]) => used.has(name))) };
};

const isFile = (request: Request, role: string) =>
  request.method === "GET" && decodeURIComponent(new URL(request.url).pathname).includes(`/_trust/tuf/${role}.`);

// --- 1. The present state, whatever was trusted before ---------------------------------------------------------------

/** The team has just signed `v1` and `v2`, so that its copy is whole and warm; then something happens to the server. */
async function warm(): Promise<Place> {
  const place = await Place.begin();
  await place.team(["v1", "v2"]);
  await place.team(["v3"]);
  return place;
}

Deno.test("a repository that was deleted and set up anew: nothing is posted, and old tags do not come back", async () => {
  const place = await warm();
  await place.world.trust().server.remove!(GUN);
  await place.world.init(GUN);
  await place.addTeam();
  place.posts = 0;
  await failsWith(place.team(["v4"]), "trust-invalid", GUN);
  assert.equal(place.posts, 0);
  assert.deepEqual(await place.tags(), []);
});

Deno.test("a repository that was deleted: nothing is posted", async () => {
  const place = await warm();
  await place.world.trust().server.remove!(GUN);
  place.posts = 0;
  await failsWith(place.team(["v4"]), "not-found", GUN);
  assert.equal(place.posts, 0);
});

Deno.test("a server restored from a backup: the rollback is told, and nothing is posted", async () => {
  const place = await Place.begin();
  await place.team(["v1"]);
  const backup = new Map<string, Bytes>();
  place.between = async (request, send) => {
    const answer = await send(request);
    if (answer.status === 200) backup.set(new URL(request.url).pathname, await answer.clone().bytes());
    return answer;
  };
  await listTags(place.world.trust(), GUN); // all files, as they are when the backup is made
  place.between = straight;
  await place.team(["v2"]);
  await place.team(["v3"]);
  place.between = async (request, send) => {
    if (request.method !== "GET") return await send(request);
    const file = backup.get(new URL(request.url).pathname);
    return file ? new Response(file) : new Response("", { status: 404 });
  };
  place.posts = 0;
  const error = await failsWith(place.team(["v4"]), "trust-invalid", "rollback", GUN);
  assert.match(error.message, /"timestamp".*version/);
  assert.equal(place.posts, 0);
});

Deno.test("another Notary server with a repository of that name, and the same keys for delegations: nothing is posted", async () => {
  const place = await warm();
  const elsewhere = createNotaryServer({ now: place.world.now });
  place.between = (request) => elsewhere.handle(request);
  await place.world.init(GUN);
  await place.addTeam();
  place.posts = 0;
  await failsWith(place.team(["v4"]), "trust-invalid", "root", GUN);
  assert.equal(place.posts, 0);
  assert.deepEqual(await place.tags(), []);
});

/** The administrator lets a role sign only tags that begin with `v`. */
async function narrow({ world }: Place, role: string): Promise<void> {
  const { server } = world.trust();
  const { envelope: { signed }, version, delegations } = parseTargets("targets", (await server.read(GUN, "targets"))!);
  const at = delegations.findIndex(({ name }) => name === role);
  const narrowed = changed(signed, ["delegations", "roles", at, "paths"], ["v"]);
  const payload = canonicalJson(nextTargets(narrowed, version + 1, world.now()));
  const key = (await world.keys.list()).find(({ role, gun }) => role === "targets" && gun === GUN)!;
  const signer = await world.keys.open(key.id);
  const signature = await signer.sign(payload);
  await server.publish(GUN, new Map([["targets", assembleFile(payload, [{ keyId: signer.publicKey.id, signature }])]]));
}

for (const role of ["targets/releases", "targets/team"]) {
  Deno.test(`the paths of ${role} were narrowed since: nothing is posted`, async () => {
    const place = await warm();
    await narrow(place, role);
    place.posts = 0;
    await failsWith(place.team(["latest"]), "bad-input", `"${role}" may not sign the tag "latest"`);
    assert.equal(place.posts, 0);
    await place.team(["v4"]);
    assert.equal(place.posts, 1);
  });
}

for (const role of ["targets/releases", "targets/signpath"]) {
  Deno.test(`the paths of ${role} were narrowed while the file was away for signing: nothing is posted`, async () => {
    const place = await warm();
    const { push } = await place.signedData(["latest"]);
    await narrow(place, role);
    place.posts = 0;
    await assert.rejects(push(), TagsealError);
    assert.equal(place.posts, 0);
  });
}

// --- 2. Removed is said only of what is gone -------------------------------------------------------------------------

/** `v1` is signed as `signpath`, and stands in `targets/signpath` alone. */
async function onlyInSignPath(): Promise<Place> {
  const place = await Place.begin();
  await place.signPath(["v1"]);
  await place.team([], { remove: ["v1"] });
  assert.deepEqual(await place.entries(), ["v1 targets/signpath"]);
  return place;
}

Deno.test("a withdrawal from targets/signpath while others sign the tag in targets/releases is stale", async () => {
  const place = await onlyInSignPath();
  const { change, push } = await place.signedData([], { remove: ["v1"] });
  assert.deepEqual(change.roles.map(({ role }) => role), ["targets/signpath"]);
  await place.team(["v1"]);
  place.posts = 0;
  const error = await failsWith(push(), "stale", '"v1"', GUN);
  assert.match(error.remedy, /^Nothing was published/);
  assert.equal(place.posts, 0);
  assert.deepEqual(await place.tags(), [["v1", manifestOf("v1").digest]]);
});

Deno.test("withdrawing starts over where others sign the tag meanwhile, and it is gone in the end", async () => {
  const place = await onlyInSignPath();
  const stale: string[] = [];
  const signer = fileSigner(async (file) => {
    const answer = await place.world.signFile(file);
    if (stale.length === 0) await place.team(["v1"]);
    return answer;
  });
  const task = { ...place.world.task(GUN, []), remove: ["v1"] };
  const onStale = ({ message }: Error) => void stale.push(message);
  const { repositories } = await signTags([task], { ...place.world.options, signer, attempts: 2, onStale });
  assert.deepEqual([repositories[0]!.outcome, repositories[0]!.removedTags, stale.length], ["published", ["v1"], 1]);
  assert.deepEqual(await place.entries(), ["v1 targets/team"]);
  assert.deepEqual(await place.tags(), []);
});

const withoutRole = (gone: string) =>
  manifest((change) => ({ ...change, roles: change.roles.filter(({ role }) => role !== gone) }));

for (const [what, tags, more] of [["a withdrawal", [], { remove: ["v1"] }], ["a signature", ["v2"], {}]] as const) {
  Deno.test(`${what} whose manifest leaves out targets/releases is refused, and nothing is posted`, async () => {
    const place = await Place.begin();
    await place.signPath(["v1"]);
    const before = await place.entries();
    const { change, push } = await place.signedData(tags, more, withoutRole("targets/releases"));
    assert.deepEqual(change.roles.map(({ role }) => role), ["targets/signpath"]);
    place.posts = 0;
    await assert.rejects(
      push(),
      (error) => error instanceof TagsealError && ["stale", "trust-invalid"].includes(error.code),
    );
    assert.equal(place.posts, 0);
    assert.deepEqual(await place.entries(), before);
  });
}

Deno.test("a manifest without roles is refused when it is read", async () => {
  const place = await Place.begin();
  await place.signPath(["v1"]);
  for (const [tags, more] of [[[], { remove: ["v1"] }], [["v2"], {}]] as const) {
    const { data } = await createSigningData([{ ...place.world.task(GUN, tags), ...more }], place.world.now());
    const file = await writeSigningData(manifest((change) => ({ ...change, roles: [] }))(data));
    await failsWith(readSigningData(file), "bad-input", "nothing is to be signed", GUN);
  }
});

Deno.test("a manifest that names another version than its payload's is refused, and nothing is posted", async () => {
  const place = await Place.begin();
  await place.signPath(["v1"]);
  for (const role of ["targets/releases", "targets/signpath"]) {
    for (const version of [0, 1, 3, 2 ** 40]) {
      place.posts = 0;
      const attempt = place.signedData(
        ["v2"],
        {},
        manifest((change) => ({
          ...change,
          roles: change.roles.map((each) => each.role === role ? { ...each, version } : each),
        })),
      ).then(({ push }) => push());
      await assert.rejects(
        attempt,
        (error) => error instanceof TagsealError && ["bad-input", "trust-invalid"].includes(error.code),
        `${role} at version ${version}`,
      );
      assert.equal(place.posts, 0);
    }
  }
});

// --- 3. Signed is said only of what Docker sees ----------------------------------------------------------------------

for (
  const [what, meanwhile] of [
    ["withdrawn", (place: Place) => place.team([], { remove: ["v1"] })],
    ["moved", (place: Place) => place.team(["v1"], { content: "theirs" })],
  ] as const
) {
  Deno.test(`a tag that only targets/signpath lacks, and that was ${what} in targets/releases meanwhile, is stale`, async () => {
    const place = await Place.begin();
    await place.team(["v1"]);
    const { change, push } = await place.signedData(["v1"]);
    assert.deepEqual(change.roles.map(({ role }) => role), ["targets/signpath"]);
    await meanwhile(place);
    place.posts = 0;
    const error = await failsWith(push(), "stale", '"v1"', GUN);
    assert.match(error.remedy, /^Nothing was published/);
    assert.equal(place.posts, 0);
  });
}

/** Others do something in the moment after the server has taken the first post. */
function afterPost(place: Place, others: () => Promise<unknown>): Between {
  return async (request, send) => {
    const answer = await send(request);
    if (request.method === "POST" && place.posts === 1) await others();
    return answer;
  };
}

for (
  const [name, prepare] of [
    ["only targets/signpath is posted", (place: Place) => place.team(["v1"])],
    ["both roles are posted", () => Promise.resolve()],
  ] as const
) {
  for (
    const [what, others] of [
      ["moved", (place: Place) => place.team(["v1"], { content: "theirs" })],
      ["withdrawn", (place: Place) => place.team([], { remove: ["v1"] })],
    ] as const
  ) {
    Deno.test(`a tag that is ${what} right after our post is theirs, where ${name}`, async () => {
      const place = await Place.begin();
      await prepare(place);
      place.posts = 0;
      place.between = afterPost(place, () => others(place));
      let stale = 0;
      const work = [place.world.task(GUN, ["v1"])];
      const options = { ...place.world.options, attempts: 5, onStale: () => void stale++ };
      const error = await failsWith(signTags(work, options), "stale", 'something else about "v1"', GUN);
      assert.deepEqual([exitCodeOf(error), error.published], [6, "yes"]);
      assert.doesNotMatch(error.remedy, /Nothing was published/);
      assert.deepEqual([stale, place.posts, place.world.files.length], [0, 2, 1], "ours, theirs, and not ours again");
      const theirs = what === "moved" ? [["v1", manifestOf("v1", "theirs").digest]] : [];
      assert.deepEqual(await place.tags(), theirs);
    });
  }
}

for (
  const [what, others] of [
    ["moved", (place: Place) => place.team(["v1"], { content: "theirs" })],
    ["withdrawn", (place: Place) => place.team([], { remove: ["v1"] })],
  ] as const
) {
  Deno.test(`a tag that is ${what} right after a push is theirs, and the push is not said to have done nothing`, async () => {
    const place = await Place.begin();
    const { push } = await place.signedData(["v1"]);
    place.posts = 0;
    place.between = afterPost(place, () => others(place));
    const error = await failsWith(push(), "stale", 'something else about "v1"', GUN);
    assert.equal(error.published, "yes");
    assert.doesNotMatch(error.remedy, /Nothing .*was published/);
  });
}

Deno.test("a tag that is moved right after our post is theirs, also where the answer to our post is lost", async () => {
  const place = await Place.begin();
  place.posts = 0;
  const moved = afterPost(place, () => place.team(["v1"], { content: "theirs" }));
  place.between = async (request, send) => {
    const isOurs = request.method === "POST" && place.posts === 1;
    const answer = await moved(request, send);
    if (!isOurs) return answer;
    await answer.body?.cancel();
    return new Response("", { status: 504 });
  };
  const work = [place.world.task(GUN, ["v1"])];
  await assert.rejects(signTags(work, { ...place.world.options, attempts: 5 }), TagsealError);
  assert.deepEqual([place.posts, place.world.files.length], [2, 1], "ours, theirs, and not ours again");
  assert.deepEqual(await place.tags(), [["v1", manifestOf("v1", "theirs").digest]]);
});

Deno.test("a withdrawn tag that others sign right after our post is not said to be removed", async () => {
  const place = await onlyInSignPath();
  place.posts = 0;
  place.between = afterPost(place, () => place.team(["v1"]));
  const error = await failsWith(place.signPath([], { remove: ["v1"] }), "stale", 'something else about "v1"');
  assert.equal(error.published, "yes");
  assert.deepEqual(await place.entries(), ["v1 targets/releases", "v1 targets/team"]);
});

// --- 7. Hostile payloads ---------------------------------------------------------------------------------------------

Deno.test("a payload that nobody can read, well signed: refused as what it is, and nothing is posted", async (t) => {
  const text = (signed: JsonObject) => new TextDecoder().decode(canonicalJson(signed));
  const expires = (written: string) => (signed: JsonObject) =>
    utf8(text(signed).replace(/"expires":"[^"]*"/, `"expires":${written}`));
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  const cases: [name: string, edit: (signed: JsonObject) => Bytes][] = [
    ["not UTF-8", (signed) => concat(canonicalJson(signed), new Uint8Array([0xff, 0xfe]))],
    ["not UTF-8 in a name", (signed) => utf8Broken(text(signed))],
    ["nothing", () => utf8("")],
    ["null", () => utf8("null")],
    ["an array", () => utf8("[]")],
    ["a text", () => utf8('"2028-01-01T00:00:00Z"')],
    ["expires 1.5", expires("1.5")],
    ["expires 1e400", expires("1e400")],
    ["expires null", expires("null")],
    ["expires an object", expires("{}")],
    ["expires missing", (signed) => canonicalJson(changed(signed, ["expires"], undefined))],
    ["expires Jan 1 2028", expires('"Jan 1 2028"')],
    ["expires with fractions", expires('"2028-01-01T00:00:00.5Z"')],
    ["expires on 30 February", expires('"2028-02-30T00:00:00Z"')],
    ["expires at 24 o'clock", expires('"2028-06-01T24:00:00Z"')],
    ["expires at 99 o'clock", expires('"2028-06-01T99:00:00Z"')],
    ["expires twice", (signed) => utf8(text(signed).replace("{", '{"expires":"2028-01-01T00:00:00Z",'))],
    ["expires as an array 200,000 deep", expires(deep)],
    ["an array 200,000 deep", () => utf8(deep)],
    ["an array 200,000 deep as its own member", (signed) => utf8(text(signed).replace(/}$/, `,"x":${deep}}`))],
    [
      "__proto__ that expires",
      (signed) =>
        utf8(
          text(changed(signed, ["expires"], undefined)).replace(
            "{",
            '{"__proto__":{"expires":"2028-01-01T00:00:00Z"},',
          ),
        ),
    ],
  ];
  function utf8Broken(source: string): Bytes {
    const bytes = utf8(source);
    bytes[source.indexOf("v9")] = 0xc3;
    return bytes;
  }
  const place = await Place.begin();
  await place.signPath(["v1"]);
  for (const [name, edit] of cases) {
    await t.step(name, async () => {
      const { push } = await place.signedData(["v9"], {}, (data) => {
        const payloads = new Map(
          [...data.payloads].map(([entry, bytes]) => [entry, edit(parseJson(bytes) as JsonObject)]),
        );
        return manifest((change) => ({
          ...change,
          roles: change.roles.map((role) => ({ ...role, sha256: sha256Hex(payloads.get(role.payload)!) })),
        }))({ ...data, payloads });
      });
      place.posts = 0;
      await failsWith(push(), "trust-invalid", '"targets/releases"', GUN);
      assert.equal(place.posts, 0);
    });
  }
});

// --- 8. Tags with names of JavaScript's own --------------------------------------------------------------------------

Deno.test("tags with odd names are signed, listed, signed again and removed, one by one", async () => {
  const place = await Place.begin();
  const odd = ["constructor", "__proto__", "toString", "10", "2", "1", "hasOwnProperty"];
  await place.signPath(odd);
  const wanted = (tags: readonly string[]) => [...tags].sort().map((tag) => [tag, manifestOf(tag).digest]);
  assert.deepEqual(await place.tags(), wanted(odd));
  assert.equal((await place.signPath(odd)).outcome, "unchanged");
  for (const [n, tag] of odd.entries()) {
    assert.deepEqual((await place.signPath([], { remove: [tag] })).removedTags, [tag]);
    assert.deepEqual(await place.tags(), wanted(odd.slice(n + 1)));
    await failsWith(place.signPath([], { remove: [tag] }), "not-found", `"${tag}"`);
  }
});

// --- 10. What was posted is asked for --------------------------------------------------------------------------------

for (const role of ["targets/releases", "targets/signpath"]) {
  Deno.test(`a server that takes a change and then does not have ${role} has not published it`, async () => {
    const place = await Place.begin();
    await place.team(["v1"]);
    place.posts = 0;
    place.between = async (request, send: Send) => {
      if (place.posts > 0 && isFile(request, role)) return new Response("", { status: 404 });
      return await send(request);
    };
    const attempt = signTags([place.world.task(GUN, ["v2"])], { ...place.world.options, attempts: 1 });
    const error = await assert.rejects(attempt, TagsealError).then(() => attempt.catch((thrown: unknown) => thrown));
    assert.ok(error instanceof TagsealError && ["trust-invalid", "unavailable"].includes(error.code), String(error));
    assert.match(error.message, new RegExp(`"${role}"`));
    assert.equal(place.posts, 1);
  });
}

Deno.test("a store that keeps nothing makes no difference: the present state is read before each post", async () => {
  const place = await Place.begin();
  const { server, now, sleep } = place.world.trust();
  const reads: string[] = [];
  place.between = (request, send) => {
    reads.push(`${request.method} ${new URL(request.url).pathname.split("/_trust/tuf/")[1]}`);
    return send(request);
  };
  await place.team(["v1"], { trust: { server, now, sleep, store: createMemoryMetadataStore() } });
  await place.team(["v2"]);
  for (let at = reads.indexOf("POST "); at >= 0; at = reads.indexOf("POST ", at + 1)) {
    const before = reads.slice(reads.lastIndexOf("POST ", at - 1) + 1, at);
    for (const name of ["root", "timestamp", "snapshot", "targets", "targets/releases", "targets/team"]) {
      assert.ok(before.includes(`GET ${name}.json`), `${name} is read before the post`);
    }
  }
  assert.equal(reads.filter((call) => call === "POST ").length, 2);
});
