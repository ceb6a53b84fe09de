/**
 * GitHub's own checks of workflows and actions, as a program: reads `{"name": "text"}` from standard input and prints what
 * is wrong with each. It has to be bundled, as its packages load JSON in a way that only bundlers take.
 *
 * @module
 */
import { validate } from "npm:@actions/languageservice@0.3.61";
import { TextDocument } from "npm:vscode-languageserver-textdocument@1.0.12";
import { parse } from "npm:yaml@2.9.1";

const files: Record<string, string> = JSON.parse(await new Response(Deno.stdin.readable).text());
const { inputs } = parse(files["action.yml"]!);
const found: Record<string, string[]> = {};
for (const [name, text] of Object.entries(files)) {
  const document = TextDocument.create(`file:///project/${name}`, "yaml", 1, text);
  // Of all actions this one is known.
  const fetchActionMetadata = ({ path }: { path?: string }) =>
    Promise.resolve(path === "ci/github" ? { name: "", description: "", inputs } : undefined);
  const problems = await validate(document, { actionsMetadataProvider: { fetchActionMetadata } });
  found[name] = problems.map(({ range, message }) => `${range.start.line + 1}: ${message}`)
    .filter((problem) => !problem.includes("Unable to resolve action `actions/"));
}
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(found)));
