/** Replacing a program's file: killed at each call it is the old one or the new one, and runs. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { openReplacement } from "../../lib/files/replace.ts";
import { failsWith } from "../support/failures.ts";
import { runWatched } from "../support/killed.ts";
import { inFolder } from "../support/test_files.ts";

const OLD = "#!/bin/sh\necho old\n";
const NEW = "#!/bin/sh\necho new\n";
const ROOM = new URL("../../lib/", import.meta.url).href;

function programTest(name: string, run: (path: string, folder: string) => Promise<void>): void {
  Deno.test({
    name: `replacing a program: ${name}`,
    ignore: Deno.build.os === "windows",
    fn: () =>
      inFolder(async (folder) => {
        await Deno.writeTextFile(`${folder}/tagseal`, OLD, { mode: 0o755 });
        await run(`${folder}/tagseal`, folder);
      }),
  });
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

async function prints(path: string): Promise<string> {
  const { stdout } = await new Deno.Command(path).output();
  return new TextDecoder().decode(stdout).trim();
}

/** Replaces it in a process that is killed at the `nth` call of what changes something. */
async function killedAt(
  nth: number,
  path: string,
  before = "",
): Promise<{ killed: boolean; call: string | undefined }> {
  const program = `${before}
    const { openReplacement } = await import(${JSON.stringify(ROOM)} + "files/replace.ts");
    using file = openReplacement(${JSON.stringify(path)}, "linux");
    file.put(new TextEncoder().encode(${JSON.stringify(NEW)}));`;
  const { signal, stderr, calls } = await runWatched({ program, at: nth });
  assert.equal(stderr, "");
  return { killed: signal === "SIGKILL", call: calls[nth] };
}

programTest("killed at each call", async (path, folder) => {
  await Deno.writeTextFile(`${path}.previous`, "older still");
  const calls: string[] = [];
  const results: string[] = [];
  for (let nth = 0;; nth++) {
    const { killed, call } = await killedAt(nth, path);
    if (!killed) break;
    calls.push(call!);
    results.push(await prints(path));
    if (results.at(-1) === "new") {
      assert.equal(await Deno.readTextFile(`${path}.previous`), OLD);
      await Deno.writeTextFile(path, OLD);
    }
    for (const name of names(folder)) if (name.endsWith(".tmp")) await Deno.remove(`${folder}/${name}`);
  }
  const moved = calls.lastIndexOf("renameSync");
  assert.ok(
    ["writeSync", "chmodSync", "syncSync", "linkSync"].every((call) => calls.indexOf(call) < moved),
    `${calls}`,
  );
  assert.deepEqual(results, calls.map((_, nth) => nth <= moved ? "old" : "new"));
  assert.equal(await prints(path), "new");
  assert.deepEqual(names(folder), ["tagseal", "tagseal.previous"]);
});

programTest(
  "on Windows a program that runs is moved aside first, and moved back where that was in vain",
  async (_, folder) => {
    const path = `${folder}/tagseal.exe`;
    await Deno.writeTextFile(path, OLD, { mode: 0o755 });
    {
      using file = openReplacement(path, "windows");
      file.put(utf8(NEW));
      assert.equal(file.previousPath, `${folder}/tagseal.previous.exe`);
    }
    assert.equal(await Deno.readTextFile(path), NEW);
    assert.equal(await Deno.readTextFile(`${folder}/tagseal.previous.exe`), OLD);
    using file = openReplacement(path, "windows");
    const temporary = names(folder).find((name) => name.endsWith(".tmp"))!;
    await Deno.remove(`${folder}/${temporary}`); // as a virus scanner does
    await failsWith(() => file.put(utf8(OLD)), "bad-input", "cannot be replaced");
    assert.equal(await Deno.readTextFile(path), NEW, "it is where it was");
  },
);

programTest("what a killed process left goes an hour later, and nothing of others", async (path, folder) => {
  const left = ["tagseal.0123abcd.tmp", "tagseal.previous.0123abcd.tmp", "tagseal.4567cdef.tmp", "mine.0123abcd.tmp"];
  for (const name of left) await Deno.writeTextFile(`${folder}/${name}`, "");
  const before = new Date(Date.now() - 3_601_000);
  for (const name of [0, 1, 3].map((i) => left[i]!)) await Deno.utime(`${folder}/${name}`, before, before);
  openReplacement(path)[Symbol.dispose]();
  assert.deepEqual(names(folder), ["mine.0123abcd.tmp", "tagseal", "tagseal.4567cdef.tmp"]);
});

programTest("by a link: what it leads to is replaced, and the link stays", async (path, folder) => {
  await Deno.mkdir(`${folder}/bin`);
  await Deno.symlink("../tagseal", `${folder}/bin/tagseal`);
  using file = openReplacement(`${folder}/bin/tagseal`);
  file.put(utf8(NEW));
  assert.equal(file.path, await Deno.realPath(path));
  assert.equal(await Deno.readLink(`${folder}/bin/tagseal`), "../tagseal");
  assert.equal(await prints(`${folder}/bin/tagseal`), "new");
  assert.deepEqual(names(`${folder}/bin`), ["tagseal"]);
});

programTest(
  "what lies in the way of the old one's name: a link is replaced, a folder refuses",
  async (path, folder) => {
    await Deno.writeTextFile(`${folder}/precious`, "precious");
    await Deno.symlink("precious", `${path}.previous`);
    {
      using file = openReplacement(path);
      file.put(utf8(NEW));
    }
    assert.equal(await Deno.readTextFile(`${folder}/precious`), "precious");
    assert.equal(await Deno.readTextFile(`${path}.previous`), OLD);
    await Deno.remove(`${path}.previous`);
    await Deno.mkdir(`${path}.previous`);
    {
      using file = openReplacement(path);
      await failsWith(() => file.put(utf8(OLD)), "bad-input", "cannot be replaced");
    }
    assert.equal(await prints(path), "new");
    assert.deepEqual(names(folder), ["precious", "tagseal", "tagseal.previous"]);
  },
);

programTest("disposed of before it is used, and where the program is gone, nothing is left", async (path, folder) => {
  openReplacement(path)[Symbol.dispose]();
  assert.deepEqual(names(folder), ["tagseal"]);
  await failsWith(() => openReplacement(`${folder}/none`), "bad-input", "cannot be replaced");
  assert.deepEqual(names(folder), ["tagseal"]);
});

programTest("a umask takes nothing away from the program's mode", async (path) => {
  assert.equal((await killedAt(99, path, "Deno.umask(0o077);")).killed, false);
  assert.equal(await prints(path), "new");
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o755);
});
