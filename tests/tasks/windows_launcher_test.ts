/** The launcher for Windows: no Windows is here to run it, so that what can break it is looked for. */
import assert from "node:assert/strict";
import { builtFile } from "../support/built_file.ts";
import { FILE_FLAGS } from "../../tasks/single_file.ts";
import { WINDOWS_LAUNCHER } from "../../tasks/windows_launcher.ts";

Deno.test("launcher for Windows: starts the file beside it with the flags that the shell of others gives it", async () => {
  const lines = WINDOWS_LAUNCHER.split("\r\n");
  assert.ok(!WINDOWS_LAUNCHER.replaceAll("\r\n", "").includes("\n"), "labels are found behind these line ends only");
  assert.match(WINDOWS_LAUNCHER, /^[ -~\r\n]*$/, "whatever the code page is");
  const start = lines.find((line) => line.includes("%*"))!;
  assert.equal(start, `"%TAGSEAL_DENO%" run ${FILE_FLAGS.join(" ")} %TAGSEAL_FFI% "%~dp0tagseal" %*`);
  const shell = (await Deno.readTextFile(await builtFile())).split("\n").find((line) =>
    line.includes("exec deno run ")
  )!;
  assert.ok(shell.includes(` ${FILE_FLAGS.join(" ")} `), "the same as on other systems");
  // An argument with ")" would end a block, one with "!" would be expanded, and the code of a program before is not wanted.
  for (const line of lines) assert.doesNotMatch(line, /[!^]/, line);
  const foreign = lines.filter((line) => /%(?:\*|TAGSEAL)/.test(line));
  assert.ok(foreign.length > 1);
  for (const line of foreign) assert.doesNotMatch(line, /[()]/, line);
  assert.ok(lines.includes("setlocal DisableDelayedExpansion"));
  assert.equal(lines[lines.indexOf(start) + 1], "exit /b %ERRORLEVEL%");
  assert.ok(start.length < 4000, "a command line has 8191 characters at most");
});

Deno.test("launcher for Windows: is written beside the file", async () => {
  assert.equal(await Deno.readTextFile(`${await builtFile()}.cmd`), WINDOWS_LAUNCHER);
});
