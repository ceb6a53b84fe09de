/** What the people of a story do with keys: a signer's key is put into place, the owner signs in `targets` itself. @module */
import type { KeyObject } from "node:crypto";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { formatPem } from "../../lib/bytes/pem.ts";
import { encryptPrivateKey } from "../../lib/crypto/pkcs8.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { publish, type Trust } from "../../lib/notary/repository.ts";
import { openRoleSigner } from "../../lib/flows/role_signer.ts";
import { exchange } from "../../lib/http/send.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import type { SigningAlgorithm } from "../../lib/local/certificates.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { createTrustServer } from "../../lib/notary/trust_server.ts";
import { assembleFile, nextTargets, withTargets } from "../../lib/tuf/edit.ts";
import type { Target } from "../../lib/tuf/models.ts";
import { given, PASSPHRASES, type Story } from "./local_story.ts";
import { signingCertificate } from "./rsa_keys.ts";

/**
 * Puts a delegation's key into the story's trust directory, as `notary key import --role <role>` and `docker trust key
 * load` do, and its certificate into the work folder as `<name>.cer`; its canonical id.
 */
export async function givenSigner(
  story: Story,
  name: string,
  passphrase: string,
  algorithm: SigningAlgorithm = "ecdsa-p256",
): Promise<string> {
  const made = await signingCertificate({ commonName: name, algorithm, now: new Date(), days: 365 });
  await given(story, `${name}.cer`, made.certificateDer);
  story.secrets.push(passphrase);
  return await putKey(story.trust, made.privateKey, name, passphrase);
}

/** What flows are given for the story's Notary server, by somebody who trusts nothing yet. */
export function trustOf(story: Story): Trust {
  const { send } = story.peers.connect({});
  return {
    server: createTrustServer({
      url: new URL(`https://${story.peers.host}`),
      service: { request: (call) => exchange(send, call) },
      access: "push,pull",
    }),
    store: createMemoryMetadataStore(),
    now: () => new Date(),
    sleep: () => Promise.resolve(),
  };
}

/** Signs tags in the repository's `targets` itself, as its owner can do with the targets key. */
export async function signInTargets(story: Story, tags: ReadonlyMap<string, Target>): Promise<void> {
  const trust = trustOf(story);
  const keys = createFileKeyStore(story.trust, () => Promise.resolve(PASSPHRASES.targets));
  await publish(trust, story.gun, ["targets"], { attempts: 1 }, {
    isThere: ({ targets }) => [...tags.keys()].every((tag) => targets.targets.has(tag)),
    async make(repository) {
      const { targets } = repository;
      const { keyId, signer } = await openRoleSigner(repository, "targets", keys);
      const signed = nextTargets(withTargets(targets.envelope.signed, tags), targets.version + 1, trust.now());
      const payload = canonicalJson(signed);
      return new Map([["targets" as const, assembleFile(payload, [{ keyId, signature: await signer.sign(payload) }])]]);
    },
  });
}

/** Writes a private key into a trust directory; its canonical id. */
export async function putKey(trust: string, key: KeyObject, role: string, passphrase: string): Promise<string> {
  const { publicKey: { canonicalId }, pkcs8 } = privateKeyOf(key);
  await Deno.mkdir(`${trust}/private`, { recursive: true, mode: 0o700 });
  const sealed = await encryptPrivateKey(pkcs8, passphrase);
  const pem = formatPem("ENCRYPTED PRIVATE KEY", sealed, new Map([["role", role]]));
  await Deno.writeTextFile(`${trust}/private/${canonicalId}.key`, pem, { mode: 0o600 });
  return canonicalId;
}
