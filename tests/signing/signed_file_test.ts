/** What comes with 200 is looked at before it is called the signed file. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { writeZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import type { TagsealErrorCode } from "../../lib/errors.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { signArtifact } from "../../lib/local/signpath_signing.ts";
import { createSigningData } from "../../lib/schemes/create_signing_data.ts";
import { readSigned, UnsignedFileError } from "../../lib/signing/signed_file.ts";
import { type PayloadExtension, writeSigningFile } from "../../lib/signing/signing_data.ts";
import { keyOf, writeSigningData } from "../../lib/schemes/signing_data.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld } from "../support/flow_world.ts";
import { rsaKey } from "../support/rsa_keys.ts";

const GUN = "registry.test/acme/a";

async function unsignedFile() {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  const { data } = await createSigningData([world.task(GUN, ["v1"])], world.now());
  return { world, file: await writeSigningData(data) };
}

Deno.test("a signed file is read", async () => {
  const { world, file } = await unsignedFile();
  const { signed } = await world.signFile(file);
  assert.equal((await readSigned(signed, "id-1")).signatures.size, 2);
});

Deno.test("a file that came back unsigned: the request failed, and the key's kind is known", async () => {
  const { file } = await unsignedFile();
  const error = await failsWith(
    readSigned(file, "id-1"),
    "signing-request-failed",
    "SignPath sent the file back unsigned: the project's artifact configuration does not sign payload/*.json",
    "id-1",
  );
  assert.ok(error instanceof UnsignedFileError);
  assert.deepEqual([keyOf(error.file)?.shape.family, error.request], ["ecdsa", { id: "id-1", goesOn: false }]);
});

Deno.test("a file that came back unsigned in part: it is said which paths the project does not sign", async (t) => {
  const key = rsaKey(2048);
  const names = ["0001.json", "0002_cosign_app_v1.json", "0003_bundle_app_v1.dsse", "0004_a.jws", "0005_b.jws"];
  const payloads = new Map(names.map((name) => [`payload/${name}`, utf8(`this is ${name}`)]));
  const words = [...payloads].map(([payload, bytes]) => ({ payload, sha256: sha256Hex(bytes) }));
  const file = { created: "2026-06-01T12:00:00Z", tool: "test", manifest: { words }, payloads, trust: new Map() };
  const rows: [signs: readonly PayloadExtension[], words: string][] = [
    [
      ["json"],
      "unsigned in part (3 of 5 payloads): the project's artifact configuration does not sign " +
      'payload/*.dsse, payload/*.jws (signing request "id-1")',
    ],
    [
      ["json", "dsse"],
      "unsigned in part (2 of 5 payloads): the project's artifact configuration does not sign " +
      'payload/*.jws (signing request "id-1")',
    ],
  ];
  for (const [signs, words] of rows) {
    await t.step(signs.join(), async () => {
      const signed = await signArtifact(await writeSigningFile(file), fileSigningKey(key), { signs });
      await failsWith(readSigned(signed, "id-1"), "signing-request-failed", words);
    });
  }
  await t.step("all", async () => {
    const words = "unsigned: the project's artifact configuration does not sign payload/*.json, payload/*.dsse, " +
      "payload/*.jws";
    await failsWith(readSigned(await writeSigningFile(file), "id-1"), "signing-request-failed", words);
  });
});

Deno.test("whatever else comes is refused, and the request's id is kept", async (t) => {
  const zip = await writeZip([{ name: "a.txt", bytes: utf8("a") }]);
  const rows: [string, Bytes, TagsealErrorCode, string, boolean][] = [
    ["nothing", new Uint8Array(), "unavailable", "the answer is empty, not a ZIP file", true],
    ["an HTML page", utf8("\n<!DOCTYPE html><html>"), "unavailable", "the answer is an HTML page", true],
    ["HTML at once", utf8("<html>"), "unavailable", "the answer is an HTML page", true],
    ["HTML after many blanks", utf8(`${" ".repeat(900)}<html>`), "unavailable", "the answer is an HTML page", true],
    ["HTML too far off", utf8(`${" ".repeat(1900)}<html>`), "unavailable", "the answer is something else", true],
    ["a text about HTML", utf8("see <html>"), "unavailable", "the answer is something else", true],
    ["JSON", utf8("{}"), "unavailable", "the answer is something else", true],
    ["the first letter of a ZIP", utf8("Page"), "unavailable", "the answer is something else", true],
    ["the second letter of a ZIP", utf8("OK"), "unavailable", "the answer is something else", true],
    ["a binary", Uint8Array.of(0x4d, 0x5a, 0, 0xff), "unavailable", "the answer is something else", true],
    ["another ZIP", zip, "bad-input", "is not Docker signing data", false],
    ["a ZIP that was cut", zip.slice(0, 40), "bad-input", 'What signing request "id-1" gave is refused', false],
  ];
  for (const [name, file, code, words, goesOn] of rows) {
    await t.step(name, async () => {
      const error = await failsWith(readSigned(file, "id-1"), code, words, "id-1");
      assert.deepEqual(error.request, { id: "id-1", goesOn });
      assert.match(error.remedy, /^Nothing was saved or published/);
    });
  }
});
