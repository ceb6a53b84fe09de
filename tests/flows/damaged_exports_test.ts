/** Export files that are none, or not as they were written: each is refused by what is wrong with it. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { exportedServer, readExport, writeExport } from "../../lib/flows/export_file.ts";
import { failsWith } from "../support/failures.ts";

const GUN = "registry.example.test/app";
const MANIFEST = "tagseal-export.json";
const FILE = "repositories/1/root.json";
const GOOD = await writeExport([{
  repository: GUN,
  notaryUrl: "https://notary.example.test",
  verified: { at: "2026-06-01T00:00:00Z", rootTrustedBy: "pin", rootKeyIds: ["a1"], rootsFrom: 1 },
  skipped: [],
  files: [{ role: "root", version: 1, expires: null, name: "root", bytes: utf8("{}") }],
}], { created: "2026-06-01T00:00:00Z", tool: "a test" });
const ENTRIES = await readZip(GOOD, { entries: 10, entryBytes: 2 ** 16, totalBytes: 2 ** 16 });

type Manifest = Record<string, unknown> & { repositories: Record<string, unknown>[] };

/** The export with another manifest, and with more or other entries (without one for `undefined`). */
function changed(change: (manifest: Manifest) => unknown, entries: Record<string, Bytes | undefined> = {}) {
  const manifest: Manifest = JSON.parse(new TextDecoder().decode(ENTRIES.get(MANIFEST)));
  const other = change(manifest) ?? manifest;
  const all = { ...Object.fromEntries(ENTRIES), [MANIFEST]: utf8(JSON.stringify(other)), ...entries };
  return writeZip(Object.entries(all).flatMap(([name, bytes]) => bytes ? [{ name, bytes }] : []));
}

const first = (change: (repository: Record<string, unknown>) => void) => ({ repositories: [one] }: Manifest) =>
  change(one!);
const set = (name: string, value: unknown) => first((repository) => void (repository[name] = value));
const file = (name: string, value: unknown) =>
  first(({ files }) => void ((files as Record<string, unknown>[])[0]![name] = value));

Deno.test("exports: the good one is read, and one that is no export is told from one that was changed", async () => {
  const [read] = await readExport(await changed(() => undefined));
  assert.deepEqual([read!.repository, [...read!.files.keys()]], [GUN, ["root"]]);
  const none: readonly [string, (manifest: Manifest) => unknown][] = [
    ['its format is not "tagseal-export/1"', (manifest) => ({ ...manifest, format: "tagseal-export/2" })],
    ["an object is missing", () => []],
    ["a list is missing", (manifest) => ({ ...manifest, repositories: {} })],
    ["an object is missing", (manifest) => ({ ...manifest, repositories: [1] })],
    [
      "a repository is there twice",
      ({ repositories, ...rest }) => ({ ...rest, repositories: [...repositories, ...repositories] }),
    ],
    ["a text is missing", set("repository", 7)],
    ["a repository's name is malformed", set("repository", "Registry/App:v1")],
    ["a repository's name is malformed", set("repository", "app")],
    ["an address is malformed", set("notaryUrl", "notary")],
    ["an address is malformed", set("notaryUrl", "file:///etc/passwd")],
    ["an object is missing", set("verified", null)],
    ["a time is malformed", set("verified", { at: "yesterday" })],
    ["a list is missing", set("files", null)],
    ["a file's path is malformed, or there twice", file("path", MANIFEST)],
    [
      "a file's path is malformed, or there twice",
      first((repository) => {
        repository["files"] = [...repository["files"] as unknown[], ...repository["files"] as unknown[]];
      }),
    ],
  ];
  for (const [words, change] of none) {
    const error = await failsWith(readExport(await changed(change)), "bad-input", words);
    assert.match(error.message, /^The file is not an export of tagseal: /);
  }
  await failsWith(
    readExport(await changed(() => undefined, { [MANIFEST]: undefined })),
    "bad-input",
    `no "${MANIFEST}"`,
  );
  await failsWith(readExport(await changed(() => undefined, { [MANIFEST]: utf8("{") })), "bad-input", "not an export");
});

Deno.test("exports: files that are not those of the manifest, and files that it does not name, are a changed export", async () => {
  const named = `"${FILE}" is not the file that its manifest names`;
  const cases: readonly [string, ReturnType<typeof changed>][] = [
    [named, changed(() => undefined, { [FILE]: utf8("[]") })],
    [named, changed(() => undefined, { [FILE]: undefined })],
    [named, changed(file("length", 3))],
    [named, changed(file("sha256", "00"))],
    [
      "it holds files that its manifest does not name",
      changed(() => undefined, { "repositories/1/more.json": utf8("{}") }),
    ],
  ];
  for (const [words, zip] of cases) {
    const error = await failsWith(readExport(await zip), "trust-invalid", words);
    assert.match(error.message, /^The export has been changed since it was written: /);
  }
});

Deno.test("exports: one shows its own repository alone, and takes nothing", async () => {
  const [read] = await readExport(GOOD);
  const server = exportedServer(read!);
  assert.deepEqual(await server.read(GUN, "root"), utf8("{}"));
  assert.equal(await server.read("registry.example.test/other", "root"), undefined);
  assert.equal(await server.read(GUN, "targets"), undefined);
  await failsWith(server.managedKey(GUN, "timestamp"), "usage", "was read from a file");
  await failsWith(server.publish(GUN, new Map()), "usage", "was read from a file");
});
