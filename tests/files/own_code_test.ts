/** Nothing is written into the program's own code, through whatever links; in a copy of it, should that fail. */
import assert from "node:assert/strict";
import { copyFolder } from "../support/folders.ts";
import { inFolder, names } from "../support/test_files.ts";

const LIB = new URL("../../lib", import.meta.url).pathname;

Deno.test({
  name: "own code: links into it lead nowhere, and all around it can be written",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const copy = `${folder}/project`;
      await Deno.mkdir(`${copy}/lib`, { recursive: true });
      await copyFolder(`${LIB}/files`, `${copy}/lib/files`);
      await copyFolder(`${LIB}/bytes`, `${copy}/lib/bytes`);
      await Deno.copyFile(`${LIB}/errors.ts`, `${copy}/lib/errors.ts`);
      const outside = `${folder}/outside`;
      await Deno.mkdir(outside);
      await Deno.symlink(`${copy}/lib`, `${outside}/lib-link`);
      await Deno.symlink(copy, `${outside}/link`);
      await Deno.symlink(outside, `${copy}/out-link`);
      const refused = [
        ...[`${outside}/lib-link/x`, `${outside}/lib-link/new/x`, `${outside}/lib-link/files/x`, `${copy}/lib/x`],
        ...[`${outside}/link/lib/x`, `${outside}/link/LIB/x`, `${outside}/link/mod.ts`, `${outside}/link/deno.json`],
        ...[`${outside}/link/node_modules/a/x`, `${outside}/link/.tagseal-pkcs11/x`, `${outside}/link/.git/hooks/x`],
        ...[`${outside}/nothing/../link/tasks/x`, `${outside}/lib-link/../link/lib/x`, `${outside}/link/./lib/x`],
      ];
      const taken = [
        ...[`${outside}/x`, `${outside}/lib/x`, `${outside}/link/x`, `${outside}/link/app.root.pem`, `${copy}/a/lib/x`],
        ...[`${copy}/out-link/lib/y`, `${copy}-2/lib/x`, `${outside}/link/library/x`],
      ];
      const script = `import { removeFile, writeFileAtomically } from ${JSON.stringify(`${copy}/lib/files/files.ts`)};
        import { withLock } from ${JSON.stringify(`${copy}/lib/files/lock.ts`)};
        const told = ({ message }) => message.replace(/.* leads into tagseal's own code.*/, "refused");
        const bytes = new TextEncoder().encode("evil");
        const all = [];
        for (const path of ${JSON.stringify([...refused, ...taken])}) {
          all.push([path,
            await writeFileAtomically(path, bytes, { replace: false }).then(() => "taken", told),
            await writeFileAtomically(path, bytes, { replace: true }).then(() => "taken", told),
            await removeFile(path).then(() => "taken", told),
            await withLock(path, "exclusive", () => Promise.resolve("taken")).catch(told)]);
        }
        console.log(JSON.stringify(all));`;
      const run = async (set: string[]) => {
        const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-q", "--no-prompt", "--no-config", ...set, `${folder}/script.ts`],
          cwd: outside,
          env: { NO_COLOR: "1" },
        }).output();
        const text = new TextDecoder().decode(stdout);
        assert.notEqual(text, "", new TextDecoder().decode(stderr));
        return JSON.parse(text) as [string, ...string[]][];
      };
      await Deno.writeTextFile(`${folder}/script.ts`, script);
      const lib = await names(`${copy}/lib`);
      const results = await run(["--allow-read", "--allow-write"]);
      assert.deepEqual(results.slice(0, refused.length), refused.map((path) => [path, ...Array(4).fill("refused")]));
      assert.deepEqual(results.slice(refused.length), taken.map((path) => [path, ...Array(4).fill("taken")]));
      assert.deepEqual(await names(`${copy}/lib`), lib);
      assert.ok(!(await names(copy)).includes("deno.json"));
    }),
});
