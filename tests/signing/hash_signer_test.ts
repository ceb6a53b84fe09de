/** Signing by hashes: one request for each payload, and nothing of the answer is believed. */
import assert from "node:assert/strict";
import { createHash, type KeyObject, sign as signBytes } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { TagsealError } from "../../lib/errors.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { hashSigner } from "../../lib/signing/hash_signer.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { listTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import type { Send } from "../../lib/http/send.ts";
import type { SignPathService } from "../../lib/local/signpath_service.ts";
import { failsWith } from "../support/failures.ts";
import { batchOf, FlowWorld } from "../support/flow_world.ts";
import { connect, serve } from "../support/signpath_world.ts";
import { signingCertificate } from "../support/rsa_keys.ts";

const [A, B] = ["registry.test/acme/a", "registry.test/acme/b"];
const SUBMISSION = { projectSlug: "hashes", signingPolicySlug: "auto", description: "build 7" };

/** A service with a key that may sign for `A` and `B` as `team`. */
async function withService(algorithm: "ecdsa-p256" | "rsa-2048" = "ecdsa-p256", older = false) {
  const world = await FlowWorld.begin();
  const made = await signingCertificate({ commonName: "hashes", algorithm, now: world.at, days: 365 });
  const key = keyOfCertificate(readCertificate(made.certificatePem));
  for (const gun of [A, B]) {
    await world.init(gun);
    await addDelegation(world.trust(), world.keys, { gun, name: "team", key });
  }
  const service = new Service(made.privateKey, older);
  const signer = hashSigner(connect(service.send), SUBMISSION, {});
  const task = (gun: string, tags: readonly string[]) => ({ ...world.task(gun, tags), signer: "team" });
  return { world, key, service, signer, task };
}

/** The embedded service, and what is sent to it. */
class Service {
  readonly calls: string[] = [];
  /** Documents that were sent: of `SignHash`, or the artifacts of forms. */
  readonly sent: string[] = [];
  atOnce = 0;
  peak = 0;
  /** Changes an answer, given what it is about. */
  change: (answer: Record<string, unknown>, sent: string) => unknown = (answer) => answer;
  readonly #service: SignPathService;

  constructor(privateKey: KeyObject, readonly older: boolean) {
    const policy = { slug: "auto", key: fileSigningKey(privateKey), certificate: new Uint8Array() } as const;
    this.#service = serve({
      older,
      projects: [{ slug: "hashes", kind: "hash-signing-data", policies: [{ ...policy, approval: "automatic" }] }],
    });
  }

  readonly send: Send = async (request) => {
    this.peak = Math.max(this.peak, ++this.atOnce);
    await new Promise((resolve) => setTimeout(resolve, 2));
    this.atOnce--;
    const copy = request.clone();
    const isForm = copy.headers.get("content-type")?.startsWith("multipart/");
    const sent = isForm ? await ((await copy.formData()).get("artifact") as File).text() : await copy.text();
    const answer = await this.#service.handle(request);
    this.calls.push(`${new URL(request.url).pathname.split("/").at(-1)} ${answer.status}`);
    if (!answer.ok) return answer;
    this.sent.push(sent);
    const changed = this.change(await answer.json(), sent);
    return new Response(changed instanceof Uint8Array ? changed as Bytes : JSON.stringify(changed), { status: 201 });
  };

  requests() {
    return this.#service.requests();
  }
}

for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
  Deno.test(`a payload's SHA-256 is signed once for all roles that hold it, and that is published (${algorithm})`, async () => {
    const { world, service, signer, task } = await withService(algorithm);
    const result = await signTags([task(A, ["v1"]), task(B, ["v1", "v2"])], { ...world.options, signer, attempts: 1 });
    assert.deepEqual(result.repositories.map(({ outcome }) => outcome), ["published", "published"]);
    assert.ok(service.requests().some(({ id }) => id === result.signingRequestId));
    assert.deepEqual(
      service.sent.map((document) => {
        const { hashSigningData: { hash: _, metadata }, ...submission } = JSON.parse(document);
        assert.deepEqual(submission, SUBMISSION);
        return metadata.sourceProcess.commandLine.replaceAll(/@sha256:[0-9a-f]{64}/g, "@…");
      }).sort(),
      [
        `tagseal sign --repository ${A} (targets/releases, version 1; targets/team, version 1; sign 1: v1@…)`,
        `tagseal sign --repository ${B} (targets/releases, version 1; targets/team, version 1; sign 2: v1@…, v2@…)`,
      ],
    );
    assert.deepEqual((await listTags(world.trust(), B)).tags.map(({ tag, signers }) => [tag, signers]), [
      ["v1", ["team"]],
      ["v2", ["team"]],
    ]);
  });
}

Deno.test("what is signed is the hash of the very payload", async () => {
  const { world, service, signer, task } = await withService();
  const batch = await batchOf([task(A, ["v1"])], world.now());
  const { signatures, isKept } = await signer.sign(batch);
  assert.equal(isKept, false, "a fast request keeps no file to go on with");
  assert.deepEqual([...signatures.keys()].sort(), [...batch.file.payloads.keys()].sort());
  assert.deepEqual(
    new Set(service.sent.map((document) => JSON.parse(document).hashSigningData.hash)),
    new Set([...batch.file.payloads.values()].map((bytes) => createHash("sha256").update(bytes).digest("base64"))),
  );
});

Deno.test("older servers are asked for SignHash once in a run", async () => {
  const { world, service, signer, task } = await withService("ecdsa-p256", true);
  const work = [task(A, ["v1"]), task(B, ["v1"])];
  const { repositories } = await signTags(work, { ...world.options, signer, attempts: 1 });
  assert.equal(repositories.length, 2);
  assert.deepEqual(service.calls.slice(0, 3), ["SignHash 404", "SubmitWithArtifact 404", "SigningRequests 201"]);
  assert.equal(service.calls.filter((call) => call.startsWith("SignHash")).length, 1);
  assert.equal(service.requests().length, 2);
});

Deno.test("an answer that is not about what was sent, with a signature, is not believed", async (t) => {
  type Change = (answer: Record<string, unknown>) => unknown;
  const today: [name: string, change: Change, words: string][] = [
    ["another hash", (all) => ({ ...all, hashSigningData: { hash: "AAAA" } }), "the hash in it is not"],
    ["no hash", ({ hashSigningData: _, ...all }) => all, "the hash in it is not"],
    ["a number for a signature", (all) => ({ ...all, hashSigningResult: { signature: 7 } }), "it has no signature"],
    ["a result without one", (all) => ({ ...all, hashSigningResult: {} }), "it has no signature"],
    ["no base64", (all) => ({ ...all, hashSigningResult: { signature: "A*" } }), "is not base64"],
    ["garbage", () => utf8("<html>"), "it is not JSON"],
    ["an array", () => [], "it is not a JSON object"],
    ["nothing", () => new Uint8Array(), "it is not JSON"],
  ];
  const { world, service, signer, task } = await withService();
  for (const [name, change, words] of today) {
    await t.step(name, async () => {
      service.calls.length = 0;
      service.change = change;
      const attempt = signTags([task(A, ["v1"])], { ...world.options, signer, attempts: 3 });
      await failsWith(attempt, "trust-invalid", words);
      assert.deepEqual((await listTags(world.trust(), A)).tags, []);
      assert.deepEqual(service.calls, ["SignHash 201"], "not asked again");
    });
  }
  const older: [name: string, change: Change, words: string][] = [
    ["another hash", (all) => ({ ...all, Base64EncodedHash: "AAAA" }), '"Base64EncodedHash" is not what was sent'],
    ["another algorithm", (all) => ({ ...all, SignatureAlgorithm: "RsaPss" }), '"SignatureAlgorithm" is not'],
    ["no metadata", ({ Metadata: _, ...all }) => all, '"Metadata" is not'],
    ["a number for a signature", (all) => ({ ...all, Signature: 7 }), "it has no signature"],
  ];
  for (const [name, change, words] of older) {
    await t.step(`${name} (older)`, async () => {
      const { world, service, signer, task } = await withService("ecdsa-p256", true);
      service.change = change;
      const attempt = signTags([task(A, ["v1"])], { ...world.options, signer, attempts: 3 });
      await failsWith(attempt, "trust-invalid", words);
      assert.deepEqual((await listTags(world.trust(), A)).tags, []);
      assert.equal(service.sent.length, 1, "not asked again");
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
  const cases: [string, string][] = [["another key's", other.toBase64()], ["zeros", new Uint8Array(64).toBase64()]];
  for (const [name, signature] of cases) {
    await t.step(name, async () => {
      service.change = (all) => ({ ...all, hashSigningResult: { signature } });
      const attempt = signTags([task(A, ["v1"])], { ...world.options, signer, attempts: 3 });
      await failsWith(attempt, "trust-invalid", "signature is not good", A);
    });
  }
  await t.step("of the wrong payload", async () => {
    let first: unknown;
    service.change = (all, sent) => {
      if (sent.includes(A)) first = all["hashSigningResult"];
      return { ...all, hashSigningResult: first ?? all["hashSigningResult"] };
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
  const service = new Service(made.privateKey, false);
  const work = guns.map((gun) => ({ ...world.task(gun, ["v1"]), signer: "team" }));
  const { failed } = await signTags(work, {
    ...world.options,
    signer: hashSigner(connect(service.send), SUBMISSION, {}),
    attempts: 1,
  });
  assert.deepEqual([failed, service.sent.length], [[], 12]);
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
          : new Promise((resolve) => setTimeout(() => resolve({ signature: new Uint8Array() }), 5)),
    },
    SUBMISSION,
    {},
  );
  const work = [task(A, ["v1"]), task(B, ["v1"])];
  const { repositories, failed } = await signTags(work, { ...world.options, signer, attempts: 5 });
  assert.deepEqual([repositories, failed.map(({ error }) => error)], [[], [refused, refused]]);
  assert.ok(calls <= 4);
});
