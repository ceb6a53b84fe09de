/**
 * The templates in `ci/` that hold one of its scripts, as the systems that read them know no other file of theirs:
 * `deno task sync` writes the scripts into them.
 *
 * @module
 */

/** The scripts, which the others hold. */
export const SCRIPTS = ["ci/shell/sign.sh", "ci/powershell/sign.ps1"] as const;

/** Which template holds which script. */
const TEMPLATES: Readonly<Record<string, readonly (typeof SCRIPTS[number])[]>> = {
  "ci/gitlab/templates/sign.yml": ["ci/shell/sign.sh"],
  "ci/azure/sign.yml": ["ci/shell/sign.sh", "ci/powershell/sign.ps1"],
};

/** Copies, by the script that they are of. */
const COPIES: Readonly<Record<string, typeof SCRIPTS[number]>> = {
  "ci/jenkins/resources/tagseal/sign.sh": "ci/shell/sign.sh",
  "ci/jenkins/resources/tagseal/sign.ps1": "ci/powershell/sign.ps1",
};

/** All files that hold a script, by path, as they should be; `read` gives those that are there. */
export async function ciTemplates(read: (path: string) => Promise<string>): Promise<Map<string, string>> {
  const scripts = new Map<string, string>();
  for (const path of SCRIPTS) scripts.set(path, await read(path));
  const files = new Map(Object.entries(COPIES).map(([copy, script]) => [copy, scripts.get(script)!]));
  for (const [path, held] of Object.entries(TEMPLATES)) {
    files.set(path, held.reduce((text, script) => holding(text, script, scripts.get(script)!), await read(path)));
  }
  return files;
}

/** `template` with the text of `script` below the line of YAML that names it. */
function holding(template: string, name: string, script: string): string {
  const lines = template.split("\n");
  const at = lines.findIndex((line) => line.endsWith(`| # ${name}`));
  const first = /^ *(?:- )?/.exec(lines[at] ?? "")![0].length;
  const after = lines.findIndex((line, i) => i > at && line !== "" && /^ */.exec(line)![0].length <= first);
  if (at < 0 || after < 0) throw new Error(`There is no place for ${name}`);
  const indent = " ".repeat(first + 2);
  const block = script.trimEnd().split("\n").map((line) => line === "" ? "" : indent + line);
  const gap = lines[after - 1] === "" ? [""] : [];
  return [...lines.slice(0, at + 1), ...block, ...gap, ...lines.slice(after)].join("\n");
}
