/** Files that are none, and disks that do not take what is written. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { addToFile, readFileBounded, requireFile, writeFileAtomically } from "../../lib/files/files.ts";
import { failsWith } from "../support/failures.ts";
import { inFolder, mode, names } from "../support/test_files.ts";

const hasTools = await (async () => {
  try {
    const { success } = await new Deno.Command("sh", { args: ["-c", "command -v mkfifo"], stdout: "null" }).output();
    return success;
  } catch {
    return false;
  }
})();

function fileTest(name: string, run: (folder: string) => Promise<void>): void {
  Deno.test({
    name: `odd files: ${name}${hasTools ? "" : " (skipped: install coreutils)"}`,
    ignore: Deno.build.os === "windows" || !hasTools,
    fn: () => inFolder(run),
  });
}

async function makePipe(path: string): Promise<void> {
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  assert.ok(success);
}

/** Runs `code`, which may use `files` and `path`, in a process of its own, after `limits` of the shell; what it prints. */
async function inProcess(limits: string, path: string, code: string): Promise<string> {
  const module = new URL("../../lib/files/files.ts", import.meta.url).href;
  const script = `import * as files from ${JSON.stringify(module)};\nconst path = ${JSON.stringify(path)};\n${code}`;
  const { stdout, stderr, code: exit } = await new Deno.Command("sh", {
    args: ["-c", `${limits}; exec "$0" eval "$1"`, Deno.execPath(), script],
    signal: AbortSignal.timeout(60_000),
    env: { NO_COLOR: "1" },
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  assert.equal(exit, 0, `ended with ${exit}: ${error}`);
  return out.trim();
}

fileTest("a device is refused", async () => {
  for (const path of ["/dev/zero", "/dev/null"]) {
    for (const read of [readFileBounded, requireFile]) {
      await failsWith(read(path, 100), "bad-input", `"${path}" cannot be read: it is not a file`);
    }
  }
});

// In a process of its own: where somebody waited for a writer, nothing in this one could end it.
fileTest("a pipe is refused, also behind a link, and nobody waits for a writer", async (folder) => {
  await makePipe(`${folder}/pipe`);
  await Deno.symlink(`${folder}/pipe`, `${folder}/link`);
  const code = "console.log(await files.requireFile(path, 9).catch(({ code, message }) => `${code}: ${message}`));";
  for (const path of [`${folder}/pipe`, `${folder}/link`]) {
    assert.equal(await inProcess("true", path, code), `bad-input: "${path}" cannot be read: it is not a file`);
  }
});

fileTest("what is no file at the target stays as it is, replacing or not", async (folder) => {
  await makePipe(`${folder}/pipe`);
  await Deno.mkdir(`${folder}/folder`);
  using _socket = Deno.listen({ transport: "unix", path: `${folder}/socket` });
  for (const [name, what] of [["pipe", "a pipe"], ["socket", "a pipe, a socket"], ["folder", "a folder"]] as const) {
    const path = `${folder}/${name}`;
    await failsWith(writeFileAtomically(path, utf8("x"), { replace: false }), "exists", `"${path}" exists already`);
    await failsWith(
      writeFileAtomically(path, utf8("x"), { replace: true }),
      "bad-input",
      what,
      "only files are replaced",
    );
  }
  assert.equal((await Deno.lstat(`${folder}/pipe`)).isFifo, true);
  assert.equal((await Deno.lstat(`${folder}/socket`)).isSocket, true);
  assert.deepEqual(await names(folder), ["folder", "pipe", "socket"]);
});

fileTest("a link that leads nowhere, or in a circle", async (folder) => {
  await Deno.symlink(`${folder}/nothing`, `${folder}/nowhere`);
  await Deno.symlink(`${folder}/circle`, `${folder}/circle`);
  assert.equal(await readFileBounded(`${folder}/nowhere`, 10), undefined);
  await failsWith(readFileBounded(`${folder}/circle`, 10), "bad-input", `"${folder}/circle" cannot be read: `);
});

// A disk that is full, as the system tells it: no file may grow beyond 512 bytes.
const FULL = "trap '' XFSZ; ulimit -f 1";

for (const replace of [true, false]) {
  for (const lazy of [true, false]) {
    const how = `${replace ? "replacing" : "new"}${lazy ? ", lazily" : ""}`;
    fileTest(`a disk that takes a part only: the old file stays, and nothing else (${how})`, async (folder) => {
      const path = `${folder}/file`;
      if (replace) await Deno.writeTextFile(path, "old");
      const code = `const bytes = new Uint8Array(100_000);
        const options = { replace: ${replace}, lazy: ${lazy}, mode: 0o600 };
        const told = await files.writeFileAtomically(path, bytes, options)
          .then(() => "written", ({ code, message }) => code + ": " + message);
        console.log(told);`;
      assert.match(await inProcess(FULL, path, code), /^bad-input: ".*\/file" cannot be written: File too large/);
      assert.deepEqual(await names(folder), replace ? ["file"] : []);
      if (replace) assert.equal(await Deno.readTextFile(path), "old");
    });
  }
}

fileTest("a name that leaves no room for a temporary one: the old file stays, and nothing else", async (folder) => {
  const path = `${folder}/${"n".repeat(250)}`;
  await Deno.writeTextFile(path, "old");
  await failsWith(writeFileAtomically(path, utf8("new"), { replace: true }), "bad-input", "cannot be written: ");
  assert.equal(await Deno.readTextFile(path), "old");
  assert.equal((await names(folder)).length, 1);
});

fileTest("a folder that takes no files: the old file stays, and nothing else", async (folder) => {
  await Deno.writeTextFile(`${folder}/file`, "old");
  await Deno.chmod(folder, 0o500);
  // To root nothing is forbidden: a folder that takes no files of anybody's has to do.
  const path = Deno.uid() === 0 ? "/proc/version" : `${folder}/file`;
  const code = `const before = Deno.readTextFileSync(path);
    const told = await files.writeFileAtomically(path, new Uint8Array(3), { replace: true })
      .then(() => "written", ({ code, message }) => code + ": " + message);
    console.log(told, Deno.readTextFileSync(path) === before ? "(as before)" : "(changed)");`;
  try {
    assert.match(await inProcess("true", path, code), /^bad-input: "\/.*" cannot be written: .* \(as before\)$/);
    assert.deepEqual(await names(folder), ["file"]);
  } finally {
    await Deno.chmod(folder, 0o700);
  }
});

Deno.test({
  name: "odd files: where this process may not write, that is said, and the old file stays",
  permissions: { read: true, write: [], run: false },
  async fn() {
    const path = new URL("../../README.md", import.meta.url).pathname;
    const before = await Deno.readTextFile(path);
    const writing = writeFileAtomically(path, utf8("new"), { replace: true });
    const error = await failsWith(writing, "bad-input", "may not be written under this task's permissions");
    assert.match(error.remedy, /permission set/);
    assert.equal(await Deno.readTextFile(path), before);
  },
});

fileTest("mode bits are those that were asked for, whatever was there", async (folder) => {
  const cases: [before: number | undefined, asked: number | undefined, after: number][] = [
    [undefined, 0o600, 0o600],
    [0o644, 0o600, 0o600],
    [0o666, 0o600, 0o600],
    [0o600, undefined, 0o644],
    [undefined, undefined, 0o644],
    [0o400, 0o600, 0o600],
  ];
  const path = `${folder}/file`;
  const code = `const [before, asked] = JSON.parse(Deno.readTextFileSync(path + ".json"));
    if (before !== null) { Deno.writeTextFileSync(path, "old"); Deno.chmodSync(path, before); }
    const mode = asked === null ? {} : { mode: asked };
    await files.writeFileAtomically(path, new Uint8Array(3), { replace: true, ...mode });`;
  for (const [before, asked, after] of cases) {
    await Deno.writeTextFile(`${path}.json`, JSON.stringify([before ?? null, asked ?? null]));
    await inProcess("umask 022", path, code);
    assert.equal(await mode(path), after, `${before?.toString(8)} -> ${asked?.toString(8)}`);
    await Deno.remove(path);
  }
});

fileTest("a mask of the user's takes bits away, and adds none", async (folder) => {
  const path = `${folder}/made/file`;
  const code = "await files.writeFileAtomically(path, new Uint8Array(3), { replace: false });";
  await inProcess("umask 077", path, code);
  assert.deepEqual([await mode(path), await mode(`${folder}/made`)], [0o600, 0o700]);
});

fileTest("an entry that must last is flushed with its folder, and with all folders made for it", async (folder) => {
  const path = `${folder}/a/b/file`;
  const code = `const synced = [];
    const open = Deno.openSync;
    Deno.openSync = (at, options) => {
      const file = open(at, options);
      for (const name of ["sync", "syncSync"]) {
        const sync = file[name].bind(file);
        file[name] = () => { synced.push(at.replace(/.[0-9a-f]{8}.tmp$/, "").replace(/[/]+$/, "")); return sync(); };
      }
      return file;
    };
    await files.writeFileAtomically(path, new Uint8Array(3), { replace: false });
    await files.writeFileAtomically(path + ".lazy", new Uint8Array(3), { replace: false, lazy: true });
    Deno.removeSync(path.replace(/[/]b[/]file$/, ""), { recursive: true });
    const writing = files.writeFileAtomically(path, new Uint8Array(3), { replace: true, aside: true });
    synced.push(Array.from(Deno.readDirSync(path.replace(/[/]file$/, "")), ({ name }) => name !== "file").join());
    await writing;
    console.log(synced.join(" "));`;
  const synced = await inProcess("true", path, code);
  const flushed = [`${folder}/a/b`, `${folder}/a`, folder];
  // Aside, nothing has the file's name before the disk has its bytes, and others have their turn meanwhile.
  assert.equal(synced, [path, ...flushed, path, "true", ...flushed].join(" "));
});

fileTest(
  "something is added to a regular file that is there, through no link, and up to its longest",
  async (folder) => {
    const [file, pipe, link] = [`${folder}/file`, `${folder}/pipe`, `${folder}/link`];
    await Deno.writeTextFile(file, "a");
    await makePipe(pipe);
    await Deno.symlink(file, link);
    for (const path of [pipe, link, folder, `${folder}/none`, `${folder}/none/file`]) {
      await failsWith(Promise.resolve().then(() => addToFile(path, utf8("b"), 10)), "bad-input", "cannot be written");
    }
    assert.deepEqual(await names(folder), ["file", "link", "pipe"]);
    addToFile(file, utf8("bc"), 3);
    addToFile(file, utf8("d"), 3);
    assert.equal(await Deno.readTextFile(file), "abc");
  },
);
