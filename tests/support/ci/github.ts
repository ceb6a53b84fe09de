/**
 * Composite actions as GitHub's runner runs them: expressions by its own evaluator, each step in the shell that it names,
 * caches that a key never writes twice.
 *
 * @see {@link https://docs.github.com/actions/reference/workflows-and-actions/metadata-syntax | action.yml}
 * @module
 */
import assert from "node:assert/strict";
import { data, Evaluator, Lexer, Parser } from "npm:@actions/expressions@0.3.61";
import { parse } from "yaml";
import { type CiSystem, type Files, filesIn, newMachine, PROJECT, runScript, textOf, writeFiles } from "./system.ts";

interface Action {
  readonly inputs: Readonly<Record<string, { readonly required?: boolean; readonly default?: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

interface Step {
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly shell?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

type Values = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What an expression is, as a text. */
function evaluated(expression: string, contexts: Values, functions: Readonly<Record<string, (of: string) => string>>) {
  const known = Object.entries(functions).map(([name, call]) => ({
    name,
    minArgs: 0,
    maxArgs: 1,
    call: (of?: { coerceString(): string }) => new data.StringData(call(of?.coerceString() ?? "")),
  }));
  const dictionary = (values: Readonly<Record<string, string>>) =>
    new data.Dictionary(...Object.entries(values).map(([key, value]) => ({ key, value: new data.StringData(value) })));
  const context = new data.Dictionary(
    ...Object.entries(contexts).map(([key, values]) => ({ key, value: dictionary(values) })),
  );
  const { tokens } = new Lexer(expression).lex();
  const tree = new Parser(tokens, Object.keys(contexts), known).parse();
  return new Evaluator(tree, context, new Map(known.map((one) => [one.name.toLowerCase(), one]))).evaluate();
}

/** `ci/github/action.yml`, used by a step of a workflow. */
export const GITHUB: CiSystem = {
  name: "GitHub",
  needs: ["curl"],
  async begin(folder, rootPem) {
    const action: Action = parse(await Deno.readTextFile(`${PROJECT}ci/github/action.yml`));
    const caches = new Map<string, Files>();
    let attempt = 0;
    return async (options, { env, secrets }) => {
      attempt++;
      const { work, home } = await newMachine(folder, rootPem);
      const summary = `${work}/../summary.md`;
      await Deno.writeTextFile(summary, "");
      const given = withOf({ ...options, mode: options.mode === "submit" ? "submit" : "sign" });
      for (const name of Object.keys(given)) assert.ok(name in action.inputs, `no input "${name}"`);
      const inputs = Object.fromEntries(
        Object.entries(action.inputs).map(([name, { required, default: or }]) => {
          assert.ok(!required || given[name], `the input "${name}" is required`);
          return [name, given[name] ?? or ?? ""];
        }),
      );
      const contexts = {
        inputs,
        runner: { os: "Linux" },
        github: { run_id: "4711", run_attempt: `${attempt}`, action_path: `${PROJECT}ci/github` },
      };
      let failed = false, log = "";
      const functions = {
        always: () => "true",
        success: () => failed ? "" : "true",
        hashFiles: (pattern: string) => {
          const [, path] = /^(.*)\/\*\.json$/.exec(pattern)!;
          return [...filesIn(`${work}/${path}`).keys()].some((name) => name.endsWith(".json")) ? "a hash" : "";
        },
      };
      const text = (value: string) =>
        value.replaceAll(/\$\{\{(.*?)\}\}/g, (_, inner) => evaluated(inner, contexts, functions).coerceString());
      for (const step of action.runs.steps) {
        const condition = /\b(always|success|failure)\(/.test(step.if ?? "")
          ? step.if!
          : `success() && (${step.if ?? "true"})`;
        const holds = evaluated(condition, contexts, functions).coerceString();
        if (holds === "" || holds === "false") continue;
        const [, kind] = /^actions\/cache\/(restore|save)@[0-9a-f]{40}$/.exec(step.uses ?? "") ?? [];
        const { path = "", key = "", "restore-keys": prefix } = mapped(step.with ?? {}, text);
        if (kind === "restore") {
          const newest = [...caches.keys()].findLast((name) => prefix !== undefined && name.startsWith(prefix));
          const found = caches.get(key) ?? caches.get(newest ?? "");
          if (found !== undefined) writeFiles(`${work}/${path}`, found);
        } else if (kind === "save") {
          if (!caches.has(key)) caches.set(key, filesIn(`${work}/${path}`));
        } else {
          assert.equal(step.shell, "sh");
          const end = await runScript(["sh", "-e"], text(step.run!), work, {
            ...env,
            ...secrets,
            HOME: home,
            GITHUB_ACTIONS: "true",
            GITHUB_STEP_SUMMARY: summary,
            GITHUB_ACTION_PATH: contexts.github.action_path,
            ...mapped(step.env ?? {}, text),
          });
          failed ||= end.code !== 0;
          log += end.log;
        }
      }
      return { succeeded: !failed, log, summary: await textOf(summary) };
    };
  },
};

/** The same options as the inputs of the action. */
function withOf(options: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace("sha-256", "sha256"),
      `${value}`,
    ]),
  );
}

function mapped(values: Readonly<Record<string, string>>, map: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(`${value}`)]));
}
