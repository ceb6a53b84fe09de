/** GitLab's component, run by gitlab-ci-local: inputs, rules, needs, caches and artifacts are its. @module */
import { type CiSystem, logged, newMachine, PROJECT } from "./system.ts";

/** The program; it is a module that runs when it is loaded. */
const PROGRAM = `${PROJECT}tests/support/ci/gitlab_ci_local.ts`;

/** Runs gitlab-ci-local in a folder that holds a pipeline. */
export function gitlabCiLocal(folder: string, ...args: readonly string[]): Promise<{ code: number; log: string }> {
  const deno = [Deno.execPath(), "run", "-q", "-A", "--config", `${PROJECT}deno.json`] as const;
  const flags = ["--home", folder, "--color=false"];
  // The package comes the way that this machine reaches the network.
  return logged([...deno, PROGRAM, ...args, ...flags], folder, Deno.env.toObject());
}

/** Lays a pipeline that includes the component in `folder`, which becomes a repository. */
export async function layPipeline(folder: string, inputs: Readonly<Record<string, unknown>>): Promise<void> {
  await Deno.mkdir(`${folder}/templates`, { recursive: true });
  await Deno.copyFile(`${PROJECT}ci/gitlab/templates/sign.yml`, `${folder}/templates/sign.yml`);
  const pipeline = { include: [{ local: "templates/sign.yml", inputs }], stages: ["deploy"] };
  await Deno.writeTextFile(`${folder}/.gitlab-ci.yml`, JSON.stringify(pipeline));
  const git = `git init -q -b main . && git add -A && git -c user.name=t -c user.email=t@example.com commit -qm x &&
    git remote add origin git@gitlab.example.com:team/app.git && git update-ref refs/remotes/origin/main main &&
    git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/main`;
  const { code, log } = await logged(["sh", "-c", git], folder, { PATH: Deno.env.get("PATH")!, HOME: folder });
  if (code !== 0) throw new Error(log);
}

/** Variables that are no files, whatever they look like. */
function plain(variables: Readonly<Record<string, string>>): object {
  const entries = Object.entries(variables).map((
    [name, value],
  ) => [name, { type: "variable", values: { "*": value } }]);
  return Object.fromEntries(entries);
}

/** The component. */
export const GITLAB: CiSystem = {
  name: "GitLab",
  needs: ["curl", "gitlab-ci-local"],
  async begin(folder, rootPem) {
    const { work, home } = await newMachine(folder, rootPem);
    let laid = "";
    return async ({ mode, ...options }, { env, secrets }) => {
      const inputs = Object.fromEntries(
        Object.entries({ ...options, retries: 0, approval: mode !== "sign" }).map(([name, value]) => [
          name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace("sha-256", "sha256"),
          value,
        ]),
      );
      const now = JSON.stringify(inputs);
      if (laid !== now) {
        await Deno.remove(`${work}/.git`, { recursive: true }).catch(() => {});
        await layPipeline(work, inputs);
      }
      laid = now;
      const job = { sign: "tagseal", submit: "tagseal-submit", later: "tagseal-publish" }[mode];
      // Masked variables of the project.
      await Deno.writeTextFile(
        `${work}/.gitlab-ci-local-variables.yml`,
        JSON.stringify(plain({ ...env, ...secrets, GITLAB_CI: "true", HOME: home })),
      );
      const { code, log } = await gitlabCiLocal(work, job, "--shell-isolation", "--force-shell-executor");
      return { succeeded: code === 0, log };
    };
  },
};
