/** What an earlier run had signed is taken where it is what is to be signed now, and nothing else is. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { earlierSignatures } from "../../lib/signing/earlier_signatures.ts";
import type { SigningFile, UnsignedFile } from "../../lib/signing/signing_data.ts";
import type { ReadWork, WorkUnit } from "../../lib/signing/work_unit.ts";
import { failsWith } from "../support/failures.ts";

const [A, B] = ["registry.test/acme/a", "registry.test/acme/b"];
const MADE = "2026-06-01T12:00:00Z";

/** A file whose manifest says what it is to sign; `run` makes its payloads differ as the time does. */
function fileOf(run: string, units: readonly WorkUnit[]): SigningFile {
  const entries = (words: string) =>
    new Map<string, Bytes>(units.map(({ payload }) => [payload, utf8(`${run} ${words} ${payload}`)]));
  const manifest = { units: units.map((unit) => ({ ...unit })) };
  return {
    created: MADE,
    tool: "test",
    manifest,
    payloads: entries("bytes"),
    signatures: entries("signature"),
    trust: new Map(),
  };
}

const workIn: ReadWork = ({ manifest }: UnsignedFile) => manifest["units"] as unknown as WorkUnit[];

const unit = (repository: string, payload: string, purpose: string, base = "base 1"): WorkUnit => ({
  repository,
  payload,
  purpose: `${repository} ${purpose}`,
  sha256: `${repository} ${purpose} ${base}`,
});

Deno.test("signatures, payloads and time are the earlier run's, under the names of this one", () => {
  const received = fileOf("earlier", [unit(A, "1", "v1"), unit(B, "2", "v1"), unit(B, "3", "v2")]);
  const { signatures, payloads, madeAt } = earlierSignatures(
    fileOf("now", [unit(B, "1", "v2"), unit(A, "2", "v1")]),
    received,
    "id-1",
    workIn,
  );
  assert.deepEqual([...signatures], [["1", utf8("earlier signature 3")], ["2", utf8("earlier signature 1")]]);
  assert.deepEqual([...payloads ?? []], [["1", utf8("earlier bytes 3")], ["2", utf8("earlier bytes 1")]]);
  assert.deepEqual(madeAt, new Date(MADE));
});

Deno.test("a request that does not sign just what is to be signed gives nothing", async (t) => {
  const wanted = [unit(A, "1", "v1"), unit(B, "2", "v1")];
  const rows: [name: string, there: readonly WorkUnit[], words: string, about: string, isOvertaken: boolean][] = [
    ["others have published since", [wanted[0]!, unit(B, "2", "v1", "base 0")], "others have published in", B, true],
    ["another tag", [wanted[0]!, unit(B, "2", "v2")], "it is for other tags, digests or schemes of it", B, false],
    ["another repository", [wanted[0]!, unit("r.test/c", "2", "v1")], `it is for ${A}, r.test/c`, B, false],
    [
      "many others",
      ["c", "d", "e", "f", "g", "h"].map((name) => unit(`r.test/${name}`, name, "v1")),
      "it is for r.test/c, r.test/d, r.test/e, r.test/f, r.test/g",
      A,
      false,
    ],
    ["nothing", [], "it is for ", A, false],
  ];
  for (const [name, there, words, repository, isOvertaken] of rows) {
    await t.step(name, async () => {
      const attempt = () => earlierSignatures(fileOf("now", wanted), fileOf("earlier", there), "id-1", workIn);
      const error = await failsWith(() => void attempt(), isOvertaken ? "stale" : "bad-input", '"id-1"', words);
      if (name === "many others") assert.ok(error.message.endsWith(words), error.message);
      assert.deepEqual(error.next, { do: isOvertaken ? "file-new-request" : "name-own-request" });
      assert.deepEqual(error.request, { id: "id-1", goesOn: false });
      assert.equal(error.details["repository"], repository);
      assert.equal(error.published, isOvertaken ? "no" : undefined);
    });
  }
});
