/** What SignPath tells of a policy's key: of use where it is known, and nobody waits for it, or fails by it, where not. */
import assert from "node:assert/strict";
import { isTagsealError, TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { askingPolicy, requireValid } from "../../lib/signing/policy_service.ts";
import type { CallLimits } from "../../lib/signpath/types.ts";
import { failsWith } from "../support/failures.ts";
import { certify, KEYS } from "../support/trust_builder.ts";

const [FROM, TO] = ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"];
const certificate = await certify(KEYS.releases, { commonName: "SignPath", from: FROM, to: TO });
const submission = { projectSlug: "app", signingPolicySlug: "release-signing" };

/** A policy that SignPath answers `answer` about; what is told, and how it was asked, is kept. */
function policy(answer: () => Promise<Uint8Array<ArrayBuffer>>, at = FROM) {
  const [signal, over] = [new AbortController(), new AbortController()];
  const told: string[] = [];
  const asked: (CallLimits | undefined)[] = [];
  const client = {
    certificate: (project: string, slug: string, limits?: CallLimits) => {
      assert.deepEqual([project, slug], ["app", "release-signing"]);
      asked.push(limits);
      return answer();
    },
  };
  const service = askingPolicy(client, submission, {
    signal: signal.signal,
    over: over.signal,
    onUnknown: (line) => told.push(line),
    now: () => new Date(at),
  });
  return { service, told, asked, signal, over };
}

function failure(code: TagsealErrorCode): TagsealError {
  return new TagsealError(code, "It fails", { remedy: "Try again" });
}

Deno.test("a policy's key is asked for once, for ten seconds at most, until somebody ends it or nobody waits any more", async () => {
  const { service, told, asked, signal, over } = policy(() => Promise.resolve(certificate.der));
  const key = { policy: "release-signing", keyId: keyOfCertificate(certificate).canonicalId };
  assert.equal(service.kind, "service");
  assert.deepEqual(await Promise.all([service.policyKey!(), service.policyKey!()]), [key, key]);
  assert.deepEqual(told, []);
  assert.deepEqual(asked.map((limits) => ({ ...limits, signal: undefined })), [
    { signal: undefined, unavailableTimeoutMs: 0, answerTimeoutMs: 10_000 },
  ]);
  const { aborted } = asked[0]!.signal!;
  over.abort();
  assert.deepEqual([aborted, asked[0]!.signal!.aborted, signal.signal.aborted], [false, true, false]);
});

Deno.test("a key that SignPath does not tell is found out by the signature, which is said unless nobody waits", async () => {
  for (const answer of [() => Promise.reject(failure("forbidden")), () => Promise.resolve(new Uint8Array(9))]) {
    const { service, told } = policy(answer);
    assert.equal(await service.policyKey!(), undefined);
    assert.equal(told.length, 1);
    assert.match(told[0]!, /^Which key the signing policy "release-signing" has is not known before it signs: /);
  }
  const { service, told, over } = policy(() => Promise.reject(failure("unavailable")));
  over.abort();
  assert.equal(await service.policyKey!(), undefined);
  assert.deepEqual(told, []);
});

Deno.test("who interrupts the asking ends the run, and no certificate that is not valid is signed with", async () => {
  const { service, told } = policy(() => Promise.reject(failure("interrupted")));
  await assert.rejects(service.policyKey!(), (error) => isTagsealError(error, "interrupted"));
  assert.deepEqual(told, []);
  await failsWith(policy(() => Promise.resolve(certificate.der), TO).service.policyKey!(), "bad-input", "expired on");
});

Deno.test("a certificate is valid from its first second, and expires with its last", async () => {
  const refused = (at: number, words: string) =>
    failsWith(() => requireValid(certificate, "release-signing", new Date(at)), "bad-input", words);
  const [from, to] = [Date.parse(FROM), Date.parse(TO)];
  for (const at of [from, to - 1]) requireValid(certificate, "release-signing", new Date(at));
  const of = 'The certificate of the signing policy "release-signing"';
  const early = await refused(from - 1, `${of} is not valid before 2026-01-01, so that`);
  const { next, byClock } = await refused(to, `${of} expired on 2027-01-01, so that`); // it is over when SignPath looks
  assert.deepEqual(next, { do: "renew-policy-certificate" });
  assert.deepEqual([early.byClock, byClock], ["early", "over"]);
});
