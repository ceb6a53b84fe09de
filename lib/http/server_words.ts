/**
 * What a server says of a refusal, in its own words: cut, on one line, and without anything that could steer a terminal.
 * They often say what nobody else can: which role is missing, which policy forbids it, how long to wait.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes | Errors of registries}
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.2 | Errors of OAuth2}
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { sentence, shown } from "../bytes/printable.ts";

/** A refusal as the server words it. */
export interface ServerWords {
  /** The server's own code: `DENIED`; empty where it gives none. */
  readonly code: string;
  /** Its sentence, if it gives one. */
  readonly words: string | undefined;
  /** What else it says of its error, as it came; Notary: `{"Name","Error":{"Msg"}}`. */
  readonly detail?: unknown;
}

const MAX_READ_BYTES = 64 * 1024;
const SAYS_NOTHING = /^(?:authentication required|unauthorized|forbidden|denied|too ?many ?requests)$/i;

/** Reads the body of an answer that refuses, as registries, Notary and token servers write it; nothing of any other. */
export function serverWords(body: Bytes): ServerWords {
  let answer: Record<string, unknown>;
  try {
    answer = Object(JSON.parse(new TextDecoder().decode(body.subarray(0, MAX_READ_BYTES))));
  } catch {
    return { code: "", words: undefined };
  }
  const { errors, error } = answer;
  const first = Object(Array.isArray(errors) ? errors[0] : undefined);
  const words = [
    first.detail?.Error?.Msg, // what Notary's signer said
    first.message,
    answer["error_description"],
    answer["details"],
    answer["message"],
    first.code,
    error,
  ];
  return {
    code: oneLine(first.code ?? error) ?? "",
    words: words.map(oneLine).find((text) => text !== undefined),
    detail: first.detail,
  };
}

/** The same as the end of a sentence: `: "…"`; nothing where it says no more than a status does. */
export function inItsWords(body: Bytes): string {
  const { words } = serverWords(body);
  return words === undefined || SAYS_NOTHING.test(words) ? "" : `: "${words}"`;
}

function oneLine(text: unknown): string | undefined {
  return typeof text === "string" && sentence(text).replaceAll('"', "'") || undefined;
}

/** When a server that is asked too often may be asked again, as it says (`Retry-After`): the end of a sentence. */
export function retryAfterWords(headers: Headers): string {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (value === "") return "";
  if (!/^\d{1,9}$/.test(value)) return `; it may be asked again after "${shown(value)}"`;
  const seconds = Number(value);
  const [span, unit] = seconds < 120 ? [seconds, "s"] : seconds < 7200 ? [seconds / 60, "min"] : [seconds / 3600, "h"];
  return `; it may be asked again in ${Math.ceil(span)} ${unit}`;
}
