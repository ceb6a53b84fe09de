/** Certificates put to the notary client and to us: what it cannot read is not published. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { formatPem } from "../../lib/bytes/pem.ts";
import { derElements } from "../../lib/crypto/der.ts";
import { readDelegationCertificate } from "../../lib/flows/delegation_certificate.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { notary, type NotaryAccess } from "../support/clients.ts";
import { peerTest } from "../support/peer_case.ts";
import { below, pick, random } from "../support/random.ts";

const NOBODY: NotaryAccess = { notaryUrl: "https://localhost:1", caPath: "/", auth: false, username: "", password: "" };
const DAMAGED = 1500;

/** Where identifiers and lengths stand, in all that is nested. */
function headersOf(bytes: Bytes, from = 0): number[] {
  let at = from;
  try {
    return derElements(bytes).flatMap(({ tag, content, bytes }) => {
      const start = at + bytes.length - content.length;
      const own = Array.from({ length: start - at }, (_, i) => at + i);
      at += bytes.length;
      const inside = (tag & 0x20) !== 0 || tag === 0x04 ? headersOf(content, start) : [start];
      return [...own, ...inside];
    });
  } catch {
    return []; // an OCTET STRING of something else
  }
}

/** Whether we would publish it. */
function ours(der: Bytes): boolean {
  try {
    readDelegationCertificate(utf8(formatPem("CERTIFICATE", der)), "a.pem", new Date());
    return true;
  } catch (error) {
    if (isTagsealError(error, "bad-input")) return false;
    throw error;
  }
}

peerTest("certificates: what the notary client cannot read, we do not take", ["notary"], async (t) => {
  const home = await Deno.makeTempDir({ prefix: "tagseal-certificates-" });
  try {
    let asked = 0;
    /** `notary delegation add` reads and judges the file, and asks no server. */
    const theirs = async (der: Bytes): Promise<boolean> => {
      const file = `${home}/${++asked}.pem`;
      await Deno.writeTextFile(file, formatPem("CERTIFICATE", der));
      const args = ["delegation", "add", "registry.test/acme/app", "targets/x", file, "--all-paths"];
      return (await notary(NOBODY, `${home}/${asked}`, args)).code === 0;
    };
    const made = await Promise.all(
      (["ecdsa-p256", "rsa-2048"] as const).map((algorithm) =>
        createSigningCertificate({ commonName: "signer", algorithm, now: new Date(), days: 400 })
      ),
    );
    const good = made.map(({ certificateDer }) => certificateDer);
    await t.step("good ones", async () => {
      for (const der of good) assert.deepEqual([ours(der), await theirs(der)], [true, true]);
    });
    await t.step("bytes behind them", async () => {
      for (const more of [new Uint8Array([5, 0]), utf8("bye"), good[1]!]) {
        const der = concat(good[0]!, more);
        assert.deepEqual([ours(der), await theirs(der)], [false, false]);
      }
    });
    await t.step(`${DAMAGED} that were changed in one or two places`, async () => {
      const next = random(11);
      const places = good.map((der) => headersOf(der));
      const unreadable: string[] = [];
      let both = 0;
      for (let i = 0; i < DAMAGED; i++) {
        const which = below(next, good.length);
        const der = good[which]!.slice();
        for (let hits = 1 + below(next, 2); hits > 0; hits--) {
          der[pick(next, places[which]!)] = next() < 0.3
            ? below(next, 256)
            : pick(next, [0x0c, 0x13, 0x14, 0x16, 0x1e]);
        }
        if (!ours(der)) continue;
        if (await theirs(der)) both++;
        else unreadable.push(der.toHex());
      }
      assert.deepEqual(unreadable, []);
      assert.ok(both > 50, `${both}`);
    });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
