import assert from "node:assert/strict";
import { rehearse } from "../../lib/notary/rehearsal.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { readRepository } from "../../lib/notary/update.ts";
import { metadataOf, recording } from "../support/recorded.ts";

const never = new Promise<void>(() => {});

Deno.test("rehearsal: all of the recorded repository is verified, down to the tags that are signed", async () => {
  const repository = await rehearse(never);
  assert.deepEqual([...repository!.delegations.values()].map(({ kind }) => kind).sort(), ["trusted", "unpublished"]);
  const [releases] = [...repository!.delegations.values()].flatMap((each) =>
    each.kind === "trusted" ? [each.file] : []
  );
  assert.deepEqual([...releases!.targets.keys()], ["v1"]);
});

Deno.test("rehearsal: it gives up where the answers are here, however reading ended", async () => {
  assert.equal(await rehearse(Promise.resolve()), undefined);
  assert.equal(await rehearse(Promise.reject(new Error("nobody answers"))), undefined);
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
  const meanwhile = () => {
    seen.push([...asked].sort());
    answers.resolve();
  };
  const { repository } = await readRepository({ ...options, meanwhile });
  assert.deepEqual(seen, [["root", "snapshot", "targets", "targets/releases", "timestamp"]]);
  await readRepository({ ...options, meanwhile, before: repository });
  assert.equal(seen.length, 1);
});
