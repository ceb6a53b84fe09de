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
