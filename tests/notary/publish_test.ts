import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { type CallInQuestion, TagsealError } from "../../lib/errors.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { type Change, publishChange, requirePublished, versionOf } from "../../lib/notary/publish.ts";
import { readRepository } from "../../lib/notary/update.ts";
import { parseTargets } from "../../lib/tuf/parse.ts";
import { resolveAll } from "../../lib/tuf/resolve.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { AT, buildFiles, DIGEST, GUN, KEYS } from "../support/trust_builder.ts";

/** A repository whose targets hold one tag for each entry of `tags`; every change is a version. */
function filesWith(tags: readonly string[]): Promise<Map<RoleName, Bytes>> {
  const version = tags.length + 1;
  return buildFiles({
    targets: { version, tags: Object.fromEntries(tags.map((tag) => [tag, DIGEST])) },
    snapshot: { version },
    timestamp: { version },
    delegations: { "targets/releases": { keys: [KEYS.releases] } },
  });
}

/** The change under test: adds the tag `mine` to whatever is there. */
const addMine: Change = {
  make: async (repository) => {
    const files = await filesWith([...repository.targets.targets.keys(), "mine"]);
    return new Map([["targets", files.get("targets")!]]);
  },
  isThere: (repository) => repository.targets.targets.has("mine"),
};

/** A server that signs snapshot and timestamp itself, as Notary's does, and refuses versions that are there. */
async function bench(...tags: string[]) {
  const server = new MemoryTrustServer(await filesWith(tags));
  const slept: number[] = [];
  const time = { ms: 0 };
  const store = async (files: ReadonlyMap<RoleName, Bytes>) => {
    const names = [...parseTargets("targets", files.get("targets")!).targets.keys()];
    server.show(await filesWith(names));
  };
  const reading = () =>
    readRepository({ server, gun: GUN, at: AT, store: createMemoryMetadataStore() }).then((r) => r.repository);
  const publish = (attempts: number, change = addMine, beginsAnew = false) =>
    publishChange({
      beginsAnew,
      server,
      gun: GUN,
      read: reading,
      attempts,
      now: () => new Date(AT.getTime() + time.ms),
      sleep: (ms) => {
        slept.push(ms);
        return Promise.resolve();
      },
    }, change);
  const tagsNow = async () => resolveAll(await reading()).map(({ tag }) => tag);
  server.onPublish = store;
  return { server, slept, time, store, publish, tagsNow };
}

const stale = () => new TagsealError("stale", "Somebody else has published in between", { remedy: "Run it again" });
const lost = () => new TagsealError("unavailable", "The answer was lost", { remedy: "Check the network" });

Deno.test("publish: a change is published once, and read back", async () => {
  const { server, slept, publish, tagsNow } = await bench("a");
  const { outcome, repository } = await publish(3);
  assert.equal(outcome, "published");
  assert.equal(repository.targets.version, 3);
  assert.deepEqual(await tagsNow(), ["a", "mine"]);
  assert.deepEqual(server.published, [["targets"]]);
  assert.deepEqual(slept, []);
});

Deno.test("publish: what is there already is not published again", async () => {
  const { server, publish } = await bench("mine");
  assert.equal((await publish(3)).outcome, "unchanged");
  assert.deepEqual(server.published, []);
});

Deno.test("publish: where somebody was faster, the change is made anew on top of theirs", async () => {
  const { server, slept, store, publish, tagsNow } = await bench("a");
  server.onPublish = async () => {
    server.show(await filesWith(["a", "theirs"]));
    server.onPublish = store;
    throw stale();
  };
  assert.equal((await publish(3)).outcome, "published");
  assert.deepEqual(await tagsNow(), ["a", "mine", "theirs"]);
  assert.equal(server.published.length, 2);
  assert.equal(slept.length, 1);
  assert.ok(slept[0]! >= 0 && slept[0]! <= 400);
});

Deno.test("publish: a lost answer to a publish that landed is a success", async () => {
  const { server, store, publish, tagsNow } = await bench("a");
  server.onPublish = async (files) => {
    await store(files);
    throw lost();
  };
  assert.equal((await publish(1)).outcome, "published");
  assert.deepEqual(await tagsNow(), ["a", "mine"]);
  assert.equal(server.published.length, 1);
});

Deno.test("publish: a lost answer to a publish that did not land is the failure it was, and is not repeated", async () => {
  const { server, publish, tagsNow } = await bench("a");
  server.onPublish = () => {
    throw lost();
  };
  await failsWith(publish(5), "unavailable", "The answer was lost");
  assert.equal(server.published.length, 1);
  assert.deepEqual(await tagsNow(), ["a"]);
});

const cannotNow = (call: CallInQuestion, reason?: "cut") =>
  new TagsealError("unavailable", "It cannot now", {
    remedy: "Wait",
    reason,
    call: { url: "https://n.test", ...call },
  });

Deno.test("publish: a server that cannot take a change now gets the same files again", async (t) => {
  const failures: [string, TagsealError][] = [
    ["its database is away", cannotNow({ status: 400 })],
    ["it fails", cannotNow({ status: 500 })],
    ["it says when it is back", cannotNow({ status: 503 })],
    ["it is killed amid the call", cannotNow({ sent: true }, "cut")],
  ];
  for (const [name, failure] of failures) {
    await t.step(name, async () => {
      const { server, slept, store, publish, tagsNow } = await bench("a");
      const posted: Bytes[] = [];
      server.onPublish = async (files) => {
        posted.push(files.get("targets")!);
        if (posted.length < 4) throw failure;
        await store(files);
      };
      assert.equal((await publish(1)).outcome, "published");
      assert.deepEqual(await tagsNow(), ["a", "mine"]);
      assert.equal(new Set(posted.map((bytes) => bytes.toHex())).size, 1);
      assert.equal(posted.length, 4);
      for (const [i, ms] of slept.entries()) assert.ok(ms >= 250 * 2 ** i && ms <= 500 * 2 ** i, `${ms} ms`);
    });
  }
});

Deno.test("publish: a failure that repeats is told after four posts, one that waiting does not mend at once", async (t) => {
  const rows: [string, TagsealError, number][] = [
    ["no reason is given", cannotNow({ status: 400 }), 4],
    ["too large", cannotNow({ status: 413 }), 1],
    ["a gateway still waits", cannotNow({ status: 504 }), 1],
    ["no answer in time", cannotNow({ sent: true }), 1],
    ["refused for what it is", new TagsealError("trust-invalid", "It cannot ever", { remedy: "Look" }), 1],
  ];
  for (const [name, failure, posts] of rows) {
    await t.step(name, async () => {
      const { server, publish } = await bench("a");
      server.onPublish = () => {
        throw failure;
      };
      await failsWith(publish(5), failure.code, failure.message);
      assert.equal(server.published.length, posts);
    });
  }
});

Deno.test("publish: a server that takes long to fail is not posted to again", async () => {
  const { server, time, publish } = await bench("a");
  server.onPublish = () => {
    time.ms += 15_000;
    throw cannotNow({ status: 500 });
  };
  await failsWith(publish(1), "unavailable", "It cannot now");
  assert.equal(server.published.length, 2);
});

Deno.test("publish: what others have published meanwhile is not posted over", async () => {
  const { server, store, publish, tagsNow } = await bench("a");
  server.onPublish = async () => {
    server.show(await filesWith(["a", "theirs"]));
    server.onPublish = store;
    throw cannotNow({ status: 500 });
  };
  assert.equal((await publish(1)).outcome, "overtaken");
  assert.deepEqual([await tagsNow(), server.published.length], [["a", "theirs"], 1]);
});

Deno.test("publish: the server's 200 without storing (two racing writers on SQL) is tried again", async () => {
  const { server, store, publish, tagsNow } = await bench("a");
  server.onPublish = async () => {
    server.show(await filesWith(["a", "theirs"]));
    server.onPublish = store;
  };
  assert.equal((await publish(3)).outcome, "published");
  assert.deepEqual(await tagsNow(), ["a", "mine", "theirs"]);
});

Deno.test("publish: a change that was taken is looked for while a cache shows the state before", async () => {
  const { server, slept, publish } = await bench("a");
  const next = await filesWith(["a", "mine"]);
  let reads = -Infinity;
  server.onPublish = () => {
    reads = 0;
  };
  server.onRead = (name) => {
    if (name === "root" && ++reads === 3) server.show(next);
  };
  assert.equal((await publish(1)).outcome, "published");
  assert.equal(server.published.length, 1);
  assert.deepEqual(slept, [250, 500]);
});

Deno.test("publish: a change that was taken and is never shown is not made again", async () => {
  const { server, slept, publish } = await bench("a");
  server.onPublish = () => {};
  const error = await failsWith(publish(5), "unavailable", "took the change", "does not show it");
  assert.match(error.remedy, /keep old answers.*Read the tags in some minutes/);
  assert.deepEqual(error.next, { do: "look-in-some-minutes" });
  assert.equal(server.published.length, 1);
  assert.deepEqual(slept, [250, 500, 1000, 2000]);
});

Deno.test("publish: who begins anew elsewhere does not read what others have done, unless something may have landed", async () => {
  const { server, publish } = await bench("a");
  let reads = 0;
  server.onRead = () => void reads++;
  const failures: TagsealError[] = [stale()];
  server.onPublish = () => {
    throw failures.shift()!;
  };
  assert.equal((await publish(1, addMine, true)).outcome, "overtaken");
  const once = reads;
  reads = 0;
  failures.push(cannotNow({ sent: true }, "cut"), stale());
  const result = await publish(1, addMine, true);
  assert.deepEqual([result.outcome, "isDoubtful" in result && result.isDoubtful], ["overtaken", true]);
  assert.equal(reads, 3 * once, "to begin with, after the post that was lost, and after the one that was refused");
});

Deno.test("publish: after so many attempts it is given up", async () => {
  for (const attempts of [1, 4]) {
    const { server, slept, publish } = await bench("a");
    server.onPublish = () => {
      throw stale();
    };
    const error = await failsWith(
      publish(attempts).then(requirePublished),
      "stale",
      `Somebody else has published to "${GUN}" in between`,
    );
    assert.equal(error.details["attempts"], attempts);
    assert.match(error.remedy, /^Nothing of this change was published/);
    assert.equal(server.published.length, attempts);
    assert.equal(slept.length, attempts - 1);
  }
});

Deno.test("publish: what the server rejects is not tried again", async () => {
  const { server, publish } = await bench("a");
  server.onPublish = () => {
    throw new TagsealError("trust-invalid", "The Notary server refused it", { remedy: "Check the log" });
  };
  await failsWith(publish(5), "trust-invalid", "The Notary server refused it");
  assert.equal(server.published.length, 1);
});

/** Publishes; the post ends with `posting`, or in a 200, and reading back fails with `reading`. */
async function unreadable(posting: TagsealError | undefined, reading: TagsealError) {
  const { server, publish } = await bench("a");
  server.onPublish = () => {
    server.onRead = () => {
      throw reading;
    };
    if (posting) throw posting;
  };
  return publish(3);
}

const down = (message: string, call?: CallInQuestion) =>
  new TagsealError("unavailable", message, { remedy: "Check the network", call });

Deno.test("publish: where reading back fails, too, the first failure is told, and whether that says all", async () => {
  for (const posting of [lost(), ...[500, 503, 504].map((status) => down("The answer was lost", { status }))]) {
    const error = await failsWith(unreadable(posting, down("Nobody answers")), "unavailable", "The answer was lost");
    assert.match(error.message, /Whether the change to ".*" was published is not known$/);
    assert.equal(error.published, "maybe");
  }
  for (const call of [{ status: 400 }, { sent: false }]) {
    const error = await failsWith(
      unreadable(down("It is refused", call), down("Nobody answers")),
      "unavailable",
      "It is refused",
    );
    assert.deepEqual([error.message, error.published], ["It is refused", undefined]);
  }
});

Deno.test("publish: whoever interrupts the reading back is told of the doubt, as one who has interrupted", async () => {
  const interrupted = new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there" });
  const error = await failsWith(unreadable(lost(), interrupted), "interrupted", "is not known");
  assert.equal(error.published, "maybe");
  const refused = down("It is refused", { status: 400 });
  await failsWith(unreadable(refused, interrupted), "unavailable", "It is refused");
});

Deno.test("publish: once the server has answered 200, every failure says that it may have been published", async (t) => {
  const codes = [
    ["unavailable", "unavailable"],
    ["not-found", "unavailable"], // the server took it: what is not there now is no mistake of the user's
    ["unauthenticated", "unauthenticated"],
    ["forbidden", "forbidden"],
    ["trust-invalid", "trust-invalid"],
    ["bad-input", "bad-input"],
    ["interrupted", "interrupted"],
  ] as const;
  for (const [code, wanted] of codes) {
    await t.step(code, async () => {
      const failure = new TagsealError(code, "It fails so", { remedy: "Mend it so", call: { status: 500 } });
      const error = await failsWith(
        unreadable(undefined, failure),
        wanted,
        `took the change to "${GUN}", but it could not be read back: It fails so`,
      );
      assert.equal(error.published, "maybe");
      assert.match(error.remedy, /^It may have been published.* look whether it is there before you do it again$/);
      assert.equal(error.next?.do, "look-whether-published");
      assert.equal(error.details["status"], 500);
    });
  }
});

Deno.test("publish: a failure after an attempt that was taken and overtaken says so, too", async () => {
  const { server, publish } = await bench("a");
  let made = 0;
  server.onPublish = async () => server.show(await filesWith(["a", "theirs"]));
  const change: Change = {
    ...addMine,
    make: (repository) => made++ === 0 ? addMine.make(repository) : Promise.reject(stale()),
  };
  const error = await failsWith(publish(3, change), "stale", "took the change");
  assert.equal(error.published, "maybe");
  assert.deepEqual([made, server.published.length], [2, 1]);
  const gaveUp = await failsWith(
    bench("a").then(async ({ server, publish }) => {
      server.onPublish = async () => server.show(await filesWith(["a", "theirs"]));
      return requirePublished(await publish(1));
    }),
    "stale",
    "Somebody else has published",
  );
  assert.deepEqual([gaveUp.published, /Nothing of this change/.test(gaveUp.remedy)], ["maybe", false]);
});

Deno.test("publish: the version of a role", async () => {
  const files = await buildFiles({
    targets: { version: 7 },
    delegations: {
      "targets/releases": { keys: [KEYS.releases], version: 5 },
      "targets/alice": { keys: [KEYS.alice], version: 4, signers: [KEYS.stranger] },
    },
  });
  const { repository } = await readRepository({
    server: new MemoryTrustServer(files),
    gun: GUN,
    at: AT,
    store: createMemoryMetadataStore(),
  });
  const roles = ["root", "targets", "targets/releases", "targets/alice", "targets/nobody"] as const;
  assert.deepEqual(roles.map((role) => versionOf(repository, role)), [1, 7, 5, 4, 0]);
});
