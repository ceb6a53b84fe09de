/**
 * The protocol of Docker's credential helpers: `docker-credential-<name> get`, the registry's name on stdin, JSON or an
 * error on stdout. What a helper says is judged here; running it is {@linkcode RunHelper}.
 *
 * @see {@link https://github.com/docker/docker-credential-helpers | docker-credential-helpers}
 * @module
 */
import { text } from "../bytes/bytes.ts";
import { sentence } from "../bytes/printable.ts";
import { type Details, TagsealError } from "../errors.ts";
import { type Credentials, isToken } from "../http/access.ts";
import { isUsable } from "./docker_config.ts";

/** How a helper's run ended. */
export type HelperRun =
  /** By itself. */
  | { readonly exitCode: number; readonly stdout: Uint8Array; readonly stderr: Uint8Array }
  /** It is not on `PATH`, may not be run under these permissions, cannot be run, was too slow, or said too much. */
  | { readonly failure: "missing" | "forbidden" | "not started" | "too slow" | "too long" };

/**
 * Runs `program get` with `server` on its stdin.
 *
 * @throws the signal's reason where the command is interrupted
 */
export type RunHelper = (program: string, server: string) => Promise<HelperRun>;

/** All that one question takes. */
export interface HelperQuestion {
  /** The helper's short name. */
  readonly helper: string;
  /** The registry's name, as helpers know it. */
  readonly server: string;
  /** What to set instead, for remedies: `NOTARY_AUTH`. */
  readonly instead: string;
}

/** Longest time for one helper in seconds: it may have to ask a person to unlock a store. */
export const HELPER_TIMEOUT_S = 60;
/** Longest answer in bytes; an identity token has a few thousand. */
export const MAX_HELPER_BYTES = 64 * 1024;

const NOT_FOUND = "credentials not found in native keychain";

/**
 * Asks a helper; `undefined` where it knows nothing of this registry.
 *
 * @throws {TagsealError} `unauthenticated` where it cannot be run, fails, or answers out of protocol
 */
export async function askHelper(run: RunHelper, question: HelperQuestion): Promise<Credentials | undefined> {
  const program = `docker-credential-${question.helper}`;
  const end = await run(program, question.server);
  if ("failure" in end) throw notRun(program, question, end.failure);
  const stdout = decode(end.stdout);
  const stderr = decode(end.stderr);
  if (end.exitCode !== 0) {
    if (`${stdout}\n${stderr}`.toLowerCase().includes(NOT_FOUND)) return undefined;
    // With a byte in it that is no text it is an answer all the same, whose secret the other words may repeat.
    const answer = new TextDecoder().decode(end.stdout);
    const said = harmless(stderr, answer) || (stdout.includes("{") ? "" : harmless(stdout)) || "it gives no reason";
    throw failed(program, question, `failed with exit code ${end.exitCode}: ${said}`, {
      remedy: `Log in again with docker login, or give the credentials in ${question.instead}`,
      details: { exitCode: end.exitCode },
    });
  }
  const credentials = readAnswer(stdout);
  if (credentials !== "malformed") return credentials;
  throw failed(program, question, "gave no answer that could be used", {
    remedy: `Check that it is one of Docker's credential helpers, or give the credentials in ${question.instead}`,
  });
}

function readAnswer(stdout: string): Credentials | undefined | "malformed" {
  let answer: Record<string, unknown>;
  try {
    answer = Object(JSON.parse(stdout));
  } catch {
    return "malformed"; // without the parser's error, which would quote the secret
  }
  const { Username: username, Secret: secret } = answer;
  if (typeof username !== "string" || typeof secret !== "string") return "malformed";
  if (username === "" && secret === "") return undefined;
  if (username === "<token>") return isToken(secret) ? { identityToken: secret } : "malformed";
  const password = { username, password: secret };
  return secret !== "" && isUsable(password) ? password : "malformed";
}

function notRun(
  program: string,
  question: HelperQuestion,
  failure: Extract<HelperRun, { failure: string }>["failure"],
): TagsealError {
  const { instead } = question;
  const [why, remedy] = {
    "missing": [
      "is not on PATH",
      `Install "${program}", or give the credentials in ${instead}`,
    ],
    "forbidden": [
      "is not among those that tagseal may run",
      `Give the credentials in ${instead}, or log in with a credential store that tagseal's SECURITY.md names`,
    ],
    "not started": [
      "cannot be run",
      `Check that "${program}" is a program for this machine, or give the credentials in ${instead}`,
    ],
    "too slow": [
      `gave no answer within ${HELPER_TIMEOUT_S} s`,
      `Unlock the store that it reads, or give the credentials in ${instead}`,
    ],
    "too long": [
      `gave an answer of more than ${MAX_HELPER_BYTES} bytes`,
      `Check that it is one of Docker's credential helpers, or give the credentials in ${instead}`,
    ],
  }[failure] as [string, string];
  return failed(program, question, why, { remedy });
}

function failed(
  program: string,
  { server }: HelperQuestion,
  why: string,
  { remedy, details = {} }: { readonly remedy: string; readonly details?: Details },
): TagsealError {
  const message = `The credential helper "${program}", which Docker's config.json names for "${server}", ${why}`;
  return new TagsealError("unauthenticated", message, { remedy, details: { program, server, ...details } });
}

/**
 * What a helper says of a failure, on one short line, and without what may be a secret: the secret of an answer that it
 * gave all the same, passwords in addresses and assignments, and all that looks like a token.
 */
function harmless(said: string, answer = ""): string {
  const [, secret] = /"Secret"\s*:\s*"((?:[^"\\]|\\.)+)/.exec(answer) ?? [];
  const plain = (secret === undefined ? said : said.replaceAll(secret, "…"))
    .slice(0, 4096)
    .replaceAll(/\/\/[^\s/@]*@/g, "//…@")
    .replaceAll(/(\b(?:bearer|basic)\s+|(?:secret|password|passwd|token)["']?\s*[:=]\s*["']?)[^\s"',;]+/gi, "$1…")
    .replaceAll(/(?=[A-Za-z0-9+=_~-]*\d)[A-Za-z0-9+=_~-]{20,}/g, "…");
  return sentence(plain);
}

function decode(bytes: Uint8Array): string {
  try {
    return text(bytes);
  } catch {
    return "";
  }
}
