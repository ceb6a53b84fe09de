import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { certificatePem } from "../../lib/crypto/x509.ts";
import { notaryFlags } from "../../lib/cli/common_flags.ts";
import type { Host } from "../../lib/cli/host.ts";
import { readRootPin } from "../../lib/cli/root_pins.ts";
import { TagsealError } from "../../lib/errors.ts";
import type { RootPin } from "../../lib/tuf/root_keys.ts";
import { failsWith } from "../support/failures.ts";
import { certify, GUN, KEYS, newKey } from "../support/trust_builder.ts";

const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];
const ROOT = KEYS.root.publicKey;
const CA = await certify(newKey(), { commonName: "Acme CA", ca: true });

/** What the flag and its variable say for a repository. */
async function pinOf(
  args: string[] | undefined,
  more: { gun?: string; required?: boolean; variable?: string; files?: Record<string, Bytes> } = {},
): Promise<RootPin | undefined> {
  const host = {
    env: (name: string) => name === "TAGSEAL_ROOT_PIN" ? more.variable : undefined,
    readFile(path: string) {
      const file = more.files?.[path];
      if (file) return Promise.resolve(file);
      return Promise.reject(new TagsealError("not-found", `There is no file "${path}"`, { remedy: "Check it" }));
    },
  } as unknown as Host;
  const given = await notaryFlags.rootPin.read(args, host);
  return await readRootPin(given, more.required ?? false, more.gun ?? GUN, host);
}

const key = (keyId: string) => ({ keyId });
const CASES: readonly [name: string, args: string[] | undefined, gun: string, expected: RootPin | undefined][] = [
  ["none", undefined, GUN, undefined],
  ["a key id", [A], GUN, key(A)],
  ["several: any of them", [A, B], GUN, { anyOf: [key(A), key(B)] }],
  ["a prefix that fits", [`registry.test/acme/=${A}`], GUN, key(A)],
  ["a prefix without its slash", [`registry.test/acme=${A}`], GUN, key(A)],
  ["a prefix that is the whole name", [`${GUN}=${A}`], GUN, key(A)],
  ["a prefix with a port", [`localhost:5000/=${A}`], "localhost:5000/x", key(A)],
  ["a prefix of another registry", [`registry.other/=${A}`], GUN, "required"],
  ["a prefix that ends within a part of the name", [`registry.test/ac=${A}`], GUN, "required"],
  ["a repository that is named like one with more", [`${GUN}=${A}`], `${GUN}-evil`, "required"],
  ["the longest prefix wins", [A, `registry.test/=${B}`, `registry.test/acme/=${C}`], GUN, key(C)],
  ["one as long with slash and without", [`registry.test/acme=${B}`, `registry.test/acme/=${C}`], GUN, {
    anyOf: [key(B), key(C)],
  }],
  ["a general one for all others", [A, `registry.other/=${B}`], GUN, key(A)],
];

for (const [name, args, gun, expected] of CASES) {
  Deno.test(`root pins: ${name}`, async () => {
    assert.deepEqual(await pinOf(args, { gun }), expected);
    if (expected === undefined) assert.equal(await pinOf(args, { gun, required: true }), "required");
    else assert.deepEqual(await pinOf(args, { gun, required: true }), expected);
  });
}

Deno.test("root pins: the variable holds several; the flag goes before it", async () => {
  assert.deepEqual(await pinOf(undefined, { variable: ` ${A},${B}\n${C} ` }), { anyOf: [key(A), key(B), key(C)] });
  assert.deepEqual(await pinOf([B], { variable: A }), key(B));
});

Deno.test("root pins: files, PEM or DER: a CA pins the CA, another certificate itself", async () => {
  const pem = utf8(certificatePem(ROOT.certificate!));
  const own = { keyId: ROOT.canonicalId, certificateDerHex: ROOT.certificate!.der.toHex() };
  const marked = utf8(`\ufeff${certificatePem(ROOT.certificate!)}`);
  for (const file of [pem, marked, ROOT.certificate!.der]) {
    assert.deepEqual(await pinOf(["root.pem"], { files: { "root.pem": file } }), own);
    assert.deepEqual(await pinOf([`${GUN}=./a=b.pem`], { files: { "./a=b.pem": file } }), own);
    assert.deepEqual(await pinOf(["./a=b.pem"], { files: { "./a=b.pem": file } }), own);
  }
  assert.deepEqual(await pinOf(["ca.pem"], { files: { "ca.pem": utf8(certificatePem(CA)) } }), { ca: CA });
});

Deno.test("root pins: what is none is said", async () => {
  await failsWith(pinOf([""]), "usage", "--root-pin is empty");
  await failsWith(pinOf([A, ""]), "usage", "--root-pin is empty");
  await failsWith(pinOf(["abc"]), "not-found", 'There is no file "abc", and "abc" is no key id');
  await failsWith(pinOf([A.toUpperCase()]), "not-found", "is no key id");
  await failsWith(pinOf(["x.pem"], { files: { "x.pem": utf8("no certificate") } }), "bad-input", '"x.pem"');
  const two = utf8(certificatePem(ROOT.certificate!).repeat(2));
  await failsWith(pinOf(["x.pem"], { files: { "x.pem": two } }), "bad-input", "it holds 2 certificates");
});
