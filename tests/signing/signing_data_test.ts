/** The file that is sent for signing: written the same each time, and read back only where it is what it says. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import {
  PAYLOAD_EXTENSIONS,
  payloadName,
  readSigningFile,
  trustName,
  type UnsignedFile,
  writeSigningFile,
} from "../../lib/signing/signing_data.ts";
import { failsWith } from "../support/failures.ts";

const MANIFEST = "docker-signing-data.json";
const MIB = 2 ** 20;
const LIMITS = { entries: 100, entryBytes: MIB, totalBytes: MIB };
const ONE = "payload/0001.json";
const words = (payload: string, bytes: Bytes) => ({ payload, sha256: sha256Hex(bytes) });

const FILE: UnsignedFile = {
  created: "2026-06-01T12:00:00Z",
  tool: "test",
  manifest: {
    repositories: [{ roles: [words(ONE, utf8("one")), { bundle: words("payload/0002_b.dsse", utf8("two")) }] }],
  },
  payloads: new Map([[ONE, utf8("one")], ["payload/0002_b.dsse", utf8("two")]]),
  trust: new Map([["trust/1/targets_releases.json", utf8("{}")]]),
};

/** The entries of {@linkcode FILE}, changed, as a file. */
async function edited(change: (entries: Map<string, Bytes>) => void): Promise<Bytes> {
  const entries = new Map(await readZip(await writeSigningFile(FILE), LIMITS));
  change(entries);
  return await writeZip([...entries].map(([name, bytes]) => ({ name, bytes })));
}

/** {@linkcode FILE} with another manifest. */
function manifested(change: Record<string, unknown>): Promise<Bytes> {
  const { created, tool, manifest } = FILE;
  const document = { format: "docker-signing-data/1", created, tool, ...manifest, ...change };
  return edited((entries) => void entries.set(MANIFEST, utf8(JSON.stringify(document))));
}

Deno.test("what is written is read back, the same bytes each time, and signatures beside their payloads", async () => {
  const zip = await writeSigningFile(FILE);
  assert.deepEqual(await writeSigningFile(FILE), zip);
  const { manifest: said, ...read } = await readSigningFile(zip);
  const { manifest: given, ...sent } = FILE;
  assert.deepEqual(read, { ...sent, signatures: new Map() });
  assert.equal(JSON.stringify(said), JSON.stringify(given));
  const manifest = new TextDecoder().decode((await readZip(zip, LIMITS)).get(MANIFEST));
  assert.match(manifest, /^\{\n {2}"format": "docker-signing-data\/1",\n {2}"created": /);
  assert.match(manifest, /\n\}\n$/);
  const signed = await edited((entries) => void entries.set(`${ONE}.sig`, utf8("signature")));
  assert.deepEqual((await readSigningFile(signed)).signatures, new Map([[ONE, utf8("signature")]]));
});

Deno.test("an entry's name says its number and what it is for, in letters that every system can have", () => {
  const rows: [name: string, expected: string][] = [
    [payloadName(1), "payload/0001.json"],
    [payloadName(12_345, "cosign app:v1", "dsse"), "payload/12345_cosign-app-v1.dsse"],
    [payloadName(1, "a.b_c-D9", "jws"), "payload/0001_a.b_c-D9.jws"],
    [payloadName(1, "v1.-"), "payload/0001_v1.json"],
    [payloadName(1, "…"), "payload/0001.json"],
    [payloadName(1, "x".repeat(81)), `payload/0001_${"x".repeat(80)}.json`],
    [payloadName(1, `${"x".repeat(79)}.x`), `payload/0001_${"x".repeat(79)}.json`],
    [trustName(2, "targets/a/b"), "trust/2/targets_a_b.json"],
  ];
  for (const [name, expected] of rows) assert.equal(name, expected);
});

Deno.test("what could not be read again is not written", async (t) => {
  /** Bytes of which nothing but the number can be had. */
  const of = (length: number) =>
    new Proxy({} as Bytes, {
      get: (_, name) => {
        if (name === "length") return length;
        throw new Error("it is written");
      },
    });
  const written = async (payloads: readonly Bytes[], trusted: readonly Bytes[] = []): Promise<unknown> =>
    await writeSigningFile({
      ...FILE,
      payloads: new Map(payloads.map((bytes, i) => [payloadName(i + 1), bytes])),
      trust: new Map(trusted.map((bytes, i) => [trustName(i + 1, "targets"), bytes])),
    }).catch((error) => error);
  const [least, quarter] = [of(1), of(120 * MIB)];
  const rows: [name: string, payloads: readonly Bytes[], trusted: readonly Bytes[], fits: boolean][] = [
    ["as many entries", [least], Array(59_997).fill(least), true],
    ["one more", [least], Array(59_998).fill(least), false],
    ["a payload and its signature more", [least, least], Array(59_996).fill(least), false],
    ["as long a payload", [of(128 * MIB)], [], true],
    ["a longer one", [of(1), of(128 * MIB + 1)], [], false],
    ["none at all", [], [least], true],
    ["long trust data", [least], [of(128 * MIB + 1)], true],
    ["as much in all", [quarter, quarter], [quarter, quarter], true],
    ["more in all", [quarter, quarter, least], [quarter, quarter], false],
    ["more trust data in all", [quarter, quarter], [quarter, quarter, least], false],
  ];
  for (const [name, payloads, trusted, fits] of rows) {
    await t.step(name, async () => {
      const error = String(await written(payloads, trusted));
      const told = `TagsealError: One file cannot hold all of this: ${payloads.length} payloads`;
      assert.equal(error, fits ? "Error: it is written" : told);
    });
  }
  await t.step(
    "it is bad input",
    async () =>
      void await failsWith(
        writeSigningFile({ ...FILE, payloads: new Map([[ONE, of(2 ** 30)]]) }),
        "bad-input",
        "1 payloads",
      ),
  );
});

Deno.test("a payload of each kind is read", async () => {
  assert.equal(PAYLOAD_EXTENSIONS.length, 3);
  for (const extension of PAYLOAD_EXTENSIONS) {
    const [name, bytes] = [payloadName(1, "a", extension), utf8("one")];
    const file = { ...FILE, payloads: new Map([[name, bytes]]), manifest: { it: words(name, bytes) } };
    assert.deepEqual((await readSigningFile(await writeSigningFile(file))).payloads, file.payloads);
  }
});

Deno.test("a file that is not what it says is not read", async (t) => {
  const strange: [name: string, change: (entries: Map<string, Bytes>) => unknown, words: string][] = [
    ["no manifest", (all) => all.delete(MANIFEST), `"${MANIFEST}" is missing`],
    ["no JSON", (all) => all.set(MANIFEST, utf8("{")), "its manifest is not strict JSON"],
    ["a list", (all) => all.set(MANIFEST, utf8("[]")), "the manifest is not an object"],
    ["a payload gone", (all) => all.delete(ONE), `the payload "${ONE}" is missing`],
    ["an entry more", (all) => all.set("payload/0003.json", utf8("x")), 'it holds "payload/0003.json"'],
    [
      "a signature of nothing",
      (all) => all.set("payload/0003.json.sig", utf8("x")),
      'it holds "payload/0003.json.sig"',
    ],
    ["a word behind a signature", (all) => all.set(`${ONE}.sig.json`, utf8("x")), `it holds "${ONE}.sig.json"`],
    ["a word in a name", (all) => all.set("payload/0001.sig.json", utf8("x")), 'it holds "payload/0001.sig.json"'],
    ["a word before trust data", (all) => all.set("x/trust/1/a.json", utf8("x")), 'it holds "x/trust/1/a.json"'],
    ["a word behind trust data", (all) => all.set("trust/1/a.json.x", utf8("x")), 'it holds "trust/1/a.json.x"'],
  ];
  for (const [name, change, words] of strange) {
    await t.step(name, async () => void await failsWith(readSigningFile(await edited(change)), "bad-input", words));
  }
  const one = words(ONE, utf8("one"));
  const named = (payload: string) => `"${payload}" cannot be a payload`;
  const manifests: [change: Record<string, unknown>, words: string][] = [
    [{ format: "docker-signing-data/2" }, 'its format "docker-signing-data/2" is not known'],
    [{ format: "x".repeat(61) }, `its format "${"x".repeat(60)}" is not known`],
    [{ format: 1 }, "it has no format"],
    [{ created: "soon" }, '"created" is not a time'],
    [{ created: 7 }, '"created" is not a short text'],
    [{ tool: null }, '"tool" is not a short text'],
    [{ more: one }, `the payload "${ONE}" is missing, or used twice`],
    [{ more: { ...one, sha256: "x" } }, '"sha256" is not 64 hex digits'],
    [{ more: { payload: 1 } }, '"payload" is not a short text'],
    [{ more: [{ payload: `x${ONE}` }] }, named(`x${ONE}`)],
    [{ more: { payload: `${ONE}x` } }, named(`${ONE}x`)],
    [{ more: { payload: "y".repeat(61) } }, named("y".repeat(60))],
    [{ more: { payload: `payload/0003_${"x".repeat(101)}.json` } }, "cannot be a payload"],
    [{ repositories: [] }, `it holds "${ONE}"`],
  ];
  for (const [change, words] of manifests) {
    await t.step(
      JSON.stringify(change).slice(0, 60),
      async () => void await failsWith(readSigningFile(await manifested(change)), "bad-input", words),
    );
  }
  await t.step("another payload than the manifest's", async () => {
    const other = await edited((all) => all.set(ONE, utf8("two")));
    const error = await failsWith(readSigningFile(other), "trust-invalid", `The payload "${ONE}" is not the one`);
    assert.deepEqual(error.details, { payload: ONE });
  });
});
