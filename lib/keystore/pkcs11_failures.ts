/** What PKCS#11 modules answer, in words with a next step. @module */
import { messageOf, type NextMove, TagsealError, type TagsealErrorCode } from "../errors.ts";

/** Return values that something depends on (PKCS#11 v2.40, section 5.1). */
export const CKR = {
  ATTRIBUTE_READ_ONLY: 0x10,
  ATTRIBUTE_TYPE_INVALID: 0x12,
  ATTRIBUTE_VALUE_INVALID: 0x13,
  DEVICE_REMOVED: 0x32,
  FUNCTION_NOT_SUPPORTED: 0x54,
  KEY_SIZE_RANGE: 0x62,
  KEY_TYPE_INCONSISTENT: 0x63,
  KEY_FUNCTION_NOT_PERMITTED: 0x68,
  MECHANISM_INVALID: 0x70,
  MECHANISM_PARAM_INVALID: 0x71,
  PIN_INCORRECT: 0xa0,
  PIN_INVALID: 0xa1,
  PIN_LEN_RANGE: 0xa2,
  PIN_EXPIRED: 0xa3,
  PIN_LOCKED: 0xa4,
  SESSION_READ_ONLY: 0xb5,
  TEMPLATE_INCOMPLETE: 0xd0,
  TEMPLATE_INCONSISTENT: 0xd1,
  TOKEN_NOT_PRESENT: 0xe0,
  TOKEN_WRITE_PROTECTED: 0xe2,
  USER_ALREADY_LOGGED_IN: 0x100,
  USER_NOT_LOGGED_IN: 0x101,
  USER_PIN_NOT_INITIALIZED: 0x102,
  USER_TYPE_INVALID: 0x103,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
} as const;

/** Whether a module answered with one of these values. */
export function answered(error: unknown, ...names: (keyof typeof CKR)[]): boolean {
  const value = returnValue(error);
  return names.some((name) => CKR[name] === value);
}

function returnValue(error: unknown): number | undefined {
  const { code } = error as { code?: unknown };
  if (typeof code === "number" && code !== 0) return code;
  const inText = /\bCKR_\w+:(\d+)/.exec(messageOf(error))?.[1]; // some calls of the addon throw it unread
  return inText === undefined ? undefined : Number(inText);
}

/** What the module said: the standard's name where it gave one. */
export function reasonOf(error: unknown): string {
  const message = messageOf(error);
  return /\bCKR_\w+/.exec(message)?.[0] ?? message.split("\n")[0]!;
}

/** How often a PIN can be wrong until the token locks, as far as the token tells. */
export type TriesLeft = "enough" | "few" | "one";

/** {@linkcode TriesLeft} as the end of a sentence. */
export function triesText(tries: TriesLeft): string {
  return { enough: "", few: "; it was wrong before, and few tries are left", one: "; ONE try is left, then it locks" }[
    tries
  ];
}

/** What was tried. */
export type Attempt = "be used" | "make a key" | "sign" | "remove the key";

/** What to do where a token does not do what was tried. */
export function remedyFor(attempt: Attempt): string {
  switch (attempt) {
    case "sign":
      return "Touch the token when it blinks; if it does not, plug it in anew";
    case "remove the key":
      return 'Nothing depends on the new key: remove it (label "tagseal …") with the token\'s own tool';
    default:
      return "Plug the token in anew and run the command again";
  }
}

/** A failure of a token, told as what was tried and what can be done. */
export function tokenFailure(error: unknown, token: string, attempt: Attempt): TagsealError {
  const fail = (code: TagsealErrorCode, message: string, told: string | NextMove) =>
    new TagsealError(code, message, {
      ...typeof told === "string" ? { remedy: told } : told,
      details: { token, reason: reasonOf(error) },
      cause: error,
    });
  if (answered(error, "DEVICE_REMOVED", "TOKEN_NOT_PRESENT")) {
    return fail("unavailable", `The token "${token}" was taken away`, "Plug it in and run the command again");
  }
  if (answered(error, "TOKEN_WRITE_PROTECTED", "SESSION_READ_ONLY")) {
    return fail("forbidden", `The token "${token}" is write-protected`, EXISTING_KEY);
  }
  if (attempt === "make a key" && answered(error, ...REFUSES_TO_GENERATE)) {
    return fail("bad-input", `The token "${token}" does not make keys for its user: ${reasonOf(error)}`, EXISTING_KEY);
  }
  if (attempt === "sign" && answered(error, ...REFUSES_TO_SIGN)) {
    return fail("bad-input", `The token "${token}" does not sign with this key: ${reasonOf(error)}`, SIGNING_KEY);
  }
  return fail(
    "unavailable",
    `The token "${token}" could not ${attempt}: ${reasonOf(error)}`,
    attempt === "sign"
      ? "Touch the token when it blinks; if that is not it, plug it in anew"
      : "Plug the token in anew",
  );
}

/** PIV tokens want the administrator to make keys, in a slot of theirs (`ykcs11`: C_GenerateKeyPair, CKA_ID). */
const REFUSES_TO_GENERATE: readonly (keyof typeof CKR)[] = [
  "ATTRIBUTE_READ_ONLY",
  "ATTRIBUTE_TYPE_INVALID",
  "ATTRIBUTE_VALUE_INVALID",
  "FUNCTION_NOT_SUPPORTED",
  "MECHANISM_INVALID",
  "TEMPLATE_INCOMPLETE",
  "TEMPLATE_INCONSISTENT",
  "USER_NOT_LOGGED_IN",
  "USER_TYPE_INVALID",
];
const REFUSES_TO_SIGN: readonly (keyof typeof CKR)[] = [
  "KEY_FUNCTION_NOT_PERMITTED",
  "KEY_SIZE_RANGE",
  "KEY_TYPE_INCONSISTENT",
  "MECHANISM_INVALID",
  "MECHANISM_PARAM_INVALID",
];
/** What to do where a key is not for signatures, or its token does not make them as Notary wants them. */
export const SIGNING_KEY: string = "Use a key that was made for signatures, on a token that signs with CKM_ECDSA or " +
  "CKM_RSA_PKCS (pkcs11-tool -M shows what it can)";
const EXISTING_KEY: NextMove = {
  remedy: "Make an ECDSA P-256 key and a certificate for it with the token's own tool, and name it by its CKA_ID. A " +
    "targets key can be kept in a file",
  next: { do: "make-key-on-token" },
};

/** The token is locked. */
export function locked(token: string): TagsealError {
  return new TagsealError("forbidden", `The PIN of the token "${token}" is locked after too many wrong tries`, {
    remedy: "Unlock it with the token's own tool (YubiKey: ykman piv access unblock-pin, with the PUK); do not reset " +
      "it: that deletes its keys",
    details: { token },
  });
}

/** The PIN is wrong, and nobody goes on trying. */
export function wrongPin(token: string, tries: TriesLeft, variable?: string): TagsealError {
  const pin = variable ? `The PIN in ${variable}` : "The PIN";
  return new TagsealError("bad-input", `${pin} does not open the token "${token}"${triesText(tries)}`, {
    remedy: "Find the right PIN before the next try: a token locks after a few wrong ones",
    details: { token },
  });
}
