/** `tagseal move` between real Notary servers: whoever knows the old one goes on at the new one, tag by tag, untouched. */
import assert from "node:assert/strict";
import {
  credentials,
  docker,
  type Env,
  notary,
  NOTARY_PASSPHRASES,
  type PushedManifest,
  pushImage,
  type Result,
} from "../support/clients.ts";
import { type ListedTag, newKey, notaryList, NotaryOwner } from "../support/notary_owner.ts";
import type { Need } from "../support/peer_case.ts";
import type { Peers } from "../support/peers.ts";
import { type Outcome, tagseal } from "../support/run.ts";
import { REAL, REAL_ON_POSTGRESQL, REAL_WITH_TOKENS, stackTest } from "../support/stacks.ts";

const CLIENTS: readonly Need[] = ["notary", "skopeo", "docker", "dockerd"];
const ROLES = ["targets/releases", "targets/alice"];

/** Two places for one name: the registry stays, the Notary server changes. */
interface Places {
  readonly a: Peers;
  /** The same registry and engine, and the other Notary server. */
  readonly b: Peers;
  readonly caPath: string;
}

/** A repository of the notary client, with two tags in two delegations. */
interface Owned {
  readonly gun: string;
  readonly owner: NotaryOwner;
  readonly image: PushedManifest;
}

for (const stack of [REAL, REAL_ON_POSTGRESQL]) {
  stackTest(stack, "move", CLIENTS, async (t) => {
    await using a = await REAL.start({ engine: true });
    await using other = await stack.start(); // what is written at once, it writes
    const caPath = `${a.dir}/cas.pem`;
    await Deno.writeTextFile(caPath, a.caPem + other.caPem);
    const b = { ...a, notaryUrl: other.notaryUrl, caPath: other.caPath, caPem: other.caPem };
    const places = { a, b, caPath };
    await t.step("warm and fresh clients of all kinds see the same before and after", () => goesOn(places));
    if (stack !== REAL) return; // how it keeps it is no matter of what is asked of it
    await t.step("what was moved can be taken back with the call that is told, and moved anew", () => undoes(places));
    await t.step("under another name everybody meets it anew", () => renames(places));
    await t.step(
      "an export moves as its server does, and what stands there already is left alone",
      () => comesFromExport(places),
    );
  });
}

stackTest(REAL_ON_POSTGRESQL, "a repository without delegations is set up, read and gets one", ["notary"], async () => {
  await using a = await REAL_ON_POSTGRESQL.start();
  const owner = new NotaryOwner(a, `${a.dir}/owner`, `${a.registryHost}/bare/app`);
  await Deno.mkdir(owner.home);
  const { certificate } = await newKey(owner.home, "signer");
  const run = (...args: string[]) =>
    tagseal([...args, "-r", owner.gun, "--notary-url", a.notaryUrl, "--ca", a.caPath], environment(owner));
  const commands = [["init"], ["list"], ["add-delegation", "--delegation-certificate", certificate], ["status"]];
  for (const command of commands) {
    const { code, stderr } = await run(...command);
    assert.equal(code, 0, stderr);
  }
});

stackTest(REAL_WITH_TOKENS, "move, each place with a user of its own", ["notary", "skopeo"], async () => {
  await using a = await REAL_WITH_TOKENS.start();
  await using other = await REAL_WITH_TOKENS.start();
  const caPath = `${a.dir}/cas.pem`;
  await Deno.writeTextFile(caPath, a.caPem + other.caPem);
  const b = { ...a, notaryUrl: other.notaryUrl, caPath: other.caPath, caPem: other.caPem };
  const places = { a, b, caPath };
  const { gun, owner } = await repository(places, "team/app");
  const before = await tags(a, `${a.dir}/warm`, gun);
  const args = [
    ...moveArgs(places, owner, gun),
    "--to-notary-username",
    b.username,
    "--to-notary-password",
    "env:THERE",
  ];
  const { env, cwd } = environment(owner);
  const variables = { ...env, NOTARY_AUTH: credentials(a), THERE: b.password };
  const stranger = await tagseal(args, { env: { ...variables, THERE: "wrong" }, cwd });
  assert.equal(stranger.code, 4, stranger.stderr);
  const { code, stderr } = await tagseal(args, { env: variables, cwd });
  assert.equal(code, 0, stderr);
  assert.deepEqual(await tags(b, `${a.dir}/warm`, gun), before);
});

async function goesOn(places: Places): Promise<void> {
  const { a, b } = places;
  const older = `${a.dir}/older`;
  const { gun, owner, image } = await repository(places, "team/app", (gun) => notaryList(a, older, gun));
  await pushImage(a, "team/app", "unsigned", "three");
  const [warm, warmDocker] = [`${a.dir}/warm`, `${a.dir}/warm-docker`];
  const trusted: Env = { DOCKER_CONTENT_TRUST: "1" };
  const before = await tags(a, warm, gun);
  const inspected = await inspect(a, warmDocker, gun);
  assert.deepEqual(before.map(({ tag, role }) => [role, tag]), ROLES.flatMap((role) => [[role, "v1"], [role, "v2"]]));
  await succeeds(docker(a, warmDocker, ["pull", `${gun}:v1`], trusted));
  const ours = (server: Peers, ...args: string[]) => run(places, `${a.dir}/consumer`, args, server);
  await ours(a, "verify", "-r", gun, "-t", "v1,v2");
  const files = await served(a, gun);

  const { clients, clientsFromRoot, tags: proved } = (await move(places, owner, gun)).json<
    { clients: string; clientsFromRoot: number; tags: (ListedTag & { digest: string })[] }
  >();
  assert.deepEqual([clients, clientsFromRoot], ["go-on", 1]);
  const rows = ({ tag, role, length }: ListedTag, digest: string) => [role, tag, length, digest];
  assert.deepEqual(
    proved.map((tag) => rows(tag, tag.digest.slice(7))).sort(),
    before.map((tag) => rows(tag, tag.sha256)).sort(),
  );
  assert.deepEqual(await served(a, gun), files, "the old place is as it was");
  const moved = await served(b, gun);
  for (const role of ["targets", ...ROLES]) assert.equal(moved[role], files[role], `${role} is byte for byte the same`);

  for (const home of [warm, `${a.dir}/fresh`, older]) assert.deepEqual(await tags(b, home, gun), before, home);
  for (const home of [warmDocker, `${a.dir}/fresh-docker`]) {
    assert.deepEqual(withoutKeysOfServer(await inspect(b, home, gun)), withoutKeysOfServer(inspected));
    const pulled = await succeeds(docker(b, home, ["pull", `${gun}:v1`], trusted));
    assert.ok(pulled.stdout.includes(image.digest), pulled.stdout);
    const refused = await docker(b, home, ["pull", `${gun}:unsigned`], trusted);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr + refused.stdout, /No valid trust data for unsigned/);
  }
  await ours(b, "verify", "-r", gun, "-t", "v1,v2");

  // A signer who knows the old place publishes at the new one, and its keys can be rotated.
  const there = new NotaryOwner(b, owner.home, gun);
  await there.sign({ tag: "v3", sha256: image.digest.slice(7), length: image.length }, ROLES);
  await there.rotate("snapshot", "-r");
  await there.sign({ tag: "v4", sha256: image.digest.slice(7), length: image.length }, ROLES);
  assert.equal((await tags(b, warm, gun)).length, before.length + 4);
  await ours(b, "verify", "-r", gun, "-t", "v4");
  const back = await notary(a, warm, ["list", gun]);
  assert.notEqual(back.code, 0, "whoever has seen the new place does not go back");
}

async function undoes(places: Places): Promise<void> {
  const { a, b } = places;
  const { gun, owner } = await repository(places, "undo/app");
  const warm = `${a.dir}/undo-warm`;
  const before = await tags(a, warm, gun);
  const { undo } = (await move(places, owner, gun)).json<{ undo: { command: string } }>();
  const [program, flag, url, ...words] = undo.command.split(" ");
  assert.deepEqual([program, flag, url], ["notary", "-s", b.notaryUrl]);
  await succeeds(notary(b, `${a.dir}/undo-operator`, words));
  assert.equal((await served(b, gun))["root"], undefined);
  assert.deepEqual(await tags(a, warm, gun), before, "nobody has read there, so all go on at the old place");
  await move(places, owner, gun);
  for (const home of [warm, `${a.dir}/undo-fresh`]) assert.deepEqual(await tags(b, home, gun), before);
}

async function renames(places: Places): Promise<void> {
  const { a, b } = places;
  const { gun, owner } = await repository(places, "old/name");
  const name = `${a.registryHost}/new/name`;
  const known = `${a.dir}/name-known`;
  const before = await tags(a, known, gun);
  const moved = (await move(places, owner, gun, "--to-repository", name)).json<{ clients: string }>();
  assert.equal(moved.clients, "new-name");
  for (const home of [known, `${a.dir}/name-fresh`]) assert.deepEqual(await tags(b, home, name), before);
  const inspected = await inspect(b, `${a.dir}/name-docker`, name);
  assert.deepEqual(inspected.SignedTags.map(({ SignedTag, Signers }) => [SignedTag, Signers]), [
    ["v1", ["alice"]],
    ["v2", ["alice"]],
  ]);
}

async function comesFromExport(places: Places): Promise<void> {
  const { a, b } = places;
  const { gun, owner } = await repository(places, "exported/app");
  const warm = `${a.dir}/export-warm`;
  const before = await tags(a, warm, gun);
  await run(places, owner.home, ["export", "-r", gun, "--output-artifact-path", `${a.dir}/trust.zip`], a);
  const elsewhere = { ...places, a: { ...a, notaryUrl: "https://localhost:1" } };
  await move(elsewhere, owner, gun, "--from", `${a.dir}/trust.zip`);
  assert.deepEqual(await tags(b, warm, gun), before);

  const taken = await repository(places, "taken/app");
  const squatter = new NotaryOwner(b, `${a.dir}/squatter`, taken.gun);
  await squatter.init();
  const files = await served(b, taken.gun);
  const refused = await tagseal(moveArgs(places, taken.owner, taken.gun), environment(taken.owner));
  assert.equal(refused.code, 6, refused.stderr);
  assert.match(refused.stderr, /is not what a move of it has left/);
  assert.deepEqual(await served(b, taken.gun), files);
}

/** A repository at A; `early` is done while its root has version 1. */
async function repository(
  { a }: Places,
  path: string,
  early: (gun: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<Owned> {
  const gun = `${a.registryHost}/${path}`;
  const owner = new NotaryOwner(a, `${a.dir}/${path.replace("/", "-")}`, gun);
  await owner.init();
  await early(gun);
  await owner.rotate("snapshot", "-r");
  for (const role of ROLES) await owner.delegate(role, await newKey(owner.home, role.replace("/", "-")));
  const image = await pushImage(a, path, "v1", "one");
  for (const tag of ["v1", "v2"]) {
    await owner.sign({ tag, sha256: image.digest.slice(7), length: image.length }, ROLES);
  }
  return { gun, owner, image };
}

function moveArgs({ a, b, caPath }: Places, owner: NotaryOwner, gun: string): string[] {
  const url = ["--notary-url", a.notaryUrl, "--to-notary-url", b.notaryUrl];
  return ["move", "-r", gun, ...url, "--ca", caPath, "--trust-dir", `${owner.home}/trust`];
}

function environment({ home }: NotaryOwner): { env: Env; cwd: string } {
  return { env: { HOME: home, ...NOTARY_PASSPHRASES }, cwd: home };
}

async function move(places: Places, owner: NotaryOwner, gun: string, ...more: string[]): Promise<Outcome> {
  const outcome = await tagseal([...moveArgs(places, owner, gun), ...more, "--json"], environment(owner));
  assert.equal(outcome.code, 0, outcome.stderr);
  return outcome;
}

async function run({ caPath }: Places, home: string, args: readonly string[], server: Peers): Promise<void> {
  await Deno.mkdir(home, { recursive: true });
  const all = [...args, "--notary-url", server.notaryUrl, "--ca", caPath, "--trust-dir", `${home}/trust`];
  const { code, stderr } = await tagseal(all, { env: { HOME: home }, cwd: home });
  assert.equal(code, 0, stderr);
}

/** Every tag of both delegations, as the notary client lists them. */
async function tags(server: Peers, home: string, gun: string): Promise<ListedTag[]> {
  const lists = [];
  for (const role of ROLES) lists.push(await notaryList(server, home, gun, [role]));
  return lists.flat();
}

interface Inspected {
  readonly SignedTags: { readonly SignedTag: string; readonly Digest: string; readonly Signers: string[] }[];
  readonly Signers: unknown;
  readonly AdministrativeKeys: unknown;
}

async function inspect(server: Peers, home: string, gun: string): Promise<Inspected> {
  return JSON.parse((await succeeds(docker(server, home, ["trust", "inspect", gun]))).stdout)[0];
}

/** Docker shows root and targets keys as administrative ones; the server's do not show. */
function withoutKeysOfServer({ SignedTags, Signers, AdministrativeKeys }: Inspected): unknown {
  return { SignedTags, Signers, AdministrativeKeys };
}

/** What a server shows of a repository. */
async function served({ notaryUrl, caPem }: Peers, gun: string): Promise<Record<string, string | undefined>> {
  using client = Deno.createHttpClient({ caCerts: [caPem] });
  const files: Record<string, string | undefined> = {};
  for (const role of ["root", "targets", "snapshot", "timestamp", ...ROLES]) {
    const response = await fetch(`${notaryUrl}/v2/${gun}/_trust/tuf/${role}.json`, { client });
    const text = await response.text();
    files[role] = response.status === 200 ? text : undefined;
  }
  return files;
}

async function succeeds(running: Promise<Result>): Promise<Result> {
  const result = await running;
  assert.equal(result.code, 0, result.stderr + result.stdout);
  return result;
}
