/** What a manifest says of images: read as it was written, or refused. */
import assert from "node:assert/strict";
import type { JsonObject, JsonValue } from "../../lib/bytes/json.ts";
import { imageChangesIn, type ImagesChange, imageWords } from "../../lib/schemes/image_changes.ts";
import { failsWith } from "../support/failures.ts";
import { certify, newKey } from "../support/trust_builder.ts";

const leaf = await certify(newKey());
const SIGNATURE: ImagesChange["signatures"][number] = {
  tag: "v1",
  image: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: `sha256:${"ab".repeat(32)}`, size: 500 },
  form: "classic",
  payload: "payload/0001.json",
  sha256: "cd".repeat(32),
};
const CHANGE: ImagesChange = {
  scheme: "cosign",
  repository: "r.test/app",
  certificates: [leaf],
  signatures: [SIGNATURE, { ...SIGNATURE, form: "bundle", platform: "linux/arm64" }, { ...SIGNATURE, form: "jws" }],
};

const read = (words: JsonValue) => imageChangesIn({ images: [words] });
const edited = (edit: (words: JsonObject) => JsonObject) => read(edit(imageWords(CHANGE)));
const withFirst = (more: JsonObject) =>
  edited((words) => {
    const [first, ...rest] = words["signatures"] as JsonObject[];
    return { ...words, signatures: [{ ...first, ...more }, ...rest] };
  });

Deno.test("images in a manifest are read as they were written, with as many certificates as a chain has", () => {
  assert.deepEqual(imageChangesIn({}), []);
  for (const count of [1, 2, 10]) {
    const certificates = Array(count).fill(leaf) as unknown as ImagesChange["certificates"];
    const words = imageWords({ ...CHANGE, certificates });
    const [back] = read(words);
    assert.deepEqual(imageWords(back!), words);
    assert.deepEqual(back!.signatures, CHANGE.signatures);
    assert.equal(back!.certificates.length, count);
  }
  const [first, second] = imageWords(CHANGE)["signatures"] as JsonObject[];
  assert.deepEqual([Object.hasOwn(first!, "platform"), second!["platform"]], [false, "linux/arm64"]);
});

Deno.test("images in a manifest that say less, or something else, are refused", async () => {
  const certificates = (...certificates: JsonValue[]) => edited((words) => ({ ...words, certificates }));
  const der = leaf.der.toBase64();
  const rows: [words: string, act: () => unknown][] = [
    ["nothing is to be signed in images[0]", () => edited((words) => ({ ...words, signatures: [] }))],
    ["images[0]", () => read(7)],
    ["images[0].signatures", () => edited((words) => ({ ...words, signatures: [7] }))],
    ["no certificate, or too many", () => certificates()],
    ["no certificate, or too many", () => certificates(...Array(11).fill(der))],
    ["a certificate in it cannot be read", () => certificates(der, "AAAA")],
    ["a certificate in it cannot be read", () => certificates("?")],
    ['"gpg" is no form of a signature', () => withFirst({ form: "gpg" })],
    ["platform", () => withFirst({ platform: 7 })],
    ["tag", () => withFirst({ tag: 7 })],
    ["size", () => withFirst({ size: -1 })],
    ["digest", () => withFirst({ digest: "sha256:zz" })],
  ];
  for (const [words, act] of rows) await failsWith(act, "bad-input", words);
});
