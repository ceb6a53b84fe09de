import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { type Bytes, text, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip, type ZipFile } from "../../lib/bytes/zip.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import {
  createSignPathService,
  type SignPathService,
  type SignPathServiceOptions,
} from "../../lib/local/signpath_service.ts";

const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const EC = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const EC_POLICY = { key: fileSigningKey(EC), certificate: utf8("ec") };
const API = "https://sp.test/API/v1/org-1";
const LIMITS = { entries: 100, entryBytes: 1e6, totalBytes: 1e6 };
const FILES: ZipFile[] = [
  { name: "docker-signing-data.json", bytes: utf8("{}") },
  { name: "payload/0001.json", bytes: utf8('{"one":1}') },
  { name: "payload/0002.json", bytes: utf8('{"two":2}') },
  { name: "payload/deeper/0003.json", bytes: utf8('{"three":3}') },
  { name: "trust/1/root.json", bytes: utf8('{"root":1}') },
];

function serve(more: Partial<SignPathServiceOptions> = {}, key: KeyObject = RSA): SignPathService {
  return createSignPathService({
    organizationId: "org-1",
    token: "secret-token",
    now: () => new Date(0),
    projects: [
      {
        slug: "project",
        policies: [
          { slug: "auto", key: fileSigningKey(key), certificate: utf8("certificate"), approval: "automatic" },
          { slug: "manual", key: fileSigningKey(key), certificate: utf8("certificate"), approval: "manual" },
        ],
      },
      { slug: "other", policies: [{ ...EC_POLICY, slug: "auto", approval: "automatic" }] },
      {
        slug: "hashes",
        kind: "hash-signing-data",
        policies: [
          { ...EC_POLICY, slug: "auto", approval: "automatic" },
          { ...EC_POLICY, slug: "manual", approval: "manual" },
        ],
      },
    ],
    ...more,
  });
}

/** One call; returns status and JSON. */
async function call(service: SignPathService, method: string, path: string, body?: BodyInit) {
  const response = await service.handle(
    new Request(`${API}/${path}`, {
      method,
      headers: { authorization: "Bearer secret-token" },
      ...(body === undefined ? {} : { body }),
    }),
  );
  return { status: response.status, headers: response.headers, json: await response.json() };
}

async function form(changes: Record<string, string | undefined> = {}, files: ZipFile[] = FILES): Promise<FormData> {
  const out = new FormData();
  const fields = { projectSlug: "project", signingPolicySlug: "auto", description: "two tags", ...changes };
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) out.set(name, value);
  out.set("artifact", new Blob([await writeZip(files)]), "data.zip");
  return out;
}

async function submit(service: SignPathService, changes = {}, files: ZipFile[] = FILES): Promise<string> {
  const { status, json } = await call(
    service,
    "POST",
    "SigningRequests/SubmitWithArtifact",
    await form(changes, files),
  );
  assert.equal(status, 201);
  return json.signingRequestId;
}

async function signed(service: SignPathService, id: string): Promise<Map<string, Bytes>> {
  const headers = { authorization: "Bearer secret-token" };
  const response = await service.handle(new Request(`${API}/SigningRequests/${id}/SignedArtifact`, { headers }));
  assert.equal(response.status, 200);
  return await readZip(await response.bytes(), LIMITS);
}

Deno.test("payloads get a raw signature beside them; all else is returned byte for byte", async (t) => {
  const pkcs1 = { padding: constants.RSA_PKCS1_PADDING };
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const rows: [string, KeyObject, Partial<SignPathServiceOptions>, object, number | undefined][] = [
    ["RSA", RSA, {}, pkcs1, 256],
    ["RSA PSS", RSA, { rsaPadding: "pss" }, pss, 256],
    ["ECDSA", EC, {}, { dsaEncoding: "ieee-p1363" }, 64],
    ["ECDSA in DER", EC, { ecdsaFormat: "asn1" }, { dsaEncoding: "der" }, undefined],
  ];
  for (const [name, key, options, how, length] of rows) {
    await t.step(name, async () => {
      const service = serve(options, key);
      const files = await signed(service, await submit(service));
      assert.deepEqual([...files.keys()], [
        "docker-signing-data.json",
        "payload/0001.json",
        "payload/0001.json.sig",
        "payload/0002.json",
        "payload/0002.json.sig",
        "payload/deeper/0003.json",
        "trust/1/root.json",
      ]);
      for (const file of FILES) assert.deepEqual(files.get(file.name), file.bytes);
      for (const payload of ["payload/0001.json", "payload/0002.json"]) {
        const signature = files.get(`${payload}.sig`)!;
        if (length) assert.equal(signature.length, length);
        assert.ok(verify("sha256", files.get(payload)!, { key: createPublicKey(key), ...how }, signature));
      }
    });
  }
});

Deno.test("a request tells its status, its details and where it is", async () => {
  const service = serve();
  const body = await form({ "parameters.version": "1.2", artifactConfigurationSlug: "docker-signing-data" });
  const { headers, json } = await call(service, "POST", "SigningRequests/SubmitWithArtifact", body);
  const id = json.signingRequestId;
  assert.equal(headers.get("location"), `${API}/SigningRequests/${id}`);
  const status = {
    status: "Completed",
    workflowStatus: "Completed",
    isFinalStatus: true,
    webLink: `${API}/SigningRequests/${id}`,
  };
  assert.deepEqual((await call(service, "GET", `SigningRequests/${id}/Status`)).json, status);
  assert.deepEqual((await call(service, "GET", `SigningRequests/${id}`)).json, {
    ...status,
    description: "two tags",
    projectSlug: "project",
    signingPolicySlug: "auto",
    artifactConfigurationSlug: "docker-signing-data",
    parameters: { version: "1.2" },
    unsignedArtifactLink: `${API}/SigningRequests/${id}/UnsignedArtifact`,
    signedArtifactLink: `${API}/SigningRequests/${id}/SignedArtifact`,
  });
  assert.deepEqual(service.requests(), [{
    id,
    projectSlug: "project",
    signingPolicySlug: "auto",
    description: "two tags",
    parameters: { version: "1.2" },
    fileName: "data.zip",
    submitted: new Date(0),
    workflowStatus: "Completed",
  }]);
});

Deno.test("manual approval: waits, and is approved or denied once, by method and by REST", async (t) => {
  const service = serve();
  const by = {
    "approve()": (id: string) => service.approve(id),
    "POST Approve": (id: string) => call(service, "POST", `SigningRequests/${id}/Approve`),
    "deny()": (id: string) => service.deny(id),
    "POST Deny": (id: string) => call(service, "POST", `SigningRequests/${id}/Deny`),
    "POST Cancel": (id: string) => call(service, "POST", `SigningRequests/${id}/Cancel`),
  };
  for (const [name, act] of Object.entries(by)) {
    await t.step(name, async () => {
      const id = await submit(service, { signingPolicySlug: "manual" });
      const before = (await call(service, "GET", `SigningRequests/${id}/Status`)).json;
      assert.deepEqual([before.status, before.isFinalStatus], ["WaitingForApproval", false]);
      const early = await call(service, "GET", `SigningRequests/${id}/SignedArtifact`);
      assert.equal(early.status, 400);
      assert.match(early.json.detail, /is not completed, it is "WaitingForApproval"/);
      await act(id);
      const after = (await call(service, "GET", `SigningRequests/${id}/Status`)).json;
      const expected = name.includes("pprove") ? "Completed" : name.includes("Cancel") ? "Canceled" : "Denied";
      assert.deepEqual([after.status, after.isFinalStatus], [expected, true]);
      assert.equal((await call(service, "POST", `SigningRequests/${id}/Approve`)).status, 400);
      await assert.rejects(service.approve(id), (e) => isTagsealError(e, "bad-input"));
      assert.throws(() => service.deny(id), (e) => isTagsealError(e, "bad-input"));
      if (expected === "Completed") assert.ok((await signed(service, id)).has("payload/0001.json.sig"));
    });
  }
  await assert.rejects(service.approve("nothing"), (e) => isTagsealError(e, "not-found"));
});

Deno.test("a request that waited too long is cancelled", async () => {
  let now = 0;
  const service = serve({ now: () => new Date(now) });
  const id = await submit(service, { signingPolicySlug: "manual", cancellationTimeoutInSeconds: "60" });
  now = 59_999;
  assert.equal(service.requests()[0]!.workflowStatus, "WaitingForApproval");
  now = 60_000;
  assert.equal((await call(service, "GET", `SigningRequests/${id}/Status`)).json.status, "Canceled");
  await assert.rejects(service.approve(id), /it is "Canceled"/);
});

Deno.test("what cannot be signed fails in processing, as at SignPath", async (t) => {
  const rows: [string, ZipFile[], RegExp][] = [
    ["no payload", [{ name: "a.json", bytes: utf8("{}") }], /no file that matches "payload\/\*\.json"/],
    ["signed already", [...FILES, { name: "payload/0001.json.sig", bytes: utf8("x") }], /occurs twice/],
  ];
  for (const [name, files, words] of rows) {
    await t.step(name, async () => {
      const service = serve();
      const id = await submit(service, {}, files);
      const { json } = await call(service, "GET", `SigningRequests/${id}/Status`);
      assert.deepEqual([json.status, json.workflowStatus, json.isFinalStatus], ["Failed", "ProcessingFailed", true]);
      assert.match(service.requests()[0]!.failure ?? "", words);
    });
  }
});

Deno.test("invalid submissions are refused as problem+json and leave nothing behind", async (t) => {
  const rows: [string, Record<string, string | undefined>, string][] = [
    ["no project", { projectSlug: undefined }, "projectSlug"],
    ["unknown project", { projectSlug: "x" }, "projectSlug"],
    ["no policy", { signingPolicySlug: undefined }, "signingPolicySlug"],
    ["policy of no project", { signingPolicySlug: "x" }, "signingPolicySlug"],
    ["unknown configuration", { artifactConfigurationSlug: "x" }, "artifactConfigurationSlug"],
    ["odd cancellation", { cancellationTimeoutInSeconds: "-1" }, "cancellationTimeoutInSeconds"],
    ["no artifact", {}, "artifact"],
  ];
  const service = serve();
  for (const [name, changes, field] of rows) {
    await t.step(name, async () => {
      const body = await form(changes);
      if (field === "artifact") body.delete("artifact");
      const { status, headers, json } = await call(service, "POST", "SigningRequests/SubmitWithArtifact", body);
      assert.equal(status, 400);
      assert.equal(headers.get("content-type"), "application/problem+json");
      assert.deepEqual(Object.keys(json.errors), [field]);
    });
  }
  const odd = await call(service, "POST", "SigningRequests/SubmitWithArtifact", "not a form");
  assert.equal(odd.status, 400);
  assert.match(odd.json.detail, /not multipart/);
  assert.deepEqual(service.requests(), []);
});

Deno.test("only the token of the organization is let in, under any spelling of /API", async () => {
  const service = serve();
  const ask = async (url: string, authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await service.handle(new Request(url, { headers }));
    return [response.status, response.headers.get("content-type"), (await response.json()).detail];
  };
  const problem = "application/problem+json";
  const path = "Cryptoki/MySigningPolicies";
  assert.deepEqual(await ask(`${API}/${path}`), [401, problem, "The token is not valid"]);
  assert.deepEqual(await ask(`${API}/${path}`, "Bearer secret-tokens"), [401, problem, "The token is not valid"]);
  const good = "Bearer secret-token";
  assert.deepEqual(await ask(`https://sp.test/API/v1/x/${path}`, good), [
    404,
    problem,
    "There is no such organization",
  ]);
  assert.deepEqual(await ask(`${API}/Nothing`, good), [404, problem, "There is no such call"]);
  assert.deepEqual(await ask(`${API}/SigningRequests/x/Approve`, good), [404, problem, "There is no such call"]);
  assert.deepEqual(await ask(`${API}/SigningRequests/x`, good), [404, problem, 'There is no signing request "x"']);
  assert.equal((await ask(`https://sp.test/api/v1/org-1/${path}/`, good))[0], 200);
});

Deno.test("signing policies come with certificate and public key, narrowed by the query", async () => {
  const service = serve();
  const list = async (query: string) =>
    (await call(service, "GET", `Cryptoki/MySigningPolicies${query}`)).json.signingPolicies;
  assert.equal((await list("")).length, 5);
  assert.equal((await list("?projectSlug=project")).length, 2);
  assert.deepEqual(await list("?projectSlug=nothing"), []);
  const [rsa] = await list("?projectSlug=project&signingPolicySlug=manual");
  assert.equal(text(Uint8Array.fromBase64(rsa.certificateBytes)), "certificate");
  assert.deepEqual([rsa.keyType, rsa.keySizeInBits, rsa.rsaParameters.publicExponent], ["Rsa", 2048, "AQAB"]);
  const der = Buffer.from(rsa.publicKeyBytes, "base64");
  assert.ok(createPublicKey({ key: der, format: "der", type: "pkcs1" }).equals(createPublicKey(RSA)));
  const [ec] = await list("?projectSlug=other");
  assert.deepEqual([ec.keyType, ec.keySizeInBits], ["Ecdsa", 256]);
  const point = Uint8Array.fromBase64(ec.publicKeyBytes);
  const spki = new Uint8Array(createPublicKey(EC).export({ type: "spki", format: "der" }));
  assert.deepEqual(point, spki.slice(-65));
});

Deno.test("what was submitted can be downloaded unsigned, before and after signing", async () => {
  const service = serve();
  for (const signingPolicySlug of ["auto", "manual"]) {
    const id = await submit(service, { signingPolicySlug });
    const { unsignedArtifactLink } = (await call(service, "GET", `SigningRequests/${id}`)).json;
    const headers = { authorization: "Bearer secret-token" };
    const response = await service.handle(new Request(unsignedArtifactLink, { headers }));
    assert.deepEqual([...(await readZip(await response.bytes(), LIMITS)).keys()], FILES.map(({ name }) => name).sort());
  }
});

Deno.test("a request is resubmitted, however it ended, under a policy of its project", async (t) => {
  const service = serve();
  const resubmit = (fields: Record<string, string>) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return call(service, "POST", "SigningRequests/Resubmit", body);
  };
  const ends: [string, (id: string) => unknown][] = [
    ["waiting", () => {}],
    ["completed", (id) => service.approve(id)],
    ["denied", (id) => service.deny(id)],
    ["cancelled", (id) => call(service, "POST", `SigningRequests/${id}/Cancel`)],
  ];
  for (const [name, end] of ends) {
    await t.step(name, async () => {
      const originalSigningRequestId = await submit(service, { signingPolicySlug: "manual" });
      await end(originalSigningRequestId);
      const before = service.requests().find(({ id }) => id === originalSigningRequestId);
      const { status, headers, json } = await resubmit({ originalSigningRequestId, signingPolicySlug: "auto" });
      assert.equal(status, 201);
      assert.notEqual(json.signingRequestId, originalSigningRequestId);
      assert.equal(headers.get("location"), `${API}/SigningRequests/${json.signingRequestId}`);
      const files = await signed(service, json.signingRequestId);
      assert.deepEqual([...files.keys()].filter((file) => file.endsWith(".sig")), [
        "payload/0001.json.sig",
        "payload/0002.json.sig",
      ]);
      assert.deepEqual(service.requests().find(({ id }) => id === originalSigningRequestId), before);
    });
  }
  const id = await submit(service);
  const count = service.requests().length;
  for (
    const [name, fields, status] of [
      ["no original", { signingPolicySlug: "auto" }, 404],
      ["unknown original", { originalSigningRequestId: "x", signingPolicySlug: "auto" }, 404],
      ["no policy", { originalSigningRequestId: id }, 400],
      ["policy of no project", { originalSigningRequestId: id, signingPolicySlug: "x" }, 400],
    ] as const
  ) {
    await t.step(name, async () => assert.equal((await resubmit(fields)).status, status));
  }
  assert.equal(service.requests().length, count);
});

Deno.test("an older server takes submissions on the older route and has no /Status", async () => {
  const [older, today] = [serve({ older: true }), serve()];
  const { status, json } = await call(older, "POST", "SigningRequests", await form());
  assert.equal(status, 201);
  const id = json.signingRequestId;
  assert.equal((await call(older, "GET", `SigningRequests/${id}`)).json.status, "Completed");
  assert.equal((await call(older, "GET", `SigningRequests/${id}/Status`)).status, 404);
  assert.equal((await call(older, "POST", "SigningRequests/SubmitWithArtifact", await form())).status, 404);
  assert.equal((await call(older, "POST", `SigningRequests/${id}/Cancel`)).status, 404);
  assert.equal((await call(today, "POST", "SigningRequests", await form())).status, 404);
  assert.deepEqual([older.requests().length, today.requests().length], [1, 0]);
});

Deno.test("a fast signing request is answered with the signed document", async (t) => {
  const payload = utf8("payload");
  const Base64EncodedHash = hash("sha256", payload).toBase64();
  const SHA256 = "2.16.840.1.101.3.4.2.1";
  const hashes = (key: KeyObject) =>
    serve({
      projects: [{
        slug: "hashes",
        kind: "hash-signing-data",
        policies: [{
          slug: "auto",
          key: fileSigningKey(key),
          certificate: utf8("certificate"),
          approval: "automatic",
        }],
      }],
    });
  const hashForm = (document: unknown, changes: Record<string, string> = {}) => {
    const out = new FormData();
    const fields = { projectSlug: "hashes", signingPolicySlug: "auto", IsFastSigningRequest: "true", ...changes };
    for (const [name, value] of Object.entries(fields)) out.set(name, value);
    const bytes = typeof document === "string" ? document : JSON.stringify(document);
    out.set("artifact", new Blob([bytes]), "payload.json");
    return out;
  };
  const pkcs1 = { padding: constants.RSA_PKCS1_PADDING };
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const rows: [string, KeyObject, Record<string, unknown>, object][] = [
    ["RSA", RSA, { SignatureAlgorithm: "RsaPkcs1", RsaHashAlgorithm: SHA256 }, pkcs1],
    ["RSA, PSS", RSA, { SignatureAlgorithm: "RsaPss", RsaHashAlgorithm: SHA256 }, pss],
    ["ECDSA", EC, { SignatureAlgorithm: "Ecdsa" }, { dsaEncoding: "ieee-p1363" }],
    ["ECDSA in DER", EC, { SignatureAlgorithm: "Ecdsa", EcdsaSignatureFormat: "Asn1" }, { dsaEncoding: "der" }],
  ];
  for (const [name, key, algorithm, how] of rows) {
    await t.step(name, async () => {
      const service = hashes(key);
      const document = { ...algorithm, Base64EncodedHash, Metadata: { CreatingProcess: { Tags: ["1.0"] } } };
      const { status, headers, json } = await call(
        service,
        "POST",
        "SigningRequests/SubmitWithArtifact",
        hashForm(document),
      );
      assert.equal(status, 201);
      const { Signature, ...repeated } = json;
      assert.deepEqual(repeated, document);
      assert.ok(verify("sha256", payload, { key: createPublicKey(key), ...how }, Buffer.from(Signature, "base64")));
      const [request] = service.requests();
      assert.equal(headers.get("location"), `${API}/SigningRequests/${request!.id}`);
      assert.deepEqual([request!.workflowStatus, request!.fast, request!.fileName], [
        "Completed",
        true,
        "payload.json",
      ]);
      assert.deepEqual((await call(service, "GET", `SigningRequests/${request!.id}/SignedArtifact`)).json, json);
    });
  }
  const good = { SignatureAlgorithm: "Ecdsa", Base64EncodedHash };
  const wrong: [string, unknown, Record<string, string>, RegExp][] = [
    ["not JSON", "{", {}, /It is not JSON/],
    ["a list", [], {}, /It is not a JSON object/],
    ["no algorithm", { Base64EncodedHash }, {}, /SignatureAlgorithm is none/],
    [
      "RSA without hash algorithm",
      { ...good, SignatureAlgorithm: "RsaPkcs1" },
      {},
      /RsaHashAlgorithm is none of SHA-256, SHA-384 and SHA-512/,
    ],
    ["odd form", { ...good, EcdsaSignatureFormat: "X" }, {}, /EcdsaSignatureFormat is neither/],
    ["hash that is not base64", { ...good, Base64EncodedHash: "*" }, {}, /Base64EncodedHash is not base64/],
    ["short hash", { ...good, Base64EncodedHash: "AAAA" }, {}, /not a hash of SHA-256, SHA-384 or SHA-512/],
    [
      "algorithm of another key",
      { ...good, SignatureAlgorithm: "RsaPss", RsaHashAlgorithm: SHA256 },
      {},
      /does not sign with "RsaPss"/,
    ],
    ["ordinary request", good, { IsFastSigningRequest: "false" }, /takes only fast signing requests/],
    ["project for files", good, { projectSlug: "project" }, /takes no fast signing requests/],
    ["policy with approval", good, { signingPolicySlug: "manual" }, /requires approval/],
  ];
  const service = serve();
  for (const [name, document, changes, words] of wrong) {
    await t.step(name, async () => {
      const body = hashForm(document, changes);
      const { status, json } = await call(service, "POST", "SigningRequests/SubmitWithArtifact", body);
      assert.equal(status, 400);
      assert.match(JSON.stringify(json).replaceAll("\\", ""), words);
      assert.equal(service.requests().length, 0);
    });
  }
});

Deno.test("SignHash refuses a hash that is not named, or not that long", async (t) => {
  const service = serve({
    projects: [{
      slug: "hashes",
      kind: "hash-signing-data",
      policies: [{ key: fileSigningKey(RSA), certificate: utf8("rsa"), slug: "auto", approval: "automatic" }],
    }],
  });
  const ask = async (hashAlgorithm: Record<string, string>, bytes: number) => {
    const rsaOptions = { ...hashAlgorithm, paddingMode: "Pss" };
    const hashSigningData = { signatureAlgorithm: "Rsa", rsaOptions, hash: new Uint8Array(bytes).toBase64() };
    const document = { projectSlug: "hashes", signingPolicySlug: "auto", hashSigningData };
    const { status, json } = await call(service, "POST", "SigningRequests/SignHash", JSON.stringify(document));
    return [status, json.errors?.hashSigningData?.[0]];
  };
  const none = "rsaOptions name none of SHA-256, SHA-384 and SHA-512";
  const rows: [string, Record<string, string>, number, unknown[]][] = [
    ["SHA-512", { hashAlgorithmName: "Sha512" }, 64, [201, undefined]],
    ["SHA-384 by its OID", { hashAlgorithmOid: "2.16.840.1.101.3.4.2.2" }, 48, [201, undefined]],
    ["MD5", { hashAlgorithmName: "Md5" }, 16, [400, none]],
    ["none", {}, 32, [400, none]],
    ["SHA-512 of 32 bytes", { hashAlgorithmName: "Sha512" }, 32, [400, "The hash is none of sha512: it has 32 bytes"]],
    ["SHA-256 of 64 bytes", { hashAlgorithmName: "Sha256" }, 64, [400, "The hash is none of sha256: it has 64 bytes"]],
  ];
  for (const [name, hashAlgorithm, bytes, outcome] of rows) {
    await t.step(name, async () => assert.deepEqual(await ask(hashAlgorithm, bytes), outcome));
  }
});
