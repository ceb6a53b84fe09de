/** Names as files on Windows, and paths as they are typed there; without Windows, as both are plain functions. */
import assert from "node:assert/strict";
import { posix, win32 } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { entryOf, filePath, folderOf, isAbsolute, pathOfFile, pathOfUrl } from "../../lib/files/names.ts";

Deno.test("names on Windows: what it takes in no name is written otherwise, and read back as it was", () => {
  const rows: [string, string][] = [
    ["registry.example.com/team/app", "registry.example.com/team/app"],
    ["registry:5000/team/app", "registry%3A5000/team/app"],
    ["[::1]:5000/app", "[%3A%3A1]%3A5000/app"],
    ["con/aux/nul", "%63on/%61ux/%6Eul"],
    ["CON.json", "%43ON.json"],
    ["com1/lpt9.root.json", "%63om1/%6Cpt9.root.json"],
    ["targets/prn", "targets/%70rn"],
    ["console/auxiliary/com10/nul-1", "console/auxiliary/com10/nul-1"],
    ["trailing./blank /dots..", "trailing%2E/blank%20/dots.%2E"],
    ["100%/a%3Ab", "100%25/a%253Ab"],
    ['<>:"|?*', "%3C%3E%3A%22%7C%3F%2A"],
  ];
  for (const [name, file] of rows) {
    assert.equal(filePath(name, "windows"), file);
    assert.equal(pathOfFile(file, "windows"), name);
    assert.equal(filePath(name, "linux"), name, "as Docker and notary have it elsewhere");
    assert.equal(pathOfFile(name, "linux"), name);
  }
  const files = rows.map(([name]) => filePath(name, "windows").toLowerCase());
  assert.equal(new Set(files).size, rows.length);
  const device = /(?:^|\/)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\/|$)/i;
  for (const file of files) assert.doesNotMatch(file, new RegExp(`${device.source}|[<>:"|?*]|[. ](?:/|$)`, "i"));
});

Deno.test("paths on Windows: drives and shares say where they lead, elsewhere they are names of files", () => {
  for (
    const path of ["C:\\keys\\root.pem", "c:/keys", "C:root.pem", "\\\\server\\share\\x", "//server/share", "/x", "\\x"]
  ) {
    assert.equal(isAbsolute(path, "windows"), true, path);
  }
  for (const path of ["root.pem", ".\\root.pem", "..\\x", "keys/C:x", ""]) {
    assert.equal(isAbsolute(path, "windows"), false);
  }
  for (const path of ["C:\\keys", "c:x", "\\x", "x", ""]) assert.equal(isAbsolute(path, "linux"), false, path);
  assert.equal(isAbsolute("/x", "linux"), true);
});

Deno.test("names: folders and entries of folders as the platform's own functions have them", () => {
  const rows: Record<string, readonly string[]> = {
    linux: ["/", "/a", "/a/", "/a/b", "/a/b/c.d", "/a b/é", "/C:/a", "/a\\b/c"],
    windows: ["C:\\", "C:\\a", "C:\\a\\", "C:/a/b", "C:\\a\\b c", "\\\\s\\h\\", "\\\\s\\h\\a", "\\\\s\\h\\a\\b", "\\a"],
  };
  for (const [os, paths] of Object.entries(rows)) {
    const platform = os === "windows" ? win32 : posix;
    for (const path of paths) {
      const isRoot = platform.dirname(path) === path;
      assert.equal(folderOf(path, os), isRoot ? undefined : platform.dirname(path), path);
      assert.equal(platform.normalize(entryOf(path, "x", os)), platform.join(path, "x"), path);
    }
  }
});

Deno.test("names: paths in addresses", () => {
  for (const path of ["/a", "/a b/é%#?", "/C:/x\\y"]) {
    const address = pathToFileURL(path).href;
    assert.deepEqual([pathOfUrl(address, "linux"), fileURLToPath(address)], [path, path]);
  }
  assert.equal(pathOfUrl("file:///C:/a%20b/c%23", "windows"), "C:\\a b\\c#");
  assert.equal(pathOfUrl("file://server/share/a", "windows"), "\\\\server\\share\\a");
});
