/**
 * Signatures that a token makes. It gets a SHA-256 digest, whatever the key: that is what Notary hashes with, and the
 * mechanisms that take a digest are those that all tokens have.
 *
 * RSA keys sign with PKCS#1 v1.5, not with `rsapss` as Notary's own keys do: Notary accepts both, and each token that
 * has RSA keys has CKM_RSA_PKCS, while PSS, with the salt of 32 bytes and the MGF1 that Notary asks for, is missing on
 * older cards and behind OpenSC drivers.
 *
 * @see PKCS#11 v2.40, Mechanisms: 2.1.6 CKM_RSA_PKCS, 2.1.10 CKM_RSA_PKCS_PSS, 2.3.6 CKM_ECDSA (r‖s); RFC 8017, 9.2
 * @module
 */
import { Buffer } from "node:buffer";
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import { verifySignature } from "../crypto/algorithms.ts";
import { hash } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import type { HashSigner, RawSignature, RsaScheme } from "../crypto/signer.ts";
import { TagsealError } from "../errors.ts";
import { CKA, CKG, CKM, type Handle, type Mechanism, PSS_PARAMETERS } from "./pkcs11_addon.ts";
import type { Token } from "./pkcs11_token.ts";

type TokenMethod = "ecdsa" | RsaScheme;

const MECHANISMS: Readonly<Record<TokenMethod, Mechanism>> = {
  ecdsa: { mechanism: CKM.ECDSA },
  rsapkcs1v15: { mechanism: CKM.RSA_PKCS },
  rsapss: {
    mechanism: CKM.RSA_PKCS_PSS,
    parameter: { type: PSS_PARAMETERS, hashAlg: CKM.SHA256, mgf: CKG.MGF1_SHA256, saltLen: 32 },
  },
};
const SHA256_BYTES = 32;
/** DigestInfo of SHA-256 without the digest: CKM_RSA_PKCS pads, and leaves this to its caller. */
const SHA256_DIGEST_INFO = Uint8Array.fromHex("3031300d060960864801650304020105000420");
/** More than any key here needs: 512 for RSA with 4096 bits. */
const MAX_SIGNATURE_BYTES = 2048;
/** Signed once to prove a key; it is no JSON, so it is nobody's metadata. */
const PROOF = utf8("tagseal asks whether this private key belongs to the public key beside it");

/** Signs with a private key of the token, after its login. `onSign` is told before each signature. */
export function tokenSigner(token: Token, publicKey: PublicKey, privateKey: Handle, onSign: () => void): HashSigner {
  const always = token.attribute(privateKey, CKA.ALWAYS_AUTHENTICATE)?.[0] === 1;
  const proven = new Set<TokenMethod>();

  async function signDigest(method: TokenMethod, digest: Bytes): Promise<RawSignature> {
    const data = Buffer.from(method === "rsapkcs1v15" ? concat(SHA256_DIGEST_INFO, digest) : digest);
    const out = Buffer.alloc(MAX_SIGNATURE_BYTES);
    const bytes = await token.callLong("sign", (module, session) => {
      onSign();
      module.C_SignInit(session, MECHANISMS[method], privateKey);
      if (always) token.loginForOneSignature();
      return module.C_SignAsync(session, data, out);
    }, { interruptible: true });
    return { method, bytes: new Uint8Array(bytes) };
  }

  async function signAndVerify(method: TokenMethod, payload: Bytes): Promise<RawSignature> {
    const signature = await signDigest(method, hash("sha256", payload));
    if (!await verifySignature(method, publicKey, payload, signature.bytes)) throw anotherKey(token, publicKey);
    proven.add(method);
    return signature;
  }

  return {
    publicKey,
    sign: (payload) => token.inTurn(() => signAndVerify(methodOf(publicKey), payload)),
    signHash(sha256, scheme) {
      const method = methodOf(publicKey, scheme);
      return token.inTurn(async () => {
        if (sha256.length !== SHA256_BYTES) throw notADigest(sha256.length);
        // A signature of a digest alone cannot be verified by the runtime: the first one proves the key by one that can.
        if (!proven.has(method)) await signAndVerify(method, PROOF);
        return await signDigest(method, sha256);
      });
    },
  };
}

function methodOf(key: PublicKey, scheme: RsaScheme = "rsapkcs1v15"): TokenMethod {
  return key.shape.family === "rsa" ? scheme : "ecdsa";
}

function anotherKey(token: Token, { canonicalId }: PublicKey): TagsealError {
  return new TagsealError("bad-input", `The token "${token.label}" signed with another key than it shows`, {
    remedy: "Check with the token's own tool that the private key and the public key of one id are a pair",
    details: { token: token.label, keyId: canonicalId },
  });
}

function notADigest(length: number): TagsealError {
  return new TagsealError("bad-input", `A SHA-256 digest has ${SHA256_BYTES} bytes, not ${length}`, {
    remedy: "Hash the payload with SHA-256: Notary uses no other hash for signatures",
  });
}
