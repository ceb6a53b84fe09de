/** Repositories to measure with, made through the library on a real Notary server. @module */
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { keyOfCertificate, type PublicKey } from "../../lib/crypto/keys.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { editedRole, type TagEntry } from "../../lib/schemes/notary_v1/tag_change.ts";
import { initRepository } from "../../lib/flows/init_repository.ts";
import type { Trust } from "../../lib/notary/repository.ts";
import { authorize } from "../../lib/http/auth.ts";
import { createSend } from "../../lib/http/network.ts";
import { sleep } from "../../lib/http/retry.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { createTrustServer } from "../../lib/notary/trust_server.ts";
import { assembleFile } from "../../lib/tuf/edit.ts";
import { RELEASES, type RoleName } from "../../lib/tuf/roles.ts";
import { MemoryKeyStore } from "../support/flow_world.ts";
import type { Peers } from "../support/peers.ts";

/** Makes repositories, and looks into them. */
export interface Seeder extends Disposable {
  /** The RSA key of the delegations of all repositories (PKCS#8). */
  readonly delegationKeyPem: string;
  /** Its certificate. */
  readonly delegationCertificatePem: string;
  /** What it takes to make repositories of another kind: the way to the server, and that key. */
  readonly owner: {
    readonly trust: Trust;
    readonly key: PublicKey;
    firstVersion(tags: readonly TagEntry[]): Promise<Bytes>;
  };
  /** Makes a repository whose `targets/releases` holds these tags, and `targets/ci` the first ten of them. */
  seed(gun: string, tags: readonly TagEntry[]): Promise<void>;
  /** Those of these tags that the server's `targets/releases` does not hold as they are here. */
  missingTags(gun: string, tags: readonly TagEntry[]): Promise<TagEntry[]>;
  /** @throws {Error} where there are any */
  requireTags(gun: string, tags: readonly TagEntry[]): Promise<void>;
  /**
   * Looks at the server's `targets`.
   *
   * @throws {Error} where it does not name these delegations, and no other ones
   */
  requireDelegations(gun: string, ...names: readonly string[]): Promise<void>;
}

/** `count` tags with digests made from their names. */
export function someTags(count: number): TagEntry[] {
  return Array.from({ length: count }, (_, i) => tagNamed(`t${String(i + 1).padStart(6, "0")}`));
}

/** A tag with a digest made from its name. */
export function tagNamed(tag: string): TagEntry {
  const hex = sha256Hex(utf8(tag));
  return { tag, digest: `sha256:${hex}`, length: 500 + parseInt(hex.slice(0, 3), 16) };
}

/** Opens the way to the server, not delayed. */
export async function createSeeder(peers: Peers): Promise<Seeder> {
  const { send, close } = createSend({ caCerts: [peers.caPem] });
  const { username, password } = peers;
  const credentials = () => Promise.resolve(peers.auth ? { username, password } : undefined);
  const service = authorize(send, { service: "Notary server", allowHttp: false, credentials, remedy: "-" });
  const server = createTrustServer({ url: new URL(peers.notaryUrl), service, access: "push,pull" });
  const now = () => new Date();
  const signing = await createSigningCertificate({ commonName: "ci", algorithm: "rsa-2048", now: now(), days: 30 });
  const key = keyOfCertificate(readCertificate(signing.certificatePem));
  const signer = localSigner(privateKeyOf(signing.privateKey));

  const trust: Trust = { server, store: createMemoryMetadataStore(), now, sleep };
  async function firstVersion(tags: readonly TagEntry[]) {
    const payload = canonicalJson(editedRole({ version: 0, file: undefined }, { tags, removedTags: [] }, now()));
    return assembleFile(payload, [{ keyId: key.id, signature: await signer.sign(payload) }]);
  }
  async function missingTags(gun: string, tags: readonly TagEntry[]) {
    const file = await server.read(gun, RELEASES, { maxBytes: 128 * 2 ** 20 });
    // Read without the code that is measured.
    const { signed }: { signed: { targets: Record<string, { hashes: { sha256: string }; length: number }> } } = JSON
      .parse(new TextDecoder().decode(file));
    return tags.filter(({ tag, digest, length }) => {
      const target = signed.targets[tag];
      const there = target && `sha256:${Uint8Array.fromBase64(target.hashes.sha256).toHex()}`;
      return there !== digest || target?.length !== length;
    });
  }
  return {
    delegationCertificatePem: signing.certificatePem,
    delegationKeyPem: signing.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    owner: { trust, key, firstVersion },
    async seed(gun, tags) {
      await initRepository(trust, new MemoryKeyStore(), { gun, delegation: { name: "ci", key } });
      const ci: RoleName = "targets/ci";
      const files = [[RELEASES, await firstVersion(tags)], [ci, await firstVersion(tags.slice(0, 10))]] as const;
      await server.publish(gun, new Map(files));
    },
    missingTags,
    async requireTags(gun, tags) {
      const [missing] = await missingTags(gun, tags);
      if (missing) throw new Error(`"${gun}:${missing.tag}" is not as it was signed`);
    },
    async requireDelegations(gun, ...names) {
      const { signed }: { signed: { delegations: { roles: { name: string }[] } } } = JSON.parse(
        new TextDecoder().decode(await server.read(gun, "targets")),
      );
      const there = signed.delegations.roles.map(({ name }) => name).sort().join(", ");
      if (there !== names.toSorted().join(", ")) throw new Error(`"${gun}" has the delegations ${there}`);
    },
    [Symbol.dispose]: close,
  };
}
