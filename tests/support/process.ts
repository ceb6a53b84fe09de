/** Servers as child processes of a test. @module */

const START_TIMEOUT_MS = 30_000;

/** A port was taken by somebody else between its choice and its use. */
export class PortTaken extends Error {}

/** A child process with its log. */
export class Process implements AsyncDisposable {
  readonly #args: readonly string[];
  #child: Deno.ChildProcess;
  #ended = false;
  #how: Deno.CommandStatus | undefined;
  #wasUp = false;
  #isOver = false;
  #isUp: () => Promise<boolean> = () => Promise.resolve(true);

  /** Starts `name` with `args`; the file `log` gets all that it prints. */
  constructor(readonly name: string, args: readonly string[], readonly log: string) {
    this.#args = args;
    this.#child = this.#start();
  }

  #start(): Deno.ChildProcess {
    // setpriv ends the process with the thread that runs the tests, should these be killed; sh is for the log file.
    const inFile = ["sh", "-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", this.log];
    const child = new Deno.Command("setpriv", {
      args: ["--pdeathsig", "TERM", ...inFile, this.name, ...this.#args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#ended = false;
    child.status.then((how) => {
      this.#ended = true;
      this.#how = how;
    });
    return child;
  }

  /**
   * Ends it by `signal`, starts it again so many milliseconds later, and waits until it is up. As under a supervisor, it
   * is started anew where it gives up, say as what it needs is away itself.
   */
  async restart(signal: Deno.Signal, downMs: number): Promise<void> {
    this.#wasUp = false;
    this.#child.kill(signal);
    const deadline = Date.now() + START_TIMEOUT_MS;
    do {
      await this.#child.status;
      await sleep(downMs);
      this.#child = this.#start();
    } while (!await this.#comesUp(deadline) && this.#ended && Date.now() < deadline);
    if (!this.#wasUp) throw await this.#failure();
  }

  /** Waits until `isUp`, which may throw as long as nobody listens. */
  async waitUntil(isUp: () => Promise<boolean>): Promise<void> {
    this.#isUp = isUp;
    if (!await this.#comesUp(Date.now() + START_TIMEOUT_MS)) throw await this.#failure();
  }

  async #comesUp(deadline: number): Promise<boolean> {
    while (!this.#ended && Date.now() < deadline) {
      if (await this.#isUp().catch(() => false) && !this.#ended) return this.#wasUp = true;
      await sleep(20);
    }
    return false;
  }

  async #failure(what = this.#ended ? "ended" : "does not answer"): Promise<Error> {
    const log = await Deno.readTextFile(this.log).catch(() => "");
    const message = `${this.name} ${what}; the end of its log:\n${log.slice(-2000)}`;
    return /address already in use/i.test(log) ? new PortTaken(message) : new Error(message);
  }

  /**
   * Asks it to end, and makes it end where it does not; may be called again.
   *
   * @throws {Error} with the end of its log where it had been up and ended unasked: whatever failed then, failed for that
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#ended) {
      if (this.#wasUp) throw await this.#failure(`ended by itself (${this.#how?.signal ?? this.#how?.code})`);
      return;
    }
    this.#child.kill("SIGTERM");
    const patience = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await this.#child.status;
    clearTimeout(patience);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
