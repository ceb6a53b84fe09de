/** Passphrases: variables, the terminal, or an error that names the variables. */
import assert from "node:assert/strict";
import { createHost, type Host } from "../../lib/cli/host.ts";
import { passphrasesFrom, passphraseVariables } from "../../lib/cli/passphrases.ts";
import type { PassphraseRequest } from "../../lib/keystore/keystore.ts";
import { failsWith } from "../support/failures.ts";

function host(env: Record<string, string>, answers: (string | undefined)[] = []): Host & { said: string[] } {
  const said: string[] = [];
  const signal = new AbortController().signal;
  const streams = {
    out: () => {},
    err: (text: string) => void said.push(text),
    env: (name: string) => env[name],
    signal,
  };
  return {
    ...createHost({ quiet: false, noInput: true }, streams),
    said,
    askSecret: () => Promise.resolve(answers.shift()),
  };
}

const request = (role: string, purpose: "create" | "open", attempt = 1): PassphraseRequest => ({
  purpose,
  attempt,
  key: { id: "ab".repeat(32), role },
});

Deno.test("the variables of each role, Notary's first", async () => {
  for (const role of ["root", "targets", "snapshot", "delegation", "unheard-of"]) {
    const [notary, docker] = passphraseVariables(role);
    assert.match(notary!, /^NOTARY_[A-Z]+_PASSPHRASE$/);
    assert.match(docker!, /^DOCKER_CONTENT_TRUST_(ROOT|REPOSITORY)_PASSPHRASE$/);
    const both = passphrasesFrom(host({ [notary!]: "from notary's", [docker!]: "from docker's" }));
    assert.equal(await both(request(role, "create")), "from notary's");
    assert.equal(await passphrasesFrom(host({ [docker!]: "from docker's" }))(request(role, "open")), "from docker's");
    const nobody = passphrasesFrom(host({}));
    const error = await failsWith(nobody(request(role, "open")), "bad-input", "nobody to ask");
    assert.ok(error.remedy.includes(`${notary} or ${docker}`));
  }
});

Deno.test("a variable is asked once; a new passphrase has eight characters", async () => {
  const ask = passphrasesFrom(host({ NOTARY_ROOT_PASSPHRASE: "seven 7" }));
  assert.equal(await ask(request("root", "open")), "seven 7", "an old one may be short");
  const short = await failsWith(ask(request("root", "create")), "bad-input", "NOTARY_ROOT_PASSPHRASE is too short");
  const wrong = await failsWith(ask(request("root", "open", 2)), "bad-input", "does not open the root key");
  for (const { message, remedy, details } of [short, wrong]) {
    assert.doesNotMatch(JSON.stringify([message, remedy, details]), /seven 7/);
  }
});

Deno.test("on a terminal a new passphrase is typed twice", async () => {
  const here = host({}, ["short", "long enough", "long enouhg", "long enough", "long enough"]);
  assert.equal(await passphrasesFrom(here)(request("targets", "create")), "long enough");
  assert.deepEqual(here.said, [
    "Too short: 8 characters at least.\n",
    "The two do not match. Once more from the start.\n",
  ]);
  const gone = host({}, ["long enough", undefined, undefined]);
  await failsWith(passphrasesFrom(gone)(request("targets", "create")), "bad-input", "nobody to ask");
});
