/** Repositories to measure with, made through the library on a real Notary server. @module */
import { utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { type TagEntry, withTags } from "../../lib/flows/create_signing_data.ts";
import { initRepository } from "../../lib/flows/init_repository.ts";
import type { Trust } from "../../lib/flows/repository.ts";
import { authorize } from "../../lib/http/auth.ts";
import { createSend } from "../../lib/http/send.ts";
import { sleep } from "../../lib/http/retry.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { createTrustServer } from "../../lib/notary/trust_server.ts";
import { assembleFile } from "../../lib/tuf/edit.ts";
import { RELEASES } from "../../lib/tuf/roles.ts";
import type { Peers } from "../support/peers.ts";

/** `count` tags with digests made from their names. */
export function someTags(count: number): TagEntry[] {
  return Array.from({ length: count }, (_, i) => {
    const tag = `t${String(i + 1).padStart(6, "0")}`;
    const hex = sha256Hex(utf8(tag));
    return { tag, digest: `sha256:${hex}`, length: 500 + parseInt(hex.slice(0, 3), 16) };
  });
}

/** Makes a repository whose `targets/releases` holds these tags, signed by an RSA delegation key. */
export async function seedRepository(peers: Peers, gun: string, tags: readonly TagEntry[]): Promise<void> {
  const { send, close } = createSend({ caCerts: [peers.caPem] });
  try {
    const service = authorize(send, { service: "Notary server", allowHttp: false, remedy: "-" });
    const server = createTrustServer({ url: new URL(peers.notaryUrl), service, access: "push,pull" });
    const now = () => new Date();
    const trust: Trust = { server, store: createMemoryMetadataStore(), now, sleep };
    const keys = createFileKeyStore(`${peers.dir}/seed`, () => Promise.resolve("only for benchmarks"));
    const commonName = "benchmark";
    const signing = await createSigningCertificate({ commonName, algorithm: "rsa-2048", now: now(), days: 30 });
    const key = keyOfCertificate(readCertificate(signing.certificatePem));
    await initRepository(trust, keys, { gun, delegation: { name: "ci", key } });
    const payload = canonicalJson(withTags({ version: 0, file: undefined }, tags, now()));
    const signature = await localSigner(signing.privateKey).sign(payload);
    await server.publish(gun, new Map([[RELEASES, assembleFile(payload, [{ keyId: key.id, signature }])]]));
  } finally {
    close();
  }
}
