/** A Notary server, keys and a signing service in memory: what flows are given in tests. @module */
import { generateKeyPairSync } from "node:crypto";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { keyOfCertificate, type PublicKey } from "../../lib/crypto/keys.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner, type Signer } from "../../lib/crypto/signer.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { fileSigner, type SignedFile } from "../../lib/signing/zip_signer.ts";
import { prepareTags, type TagsToSign } from "../../lib/schemes/notary_v1/prepare_tags.ts";
import type { PushResult } from "../../lib/schemes/notary_v1/push_trust_data.ts";
import type { ManifestOfTag } from "../../lib/schemes/notary_v1/tag_change.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { initRepository, type InitResult } from "../../lib/flows/init_repository.ts";
import type { Trust } from "../../lib/notary/repository.ts";
import { partOf } from "../../lib/schemes/notary_v1/scheme.ts";
import { assembleBatch, type Batch } from "../../lib/signing/batch.ts";
import { keySigner } from "../../lib/signing/key_signer.ts";
import type { PayloadSigner } from "../../lib/signing/payload_signer.ts";
import type { SignOptions } from "../../lib/signing/sign.ts";
import { exchange, type Send } from "../../lib/http/send.ts";
import type { KeyInfo, KeyStore, NewKey } from "../../lib/keystore/keystore.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { createNotaryServer } from "../../lib/local/notary_server.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { signArtifact } from "../../lib/local/signpath_signing.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { createTrustServer } from "../../lib/notary/trust_server.ts";
import { trustTime } from "../../lib/tuf/edit.ts";

/** Keys that live as long as the object; `opened` counts how often one was asked for. */
export class MemoryKeyStore implements KeyStore {
  /** How often a key was opened: how often a person would have been asked for a passphrase. */
  opened = 0;
  readonly #keys = new Map<string, { signer: Signer; role: string; gun?: string }>();

  /** Makes a key. */
  create(info: { readonly role: string; readonly gun?: string }): Promise<NewKey> {
    const signer = localSigner(privateKeyOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey));
    const id = signer.publicKey.canonicalId;
    this.#keys.set(id, { signer, ...info });
    return Promise.resolve({ signer, discard: () => Promise.resolve(void this.#keys.delete(id)) });
  }

  /** All keys. */
  list(): Promise<KeyInfo[]> {
    return Promise.resolve([...this.#keys].map(([id, { role, gun }]) => ({ id, role, ...(gun ? { gun } : {}) })));
  }

  /** The signer of a key. */
  open(id: string): Promise<Signer> {
    this.opened++;
    return Promise.resolve(this.#keys.get(id)!.signer);
  }
}

/** The world of one test. */
export class FlowWorld {
  /** Stands between everybody and the Notary server. */
  between: (request: Request, send: Send) => Promise<Response> = (request, send) => send(request);
  /** What was sent for signing. */
  readonly files: Bytes[] = [];
  /** The keys of the repositories' administrator. */
  readonly keys: MemoryKeyStore = new MemoryKeyStore();
  /** The time. */
  readonly now = (): Date => this.at;

  private constructor(
    public at: Date,
    readonly delegationKey: PublicKey,
    readonly signFile: (file: Bytes) => Promise<SignedFile>,
    private readonly send: Send,
  ) {}

  /** A world without repositories. */
  static async begin(at: Date = new Date("2026-06-01T12:00:00Z")): Promise<FlowWorld> {
    const made = await createSigningCertificate({ commonName: "signer", algorithm: "ecdsa-p256", now: at, days: 365 });
    const notary = createNotaryServer({ now: () => world.at });
    const sign = async (file: Bytes): Promise<SignedFile> => {
      world.files.push(file);
      const signingRequestId = `request-${world.files.length}`;
      return { signed: await signArtifact(file, fileSigningKey(made.privateKey), {}), signingRequestId };
    };
    const world = new FlowWorld(at, keyOfCertificate(readCertificate(made.certificatePem)), sign, notary.handle);
    return world;
  }

  /** Somebody new, who trusts nothing yet. */
  trust(): Trust {
    const send: Send = (request) => this.between(request, this.send);
    return {
      server: createTrustServer({
        url: new URL("https://notary.test"),
        service: { request: (call) => exchange(send, call) },
        access: "push,pull",
      }),
      store: createMemoryMetadataStore(),
      now: this.now,
      sleep: () => Promise.resolve(),
    };
  }

  /** How tags are signed here. */
  get options(): Pick<SignOptions<PushResult>, "signer" | "now"> {
    return { signer: fileSigner(this.signFile), now: this.now };
  }

  /** Sets a repository up, with the delegation `signpath`. */
  init(gun: string): Promise<InitResult> {
    return initRepository(this.trust(), this.keys, { gun, delegation: { name: "signpath", key: this.delegationKey } });
  }

  /** Sets repositories up as {@linkcode init} does, with the delegation `ci` beside it, and signs with the key of that. */
  async initWithKey(...guns: string[]): Promise<PayloadSigner> {
    const keys = new MemoryKeyStore();
    const { signer: { publicKey: key } } = await keys.create({ role: "delegation" });
    for (const gun of guns) {
      await this.init(gun);
      await addDelegation(this.trust(), this.keys, { gun, name: "ci", key });
    }
    return keySigner(keys);
  }

  /** Tags to sign; each stands for the digest of its own name, or of `content`. */
  task(gun: string, tags: readonly string[], content?: string): TagsToSign {
    const lookUp = (tag: string) => Promise.resolve(manifestOf(tag, content));
    return { trust: this.trust(), gun, signer: "signpath", sign: { tags, lookUp } };
  }
}

/** What is to be signed for `tasks`, as one signing request; something must be. */
export async function batchOf(tasks: readonly TagsToSign[], at: Date): Promise<Batch> {
  const changes = await Promise.all(tasks.map(async (task) => (await prepareTags(task, at)).change!));
  return assembleBatch(changes.map(partOf), trustTime(at), "a test");
}

/** What the registry would say of a tag. */
export function manifestOf(tag: string, content: string = tag): ManifestOfTag {
  const digest = `sha256:${sha256Hex(new TextEncoder().encode(content))}`;
  return { tag, digest, length: 500 + content.length, mediaType: "application/vnd.oci.image.manifest.v1+json" };
}
