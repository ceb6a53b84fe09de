/** From Docker Content Trust to cosign and Notation: many repositories, one signing request. @module */
import { pushPlainly } from "../support/plain_push.ts";
import { startSigningStack } from "../support/signing_stack.ts";
import { REAL } from "../support/stacks.ts";
import { type Contender, inTurn } from "./measure.ts";
import { createSeeder } from "./seed.ts";
import { sayRows } from "./tables.ts";
import type { Subject, Workshop } from "./workshop.ts";

const TAGS = 10;

/** `tagseal migrate`, and once more, when all is there. */
export const migration: Subject = {
  name: "migrate",
  async measure(shop: Workshop) {
    const count = shop.quick ? 8 : 100;
    await using stack = await startSigningStack({ stack: REAL, algorithm: "rsa-2048" });
    const { peers, signPath } = stack;
    using seeder = await createSeeder(peers);
    const names = Array.from({ length: TAGS }, (_, i) => `v${i}`);
    const guns: string[] = [];
    for (let i = 0; i < count; i++) {
      const path = `bench/m${i}`;
      const digests = await pushPlainly(peers, path, ...names);
      guns.push(`${peers.registryHost}/${path}`);
      await seeder.seed(guns.at(-1)!, Object.entries(digests).map(([tag, digest]) => ({ tag, digest, length: 500 })));
    }
    const list = `${peers.dir}/repositories.txt`;
    await Deno.writeTextFile(list, guns.join("\n"));
    const agent = await stack.agent("bench");
    const contender = (name: string, outcome: string): Contender => ({
      name,
      env: { ...shop.denoEnv, ...agent.env },
      prepare: async () => {
        const there = ["--notary-url", peers.notaryUrl, "--ca", `${peers.dir}/cas.pem`];
        const command = shop.tagseal(
          "migrate",
          "--repositories-from",
          list,
          ...there,
          "--trust-dir",
          await shop.freshFolder(),
        );
        const check = (stdout: string) => {
          const lines = stdout.match(new RegExp(` ${outcome} \\((cosign|notation)\\)$`, "gm"))?.length;
          const requests = signPath.requests().length;
          if (lines === 2 * count * TAGS && requests === 1) return;
          throw new Error(`${lines} signatures are ${outcome}, and ${requests} requests were filed`);
        };
        return { command, check };
      },
    });
    const contenders = [contender("tagseal", "published"), contender("tagseal, again", "unchanged")];
    const samples = await inTurn(contenders, { rounds: 1, warmUp: false });
    sayRows(`migrate ${TAGS} tags of ${count} repositories, cosign and Notation`, contenders, samples);
  },
};
