/** Servers of tests: one that dies amid a test says so, with the end of its log. */
import assert from "node:assert/strict";
import { peerTest } from "./peer_case.ts";
import { PortTaken, Process } from "./process.ts";
import { inFolder } from "./test_files.ts";

const IS_UP = () => Promise.resolve(true);

peerTest(
  "a server that ends unasked is told of in the end, with what it said and how it ended; one that is ended is not",
  ["notary-server"],
  async () => {
    const log = await Deno.makeTempFile();
    try {
      const dies = new Process("sh", ["-c", "echo I cannot go on; kill -9 $$"], log);
      await dies.waitUntil(IS_UP);
      await assert.rejects(dies.waitUntil(() => Promise.resolve(false)), /sh ended; /);
      await assert.rejects(
        async () => await dies[Symbol.asyncDispose](),
        /sh ended by itself \(SIGKILL\).*I cannot go on/s,
      );
      await dies[Symbol.asyncDispose]();

      const stays = new Process("sleep", ["60"], log);
      await stays.waitUntil(IS_UP);
      await stays[Symbol.asyncDispose]();
    } finally {
      await Deno.remove(log);
    }
  },
);

peerTest(
  "a port that somebody else has is told apart, in the words of Go's programs and of PostgreSQL",
  ["notary-server"],
  () =>
    inFolder(async (dir) => {
      for (
        const [i, words] of [
          "listen tcp 127.0.0.1:4443: bind: address already in use",
          'could not bind IPv4 address "127.0.0.1": Address already in use',
        ].entries()
      ) {
        await using server = new Process("sh", ["-c", 'echo "$0"; exit 1', words], `${dir}/log${i}`);
        await assert.rejects(server.waitUntil(() => Promise.reject(new Error("nobody listens"))), PortTaken);
      }
    }),
);

peerTest(
  "a server that is restarted while what it needs is away comes up once that is back",
  ["notary-server"],
  () =>
    inFolder(async (dir) => {
      const needs = `${dir}/needed`;
      await Deno.writeTextFile(needs, "");
      await using server = new Process(
        "sh",
        ["-c", `[ -e ${needs} ] && touch ${dir}/up && exec sleep 60`],
        `${dir}/log`,
      );
      const isUp = () => Deno.stat(`${dir}/up`).then(() => true);
      await server.waitUntil(isUp);

      await Promise.all([needs, `${dir}/up`].map((path) => Deno.remove(path)));
      const back = server.restart("SIGKILL", 10);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await Deno.writeTextFile(needs, "");
      await back;
      assert.ok(await isUp());
    }),
);
