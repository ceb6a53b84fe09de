/**
 * Templates of Azure Pipelines, expanded and run as its service and its agent do it, as far as `ci/azure/` goes. What is
 * not known here is an error, not ignored.
 *
 * @see {@link https://learn.microsoft.com/azure/devops/pipelines/yaml-schema/ | YAML schema}
 * @module
 */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { type CiSystem, type Files, filesIn, newMachine, PROJECT, runScript, textOf, writeFiles } from "./system.ts";

interface Template {
  readonly parameters: readonly {
    readonly name: string;
    readonly type: "string" | "number" | "boolean" | "object";
    readonly default?: string | number | boolean;
    readonly values?: readonly string[];
  }[];
  readonly steps: readonly Step[];
}

type Text = Readonly<Record<string, string>>;
type Step = Readonly<Record<string, string | boolean | Text>>;
type Parameters = Readonly<Record<string, string | number | boolean | Text>>;

/** The keys that a step of each kind may have. */
const COMMON = ["displayName", "condition", "continueOnError", "env", "timeoutInMinutes", "retryCountOnTaskFailure"];
const KINDS: Readonly<Record<string, readonly string[]>> = {
  bash: COMMON,
  powershell: [...COMMON, "errorActionPreference"],
  task: [...COMMON, "inputs"],
  publish: [...COMMON, "artifact"],
};

/** The steps of a template, with parameters in their places. @throws {Error} where the two do not fit */
export function expanded(template: Template, given: Parameters): Step[] {
  assert.deepEqual(Object.keys(template).sort(), ["parameters", "steps"]);
  for (const name of Object.keys(given)) assert.ok(template.parameters.some((one) => one.name === name), name);
  const values: Record<string, string | number | boolean | Text> = {};
  for (const { name, type, default: or, values: allowed, ...more } of template.parameters) {
    assert.deepEqual(more, {});
    const value = given[name] ?? or;
    assert.equal(typeof value, type, `the parameter "${name}"`);
    assert.ok(!allowed || allowed.includes(value as string), `"${value}" is none of "${name}"`);
    values[name] = value!;
  }
  const text = (written: string) =>
    written.replaceAll(/\$\{\{ *parameters\.(\w+) *\}\}/g, (_, name) => {
      assert.ok(name in values, `no parameter "${name}"`);
      return String(values[name]);
    });
  const object = (written: Text): Text =>
    Object.fromEntries(
      Object.entries(written).flatMap(([name, value]) => {
        if (name !== "${{ insert }}") return [[name, text(String(value))]];
        return Object.entries(values[/parameters\.(\w+)/.exec(value)![1]!]!);
      }),
    );
  return template.steps.map((step) => {
    const kind = Object.keys(KINDS).find((name) => name in step);
    assert.ok(kind, `a step of an unknown kind: ${Object.keys(step)}`);
    for (const key of Object.keys(step)) assert.ok(key === kind || KINDS[kind]!.includes(key), `"${key}" of ${kind}`);
    const all = Object.entries(step).map(([key, value]) => [
      key,
      typeof value === "boolean" ? value : typeof value === "string" ? text(value) : object(value),
    ]);
    const done: Step = Object.fromEntries(all);
    assert.doesNotMatch(JSON.stringify(done), /\$\{\{/, "an expression that is not known here");
    return done;
  });
}

/** Whether a condition holds. */
function holds(condition: string, variables: Text, failed: boolean): boolean {
  const functions: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
    succeeded: () => !failed,
    always: () => true,
    and: (...all) => all.every(Boolean),
    or: (...all) => all.some(Boolean),
    eq: (a, b) => String(a) === String(b),
    ne: (a, b) => String(a) !== String(b),
    gt: (a, b) => Number(a) > Number(b),
  };
  const words: string[] = condition.match(/variables\['[^']*'\]|'[^']*'|\w+|[(),]/g)!;
  const next = () => words[0];
  const value = (): unknown => {
    const word = words.shift()!;
    if (next() !== "(") {
      const [, name] = /^variables\['(.*)'\]$/.exec(word) ?? [];
      return name === undefined ? word.replaceAll("'", "") : variables[name] ?? "";
    }
    words.shift();
    const args: unknown[] = [];
    while (next() !== ")") {
      if (next() === ",") words.shift();
      else args.push(value());
    }
    words.shift();
    assert.ok(functions[word], `the function "${word}" is not known here`);
    return functions[word](...args);
  };
  return Boolean(value());
}

/** `ci/azure/sign.yml`. */
export const AZURE: CiSystem = {
  name: "Azure Pipelines",
  needs: ["curl"],
  async begin(folder, rootPem) {
    const template: Template = parse(await Deno.readTextFile(`${PROJECT}ci/azure/sign.yml`));
    const artifacts = new Map<string, Files>();
    const attempts = new Map<string, number>();
    return async (options, { env, secrets }) => {
      const { work, home } = await newMachine(folder, rootPem);
      const attempt = (attempts.get(options.mode) ?? 0) + 1;
      attempts.set(options.mode, attempt);
      const temporary = `${work}/../agent-temp`;
      await Deno.mkdir(temporary);
      const variables: Record<string, string> = {
        "System.JobAttempt": `${attempt}`,
        "System.DefaultWorkingDirectory": work,
        "Agent.OS": "Linux",
        ...secrets,
      };
      const macros = (text: string) => text.replaceAll(/\$\(([\w.]+)\)/g, (all, name) => variables[name] ?? all);
      const handed = Object.fromEntries(Object.keys(secrets).map((name) => [name, `$(${name})`]));
      let failed = false, log = "", summary = "";
      const { mode, ...others } = options;
      const which = mode === "later" ? { isLaterJob: true } : { mode };
      for (const step of expanded(template, { ...others, ...which, secrets: handed })) {
        if (!holds(String(step["condition"] ?? "succeeded()"), variables, failed)) continue;
        if (typeof step["bash"] === "string") {
          const end = await runScript(["bash", "--noprofile", "--norc"], macros(step["bash"]), work, {
            ...env,
            HOME: home,
            TF_BUILD: "True",
            AGENT_TEMPDIRECTORY: temporary,
            ...Object.fromEntries(Object.entries(step["env"] ?? {}).map(([name, value]) => [name, macros(value)])),
          });
          failed ||= end.code !== 0;
          log += end.log;
          for (const [, name, value] of end.log.matchAll(/^##vso\[task\.setvariable variable=(\w+)\](.*)$/gm)) {
            variables[name!] = value!;
          }
          for (const [, path] of end.log.matchAll(/^##vso\[task\.uploadsummary\](.*)$/gm)) {
            summary += await textOf(path!);
          }
        } else if (typeof step["publish"] === "string") {
          const name = macros(String(step["artifact"]));
          assert.ok(!artifacts.has(name), "an artifact is written once");
          artifacts.set(name, filesIn(`${work}/${step["publish"]}`));
        } else {
          assert.equal(step["task"], "DownloadPipelineArtifact@2");
          const { buildType, itemPattern, targetPath, ...more } = step["inputs"] as Text;
          assert.deepEqual([buildType, more], ["current", {}]);
          for (const [name, files] of artifacts) {
            assert.equal(itemPattern, "tagseal-*/*.json");
            const chosen = [...files].filter(([file]) => file.endsWith(".json"));
            writeFiles(`${macros(targetPath!)}/${name}`, new Map(chosen));
          }
        }
      }
      return { succeeded: !failed, log, summary };
    };
  },
};
