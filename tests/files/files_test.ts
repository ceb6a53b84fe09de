import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import {
  listFolder,
  readFileBounded,
  removeFile,
  removeLeftovers,
  requireFile,
  writeFileAtomically,
} from "../../lib/files/files.ts";
import { failsWith } from "../support/failures.ts";
import { inFolder, mode, names } from "../support/test_files.ts";

function fileTest(name: string, run: (folder: string) => Promise<void>): void {
  Deno.test(`files: ${name}`, () => inFolder(run));
}

fileTest("a write makes folders and file with their modes, and leaves nothing else", async (folder) => {
  const path = `${folder}/a/b/file`;
  await writeFileAtomically(path, utf8("one"), { replace: false, mode: 0o600, folderMode: 0o700 });
  assert.equal(await Deno.readTextFile(path), "one");
  assert.deepEqual([await mode(path), await mode(`${folder}/a/b`), await mode(`${folder}/a`)], [0o600, 0o700, 0o700]);
  await writeFileAtomically(`${folder}/plain`, utf8("x"), { replace: true });
  assert.equal(await mode(`${folder}/plain`) & 0o600, 0o600);
  assert.deepEqual(await names(`${folder}/a/b`), ["file"]);
  assert.deepEqual(await names(folder), ["a", "plain"]);
});

fileTest("an existing file stays, unless it is to be replaced", async (folder) => {
  const path = `${folder}/file`;
  await writeFileAtomically(path, utf8("one"), { replace: false });
  const error = await failsWith(
    writeFileAtomically(path, utf8("two"), { replace: false }),
    "exists",
    `"${path}" exists already`,
  );
  assert.deepEqual(error.details, { path });
  assert.equal(await Deno.readTextFile(path), "one");
  await writeFileAtomically(path, utf8("three"), { replace: true, mode: 0o600 });
  assert.equal(await Deno.readTextFile(path), "three");
  assert.equal(await mode(path), 0o600);
  assert.deepEqual(await names(folder), ["file"]);
});

fileTest("of writers that must not replace, exactly one wins", async (folder) => {
  const path = `${folder}/file`;
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => writeFileAtomically(path, utf8(`${i}`.repeat(5000)), { replace: false })),
  );
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  assert.match(await Deno.readTextFile(path), /^(\d)\1{4999}$/);
  assert.deepEqual(await names(folder), ["file"]);
});

fileTest("a write that fails leaves all as it was", async (folder) => {
  await Deno.mkdir(`${folder}/target/full`, { recursive: true });
  await failsWith(
    writeFileAtomically(`${folder}/target`, utf8("x"), { replace: true }),
    "bad-input",
    `"${folder}/target" cannot be written: `,
  );
  assert.deepEqual(await names(folder), ["target"]);
  await Deno.writeTextFile(`${folder}/file`, "x");
  await failsWith(
    writeFileAtomically(`${folder}/file/below`, utf8("x"), { replace: true }),
    "bad-input",
    `"${folder}/file/below" cannot be written: `,
  );
  await failsWith(
    writeFileAtomically(`${folder}/file/below`, utf8("x"), { replace: false }),
    "bad-input",
    "cannot be written: ",
  );
  assert.deepEqual(await names(folder), ["file", "target"]);
});

fileTest("a link at the target is neither followed nor replaced", async (folder) => {
  await Deno.writeTextFile(`${folder}/victim`, "untouched");
  await Deno.symlink(`${folder}/victim`, `${folder}/link`);
  await failsWith(writeFileAtomically(`${folder}/link`, utf8("x"), { replace: false }), "exists", "exists already");
  await failsWith(writeFileAtomically(`${folder}/link`, utf8("x"), { replace: true }), "bad-input", "a symbolic link");
  assert.equal(await Deno.readTextFile(`${folder}/victim`), "untouched");
  assert.equal(await Deno.readLink(`${folder}/link`), `${folder}/victim`);
  assert.deepEqual(await names(folder), ["link", "victim"]);
});

fileTest("a read ends at its bound", async (folder) => {
  const path = `${folder}/file`;
  await Deno.writeTextFile(path, "12345");
  assert.deepEqual(await readFileBounded(path, 5), utf8("12345"));
  await failsWith(readFileBounded(path, 4), "bad-input", `"${path}" cannot be read: it is longer than 4 bytes`);
  await Deno.writeTextFile(path, "");
  assert.deepEqual(await readFileBounded(path, 0), new Uint8Array());
});

fileTest("what is not there is nothing, or not found; what is no file is refused", async (folder) => {
  const path = `${folder}/nothing`;
  assert.equal(await readFileBounded(path, 10), undefined);
  await Deno.writeTextFile(`${folder}/file`, "x");
  assert.equal(await readFileBounded(`${folder}/file/below`, 10), undefined);
  await failsWith(requireFile(path, 10), "not-found", `There is no file "${path}"`);
  assert.deepEqual(await requireFile(`${folder}/file`, 10), utf8("x"));
  await failsWith(readFileBounded(folder, 10), "bad-input", `"${folder}" cannot be read: it is not a file`);
});

fileTest("removing is done when it is gone", async (folder) => {
  await Deno.writeTextFile(`${folder}/file`, "x");
  await removeFile(`${folder}/file`);
  await removeFile(`${folder}/file`);
  assert.deepEqual(await names(folder), []);
  await Deno.mkdir(`${folder}/full/x`, { recursive: true });
  await failsWith(removeFile(`${folder}/full`), "bad-input", `"${folder}/full" cannot be removed: `);
});

fileTest("what killed processes left half-written is removed: our names alone, and old enough", async (folder) => {
  const ours = ["root.json.0123abcd.tmp", "targets.json.89abcdef.tmp"];
  const others = [
    "root.json",
    "root.json.tmp",
    "root.json.0123ABCD.tmp",
    "notes.txt.0123abcd.tmp",
    "x.0123abcd.tmp.gz",
  ];
  for (const name of [...ours, ...others]) await Deno.writeTextFile(`${folder}/${name}`, "x");
  await Deno.mkdir(`${folder}/dir.json.0123abcd.tmp`);
  const left = ["dir.json.0123abcd.tmp", ...others].sort();
  const isOurs = (name: string) => name.endsWith(".json");
  const hourAgo = new Date(Date.now() - 3_700_000);
  await Deno.utime(`${folder}/${ours[0]}`, hourAgo, hourAgo);
  removeLeftovers(folder, isOurs, 3_600_000);
  assert.deepEqual(await names(folder), [...left, ours[1]!].sort());
  removeLeftovers(folder, isOurs);
  assert.deepEqual(await names(folder), left);
  removeLeftovers(`${folder}/nothing`, isOurs);
});

fileTest("what is in a folder is told by name, whatever order the file system has", async (folder) => {
  const all = ["zeta", "b", "B", "a1", "a", "ü", "0", "m"];
  for (const name of all) await Deno.writeTextFile(`${folder}/${name}`, "");
  assert.deepEqual(listFolder(folder).map(({ name }) => name), all.toSorted());
  assert.deepEqual(listFolder(`${folder}/nothing`), []);
});
