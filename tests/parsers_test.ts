/**
 * Damaged inputs for the parsers of everything else that comes from outside: registries, signing services, files of users
 * and of other programs. Those of keys and trust data are in `tuf/parsers_test.ts`, more in `service_parsers_test.ts`.
 */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../lib/bytes/bytes.ts";
import { canonicalJson, parseCanonical } from "../lib/bytes/canonical_json.ts";
import { parsePlainly } from "../lib/bytes/fast_canonical_json.ts";
import { parseJson } from "../lib/bytes/json.ts";
import { readZip, writeZip } from "../lib/bytes/zip.ts";
import { readBuildxMetadata } from "../lib/cli/buildx.ts";
import { parseTagList } from "../lib/cli/tag_list.ts";
import { readPrivateKey } from "../lib/crypto/private_key.ts";
import { isTagsealError } from "../lib/errors.ts";
import { readExport, writeExport } from "../lib/flows/export_file.ts";
import { readYaml } from "../lib/flows/policies/documents.ts";
import { parseChallenges } from "../lib/http/challenge.ts";
import { readDockerConfig } from "../lib/registry/docker_config.ts";
import { parseImageReference } from "../lib/registry/image_ref.ts";
import { readManifest } from "../lib/registry/manifest_type.ts";
import { readBundle } from "../lib/schemes/cosign/bundle.ts";
import { readVerificationKeys } from "../lib/schemes/cosign/keys.ts";
import { readSignatureManifest } from "../lib/schemes/cosign/manifests.ts";
import { readSimpleSigning } from "../lib/schemes/cosign/payload.ts";
import { readEnvelope } from "../lib/schemes/notation/read_envelope.ts";
import { readSigningData } from "../lib/schemes/signing_data.ts";
import { readHashSignature, readSignedHash } from "../lib/signpath/hash_signing.ts";
import { generateKeyPairSync } from "node:crypto";
import { isBadInput, isInvalid, isSyntaxError, never, type Parser, testParsers } from "./support/fuzz.ts";
import { signTags } from "../lib/schemes/notary_v1/sign_tags.ts";
import { FlowWorld } from "./support/flow_world.ts";

const fixture = (path: string) => Deno.readFileSync(new URL(`../fixtures/${path}`, import.meta.url)) as Bytes;
const text = (bytes: Bytes) => new TextDecoder().decode(bytes);
const isRefused = (error: unknown) => isTagsealError(error, "bad-input", "trust-invalid");
const isMistyped = (error: unknown) => isTagsealError(error, "bad-input", "usage");

const LIMITS = { entries: 10, entryBytes: 2 ** 16, totalBytes: 2 ** 18 };
const DIGEST = `sha256:${"a1".repeat(32)}`;
const OCI = "application/vnd.oci.image.manifest.v1+json";
const metadata = (role: string) => fixture(`notary-basic/tuf/example.test/tagseal/basic/metadata/${role}.json`);

const ZIP = await writeZip([{ name: "a.json", bytes: utf8("{}") }, { name: "b/c", bytes: new Uint8Array(300) }]);
const EXPORT = await writeExport([{
  repository: "example.test/tagseal/basic",
  notaryUrl: "https://notary.example.test",
  verified: { at: "2026-06-01T00:00:00Z", rootTrustedBy: "pin", rootKeyIds: ["a1"], rootsFrom: 1 },
  skipped: [],
  files: ["root", "targets"].map((role) => ({ role, version: 1, expires: null, name: role, bytes: metadata(role) })),
}], { created: "2026-06-01T00:00:00Z", tool: "a test" });
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PKCS8 = new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }));
const CHALLENGE = utf8(
  'Bearer realm="https://auth.example.test/token",service="a, b",scope="repository:x:pull", Basic',
);
const DOCKER_CONFIG = utf8(JSON.stringify({
  auths: { "https://index.docker.io/v1/": { auth: "dXNlcjpwYXNz" }, "registry.example.test": { identitytoken: "x" } },
  credHelpers: { "registry.example.test:5000": "pass" },
  credsStore: "desktop",
}));
const BUILDX = utf8(JSON.stringify({
  app: { "containerimage.digest": DIGEST, "image.name": "registry.example.test/app:v1,registry.example.test/app:v2" },
}));
const TAG_LIST = utf8(`registry.example.test/app:v1@${DIGEST} 528 # one\n\nregistry.example.test/app:v2\n`);
const YAML = utf8(
  "docker:\n  registry.example.test/app:\n    sigstore: https://x # where\n    use: &a [1, 2]\n  other: *a\n",
);
const HASH_ANSWER = utf8(JSON.stringify({
  hashSigningData: { hash: new Uint8Array(32).toBase64() },
  hashSigningResult: { signature: new Uint8Array(64).toBase64() },
}));
const SENT = utf8(JSON.stringify({ HashAlgorithm: "SHA256", Hash: "aGFzaA==" }));
const SIGNED = utf8(JSON.stringify({ HashAlgorithm: "SHA256", Hash: "aGFzaA==", Signature: "c2lnbmVk" }));
const COSIGN_MANIFEST = fixture("after_dct/p256/cosign-bundle/manifest.json");

/** Manifest and other entries of a ZIP: most damage to the whole is found by its checksums alone. */
async function unpacked(zip: Bytes, name: string): Promise<{ manifest: Bytes; with(manifest: Bytes): Promise<Bytes> }> {
  const entries = await readZip(zip, { entries: 100, entryBytes: 2 ** 20, totalBytes: 2 ** 20 });
  const rest = [...entries].filter(([other]) => other !== name).map(([name, bytes]) => ({ name, bytes }));
  return { manifest: entries.get(name)!, with: (bytes) => writeZip([{ name, bytes }, ...rest]) };
}

async function signingData(): Promise<Bytes> {
  const world = await FlowWorld.begin();
  const gun = "registry.example.test/app";
  await world.init(gun);
  await signTags([world.task(gun, ["v1", "v2"])], { ...world.options, attempts: 1 });
  return world.files[0]!;
}

const EXPORTED = await unpacked(EXPORT, "tagseal-export.json");
const DATA = await signingData();
const TO_SIGN = await unpacked(DATA, "docker-signing-data.json");

const PARSERS: readonly Parser[] = [
  ["JSON", 4_000, [metadata("root"), DOCKER_CONFIG], (input) => parseJson(input), isSyntaxError],
  ["canonical JSON", 5_000, [canonicalJson(parseJson(metadata("targets")))], sameByBoth, isSyntaxError],
  ["a ZIP", 3_000, [ZIP], (input) => readZip(input, LIMITS), isBadInput],
  ["an export", 1_000, [EXPORT], readExport, isRefused],
  [
    "an export's manifest",
    200,
    [EXPORTED.manifest],
    async (input) => readExport(await EXPORTED.with(input)),
    isRefused,
  ],
  ["signing data", 1_000, [DATA], readSigningData, isRefused],
  ["signing data's manifest", 150, [TO_SIGN.manifest], async (input) => {
    return readSigningData(await TO_SIGN.with(input));
  }, isRefused],
  ["an image's name", 11_650, [utf8(`registry.example.test:5000/team/app:v1@${DIGEST}`)], (input) => {
    return parseImageReference(text(input));
  }, isMistyped],
  ["a challenge", 10_000, [CHALLENGE], (input) => parseChallenges(text(input)), never],
  ["Docker's config", 5_000, [DOCKER_CONFIG], (input) => {
    return readDockerConfig(text(input), "registry.example.test:5000");
  }, isBadInput],
  [
    "what buildx wrote",
    5_000,
    [BUILDX],
    (input) => readBuildxMetadata(input, "x", "registry.example.test/app"),
    isMistyped,
  ],
  ["a list of tags", 10_000, [TAG_LIST], (input) => parseTagList(text(input), "x"), isMistyped],
  ["a manifest", 5_000, [COSIGN_MANIFEST], (input) => readManifest(OCI, input), never],
  [
    "a manifest of signatures",
    5_000,
    [COSIGN_MANIFEST],
    (bytes) => readSignatureManifest({ bytes, mediaType: OCI }),
    never,
  ],
  ["a cosign payload", 5_000, [fixture("after_dct/p256/cosign-classic/index.payload.json")], readSimpleSigning, never],
  ["a cosign bundle", 5_000, [fixture("after_dct/p256/cosign-bundle/bundle.json")], readBundle, never],
  ["cosign's public key", 3_000, [fixture("after_dct/p256/cosign.pub")], readVerificationKeys, isSyntaxError],
  ["a Notation envelope", 5_000, [fixture("after_dct/p256/notation/envelope.json")], readEnvelope, isSyntaxError],
  ["a private key", 3_000, [PKCS8], readPrivateKey, isSyntaxError],
  ["YAML", 3_000, [YAML], (input) => readYaml(input, "x"), isBadInput],
  ["a signed hash", 5_000, [HASH_ANSWER], (input) => readSignedHash(new Uint8Array(32), input), isInvalid],
  ["an older signed hash", 5_000, [SIGNED], (input) => readHashSignature(SENT, input), isInvalid],
];

/** What is read fast is what is read strictly. */
function sameByBoth(input: Bytes): void {
  const strict = parseCanonical(input);
  const fast = parsePlainly(text(input));
  if (fast !== undefined) assert.deepEqual(canonicalJson(fast), canonicalJson(strict));
}

testParsers(PARSERS);

Deno.test("parsers: those are a hundred thousand more", () => {
  assert.equal(PARSERS.reduce((sum, [, times]) => sum + times, 0), 100_000);
});
