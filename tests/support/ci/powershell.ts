/** What of a PowerShell script cannot be parsed: there is no PowerShell here that could run it. @module */
import { Language, Parser } from "npm:web-tree-sitter@0.27.2";
// The grammar comes with this package; to name a file of it is all that loads it.
import grammar from "npm:tree-sitter-powershell@0.26.4/package.json" with { type: "json" };

/** The lines that make no sense. */
export async function powershellErrors(...scripts: readonly string[]): Promise<number[][]> {
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(await Deno.readFile(await grammarFile())));
  return scripts.map((script) => {
    const tree = parser.parse(script)!;
    const lines: number[] = [];
    const look = (node: typeof tree.rootNode) => {
      if (node.isError || node.isMissing) lines.push(node.startPosition.row + 1);
      for (const child of node.children) if (child) look(child);
    };
    look(tree.rootNode);
    return lines;
  });
}

/** Deno keeps packages by registry, name and version. */
async function grammarFile(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache }: { npmCache: string } = JSON.parse(new TextDecoder().decode(stdout));
  for (const { name } of Deno.readDirSync(npmCache)) {
    const file = `${npmCache}/${name}/tree-sitter-powershell/${grammar.version}/tree-sitter-powershell.wasm`;
    if (await Deno.stat(file).then(() => true, () => false)) return file;
  }
  throw new Error("The grammar is not in Deno's cache");
}
