/** Which of a root's keys count, and when it is this machine's clock that may be wrong. */
import assert from "node:assert/strict";
import type { PublicKey } from "../../lib/crypto/keys.ts";
import { firstRoot } from "../../lib/tuf/edit.ts";
import { parseRoot } from "../../lib/tuf/parse.ts";
import { usableRootKeys } from "../../lib/tuf/root_keys.ts";
import { failsWith } from "../support/failures.ts";
import { AT, certified, GUN, KEYS, newKey, signedFile } from "../support/trust_builder.ts";

const DAY_MS = 86_400_000;
const [FROM, TO] = ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"];

async function rootOf(root: PublicKey) {
  const { targets, snapshot, timestamp } = KEYS;
  const keys = { root, targets: targets.publicKey, snapshot: snapshot.publicKey, timestamp: timestamp.publicKey };
  return parseRoot(await signedFile(firstRoot(keys, AT), [KEYS.root]));
}

Deno.test("root keys: a certificate that is over or early by this machine's clock is told as that", async () => {
  const { publicKey } = await certified(newKey(), { from: FROM, to: TO });
  const root = await rootOf(publicKey);
  const told = async (at: number, words: string) => {
    const error = await failsWith(() => usableRootKeys(root, GUN, new Date(at)), "trust-invalid", words);
    assert.match(error.remedy, /^Check this machine's clock\. If it is right, do not use this data\. /);
    return error.byClock;
  };
  const [from, to] = [Date.parse(FROM), Date.parse(TO)];
  assert.equal(await told(to, "a certificate expired on 2027-01-01T00:00:00.000Z"), "over");
  assert.equal(await told(from - DAY_MS - 1, "a certificate is not valid yet"), "early");
  for (const at of [from - DAY_MS, to - 1]) {
    assert.deepEqual([...(await usableRootKeys(root, GUN, new Date(at))).keys.keys()], [publicKey.id]);
  }
});

Deno.test("root keys: what else is wrong with them says nothing of the clock", async () => {
  const root = await rootOf(newKey().publicKey);
  const error = await failsWith(
    () => usableRootKeys(root, GUN, AT),
    "trust-invalid",
    "a root key is not a certificate",
  );
  assert.match(error.remedy, /^Do not use this data\. /);
  assert.equal(error.byClock, undefined);
});
