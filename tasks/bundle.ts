/**
 * `deno task bundle`: writes the single file `dist/tagseal`, and `dist/tagseal.cmd`, which starts it on Windows.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { utf8 } from "../lib/bytes/bytes.ts";
import { printable } from "../lib/bytes/printable.ts";
import { exitCodeOf } from "../lib/cli/exit_codes.ts";
import { errorLines } from "../lib/cli/report.ts";
import { isTagsealError } from "../lib/errors.ts";
import { removeFolder, requireFile, writeFileAtomically } from "../lib/files/files.ts";
import { bundle, toCommonJs } from "./bundler.ts";
import { singleFile } from "./single_file.ts";
import { WINDOWS_LAUNCHER } from "./windows_launcher.ts";

const PROJECT = fileURLToPath(new URL("..", import.meta.url));
const MAX_PART_BYTES = 16 * 2 ** 20;

async function build(file: string): Promise<void> {
  const folder = `${file}.parts-${crypto.randomUUID().slice(0, 8)}`;
  try {
    await bundle("-q", "--minify", "--code-splitting", "--outdir", folder, `${PROJECT}tasks/main.ts`);
    const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
    await toCommonJs(names.map((name) => `${folder}/${name}`), "programUrl", `${folder}/parts`);
    const parts = new Map<string, string>();
    for (const name of names) {
      parts.set(name, new TextDecoder().decode(await requireFile(`${folder}/parts/${name}`, MAX_PART_BYTES)));
    }
    await writeFileAtomically(file, utf8(singleFile(parts)), { mode: 0o755, replace: true, ownCode: true });
    await writeFileAtomically(`${file}.cmd`, utf8(WINDOWS_LAUNCHER), { replace: true, ownCode: true });
  } finally {
    await removeFolder(folder);
  }
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
