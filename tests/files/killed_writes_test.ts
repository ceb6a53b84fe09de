/** `kill -9` in the very moment of each call that a write consists of: nothing half-written counts, and none of it stays. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { requireFree, writeArtifact } from "../../lib/cli/signing.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import { createFileMetadataStore } from "../../lib/notary/file_metadata_store.ts";
import { createRequestFiles } from "../../lib/signing/request_files.ts";
import { runWatched } from "../support/killed.ts";
import { inFolder } from "../support/test_files.ts";
import { GUN } from "../support/trust_builder.ts";

const ROOM = new URL("../../lib/", import.meta.url).href;
const PASSPHRASE = "correct horse battery";

/** Runs `code`, which may import from `lib`, until it makes the call `at`; there it is killed. */
async function killedAt(at: string, code: string): Promise<void> {
  const program = `const lib = (path: string) => import(${JSON.stringify(ROOM)} + path); ${code}`;
  const { signal, stderr } = await runWatched({ program, at });
  assert.equal(signal, "SIGKILL", stderr);
}

async function leftovers(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await leftovers(`${folder}/${name}`));
    else if (name.endsWith(".tmp")) found.push(name);
  }
  return found;
}

function killTest(name: string, run: (folder: string) => Promise<void>): void {
  Deno.test({ name: `killed while writing: ${name}`, ignore: Deno.build.os === "windows", fn: () => inFolder(run) });
}

for (const moment of ["syncSync", "linkSync", "removeSync"]) {
  killTest(`a key, at ${moment}`, async (folder) => {
    await killedAt(
      moment,
      `const { createFileKeyStore } = await lib("keystore/file_keystore.ts");
       const ask = () => Promise.resolve(${JSON.stringify(PASSPHRASE)});
       await createFileKeyStore(${JSON.stringify(folder)}, ask).create({ role: "root" });`,
    );
    assert.equal((await leftovers(folder)).length, 1);
    const store = createFileKeyStore(folder, () => Promise.resolve(PASSPHRASE), (error) => assert.fail(error.message));
    const before = await store.list();
    assert.equal(before.length, moment === "removeSync" ? 1 : 0);
    for (const { id } of before) await store.open(id); // whole, or not there
    await store.create({ role: "targets", gun: GUN });
    assert.deepEqual(await leftovers(folder), []);
    assert.equal((await store.list()).length, before.length + 1);
  });
}

for (const moment of ["sync", "renameSync"]) {
  killTest(`the copy of trust data, at ${moment}`, async (folder) => {
    await createFileMetadataStore(folder).write(GUN, new Map([["root", utf8("old")], ["targets", utf8("old")]]));
    await killedAt(
      moment,
      `const { createFileMetadataStore } = await lib("notary/file_metadata_store.ts");
       const file = new TextEncoder().encode("new");
       await createFileMetadataStore(${JSON.stringify(folder)}).write(${
        JSON.stringify(GUN)
      }, new Map([["root", file]]));`,
    );
    assert.equal((await leftovers(folder)).length, 1);
    const store = createFileMetadataStore(folder);
    assert.deepEqual((await store.read(GUN)).get("root"), utf8("old"));
    await store.write(GUN, new Map([["root", utf8("newer")]]));
    assert.deepEqual(await leftovers(folder), []);
    assert.deepEqual((await store.read(GUN)).get("root"), utf8("newer"));
  });
}

killTest(
  "a signing request that is kept: whoever is about to file the same tidies, and keeps nothing for that",
  async (folder) => {
    const request = { filedAt: new Date(0), account: "a".repeat(64), work: [] };
    await killedAt(
      "renameSync",
      `const { createRequestFiles } = await lib("signing/request_files.ts");
     await createRequestFiles(${JSON.stringify(folder)}, {}).keep({ ...${
        JSON.stringify(request)
      }, filedAt: new Date(0) });`,
    );
    assert.equal((await leftovers(folder)).length, 1);
    await createRequestFiles(folder, {}).alone(request, () => Promise.resolve());
    assert.deepEqual(await leftovers(folder), []);
  },
);

killTest("a result: it goes once it is surely nobody's any more", async (folder) => {
  const path = `${folder}/data.zip`;
  await killedAt(
    "syncSync",
    `const { writeFileAtomically } = await lib("files/files.ts");
     await writeFileAtomically(${JSON.stringify(path)}, new Uint8Array(9), { replace: false });`,
  );
  const [left] = await leftovers(folder);
  assert.ok(left);
  const host = { path: (typed: string) => typed, info() {} } as unknown as Parameters<typeof writeArtifact>[0];
  await writeArtifact(host, path, utf8("1"), true);
  assert.deepEqual(await leftovers(folder), [left], "somebody may be at it still");
  const before = new Date(Date.now() - 61_000);
  await Deno.utime(`${folder}/${left}`, before, before);
  await writeArtifact(host, `${folder}/other.zip`, utf8("1"), true);
  assert.deepEqual(await leftovers(folder), [left], "it is another file's");
  await requireFree(host, path, true);
  assert.deepEqual(await leftovers(folder), [], "whoever fails before it is written has tidied all the same");
  assert.equal(await Deno.readTextFile(path), "1");
});
