/** The parts of reading a large role, in this process. @module */
import { generateKeyPairSync } from "node:crypto";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { parseJson } from "../../lib/bytes/json.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import { editedRole } from "../../lib/schemes/notary_v1/tag_change.ts";
import { assembleFile } from "../../lib/tuf/edit.ts";
import { parseTargets } from "../../lib/tuf/parse.ts";
import { requireSigned } from "../../lib/tuf/threshold.ts";
import { median } from "./measure.ts";
import { someTags } from "./seed.ts";
import { say, type Subject, type Workshop } from "./workshop.ts";

/** The head of the table of what happens inside. */
export const INSIDE_HEAD: readonly string[] = ["| work inside | ms | MB/s |", "|---|---|---|"];

/** Parsing, checking, verifying. */
export const inside: Subject = {
  name: "inside",
  async measure({ largeRole, rounds }: Workshop) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const signer = localSigner(privateKeyOf(privateKey));
    const edit = { tags: someTags(largeRole), removedTags: [] };
    const payload = canonicalJson(editedRole({ version: 0, file: undefined }, edit, new Date()));
    const file = assembleFile(payload, [{ keyId: signer.publicKey.id, signature: await signer.sign(payload) }]);
    const keys = { keys: new Map([[signer.publicKey.id, signer.publicKey]]), threshold: 1 };
    const value = parseJson(file);
    const parsed = parseTargets("targets/releases", file);
    const parts: readonly [string, () => unknown][] = [
      ["strict JSON", () => parseJson(file)],
      ["canonical JSON", () => canonicalJson(value)],
      ["parse and check every entry", () => parseTargets("targets/releases", file)],
      ["verify the signature", () => requireSigned(parsed.envelope, keys, "targets/releases", "its key")],
    ];
    const size = `${largeRole} tags, ${(file.length / 1e6).toFixed(1)} MB`;
    for (const [name, work] of parts) {
      const times: number[] = [];
      for (let i = 0; i < rounds; i++) {
        const started = performance.now();
        await work();
        times.push(performance.now() - started);
      }
      const ms = median(times);
      say(`| ${name}: ${size} | ${ms.toFixed(1)} | ${(file.length / 1e3 / ms).toFixed(0)} |`);
    }
  },
};
