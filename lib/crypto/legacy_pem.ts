/**
 * Private keys as the first versions of Notary and Docker wrote them: the PEM of RFC 1421 that OpenSSL calls traditional,
 * encrypted with AES-CBC under a key that MD5 makes from the passphrase. Read only: nothing is written like that any more.
 *
 * @see Go `crypto/x509`, `DecryptPEMBlock`; OpenSSL `EVP_BytesToKey`
 * @module
 */
import { createDecipheriv, createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import type { PemBlock } from "../bytes/pem.ts";
import { privateKeyOf } from "./key_object.ts";
import { WrongPassphrase } from "./pkcs8.ts";
import type { PrivateKey } from "./private_key.ts";

const KINDS = new Map<string, "sec1" | "pkcs1">([["EC PRIVATE KEY", "sec1"], ["RSA PRIVATE KEY", "pkcs1"]]);
const DEK_INFO = /^AES-(128|192|256)-CBC,([0-9A-Fa-f]{32})$/;

/** Whether a PEM block is an encrypted key of that kind. */
export function isLegacyKey({ label, headers }: PemBlock): boolean {
  return KINDS.has(label) && headers.get("Proc-Type") === "4,ENCRYPTED" && DEK_INFO.test(headers.get("DEK-Info") ?? "");
}

/**
 * Opens a block that {@linkcode isLegacyKey}.
 *
 * @throws {WrongPassphrase} also where the file is damaged: nothing tells
 * @throws {SyntaxError} for keys that Notary has no use for
 */
export function decryptLegacyKey(block: PemBlock, passphrase: string): PrivateKey {
  const [, bits, hex] = DEK_INFO.exec(block.headers.get("DEK-Info")!)!;
  const iv = Uint8Array.fromHex(hex!);
  const key = keyFromPassphrase(utf8(passphrase), iv.subarray(0, 8), Number(bits) / 8);
  const decipher = createDecipheriv(`aes-${bits}-cbc`, key, iv);
  let opened: KeyObject;
  try {
    const der = concat(new Uint8Array(decipher.update(block.bytes)), new Uint8Array(decipher.final()));
    opened = createPrivateKey({ key: der as never, format: "der", type: KINDS.get(block.label)! });
  } catch {
    throw new WrongPassphrase("the passphrase does not open the key");
  }
  return privateKeyOf(opened);
}

function keyFromPassphrase(passphrase: Bytes, salt: Bytes, length: number): Bytes {
  let key: Bytes = new Uint8Array(), last: Bytes = new Uint8Array();
  while (key.length < length) {
    last = new Uint8Array(createHash("md5").update(concat(last, passphrase, salt)).digest());
    key = concat(key, last);
  }
  return key.subarray(0, length);
}
