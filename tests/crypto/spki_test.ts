/** The runtime's own reader is the measure: what is read without it must be what it reads. */
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import { derEncoded, derInteger, derSequence, TAG } from "../../lib/crypto/der.ts";
import { readSpki, shapeOf, ShortKey, usualShape } from "../../lib/crypto/spki.ts";
import { below, bytesFrom, damaged, random } from "../support/random.ts";
import { rsaKey } from "../support/rsa_keys.ts";

const spkiOf = (key: KeyObject): Bytes => new Uint8Array(key.export({ type: "spki", format: "der" }));
const CURVES = ["P-256", "P-384", "P-521"] as const;
const EC = CURVES.map((namedCurve) => spkiOf(generateKeyPairSync("ec", { namedCurve }).publicKey));
const RSA = [2048, 3072, 4096].map((bits) => spkiOf(createPublicKey(rsaKey(bits as 2048))));

/** What a reader makes of a key: as text, so that both can be compared whole. */
function told(read: () => { shape: unknown; spki: Uint8Array }): string {
  try {
    const { shape, spki } = read();
    return JSON.stringify([shape, spki.toHex()]);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `${error instanceof ShortKey ? "short" : "refused"}: ${error.message}`;
  }
}

function byRuntime(der: Bytes): string {
  return told(() => {
    let key: KeyObject;
    try {
      key = createPublicKey({ key: der as never, format: "der", type: "spki" });
    } catch {
      throw new SyntaxError("a public key is not a SubjectPublicKeyInfo");
    }
    return { shape: shapeOf(key), spki: key.export({ type: "spki", format: "der" }) };
  });
}

function agree(der: Bytes): string {
  const here = told(() => readSpki(der));
  assert.equal(here, byRuntime(der), der.toHex());
  return here;
}

function rsaSpki(modulus: Bytes, exponent: Bytes, parameters = "0500"): Bytes {
  const algorithm = derEncoded(TAG.sequence, Uint8Array.fromHex(`06092a864886f70d010101${parameters}`));
  const key = derEncoded(TAG.sequence, derInteger(modulus), derInteger(exponent));
  return derEncoded(TAG.sequence, algorithm, derEncoded(TAG.bitString, Uint8Array.of(0), key));
}

Deno.test("spki: keys of every kind are what the runtime reads", () => {
  for (const [i, spki] of EC.entries()) {
    assert.equal(agree(spki), JSON.stringify([{ family: "ecdsa", curve: CURVES[i] }, spki.toHex()]));
  }
  for (const [i, spki] of RSA.entries()) {
    assert.equal(agree(spki), JSON.stringify([{ family: "rsa", bits: [2048, 3072, 4096][i] }, spki.toHex()]));
  }
  const others = ["ed25519", "x25519"].map((kind) => spkiOf(generateKeyPairSync(kind as "ed25519").publicKey));
  for (const spki of [...others, spkiOf(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey)]) agree(spki);
});

Deno.test("spki: a point that is not on its curve is no key", () => {
  for (const [i, spki] of EC.entries()) {
    const size = [32, 48, 66][i]!;
    const start = spki.length - 2 * size;
    const [x, y] = [spki.subarray(start, start + size), spki.subarray(start + size)];
    const head = spki.subarray(0, start);
    const points = [
      concat(y, x),
      new Uint8Array(2 * size),
      new Uint8Array(2 * size).fill(0xff),
      concat(x, x),
      concat(x, y.map((byte, at) => at === size - 1 ? byte ^ 1 : byte)),
    ];
    for (const point of points) {
      assert.match(agree(concat(head, point)), /^refused: a public key is not a SubjectPublicKeyInfo$/);
    }
  }
});

Deno.test("spki: numbers above the prime are no coordinates, though they are the same point", () => {
  const spki = EC[2]!;
  const y = BigInt(`0x${spki.subarray(-66).toHex()}`) + 2n ** 521n - 1n;
  const more = concat(spki.subarray(0, -66), Uint8Array.fromHex(y.toString(16).padStart(132, "0")));
  assert.match(agree(more), /^refused/);
  // P-256 has a point with x = 0, which the prime is as well.
  const prime = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
  const root = 0x66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4n;
  const at = (x: bigint) => {
    const numbers = [x, root].map((number) => number.toString(16).padStart(64, "0")).join("");
    return concat(EC[0]!.subarray(0, -64), Uint8Array.fromHex(numbers));
  };
  assert.match(agree(at(0n)), /P-256/);
  assert.match(agree(at(prime)), /^refused/);
});

Deno.test("spki: RSA keys at every bound, and in every odd form, are what the runtime makes of them", () => {
  const next = random(43);
  const odd = (bits: number) => {
    const bytes = bytesFrom(next, Math.ceil(bits / 8));
    const top = (bits - 1) % 8;
    bytes[0] = bytes[0]! & (2 ** (top + 1) - 1) | 2 ** top;
    bytes[bytes.length - 1]! |= 1;
    return bytes;
  };
  const usual = Uint8Array.of(1, 0, 1);
  for (const bits of [1024, 2040, 2047, 2048, 2049, 2056, 4095, 4096, 4097, 4104, 8192, 16_384]) {
    agree(rsaSpki(odd(bits), usual));
  }
  const even = odd(2048);
  even[255]! &= 0xfe;
  assert.match(agree(rsaSpki(even, usual)), /^refused/);
  for (const exponent of ["00", "01", "02", "03", "04", "11", "010001", "ffffffff", "fffffffe", "0100000001"]) {
    agree(rsaSpki(odd(2048), Uint8Array.fromHex(exponent)));
  }
  for (const exponent of ["01ffffffff", "0200000001", "010000000000000001", "ff".repeat(300)]) {
    agree(rsaSpki(odd(2048), Uint8Array.fromHex(exponent)));
  }
  for (const parameters of ["", "050000", "0400", "05000500", "3000"]) agree(rsaSpki(odd(2048), usual, parameters));
  const good = rsaSpki(odd(2048), usual);
  for (const der of [concat(good, new Uint8Array(1)), good.subarray(0, -1)]) assert.match(agree(der), /^refused/);
});

Deno.test("spki: what is usual is read here, and nothing else", () => {
  const odd = (bits: number) => {
    const bytes = new Uint8Array(Math.ceil(bits / 8)).fill(0xff);
    bytes[0] = 0xff >> (8 * bytes.length - bits);
    return bytes;
  };
  const usual = Uint8Array.of(1, 0, 1);
  const rsa = (bits: number) => ({ family: "rsa", bits });
  const hex = (text: string) => Uint8Array.fromHex(text);
  const even = odd(2048);
  even[255] = 0xfe;
  const good = rsaSpki(odd(2048), usual);
  const [algorithm, key] = derSequence(good);
  const numbers = derSequence(key!.content.subarray(1));
  const wrapped = (...parts: Bytes[]) => derEncoded(TAG.sequence, ...parts);
  const keyOf = (unused: number, ...parts: Bytes[]) =>
    wrapped(algorithm!.bytes, derEncoded(TAG.bitString, Uint8Array.of(unused), wrapped(...parts)));
  const [n, e] = numbers.map(({ bytes }) => bytes) as [Bytes, Bytes];
  const rows: [Bytes, unknown][] = [
    ...EC.map((spki, i): [Bytes, unknown] => [spki, { family: "ecdsa", curve: CURVES[i] }]),
    ...RSA.map((spki, i): [Bytes, unknown] => [spki, rsa([2048, 3072, 4096][i]!)]),
    ...[2048, 2049, 2055, 2056, 4089, 4096].map((bits): [Bytes, unknown] => [rsaSpki(odd(bits), usual), rsa(bits)]),
    ...[1024, 2047, 4097, 8192].map((bits): [Bytes, unknown] => [rsaSpki(odd(bits), usual), undefined]),
    ...["03", "11", "ffff", "ffffffff"].map((exponent): [Bytes, unknown] => [
      rsaSpki(odd(2048), hex(exponent)),
      rsa(2048),
    ]),
    ...["00", "01", "02", "fffffffe", "0100000001"].map((exponent): [Bytes, unknown] => [
      rsaSpki(odd(2048), hex(exponent)),
      undefined,
    ]),
    [rsaSpki(even, usual), undefined],
    [rsaSpki(odd(2048), usual, ""), undefined],
    [keyOf(0, n, e), rsa(2048)],
    [keyOf(1, n, e), undefined],
    [keyOf(0, n), undefined],
    [keyOf(0), undefined],
    [keyOf(0, n, e, e), undefined],
    [keyOf(0, hex("020100"), e), undefined],
    [wrapped(algorithm!.bytes), undefined],
    [wrapped(), undefined],
    [wrapped(algorithm!.bytes, key!.bytes, key!.bytes), undefined],
    [wrapped(algorithm!.bytes, derEncoded(TAG.octetString, key!.content)), undefined],
    [concat(good, Uint8Array.of(0)), undefined],
    [spkiOf(generateKeyPairSync("ed25519").publicKey), undefined],
    [new Uint8Array(), undefined],
    ...EC.map((spki): [Bytes, unknown] => [concat(spki, Uint8Array.of(0)), undefined]),
    ...EC.map((spki): [Bytes, unknown] => [spki.subarray(0, -1), undefined]),
  ];
  for (const [der, shape] of rows) assert.deepEqual(usualShape(der), shape, der.toHex());
});

Deno.test("spki: of damaged keys the runtime and this reader make the same", () => {
  const next = random(44);
  for (const spki of [...EC, ...RSA]) {
    for (let i = 0; i < 1500; i++) agree(damaged(next, spki));
    // Where the outside is whole, the numbers within are judged.
    for (let i = 0; i < 300; i++) {
      const bytes = spki.slice();
      bytes[below(next, bytes.length)]! ^= 1 << below(next, 8);
      agree(bytes);
    }
  }
});
