/** The public names of the library: what `deno.json` exports, and what each of those entries does. @module */
import { fileURLToPath } from "node:url";

/** Entries by name, as `exports` of `deno.json` has them: `./tuf` and its file. */
export type Entries = Readonly<Record<string, string>>;

/** Documentation as `deno doc --json` writes it, as far as it is looked at. */
interface Documentation {
  readonly nodes: Readonly<Record<string, { readonly symbols: readonly { readonly name: string }[] }>>;
}

/** The sorted names of each entry. */
export async function publicNames(entries: Entries): Promise<ReadonlyMap<string, readonly string[]>> {
  const project = new URL("../", import.meta.url);
  const { stdout } = await new Deno.Command("deno", {
    args: ["doc", "--json", ...Object.values(entries)],
    cwd: fileURLToPath(project),
  }).output();
  const { nodes }: Documentation = JSON.parse(new TextDecoder().decode(stdout));
  return new Map(
    Object.entries(entries).map(([entry, file]) => {
      const { symbols } = nodes[new URL(file, project).href]!;
      return [entry, [...new Set(symbols.map(({ name }) => name))].sort()];
    }),
  );
}

/** The list of all, one name a line, so that a change shows. */
export function namesFile(names: ReadonlyMap<string, readonly string[]>): string {
  return [...names].flatMap(([entry, all]) => all.map((name) => `${entry} ${name}\n`)).join("");
}
