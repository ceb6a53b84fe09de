/** The step of Jenkins' shared library, run by Groovy of the version that Jenkins has, over its steps as they are here. @module */
import { type CiSystem, logged, newMachine, PROJECT } from "./system.ts";

/** `ci/jenkins/`. */
export const JENKINS: CiSystem = {
  name: "Jenkins",
  needs: ["curl", "groovy"],
  async begin(folder, rootPem) {
    const { work, home } = await newMachine(folder, rootPem); // an agent keeps the workspace of a job
    return async (options, { env, secrets }) => {
      const file = `${work}/../options.json`;
      const credentials = Object.fromEntries(Object.keys(secrets).map((name) => [name, `id-of-${name}`]));
      const given = {
        options: { ...options, mode: options.mode === "submit" ? "submit" : "sign", credentials, retries: 0 },
        secrets: Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [`id-of-${name}`, secret])),
        env: { ...env, HOME: home, JENKINS_URL: "https://jenkins.example/" },
      };
      await Deno.writeTextFile(file, JSON.stringify(given));
      const which = await logged(["sh", "-c", 'readlink -f "$(command -v java)"'], work, { PATH: env["PATH"]! });
      const java = which.log.replace(/\/bin\/java\n$/, "");
      const command = [
        "groovy",
        `${PROJECT}tests/support/ci/jenkins.groovy`,
        `${PROJECT}ci/jenkins`,
        work,
        file,
      ] as const;
      const { code, log } = await logged(command, work, {
        PATH: env["PATH"]!,
        HOME: home,
        JAVA_HOME: java,
        JAVA_OPTS: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC", // it runs for a second
      });
      return { succeeded: code === 0, log };
    };
  },
};
