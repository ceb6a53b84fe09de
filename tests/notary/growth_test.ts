/** Growth, counted and not timed: what is more in a repository, or done more often, costs no more requests and files. */
import assert from "node:assert/strict";
import { authorize, CALLS_AT_ONCE } from "../../lib/http/auth.ts";
import type { Send } from "../../lib/http/send.ts";
import { createFileMetadataStore } from "../../lib/notary/file_metadata_store.ts";
import { createTrustServer } from "../../lib/notary/trust_server.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { listTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import { FlowWorld } from "../support/flow_world.ts";
import { GUN } from "../support/trust_builder.ts";
import { verifications } from "../support/verifications.ts";

const REPOSITORY = "registry.test/acme/app";

/** A world with so many tags in a repository, and a count of the requests from then on. */
async function worldWith(tags: number) {
  const world = await FlowWorld.begin();
  await world.init(REPOSITORY);
  const names = Array.from({ length: tags }, (_, i) => `t${i}`);
  await signTags([world.task(REPOSITORY, names)], world.options);
  const counted = { requests: 0 };
  world.between = (request, send) => {
    counted.requests++;
    return send(request);
  };
  return { world, counted };
}

Deno.test("growth: ten times the tags cost no request more, for reading and for signing one more", async () => {
  const requests = await Promise.all([500, 5_000].map(async (tags) => {
    const { world, counted } = await worldWith(tags);
    assert.equal((await listTags(world.trust(), REPOSITORY)).tags.length, tags);
    const reading = counted.requests;
    const { repositories: [done] } = await signTags([world.task(REPOSITORY, ["one-more"])], world.options);
    assert.equal(done?.outcome, "published");
    return { reading, signing: counted.requests - reading };
  }));
  const [few, many] = requests as [(typeof requests)[0], (typeof requests)[0]];
  // Fewer even: a large role is not read back where the snapshot names its hash.
  assert.ok(many.reading <= few.reading && many.signing <= few.signing, JSON.stringify(requests));
  assert.ok(few.reading <= 6 && few.signing <= 18, JSON.stringify(requests));
});

/** How many signatures a client verifies during `work`: the server of this world verifies, too. */
async function verificationsOf(world: FlowWorld, work: () => Promise<unknown>): Promise<number> {
  let underWay = 0;
  world.between = async (request, send) => {
    underWay++;
    return await send(request).finally(() => underWay--);
  };
  return await verifications(work, () => underWay === 0);
}

Deno.test("growth: of a sign each signature is verified once, however often it is met", async () => {
  const { world } = await worldWith(1);
  const verified = await verificationsOf(world, async () => {
    const { repositories: [done] } = await signTags([world.task(REPOSITORY, ["one-more"])], world.options);
    assert.equal(done?.outcome, "published");
  });
  // The root key's certificate, by itself; four roles, and two delegations that hold the same bytes; both that were
  // signed, the same again; timestamp and snapshot that came of that. They were 25.
  assert.equal(verified, 1 + 5 + 1 + 2);
});

Deno.test("growth: a root that is known here and pinned is verified once all the same", async () => {
  const { world } = await worldWith(1);
  const trust = world.trust();
  let keyId = "";
  await listTags({ ...trust, onFirstUse: (_, [first]) => void (keyId = first!) }, REPOSITORY);
  for (const pin of [undefined, { keyId }]) {
    assert.equal(
      await verificationsOf(world, () => listTags({ ...trust, ...(pin ? { pin } : {}) }, REPOSITORY)),
      1 + 5,
    );
  }
});

Deno.test("growth: the trust directory holds the same files after twenty signs, and each sign costs the same", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const { world, counted } = await worldWith(1);
    const store = createFileMetadataStore(dir);
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) {
      counted.requests = 0;
      const task = world.task(REPOSITORY, [`v${i}`]);
      await signTags([{ ...task, trust: { ...task.trust, store } }], world.options);
      seen.add(JSON.stringify([await filesIn(dir), i === 0 ? "the first" : counted.requests]));
    }
    assert.equal(seen.size, 2, `${[...seen]}`); // the first one knew nothing
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

async function filesIn(path: string): Promise<string[]> {
  const names = await Array.fromAsync(
    Deno.readDir(path),
    async ({ name, isDirectory }) =>
      isDirectory ? (await filesIn(`${path}/${name}`)).map((file) => `${name}/${file}`) : [name],
  );
  return names.flat().sort();
}

Deno.test("growth: however many files are asked for, so many calls go on at a time, and all come to an end", async () => {
  let [open, most] = [0, 0];
  const send: Send = async ({ url }) => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 1));
    open--;
    if (url.includes("d7.")) throw new TypeError("connection reset");
    return new Response(url.includes("d9.") ? null : "{}", { status: url.includes("d9.") ? 404 : 200 });
  };
  const service = authorize(send, { service: "Notary server", allowHttp: false, remedy: "-" });
  // As in a fleet: one server, asked for many repositories.
  const servers = [1, 2].map(() => createTrustServer({ url: new URL("https://notary.test"), service, access: "pull" }));
  const reads = servers.flatMap((server) =>
    Array.from(
      { length: 500 },
      (_, i) => server.read(GUN, `targets/d${i}`).then((file) => file ? "read" : "none", () => "failed"),
    )
  );
  const ends = Map.groupBy(await Promise.all(reads), (end) => end);
  assert.deepEqual([...ends].map(([end, all]) => [end, all.length]).sort(), [["failed", 2], ["none", 2], [
    "read",
    996,
  ]]);
  assert.equal(most, CALLS_AT_ONCE);
  assert.equal(open, 0);
});
