/** Signing by hashes: one request for each payload, and nothing of the answer is believed. */
import assert from "node:assert/strict";
import { createHash, type KeyObject, sign as signBytes } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { keyOfCertificate, type PublicKey } from "../../lib/crypto/keys.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { TagsealError } from "../../lib/errors.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { createSigningData, type UnsignedData } from "../../lib/flows/create_signing_data.ts";
import { hashSigner } from "../../lib/flows/hash_signer.ts";
import { signTags } from "../../lib/flows/sign_tags.ts";
import { listTags } from "../../lib/flows/verify_tags.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import type { HashSubmission, SignedHash } from "../../lib/signpath/types.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld } from "../support/flow_world.ts";

const [A, B] = ["registry.test/acme/a", "registry.test/acme/b"];
const SUBMISSION = {
  projectSlug: "hashes",
  signingPolicySlug: "release",
  description: "build 7",
  parameters: { a: "b" },
};

/** What is sent, as far as tests look at it. */
interface Sent {
  Base64EncodedHash: string;
  SignatureAlgorithm: string;
  Metadata: { CreatingProcess: Record<string, unknown> };
}

/** A service with a key that may sign for `A` and `B` as `team`. */
async function withService(algorithm: "ecdsa-p256" | "rsa-2048" = "ecdsa-p256") {
  const world = await FlowWorld.begin();
  const made = await createSigningCertificate({ commonName: "hashes", algorithm, now: world.at, days: 365 });
  const key = keyOfCertificate(readCertificate(made.certificatePem));
  for (const gun of [A, B]) {
    await world.init(gun);
    await addDelegation(world.trust(), world.keys, { gun, name: "team", key });
  }
  const service = new Service(made.privateKey);
  const signer = hashSigner(service, SUBMISSION, {});
  const task = (gun: string, tags: readonly string[]) => ({ ...world.task(gun, tags), signer: "team" });
  return { world, key, service, signer, task };
}

class Service {
  readonly submissions: HashSubmission[] = [];
  readonly sent: Sent[] = [];
  atOnce = 0;
  peak = 0;
  /** Changes an answer. */
  change: (answer: Record<string, unknown>) => unknown = (answer) => answer;

  constructor(private readonly privateKey: KeyObject) {}

  async signHash(submission: HashSubmission): Promise<SignedHash> {
    this.peak = Math.max(this.peak, ++this.atOnce);
    await new Promise((resolve) => setTimeout(resolve, 2));
    this.atOnce--;
    const document: Sent = JSON.parse(new TextDecoder().decode(submission.artifact));
    this.submissions.push(submission);
    this.sent.push(document);
    const scheme = document.SignatureAlgorithm as "Ecdsa" | "RsaPkcs1";
    const raw = await fileSigningKey(this.privateKey).signHash(
      Uint8Array.fromBase64(document.Base64EncodedHash),
      scheme,
    );
    const answer = this.change({ ...document, Signature: raw.toBase64() });
    return {
      signed: answer instanceof Uint8Array ? answer as Bytes : utf8(JSON.stringify(answer)),
      signingRequestId: `hash-${this.sent.length}`,
    };
  }
}

async function dataOf(world: FlowWorld, tasks: Parameters<typeof createSigningData>[0]): Promise<UnsignedData> {
  return (await createSigningData(tasks, world.now())).data;
}

const keysOf = (key: PublicKey) => new Map([[key.canonicalId, key]]);

for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
  Deno.test(`each payload's SHA-256 is signed, and that is published (${algorithm})`, async () => {
    const { world, service, signer, task } = await withService(algorithm);
    const result = await signTags([task(A, ["v1"]), task(B, ["v1", "v2"])], { ...world.options, signer, attempts: 1 });
    assert.deepEqual(result.repositories.map(({ outcome }) => outcome), ["published", "published"]);
    assert.match(result.signingRequestId!, /^hash-\d$/);
    assert.deepEqual(
      service.sent.map((
        { Metadata: { CreatingProcess: all } },
      ) => [all["Repository"], all["Role"], all["Version"], all["TagCount"]])
        .sort(),
      [[A, "targets/releases", 1, 1], [A, "targets/team", 1, 1], [B, "targets/releases", 1, 2], [
        B,
        "targets/team",
        1,
        2,
      ]],
    );
    for (const { artifact: _, ...submission } of service.submissions) {
      assert.deepEqual(submission, { ...SUBMISSION, fileName: "payload.json" });
    }
    assert.deepEqual((await listTags(world.trust(), B)).tags.map(({ tag, signers }) => [tag, signers]), [
      ["v1", ["team"]],
      ["v2", ["team"]],
    ]);
  });
}

Deno.test("what is signed is the hash of the very payload", async () => {
  const { world, key, service, signer, task } = await withService();
  const data = await dataOf(world, [task(A, ["v1"])]);
  const { signatures, isKept } = await signer.sign(data, keysOf(key));
  assert.equal(isKept, false, "a fast request keeps no file to go on with");
  assert.deepEqual([...signatures.keys()].sort(), [...data.payloads.keys()].sort());
  assert.deepEqual(
    service.sent.map(({ Base64EncodedHash }) => Base64EncodedHash).sort(),
    [...data.payloads.values()].map((bytes) => createHash("sha256").update(bytes).digest("base64")).sort(),
  );
});

Deno.test("an answer that is not what was sent, with a signature, is not believed", async (t) => {
  const cases: [name: string, change: (answer: Record<string, unknown>) => unknown, words: string][] = [
    ["another hash", (all) => ({ ...all, Base64EncodedHash: "AAAA" }), '"Base64EncodedHash" is not what was sent'],
    ["another algorithm", (all) => ({ ...all, SignatureAlgorithm: "RsaPss" }), '"SignatureAlgorithm" is not'],
    ["no metadata", ({ Metadata: _, ...all }) => all, '"Metadata" is not'],
    ["no signature", ({ Signature: _, ...all }) => all, "it has no signature"],
    ["a number for a signature", (all) => ({ ...all, Signature: 7 }), "it has no signature"],
    ["garbage", () => utf8("<html>"), "it is not JSON"],
    ["an array", () => [], "it is not a JSON object"],
    ["nothing", () => new Uint8Array(), "it is not JSON"],
  ];
  for (const [name, change, words] of cases) {
    await t.step(name, async () => {
      const { world, service, signer, task } = await withService();
      service.change = change;
      const attempt = signTags([task(A, ["v1"])], { ...world.options, signer, attempts: 3 });
      await failsWith(attempt, "trust-invalid", words);
      assert.deepEqual((await listTags(world.trust(), A)).tags, []);
      assert.ok(service.sent.length <= 2, "not asked again");
    });
  }
});

Deno.test("a good signature by another key, or of something else, is not published", async (t) => {
  const stranger = (await createSigningCertificate({
    commonName: "x",
    algorithm: "ecdsa-p256",
    now: new Date(),
    days: 1,
  })).privateKey;
  const { world, service, signer, task } = await withService();
  const other = new Uint8Array(signBytes("sha256", utf8("{}"), { key: stranger, dsaEncoding: "ieee-p1363" }));
  const cases: [string, unknown][] = [["another key's", other.toBase64()], ["zeros", new Uint8Array(64).toBase64()]];
  for (const [name, Signature] of cases) {
    await t.step(name, async () => {
      service.change = (all) => ({ ...all, Signature });
      const attempt = signTags([task(A, ["v1"])], { ...world.options, signer, attempts: 3 });
      await failsWith(attempt, "trust-invalid", "signature is not good", A);
    });
  }
  await t.step("of the wrong payload", async () => {
    const first = new Map<string, unknown>();
    service.change = (all) => {
      const { Repository } = (all as unknown as Sent).Metadata.CreatingProcess;
      first.set(String(Repository), all["Signature"]);
      return { ...all, Signature: first.get(A) ?? all["Signature"] };
    };
    const work = [task(A, ["v1"]), task(B, ["other"])];
    const { repositories, failed } = await signTags(work, { ...world.options, signer, attempts: 1 });
    assert.deepEqual([repositories.map(({ repository }) => repository), failed.map(({ repository }) => repository)], [
      [A],
      [B],
    ]);
  });
  assert.deepEqual((await listTags(world.trust(), B)).tags, []);
});

Deno.test("many payloads: some at a time, each once", async () => {
  const world = await FlowWorld.begin();
  const made = await createSigningCertificate({ commonName: "x", algorithm: "ecdsa-p256", now: world.at, days: 365 });
  const key = keyOfCertificate(readCertificate(made.certificatePem));
  const guns = Array.from({ length: 12 }, (_, n) => `registry.test/acme/r${n}`);
  for (const gun of guns) {
    await world.init(gun);
    await addDelegation(world.trust(), world.keys, { gun, name: "team", key });
  }
  const service = new Service(made.privateKey);
  const work = guns.map((gun) => ({ ...world.task(gun, ["v1"]), signer: "team" }));
  const { failed } = await signTags(work, {
    ...world.options,
    signer: hashSigner(service, SUBMISSION, {}),
    attempts: 1,
  });
  assert.deepEqual([failed, service.sent.length], [[], 24]);
  assert.ok(service.peak >= 2 && service.peak <= 8, `${service.peak} at a time`);
});

Deno.test("where one hash cannot be signed none of them counts, and nothing more is asked for", async () => {
  const { world, task } = await withService();
  let calls = 0;
  const refused = new TagsealError("unavailable", "The hash may or may not have been signed", {
    remedy: "Run it again",
  });
  const signer = hashSigner(
    {
      signHash: () =>
        ++calls === 1
          ? Promise.reject(refused)
          : new Promise((resolve) => setTimeout(() => resolve({ signed: utf8("{}") }), 5)),
    },
    SUBMISSION,
    {},
  );
  const work = [task(A, ["v1"]), task(B, ["v1"])];
  const { repositories, failed } = await signTags(work, { ...world.options, signer, attempts: 5 });
  assert.deepEqual([repositories, failed.map(({ error }) => error)], [[], [refused, refused]]);
  assert.ok(calls <= 4);
});
