/** The step of Jenkins' shared library, run by Groovy of the version that Jenkins has, over its steps as they are here. @module */
import { type CiSystem, newMachine, type Pipeline, PROJECT, type Running } from "./system.ts";

/** The controller: one program, which runs the jobs of all pipelines, one after the other. */
class Controller implements Running {
  readonly #child: Deno.ChildProcess;
  readonly #answers: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor() {
    const PATH = Deno.env.get("PATH")!;
    const which = new Deno.Command("sh", { args: ["-c", 'readlink -f "$(command -v java)"'] }).outputSync();
    this.#child = new Deno.Command("groovy", {
      args: [`${PROJECT}tests/support/ci/jenkins.groovy`, `${PROJECT}ci/jenkins`],
      clearEnv: true,
      env: {
        PATH,
        JAVA_HOME: new TextDecoder().decode(which.stdout).replace(/\/bin\/java\n$/, ""),
        JAVA_OPTS: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC", // it runs for some seconds
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#answers = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async #run(work: string, file: string): Promise<{ succeeded: boolean; log: string }> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${work}\t${file}\n`));
    writer.releaseLock();
    for (;;) {
      const [, log, result] = /^(.*?)^END (SUCCESS|FAILURE)\n/ms.exec(this.#text) ?? [];
      if (log !== undefined) {
        this.#text = "";
        return { succeeded: result === "SUCCESS", log };
      }
      const { value, done } = await this.#answers.read();
      if (done) throw new Error(`Groovy has ended: ${this.#text}`);
      this.#text += value;
    }
  }

  async begin(folder: string, rootPem: string): Promise<Pipeline> {
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
      return await this.#run(work, file);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#answers.cancel();
    await this.#child.status;
  }
}

/** `ci/jenkins/`. */
export const JENKINS: CiSystem = {
  name: "Jenkins",
  needs: ["curl", "groovy"],
  start: () => new Controller(),
};
