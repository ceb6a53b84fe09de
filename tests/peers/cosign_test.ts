/** What tagseal signs is taken by cosign 2, cosign 3 and skopeo, at a registry with lists of referrers and at one without. */
import assert from "node:assert/strict";
import { pushBlob } from "../../lib/registry/blob.ts";
import { findImage } from "../../lib/registry/image_entries.ts";
import { findManifest, tagManifest } from "../../lib/registry/manifest.ts";
import { OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import { addReferrer } from "../../lib/registry/referrers.ts";
import type { RegistryRepository } from "../../lib/registry/repository.ts";
import { addToTagged } from "../../lib/registry/tagged.ts";
import { readAttached, registrySource } from "../../lib/schemes/cosign/attached.ts";
import { bundleArtifact, preAuthenticationEncoding, statementOf } from "../../lib/schemes/cosign/bundle.ts";
import { signatureTag, withSignatures } from "../../lib/schemes/cosign/classic.ts";
import { readSignatureManifest } from "../../lib/schemes/cosign/manifests.ts";
import { missingSignatures, signaturesToAddTo } from "../../lib/schemes/cosign/missing.ts";
import { type SignedImage, simpleSigningPayload } from "../../lib/schemes/cosign/payload.ts";
import { publishedSignature } from "../../lib/schemes/cosign/signature.ts";
import { type CosignReader, verifyCosign } from "../../lib/schemes/cosign/verify.ts";
import { mapAtOnce } from "../../lib/signing/at_once.ts";
import { pushIndex } from "../support/clients.ts";
import { attachBundle, SignatureStore, type TestKey, testKey } from "../support/cosign.ts";
import type { Peers } from "../support/peers.ts";
import { EMBEDDED, REAL, stackTest } from "../support/stacks.ts";
import { AT_ONCE, Registry, Verifiers } from "../support/cosign_verifiers.ts";

const ALL: readonly CosignReader[] = ["cosign-2", "cosign-3", "containers-image"];

/** Signs as tagseal does, through the registry's own functions. */
async function signClassic(
  repository: RegistryRepository,
  images: readonly SignedImage[],
  { key, sign }: TestKey,
): Promise<void> {
  const { digest } = images[0]!;
  const wanted = images.map((image) => ({ image, form: "classic" as const }));
  await addToTagged(repository, {
    tag: signatureTag(digest),
    mediaType: OCI_MANIFEST,
    async add(bytes) {
      const attached = await readAttached(registrySource(repository), digest, images.map(simpleSigningPayload));
      const missing = await missingSignatures(attached, images[0]!.gun, wanted, key, new Date());
      if (missing.length === 0) return undefined;
      const added = await Promise.all(missing.map(async ({ image }) => {
        const payload = simpleSigningPayload(image);
        return { payload, signature: (await publishedSignature(key, payload, await sign(payload)))! };
      }));
      const current = bytes && readSignatureManifest({ bytes, mediaType: OCI_MANIFEST });
      assert.ok(typeof current !== "string");
      assert.deepEqual(current?.layers, signaturesToAddTo(attached, images[0]!.gun)?.layers);
      const { blobs, manifest } = withSignatures(current, added);
      for (const blob of blobs) await pushBlob(repository, blob.bytes);
      return manifest.bytes;
    },
  });
}

async function signBundle(repository: RegistryRepository, image: SignedImage, { key, sign }: TestKey): Promise<void> {
  const found = await findImage(repository, image.digest);
  const statement = statementOf(image);
  const signature = await publishedSignature(
    key,
    preAuthenticationEncoding(statement),
    await sign(preAuthenticationEncoding(statement)),
  );
  const { blobs, manifest } = bundleArtifact(key, { statement, signature: signature! }, found!.image, new Date());
  for (const blob of blobs) await pushBlob(repository, blob.bytes);
  await addReferrer(repository, manifest);
}

/** What they say of all kinds of keys is asked in `sign_scheme_test.ts`, of what the command signs. */
for (const [stack, kinds] of [[REAL, ["rsa2048", "p256"]], [EMBEDDED, ["p256"]]] as const) {
  stackTest(stack, "cosign: what tagseal signs is taken by the real verifiers, by the right tag alone", [
    "verifiers",
    "skopeo",
  ], async () => {
    await using peers = await stack.start();
    await using verifiers = await Verifiers.start(peers.caPath);
    using registry = new Registry(`https://${peers.registryHost}`, peers.caPem);
    await mapAtOnce(kinds, AT_ONCE, async (kind) => {
      await oneKey(peers, registry.repository(`cosign/${kind}`), verifiers, await testKey(kind));
    });
  });
}

async function oneKey(
  peers: Peers,
  repository: RegistryRepository,
  verifiers: Verifiers,
  ours: TestKey,
): Promise<void> {
  const { path } = repository;
  const gun = `${peers.registryHost}/${path}`;
  await pushIndex(peers, path, "1.0", path);
  const { image, entries } = (await findImage(repository, "1.0"))!;
  await tagManifest(repository, (await findManifest(repository, image.digest))!, "other");
  const theirs = await testKey("p256");
  const verdict = async (tag: string | undefined, digest = image.digest, keys = [ours.key]) => {
    const attached = await readAttached(registrySource(repository), digest);
    return await verifyCosign(attached, { gun, tag, keys, at: new Date() });
  };
  const accepted = async (reference: string, readers = ALL, key = ours, ...more: string[]) =>
    (await Promise.all(readers.map((reader) => verifiers.accepts(reader, reference, key, ...more)))).map(String).join(
      " ",
    );

  assert.equal((await verdict("1.0")).outcome, "refused");
  // The index alone: skopeo looks at the platforms' manifests.
  await signClassic(repository, [{ gun, tag: "1.0", digest: image.digest }], theirs);
  await signClassic(repository, [{ gun, tag: "1.0", digest: image.digest }], ours);
  assert.equal(await accepted(`${gun}:1.0`), "true true false");
  for (const { digest } of entries) await signClassic(repository, [{ gun, tag: "1.0", digest }], ours);
  assert.equal(await accepted(`${gun}:1.0`), "true true true");
  for (const { digest } of [image, ...entries]) {
    const found = await verdict("1.0", digest);
    assert.deepEqual(found.outcome === "verified" && [...found.readers].sort(), [...ALL].sort());
  }
  if (!path.endsWith("p256")) return; // whatever the key, what follows is the same
  assert.equal(await accepted(`${gun}:1.0`, ["containers-image"], ours, "--all"), "true");
  assert.equal(await accepted(`${gun}@${image.digest}`), "true true true");
  // Another signer's signature stays, and does not count for us.
  assert.equal(await accepted(`${gun}:1.0`, ["cosign-2", "cosign-3"], theirs), "true true");
  assert.equal((await verdict("1.0", entries[0]!.digest, [theirs.key])).outcome, "refused");
  // A tag that was not signed is the same image to cosign, and none to podman, skopeo and us.
  assert.equal(await accepted(`${gun}:other`), "true true false");
  assert.equal((await verdict("other")).outcome, "refused");
  const both = ["1.0", "other"].map((tag) => ({ gun, tag, digest: image.digest }));
  await signClassic(repository, both, ours);
  for (const { digest } of entries) await signClassic(repository, both.map((it) => ({ ...it, digest })), ours);
  assert.equal(await accepted(`${gun}:other`, ["containers-image"]), "true");
  const again = await readAttached(registrySource(repository), image.digest, both.map(simpleSigningPayload));
  assert.deepEqual(
    await missingSignatures(again, gun, both.map((image) => ({ image, form: "classic" })), ours.key, new Date()),
    [],
  );

  // Somebody's attestation hides our signature from cosign 3, until our bundle stands beside it.
  const foreign = new SignatureStore();
  const about = statementOf({ digest: image.digest, tag: "x" });
  await attachBundle(foreign, image, theirs, { about });
  for (const bytes of foreign.blobs.values()) await pushBlob(repository, bytes);
  for (const manifest of foreign.manifests.values()) await addReferrer(repository, manifest);
  assert.equal(await accepted(`${gun}:1.0`, ["cosign-2", "cosign-3"]), "true false");
  const hidden = await verdict("1.0");
  assert.deepEqual(hidden.outcome === "verified" && hidden.readers, ["cosign-2", "containers-image"]);
  await signBundle(repository, { gun, tag: "1.0", digest: image.digest }, ours);
  assert.equal(await accepted(`${gun}:1.0`), "true true true");
  assert.equal(await accepted(`${gun}:1.0`, ["cosign-3"], ours, "-a", "tag=1.0"), "true");
  assert.equal(await accepted(`${gun}:1.0`, ["cosign-3"], ours, "-a", "tag=other"), "false");
  const cured = await verdict("1.0");
  assert.deepEqual(cured.outcome === "verified" && cured.signatures.map(({ form, tag }) => `${form} ${tag}`), [
    "classic 1.0",
    "bundle 1.0",
  ]);
  assert.deepEqual(cured.outcome === "verified" && cured.readers, ["cosign-2", "containers-image", "cosign-3"]);
}
