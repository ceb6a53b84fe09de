/** Trust directories that cannot be used: what goes on without them, what does not, and that a chain of commands agrees. */
import assert from "node:assert/strict";
import type { Told } from "../support/locked_home.ts";

const SCRIPT = new URL("../support/locked_home.ts", import.meta.url).pathname;
/** Root obeys permissions only without these. */
const AS_OTHERS = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"];

async function tell(): Promise<Map<string, Told>> {
  const prefix = Deno.uid() === 0 ? AS_OTHERS : [];
  const [program = "", ...args] = [...prefix, Deno.execPath(), "run", "-A", SCRIPT];
  const { stdout, stderr } = await new Deno.Command(program, { args, env: { NO_COLOR: "1" } }).output();
  const text = new TextDecoder().decode(stdout);
  assert.notEqual(text, "", new TextDecoder().decode(stderr));
  return new Map((JSON.parse(text) as Told[]).map((one) => [one.name, one]));
}

const CHAIN = ["list", "inspect", "status", "sign", "signing-data", "push", "verify"];

Deno.test({
  name: "trust directory: all commands of a chain go on without it, or none does; no key is made",
  ignore: Deno.build.os !== "linux",
  async fn(t) {
    const told = await tell();
    const of = (name: string, command: string) => {
      const one = told.get(`${name}: ${command}`);
      assert.ok(one, `${name}: ${command} was not run`);
      return one;
    };
    const goesOn = [
      "nothing there, no right to write",
      "no home",
      "a copy that can be read only",
      "the same with a pin",
    ];
    for (const name of goesOn) {
      for (const command of CHAIN) {
        await t.step(`${name}: ${command}`, () => {
          const { code, stderr } = of(name, command);
          assert.equal(code, 0, stderr);
          assert.ok((stderr.match(/is not remembered/g)?.length ?? 0) <= 1, `said twice: ${stderr}`);
          assert.doesNotMatch(stderr, /tagseal: error/);
        });
      }
      await t.step(`${name}: doctor warns of it`, () => {
        const { code, stdout } = of(name, "doctor");
        assert.equal(code, 0, stdout);
        assert.match(stdout.replaceAll(/\n */g, " "), /warning trust-dir: .* not remembered.* --trust-dir/);
      });
      await t.step(`${name}: it is said, and what helps`, () => {
        assert.match(of(name, "push").stderr, /is not remembered, .*--trust-dir.*DOCKER_CONFIG/);
      });
    }
    await t.step("a copy that cannot be read: doctor says that nothing goes on", () => {
      const { code, stdout } = of("a copy that cannot be read", "doctor");
      assert.equal(code, 2, stdout);
      assert.match(
        stdout.replaceAll(/\n */g, " "),
        /error {3}trust-data: .*What was trusted before cannot be looked at/,
      );
    });
    for (const command of CHAIN.filter((one) => one !== "push")) {
      await t.step(`a copy that cannot be read: ${command}`, () => {
        const { code, stderr } = of("a copy that cannot be read", command);
        assert.equal(code, 2, stderr);
        assert.match(stderr, /What was trusted before cannot be looked at/);
        assert.match(stderr, /next: Pin the root .*--trust-dir.*DOCKER_CONFIG/);
      });
    }
    for (const name of ["nothing there, no right to write", "no home", "a copy that can be read only"]) {
      await t.step(`${name}: no key is made, and nobody is asked for its passphrase`, () => {
        const { code, stderr } = of(name, "init");
        assert.equal(code, 2, stderr);
        assert.match(stderr, /No key can be kept: .*private|There is no home directory to keep private keys in/);
        assert.match(stderr, /--trust-dir/);
        assert.doesNotMatch(stderr, /passphrase/);
      });
    }
  },
});
