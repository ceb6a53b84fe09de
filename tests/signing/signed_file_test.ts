/** What comes with 200 is looked at before it is called the signed file. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { writeZip } from "../../lib/bytes/zip.ts";
import type { TagsealErrorCode } from "../../lib/errors.ts";
import { createSigningData } from "../../lib/schemes/create_signing_data.ts";
import { readSigned, UnsignedFileError } from "../../lib/signing/signed_file.ts";
import { keyFamilyOf, writeSigningData } from "../../lib/schemes/signing_data.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld } from "../support/flow_world.ts";

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
  assert.deepEqual([keyFamilyOf(error.file), error.request], ["ecdsa", { id: "id-1", goesOn: false }]);
});

Deno.test("whatever else comes is refused, and the request's id is kept", async (t) => {
  const zip = await writeZip([{ name: "a.txt", bytes: utf8("a") }]);
  const rows: [string, Bytes, TagsealErrorCode, string, boolean][] = [
    ["nothing", new Uint8Array(), "unavailable", "the answer is empty, not a ZIP file", true],
    ["an HTML page", utf8("\n<!DOCTYPE html><html>"), "unavailable", "the answer is an HTML page", true],
    ["JSON", utf8("{}"), "unavailable", "the answer is something else", true],
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
