/** Reading: all tags of a repository, verified from nothing. @module */
import { type Contender, inTurn } from "./measure.ts";
import { someTags } from "./seed.ts";
import { sayRows } from "./tables.ts";
import { RTT_MS, type Subject, type Workshop } from "./workshop.ts";

/** What reading ten tags from afar shall take at most, as a part of notary's time. */
const TEN_TAGS_TARGET = 0.38;

/** `tagseal list` beside `notary list`. */
export const reading: Subject = {
  name: "list",
  async measure(shop: Workshop) {
    const { peers, delayedUrl } = shop;
    for (const count of [10, shop.largeRole]) {
      const gun = shop.freshGun();
      const tags = someTags(count);
      await shop.seeder.seed(gun, tags);
      for (const [where, url] of [["direct", peers.notaryUrl], [`RTT ${RTT_MS} ms`, delayedUrl]] as const) {
        if (count === shop.largeRole && url === delayedUrl) continue; // the delay does not matter there
        const check = (stdout: string) => {
          for (const { tag } of [tags[0]!, tags.at(-1)!]) {
            if (!stdout.includes(tag)) throw new Error(`"${tag}" is not in the list`);
          }
        };
        const contenders: Contender[] = [
          {
            name: "notary",
            env: shop.notaryEnv,
            prepare: async () => ({
              check,
              command: shop.notary(url, await shop.freshFolder(), "list", gun, "-r", "targets/releases"),
            }),
          },
          {
            name: "tagseal",
            env: shop.denoEnv,
            prepare: async () => {
              const trust = ["--notary-url", url, "--ca", peers.caPath, "--trust-dir", await shop.freshFolder()];
              return { check, command: shop.tagseal("list", "-r", gun, ...trust) };
            },
          },
        ];
        const samples = await inTurn(contenders, {
          rounds: count === 10 ? shop.rounds : Math.ceil(shop.rounds / 2),
          warmUp: true,
        });
        const target = count === 10 && url === delayedUrl ? TEN_TAGS_TARGET : undefined;
        sayRows(`list ${count} tags, cold, ${where}`, contenders, samples, target);
      }
    }
  },
};
