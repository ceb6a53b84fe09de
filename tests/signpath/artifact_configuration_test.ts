/** The artifact configuration: that SignPath, told so, makes what `push` wants, and that the README shows the same. */
import assert from "node:assert/strict";
import { constants, createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { signArtifact } from "../../lib/local/signpath_signing.ts";
import { artifactConfiguration } from "../../lib/signpath/artifact_configuration.ts";

const LIMITS = { entries: 100, entryBytes: 1e6, totalBytes: 1e6 };
const KEYS: [family: "rsa" | "ecdsa", key: KeyObject][] = [
  ["rsa", generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey],
  ["ecdsa", generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey],
];

/** The value of the only attribute of that name. */
function attribute(xml: string, name: string): string | undefined {
  const found = [...xml.matchAll(new RegExp(` ${name}="([^"]*)"`, "g"))];
  assert.ok(found.length <= 1, name);
  return found[0]?.[1];
}

function isSignedAs(xml: string, key: KeyObject, payload: Bytes, signature: Bytes): boolean {
  const padding = attribute(xml, "rsa-padding");
  const options = padding === undefined
    ? { dsaEncoding: "ieee-p1363" as const }
    : { padding: { pkcs1: constants.RSA_PKCS1_PADDING }[padding] ?? assert.fail(padding) };
  return verify(attribute(xml, "hash-algorithm"), payload, { key: createPublicKey(key), ...options }, signature);
}

for (const [family, key] of KEYS) {
  Deno.test(`artifact configuration: the embedded service signs what it names, as it says (${family})`, async () => {
    const xml = artifactConfiguration(family);
    assert.equal(attribute(xml, "rsa-padding"), family === "rsa" ? "pkcs1" : undefined);
    assert.equal(attribute(xml, "output-file-name"), "${file.name}.sig");
    const path = new RegExp(`^${attribute(xml, "path")!.replaceAll(".", "\\.").replace("*", "[^/]*")}$`);
    const names = ["docker-signing-data.json", "payload/0001.json", "payload/0002.json", "trust/1/root.json"];
    const sent = names.map((name) => ({ name, bytes: utf8(`{"is":"${name}"}`) }));
    const signed = await readZip(await signArtifact(await writeZip(sent), fileSigningKey(key), {}), LIMITS);
    for (const { name, bytes } of sent) {
      assert.deepEqual(signed.get(name), bytes, "what is sent stays as it is");
      const signature = signed.get(`${name}.sig`);
      assert.equal(signature !== undefined, path.test(name), name);
      if (signature) assert.ok(isSignedAs(xml, key, bytes, signature), name);
    }
    assert.equal(signed.size, sent.length + 2);
  });
}

Deno.test("artifact configuration: none for keys that SignPath does not have", () => {
  assert.throws(
    () => artifactConfiguration("ed25519"),
    (error) => isTagsealError(error, "bad-input") && error.message.startsWith("SignPath has no Ed25519 keys"),
  );
});

Deno.test("artifact configuration: the README shows the one for RSA keys", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const blocks = [...readme.matchAll(/^( *)```xml\n([^]*?)^ *```$/gm)];
  assert.deepEqual(blocks.map(([, indent, xml]) => xml!.replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd()), [
    artifactConfiguration("rsa"),
  ]);
});
