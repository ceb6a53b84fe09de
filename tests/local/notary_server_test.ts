import assert from "node:assert/strict";
import { type Bytes, text, utf8 } from "../../lib/bytes/bytes.ts";
import type { JsonObject } from "../../lib/bytes/json.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { authorize } from "../../lib/http/auth.ts";
import { createLocalCa, createSigningCertificate, LOOPBACK_NAMES } from "../../lib/local/certificates.ts";
import { createNotaryServer, type NotaryServerOptions } from "../../lib/local/notary_server.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { publishChange } from "../../lib/notary/publish.ts";
import { createTrustServer, type TrustServer } from "../../lib/notary/trust_server.ts";
import { readRepository } from "../../lib/notary/update.ts";
import { emptyTargets, nextTargets, withDelegationKey, withTargets } from "../../lib/tuf/edit.ts";
import { parseEnvelope } from "../../lib/tuf/parse.ts";
import { RELEASES, type RoleName } from "../../lib/tuf/roles.ts";
import type { TrustedRepository } from "../../lib/tuf/trusted.ts";
import { peerTest } from "../support/peer_case.ts";
import {
  buildRepository,
  type BuiltRepository,
  certifiedKey,
  plainKey,
  type RoleKey,
  signFile,
} from "../support/repository.ts";

const GUN = "localhost:5000/team/app";
const START = new Date("2026-03-01T12:00:00Z");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DIGEST = "ab".repeat(32);

type Files = Iterable<readonly [string, Bytes]>;
type Handler = ReturnType<typeof createNotaryServer>;

/** A server with a clock to turn, tagseal's own client of it, and a repository that is not published yet. */
async function setup(options: Partial<NotaryServerOptions> = {}) {
  const clock = { at: START };
  const handler = createNotaryServer({ now: () => clock.at, ...options });
  const server = trustServer(handler);
  const managed = {
    snapshot: await server.managedKey(GUN, "snapshot"),
    timestamp: await server.managedKey(GUN, "timestamp"),
  };
  const built = await buildRepository({ gun: GUN, now: START, delegations: [RELEASES], managed });
  const store = createMemoryMetadataStore();
  const read = async () => (await readRepository({ server, gun: GUN, at: clock.at, store })).repository;
  return { clock, handler, server, built, managed, read };
}

async function published() {
  const all = await setup();
  await all.server.publish(GUN, all.built.files);
  return all;
}

function trustServer(handler: Handler): TrustServer {
  const remedy = "Use the right password";
  const service = authorize(handler.handle, { service: "Notary server", allowHttp: false, remedy });
  return createTrustServer({ url: new URL("https://localhost:1"), service, access: "push,pull" });
}

function ask(handler: Handler, method: string, path: string, body?: BodyInit, headers: HeadersInit = {}) {
  const init = { method, headers, ...(body === undefined ? {} : { body }) };
  return handler.handle(new Request(`https://localhost:1${path}`, init));
}

function post(handler: Handler, files: Files, gun = GUN) {
  const form = new FormData();
  for (const [role, bytes] of files) form.append("files", new Blob([bytes]), role);
  return ask(handler, "POST", `/v2/${gun}/_trust/tuf/`, form);
}

/** Status, code and detail of an error answer. */
async function refusal(answer: Promise<Response>): Promise<[number, string, unknown]> {
  const response = await answer;
  const body = await response.text();
  assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8", body);
  const [error, ...more] = JSON.parse(body).errors;
  assert.equal(more.length, 0);
  assert.notEqual(error.message, "");
  return [response.status, error.code, error.detail];
}

function invalidUpdate(name: string, message: string): [number, string, unknown] {
  return [400, "INVALID_UPDATE", { Name: name, Error: { Msg: message } }];
}

const keyOf = (built: BuiltRepository, role: RoleName) => built.signers.get(role)!;
const signedOf = (built: BuiltRepository, role: RoleName) => parseEnvelope(role, built.files.get(role)!).signed;

/** `role` (targets of `built`, or a first delegation) with a tag, as `version`. */
function tagged(built: BuiltRepository, role: "targets" | typeof RELEASES, version: number, tag: string) {
  const before = role === "targets" ? signedOf(built, role) : emptyTargets(START);
  const signed = withTargets(before, new Map([[tag, { length: 7, sha256: DIGEST }]]));
  return signFile(nextTargets(signed, version, START), keyOf(built, role));
}

/** The next version of a root, with one role's key replaced. */
function withRootKey(root: JsonObject, role: string, { key }: RoleKey): JsonObject {
  const roles = { ...root["roles"] as JsonObject, [role]: { keyids: [key.id], threshold: 1 } };
  const keys = { ...root["keys"] as JsonObject, [key.id]: key.json };
  return { ...root, keys, roles, version: root["version"] as number + 1 };
}

Deno.test("a new repository is read back by tagseal's own client", async () => {
  const { server, built, managed, read } = await setup();
  assert.equal(await server.read(GUN, "root"), undefined);
  assert.notEqual(managed.snapshot.id, managed.timestamp.id);
  await server.publish(GUN, built.files);
  const { root, targets, snapshot, timestamp, delegations } = await read();
  assert.deepEqual([root, targets, snapshot, timestamp].map(({ version }) => version), [1, 1, 1, 1]);
  assert.deepEqual([...snapshot.meta.keys()].sort(), ["root", "targets"]);
  assert.deepEqual([...snapshot.meta.get("root")!.hashes.keys()], ["sha256", "sha512"]);
  assert.equal(timestamp.expiresText, "2026-03-15T12:00:00Z");
  assert.equal(snapshot.expiresText, "2029-02-28T12:00:00Z");
  assert.equal(delegations.get(RELEASES)?.kind, "unpublished");
  assert.equal((await server.managedKey(GUN, "timestamp")).id, managed.timestamp.id);
});

Deno.test("a delegation is published on its own, and together with the targets that first list it", async () => {
  const { server, built, read } = await published();
  await server.publish(GUN, new Map([[RELEASES, await tagged(built, RELEASES, 1, "v1")]]));
  const one = await read();
  const state = one.delegations.get(RELEASES);
  assert.equal(state?.kind === "trusted" && state.file.targets.get("v1")?.sha256, DIGEST);
  assert.deepEqual([one.targets, one.snapshot, one.timestamp].map(({ version }) => version), [1, 2, 2]);

  const dev = await certifiedKey("dev", START);
  const listed = withDelegationKey(signedOf(built, "targets"), "targets/dev", dev.key, [""]);
  const below = await certifiedKey("below", START);
  const devFile = withDelegationKey(emptyTargets(START), "targets/dev/below", below.key, [""]);
  await server.publish(
    GUN,
    new Map([
      ["targets/dev/below", await signFile(emptyTargets(START), below)],
      ["targets/dev", await signFile(devFile, dev)],
      ["targets", await signFile(nextTargets(listed, 2, START), keyOf(built, "targets"))],
    ]),
  );
  const { snapshot, delegations } = await read();
  const names = ["root", "targets", RELEASES, "targets/dev", "targets/dev/below"];
  assert.deepEqual([...snapshot.meta.keys()].sort(), names.sort());
  assert.equal(delegations.get("targets/dev/below")?.kind, "trusted");
});

Deno.test("a version that is there already takes the whole post down with it", async () => {
  const { server, handler, built, read } = await published();
  const targets = built.files.get("targets")!;
  const update = new Map([["targets" as const, targets], [RELEASES, await tagged(built, RELEASES, 1, "v1")]]);
  assert.deepEqual(await refusal(post(handler, update)), [400, "VERSION", {}]);
  await assert.rejects(server.publish(GUN, update), { code: "stale" });
  assert.equal(await server.read(GUN, RELEASES), undefined);
  assert.equal((await read()).timestamp.version, 1);

  await server.publish(GUN, new Map([["targets", await tagged(built, "targets", 9, "v1")]])); // numbers may be skipped
  for (const version of [9, 5]) {
    const answer = post(handler, [["targets", await tagged(built, "targets", version, "v2")]]);
    assert.deepEqual(await refusal(answer), [400, "VERSION", {}]);
  }
  assert.deepEqual([...(await read()).targets.targets.keys()], ["v1"]);
});

Deno.test("two publishers at once: both changes land", async () => {
  const { server, built, read } = await published();
  const publish = (tag: string) =>
    publishChange({ server, gun: GUN, read, attempts: 5, now: () => new Date(), sleep: () => Promise.resolve() }, {
      make: async ({ targets }: TrustedRepository) => {
        const tags = new Map([[tag, { length: 7, sha256: DIGEST }]]);
        const signed = nextTargets(withTargets(targets.envelope.signed, tags), targets.version + 1, START);
        return new Map([["targets" as const, await signFile(signed, keyOf(built, "targets"))]]);
      },
      isThere: ({ targets }) => targets.targets.has(tag),
    });
  const results = await Promise.all([publish("v1"), publish("v2"), publish("v3")]);
  assert.deepEqual(results.map(({ outcome }) => outcome), ["published", "published", "published"]);
  const { targets, snapshot } = await read();
  assert.deepEqual([...targets.targets.keys()].sort(), ["v1", "v2", "v3"]);
  assert.deepEqual([targets.version, snapshot.version], [4, 4]);
});

Deno.test("a root rotation is signed by the old key and the new", async () => {
  const { server, handler, built, read } = await published();
  const first = await read();
  const old = keyOf(built, "root"), fresh = await certifiedKey(GUN, START);
  const second = withRootKey(signedOf(built, "root"), "root", fresh);
  const unsigned = (whose: string) =>
    `The trust data of "root" is not signed by ${whose}: 0 of 1 needed signatures are good`;
  const refused: [string, JsonObject, RoleKey[], string][] = [
    ["by the new one only", second, [fresh], unsigned("the keys of the current root")],
    ["by the old one only", second, [old], unsigned("its own keys")],
    [
      "two versions ahead",
      { ...second, version: 3 },
      [old, fresh],
      "Root modifications must increment the version. Current 1, new 3",
    ],
    [
      "expired",
      { ...second, expires: "2026-03-01T12:00:00Z" },
      [old, fresh],
      "root expired at 2026-03-01T12:00:00Z",
    ],
  ];
  for (const [name, signed, keys, message] of refused) {
    const answer = await refusal(post(handler, [["root", await signFile(signed, ...keys)]]));
    assert.deepEqual(answer, invalidUpdate("ErrBadRoot", message), name);
  }
  const again = await signFile({ ...second, version: 1 }, old, fresh);
  assert.deepEqual(await refusal(post(handler, [["root", again]])), [400, "VERSION", {}]);
  assert.equal((await read()).timestamp.version, 1);

  await server.publish(GUN, new Map([["root", await signFile(second, old, fresh)]]));
  const third = { ...second, version: 3 };
  await server.publish(GUN, new Map([["root", await signFile(third, fresh)]]));
  const after = await read(); // walks from version 1 over version 2
  assert.deepEqual([after.root.version, after.snapshot.version, after.timestamp.version], [3, 3, 3]);
  assert.deepEqual(await server.read(GUN, "1.root"), first.root.envelope.bytes);
});

Deno.test("rotated keys of the server count once a root names them", async () => {
  const { server, handler, built, managed, read } = await published();
  const rotated = await ask(handler, "POST", `/v2/${GUN}/_trust/tuf/snapshot.key`);
  const json = await rotated.json();
  assert.deepEqual([rotated.status, json.keytype, json.keyval.private], [200, "ecdsa", null]);
  assert.equal((await server.managedKey(GUN, "snapshot")).id, managed.snapshot.id);
  const id = sha256Hex(utf8(`{"keytype":"ecdsa","keyval":{"private":null,"public":"${json.keyval.public}"}}`));
  const key = { key: { ...managed.snapshot, id, json } } as RoleKey;
  const root = withRootKey(signedOf(built, "root"), "snapshot", key);
  await server.publish(GUN, new Map([["root", await signFile(root, keyOf(built, "root"))]]));
  assert.equal((await server.managedKey(GUN, "snapshot")).id, id);
  assert.deepEqual((await read()).snapshot.envelope.signatures.map(({ keyId }) => keyId), [id]);
});

Deno.test("a client may sign the snapshot itself", async () => {
  const { server, handler, managed, read } = await setup();
  const built = await buildRepository({ gun: GUN, now: START, managed: { timestamp: managed.timestamp } });
  const [root, targets, snapshot] = (["root", "targets", "snapshot"] as const).map((role) =>
    [role, built.files.get(role)!] as const
  );
  const missing = "no snapshot was included in update and server does not hold current snapshot key for repository";
  assert.deepEqual(await refusal(post(handler, [root!, targets!])), [400, "INVALID_UPDATE", {
    Name: "ErrBadHierarchy",
    Error: { Missing: "snapshot", Msg: missing },
  }]);
  const other = ["targets", await tagged(built, "targets", 2, "v1")] as const;
  assert.deepEqual(
    await refusal(post(handler, [root!, other, snapshot!])),
    invalidUpdate("ErrBadSnapshot", "the snapshot does not name targets as it is"),
  );
  const forged = ["snapshot", await signFile(signedOf(built, "snapshot"), plainKey())] as const;
  assert.deepEqual(
    await refusal(post(handler, [root!, targets!, forged])),
    invalidUpdate(
      "ErrBadSnapshot",
      'The trust data of "snapshot" is not signed by the key that root names: 0 of 1 needed signatures are good',
    ),
  );
  const meta = signedOf(built, "snapshot")["meta"] as JsonObject;
  const more = { ...signedOf(built, "snapshot"), meta: { ...meta, "targets/gone": meta["root"]! } };
  assert.deepEqual(
    await refusal(post(handler, [root!, targets!, ["snapshot", await signFile(more, keyOf(built, "snapshot"))]])),
    invalidUpdate("ErrBadSnapshot", "the snapshot does not name targets/gone as it is"),
  );
  await server.publish(GUN, built.files);
  assert.deepEqual((await read()).snapshot.envelope.bytes, built.files.get("snapshot"));
});

Deno.test("what is not signed as it must be is refused", async () => {
  const { handler, built } = await setup();
  const root = built.files.get("root")!, targets = built.files.get("targets")!;
  const unsigned = (role: string, whose = `the keys of "${role}"`) =>
    `The trust data of "${role}" is not signed by ${whose}: 0 of 1 needed signatures are good`;
  const foreign = await buildRepository({ gun: GUN, now: START });
  const noRoot = "no pre-existing root and no root provided in update.";
  const before: [string, Files, [number, string, unknown]][] = [
    ["nothing", [], invalidUpdate("ErrValidation", noRoot)],
    ["no root", [["targets", targets]], invalidUpdate("ErrValidation", noRoot)],
    ["no targets", [["root", root]], invalidUpdate("ErrValidation", "targets must be loaded first")],
    [
      "another repository's targets",
      [["root", root], ["targets", foreign.files.get("targets")!]],
      invalidUpdate("ErrBadTargets", unsigned("targets")),
    ],
    [
      "a timestamp key that the server lacks",
      foreign.files,
      invalidUpdate("ErrBadRoot", "no timestamp keys exist on the server"),
    ],
  ];
  for (const [name, files, expected] of before) assert.deepEqual(await refusal(post(handler, files)), expected, name);
  const elsewhere = await refusal(post(handler, built.files, "localhost:5000/team/other"));
  assert.match(JSON.stringify(elsewhere), /"ErrBadRoot".*has no usable certificate: a certificate is for/);

  assert.equal((await post(handler, built.files)).status, 200);
  const first = signedOf(built, "targets");
  const expired = { ...emptyTargets(START), expires: "2026-03-01T12:00:00Z" };
  const twice = text(await tagged(built, "targets", 2, "v1")).replace('"version":2', '"version":2,"version":2');
  const after: [string, Files, [number, string, unknown]][] = [
    [
      "a delegation that is not listed",
      [["targets/other", await signFile(emptyTargets(START), keyOf(built, RELEASES))]],
      invalidUpdate("ErrBadTargets", "tuf: invalid role targets/other. delegation does not exist"),
    ],
    [
      "a delegation by another role's key",
      [[RELEASES, await signFile(emptyTargets(START), keyOf(built, "targets"))]],
      invalidUpdate("ErrBadTargets", unsigned(RELEASES)),
    ],
    [
      "an expired delegation",
      [[RELEASES, await signFile(expired, keyOf(built, RELEASES))]],
      invalidUpdate("ErrBadTargets", `${RELEASES} expired at 2026-03-01T12:00:00Z`),
    ],
    [
      "a changed file",
      [["targets", utf8(text(await tagged(built, "targets", 2, "v1")).replace("v1", "v2"))]],
      invalidUpdate("ErrBadTargets", unsigned("targets")),
    ],
    [
      "version 0",
      [["targets", await signFile({ ...first, version: 0 }, keyOf(built, "targets"))]],
      invalidUpdate(
        "ErrBadTargets",
        'The trust data of "targets" is malformed: signed.version: an integer from 1 is needed',
      ),
    ],
  ];
  for (const [name, files, expected] of after) assert.deepEqual(await refusal(post(handler, files)), expected, name);
  const [status, code, detail] = await refusal(post(handler, [["targets", utf8(twice)]]));
  assert.deepEqual([status, code], [400, "MALFORMED_JSON"]);
  assert.match(String(detail), /the member "version" stands there twice/);
});

Deno.test("a stored parent counts only while the keys of now have signed it", async () => {
  const { server, handler, built } = await published();
  const root = withRootKey(signedOf(built, "root"), "targets", plainKey());
  await server.publish(GUN, new Map([["root", await signFile(root, keyOf(built, "root"))]]));
  const message =
    'The trust data of "targets" is not signed by the keys of "targets": 0 of 1 needed signatures are good';
  const answer = await refusal(post(handler, [[RELEASES, await tagged(built, RELEASES, 1, "v1")]]));
  assert.deepEqual(answer, invalidUpdate("ErrBadTargets", message));
});

Deno.test("malformed and oversized uploads are refused", async () => {
  const { handler, built, server } = await setup();
  const path = `/v2/${GUN}/_trust/tuf/`;
  const malformed = [400, "MALFORMED_UPLOAD", undefined];
  assert.deepEqual(await refusal(ask(handler, "POST", path)), malformed);
  assert.deepEqual(await refusal(ask(handler, "POST", path, "{}")), malformed);
  const multipart = { "content-type": "multipart/form-data; boundary=x" };
  assert.deepEqual(await refusal(ask(handler, "POST", path, "--x\r\nhalf", multipart)), malformed);
  const field = new FormData();
  field.append("files", "no file");
  assert.deepEqual(await refusal(ask(handler, "POST", path, field)), [400, "NO_FILENAME", undefined]);
  for (const role of ["targets/", "targets/A", "targets/../root", "mirror", "../root", "targets//x"]) {
    const answer = await refusal(post(handler, [...built.files, [role, utf8("{}")]]));
    assert.deepEqual(answer, [400, "INVALID_ROLE", role]);
  }
  const many = Array.from({ length: 1001 }, (_, i) => [`targets/${i}`, utf8("{}")] as const);
  assert.deepEqual(await refusal(post(handler, many)), [413, "MALFORMED_UPLOAD", "more than 1000 parts"]);
  const zeros = new Uint8Array(2 ** 20);
  let sent = 0;
  const endless = new ReadableStream({ pull: (controller) => (sent++, controller.enqueue(zeros)) });
  const tooLarge = [413, "MALFORMED_UPLOAD", "more than 134217728 bytes"];
  assert.deepEqual(await refusal(ask(handler, "POST", path, endless, multipart)), tooLarge);
  assert.ok(sent < 140, `${sent} MiB were taken`);
  assert.equal(await server.read(GUN, "root"), undefined);
});

Deno.test("files are found by role, by version and by hash, with their life in caches", async () => {
  const { handler, built, server } = await published();
  const old = [...built.files];
  await server.publish(GUN, new Map([["targets", await tagged(built, "targets", 2, "v1")]]));
  const current = "public, max-age=300, s-maxage=300, must-revalidate";
  const forGood = "public, max-age=2592000, s-maxage=2592000";
  const get = async (name: string, gun = GUN) => {
    const response = await ask(handler, "GET", `/v2/${gun}/_trust/tuf/${name}.json`);
    return { response, bytes: await response.bytes() };
  };
  for (const [role, bytes] of old) {
    for (const name of [`${role}.${sha256Hex(bytes)}`, `1.${role}`]) {
      const { response, bytes: served } = await get(name);
      assert.deepEqual([response.status, served], [200, bytes], name);
      assert.equal(response.headers.get("cache-control"), forGood);
      assert.equal(response.headers.get("last-modified"), "Sun, 01 Mar 2026 12:00:00 GMT");
    }
  }
  const newest = await get("targets");
  assert.equal(newest.response.headers.get("cache-control"), current);
  assert.equal(newest.response.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.match(text(newest.bytes), /"v1"/);
  assert.deepEqual((await get("targets", encodeURIComponent(GUN))).bytes, newest.bytes);

  const hash = sha256Hex(built.files.get("root")!);
  const nothing = (path: string, detail?: unknown, method = "GET") =>
    refusal(ask(handler, method, path)).then((answer) =>
      assert.deepEqual(answer, [404, "METADATA_NOT_FOUND", detail], path)
    );
  const tuf = `/v2/${GUN}/_trust/tuf`;
  for (const name of ["2.root", RELEASES, `targets.${hash}`, `root.${DIGEST}`, "0.root"]) {
    await nothing(`${tuf}/${name}.json`, {});
  }
  await nothing(`/v2/${GUN}/more/_trust/tuf/root.json`, {});
  for (const path of [`/`, `/v2`, `/v2/_trust/tuf/root.json`, `/v2/a%/_trust/tuf/root.json`]) await nothing(path);
  for (const rest of ["mirror.json", `1.root.${hash}.json`, "root.key", ""]) await nothing(`${tuf}/${rest}`);
  for (const name of ["targets/A", "targets/a.b", "1.targets/A"]) await nothing(`${tuf}/${name}.json`, {});
  await nothing(`/v2/a*b/_trust/tuf/root.json`);
  await nothing(`/v2/${"a".repeat(256)}/_trust/tuf/root.json`);
  await nothing(`${tuf}/root.json`, undefined, "PUT");
  for (const method of ["OPTIONS", "PATCH"]) {
    const { status, body } = await ask(handler, method, `${tuf}/root.json`);
    assert.deepEqual([status, body], [405, null]);
  }
});

Deno.test("a deleted repository is gone, its neighbours are not, and it can be set up anew", async () => {
  const { handler, server, built, read } = await published();
  assert.equal((await ask(handler, "DELETE", "/v2/localhost:5000/team/_trust/tuf/")).status, 200);
  assert.ok(await server.read(GUN, "root"));
  assert.equal((await ask(handler, "DELETE", `/v2/${GUN}/_trust/tuf/`)).status, 200);
  for (const name of ["root", "1.root", "timestamp", `root.${sha256Hex(built.files.get("root")!)}`]) {
    assert.equal(await server.read(GUN, name), undefined);
  }
  await server.publish(GUN, built.files);
  assert.equal((await read()).timestamp.version, 1);
});

Deno.test("what the server signs is renewed before it expires", async () => {
  const { clock, server, read } = await published();
  const first = (await read()).timestamp.envelope.bytes;
  clock.at = new Date(START.getTime() + 14 * DAY - HOUR - 1);
  assert.deepEqual(await server.read(GUN, "timestamp"), first);
  clock.at = new Date(START.getTime() + 14 * DAY - HOUR);
  const [a, b] = await Promise.all([server.read(GUN, "timestamp"), server.read(GUN, "timestamp")]);
  assert.deepEqual(a, b);
  const renewed = await read();
  assert.deepEqual([renewed.timestamp.version, renewed.snapshot.version], [2, 1]);
  assert.equal(renewed.timestamp.expiresText, "2026-03-29T11:00:00Z");

  clock.at = new Date(START.getTime() + 1095 * DAY - HOUR / 2);
  const both = await read();
  assert.deepEqual([both.timestamp.version, both.snapshot.version, both.targets.version], [3, 2, 1]);
  assert.equal(both.snapshot.expiresText, "2032-02-28T11:30:00Z");
});

Deno.test("every call but the health check asks for leave", async () => {
  const asked: string[] = [];
  const { handler } = await setup({
    authorize: (request, { repository, actions }) => {
      const path = new URL(request.url).pathname.split("/_trust/tuf/")[1] ?? "";
      asked.push(`${request.method} ${path} ${repository} ${actions}`);
      const allowed = request.method === "GET" && path.endsWith(".key");
      return allowed ? undefined : new Response(null, { status: 401, headers: { "www-authenticate": "Bearer" } });
    },
  });
  asked.length = 0;
  const tuf = `/v2/${GUN}/_trust/tuf/`;
  const calls = [["GET", "/v2/"], ["GET", `${tuf}1.root.json`], ["POST", `${tuf}timestamp.key`], ["DELETE", tuf]];
  for (const [method, path] of calls) {
    const response = await ask(handler, method!, path!);
    assert.deepEqual([response.status, response.headers.get("www-authenticate")], [401, "Bearer"]);
  }
  assert.equal((await post(handler, [["root", utf8("{}")]])).status, 401);
  assert.equal((await ask(handler, "GET", `${tuf}snapshot.key`)).status, 200);
  assert.deepEqual(asked, [
    "GET   pull",
    `GET 1.root.json ${GUN} pull`,
    `POST timestamp.key ${GUN} push,pull`,
    `DELETE  ${GUN} push,pull`,
    `POST  ${GUN} push,pull`,
    `GET snapshot.key ${GUN} push,pull`,
  ]);
  assert.deepEqual(await (await ask(handler, "GET", "/_notary_server/health")).json(), {});
  const open = createNotaryServer({ now: () => START });
  assert.equal(await (await ask(open, "GET", "/v2/")).text(), "{}");
});

peerTest("the notary client works with the embedded server", ["notary"], async () => {
  const dir = await Deno.makeTempDir();
  const ca = await createLocalCa(new Date(), "Embedded Notary server test");
  const { certPem, keyPem } = await ca.issue(LOOPBACK_NAMES);
  const { handle } = createNotaryServer({ now: () => new Date() });
  const tls = { hostname: "localhost", port: 0, cert: certPem, key: keyPem, onListen: () => {} };
  const http = Deno.serve(tls, handle);
  try {
    await Deno.writeTextFile(`${dir}/ca.crt`, ca.caPem);
    const notary = async (...args: string[]) => {
      const passphrases = ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"].map((role) => `NOTARY_${role}_PASSPHRASE`);
      const env = Object.fromEntries(passphrases.map((name) => [name, "a passphrase"]));
      const flags = ["-d", `${dir}/trust`, "-s", `https://localhost:${http.addr.port}`, "--tlscacert", `${dir}/ca.crt`];
      const command = new Deno.Command("notary", {
        args: [...flags, ...args],
        env: { ...env, HOME: dir },
        stdin: "null",
      });
      const { code, stdout, stderr } = await command.output();
      const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assert.equal(code, 0, `notary ${args.join(" ")}: ${output}`);
      return output;
    };
    const rows = async () =>
      (await notary("list", GUN)).split("\n").map((line) => line.trim().split(/\s+/)).filter((row) => row[1] === DIGEST)
        .map(([tag, , , role]) => `${tag} ${role}`).sort();
    const delegation = await createSigningCertificate({
      commonName: "delegation",
      algorithm: "rsa-2048",
      now: new Date(),
      days: 30,
    });
    await Deno.writeTextFile(`${dir}/d.crt`, delegation.certificatePem);
    await Deno.writeTextFile(`${dir}/d.key`, String(delegation.privateKey.export({ type: "pkcs8", format: "pem" })));

    await notary("init", "-p", GUN);
    await notary("key", "rotate", GUN, "snapshot", "-r");
    await notary("delegation", "add", "-p", GUN, RELEASES, `${dir}/d.crt`, "--all-paths");
    await notary("key", "import", `${dir}/d.key`, "--role", "delegation");
    await notary("addhash", "-p", GUN, "v1", "7", "--sha256", DIGEST);
    await notary("addhash", "-p", GUN, "v2", "7", "--sha256", DIGEST, "-r", RELEASES);
    assert.deepEqual(await rows(), ["v1 targets", `v2 ${RELEASES}`]);
    await notary("key", "rotate", GUN, "targets");
    await notary("key", "rotate", GUN, "root");
    await notary("key", "rotate", GUN, "timestamp", "-r");
    await notary("addhash", "-p", GUN, "v3", "7", "--sha256", DIGEST);
    await notary("remove", "-p", GUN, "v1");
    assert.deepEqual(await rows(), [`v2 ${RELEASES}`, "v3 targets"]);
    await notary("key", "rotate", GUN, "snapshot");
    await notary("addhash", "-p", GUN, "v4", "7", "--sha256", DIGEST);
    await notary("delegation", "remove", "-p", "-y", GUN, RELEASES);
    await Deno.remove(`${dir}/trust/tuf`, { recursive: true });
    assert.deepEqual(await rows(), ["v3 targets", "v4 targets"]);

    const { repository } = await readRepository({
      server: trustServer({ handle }),
      gun: GUN,
      at: new Date(),
      store: createMemoryMetadataStore(),
    });
    assert.deepEqual([...repository.targets.targets.keys()], ["v3", "v4"]);
    await notary("delete", GUN, "--remote");
    assert.equal((await ask({ handle }, "GET", `/v2/${GUN}/_trust/tuf/root.json`)).status, 404);
  } finally {
    await http.shutdown();
    await Deno.remove(dir, { recursive: true });
  }
});
