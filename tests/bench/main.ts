/**
 * `deno task bench`: tagseal beside the notary client, in turn, on real servers; and the work inside, by itself.
 *
 * Prints Markdown. Needs the peers of the tests. `--quick` makes everything small.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { parseJson } from "../../lib/bytes/json.ts";
import { generateKeyPairSync } from "node:crypto";
import { localSigner } from "../../lib/crypto/signer.ts";
import { withTags } from "../../lib/flows/create_signing_data.ts";
import { assembleFile } from "../../lib/tuf/edit.ts";
import { parseTargets } from "../../lib/tuf/parse.ts";
import { requireSigned } from "../../lib/tuf/threshold.ts";
import { NOTARY_PASSPHRASES } from "../support/clients.ts";
import { type Peers, startPeers } from "../support/peers.ts";
import { startDelayProxy } from "./delay_proxy.ts";
import { compare, type Contender, median, TABLE_HEAD } from "./measure.ts";
import { seedRepository, someTags } from "./seed.ts";

const { values } = parseArgs({ args: Deno.args, options: { quick: { type: "boolean", default: false } } });
const ROUNDS = values.quick ? 3 : 9;
const MANY = values.quick ? 2_000 : 50_000;
const RTT_MS = 40;

const root = new URL("../../", import.meta.url).pathname;
const deno = Deno.execPath();
// Compiled code stays cached between runs, as it does on a machine in use.
const denoEnv = {
  PATH: Deno.env.get("PATH") ?? "",
  DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
};
const program = (...args: string[]) => [deno, "run", "-q", "--no-prompt", "-A", `--config=${root}deno.json`, ...args];
const tagseal = (...args: string[]) => program(`${root}tasks/main.ts`, ...args);
const say = (line = "") => Deno.stdout.writeSync(utf8(`${line}\n`));

say(
  `${ROUNDS} rounds after one that does not count; ${navigator.hardwareConcurrency} cores; Deno ${Deno.version.deno}.`,
);
say();
say(TABLE_HEAD.join("\n"));
await using peers = await startPeers();
await startUp();
await reading(peers);
say();
await insideWork();

async function startUp(): Promise<void> {
  const empty = `${peers.dir}/empty.ts`;
  await Deno.writeTextFile(empty, "");
  const contender = (name: string, ...args: string[]): Contender => ({
    name,
    env: { ...denoEnv, HOME: peers.dir },
    command: () => Promise.resolve(program(...args)),
  });
  const rows = await compare("start", [
    contender("empty script", empty),
    contender("tagseal --help", `${root}tasks/main.ts`, "--help"),
    contender("tagseal sign --help", `${root}tasks/main.ts`, "sign", "--help"),
  ], ROUNDS);
  say(rows.join("\n"));
}

async function reading(peers: Peers): Promise<void> {
  using delayed = startDelayProxy(Number(new URL(peers.notaryUrl).port), RTT_MS);
  const far = `https://localhost:${delayed.port}`;
  for (const count of [10, MANY]) {
    const gun = `${peers.registryHost}/bench/list-${count}`;
    const tags = someTags(count);
    await seedRepository(peers, gun, tags);
    for (const [where, url] of [["direct", peers.notaryUrl], [`RTT ${RTT_MS} ms`, far]] as const) {
      if (count === MANY && url === far) continue; // the delay does not matter there
      const check = (stdout: string) => stdout.includes(tags[0]!.tag) && stdout.includes(tags.at(-1)!.tag);
      const fresh = async (run: number, name: string) => {
        const home = `${peers.dir}/home-${name}-${count}-${run}`;
        await Deno.remove(home, { recursive: true }).catch(() => {});
        await Deno.mkdir(home);
        return home;
      };
      const rows = await compare(`list ${count} tags, cold, ${where}`, [
        {
          name: "notary",
          check,
          env: { PATH: denoEnv.PATH, HOME: peers.dir, ...NOTARY_PASSPHRASES },
          command: async (run) => {
            const home = await fresh(run, "notary");
            return [
              "notary",
              "-d",
              home,
              "-s",
              url,
              "--tlscacert",
              peers.caPath,
              "list",
              gun,
              "-r",
              "targets/releases",
            ];
          },
        },
        {
          name: "tagseal",
          check,
          env: { ...denoEnv, HOME: peers.dir },
          command: async (run) => {
            const home = await fresh(run, "tagseal");
            return tagseal("list", "-r", gun, "--notary-url", url, "--ca", peers.caPath, "--trust-dir", home);
          },
        },
      ], ROUNDS);
      say(rows.join("\n"));
    }
  }
}

/** The parts of reading a large role, in this process. */
async function insideWork(): Promise<void> {
  const at = new Date();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signer = localSigner(privateKey);
  const payload = canonicalJson(withTags({ version: 0, file: undefined }, someTags(MANY), at));
  const file = assembleFile(payload, [{ keyId: signer.publicKey.id, signature: await signer.sign(payload) }]);
  const keys = { keys: new Map([[signer.publicKey.id, signer.publicKey]]), threshold: 1 };
  say(`| ${MANY} tags in one role (${(file.length / 1e6).toFixed(1)} MB) | ms | MB/s |`);
  say("|---|---|---|");
  const value = parseJson(file);
  const parsed = parseTargets("targets/releases", file);
  const parts: readonly [string, () => unknown][] = [
    ["strict JSON", () => parseJson(file)],
    ["canonical JSON", () => canonicalJson(value)],
    ["parse and check every entry", () => parseTargets("targets/releases", file)],
    ["verify the signature", () => requireSigned(parsed.envelope, keys, "targets/releases", "its key")],
  ];
  for (const [name, work] of parts) {
    const times: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const started = performance.now();
      await work();
      times.push(performance.now() - started);
    }
    say(`| ${name} | ${median(times).toFixed(1)} | ${(file.length / 1e3 / median(times)).toFixed(0)} |`);
  }
}
