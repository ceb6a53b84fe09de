/**
 * `deno task bundle`: writes the single file `dist/tagseal`, and `dist/tagseal.cmd`, which starts it on Windows.
 *
 * @module
 */
import { utf8 } from "../lib/bytes/bytes.ts";
import { printable } from "../lib/bytes/printable.ts";
import { exitCodeOf } from "../lib/cli/exit_codes.ts";
import { errorLines } from "../lib/cli/report.ts";
import { isTagsealError } from "../lib/errors.ts";
import { writeFileAtomically } from "../lib/files/files.ts";
import { commonJsOf, PROJECT, withParts } from "./parts.ts";
import { singleFile } from "./single_file.ts";
import { WINDOWS_LAUNCHER } from "./windows_launcher.ts";

async function build(file: string): Promise<void> {
  const text = await withParts(async (parts) => singleFile(await commonJsOf(parts, "programUrl")));
  await writeFileAtomically(file, utf8(text), { mode: 0o755, replace: true, ownCode: true });
  await writeFileAtomically(`${file}.cmd`, utf8(WINDOWS_LAUNCHER), { replace: true, ownCode: true });
}

if (import.meta.main) {
  const say = (line: string) => Deno.stderr.writeSync(utf8(`${line}\n`));
  const file = `${PROJECT}dist/tagseal`;
  try {
    await build(file);
    say(`The single file is "${file}".`);
  } catch (error) {
    errorLines(error, !isTagsealError(error)).map(printable).forEach(say);
    Deno.exit(exitCodeOf(error));
  }
}
