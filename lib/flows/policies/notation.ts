/**
 * Notation: `trustpolicy.json` says which identities count for which repositories, the trust store holds certificates.
 *
 * @see {@link https://github.com/notaryproject/specifications/blob/main/specs/trust-store-trust-policy.md | trust store and trust policy}
 * @module
 */
import { isJsonObject, type JsonObject } from "../../bytes/json.ts";
import { sha256Hex } from "../../crypto/hash.ts";
import { certificatePem } from "../../crypto/x509.ts";
import { TagsealError } from "../../errors.ts";
import { mergedJson, readJson, saysOtherwise } from "./documents.ts";
import { isSame } from "./graft.ts";
import { onlyFile, type PolicyFolder, type PolicyInput, type VerifierPolicy } from "./policy.ts";
import { trustedIdentity } from "./trusted_identity.ts";

/** The only name that notation 1.3 reads. */
const POLICY = "notation/trustpolicy.json";
const ANY = "*";

/** A statement of a trust policy, as Notation and Ratify have it. */
export function trustStatement(input: PolicyInput, store: string): JsonObject {
  return {
    name: `tagseal-${input.signer}`,
    registryScopes: input.repositories.map(({ gun }) => gun),
    signatureVerification: { level: "strict" },
    trustStores: [`ca:${store}`],
    trustedIdentities: [identityOf(input)],
  };
}

function identityOf({ certificate, anchor }: PolicyInput): string {
  const identity = trustedIdentity(certificate);
  if (identity !== undefined || certificate === anchor) return identity ?? ANY;
  throw new TagsealError("bad-input", `Notation cannot tell "${certificate.subject}" from others of the same CA`, {
    remedy: "Take a certificate whose subject has country, state and organization, each once",
  });
}

/** The files of Notation. @throws {TagsealError} `exists`, `bad-input` */
export async function notationPolicy(input: PolicyInput, folder: PolicyFolder): Promise<VerifierPolicy> {
  const { anchor, signer, repositories } = input;
  const store = `notation/truststore/x509/ca/${signer}`;
  const file = `${store}/${sha256Hex(anchor.der).slice(0, 16)}.pem`;
  const statement = trustStatement(input, signer);
  const isAny = isSame(statement["trustedIdentities"], [ANY]);
  await requireCleanStore(folder, store, file, isAny);
  await requireFreeScopes(folder, statement);
  const policy = await mergedJson(folder, POLICY, { version: "1.0", trustPolicies: [statement] }, {
    trustPolicies: { by: "name" },
    registryScopes: "values",
  });
  return {
    files: [await onlyFile(folder, file, certificatePem(anchor), "certificate"), policy],
    commands: [["env", `XDG_CONFIG_HOME=${input.folder}`, "notation", "verify", `${repositories[0].gun}:TAG`]],
    notes: [
      ...isAny
        ? [
          'any subject is trusted ("*"), as the certificate has none that a policy can name (country, state and ' +
          "organization, each once): it is the only one in its trust store, so that no other one counts",
        ]
        : [],
      `signatures end with the certificate, on ${input.certificate.notAfter.toISOString().slice(0, 10)}, unless they ` +
      "have a timestamp",
      "the folder notation belongs into ~/.config; its trust store may hold nothing but certificates",
    ],
  };
}

/** Any other thing in a trust store makes every verification fail; where any subject counts, so does any certificate. */
async function requireCleanStore(folder: PolicyFolder, store: string, ours: string, isAny: boolean): Promise<void> {
  for (const { name, isFile } of await folder.list(store)) {
    const path = `${store}/${name}`;
    if (path === ours) continue;
    if (!isFile || !/\.(?:pem|crt|cer)$/i.test(name)) {
      throw new TagsealError("exists", `"${path}" is no certificate, and makes Notation fail for all images`, {
        remedy: "Move it out of the trust store",
        details: { path },
      });
    }
    if (isAny) {
      throw new TagsealError("exists", `"${path}" would be trusted, too, as the policy has no subject to go by`, {
        remedy: "Give this signer another name, and so a trust store of its own",
        details: { path },
      });
    }
  }
}

/** A scope may stand in one statement only. @throws {TagsealError} `exists` */
async function requireFreeScopes(folder: PolicyFolder, statement: JsonObject): Promise<void> {
  const bytes = await folder.read(POLICY);
  const present = bytes && readJson(bytes, POLICY);
  const others = isJsonObject(present) && Array.isArray(present["trustPolicies"]) ? present["trustPolicies"] : [];
  const scopes = new Set(statement["registryScopes"] as readonly string[]);
  for (const other of others) {
    if (!isJsonObject(other) || other["name"] === statement["name"] || !Array.isArray(other["registryScopes"])) {
      continue;
    }
    const taken = other["registryScopes"].find((scope: unknown) => scopes.has(scope as string));
    if (taken !== undefined) throw saysOtherwise(POLICY, `${other["name"]} / registryScopes / ${taken}`);
  }
}
