/** A new repository: root and targets keys, the snapshot key on the server, two delegations, published. @module */
import { RELEASES } from "../../lib/tuf/roles.ts";
import { type Contender, inTurn } from "./measure.ts";
import { sayRows } from "./tables.ts";
import { RTT_MS, type Subject, type Workshop } from "./workshop.ts";

/** What it shall take at most, as a part of notary's time. */
const TARGET = 0.2;
const CI = "targets/ci";

const NOTARY = `url=$1 ca=$2 dir=$3 gun=$4 cert=$5
n() { notary -s "$url" --tlscacert "$ca" -d "$dir" "$@"; }
n init "$gun" && n key rotate "$gun" snapshot -r && n publish "$gun" &&
n delegation add "$gun" ${RELEASES} "$cert" --all-paths && n delegation add "$gun" ${CI} "$cert" --all-paths &&
n publish "$gun"`;

/** `tagseal init` beside the notary client's six commands. */
export const initialization: Subject = {
  name: "init",
  async measure(shop: Workshop) {
    const { peers, seeder, delayedUrl: url } = shop;
    const certificate = `${await shop.freshFolder()}/ci.pem`;
    await Deno.writeTextFile(certificate, seeder.delegationCertificatePem);
    const contender = (name: string, env: Contender["env"], command: (gun: string, home: string) => string[]) => ({
      name,
      env,
      prepare: async () => {
        const gun = shop.freshGun();
        const check = () => seeder.requireDelegations(gun, RELEASES, CI);
        return { check, command: command(gun, await shop.freshFolder()) };
      },
    });
    const contenders: Contender[] = [
      contender(
        "notary",
        shop.notaryEnv,
        (gun, home) => ["sh", "-c", NOTARY, "sh", url, peers.caPath, home, gun, certificate],
      ),
      contender("tagseal", shop.denoEnv, (gun, home) =>
        shop.tagseal(
          ...["init", "-r", gun, "--notary-url", url, "--ca", peers.caPath, "--trust-dir", home],
          ...["--delegation", "ci", "--delegation-certificate", certificate],
          ...["--output-artifact-path", `${home}/root.pem`],
        )),
    ];
    const samples = await inTurn(contenders, { rounds: Math.ceil(shop.rounds / 2), warmUp: true });
    sayRows(`init, RTT ${RTT_MS} ms`, contenders, samples, TARGET);
  },
};
