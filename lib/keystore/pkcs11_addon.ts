/**
 * The native addon `pkcs11js`, as far as it is used here, and how it is loaded.
 *
 * It is optional: nothing else of the program needs it, and it is loaded when a token is asked for. It lies in a folder
 * of its own, by default the one that `deno task build-pkcs11` fills, and nothing but that folder is searched.
 *
 * @see PKCS#11 v2.40 (OASIS), sections 3 and 5, for the functions and constants
 * @module
 */
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, TagsealError } from "../errors.ts";

/** A handle of a slot, session or object: opaque bytes. */
export type Handle = Uint8Array;

/** An attribute of an object. */
export interface Attribute {
  /** One of {@linkcode CKA}. */
  readonly type: number;
  /** What it is or shall be. */
  readonly value?: Uint8Array | number | boolean | string;
}

/** A mechanism without or with parameters. */
export interface Mechanism {
  /** One of {@linkcode CKM}. */
  readonly mechanism: number;
  /** CK_RSA_PKCS_PSS_PARAMS; `type` is the addon's own number for them. */
  readonly parameter?: {
    readonly type: typeof PSS_PARAMETERS;
    readonly hashAlg: number;
    readonly mgf: number;
    readonly saltLen: number;
  };
}

/** A PKCS#11 module, as `pkcs11js` shows it. Names are the standard's. */
export interface Pkcs11Module {
  /** Loads the module's library. */
  load(path: string): void;
  /** Unloads it. */
  close(): void;
  /** Starts the module; once for a process. */
  C_Initialize(): void;
  /** Ends it, with all sessions. */
  C_Finalize(): void;
  /** The slots, those with a token only where asked for. */
  C_GetSlotList(tokenPresent: boolean): Handle[];
  /** What a token says of itself. */
  C_GetTokenInfo(slot: Handle): { readonly label: string; readonly flags: number };
  /** Opens a session. */
  C_OpenSession(slot: Handle, flags: number): Handle;
  /** Logs in, for all sessions with the token. */
  C_Login(session: Handle, user: number, pin: string): void;
  /** Begins to look for objects. */
  C_FindObjectsInit(session: Handle, template: Attribute[]): void;
  /** Some of the objects. */
  C_FindObjects(session: Handle, max: number): Handle[];
  /** Ends looking. */
  C_FindObjectsFinal(session: Handle): void;
  /** Attributes of an object. */
  C_GetAttributeValue(session: Handle, object: Handle, wanted: Attribute[]): { readonly value: Uint8Array }[];
  /** Changes attributes. */
  C_SetAttributeValue(session: Handle, object: Handle, attributes: Attribute[]): void;
  /** Removes an object. */
  C_DestroyObject(session: Handle, object: Handle): void;
  /** Makes a key pair on the token, in a thread of its own. */
  C_GenerateKeyPairAsync(
    session: Handle,
    mechanism: Mechanism,
    publicKey: Attribute[],
    privateKey: Attribute[],
  ): Promise<{ readonly publicKey: Handle; readonly privateKey: Handle }>;
  /** Begins a signature. */
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  /** Signs, in a thread of its own: a token may wait for a touch. `out` must be a `Buffer`. */
  C_SignAsync(session: Handle, data: Uint8Array, out: Uint8Array): Promise<Uint8Array>;
}

/** The addon. */
export interface Pkcs11Addon {
  /** A module that is still to be loaded. */
  readonly PKCS11: new () => Pkcs11Module;
}

/** Attribute types. */
export const CKA = {
  CLASS: 0x0,
  TOKEN: 0x1,
  PRIVATE: 0x2,
  LABEL: 0x3,
  VALUE: 0x11,
  CERTIFICATE_TYPE: 0x80,
  KEY_TYPE: 0x100,
  ID: 0x102,
  SENSITIVE: 0x103,
  SIGN: 0x108,
  VERIFY: 0x10a,
  MODULUS: 0x120,
  PUBLIC_EXPONENT: 0x122,
  EXTRACTABLE: 0x162,
  EC_PARAMS: 0x180,
  EC_POINT: 0x181,
  ALWAYS_AUTHENTICATE: 0x202,
} as const;
/** Object classes. */
export const CKO = { CERTIFICATE: 1, PUBLIC_KEY: 2, PRIVATE_KEY: 3 } as const;
/** Certificate types. */
export const CKC = { X_509: 0 } as const;
/** Key types. */
export const CKK = { RSA: 0, EC: 3 } as const;
/** Mechanisms. */
export const CKM = {
  RSA_PKCS: 0x1,
  RSA_PKCS_PSS: 0xd,
  SHA256: 0x250,
  SHA384: 0x260,
  SHA512: 0x270,
  EC_KEY_PAIR_GEN: 0x1040,
  ECDSA: 0x1041,
} as const;
/** Mask generation functions. */
export const CKG = { MGF1_SHA256: 0x2, MGF1_SHA384: 0x3, MGF1_SHA512: 0x4 } as const;
/** What the addon calls the parameters of RSASSA-PSS. */
export const PSS_PARAMETERS = 5;
/** Kinds of login. */
export const CKU = { USER: 1, CONTEXT_SPECIFIC: 2 } as const;
/** Flags of sessions and tokens. */
export const CKF = {
  RW_SESSION: 0x2,
  SERIAL_SESSION: 0x4,
  TOKEN_INITIALIZED: 0x400,
  USER_PIN_COUNT_LOW: 0x10000,
  USER_PIN_FINAL_TRY: 0x20000,
  USER_PIN_LOCKED: 0x40000,
} as const;

/**
 * Loads the addon from its folder.
 *
 * @throws {TagsealError} `not-found` where it was not built, `forbidden` where this program may not load it, `bad-input`
 * where it was built for something else
 */
export function loadPkcs11Addon(folder: string): Pkcs11Addon {
  const path = resolve(folder);
  try {
    // Not by its bare name: that would go on in the folders above.
    return createRequire(pathToFileURL(`${path}/package.json`))("./node_modules/pkcs11js/index.js");
  } catch (error) {
    throw notLoaded(path, error);
  }
}

function notLoaded(folder: string, error: unknown): TagsealError {
  const details = { folder };
  if (error instanceof Error && error.name === "NotCapable") {
    return new TagsealError("forbidden", `The PKCS#11 addon in "${folder}" may not be loaded under these permissions`, {
      remedy: "Run this where native code may be loaded from that one folder",
      details,
      cause: error,
    });
  }
  if ((error as { code?: unknown } | null)?.code === "MODULE_NOT_FOUND") {
    return new TagsealError("not-found", `The PKCS#11 addon is not in "${folder}"`, {
      remedy: "Build it once in tagseal's project (it needs npm and a C++ compiler), or name the folder where it is",
      next: { do: "build-token-addon" },
      details,
      cause: error,
    });
  }
  const reason = messageOf(error).split("\n")[0]!;
  return new TagsealError("bad-input", `The PKCS#11 addon in "${folder}" cannot be loaded: ${reason}`, {
    remedy: "Build it again on this machine",
    next: { do: "rebuild-token-addon" },
    details,
    cause: error,
  });
}
