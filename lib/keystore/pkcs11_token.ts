/**
 * One token of one PKCS#11 module: found, opened, logged in to, and closed again.
 *
 * The module's functions block until the token has answered, but for the two that can take long: signing, where a token
 * may wait for a touch, and making a key. These run in a thread of their own, one at a time, with a limit; an
 * interruption does not wait for a signature.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import { type Attribute, CKF, CKU, type Handle, type Pkcs11Addon, type Pkcs11Module } from "./pkcs11_addon.ts";
import {
  answered,
  type Attempt,
  locked,
  reasonOf,
  remedyFor,
  tokenFailure,
  type TriesLeft,
  wrongPin,
} from "./pkcs11_failures.ts";
import { findToken, type FoundToken, type RunningModule } from "./pkcs11_modules.ts";

/** Which PIN is wanted, and what is known of it. */
export interface PinRequest {
  /** The token's label. */
  readonly token: string;
  /** 1 at first, then 2 and 3 where the PIN before was wrong. */
  readonly attempt: number;
  /** How often it can be wrong. */
  readonly tries: TriesLeft;
}

/** Gets a PIN from wherever there is one. It throws where nobody can be asked, or the PIN must not be risked. */
export type AskPin = (request: PinRequest) => Promise<string>;

/** Which token, and what opening it needs. */
export interface TokenOptions {
  /** Loads the addon. */
  addon(): Pkcs11Addon;
  /** Modules to look in, one after the other, until one has a token; those that are not there are passed over. */
  readonly modulePaths: readonly string[];
  /** The token's label; needed where there are several. */
  readonly tokenLabel?: string | undefined;
  /** Gets the PIN. */
  readonly askPin: AskPin;
  /** Ends waiting. */
  readonly signal: AbortSignal;
  /** How long the token may take for a signature or a key; 60 s unless said. */
  readonly callTimeoutMs?: number;
}

const CALL_TIMEOUT_MS = 60_000;
const ATTEMPTS = 3;
const MAX_OBJECTS = 1000;
const MAX_VALUE_BYTES = 4096;

/** An open token. */
export class Token implements Disposable {
  /** Its label. */
  readonly label: string;
  readonly #module: Pkcs11Module;
  readonly #close: () => void;
  readonly #slot: Handle;
  readonly #options: TokenOptions;
  #reading: Handle | undefined;
  #writing: Handle | undefined;
  #pin: string | undefined;
  #busy: Promise<unknown> | undefined;
  #lastTurn: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor({ module, close }: RunningModule, { slot, label }: FoundToken, options: TokenOptions) {
    this.#module = module;
    this.#close = close;
    this.#slot = slot;
    this.label = label;
    this.#options = options;
  }

  /**
   * Finds the token.
   *
   * @throws {TagsealError} what {@linkcode findToken} throws
   */
  static async open(options: TokenOptions): Promise<Token> {
    const { running, token } = await findToken(options.addon, options.modulePaths, options.tokenLabel);
    return new Token(running, token, options);
  }

  /** Runs what takes several calls, when all that came before has ended: they share a session, and one PIN. */
  inTurn<T>(use: () => T | Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(use);
    this.#lastTurn = turn.catch(() => {});
    return turn;
  }

  /** Calls the module; failures are told as what was tried. */
  call<T>(attempt: Attempt, use: (module: Pkcs11Module, session: Handle) => T, write = false): T {
    if (this.#closed) throw new Error("the token is closed");
    if (this.#busy) throw this.#noAnswer(attempt, this.#options.callTimeoutMs ?? CALL_TIMEOUT_MS);
    try {
      return use(this.#module, this.#session(write));
    } catch (error) {
      throw error instanceof TagsealError ? error : tokenFailure(error, this.label, attempt);
    }
  }

  /** Calls the module in a thread. `interruptible` calls are not waited for when the user interrupts. */
  async callLong<T>(
    attempt: Attempt,
    use: (module: Pkcs11Module, session: Handle) => Promise<T>,
    { write = false, interruptible }: { readonly write?: boolean; readonly interruptible: boolean },
  ): Promise<T> {
    const { signal, callTimeoutMs = CALL_TIMEOUT_MS } = this.#options;
    signal.throwIfAborted();
    const running = this.call(attempt, use, write).finally(() => this.#busy = undefined);
    this.#busy = running.then(() => {}, () => {});
    const given = Promise.withResolvers<never>();
    const interrupt = () => given.reject(signal.reason);
    const timer = setTimeout(() => given.reject(this.#noAnswer(attempt, callTimeoutMs)), callTimeoutMs);
    if (interruptible) signal.addEventListener("abort", interrupt, { once: true });
    try {
      return await Promise.race([running, given.promise]);
    } catch (error) {
      throw error instanceof TagsealError || error === signal.reason ? error : tokenFailure(error, this.label, attempt);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", interrupt);
    }
  }

  /** Waits until a call that was given up has come to its end, as long as a call may take. */
  async idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#options.callTimeoutMs ?? CALL_TIMEOUT_MS);
    await Promise.race([this.#busy, promise]);
    clearTimeout(timer);
  }

  /** Logs in, once; asks for the PIN. @throws {TagsealError} `bad-input` for a wrong PIN, `forbidden` where it is locked */
  async login(): Promise<void> {
    if (this.#pin !== undefined) return;
    for (let attempt = 1;; attempt++) {
      const pin = await this.#options.askPin({ token: this.label, attempt, tries: this.#tries() });
      this.#options.signal.throwIfAborted();
      if (this.#tryPin(pin)) {
        this.#pin = pin;
        return;
      }
      const tries = this.#tries();
      if (attempt === ATTEMPTS) throw wrongPin(this.label, tries);
    }
  }

  /** Says the PIN again between the beginning and the end of a signature, for keys that want it each time. */
  loginForOneSignature(): void {
    const pin = this.#pin ?? "";
    this.call("sign", (module, session) => module.C_Login(session, CKU.CONTEXT_SPECIFIC, pin));
  }

  /** The objects that fit. */
  find(template: Attribute[]): Handle[] {
    return this.call("be used", (module, session) => {
      module.C_FindObjectsInit(session, template);
      const found: Handle[] = [];
      try {
        while (found.length < MAX_OBJECTS) {
          const some = module.C_FindObjects(session, 64);
          if (some.length === 0) break;
          found.push(...some);
        }
      } finally {
        module.C_FindObjectsFinal(session);
      }
      return found;
    });
  }

  /** An attribute, or nothing where the object does not have it, or more of it than `maxBytes`. */
  attribute(object: Handle, type: number, maxBytes = MAX_VALUE_BYTES): Bytes | undefined {
    return this.call("be used", (module, session) => {
      try {
        const value = module.C_GetAttributeValue(session, object, [{ type }])[0]?.value;
        return value && value.length > 0 && value.length <= maxBytes ? new Uint8Array(value) : undefined;
      } catch (error) {
        if (answered(error, "ATTRIBUTE_TYPE_INVALID")) return undefined;
        throw error;
      }
    });
  }

  /** Ends sessions and module; while the token is still at work, as soon as it has come to its end. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pin = undefined;
    if (this.#busy) this.#busy.then(this.#close);
    else this.#close();
  }

  #session(write: boolean): Handle {
    const open = (flags: number) => this.#module.C_OpenSession(this.#slot, CKF.SERIAL_SESSION | flags);
    if (write) return this.#writing ??= open(CKF.RW_SESSION);
    return this.#reading ??= open(0);
  }

  #tryPin(pin: string): boolean {
    return this.call("be used", (module, session) => {
      try {
        // An empty PIN would ask a reader's own keypad on some tokens, and cost a try on others.
        if (pin === "") return false;
        module.C_Login(session, CKU.USER, pin);
        return true;
      } catch (error) {
        if (answered(error, "USER_ALREADY_LOGGED_IN")) return true;
        if (answered(error, "PIN_INCORRECT", "PIN_INVALID", "PIN_LEN_RANGE")) return false;
        if (answered(error, "PIN_LOCKED")) throw locked(this.label);
        if (answered(error, "PIN_EXPIRED", "USER_PIN_NOT_INITIALIZED")) throw noPinYet(this.label, error);
        throw error;
      }
    });
  }

  #tries(): TriesLeft {
    const { flags } = this.call("be used", (module) => module.C_GetTokenInfo(this.#slot));
    if (flags & CKF.USER_PIN_LOCKED) throw locked(this.label);
    if (flags & CKF.USER_PIN_FINAL_TRY) return "one";
    return flags & CKF.USER_PIN_COUNT_LOW ? "few" : "enough";
  }

  #noAnswer(attempt: Attempt, afterMs: number): TagsealError {
    const message = `The token "${this.label}" could not ${attempt} within ${Math.round(afterMs / 1000)} s`;
    return new TagsealError("unavailable", message, { remedy: remedyFor(attempt), details: { token: this.label } });
  }
}

function noPinYet(token: string, error: unknown): TagsealError {
  return new TagsealError("bad-input", `The token "${token}" wants a new PIN first: ${reasonOf(error)}`, {
    remedy: "Set its PIN with the token's own tool",
    details: { token },
    cause: error,
  });
}
