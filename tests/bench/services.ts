/** Signers at once in one repository whose key a service holds: what each signature may cost is an approval. @module */
import { startSigningStack } from "../support/signing_stack.ts";
import { REAL } from "../support/stacks.ts";
import { startDelayProxy } from "./delay_proxy.ts";
import { type Contender, counted, inTurn, wall } from "./measure.ts";
import { tagNamed } from "./seed.ts";
import { AT_ONCE, tagsealTool } from "./signers.ts";
import { meterOf } from "./traffic.ts";
import { RTT_MS, say, type Subject, type Workshop } from "./workshop.ts";

/** What is written above the table. */
export const SERVICES_TEXT: readonly string[] = [
  `${AT_ONCE} signers at once in one repository, one tag each, by the embedded SignPath, ${RTT_MS} ms away as the server is.`,
  "Signatures per tag: how often what makes a tag signed was signed, in vain or not: a request signs the two roles that",
  "hold it, by hash as they are the same. One signer alone needs one.",
];

/** The head of the table. */
export const SERVICES_HEAD: readonly string[] = [
  "| method | wall s: median (min–max) | signing requests | signatures per tag | target | posts per tag |",
  "|---|---|---|---|---|---|",
];

const TARGET = 2;

/** By file and by hash. */
export const services: Subject = {
  name: "services",
  async measure(shop: Workshop) {
    await using stack = await startSigningStack({ stack: REAL, algorithm: "rsa-2048" });
    const { peers, signPath } = stack;
    using notary = startDelayProxy([Number(new URL(peers.notaryUrl).port)], RTT_MS);
    const agent = await stack.agent("bench");
    using service = startDelayProxy([Number(new URL(agent.env["SIGNPATH_API_URL"]!).port)], RTT_MS);
    const admin = await stack.admin("admin");
    const where = [
      ...["--notary-url", `https://localhost:${notary.port}`, "--ca", `${peers.dir}/cas.pem`],
      ...["--delegation-certificate", stack.certificatePath],
    ];
    for (const [method, project] of [["hash", "hashes"], ["zip", "app"]] as const) {
      const requests: number[] = [];
      const contender: Contender = {
        name: method,
        env: {
          ...shop.denoEnv,
          ...agent.env,
          SIGNPATH_PROJECT_SLUG: project,
          SIGNPATH_API_URL: `https://localhost:${service.port}/API`,
        },
        async prepare() {
          const gun = `${peers.registryHost}/services/r${shop.next()}`;
          await admin.succeeds("init", "-r", gun, "--delegation-certificate", stack.certificatePath);
          const lines = Array.from({ length: AT_ONCE }, () => ({ gun, ...tagNamed(`v${shop.next()}`) }));
          const tool = tagsealTool(shop, [...where, "--signing-method", method]);
          const before = signPath.requests().length;
          return {
            command: await tool.command("signers", await shop.freshFolder(), lines),
            async check() {
              requests.push(signPath.requests().length - before);
              const { stdout } = await admin.succeeds("list", "-r", gun);
              const missing = lines.filter(({ tag, digest }) => !stdout.includes(`${tag} ${digest} `));
              if (missing.length > 0) throw new Error(`Not signed: ${JSON.stringify(missing)}\n${stdout}`);
            },
          };
        },
      };
      const meter = meterOf(notary, [`${peers.dir}/notary-server.log`]);
      const [samples = []] = await inTurn([contender], { rounds: shop.quick ? 2 : 5, warmUp: false, meter });
      const all = requests.reduce((sum, count) => sum + count, 0) / requests.length;
      const signatures = all / AT_ONCE;
      const posts = Number(counted(samples, "posts")) / AT_ONCE;
      const aim = `≤ ${TARGET}${signatures <= TARGET ? "" : " missed"}`;
      say(
        `| ${method} | ${wall(samples)} | ${all.toFixed(1)} | ${signatures.toFixed(2)} | ${aim} | ${
          posts.toFixed(2)
        } |`,
      );
    }
  },
};
