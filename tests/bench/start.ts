/** Start-up: what it takes to do nothing, where Deno's cache is kept and where it is empty, as on a fresh agent. @module */
import { type Contender, inTurn } from "./measure.ts";
import { sayRows } from "./tables.ts";
import type { Subject, Workshop } from "./workshop.ts";

/** `tagseal` beside an empty script. */
export const start: Subject = {
  name: "start",
  async measure(shop: Workshop) {
    const empty = `${await shop.freshFolder()}/empty.ts`;
    await Deno.writeTextFile(empty, "");
    for (const isFresh of [true, false]) {
      const kept = await shop.freshFolder();
      const contender = (name: string, command: readonly string[]): Contender => ({
        name,
        env: shop.denoEnv,
        prepare: async () => ({
          command: ["env", `DENO_DIR=${isFresh ? await shop.freshFolder() : kept}`, ...command],
          check: () => {},
        }),
      });
      const contenders = [
        contender("empty script", shop.program(empty)),
        contender("tagseal --version", shop.tagseal("--version")),
        contender("tagseal --help", shop.tagseal("--help")),
        contender("tagseal sign --help", shop.tagseal("sign", "--help")),
      ];
      const samples = await inTurn(contenders, { rounds: shop.rounds, warmUp: true });
      sayRows(isFresh ? "start, Deno's cache empty" : "start", contenders, samples);
    }
  },
};
