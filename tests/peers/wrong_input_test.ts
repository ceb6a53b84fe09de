/** Mistakes in names, addresses, CAs and credentials, on the real servers and the embedded ones. */
import assert from "node:assert/strict";
import { createLocalCa } from "../../lib/local/certificates.ts";
import type { Env } from "../support/clients.ts";
import { NotaryOwner } from "../support/notary_owner.ts";
import type { Need } from "../support/peer_case.ts";
import { tagseal } from "../support/run.ts";
import { EMBEDDED, STACKS, stackTest } from "../support/stacks.ts";

const CLIENTS: readonly Need[] = ["notary"];
const WRONG_PASSWORD = "not-the-password";

interface Mistake {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Env;
  readonly exit: number;
  readonly code: string;
  readonly words: readonly string[];
}

for (const stack of STACKS) {
  stackTest(stack, "wrong input", CLIENTS, async (t) => {
    await using peers = await stack.start();
    const { auth } = peers;
    const gun = `${peers.registryHost}/wrong/app`;
    const owner = new NotaryOwner(peers, `${peers.dir}/owner`, gun);
    await owner.init();
    await owner.sign({ tag: "v1", sha256: "ab".repeat(32), length: 528 }, ["targets"]);
    await Deno.writeTextFile(`${peers.dir}/other.pem`, (await createLocalCa(new Date(), "another CA")).caPem);
    await Deno.writeTextFile(`${peers.dir}/text.pem`, "no certificate");

    const right: Env = auth ? { NOTARY_AUTH: btoa(`${peers.username}:${peers.password}`) } : {};
    const [server, ca] = [["--notary-url", peers.notaryUrl], ["--ca", peers.caPath]];
    const list = ["list", "-r", gun];
    const registry = `https://${peers.registryHost}`;
    const mistakes: Mistake[] = [
      {
        name: "no CA",
        args: [...list, ...server],
        exit: 5,
        code: "unavailable",
        words: [peers.notaryUrl, "TLS certificate that is not trusted", "--ca <pem>"],
      },
      {
        name: "another CA",
        args: [...list, ...server, "--ca", `${peers.dir}/other.pem`],
        exit: 5,
        code: "unavailable",
        words: [peers.notaryUrl, "TLS certificate that is not trusted", "--ca <pem>"],
      },
      {
        name: "a CA file that is none",
        args: [...list, ...server, "--ca", `${peers.dir}/text.pem`],
        exit: 2,
        code: "bad-input",
        words: ["text.pem", "-----BEGIN CERTIFICATE-----"],
      },
      {
        name: "a CA file that is not there",
        args: [...list, ...server, "--ca", `${peers.dir}/nothing.pem`],
        exit: 2,
        code: "not-found",
        words: ["nothing.pem"],
      },
      {
        name: "a repository that is not there",
        args: ["list", "-r", `${gun}2`, ...server, ...ca],
        exit: 2,
        code: "not-found",
        words: [peers.notaryUrl, `no trust data for "${gun}2"`, "tagseal init"],
      },
      {
        name: "a tag that is not signed",
        args: ["verify", "-r", gun, "-t", "v1,v2", ...server, ...ca],
        exit: 3,
        code: "not-signed",
        words: [`Not signed in "${gun}": v2`, "Do not use these tags"],
      },
      {
        name: "a tag that stands for something else",
        args: ["verify", "-r", gun, "--expect-digest", `v1=sha256:${"cd".repeat(32)}`, ...server, ...ca],
        exit: 3,
        code: "trust-invalid",
        words: [`signed as "sha256:${"ab".repeat(32)}"`, "Do not use this image"],
      },
      {
        name: "another root key than the pinned one",
        args: [...list, ...server, ...ca, "--root-pin", "a".repeat(64)],
        exit: 3,
        code: "trust-invalid",
        words: [`The root of "${gun}" is not the pinned one`],
      },
      {
        name: "plain http to a server with TLS",
        args: [...list, "--notary-url", peers.notaryUrl.replace("https:", "http:")],
        exit: 5,
        code: "unavailable",
        words: ["Notary server"],
      },
    ];
    const nobody: Mistake[] = [
      {
        name: "no credentials",
        args: [...list, ...server, ...ca],
        env: { NOTARY_AUTH: "" },
        exit: 4,
        code: "unauthenticated",
        words: [peers.notaryUrl, "tried anonymously", `scope "repository:${gun}:pull"`, "NOTARY_AUTH"],
      },
      {
        name: "a wrong password",
        args: [...list, ...server, ...ca],
        env: { NOTARY_AUTH: btoa(`${peers.username}:${WRONG_PASSWORD}`) },
        exit: 4,
        code: "unauthenticated",
        words: [peers.notaryUrl, `as user "${peers.username}"`, "NOTARY_AUTH"],
      },
      {
        name: "a repository that is not there, for somebody who may look",
        args: ["verify", "-r", `${gun}2`, "-t", "v1", ...server, ...ca],
        exit: 2,
        code: "not-found",
        words: [`no trust data for "${gun}2"`],
      },
    ];
    const misdirected: Mistake[] = [
      {
        name: "an address with a path",
        args: [...list, "--notary-url", `${peers.notaryUrl}/nothing/here`, ...ca],
        exit: 2,
        code: "not-found",
        words: ["no trust data", "--notary-url"],
      },
    ];
    // The embedded servers share their address.
    const confused: Mistake[] = [
      {
        name: "the registry's address for the Notary server's",
        args: [...list, "--notary-url", registry, ...ca],
        exit: 2,
        code: "bad-input",
        words: [`There is no Notary server at "${registry}"`, "--notary-url"],
      },
    ];
    for (
      const mistake of [...mistakes, ...(auth ? nobody : misdirected), ...(auth || stack === EMBEDDED ? [] : confused)]
    ) {
      await t.step(mistake.name, () => fails(mistake, peers.dir, right));
    }
    await t.step("and without a mistake", async () => {
      const home = await Deno.makeTempDir({ dir: peers.dir });
      const { code, stdout, stderr } = await tagseal([...list, ...server, ...ca], { env: { HOME: home, ...right } });
      assert.equal(code, 0, stderr);
      assert.equal(stdout, `v1 sha256:${"ab".repeat(32)} Repo Admin\n`);
    });
  });
}

/** Makes the mistake on a machine that has nothing, for people and for `--json`. */
async function fails({ name, args, env, exit, code, words }: Mistake, dir: string, right: Env): Promise<void> {
  for (const more of [[], ["--json"], ["--verbose"]]) {
    const home = await Deno.makeTempDir({ dir });
    const outcome = await tagseal([...args, ...more], {
      env: { HOME: home, ...right, ...env },
      cwd: home,
      host: { sleep: () => Promise.resolve() }, // reading may be tried again: at once
    });
    const { stdout, stderr } = outcome;
    assert.equal(outcome.code, exit, `${name}: ${stderr}`);
    for (const word of words) assert.ok(stderr.includes(word), `${name}: "${word}" is not in: ${stderr}`);
    assert.match(stderr, /^tagseal: error: \S.*[^.\n]\ntagseal: next: \S.*[^.\n]\n/m);
    if (more.includes("--json")) assert.equal(outcome.json<{ error: { code: string } }>().error.code, code, name);
    else assert.equal(stdout, "", name);
    for (const secret of [WRONG_PASSWORD, right["NOTARY_AUTH"], env?.["NOTARY_AUTH"]]) {
      if (secret) assert.ok(!(stdout + stderr).includes(secret), `${name}: a secret shows`);
    }
  }
}
