/**
 * Damaged inputs for what reads answers of servers and helpers, variables, and files that are kept between runs; and
 * that there is no reader in the project that no damaged input ever reaches.
 */
import assert from "node:assert/strict";
import { type Bytes, fileText, utf8 } from "../lib/bytes/bytes.ts";
import { parseJson } from "../lib/bytes/json.ts";
import { withItems, withMember } from "../lib/bytes/json_edit.ts";
import { parsePem } from "../lib/bytes/pem.ts";
import { createRedactor } from "../lib/bytes/redaction.ts";
import type { Host } from "../lib/cli/host.ts";
import { contentOf } from "../lib/cli/project_reader.ts";
import { parsePin } from "../lib/cli/root_pins.ts";
import { past } from "../lib/cli/since.ts";
import { CKA } from "../lib/keystore/pkcs11_addon.ts";
import { keyOfObject } from "../lib/keystore/pkcs11_keys.ts";
import { createTrustServer } from "../lib/notary/trust_server.ts";
import { knownNames } from "../lib/cli/known.ts";
import { timeless } from "../lib/schemes/same_work.ts";
import { decryptLegacyKey, isLegacyKey } from "../lib/crypto/legacy_pem.ts";
import { decryptPrivateKey, encryptPrivateKey, WrongPassphrase } from "../lib/crypto/pkcs8.ts";
import { certificatePem } from "../lib/crypto/x509.ts";
import { isTagsealError } from "../lib/errors.ts";
import { readImagePayload } from "../lib/flows/show/image_payload.ts";
import { readRolePayload } from "../lib/flows/show/role_payload.ts";
import { readJson } from "../lib/flows/policies/documents.ts";
import { parseChallenges } from "../lib/http/challenge.ts";
import { explainFailure } from "../lib/http/failures.ts";
import { readProxies } from "../lib/http/proxy.ts";
import { retryAfterMs } from "../lib/http/retry.ts";
import { inItsWords, retryAfterWords, serverWords } from "../lib/http/server_words.ts";
import { requestToken } from "../lib/http/token_server.ts";
import { chooseWay } from "../lib/http/way.ts";
import { askHelper } from "../lib/registry/credential_helper.ts";
import { findImage } from "../lib/registry/image_entries.ts";
import { openOciLayout } from "../lib/registry/oci_layout.ts";
import { listReferrers } from "../lib/registry/referrers.ts";
import { nextPage, type RegistryRepository } from "../lib/registry/repository.ts";
import { listTagNames } from "../lib/registry/tag_names.ts";
import { keptTags } from "../lib/notary/kept_names.ts";
import { annotationProblem } from "../lib/schemes/cosign/annotations.ts";
import { imageChangesIn } from "../lib/schemes/image_changes.ts";
import type { RepositoryChange } from "../lib/schemes/notary_v1/changes.ts";
import { readRequest } from "../lib/signing/request_files.ts";
import { createSignPathClient } from "../lib/signpath/client.ts";
import { refusal } from "../lib/signpath/problem.ts";
import { chooseRelease } from "../lib/updates/choose.ts";
import { followReleases } from "../lib/updates/follow.ts";
import { compareVersions, isVersion } from "../lib/updates/semver.ts";
import { isBadInput, isInvalid, isSyntaxError, never, type Parser, testParsers } from "./support/fuzz.ts";
import { ReleaseRepository, singleFileOf } from "./support/release_repository.ts";
import { buildFiles, KEYS } from "./support/trust_builder.ts";
import { generateKeyPairSync } from "node:crypto";

const fixture = (path: string) => Deno.readFileSync(new URL(`../fixtures/${path}`, import.meta.url)) as Bytes;
const text = (bytes: Bytes) => new TextDecoder().decode(bytes);
const json = (value: unknown) => utf8(JSON.stringify(value));
/** What may stand in a header. */
const inHeader = (bytes: Bytes) => text(bytes).replaceAll(/[^\x20-\x7e]/g, "?");
const isMistyped = (error: unknown) => isTagsealError(error, "usage");
const isUnavailable = (error: unknown) => isTagsealError(error, "unavailable");
const isUseless = (error: unknown) => isTagsealError(error, "unauthenticated");
const isRefused = (error: unknown) => isTagsealError(error, "bad-input", "trust-invalid", "unavailable", "not-found");
const isClosed = (error: unknown) => error instanceof SyntaxError || error instanceof WrongPassphrase;

const DIGEST = `sha256:${"a1".repeat(32)}`;
const OCI = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const AT = new Date("2026-06-01T00:00:00Z");
const URL_OF = new URL("https://registry.example.test/v2/app/");

/** A registry that answers everything so. */
function registry(bytes: Bytes, headers: Record<string, string> = {}): RegistryRepository {
  return {
    path: "app",
    request: () => Promise.resolve({ status: 200, headers: new Headers(headers), bytes, url: URL_OF }),
    pause: () => Promise.resolve(),
  };
}

const INDEXED = json({
  schemaVersion: 2,
  mediaType: INDEX,
  manifests: [
    { mediaType: OCI, digest: DIGEST, size: 7, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
    { mediaType: OCI, digest: DIGEST.replace("a1", "b2"), size: 8, artifactType: "a/b", annotations: { a: "b" } },
  ],
});
const ANSWER = { status: 200, headers: new Headers({ "content-type": "application/json" }) };
const SERVER = { realm: new URL("https://auth.example.test/token"), audience: "x", service: "registry" };
const SCOPE = { repository: "app", actions: "pull" } as const;
const QUESTION = { helper: "pass", server: "registry.example.test", instead: "REGISTRY_AUTH" };
const ID = "01234567-89ab-4cde-8f01-23456789abcd";
const PROJECT = {
  $schema: "./tagseal.schema.json",
  repositories: ["registry.example.test/app"],
  pins: { "registry.example.test/": "a1".repeat(32) },
  defaults: { "notary-url": "https://notary.example.test" },
  commands: { sign: { "signing-policy-slug": "release-signing", parameter: { a: "b" } } },
};

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ENCRYPTED = await encryptPrivateKey(
  new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" })),
  "the words",
);
const LEGACY = utf8(
  privateKey.export({ type: "sec1", format: "pem", cipher: "aes-256-cbc", passphrase: "it" }) as string,
);
const CERTIFICATE = KEYS.root.publicKey.certificate!;
const ANNOTATIONS = json({
  "dev.sigstore.cosign/certificate": certificatePem(CERTIFICATE),
  "dev.sigstore.cosign/chain": certificatePem(CERTIFICATE),
  "dev.sigstore.cosign/bundle": JSON.stringify({
    SignedEntryTimestamp: "c2ln",
    Payload: { body: "eA==", integratedTime: 1, logIndex: 1, logID: "x" },
  }),
  "dev.sigstore.cosign/rfc3161timestamp": JSON.stringify({ SignedRFC3161Timestamp: "c2ln" }),
});
const IMAGES = json({
  images: [{
    scheme: "cosign",
    repository: "registry.example.test/app",
    certificates: [CERTIFICATE.der.toBase64()],
    signatures: [{
      ...{ tag: "v1", mediaType: OCI, digest: DIGEST, size: 7, form: "classic" },
      ...{ payload: "x.json", sha256: "a1".repeat(32) },
    }],
  }],
});
const [IMAGE] = imageChangesIn(parseJson(IMAGES, "any") as never);
const SIMPLE = fixture("after_dct/p256/cosign-classic/index.payload.json");
const TARGETS = parseJson((await buildFiles()).get("targets")!) as { signed: unknown };
const CHANGE = {
  repository: "registry.example.test/app",
  tags: [{ tag: "v1", digest: DIGEST, length: 7 }],
  removedTags: [],
  roles: [],
} as unknown as RepositoryChange;
const ROLE = { role: "targets/releases", version: 2, baseVersion: 1 } as never;

const RELEASES = new ReleaseRepository();
RELEASES.publish([singleFileOf("1.2.3", utf8("a program"), { oldestDeno: "2.9" })]);
const NEWEST = RELEASES.files.get("metadata/timestamp.json")!;
const CUSTOM = json({ form: "deno", version: "1.2.3-rc.1", oldestDeno: "2.9" });

const POINT = Uint8Array.fromHex(`0441${KEYS.root.publicKey.spki.slice(-65).toHex()}`);
const CURVE = Uint8Array.fromHex("06082a8648ce3d030107");
const LABEL = utf8("a label");

const folder = await Deno.makeTempDir({ prefix: "tagseal-parsers-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
await Deno.mkdir(`${folder}/tuf/app/metadata`, { recursive: true });

const POLICY = {
  projectSlug: "demo",
  signingPolicySlug: "release-signing",
  certificateBytes: CERTIFICATE.der.toBase64(),
};

/** Asks SignPath, which answers so, for all that it can be asked for. */
async function askSignPath(body: Bytes, headers: Record<string, string>): Promise<void> {
  const client = createSignPathClient({
    send: () => Promise.resolve(new Response(body, { status: 200, headers })),
    apiUrl: new URL("https://signpath.example.test/API"),
    organizationId: ID,
    token: "a token",
    serviceUnavailableTimeoutMs: 0,
    transferTimeoutMs: 1000,
    sleep: () => Promise.resolve(),
    now: () => AT,
  });
  let why: unknown;
  for (
    const ask of [
      () => client.status(ID),
      () => client.policies(),
      () => client.certificate("demo", "release-signing"),
      () => client.resubmit({ originalSigningRequestId: ID, signingPolicySlug: "release-signing" }),
    ]
  ) await ask().catch((error) => why = isUnavailable(why) ? why : error);
  if (why !== undefined) throw why;
}

const PARSERS: readonly Parser[] = [
  ["JSON that is added to", 1_500, [INDEXED], (input) => {
    const before = parseJson(input, "any") as { manifests: unknown[] };
    const after = (bytes: Bytes) => JSON.stringify(parseJson(bytes, "any"));
    const added = JSON.stringify({ ...before, manifests: [...before.manifests, "one"] });
    assert.equal(after(withItems(input, "manifests", ["one"])), added);
    assert.equal(after(withMember(input, "manifests", 1)), JSON.stringify({ ...before, manifests: 1 }));
  }, (error) => error instanceof SyntaxError || error instanceof TypeError],
  ["a text file", 1_500, [utf8("\ufeffa text"), Uint8Array.of(0xff, 0xfe, 0x61, 0, 0x3d, 0xd8, 0, 0xde)], (input) => {
    return fileText(input);
  }, (error) => error instanceof TypeError],
  ["JSON that repeats a secret", 1_000, [json({ a: ["s3cret-of-a-test", { "b…": "s3cret-of…" }] })], (input) => {
    const redactor = createRedactor();
    redactor.hide("s3cret-of-a-test");
    assert.ok(
      !text(redactor.foreignJson(utf8(JSON.stringify(JSON.parse(text(input)))))).includes('"s3cret-of-a-test"'),
    );
  }, isSyntaxError],
  [
    "a refusal in a server's words",
    1_500,
    [
      json({ errors: [{ code: "DENIED", message: "no", detail: { Error: { Msg: "x" } } }] }),
      json({ error: "invalid_grant", error_description: "no", details: "y", message: "z" }),
    ],
    (input) => [serverWords(input), inItsWords(input)],
    never,
  ],
  ["when to come again", 3_000, [utf8("120"), utf8("Sun, 06 Nov 1994 08:49:37 GMT")], (input) => {
    const headers = new Headers({ "retry-after": inHeader(input) });
    const ms = retryAfterMs(headers, AT) ?? 0;
    assert.ok(ms >= 0 && Number.isFinite(ms), `${ms}`);
    return retryAfterWords(headers);
  }, never],
  [
    "what a challenge comes to",
    1_500,
    [
      utf8('Bearer realm="https://auth.example.test/token",service="x",error="insufficient_scope", Basic realm="r"'),
    ],
    (input) => chooseWay(parseChallenges(text(input)), URL_OF, false),
    never,
  ],
  ["a token server's answer", 1_000, [json({ token: "abc", access_token: "def", expires_in: 300 })], (bytes) => {
    return requestToken(() => Promise.resolve({ ...ANSWER, bytes }), SERVER, SCOPE, undefined);
  }, isUnavailable],
  [
    "a failed connection",
    1_500,
    [
      utf8("invalid peer certificate: certificate expired: verification time 1 (UNIX), not valid after 0 (1 s ago)"),
      utf8('invalid peer certificate: certificate not valid for name "a"; certificate is only valid for DnsName("b")'),
    ],
    (input) => explainFailure(new TypeError("fetch failed", { cause: new Error(text(input)) }), URL_OF),
    never,
  ],
  [
    "a proxy's variables",
    1_500,
    [utf8("http://me:pass%20word@proxy.example.test:3128"), utf8("[::1]:3128")],
    (input) => {
      const value = text(input);
      const read = readProxies((name) => name === "HTTPS_PROXY" || name === "NO_PROXY" ? value : undefined);
      return [URL_OF, new URL("https://10.1.2.3/"), new URL("https://[fd00::1]/")].map((url) => read?.(url));
    },
    isMistyped,
  ],
  ["a list of tags by a registry", 1_000, [json({ name: "app", tags: ["v1", "v2"] })], (input) => {
    return listTagNames(registry(input));
  }, isUnavailable],
  ["a link to the next page", 1_500, [utf8('</v2/app/tags/list?last=v1&n=100>; rel="next"')], (input) => {
    const next = nextPage({ ...ANSWER, headers: new Headers({ link: inHeader(input) }), bytes: input, url: URL_OF });
    if (next instanceof URL) assert.equal(next.origin, URL_OF.origin);
  }, never],
  ["what refers to an image", 1_000, [INDEXED], (input) => {
    return listReferrers(registry(input, { "content-type": INDEX }), DIGEST as never);
  }, isRefused],
  ["an index of images", 1_000, [INDEXED], (input) => {
    return findImage(registry(input, { "content-type": INDEX }), "v1");
  }, isRefused],
  ["an OCI layout", 300, [INDEXED], async (input) => {
    await Deno.writeFile(`${folder}/index.json`, input);
    return await openOciLayout(folder, "registry.example.test/app");
  }, isRefused],
  ["kept tags", 300, [fixture("notary-basic/tuf/example.test/tagseal/basic/metadata/targets.json")], async (input) => {
    await Deno.writeFile(`${folder}/tuf/app/metadata/targets.json`, input);
    return await keptTags(folder, "app");
  }, never],
  ["a helper's answer", 1_500, [json({ ServerURL: "x", Username: "u", Secret: "s3cret" })], (stdout) => {
    return askHelper(() => Promise.resolve({ exitCode: 0, stdout, stderr: stdout }), QUESTION);
  }, isUseless],
  ["a helper's failure", 1_000, [json({ ServerURL: "x", Username: "u", Secret: "a s3cret" })], async (stdout) => {
    try {
      await askHelper(() => Promise.resolve({ exitCode: 1, stdout, stderr: utf8("no: a s3cret") }), QUESTION);
    } catch (error) {
      const known = text(stdout).includes('"Secret":"a s3cret"');
      assert.ok(!known || !String(error).includes("a s3cret"), `${error}`);
      throw error;
    }
  }, isUseless],
  [
    "SignPath's answer",
    400,
    [
      json({
        status: "Completed",
        workflowStatus: "Completed",
        isFinalStatus: true,
        webLink: "https://x.example.test",
      }),
      json({ signingPolicies: [POLICY] }),
      json({ signingRequestId: ID }),
    ],
    (input) => askSignPath(input, { "content-type": "application/json" }),
    (error) => isTagsealError(error),
  ],
  ["where SignPath has filed a request", 500, [utf8(`https://signpath.example.test/API/v1/o/SigningRequests/${ID}`)], (
    input,
  ) => askSignPath(utf8("{}"), { location: inHeader(input) }), (error) => isTagsealError(error)],
  [
    "SignPath's refusal",
    1_500,
    [json({ title: "No", detail: "x", errors: { a: ["b", { c: "d" }], e: ["f"] } })],
    (bytes) => {
      const headers = new Headers({ "content-type": "application/problem+json" });
      const { message } = refusal({ status: 400, headers, bytes }, { action: "asking", origin: "x", token: "a token" });
      assert.ok(message.length < 2000, message);
    },
    never,
  ],
  [
    "a signing request that was kept",
    1_500,
    [json({
      format: "tagseal-signing-request/1",
      signingRequestId: ID,
      filedAt: AT,
      account: "a1".repeat(32),
      work: [{ repository: "registry.example.test/app", purpose: "b2".repeat(32), sha256: "c3".repeat(32) }],
    })],
    readRequest,
    never,
  ],
  ["a project file", 400, [json(PROJECT)], (bytes) => contentOf({ path: "x", bytes }), isBadInput],
  ["a pin", 3_000, [utf8(`registry.example.test/team/=${"a1".repeat(32)}`)], (input) => parsePin(text(input)), never],
  ["a time in the past", 1_500, [utf8("2026-05-01T08:00:00Z"), utf8("7d")], (input) => {
    return past("--since <when>", "x").read(
      [text(input)],
      { now: () => AT, secret: () => undefined } as unknown as Host,
    );
  }, isMistyped],
  ["a verifier's JSON", 700, [json(PROJECT)], (input) => readJson(input, "x"), isBadInput],
  ["an encrypted key", 200, [ENCRYPTED], (input) => decryptPrivateKey(input, "the words"), isClosed],
  ["a key of old", 400, [LEGACY], (input) => {
    const [block] = parsePem(text(input));
    return block && isLegacyKey(block) && decryptLegacyKey(block, "it");
  }, isClosed],
  ["what a layer says beside its signature", 700, [ANNOTATIONS], (input) => {
    const values = Object.entries(Object(JSON.parse(text(input)))).filter(([, value]) => typeof value === "string");
    return annotationProblem(new Map(values as [string, string][]), AT);
  }, isSyntaxError],
  ["signatures beside images that are asked for", 700, [IMAGES], (input) => {
    return imageChangesIn(Object(parseJson(input, "any")));
  }, (error) => isBadInput(error) || isSyntaxError(error)],
  ["a payload beside an image", 1_000, [SIMPLE], (input) => {
    const { publicKey } = KEYS.root;
    for (const form of ["classic", "bundle", "jws"] as const) {
      readImagePayload(IMAGE!, { ...IMAGE!.signatures[0]!, form }, publicKey, input, AT);
    }
  }, never],
  ["a role's payload", 400, [json(TARGETS.signed)], (input) => {
    return readRolePayload(CHANGE, ROLE, input, undefined, AT);
  }, never],
  ["a key on a token", 500, [POINT], (point) => {
    const attribute = (_: unknown, type: number) =>
      type === CKA.EC_PARAMS ? CURVE : type === CKA.EC_POINT ? point : LABEL;
    return keyOfObject({ attribute } as never, 1 as never);
  }, never],
  ["a Notary server's answer", 1_000, [
    utf8(JSON.stringify(KEYS.root.publicKey.json)),
    json({ errors: [{ code: "X" }] }),
  ], async (
    bytes,
  ) => {
    const at = (status: number) =>
      createTrustServer({
        url: new URL("https://notary.example.test"),
        service: { request: () => Promise.resolve({ status, headers: new Headers(), bytes }) },
        access: "pull",
      });
    await at(500).read("x", "root").catch((error) => assert.ok(isTagsealError(error), `${error}`));
    await at(403).publish("x", new Map()).catch((error) => assert.ok(isTagsealError(error), `${error}`));
    return await at(200).managedKey("x", "snapshot");
  }, (error) => isInvalid(error) || isTagsealError(error, "not-found", "unavailable")],
  ["what completion reads of a project file", 300, [json(PROJECT)], (bytes) => {
    return knownNames(["repository", "", "--trust-dir", folder], {
      env: () => undefined,
      path: (given) => given,
      readNearestFile: () => Promise.resolve({ path: "x", bytes }),
    });
  }, never],
  ["what a file is to sign", 1_500, [json(TARGETS.signed), utf8("eyJhIjoxfQ.eyJiIjoyfQ")], (input) => {
    return [timeless("x.json", input), timeless("x.jws", input), timeless("x.dsse", input)];
  }, never],
  ["metadata of releases", 200, [NEWEST], (input) => {
    const files = new Map([...RELEASES.files].map(([path, bytes]) => [path.replace("metadata/", ""), bytes]));
    files.set("timestamp.json", input);
    return followReleases(RELEASES.root(1), new Map(), {
      address: "x",
      metadata: (name) => Promise.resolve(files.get(name)),
      target: () => Promise.reject(new Error("nobody asks for it")),
    });
  }, (error) => isInvalid(error) || isUnavailable(error)],
  ["what a release says of itself", 1_500, [CUSTOM], (input) => {
    const custom = Object(parseJson(input, "any"));
    const file = { length: 9, hashes: { sha256: "a1".repeat(32) }, custom, verify: () => Promise.resolve() };
    return chooseRelease(new Map([["1.2.3-rc.1/tagseal", file]]), {
      form: "deno",
      version: "1.2.3-rc.0",
      deno: "2.9.6",
    });
  }, (error) => isInvalid(error) || isSyntaxError(error)],
  ["a version", 3_000, [utf8("1.2.3-rc.1.x+build"), utf8("10.20.30")], (input) => {
    if (isVersion(text(input))) assert.ok(Number.isFinite(compareVersions(text(input), "1.2.3")));
  }, never],
];

testParsers(PARSERS);

/** Calls that take a document apart; what they are given here and now is none. */
const READS =
  /\b(?:JSON\.parse|parseJson|parseCanonical|parsePlainly|parsePem|derElements|derSequence|readZip|fromBase64|fromHex)\((?!")/;
/** A reader by its name: of bytes, or of a text that is no path. */
const READER =
  /^export (?:async )?function (?:parse|read|decode)\w*\(\s*(?!path\b|folder\b|name\b)\w+: (?:Bytes|Uint8Array|string)\b/m;

/** The modules that read what comes from outside, and the row above, or of the two other tests, that damages it. */
const READERS: Readonly<Record<string, string>> = {
  "bytes/canonical_json.ts": "canonical JSON",
  "bytes/fast_canonical_json.ts": "canonical JSON",
  "bytes/json.ts": "JSON",
  "bytes/json_edit.ts": "JSON that is added to",
  "bytes/pem.ts": "PEM",
  "bytes/redaction.ts": "JSON that repeats a secret",
  "bytes/zip.ts": "a ZIP",
  "cli/buildx.ts": "what buildx wrote",
  "cli/known.ts": "what completion reads of a project file",
  "cli/project_reader.ts": "a project file",
  "cli/root_pins.ts": "a pin",
  "cli/tag_list.ts": "a list of tags",
  "crypto/algorithms.ts": "a signature",
  "crypto/certificate_file.ts": "a certificate file",
  "crypto/der.ts": "elements of DER",
  "crypto/keys.ts": "a key object",
  "crypto/legacy_pem.ts": "a key of old",
  "crypto/pkcs8.ts": "an encrypted key",
  "crypto/private_key.ts": "a private key",
  "crypto/spki.ts": "a public key",
  "crypto/x509.ts": "a bundle",
  "crypto/x509_der.ts": "a certificate",
  "crypto/x509_signature.ts": "its signature and key",
  "flows/delegation_certificate.ts": "a certificate file",
  "flows/export_file.ts": "an export",
  "flows/policies/documents.ts": "YAML",
  "flows/show/image_payload.ts": "a payload beside an image",
  "http/challenge.ts": "a challenge",
  "http/server_words.ts": "a refusal in a server's words",
  "http/token_server.ts": "a token server's answer",
  "keystore/file_keystore.ts": "PEM",
  "keystore/pkcs11_keys.ts": "a key on a token",
  "notary/kept_names.ts": "kept tags",
  "notary/trust_server.ts": "a Notary server's answer",
  "registry/credential_helper.ts": "a helper's answer",
  "registry/docker_config.ts": "Docker's config",
  "registry/image_entries.ts": "an index of images",
  "registry/image_ref.ts": "an image's name",
  "registry/manifest_type.ts": "a manifest",
  "registry/oci_layout.ts": "an OCI layout",
  "registry/referrers.ts": "what refers to an image",
  "registry/tag_names.ts": "a list of tags by a registry",
  "schemes/cosign/annotations.ts": "what a layer says beside its signature",
  "schemes/cosign/bundle.ts": "a cosign bundle",
  "schemes/cosign/keys.ts": "cosign's public key",
  "schemes/cosign/manifests.ts": "a manifest of signatures",
  "schemes/cosign/payload.ts": "a cosign payload",
  "schemes/cosign/signature.ts": "a cosign bundle",
  "schemes/image_changes.ts": "signatures beside images that are asked for",
  "schemes/notary_v1/push_trust_data.ts": "canonical JSON",
  "schemes/notation/read_envelope.ts": "a Notation envelope",
  "schemes/same_work.ts": "what a file is to sign",
  "schemes/signing_data.ts": "signing data",
  "signing/request_files.ts": "a signing request that was kept",
  "signing/signed_file.ts": "signing data",
  "signing/signing_data.ts": "signing data's manifest",
  "signpath/api.ts": "SignPath's answer",
  "signpath/client.ts": "SignPath's answer",
  "signpath/hash_signing.ts": "a signed hash",
  "signpath/problem.ts": "SignPath's refusal",
  "tuf/fast_parse.ts": "targets",
  "tuf/parse.ts": "root",
  "tuf/place.ts": "targets",
  "tuf/root_keys.ts": "root",
};
/** Those that read nothing of anybody else's. */
const OWN: ReadonlySet<string> = new Set([
  "cli/project_writer.ts", // adds to what was read as a project file
  "cli/report_page/page.ts", // a digest of its own
  "schemes/create_signing_data.ts", // copies
  "schemes/notary_v1/changes.ts", // copies
  "tuf/edit.ts", // a digest that was looked at
  ...["releases/keys.ts", "releases/repository.ts", "releases/shipped.ts"], // run by whoever releases, on their own files
]);

Deno.test("parsers: no module reads what comes from outside without a row", async () => {
  const lib = new URL("../lib/", import.meta.url);
  const readers: string[] = [];
  for (const file of sourcesBelow(lib, "")) {
    // The embedded stack is reached by this machine alone.
    if (file.startsWith("local/")) continue;
    const code = (await Deno.readTextFile(new URL(file, lib))).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    if (READS.test(code) || READER.test(code)) readers.push(file);
  }
  const known = [...Object.keys(READERS), ...OWN];
  assert.deepEqual(readers.filter((file) => !known.includes(file)), [], "add a row that damages what it reads");
  assert.deepEqual(known.filter((file) => !readers.includes(file)), [], "nothing is read there");
  const rows: string[] = [];
  for (const test of ["service_parsers_test.ts", "parsers_test.ts", "tuf/parsers_test.ts"]) {
    const code = await Deno.readTextFile(new URL(test, import.meta.url));
    for (const [, name] of code.matchAll(/^ {2}\[\s*"([^"]+)",\s*[\d_]+,/gm)) rows.push(name!);
  }
  assert.deepEqual(Object.values(READERS).filter((name) => !rows.includes(name)), []);
});

function* sourcesBelow(root: URL, path: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(path, root))) {
    if (isDirectory) yield* sourcesBelow(root, `${path}${name}/`);
    else if (name.endsWith(".ts")) yield `${path}${name}`;
  }
}

Deno.test("parsers: those are forty thousand more", () => {
  assert.ok(PARSERS.reduce((sum, [, times]) => sum + times, 0) >= 40_000);
});
