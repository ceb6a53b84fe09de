/** `list --since` on servers whose repository the notary client runs: what it did is told, in order. */
import assert from "node:assert/strict";
import { newKey, NotaryOwner } from "../support/notary_owner.ts";
import { EMBEDDED, REAL, REAL_ON_POSTGRESQL, stackTest } from "../support/stacks.ts";
import { tagseal } from "../support/run.ts";

const image = (tag: string, byte: string) => ({ tag, sha256: byte.repeat(32), length: 528 });

interface Events {
  complete: boolean;
  events: { tags: { tag: string; change: string; roles: string[] }[]; roles: { role: string; change: string }[] }[];
}

for (const stack of [REAL, REAL_ON_POSTGRESQL, EMBEDDED]) {
  stackTest(stack, "history: what the notary client did", ["notary"], async () => {
    await using peers = await stack.start();
    const gun = `${peers.registryHost}/history/app`;
    const owner = new NotaryOwner(peers, `${peers.dir}/owner`, gun);
    await owner.init();
    await owner.sign(image("v1", "a1"), ["targets"]);
    await owner.rotate("snapshot", "-r");
    await owner.delegate("targets/releases", await newKey(`${peers.dir}/keys`, "releases"));
    await owner.sign(image("v1", "b2"), ["targets"]);
    await owner.sign(image("v2", "c3"), ["targets/releases"]);
    await owner.run(["remove", gun, "v1", "-p"]);

    const args = ["list", "-r", gun, "--since", "1h", "--json", "--notary-url", peers.notaryUrl, "--ca", peers.caPath];
    const { code, stdout, stderr } = await tagseal(args, { env: { HOME: `${peers.dir}/auditor` }, cwd: peers.dir });
    assert.equal(code, 0, stderr);
    const { complete, events }: Events = JSON.parse(stdout);
    assert.equal(complete, true);
    assert.deepEqual(
      events.map(({ tags, roles }) => [
        ...tags.map(({ tag, change, roles }) => `${change} ${tag} in ${roles.join(",")}`),
        ...roles.map(({ role, change }) => `${change} ${role}`),
      ]),
      [
        ["added root", "added targets", "added snapshot", "added timestamp"],
        ["added v1 in targets"],
        ["changed snapshot"],
        ["added targets/releases"],
        ["moved v1 in targets"],
        ["added v2 in targets/releases"],
        ["withdrawn v1 in targets"],
      ],
    );
  });
}
