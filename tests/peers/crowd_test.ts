/** A small crowd on real servers that fail and come back: what `deno task bench --only crowd` does at length. */
import assert from "node:assert/strict";
import { allStrikes, openCrowdPlace, signAsCrowd, tagsealInCrowd } from "../bench/crowd.ts";
import { builtFile } from "../support/built_file.ts";
import { NOTARY_PASSPHRASES } from "../support/clients.ts";
import { peerTest } from "../support/peer_case.ts";

const NEEDS = ["notary", "notary-server", "docker-registry", "postgresql"] as const;

peerTest(
  "nothing is lost by a crowd whose servers are killed and restarted, and what fails may be run again",
  NEEDS,
  async () => {
    await using place = await openCrowdPlace(0);
    const file = await builtFile();
    const { PATH = "", DENO_DIR = `${Deno.env.get("HOME")}/.cache/deno` } = Deno.env.toObject();
    const tool = tagsealInCrowd(place, (...args) => [file, ...args], {
      ...{ PATH, DENO_DIR, HOME: place.peers.dir },
      ...NOTARY_PASSPHRASES,
    });
    const size = { agents: 4, tags: 2, repositories: 2 };
    const { exits, failures, missing, posts, lines } = await signAsCrowd(place, tool, size, "all", allStrikes(place));
    assert.equal(lines.length, 16);
    assert.deepEqual(missing, []);
    assert.equal(exits.get(0), 8);
    assert.deepEqual(failures.filter(({ code }) => code !== 5 && code !== 6), []);
    assert.ok(posts >= 16 && posts <= 3 * 16, `${posts} posts for 16 publishes`);
  },
);
