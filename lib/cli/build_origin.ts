/** What the CI system that runs this says of its job. @module */
import type { Origin } from "../signing/origin.ts";

const MAX_CHARS = 300;

/**
 * GitHub, GitLab, Azure Pipelines and Jenkins set these variables; nothing elsewhere.
 *
 * @see {@link https://docs.github.com/actions/reference/variables-reference | GitHub}
 * @see {@link https://docs.gitlab.com/ci/variables/predefined_variables/ | GitLab}
 * @see {@link https://learn.microsoft.com/azure/devops/pipelines/build/variables | Azure}
 * @see {@link https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables | Jenkins}
 */
export function buildOrigin({ env }: { env(name: string): string | undefined }): Origin | undefined {
  if (env("GITHUB_ACTIONS") === "true") {
    const run = `${env("GITHUB_SERVER_URL")}/${env("GITHUB_REPOSITORY")}/actions/runs/${env("GITHUB_RUN_ID")}`;
    return said(run, env("GITHUB_SHA"), env("GITHUB_ACTOR"));
  }
  if (env("GITLAB_CI") === "true") return said(env("CI_JOB_URL"), env("CI_COMMIT_SHA"), env("GITLAB_USER_LOGIN"));
  if (env("TF_BUILD")?.toLowerCase() === "true") {
    const project = encodeURIComponent(env("SYSTEM_TEAMPROJECT") ?? "");
    const run = `${env("SYSTEM_COLLECTIONURI")}${project}/_build/results?buildId=${env("BUILD_BUILDID")}`;
    return said(run, env("BUILD_SOURCEVERSION"), env("BUILD_REQUESTEDFOR"));
  }
  return env("JENKINS_URL") === undefined ? undefined : said(env("BUILD_URL"), env("GIT_COMMIT"), undefined);
}

function said(build: string | undefined, commit: string | undefined, by: string | undefined): Origin {
  const page = build !== undefined && build.length <= MAX_CHARS ? URL.parse(build) : null;
  const isPage = page !== null && /^https?:$/.test(page.protocol) && page.username === "" && page.password === "";
  return {
    ...isPage ? { build: page.href } : {},
    ...commit !== undefined && /^[0-9a-f]{7,64}$/.test(commit) ? { commit } : {},
    ...by === undefined ? {} : { by: by.slice(0, MAX_CHARS) },
  };
}
