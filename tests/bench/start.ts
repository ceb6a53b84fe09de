/** Start-up: what it takes to do nothing. @module */
import { type Contender, inTurn } from "./measure.ts";
import { sayRows } from "./tables.ts";
import type { Subject, Workshop } from "./workshop.ts";

/** `tagseal --help` beside an empty script. */
export const start: Subject = {
  name: "start",
  async measure(shop: Workshop) {
    const empty = `${await shop.freshFolder()}/empty.ts`;
    await Deno.writeTextFile(empty, "");
    const contender = (name: string, command: readonly string[]): Contender => ({
      name,
      env: shop.denoEnv,
      prepare: () => ({ command, check: () => {} }),
    });
    const contenders = [
      contender("empty script", shop.program(empty)),
      contender("tagseal --help", shop.tagseal("--help")),
      contender("tagseal sign --help", shop.tagseal("sign", "--help")),
    ];
    sayRows("start", contenders, await inTurn(contenders, { rounds: shop.rounds, warmUp: true }));
  },
};
