/** Servers as child processes of a test. @module */

const START_TIMEOUT_MS = 30_000;

/** A port was taken by somebody else between its choice and its use. */
export class PortTaken extends Error {}

/** A child process with its log. */
export class Process implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  #ended = false;

  /** Starts `name` with `args`; the file `log` gets all that it prints. */
  constructor(readonly name: string, args: readonly string[], readonly log: string) {
    // setpriv ends the process with the thread that runs the tests, should these be killed; sh is for the log file.
    this.#child = new Deno.Command("setpriv", {
      args: ["--pdeathsig", "TERM", "sh", "-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log, name, ...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#child.status.then(() => this.#ended = true);
  }

  /** Waits until `isUp`, which may throw as long as nobody listens. */
  async waitUntil(isUp: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!this.#ended && Date.now() < deadline) {
      if (await isUp().catch(() => false) && !this.#ended) return;
      await sleep(20);
    }
    const log = await Deno.readTextFile(this.log).catch(() => "");
    const message = `${this.name} ${this.#ended ? "ended" : "does not answer"}; the end of its log:\n${
      log.slice(-2000)
    }`;
    throw /address already in use/.test(log) ? new PortTaken(message) : new Error(message);
  }

  /** Asks it to end, and makes it end where it does not; may be called again. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#child.kill("SIGTERM");
    const patience = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await this.#child.status;
    clearTimeout(patience);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
