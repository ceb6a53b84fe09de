/** The plain script, started as a job of any system would; its folder of state is kept by whoever runs it. @module */
import { type CiSystem, logged, newMachine, PROJECT } from "./system.ts";

/** `ci/shell/sign.sh`. */
export const SHELL: CiSystem = {
  name: "plain shell",
  needs: ["curl"],
  begin: (folder, rootPem) =>
    Promise.resolve(async (options, { env, secrets, killedAfter }) => {
      const { work, home } = await newMachine(folder, rootPem);
      const { code, log } = await logged(["sh", `${PROJECT}ci/shell/sign.sh`], work, {
        ...env,
        ...secrets,
        HOME: home,
        SIGN_STATE: `${folder}/state`,
        SIGN_MODE: options.mode === "submit" ? "submit" : "sign",
        SIGN_REPOSITORY: options.repository,
        SIGN_TAGS: options.tags,
        SIGN_ARGUMENTS: options.arguments ?? "",
        SIGN_TIMEOUT: `${options.timeout}`,
        TAGSEAL_ROOT_PIN: options.rootPin,
        TAGSEAL_URL: options.tagsealUrl,
        TAGSEAL_SHA256: options.tagsealSha256,
        SIGNPATH_ORGANIZATION_ID: options.organizationId,
        SIGNPATH_PROJECT_SLUG: options.projectSlug,
        SIGNPATH_SIGNING_POLICY_SLUG: options.signingPolicySlug,
      }, killedAfter);
      return { succeeded: code === 0, log };
    }),
};
