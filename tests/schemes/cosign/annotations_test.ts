/** What stands beside a cosign signature: cosign refuses what is not in order, so it is refused here, too. */
import assert from "node:assert/strict";
import { certificatePem } from "../../../lib/crypto/x509.ts";
import { annotationProblem } from "../../../lib/schemes/cosign/annotations.ts";
import { formatPem } from "../../../lib/bytes/pem.ts";
import { certify, KEYS } from "../../support/trust_builder.ts";

const [FROM, TO] = ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"];
const certificate = await certify(KEYS.releases, { from: FROM, to: TO });
const pem = certificatePem(certificate);
const keyPem = formatPem("PUBLIC KEY", KEYS.releases.publicKey.spki);

const problem = (annotations: Record<string, string>, at = FROM) =>
  annotationProblem(
    new Map(Object.entries(annotations).map(([name, value]) => [`dev.sigstore.cosign/${name}`, value])),
    new Date(at),
  );

Deno.test("cosign: a certificate is good from its first second to its last", () => {
  const at = (ms: number, of: string) => problem({ certificate: pem }, new Date(Date.parse(of) + ms).toISOString());
  const late = "certificate-not-valid-now";
  assert.deepEqual([at(-1, FROM), at(0, FROM), at(0, TO), at(1, TO)], [late, undefined, undefined, late]);
});

Deno.test("cosign: certificates are PEM of certificates and nothing else", () => {
  for (const name of ["certificate", "chain"]) {
    for (const good of ["", pem, `${pem}${pem}`]) assert.equal(problem({ [name]: good }), undefined);
    for (const odd of ["x", keyPem, `${pem}${keyPem}`, `${keyPem}${pem}`, pem.replace(/[^-\n]{9}\n/, "\n")]) {
      assert.equal(problem({ [name]: odd }), "malformed-annotation", odd);
    }
  }
});

Deno.test("cosign: an entry of the log and a timestamp have the members that cosign writes, and no others", () => {
  const payload = { body: "AAAA", integratedTime: 1, logIndex: 2, logID: "ab" };
  const log = (change: object, of: object = {}) =>
    problem({ bundle: JSON.stringify({ SignedEntryTimestamp: "AAAA", Payload: { ...payload, ...of }, ...change }) });
  const stamp = (value: unknown) => problem({ rfc3161timestamp: JSON.stringify(value) });
  assert.deepEqual([log({}), stamp({ SignedRFC3161Timestamp: "AAAA" })], [undefined, undefined]);
  const odd = [
    log({ SignedEntryTimestamp: 1 }),
    log({ SignedEntryTimestamp: "A" }),
    log({ more: 1 }),
    log({ Payload: undefined }),
    log({}, { body: {} }),
    log({}, { integratedTime: "1" }),
    log({}, { logIndex: null }),
    log({}, { logID: 7 }),
    log({}, { more: 1 }),
    stamp({ SignedRFC3161Timestamp: 1 }),
    stamp({ SignedRFC3161Timestamp: "A" }),
    stamp({ SignedRFC3161Timestamp: "AAAA", more: 1 }),
    stamp({}),
    stamp([]),
    stamp(null),
    problem({ bundle: "{" }),
    problem({ rfc3161timestamp: "{" }),
  ];
  assert.deepEqual(odd, odd.map(() => "malformed-annotation"));
});
