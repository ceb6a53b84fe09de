/**
 * Notation signatures and the real `notation` program: what tagseal signs is taken by it, and what it refuses, tagseal
 * refuses, on a registry that lists referrers and on one that does not.
 */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { authorize } from "../../lib/http/auth.ts";
import { createSend } from "../../lib/http/network.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import { pushBlob } from "../../lib/registry/blob.ts";
import type { Descriptor } from "../../lib/registry/descriptor.ts";
import { findManifest, pushManifest, tagManifest } from "../../lib/registry/manifest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import { addReferrer, listReferrers, referrersTag } from "../../lib/registry/referrers.ts";
import { openRepository, type RegistryRepository } from "../../lib/registry/repository.ts";
import { registrySource } from "../../lib/schemes/cosign/attached.ts";
import { checkCertificates } from "../../lib/schemes/notation/certificates.ts";
import { EMPTY_CONFIG, signedEnvelope, unsignedEnvelope } from "../../lib/schemes/notation/envelope.ts";
import { SIGNATURE_TYPE } from "../../lib/schemes/notation/formats.ts";
import { tagsSignedAlready, verifyNotation } from "../../lib/schemes/notation/verify.ts";
import { pushIndex } from "../support/clients.ts";
import { Attached, type Identity, identity, KEY_KINDS, type KeyKind, keyOf, newKey } from "../support/notation.ts";
import { notationHome, notationVerify } from "../support/notation_verifier.ts";
import { HARMLESS, notationForgeries } from "../support/notation_forgeries.ts";
import { peerTest } from "../support/peer_case.ts";
import { type Peers, startPeers } from "../support/peers.ts";
import { EMBEDDED, REAL, stackTest } from "../support/stacks.ts";
import { MORE } from "../support/fuzz.ts";

const TAG = "1.4.2";
const AT_ONCE = 3;

/** What `notation` takes and ours does not: all of it is read in one way here, where there are several. */
const STRICTER: readonly string[] = [
  // A member twice: Go takes the last one, or merges them.
  "alg twice",
  "cty twice, the wrong one first",
  "digest twice, the right one last",
  "payload twice",
  "scheme twice",
  "tag twice, the right one last",
  "target twice, the right one last",
  // Base64 in another form, and bytes that are no UTF-8.
  "envelope with bytes that are no UTF-8",
  "signature with a line end",
  "signature with loose bits",
  "x5c with a line end",
  // What a target, a number or a critical attribute means, nobody here knows.
  "another attribute, critical",
  "another member of the target",
  "data",
  "expiry null",
  "platform",
  "urls",
];

/** Whether the program accepts an image, and what it says. */
function accepts(peers: Peers, home: string, path: string, { digest }: Descriptor, tag?: string) {
  return notationVerify(peers, home, `${peers.registryHost}/${path}@${digest}`, tag);
}

function repositoryAt(peers: Peers, path: string): RegistryRepository & Disposable {
  const { send, close } = createSend({ caCerts: [peers.caPem] });
  const service = authorize(send, { service: "registry", allowHttp: false, remedy: "none" });
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const url = new URL(`https://${peers.registryHost}`);
  const repository = openRepository({ service, url, path, access: "push,pull", sleep });
  return Object.assign(repository, { [Symbol.dispose]: close });
}

async function imageIn(peers: Peers, repository: RegistryRepository): Promise<Descriptor> {
  await pushIndex(peers, repository.path, TAG, "an image");
  const { digest, mediaType, bytes } = (await findManifest(repository, TAG))!;
  return { digest, mediaType, size: bytes.length };
}

/** Signs as tagseal does: once, whoever asks. */
async function signOnce(repository: RegistryRepository, image: Descriptor, signer: Identity, ...above: Identity[]) {
  const at = new Date();
  const checked = await checkCertificates(signer.certificate, above.map(({ certificate }) => certificate), at);
  assert.ok("chain" in checked, JSON.stringify(checked.problems.map(({ reason }) => reason)));
  const { chain, algorithm } = checked;
  const attached = await listReferrers(repository, image.digest, SIGNATURE_TYPE);
  const signed = await tagsSignedAlready({ image, tags: [TAG], chain, at }, attached, registrySource(repository));
  if (signed.has(TAG)) return "unchanged";
  const unsigned = unsignedEnvelope({ image, tag: TAG }, algorithm, at);
  const raw = (await localSigner(privateKeyOf(signer.key)).sign(unsigned.signingInput, algorithm.rules)).bytes;
  const made = (await signedEnvelope(unsigned, raw, { chain, algorithm, agent: "tagseal/tests" }, image, at))!;
  await pushBlob(repository, EMPTY_CONFIG);
  await pushBlob(repository, made.envelope);
  await addReferrer(repository, { mediaType: OCI_MANIFEST, bytes: made.manifest });
  return "published";
}

const SOME_KINDS: readonly KeyKind[] = ["P-521"];

for (const [stack, kinds] of [[REAL, KEY_KINDS], [EMBEDDED, SOME_KINDS]] as const) {
  stackTest(stack, "notation takes what tagseal signs", ["verifiers"], async (t) => {
    await using peers = await stack.start();
    const ca = await identity(newKey("P-384"), { ca: true, hash: "SHA-384" });
    const middle = await identity(newKey("RSA 2048"), { ca: true, name: "Between", issuer: ca });
    const signers: [string, Identity, Identity[]][] = [];
    for (const kind of kinds) signers.push([kind, await identity(keyOf(kind)), []]);
    for (const kind of ["RSA 2048", "P-256"] as const) {
      signers.push([`${kind}, issued`, await identity(keyOf(kind), { issuer: middle }), [ca, middle]]);
    }
    for (const [i, [name, signer, above]] of signers.entries()) {
      await t.step(name, async () => {
        using repository = repositoryAt(peers, `keys/${i}`);
        const image = await imageIn(peers, repository);
        const trusted = [above[0]?.certificate ?? signer.certificate];
        const home = await notationHome(peers.dir, trusted);
        assert.equal(await signOnce(repository, image, signer, ...above), "published");
        assert.equal(await signOnce(repository, image, signer, ...above), "unchanged");
        const { ok, said } = await accepts(peers, home, repository.path, image, TAG);
        assert.ok(ok, said.slice(-2000));
        assert.ok(!(await accepts(peers, home, repository.path, image, "1.4.3")).ok, "another tag");
        const ours = async (tag: string) => {
          const attached = await listReferrers(repository, image.digest, SIGNATURE_TYPE);
          const question = { image, tag, trusted, at: new Date() };
          return await verifyNotation(question, attached, registrySource(repository));
        };
        assert.equal((await ours(TAG)).verified?.tag, TAG);
        assert.deepEqual((await ours("1.4.3")).skipped.map(({ reason }) => reason), ["other-tag"]);
      });
    }
  });
}

peerTest("notation and tagseal on changed signatures", ["docker-registry", "notary-server", "verifiers"], async () => {
  await using peers = await startPeers();
  using first = repositoryAt(peers, "forged/0");
  const image = await imageIn(peers, first);
  const { trusted, forgeries } = await notationForgeries(image);
  assert.ok(forgeries.length >= 150);
  const home = await notationHome(peers.dir, trusted);
  const theirs: string[] = [], mine: string[] = [];
  // What both refuse is most of it: that tagseal does, `verify_test.ts` shows; both are asked by hand, with TAGSEAL_FUZZ=2.
  const left = forgeries.filter(({ name }) => MORE > 1 || HARMLESS.includes(name) || STRICTER.includes(name));
  const worker = async (n: number) => {
    using repository = repositoryAt(peers, `forged/${n}`);
    if (n > 0) await imageIn(peers, repository);
    await pushBlob(repository, EMPTY_CONFIG);
    for (let next = left.shift(); next; next = left.shift()) {
      const { name, manifest, blobs } = next;
      const attached = new Attached().addManifest(manifest, ...blobs);
      const question = { image, tag: TAG, trusted, at: new Date() };
      const taken = (await verifyNotation(question, attached.list, attached)).verified !== undefined;
      if (taken) mine.push(name);
      if (!await put(repository, image, manifest, blobs)) continue; // the registry refused it already
      if ((await accepts(peers, home, repository.path, image, TAG)).ok) theirs.push(name);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => worker(n)));
  assert.deepEqual(mine.filter((name) => !theirs.includes(name)), [], "tagseal takes what notation refuses");
  assert.deepEqual(mine.toSorted(), [...HARMLESS].sort());
  assert.deepEqual(theirs.filter((name) => !mine.includes(name)).sort(), [...STRICTER].sort());
});

/** Makes a manifest the one thing that is attached to an image, as the program would list it. */
async function put(repository: RegistryRepository, image: Descriptor, manifest: Bytes, blobs: readonly Bytes[]) {
  for (const blob of blobs) await pushBlob(repository, blob);
  try {
    const { digest } = await pushManifest(repository, { mediaType: OCI_MANIFEST, bytes: manifest });
    const entry = { mediaType: OCI_MANIFEST, digest, size: manifest.length, artifactType: SIGNATURE_TYPE };
    const index = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] }));
    await tagManifest(repository, { mediaType: OCI_INDEX, bytes: index }, referrersTag(image.digest));
    return true;
  } catch (error) {
    if (isTagsealError(error) && error.details["status"] === 400) return false;
    throw error;
  }
}
