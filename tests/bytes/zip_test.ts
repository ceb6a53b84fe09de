import assert from "node:assert/strict";
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { type Bytes, concat, text, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip, type ZipLimits } from "../../lib/bytes/zip.ts";
import { isTagsealError } from "../../lib/errors.ts";

const LIMITS: ZipLimits = { entries: 10, entryBytes: 100_000, totalBytes: 150_000 };

/** One entry as an attacker would write it: every field can lie. */
interface Forged {
  name: string | Uint8Array;
  data?: Uint8Array;
  method?: number;
  /** `data` is already deflated. */
  packed?: boolean;
  flags?: number;
  /** Declared unpacked size. */
  size?: number;
  crc?: number;
  attributes?: number;
  /** Name in the local header, where it differs. */
  localName?: string;
  /** No local header is written; the directory points here instead. */
  offset?: number;
  extra?: Uint8Array;
}

/** Builds a ZIP field by field (APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16). */
function forge(...entries: Forged[]): Bytes {
  const local: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let at = 0;
  for (const entry of entries) {
    const plain = entry.data ?? utf8("content");
    const method = entry.packed ? 8 : entry.method ?? 0;
    const packed = method === 8 && !entry.packed ? new Uint8Array(deflateRawSync(plain)) : plain;
    const name = typeof entry.name === "string" ? utf8(entry.name) : entry.name;
    const localName = entry.localName === undefined ? name : utf8(entry.localName);
    const extra = entry.extra ?? new Uint8Array();
    const common = (nameLength: number) => [
      ...[20, entry.flags ?? 0x0800, method, 0, 0x21].map((n) => le(n, 2)),
      le(entry.crc ?? crc32(plain), 4),
      le(packed.length, 4),
      le(entry.size ?? plain.length, 4),
      le(nameLength, 2),
      le(extra.length, 2),
    ];
    const header = concat(le(0x04034b50, 4), ...common(localName.length), localName, extra, packed);
    const offset = entry.offset ?? at;
    if (entry.offset === undefined) {
      local.push(header);
      at += header.length;
    }
    central.push(
      concat(
        le(0x02014b50, 4),
        le(0x0314, 2),
        ...common(name.length),
        ...[0, 0, 0].map((n) => le(n, 2)),
        le(entry.attributes ?? 0, 4),
        le(offset, 4),
        name,
        extra,
      ),
    );
  }
  const directory = concat(...central);
  const count = le(entries.length, 2);
  const end = concat(le(0x06054b50, 4), le(0, 4), count, count, le(directory.length, 4), le(at, 4), le(0, 2));
  return concat(...local, directory, end);
}

function le(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256);
}

const SAMPLE = [
  { name: "docker-signing-data.json", bytes: utf8('{"format":"docker-signing-data/1"}') },
  { name: "payload/0001.json", bytes: utf8("{}") },
  { name: "trust/1/targets_releases.json", bytes: new Uint8Array() },
];

Deno.test("what writeZip writes, readZip reads back in the same order", async () => {
  const read = await readZip(await writeZip(SAMPLE), LIMITS);
  assert.deepEqual([...read.keys()], SAMPLE.map((entry) => entry.name));
  for (const { name, bytes } of SAMPLE) assert.deepEqual(read.get(name), bytes);
});

Deno.test("an empty ZIP is a ZIP", async () => {
  assert.equal((await readZip(await writeZip([]), LIMITS)).size, 0);
});

Deno.test("a ZIP is the same byte for byte in every time zone and on every day", async () => {
  const zipUrl = new URL("../../lib/bytes/zip.ts", import.meta.url);
  // The clock cannot be set from here, so the subprocess replaces Date before anything else is loaded.
  const script = (epoch: number) => `
    const Real = Date;
    globalThis.Date = class extends Real { constructor(...a) { a.length ? super(...a) : super(${epoch}); } static now() { return ${epoch}; } };
    const { writeZip } = await import(${JSON.stringify(zipUrl.href)});
    const bytes = await writeZip([{ name: "a.json", bytes: new Uint8Array(5000) }, { name: "b/c.json", bytes: new Uint8Array([1]) }]);
    await Deno.stdout.write(new TextEncoder().encode(new Real(2026, 0, 1).getTimezoneOffset() + " " + bytes.toHex()));`;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const run = async (zone: string, epoch: number) => {
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-lock", "--quiet", `--config=${config}`, script(epoch)],
      env: { TZ: zone, NO_COLOR: "1" },
    }).output();
    assert.equal(output.code, 0, text(output.stderr));
    return text(output.stdout).split(" ");
  };
  const [east, west] = await Promise.all([
    run("Pacific/Auckland", Date.UTC(2026, 0, 1)),
    run("America/Los_Angeles", Date.UTC(2031, 6, 15, 23, 59)),
  ]);
  assert.notEqual(east[0], west[0], "the time zones must differ for this test to mean anything");
  assert.equal(east[1], west[1]);
  const here = await writeZip([{ name: "a.json", bytes: new Uint8Array(5000) }, {
    name: "b/c.json",
    bytes: new Uint8Array([1]),
  }]);
  assert.equal(here.toHex(), east[1]);
});

Deno.test("writeZip refuses names that readZip would refuse", async () => {
  for (const name of ["../a", "/a", "a\\b", ""]) {
    await assert.rejects(
      writeZip([{ name, bytes: utf8("x") }]),
      (e) => isTagsealError(e, "bad-input"),
      JSON.stringify(name),
    );
  }
});

Deno.test("compressed entries and folders of other tools are read", async () => {
  const data = utf8("a".repeat(5000));
  const zip = forge(
    { name: "payload/", data: new Uint8Array(), attributes: (0o040755 << 16) | 0x10 },
    { name: "payload/a", data, method: 8, attributes: (0o100644 << 16) >>> 0 },
  );
  assert.deepEqual(await readZip(zip, LIMITS), new Map([["payload/a", data]]));
});

Deno.test("data descriptors, which streaming tools write, are read (made by Python's zipfile)", async () => {
  const zip = Uint8Array.fromBase64(
    "UEsDBBQACAAIAIMYIlwAAAAAAAAAAAAAAAAGAAAAYS5qc29uq1ZKVLJSSkQCSrUAUEsHCHBmb/cMAAAAFAAAAFBLAQIUAxQACAAIAIMYIlxwZm/3DAAAABQAAAAGAAAAAAAAAAAAAACkgQAAAABhLmpzb25QSwUGAAAAAAEAAQA0AAAAQAAAAAAA",
  );
  assert.deepEqual(await readZip(zip, LIMITS), new Map([["a.json", utf8('{"a":"aaaaaaaaaaaa"}')]]));
});

Deno.test("hostile ZIP files are refused with the reason", async (t) => {
  const big = new Uint8Array(90_000);
  // Unicode Path extra field (0x7075): shows another name to tools that know it.
  const renamed = concat(le(0x7075, 2), le(5 + 8, 2), le(1, 1), le(crc32(utf8("good.txt")), 4), utf8("evil.txt"));
  // Stored "a" contains the whole of "b", as in ZIP bombs that reuse their content.
  const inner = forge({ name: "b" }).slice(0, 30 + 1 + 7);
  const cases: [string, Uint8Array, RegExp][] = [
    ["path traversal", forge({ name: "../evil" }), /"\.\.\/evil" is not a plain path/],
    ["traversal inside", forge({ name: "a/../../evil" }), /is not a plain path/],
    ["dot", forge({ name: "a/./b" }), /is not a plain path/],
    ["empty part", forge({ name: "a//b" }), /is not a plain path/],
    ["empty name", forge({ name: "" }), /is not a plain path/],
    ["absolute", forge({ name: "/etc/passwd" }), /"\/etc\/passwd" is absolute/],
    ["drive letter", forge({ name: "C:evil" }), /is absolute/],
    ["backslash", forge({ name: "a\\b" }), /has a backslash/],
    ["UNC", forge({ name: "\\\\host\\share" }), /has a backslash/],
    ["control character", forge({ name: "a\u001b[2Jb" }), /"a\\u001b\[2Jb" has control characters/],
    ["NUL", forge({ name: "a\0.json" }), /has control characters/],
    ["right-to-left override", forge({ name: "a\u202egpj.exe" }), /has control characters/],
    ["not UTF-8", forge({ name: Uint8Array.of(0x61, 0xe9), flags: 0 }), /is not plain UTF-8/],
    ["renamed by an extra field", forge({ name: "good.txt", extra: renamed }), /is not plain UTF-8/],
    ["long name", forge({ name: "a".repeat(2000) }), /longer than 1024/],
    ["duplicate", forge({ name: "a" }, { name: "a", data: utf8("other") }), /"a" occurs twice/],
    ["duplicate but for case", forge({ name: "a/B" }, { name: "A/b" }), /"A\/b" occurs twice/],
    ["duplicate but for composition", forge({ name: "\u00e9" }, { name: "e\u0301" }), /occurs twice/],
    ["file and folder of one name", forge({ name: "a" }, { name: "a/", data: new Uint8Array() }), /occurs twice/],
    ["folder with content", forge({ name: "a/" }), /the folder "a\/" has content/],
    ["encrypted", forge({ name: "a", flags: 0x0801 }), /"a" is encrypted/],
    ["symlink", forge({ name: "a", attributes: (0o120777 << 16) >>> 0 }), /is a link/],
    ["device", forge({ name: "a", attributes: (0o020666 << 16) >>> 0 }), /is a link, or not what/],
    ["folder in disguise", forge({ name: "a", attributes: (0o040755 << 16) >>> 0 }), /not what its name says/],
    ["unusual method", forge({ name: "a", method: 12 }), /unusual method \(12\)/],
    ["too many", forge(...Array.from({ length: 11 }, (_, i) => ({ name: `f${i}` }))), /more than 10 entries/],
    [
      "one too large",
      forge({ name: "a", data: new Uint8Array(100_001), method: 8 }),
      /"a" is larger than 100000 bytes/,
    ],
    ["together too large", forge({ name: "a", data: big }, { name: "b", data: big }), /150000 bytes together/],
    [
      "larger than declared, packed",
      forge({ name: "a", data: big, method: 8, size: 10 }),
      /"a" has not the 10+ bytes that it declares/,
    ],
    [
      "larger than declared, stored",
      forge({ name: "a", data: big, size: 10 }),
      /Ambiguous|has not the 10 bytes that it declares/,
    ],
    [
      "shorter than declared",
      forge({ name: "a", data: utf8("abc"), method: 8, size: 100 }),
      /"a" has not the 10+ bytes that it declares/,
    ],
    ["wrong CRC, stored", forge({ name: "a", crc: 1 }), /CRC/i],
    ["wrong CRC, packed", forge({ name: "a", crc: 1, method: 8 }), /CRC/i],
    ["other local name", forge({ name: "a", localName: "b" }), /Ambiguous.*filename/i],
    ["shared content", forge({ name: "a" }, { name: "b", offset: 0 }), /Ambiguous|Overlapping/i],
    ["entry within an entry", forge({ name: "a", data: inner }, { name: "b", offset: 30 + 1 }), /Overlapping/i],
    ["data in front", concat(utf8("#!/bin/sh\n"), forge({ name: "a" })), /Ambiguous/],
    ["data behind", concat(forge({ name: "a" }), utf8("tail")), /End of central|Ambiguous/i],
    ["two ZIPs", concat(forge({ name: "a" }), forge({ name: "b" })), /Ambiguous/],
    ["truncated", forge({ name: "a" }).slice(0, -10), /cannot be used/],
    ["empty", new Uint8Array(), /cannot be used/],
    ["not a ZIP", utf8("<html>".repeat(50)), /cannot be used/],
  ];
  for (const [name, zip, words] of cases) {
    await t.step(name, async () => {
      await assert.rejects(readZip(zip, LIMITS), (error) => {
        assert.ok(isTagsealError(error, "bad-input"), String(error));
        assert.match(error.message, words);
        assert.match(error.message, /^\P{C}{10,300}$/u);
        assert.match(error.remedy, /fetch or create it again/);
        return true;
      });
    });
  }
});

Deno.test("a ZIP bomb is given up at its declared size, not after unpacking", async () => {
  const zeros = new Uint8Array(deflateRawSync(new Uint8Array(50_000_000)));
  const bomb = forge({ name: "a", data: zeros, packed: true, size: 1000, crc: 0 });
  const start = performance.now();
  for (let round = 0; round < 20; round++) {
    await assert.rejects(readZip(bomb, LIMITS), (e) => isTagsealError(e, "bad-input"));
  }
  const all = performance.now() - start;
  const one = performance.now();
  assert.equal(inflateRawSync(zeros).length, 50_000_000);
  assert.ok(all < (performance.now() - one) * 20, "refusing a bomb takes as long as unpacking it");
});

/** A small generator with a seed, so that a failure can be run again (mulberry32). */
function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

Deno.test("no damage makes readZip throw anything but bad-input, or return wrong content", async () => {
  const stored = await writeZip(SAMPLE);
  const packed = forge({ name: "a.json", data: utf8("abc".repeat(500)), method: 8 }, { name: "b", data: utf8("b") });
  const originals = [stored, packed];
  const contents = await Promise.all(originals.map((zip) => readZip(zip, LIMITS)));
  const random = randomFrom(20260101);
  const pick = (n: number) => Math.floor(random() * n);
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const which = pick(originals.length);
    let zip = originals[which]!.slice();
    for (let edits = 1 + pick(3); edits > 0; edits--) {
      const at = pick(zip.length);
      const kind = pick(5);
      if (kind === 0) zip[at] = pick(256);
      else if (kind === 1) zip[at] = zip[at]! ^ (1 << pick(8));
      else if (kind === 2) zip = zip.slice(0, at);
      else if (kind === 3) zip = concat(zip.slice(0, at), zip.slice(at + 1 + pick(20)));
      else zip = concat(zip.slice(0, at), zip.slice(pick(zip.length)), zip.slice(at));
      if (zip.length === 0) break;
    }
    try {
      // Times and attributes may be damaged unseen; content may not: whatever is returned is what its CRC-32 covers.
      const read = await readZip(zip, LIMITS);
      for (const [name, bytes] of read) {
        const original = contents[which]!.get(name);
        if (original) assert.deepEqual(bytes, original, `round ${round}`);
      }
    } catch (error) {
      if (!isTagsealError(error, "bad-input")) throw new Error(`round ${round}`, { cause: error });
      refused++;
    }
  }
  assert.ok(refused > 1500, `only ${refused} were refused`);
});
