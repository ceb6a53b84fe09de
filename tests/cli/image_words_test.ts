/** What is said of images whose signatures are refused. */
import assert from "node:assert/strict";
import { refused } from "../../lib/cli/image_words.ts";

const GUN = "registry.example.com/team/app";
const digest = `sha256:${"a".repeat(64)}` as const;
const image = { digest, mediaType: "application/vnd.oci.image.manifest.v1+json", size: 2 };

Deno.test("refused images: equal reasons are told once, with their number, and what was not looked at is said", () => {
  const skipped = [
    { digest, reason: "untrusted", signer: { subject: "CN=someone\u001b[31m" } as never },
    { digest, reason: "signature" },
    { digest, reason: "signature" },
  ] as const;
  const error = refused(GUN, [{ tag: "v1", image, notation: { skipped, untried: 7 } }])!;
  assert.equal(error.code, "not-signed");
  assert.match(error.message, /it is wrong \(2 times\), and 7 more were not looked at$/);
  assert.ok(!error.message.includes("\u001b"), "what a certificate says moves no cursor");
  assert.deepEqual(error.details["reasons"], ["notation: untrusted", "notation: signature"]);
});

Deno.test("refused images: one scheme that holds does not stand in for another", () => {
  const notation = { verified: { digest, signer: {} as never, signingTime: new Date() }, skipped: [], untried: 0 };
  assert.equal(refused(GUN, [{ tag: "v1", image, notation }]), undefined);
  const cosign = { outcome: "refused", digest, reason: "no-signatures", skipped: [] } as const;
  assert.match(refused(GUN, [{ tag: "v1", image, notation, cosign }])!.message, /has no cosign signature$/);
});

Deno.test("refused images: every reason that a Notation signature is not counted for is said in words", () => {
  const about = { digest } as const;
  const said = [
    [{ ...about, reason: "missing" }, "its manifest or envelope is missing, or not what its digest says"],
    [{ ...about, reason: "manifest" }, "its manifest does not hold one envelope in JWS"],
    [{ ...about, reason: "envelope", why: "no JSON\u0007" }, "its envelope is refused: no JSON"],
    [{ ...about, reason: "algorithm" }, "its algorithm is not that of its key"],
    [
      { ...about, reason: "expired", expiry: new Date("2026-06-01T00:00:00Z") },
      "it expired at 2026-06-01T00:00:00.000Z",
    ],
    [{ ...about, reason: "other-image", image }, "it is of another image"],
    [{ ...about, reason: "other-tag", tag: "v2" }, "it is of another tag"],
    [{ ...about, reason: "other-tag", tag: undefined }, "it names no tag"],
  ] as const;
  for (const [skipped, words] of said) {
    const { message, details } = refused(GUN, [{ tag: "v1", image, notation: { skipped: [skipped], untried: 0 } }])!;
    const [, reason] = /^Not signed in ".*": "v1" \(sha256:a+ now\) has no good notation signature: (.*)$/.exec(
      message,
    )!;
    assert.ok(reason!.startsWith(words), message);
    assert.doesNotMatch(message, /\p{Cc}/u);
    assert.deepEqual(details["reasons"], [`notation: ${skipped.reason}`]);
  }
});

Deno.test("refused images: of many reasons the first ones are told, and how many more there are", () => {
  const skipped = Array.from({ length: 20 }, (_, i) => ({ digest, reason: "envelope", why: `reason ${i}` } as const));
  const { message } = refused(GUN, [{ tag: undefined, image, notation: { skipped, untried: 0 } }] as never)!;
  assert.match(message, /^Not signed in ".*": "sha256:a+" has no good notation signature: /);
  const [, more] = /, and (\d+) more reasons$/.exec(message)!;
  assert.equal(message.match(/its envelope is refused/g)!.length + Number(more), 20);
  assert.ok(Number(more) > 0);
});
