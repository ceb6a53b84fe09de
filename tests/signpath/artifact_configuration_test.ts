/** The artifact configuration: that SignPath, told so, makes what `push` wants, and that the README shows the same. */
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { configurationFor } from "../../lib/cli/artifact_configuration.ts";
import { recognizeByRules, type SignatureRules } from "../../lib/crypto/signature_rules.ts";
import { isTagsealError, type TagsealErrorCode } from "../../lib/errors.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { signArtifact } from "../../lib/local/signpath_signing.ts";
import type { SchemeName } from "../../lib/schemes/names.ts";
import { rsaKey } from "../support/rsa_keys.ts";

const LIMITS = { entries: 100, entryBytes: 1e6, totalBytes: 1e6 };
const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;
const RSA_2048 = rsaKey(2048);
/** Keys, how the two plain kinds of payloads are signed, and how Notation's. */
const KEYS: [name: string, key: KeyObject, plain: string, jws: string][] = [
  ["RSA 2048", RSA_2048, 'sha256" rsa-padding="pkcs1', 'sha256" rsa-padding="pss'],
  ["RSA 3072", rsaKey(3072), 'sha256" rsa-padding="pkcs1', 'sha384" rsa-padding="pss'],
  ["RSA 4096", rsaKey(4096), 'sha256" rsa-padding="pkcs1', 'sha512" rsa-padding="pss'],
  ["P-256", ec("P-256"), "sha256", "sha256"],
  ["P-384", ec("P-384"), "sha256", "sha384"],
  ["P-521", ec("P-521"), "sha256", "sha512"],
];
const WANTED: [schemes: readonly SchemeName[], extensions: readonly string[]][] = [
  [["dct"], ["json"]],
  [["cosign"], ["json", "dsse"]],
  [["notation"], ["jws"]],
  [["dct", "cosign"], ["json", "dsse"]],
  [["dct", "notation"], ["json", "jws"]],
  [["cosign", "notation"], ["json", "dsse", "jws"]],
  [["dct", "cosign", "notation"], ["json", "dsse", "jws"]],
];

/** The files that an artifact configuration names: what they end in, and the rules. */
function filesOf(xml: string): [extension: string, rules: SignatureRules][] {
  const pattern = /<file path="payload\/\*\.(\w+)"[^]*?hash-algorithm="(\w+)"(?: rsa-padding="(\w+)")? \/>/g;
  return [...xml.matchAll(pattern)].map(([, extension, hash, rsaPadding = "pkcs1"]) => [
    extension!,
    { hash, rsaPadding } as SignatureRules,
  ]);
}

for (const [name, privateKey, plain, jws] of KEYS) {
  Deno.test(`artifact configuration: what it says is what the embedded service does (${name})`, async (t) => {
    const key = fileSigningKey(privateKey);
    for (const [schemes, extensions] of WANTED) {
      await t.step(schemes.join(), async () => {
        const xml = configurationFor(schemes, key.publicKey.shape);
        const min = extensions.length > 1 ? ' min-matches="0"' : "";
        assert.equal(
          xml,
          [
            '<artifact-configuration xmlns="http://signpath.io/artifact-configuration/v1">',
            "  <zip-file>",
            ...extensions.flatMap((extension) => [
              `    <file path="payload/*.${extension}"${min} max-matches="unbounded">`,
              '      <create-raw-signature output-file-name="${file.name}.sig" hash-algorithm="' +
              `${extension === "jws" ? jws : plain}" />`,
              "    </file>",
            ]),
            "  </zip-file>",
            "</artifact-configuration>",
          ].join("\n"),
        );
        const sent = [
          "docker-signing-data.json",
          ...extensions.map((one) => `payload/0001.${one}`),
          "trust/1/root.json",
        ]
          .map((file) => ({ name: file, bytes: utf8(`this is ${file}`) }));
        const signed = await readZip(await signArtifact(await writeZip(sent), key, {}), LIMITS);
        assert.equal(signed.size, sent.length + extensions.length);
        for (const [extension, rules] of filesOf(xml)) {
          const signature = signed.get(`payload/0001.${extension}.sig`)!;
          assert.ok(await recognizeByRules(key.publicKey, rules, utf8(`this is payload/0001.${extension}`), signature));
        }
      });
    }
  });
}

Deno.test("artifact configuration: without a key it is that of RSA keys, where it does not depend on the size", () => {
  const { shape } = fileSigningKey(RSA_2048).publicKey;
  for (const schemes of [["dct"], ["cosign"], ["dct", "cosign"]] as const) {
    assert.equal(configurationFor(schemes), configurationFor(schemes, shape));
  }
});

Deno.test("artifact configuration: none where it would be wrong", async (t) => {
  const shape = (bits: number) => ({ family: "rsa", bits }) as const;
  const rows: [string, () => string, TagsealErrorCode, RegExp][] = [
    ["Ed25519", () => configurationFor(["dct"], { family: "ed25519" }), "bad-input", /^SignPath has no Ed25519 keys/],
    ["Ed25519, notation", () => configurationFor(["notation"], { family: "ed25519" }), "bad-input", /^SignPath has no/],
    [
      "RSA 2560, notation",
      () => configurationFor(["notation"], shape(2560)),
      "bad-input",
      /^Notation signs with no key/,
    ],
    [
      "no key, notation",
      () => configurationFor(["dct", "notation"]),
      "usage",
      /^How Notation signs depends on the key/,
    ],
  ];
  for (const [name, make, code, words] of rows) {
    await t.step(name, () => assert.throws(make, (error) => isTagsealError(error, code) && words.test(error.message)));
  }
  assert.match(configurationFor(["dct", "cosign"], shape(2560)), /dsse/, "the others take such a key");
});

Deno.test("artifact configuration: the guide shows the one for RSA keys", async () => {
  const guide = await Deno.readTextFile(new URL("../../GUIDE.md", import.meta.url));
  const blocks = [...guide.matchAll(/^( *)```xml\n([^]*?)^ *```$/gm)];
  assert.deepEqual(blocks.map(([, indent, xml]) => xml!.replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd()), [
    configurationFor(["dct"]),
  ]);
});
