/** Moving a repository to another Notary server, on two embedded ones. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { isTagsealError, TagsealError } from "../../lib/errors.ts";
import { exportedServer, readExport, writeExport } from "../../lib/flows/export_file.ts";
import { exportRepository } from "../../lib/flows/export_repository.ts";
import { type MoveOptions, moveRepository, type MoveResult, planMove } from "../../lib/flows/move_repository.ts";
import { openRepository, type Trust } from "../../lib/notary/repository.ts";
import { rotateKey } from "../../lib/flows/rotate_key.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { listTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import { createMemoryMetadataStore, type MetadataStore } from "../../lib/notary/metadata_store.ts";
import { assembleFile } from "../../lib/tuf/edit.ts";
import { parseEnvelope } from "../../lib/tuf/parse.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, MemoryKeyStore } from "../support/flow_world.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { AT, buildFiles, certified, DIGEST, GUN as BUILT, KEYS, newKey, type Plan } from "../support/trust_builder.ts";

const GUN = "registry.example.com/team/app";
const NEW_GUN = "registry.example.org/team/app";

/** Two servers, and what this machine knows. */
interface Move {
  readonly a: FlowWorld;
  readonly b: FlowWorld;
  readonly store: MetadataStore;
  readonly options: MoveOptions;
}

/** A repository at A with `rotations` of keys that its root has seen, two tags, and nothing at B. */
async function begin(rotations: readonly ("targets" | "snapshot" | "root")[] = ["snapshot"]): Promise<Move> {
  const [a, b] = await Promise.all([FlowWorld.begin(), FlowWorld.begin()]);
  await a.init(GUN);
  for (const role of rotations) await rotateKey(a.trust(), a.keys, { gun: GUN, role });
  for (const tag of ["v1", "v2"]) await signTags([a.task(GUN, [tag])], { ...a.options, attempts: 1 });
  const store = createMemoryMetadataStore();
  return { a, b, store, options: optionsOf(a, b, store) };
}

function optionsOf(a: FlowWorld, b: FlowWorld, store: MetadataStore): MoveOptions {
  return { from: { ...a.trust(), store }, gun: GUN, to: { ...b.trust(), store }, toGun: GUN, keys: a.keys };
}

function versions({ root, targets, snapshot, timestamp }: MoveResult["after"]): number[] {
  return [root, targets, snapshot, timestamp].map(({ version }) => version);
}

async function tagsAt(trust: Trust, gun = GUN): Promise<string[]> {
  return (await listTags(trust, gun)).tags.map(({ tag, sha256, length }) => `${tag} ${sha256} ${length}`);
}

/** What the server of a world was asked to change. */
function recordPosts(world: FlowWorld): string[] {
  const calls: string[] = [];
  world.between = (request, send) => {
    if (request.method !== "GET") calls.push(request.method);
    return send(request);
  };
  return calls;
}

Deno.test("move: all is the same at the new place, and whoever knows the old one goes on untouched", async () => {
  const { a, b, store, options } = await begin();
  const warm = { ...a.trust(), store: createMemoryMetadataStore() };
  const tags = await tagsAt(warm);
  const changes = recordPosts(a);
  const seen: string[] = [];
  const result = await moveRepository({ ...options, onPost: (done, of) => void seen.push(`${done}/${of}`) });
  assert.deepEqual(changes, [], "the old place is only read");
  assert.equal(result.outcome, "moved");
  assert.deepEqual(result.clients, { kind: "go-on", fromRoot: 1 });
  assert.deepEqual(versions(result.before), [2, 1, 4, 4]);
  assert.deepEqual(versions(result.after), [3, 1, 16, 16]);
  assert.deepEqual([seen[0], seen.at(-1), seen.length], ["1/16", "16/16", 16]);
  assert.deepEqual(result.tags.map(({ tag, role }) => `${role} ${tag}`).sort(), [
    "targets/releases v1",
    "targets/releases v2",
    "targets/signpath v1",
    "targets/signpath v2",
  ]);
  for (const reader of [{ ...b.trust(), store: warm.store }, b.trust(), { ...b.trust(), store }]) {
    assert.deepEqual(await tagsAt(reader), tags);
  }
  assert.equal(a.keys.opened, 2, "rotating has opened the root key once, and so has moving");
});

Deno.test("move: a client goes on from every root that the key has signed, and it is told from which", async (t) => {
  for (
    const [rotations, from] of [[[], 1], [["snapshot", "targets"], 1], [["snapshot", "root"], 3]] as const
  ) {
    await t.step(`after rotating ${rotations.join(", ") || "nothing"}`, async () => {
      const [a, b] = await Promise.all([FlowWorld.begin(), FlowWorld.begin()]);
      await a.init(GUN);
      const warm: [number, Trust][] = [];
      const meet = async () => {
        const trust = a.trust();
        warm.push([(await openRepository(trust, GUN)).repository.root.version, trust]);
      };
      await meet();
      for (const role of rotations) {
        await rotateKey(a.trust(), a.keys, { gun: GUN, role });
        await meet();
      }
      const { clients } = await moveRepository(optionsOf(a, b, createMemoryMetadataStore()));
      assert.deepEqual(clients, { kind: "go-on", fromRoot: from });
      for (const [version, trust] of warm) {
        const reading = openRepository({ ...trust, server: b.trust().server }, GUN);
        if (version >= from) await reading;
        else await failsWith(reading, "trust-invalid", "root");
      }
    });
  }
});

Deno.test("move: signing and rotating go on at the new place, and moving again changes nothing", async () => {
  const { a, b, store, options } = await begin();
  await moveRepository(options);
  const calls = recordPosts(b);
  const again = await moveRepository(options);
  assert.deepEqual([again.outcome, calls], ["unchanged", []]);
  const task = a.task(GUN, ["v3"]);
  await signTags([{ ...task, trust: { ...b.trust(), store } }], { ...a.options, attempts: 1 });
  for (const role of ["snapshot", "timestamp"] as const) {
    await rotateKey({ ...b.trust(), store }, a.keys, { gun: GUN, role });
  }
  assert.deepEqual((await listTags(b.trust(), GUN)).tags.map(({ tag }) => tag), ["v1", "v2", "v3"]);
  // From here on the old place is history.
  await failsWith(moveRepository(options), "exists", "has been moved before, and has gone on since");
  await failsWith(moveRepository({ ...options, to: b.trust() }), "exists", "differs in targets/releases");
});

Deno.test("move: what was begun is gone on with, wherever it was broken off", async () => {
  const { a, store, options } = await begin();
  let calls = 0;
  const counting = await FlowWorld.begin();
  counting.between = (request, send) => {
    calls++;
    return send(request);
  };
  await moveRepository({ ...options, to: { ...counting.trust(), store: createMemoryMetadataStore() } });
  assert.ok(calls > 20);
  // Some of the calls up to the second root, of the empty posts, and the last but one: the table of faults has them all.
  const moments = [2, 9, 15, 23, calls - 2];
  for (const when of moments) {
    const b = await FlowWorld.begin();
    let left = when;
    b.between = async (request, send) => {
      const isIt = left-- === 0;
      const response = await send(request); // the server has done it, and nobody is told
      if (isIt) throw new TagsealError("interrupted", "Interrupted", { remedy: "Run it again" });
      return response;
    };
    const mine = { ...options, to: { ...b.trust(), store: createMemoryMetadataStore() } };
    const failure = await moveRepository(mine).then(() => undefined, (error: unknown) => error);
    if (failure === undefined) continue; // what is asked for by the way may fail
    assert.ok(isTagsealError(failure));
    const isThere = await b.trust().server.read(GUN, "root") !== undefined;
    if (isThere) assert.equal(failure.published, "maybe", failure.message);
    const result = await moveRepository(mine);
    assert.equal(result.clients.kind, "go-on");
    assert.deepEqual(versions(result.after).slice(0, 2), [3, 1]);
    const warm = createMemoryMetadataStore();
    await warm.write(GUN, await store.read(GUN));
    assert.equal((await tagsAt({ ...b.trust(), store: warm })).length, 2);
  }
  assert.equal((await openRepository(a.trust(), GUN)).repository.root.version, 2);
});

Deno.test("move: another name gets a root of its own for the same key", async () => {
  const { a, b, options } = await begin();
  const moved = { ...options, toGun: NEW_GUN };
  const result = await moveRepository(moved);
  assert.deepEqual([result.outcome, result.clients], ["moved", { kind: "new-name" }]);
  assert.deepEqual(versions(result.after), [1, 1, 1, 1]);
  const [old, now] = [result.before, result.after].map(({ root }) => [...root.roles.root.keys.values()][0]!);
  assert.equal(now!.canonicalId, old!.canonicalId);
  assert.equal(now!.certificate!.commonName, NEW_GUN);
  const found = await tagsAt({ ...b.trust(), pin: { keyId: now!.canonicalId } }, NEW_GUN);
  assert.deepEqual(found, await tagsAt(a.trust()));
  assert.equal((await moveRepository(moved)).outcome, "unchanged");
  await failsWith(openRepository(b.trust(), GUN), "not-found", GUN);
});

Deno.test("move: from an export, when the old place is gone", async () => {
  const { a, b, store, options } = await begin();
  const about = { created: a.at.toISOString(), tool: "tests" };
  const [read] = await readExport(await writeExport([await exportRepository(a.trust(), GUN)], about));
  const from = { ...a.trust(), server: exportedServer(read!) };
  await signTags([{ ...a.task(GUN, ["v3"]), trust: { ...a.trust(), store } }], { ...a.options, attempts: 1 });
  // What this machine knows is newer than the export: that would take v3 away from everybody.
  await failsWith(moveRepository({ ...options, from }), "trust-invalid", "rollback");
  const result = await moveRepository({ ...options, from, to: b.trust() });
  assert.deepEqual([result.outcome, result.clients], ["moved", { kind: "go-on", fromRoot: 1 }]);
  assert.equal((await tagsAt(b.trust())).length, 2);
});

Deno.test("move: a server that refuses empty posts, or passes over them", async (t) => {
  for (const answer of [400, 405, 200]) {
    await t.step(`status ${answer}`, async () => {
      const { a, b, store, options } = await begin();
      await openRepository({ ...a.trust(), store }, GUN);
      b.between = async (request, send) => {
        const isEmpty = request.method === "POST" && !(await request.clone().text()).includes("filename");
        if (!isEmpty) return await send(request);
        const errors = [{ code: "MALFORMED_UPLOAD", message: "no files", detail: { Error: { Msg: "none" } } }];
        return answer === 200 ? new Response() : Response.json({ errors }, { status: answer });
      };
      const { clients, after } = await moveRepository(options);
      assert.deepEqual(clients, { kind: "delete-copies", fromRoot: 1 });
      assert.deepEqual(versions(after), [3, 1, 2, 2]);
      const warm = { ...a.trust(), store: createMemoryMetadataStore() };
      await openRepository(warm, GUN);
      const there = { ...b.trust(), store: warm.store };
      await failsWith(openRepository(there, GUN), "trust-invalid", "rollback");
      await warm.store.write(GUN, new Map([["timestamp", undefined], ["snapshot", undefined]]));
      assert.equal((await tagsAt(there)).length, 2);
      assert.equal((await tagsAt({ ...b.trust(), store })).length, 2, "this machine's copy has been put right");
    });
  }
});

Deno.test("move: what the runtime sends twice is no other's, and what another has published is", async (t) => {
  await t.step("twice", async () => {
    const { b, options } = await begin();
    b.between = async (request, send) => {
      const isRoot = request.method === "POST" && (await request.clone().text()).includes("filename");
      if (isRoot) await send(request.clone()); // nobody hears the first answer
      return await send(request);
    };
    assert.equal((await moveRepository(options)).clients.kind, "go-on");
  });
  await t.step("another", async () => {
    const { b, options } = await begin();
    let isFirst = true;
    let theirs: Bytes | undefined;
    b.between = async (request, send) => {
      if (request.method !== "POST" || !isFirst) return await send(request);
      isFirst = false;
      await moveRepository({ ...options, to: { ...b.trust(), store: createMemoryMetadataStore() } });
      theirs = await b.trust().server.read(GUN, "root");
      const errors = [{ code: "VERSION", message: "A newer version of metadata is already available." }];
      return Response.json({ errors }, { status: 400 });
    };
    const error = await failsWith(moveRepository(options), "stale", "Somebody else has published");
    assert.equal(error.published, undefined);
    assert.deepEqual(await b.trust().server.read(GUN, "root"), theirs);
  });
});

Deno.test("move: a server that answers that it took everything, and shows nothing, has not taken it", async () => {
  const { a, b, options } = await begin();
  b.between = (request, send) =>
    request.method === "POST" ? Promise.resolve(new Response("", { status: 200 })) : send(request);
  const error = await failsWith(moveRepository(options), "unavailable", "does not show it");
  assert.equal(error.published, "maybe");
  assert.match(error.remedy, /some minutes/);
  assert.deepEqual(await tagsAt(a.trust()), await tagsAt({ ...a.trust(), store: createMemoryMetadataStore() }));
  b.between = (request, send) => send(request);
  assert.equal((await moveRepository(options)).clients.kind, "go-on");
});

Deno.test("move: a server that is out of order is none that refuses", async () => {
  const { b, options } = await begin();
  let broken = true;
  b.between = async (request, send) => {
    const isEmpty = request.method === "POST" && !(await request.clone().text()).includes("filename");
    return broken && isEmpty ? new Response(null, { status: 503 }) : await send(request);
  };
  const error = await failsWith(moveRepository(options), "unavailable", "in part");
  assert.deepEqual([error.published, error.remedy.split(". ")[1]?.startsWith("Run the command again to go on")], [
    "maybe",
    true,
  ]);
  broken = false;
  assert.equal((await moveRepository(options)).clients.kind, "go-on");
});

Deno.test("move: nothing is posted where it cannot be done", async (t) => {
  const cases: Record<string, (move: Move) => Promise<[MoveOptions, string, string[]]>> = {
    "the name is taken": async ({ b, options }) => {
      await b.init(GUN);
      return [options, "exists", ["is not what a move of it has left"]];
    },
    "the root key is of somebody else": ({ options }) =>
      Promise.resolve([{ ...options, keys: new MemoryKeyStore() }, "not-found", ["root key"]]),
    "a delegation has expired": ({ a, b, options }) => {
      a.at = b.at = new Date("2029-06-20T00:00:00Z");
      return Promise.resolve([options, "trust-invalid", ["expired"]]);
    },
    "the old place is another one than this machine knows": async ({ options, store }) => {
      const other = await FlowWorld.begin();
      await other.init(GUN);
      await openRepository({ ...other.trust(), store }, GUN);
      return [options, "trust-invalid", ["root"]];
    },
    "the pin is another key": ({ options }) =>
      Promise.resolve([{ ...options, from: { ...options.from, pin: { keyId: "0".repeat(64) } } }, "trust-invalid", [
        "not the pinned one",
      ]]),
    "another name that this machine knows by another root": async ({ options, store }) => {
      const other = await FlowWorld.begin();
      await other.init(NEW_GUN);
      await openRepository({ ...other.trust(), store }, NEW_GUN);
      return [{ ...options, toGun: NEW_GUN }, "exists", ["another root"]];
    },
  };
  for (const [name, arrange] of Object.entries(cases)) {
    await t.step(name, async () => {
      const move = await begin([]);
      const [options, code, words] = await arrange(move);
      const calls = [recordPosts(move.a), recordPosts(move.b)];
      const opened = move.a.keys.opened;
      for (const act of [planMove, moveRepository]) await failsWith(act(options), code as never, ...words);
      assert.deepEqual(calls, [[], []]);
      assert.equal(move.a.keys.opened, opened, "nobody was asked for a passphrase");
    });
  }
});

Deno.test("move: what a server would refuse or break is refused before it is asked", async (t) => {
  const later = new Date(AT.getTime() + 86_400_000);
  const soon = new Date(AT.getTime() + 3_600_000).toISOString();
  const sealed = (file: Bytes) => {
    const { payload, signatures } = parseEnvelope("targets", file);
    return assembleFile(
      payload,
      signatures.map(({ keyId, bytes }) => ({ keyId, signature: { method: "ecdsa", bytes } })),
    );
  };
  const inForm = { targets: { sealed } };
  const releases = { keys: [KEYS.releases], tags: { v1: DIGEST }, sealed };
  const newline = (file: Bytes) => concat(sealed(file), utf8("\n"));
  const cases: Record<string, [Plan, "trust-invalid" | "bad-input", string[]]> = {
    "a delegation that others have signed": [
      { ...inForm, delegations: { "targets/releases": { ...releases, signers: [KEYS.stranger] } } },
      "trust-invalid",
      ['"targets/releases" of', "cannot be moved as it is", "is not signed by the keys"],
    ],
    "a delegation that has expired since it was exported": [
      { ...inForm, delegations: { "targets/releases": { ...releases, expires: soon } } },
      "trust-invalid",
      ['"targets/releases" of', "cannot be moved as it is: it expired on"],
    ],
    "targets in another form than servers write": [
      { targets: { sealed: newline } },
      "trust-invalid",
      ['"targets" of', "is not in the form that Notary servers write"],
    ],
    "a delegation in such a form": [
      { ...inForm, delegations: { "targets/releases": { ...releases, sealed: newline } } },
      "trust-invalid",
      ['"targets/releases" of', "is not in the form that Notary servers write"],
    ],
    "a root that two must sign": [
      {
        ...inForm,
        keys: { root: [KEYS.root, await certified(newKey())] },
        threshold: { root: 2 },
        delegations: { "targets/releases": releases },
      },
      "bad-input",
      ["needs 2 signatures"],
    ],
  };
  for (const [name, [plan, code, words]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const from = { ...trustIn(new MemoryTrustServer(await buildFiles(plan))), now: () => AT };
      const there = new MemoryTrustServer();
      const to = { ...trustIn(there), now: () => later };
      const options = { from, gun: BUILT, to, toGun: BUILT, keys: new MemoryKeyStore() };
      await failsWith(moveRepository(options), code, ...words);
      assert.deepEqual([there.reads, there.published], [[], []]);
    });
  }
});

function trustIn(server: MemoryTrustServer): Trust {
  return { server, store: createMemoryMetadataStore(), now: () => AT, sleep: () => Promise.resolve() };
}

Deno.test("move: a plan says what will be done, and does nothing", async () => {
  const { b, options } = await begin();
  const calls: string[] = [];
  b.between = (request, send) => {
    calls.push(`${request.method} ${new URL(request.url).pathname.replace(/.*\/tuf\//, "")}`);
    return send(request);
  };
  const plan = await planMove(options);
  assert.deepEqual([plan.rootVersions, plan.posts, plan.found.repository], [[2, 3], 16, undefined]);
  assert.deepEqual(calls.filter((call) => !/health/.test(call)), ["GET root.json"]);
});

Deno.test("move: a server that keeps other bytes than were posted is found out at the first post", async () => {
  const { b, options } = await begin();
  b.between = async (request, send) => {
    const response = await send(request);
    if (request.method !== "GET" || !/\/targets(\.[0-9a-f]{64})?\.json$/.test(request.url) || response.status !== 200) {
      return response;
    }
    const bytes: Bytes = await response.bytes();
    return new Response(new Blob([bytes, utf8("\n")]), { headers: response.headers });
  };
  const calls = await (async () => {
    const posts: string[] = [];
    const inner = b.between;
    b.between = (request, send) => {
      if (request.method === "POST") posts.push(request.url);
      return inner(request, send);
    };
    await failsWith(moveRepository(options), "trust-invalid", "targets", "in part");
    return posts;
  })();
  assert.equal(calls.length, 1);
});

Deno.test("move: what is published at the old place meanwhile is not lost in silence", async () => {
  const { a, b, options } = await begin();
  let posts = 0;
  b.between = async (request, send) => {
    if (request.method === "POST" && ++posts === 3) {
      await signTags([a.task(GUN, ["v9"])], { ...a.options, attempts: 1 });
    }
    return await send(request);
  };
  const error = await failsWith(moveRepository(options), "stale", "at its old place while it was moved");
  assert.equal(error.published, "yes");
});

Deno.test("move: what was taken back can be moved anew, also by whoever has seen the first move", async () => {
  const { b, store, options } = await begin();
  const first = await moveRepository(options);
  await b.trust().server.remove!(GUN);
  const second = await moveRepository(options);
  assert.deepEqual(versions(first.after).slice(0, 1), [3]);
  assert.deepEqual(versions(second.after).slice(0, 1), [4]);
  assert.equal((await tagsAt({ ...b.trust(), store })).length, 2);
});
