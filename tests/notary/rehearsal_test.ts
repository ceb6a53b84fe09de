import assert from "node:assert/strict";
import { rehearse } from "../../lib/notary/rehearsal.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { readRepository } from "../../lib/notary/update.ts";
import { metadataOf, RECORDED, recording } from "../support/recorded.ts";
import { verifications } from "../support/verifications.ts";

Deno.test("rehearsal: a root is verified, with its certificate and its signature", async () => {
  const verified = await verifications(async () => {
    const { root } = await rehearse();
    assert.deepEqual([...root.roles.root.keys.values()].map(({ canonicalId }) => canonicalId), [RECORDED.keys.root]);
  });
  assert.equal(verified, 2);
});

Deno.test("rehearsal: it is called once all is asked for, before anything is answered, and not where a repository is read again", async () => {
  const files = metadataOf("notary-basic");
  const { gun, at } = recording("notary-basic");
  const asked: string[] = [];
  const answers = Promise.withResolvers<void>();
  const seen: string[][] = [];
  const server = {
    url: new URL("https://notary.example"),
    async read(_: string, name: string) {
      asked.push(name);
      await answers.promise;
      return files.get(name as "root");
    },
  };
  const options = { server: server as never, gun, at: new Date(at), store: createMemoryMetadataStore() };
  let isDone = false;
  const meanwhile = async () => {
    seen.push([...asked].sort());
    answers.resolve();
    await new Promise((later) => setTimeout(later, 30));
    isDone = true;
  };
  const { repository } = await readRepository({ ...options, meanwhile });
  assert.ok(isDone, "nothing goes on behind the back of whoever has read");
  assert.deepEqual(seen, [["root", "snapshot", "targets", "targets/releases", "timestamp"]]);
  await readRepository({ ...options, meanwhile, before: repository });
  // By now everything is answered at once.
  await readRepository({ ...options, meanwhile, store: createMemoryMetadataStore() });
  assert.equal(seen.length, 1);
});
