/**
 * Signatures that a token makes. It gets a digest, whatever the key, of SHA-256 unless rules say otherwise: that is what
 * Notary hashes with, and the mechanisms that take a digest are those that all tokens have.
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
import { digest, type SignatureHash } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { DIGEST_BYTES, DIGEST_INFO, hashOfDigest } from "../crypto/rsa_padding.ts";
import type { SignatureRules } from "../crypto/signature_rules.ts";
import type { HashSigner, RawSignature, RsaScheme } from "../crypto/signer.ts";
import { TagsealError } from "../errors.ts";
import { CKA, CKG, CKM, type Handle, type Mechanism, PSS_PARAMETERS } from "./pkcs11_addon.ts";
import type { Token } from "./pkcs11_token.ts";

type TokenMethod = "ecdsa" | RsaScheme;

/** PSS by hash: MGF1 with the same one, and a salt as long as the digest. */
const PSS = {
  sha256: { hashAlg: CKM.SHA256, mgf: CKG.MGF1_SHA256 },
  sha384: { hashAlg: CKM.SHA384, mgf: CKG.MGF1_SHA384 },
  sha512: { hashAlg: CKM.SHA512, mgf: CKG.MGF1_SHA512 },
} as const;

function mechanismOf(method: TokenMethod, name: SignatureHash): Mechanism {
  if (method === "ecdsa") return { mechanism: CKM.ECDSA };
  if (method === "rsapkcs1v15") return { mechanism: CKM.RSA_PKCS };
  const parameter = { type: PSS_PARAMETERS, ...PSS[name], saltLen: DIGEST_BYTES[name] } as const;
  return { mechanism: CKM.RSA_PKCS_PSS, parameter };
}

const NOTARY: SignatureRules = { hash: "sha256", rsaPadding: "pkcs1" };
/** More than any key here needs: 512 for RSA with 4096 bits. */
const MAX_SIGNATURE_BYTES = 2048;
/** Signed once to prove a key; it is no JSON, so it is nobody's metadata. */
const PROOF = utf8("tagseal asks whether this private key belongs to the public key beside it");

/** Signs with a private key of the token, after its login. `onSign` is told before each signature. */
export function tokenSigner(token: Token, publicKey: PublicKey, privateKey: Handle, onSign: () => void): HashSigner {
  const always = token.attribute(privateKey, CKA.ALWAYS_AUTHENTICATE)?.[0] === 1;
  const proven = new Set<TokenMethod>();

  async function signDigest(method: TokenMethod, name: SignatureHash, digest: Bytes): Promise<RawSignature> {
    // CKM_RSA_PKCS pads, and leaves DigestInfo to its caller.
    const data = Buffer.from(method === "rsapkcs1v15" ? concat(DIGEST_INFO[name], digest) : digest);
    const mechanism = mechanismOf(method, name);
    const out = Buffer.alloc(MAX_SIGNATURE_BYTES);
    const bytes = await token.callLong("sign", (module, session) => {
      onSign();
      module.C_SignInit(session, mechanism, privateKey);
      if (always) token.loginForOneSignature();
      return module.C_SignAsync(session, data, out);
    }, { interruptible: true });
    return { method, bytes: new Uint8Array(bytes) };
  }

  async function signAndVerify(method: TokenMethod, payload: Bytes, name: SignatureHash): Promise<RawSignature> {
    const signature = await signDigest(method, name, await digest(name, payload));
    const variant = { hash: name, saltLength: DIGEST_BYTES[name] };
    const isGood = await verifySignature(method, publicKey, payload, signature.bytes, variant);
    if (!isGood) throw anotherKey(token, publicKey);
    proven.add(method);
    return signature;
  }

  return {
    publicKey,
    sign(payload, rules = NOTARY) {
      const method = methodOf(publicKey, rules.rsaPadding === "pss" ? "rsapss" : "rsapkcs1v15");
      return token.inTurn(() => signAndVerify(method, payload, rules.hash));
    },
    signHash(digest, scheme) {
      const method = methodOf(publicKey, scheme);
      return token.inTurn(async () => {
        const name = hashOfDigest(digest) ?? notADigest(digest.length);
        // A signature of a digest alone cannot be verified by the runtime: the first one proves the key by one that can.
        if (!proven.has(method)) await signAndVerify(method, PROOF, "sha256");
        return await signDigest(method, name, digest);
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

function notADigest(length: number): never {
  throw new TagsealError("bad-input", `A digest of SHA-2 has 32, 48 or 64 bytes, not ${length}`, {
    remedy: "Hash the payload with SHA-256, as Notary does, or with SHA-384 or SHA-512",
  });
}
