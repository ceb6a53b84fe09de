/** Images of a registry signed with Notation's scheme: what is to be signed, what is published, and what is refused. */
import assert from "node:assert/strict";
import { constants, sign } from "node:crypto";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { privateKeyOf } from "../../../lib/crypto/key_object.ts";
import { keyOfCertificate } from "../../../lib/crypto/keys.ts";
import { localSigner } from "../../../lib/crypto/signer.ts";
import type { Descriptor } from "../../../lib/registry/descriptor.ts";
import { registryStore } from "../../../lib/registry/image_store.ts";
import { SIGNATURE_TYPE } from "../../../lib/schemes/notation/formats.ts";
import { notation, type NotationTask } from "../../../lib/schemes/notation/scheme.ts";
import { jobOf } from "../../../lib/signing/scheme.ts";
import { failsWith } from "../../support/failures.ts";
import { type Identity, identity, keyOf, newKey } from "../../support/notation.ts";
import { registryWorld } from "../../support/registries.ts";
import { digestAt, GUN, pushImage, pushIndex, signedBy } from "../../support/scheme_world.ts";

const AT = new Date("2026-11-28T12:00:00Z");
const own = await identity(keyOf("P-256"));

function world(signer: Identity = own) {
  const { repository: registry, asked } = registryWorld();
  const task = (tags: readonly string[], more: Partial<NotationTask> = {}): NotationTask => ({
    repository: GUN,
    registry,
    certificates: [signer.certificate],
    key: keyOfCertificate(signer.certificate),
    tags,
    digestOf: digestAt(registry),
    ...more,
  });
  const prepared = async (task: NotationTask, at = AT) => {
    const prepared = await notation.prepare(task, at);
    assert.ok(prepared.outcome === "to-sign");
    return prepared;
  };
  const verify = async (image: Descriptor, tag: string) => {
    const store = registryStore(registry);
    const attached = await store.referrers(image.digest, SIGNATURE_TYPE);
    const { verified } = await notation.verify([
      { image, tag, trusted: [signer.certificate], at: AT },
      attached,
      store,
    ]);
    return verified;
  };
  return { registry, asked, task, prepared, verify };
}

const byKey = ({ key }: Identity) => async (bytes: Bytes) =>
  (await localSigner(privateKeyOf(key)).sign(bytes, { hash: "sha256", rsaPadding: "pss" })).bytes;

function pss({ key }: Identity, bytes: Bytes, saltLength: number): Bytes {
  return new Uint8Array(sign("sha256", bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }));
}

Deno.test("notation scheme: each manifest is signed under each of its tags, and a second run signs what is missing", async () => {
  const { registry, task, prepared, verify } = world();
  const [amd64, arm64] = [await pushImage(registry, "amd64", "v1"), await pushImage(registry, "arm64")];
  const index = await pushIndex(registry, { amd64, arm64 }, "v2", "v3");
  const both = task(["v2", "v1"]);
  assert.equal(jobOf(notation, both).scheme, "notation");
  const { part, plan } = await prepared(both);
  const named = ({ payloads }: typeof part) => payloads.map(({ label, extension }) => `${label}.${extension}`);
  assert.deepEqual(named(part), [
    "notation_app_v2_index.jws",
    "notation_app_v2_linux-amd64.jws",
    "notation_app_v2_linux-arm64.jws",
    "notation_app_v1.jws",
  ]);
  const { signatures } = part.words(part.payloads.map((payload, i) => ({ ...payload, id: `${i}` })));
  assert.deepEqual((signatures as { form: string }[]).map(({ form }) => form), Array(4).fill("jws"));
  const tags = ([["v2", index], ["v1", amd64]] as const).map(([tag, { digest }]) => ({
    scheme: "notation",
    tag,
    digest,
    reference: digest,
  }));
  const signed = await signedBy(part, byKey(own));
  assert.deepEqual(await notation.publish(both, plan, signed), {
    repository: GUN,
    outcome: "published",
    signatures: tags.map((one) => ({ ...one, outcome: "published" })),
  });
  for (const [image, tag] of [[index, "v2"], [amd64, "v2"], [arm64, "v2"], [amd64, "v1"]] as const) {
    assert.equal((await verify(image, tag))?.tag, tag);
  }
  assert.deepEqual(await notation.prepare(both, AT), {
    outcome: "unchanged",
    result: {
      repository: GUN,
      outcome: "unchanged",
      signatures: tags.map((one) => ({ ...one, outcome: "unchanged" })),
    },
  });
  const { part: rest } = await prepared(task(["v1", "v3"]));
  assert.deepEqual(
    named(rest),
    ["v3_index", "v3_linux-amd64", "v3_linux-arm64"].map((name) => `notation_app_${name}.jws`),
  );
});

Deno.test("notation scheme: a signature that is not good is refused with all others, and nothing is published", async () => {
  const { registry, asked, task, prepared } = world();
  await pushImage(registry, "it", "v1", "v2");
  const both = task(["v1", "v2"]);
  const { part, plan } = await prepared(both);
  const stranger = byKey(await identity(newKey("P-256")));
  let signed = 0;
  const last = await signedBy(part, (bytes) => (++signed === 1 ? byKey(own) : stranger)(bytes));
  asked.length = 0;
  for (const attempt of [notation.check, notation.publish]) {
    await failsWith(() => attempt(both, plan, last), "trust-invalid", `The notation signature of "${GUN}:v2"`);
  }
  assert.deepEqual(asked, []);
  await notation.check(both, plan, await signedBy(part, byKey(own)));
});

Deno.test("notation scheme: certificates that no verifier would take are refused before the registry is asked", async () => {
  const { asked, task } = world(await identity(keyOf("P-256"), { usage: null }));
  await failsWith(() => notation.prepare(task(["v1"]), AT), "bad-input", "Notation would refuse every signature");
  assert.deepEqual(asked, []);
});

Deno.test("notation scheme: what an earlier run has made bears the time of its making", async () => {
  const { registry, task, prepared, verify } = world();
  const image = await pushImage(registry, "it", "v1");
  const madeAt = new Date("2026-11-20T08:00:00Z");
  const earlier = await prepared(task(["v1"]), madeAt);
  const signed = await signedBy(earlier.part, byKey(own));
  const { plan } = await prepared(task(["v1"]));
  await failsWith(() => notation.publish(task(["v1"]), plan, signed), "trust-invalid", "is not good");
  await notation.publish(task(["v1"]), plan, { ...signed, madeAt });
  assert.deepEqual((await verify(image, "v1"))?.signingTime, madeAt);
});

Deno.test("notation scheme: of salts that are as long as the digest nothing is said, of another one how long it is", async () => {
  const signer = await identity(keyOf("RSA 2048"));
  for (const [saltLength, told] of [[32, []], [20, [20]], [0, [0]]] as const) {
    const { registry, task, prepared, verify } = world(signer);
    const image = await pushImage(registry, "it", "v1");
    const odd: number[] = [];
    const one = task(["v1"], { onOddSalt: (length) => odd.push(length) });
    const { part, plan } = await prepared(one);
    const signed = await signedBy(part, (bytes) => pss(signer, bytes, saltLength));
    await notation.publish(one, plan, signed);
    const { onOddSalt: _, ...untold } = one;
    await notation.publish(untold, plan, signed);
    assert.deepEqual(odd, told);
    assert.ok(await verify(image, "v1"));
  }
});
