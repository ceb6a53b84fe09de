/** The templates of `ci/` are what their systems take: by schemas and linters, which find what is put wrong on purpose. */
import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import { bundle } from "../../tasks/bundler.ts";
import { expanded } from "../support/ci/azure.ts";
import { gitlabCiLocal, layPipeline } from "../support/ci/gitlab.ts";
import { powershellErrors } from "../support/ci/powershell.ts";
import { PROJECT } from "../support/ci/system.ts";
import { peerTest } from "../support/peer_case.ts";
import { inFolder } from "../support/test_files.ts";

const read = (path: string) => Deno.readTextFile(`${PROJECT}${path}`);

peerTest("templates of CI: the shell script satisfies ShellCheck", ["shellcheck"], async () => {
  const check = async (script: string) => {
    const child = new Deno.Command("shellcheck", { args: ["-"], stdin: "piped", stdout: "piped" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(script));
    await writer.close();
    return new TextDecoder().decode((await child.output()).stdout);
  };
  const script = await read("ci/shell/sign.sh");
  assert.equal(await check(script), "");
  assert.match(await check(script.replace('rm -f "$tagseal.part"', "rm -f $tagseal.part")), /SC2086/);
});

Deno.test("templates of CI: GitHub takes the action and the workflow, whose inputs are those of the action", async () => {
  await inFolder(async (folder) => {
    await bundle("-q", "-o", `${folder}/lint.js`, `${PROJECT}tests/support/ci/actions_lint.ts`);
    const [action, workflow] = [await read("ci/github/action.yml"), await read("ci/github/workflow.yml")];
    const approval = await read("ci/github/workflow-approval.yml");
    const files = {
      "action.yml": action,
      "wrong/action.yml": action.replace("using: composite", "using: compost"),
      ".github/workflows/sign.yml": workflow,
      ".github/workflows/approval.yml": approval,
      ".github/workflows/wrong.yml": workflow.replace("root-pin:", "root-pins:"),
    };
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-config", "--allow-env", `${folder}/lint.js`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(JSON.stringify(files)));
    await writer.close();
    const found: Record<string, string[]> = JSON.parse(new TextDecoder().decode((await child.output()).stdout));
    assert.deepEqual(found["action.yml"], []);
    assert.deepEqual(found[".github/workflows/sign.yml"], []);
    assert.deepEqual(found[".github/workflows/approval.yml"], []);
    assert.match(found["wrong/action.yml"]!.join(), /compost/);
    assert.match(found[".github/workflows/wrong.yml"]!.join(), /root-pins/);
    assert.match(found[".github/workflows/wrong.yml"]!.join(), /Missing required input `root-pin`/);
  });
  for (const path of ["ci/github/action.yml", "ci/github/workflow.yml", "ci/github/workflow-approval.yml"]) {
    const used = [...(await read(path)).matchAll(/uses: (?!signpath\/)(\S+)/g)].map(([, action]) => action!);
    assert.ok(used.length > 0);
    assert.deepEqual(used.filter((action) => !/@[0-9a-f]{40}$/.test(action)), [], "pinned by commit");
  }
});

Deno.test("templates of CI: GitLab's schema takes the component; the example gives inputs that it has", async () => {
  const inputs = {
    repository: "registry.example.com/team/app",
    "root-pin": "root.pem",
    "organization-id": "id",
    "project-slug": "app",
    "signing-policy-slug": "release-signing",
  };
  await inFolder(async (folder) => {
    const jobs = async (name: string, more: object) => {
      await layPipeline(`${folder}/${name}`, { ...inputs, ...more });
      const { code, log } = await gitlabCiLocal(`${folder}/${name}`, "--list-csv");
      return { code, jobs: [...log.matchAll(/^([\w-]+);/gm)].map(([, job]) => job!).slice(1), log };
    };
    assert.deepEqual((await jobs("one", {})).jobs, ["tagseal"]);
    const two = await jobs("two", { approval: true, job: "sign" });
    assert.deepEqual(two.jobs, ["sign-submit", "sign-publish"]);
    const wrong = await jobs("wrong", { approval: "perhaps" });
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.log, /approval/);
  });
  const [{ spec }] = parseAllDocuments(await read("ci/gitlab/templates/sign.yml")).map((one) => one.toJS()) as [
    { spec: { inputs: Record<string, { default?: unknown }> } },
  ];
  const { include: [{ inputs: given }] } = parse(await read("ci/gitlab/example.yml"));
  assert.deepEqual(Object.keys(given).filter((name) => !(name in spec.inputs)), []);
  const required = Object.keys(spec.inputs).filter((name) => spec.inputs[name]!.default === undefined);
  assert.deepEqual(required.filter((name) => !(name in given)), []);
});

Deno.test("templates of CI: Azure's steps have the keys that there are, and the example fits them", async () => {
  const template = parse(await read("ci/azure/sign.yml"));
  const { jobs } = parse(await read("ci/azure/example.yml"));
  for (const { steps: [step] } of jobs) {
    assert.equal(step.template, "ci/azure/sign.yml@tagseal");
    const steps = expanded(template, step.parameters);
    assert.deepEqual(steps.map((one) => Object.keys(one)[0]), ["task", "bash", "powershell", "bash", "publish"]);
    for (const one of [steps[1]!, steps[2]!]) {
      const env = one["env"] as Record<string, string>;
      assert.equal(env["SIGNPATH_API_TOKEN"], "$(SIGNPATH_API_TOKEN)", "secrets are named, and only there");
      assert.equal(env["SIGN_MODE"], step.parameters.mode ?? "sign");
    }
    assert.throws(() => expanded(template, { ...step.parameters, mode: "sing" }));
    assert.throws(() => expanded(template, { ...step.parameters, tag: "v1" }));
    assert.throws(() => expanded(template, { ...step.parameters, rootPin: undefined }));
  }
});

Deno.test("templates of CI: the PowerShell script parses", async () => {
  const script = await read("ci/powershell/sign.ps1");
  const [errors, found] = await powershellErrors(
    script,
    script.replace("if ($repository -eq", "if $repository -eq"),
  );
  assert.deepEqual(errors, []);
  assert.ok(found!.length > 0);
});

Deno.test("templates of CI: secrets are in no argument, and in no file but the example that names them", async () => {
  for (const path of ["ci/shell/sign.sh", "ci/powershell/sign.ps1"]) {
    const code = (await read(path)).replaceAll(/^\s*#.*$/gm, "");
    assert.doesNotMatch(code, /API_TOKEN|_AUTH|--api-token|password/i, path);
  }
});
