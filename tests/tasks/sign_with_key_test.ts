/** `tagseal sign --signing-method key`: Docker's delegation keys, without any SignPath. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import { given, PASSPHRASES, Story } from "../support/local_story.ts";
import { documentIn, tagseal } from "../support/run.ts";
import { givenSigner, putKey, trustOf } from "../support/story_keys.ts";

const isPost = (request: Request) => request.method === "POST" && request.url.endsWith("/_trust/tuf/");

const PASSPHRASE = "the signer's own words";
/** A machine that knows nothing of SignPath, and the passphrase of its delegation's key. */
const KEY = {
  env: {
    NOTARY_DELEGATION_PASSPHRASE: PASSPHRASE,
    SIGNPATH_API_URL: "",
    SIGNPATH_API_TOKEN: "",
    SIGNPATH_ORGANIZATION_ID: "",
    SIGNPATH_PROJECT_SLUG: "",
    SIGNPATH_SIGNING_POLICY_SLUG: "",
  },
};
const keySign = (gun: string, ...more: string[]) => ["sign", "-r", gun, "--signing-method", "key", ...more];
const without = (name: string) => ({ env: { ...KEY.env, [name]: "" } });

/** A machine with the key of `targets/alice` for `story.gun`, whose `v1` and `v2` are pushed. */
async function withKey(algorithm: "ecdsa-p256" | "rsa-2048" = "ecdsa-p256"): Promise<{ story: Story; id: string }> {
  const story = await Story.begin();
  await story.push("v1");
  await story.push("v2");
  const id = await givenSigner(story, "alice", PASSPHRASE, algorithm);
  const delegation = ["--delegation-certificate", "alice.cer", "--delegation", "alice"];
  await story.succeed(["init", "-r", story.gun, ...delegation]);
  story.calls.length = 0;
  return { story, id };
}

for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
  Deno.test(`--signing-method key, ${algorithm}: Docker's delegation key, without any SignPath`, async () => {
    const { story, id } = await withKey(algorithm);
    await using _ = story;
    const v1 = await story.push("v1");
    const args = keySign(story.gun, "-t", "v1", "--delegation", "alice");
    assert.deepEqual((await story.succeed([...args, "--json"], KEY)).json(), {
      repositories: [{
        repository: story.gun,
        outcome: "published",
        tags: [{ tag: "v1", digest: v1, previousDigest: null }],
        roles: [{ role: "targets/releases", version: 1 }, { role: "targets/alice", version: 1 }],
      }],
      signingRequestId: null,
    });
    assert.equal((await story.succeed(["list", "-r", story.gun])).stdout, `v1 ${v1} alice\n`);
    assert.equal((await story.succeed(args, KEY)).stdout, `${story.gun}:v1 ${v1} unchanged\n`);
    assert.equal(story.signingRequests, 0);
    assert.ok(story.calls.every((call) => !call.includes("/API/")), "SignPath is not asked");
    assert.ok((await story.keys()).includes(`${id}.key`), "the key stays where it is");
  });
}

Deno.test("--signing-method key: one key, several repositories, one passphrase", async () => {
  const { story } = await withKey();
  await using _ = story;
  const second = `${story.peers.host}/demo/second`;
  await story.push("v1", "two", "demo/second");
  const delegation = ["--delegation-certificate", "alice.cer", "--delegation", "alice"];
  await story.succeed(["init", "-r", second, ...delegation]);
  await given(story, "tags.txt", `${story.gun}:v1\n${second}:v1\n${story.gun}:v2\n`);
  story.calls.length = 0;
  const asked: string[] = [];
  const askSecret = (question: string) => {
    asked.push(question);
    return Promise.resolve(PASSPHRASE);
  };
  const args = ["sign", "--from", "tags.txt", "--signing-method", "key", "--delegation", "alice"];
  const { stdout } = await story.succeed(args, {
    ...without("NOTARY_DELEGATION_PASSPHRASE"),
    host: { askSecret },
  });
  assert.match(stdout, /^\S+app:v1 \S+ published\n\S+app:v2 \S+ published\n\S+second:v1 \S+ published\n$/);
  assert.equal(asked.length, 1, asked.join());
  assert.match(asked[0]!, /^Passphrase of the alice key [0-9a-f]{7}:$/);
  assert.equal(story.posts, 2);
});

Deno.test("--signing-method key: a key that tagseal's own key store made, in a plain delegation", async () => {
  await using story = await Story.begin();
  const v1 = await story.push("v1");
  await story.succeed(["init", "-r", story.gun]);
  story.secrets.push(PASSPHRASE);
  const store = createFileKeyStore(
    story.trust,
    ({ key }) => Promise.resolve(key.role === "targets" ? PASSPHRASES.targets : PASSPHRASE),
  );
  const { signer } = await store.create({ role: "delegation" });
  await addDelegation(trustOf(story), store, { gun: story.gun, name: "signpath", key: signer.publicKey });
  await story.succeed(keySign(story.gun, "-t", "v1"), KEY);
  assert.equal((await story.succeed(["verify", "-r", story.gun, "-t", "v1"])).stdout, `v1 ${v1}\n`);
});

Deno.test("--signing-method key: what is missing is named, and nothing is published", async (t) => {
  const { story, id } = await withKey();
  await using _ = story;
  const args = keySign(story.gun, "-t", "v1", "--delegation", "alice");
  await t.step("no key here: which ones would do", async () => {
    const path = `${story.trust}/private/${id}.key`;
    await Deno.rename(path, `${story.folder}/aside`);
    await story.fail(
      2,
      args,
      ['No key that may sign as "targets/alice"', "is here", id.slice(0, 12), "--trust-dir"],
      KEY,
    );
    const { stdout: json } = await story.run([...args, "--json"], KEY);
    assert.deepEqual(JSON.parse(json).error.details.keyIds, [id]);
    await Deno.rename(`${story.folder}/aside`, path);
  });
  await t.step("the wrong passphrase", async () => {
    story.secrets.push("not the words at all");
    const env = { ...KEY.env, NOTARY_DELEGATION_PASSPHRASE: "not the words at all" };
    await story.fail(2, args, [
      "The passphrase in NOTARY_DELEGATION_PASSPHRASE does not open the alice key",
    ], { env });
  });
  await t.step("no passphrase, and nobody to ask", async () => {
    await story.fail(2, args, [
      "The passphrase of the alice key is needed",
      "NOTARY_DELEGATION_PASSPHRASE or DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE",
    ], without("NOTARY_DELEGATION_PASSPHRASE"));
  });
  await t.step("typed wrong three times", async () => {
    let n = 0;
    const askSecret = () => Promise.resolve(`wrong ${++n}`);
    const run = { ...without("NOTARY_DELEGATION_PASSPHRASE"), host: { askSecret } };
    await story.fail(2, args, ["does not open the alice key"], run);
    assert.equal(n, 3);
  });
  await t.step("a delegation that is not there", async () => {
    await story.fail(2, keySign(story.gun, "-t", "v1"), ['no delegation "targets/signpath"'], KEY);
  });
  await t.step("a key file that others can read", async () => {
    const path = `${story.trust}/private/${id}.key`;
    await Deno.chmod(path, 0o644);
    await story.fail(2, args, ["can be read by others", "chmod 600"], KEY);
    await Deno.chmod(path, 0o600);
  });
  await t.step("a method that is none", async () => {
    await story.fail(2, ["sign", "-r", story.gun, "-t", "v1", "--signing-method", "magic"], [
      '--signing-method cannot be "magic"',
      "zip or hash or key or pkcs11",
    ]);
  });
  assert.equal(story.posts, 0);
  await t.step("Docker's variable does as well", async () => {
    const env = {
      ...KEY.env,
      NOTARY_DELEGATION_PASSPHRASE: "",
      DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: PASSPHRASE,
    };
    await story.succeed(args, { env });
  });
});

Deno.test("--signing-method key: where two keys fit, they are named, and a certificate tells", async () => {
  const { story, id } = await withKey();
  await using _ = story;
  const second = await givenSigner(story, "bob", PASSPHRASE);
  const add = ["add-delegation", "-r", story.gun, "--delegation", "alice", "--delegation-certificate", "bob.cer"];
  await story.succeed(add);
  const args = keySign(story.gun, "-t", "v1", "--delegation", "alice");
  const { stderr } = await story.fail(2, args, ["has several keys", "--delegation-certificate"], KEY);
  const { stdout } = await story.run([...args, "--json"], KEY);
  assert.deepEqual(documentIn(stdout).error.details.keyIds.toSorted(), [id, second].toSorted());
  for (const one of [id, second]) assert.ok(stderr.includes(one.slice(0, 7)), `${one} is not named:\n${stderr}`);
  assert.equal(story.posts, 1, "the delegation alone");
  await story.succeed([...args, "--delegation-certificate", "bob.cer"], KEY);
  // With one of the two here alone, there is nothing to tell apart.
  await Deno.remove(`${story.trust}/private/${id}.key`);
  await story.succeed(keySign(story.gun, "-t", "v2", "--delegation", "alice"), KEY);
  await story.succeed(["verify", "-r", story.gun, "-t", "v1,v2"]);
});

Deno.test("--signing-method key: a stranger's key file under the right name is not used", async () => {
  const { story, id } = await withKey();
  await using _ = story;
  const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const other = await putKey(story.trust, stranger, "alice", PASSPHRASE);
  await Deno.rename(`${story.trust}/private/${other}.key`, `${story.trust}/private/${id}.key`);
  const args = keySign(story.gun, "-t", "v1", "--delegation", "alice");
  await story.fail(2, args, ["it holds another key than it is named"], KEY);
  assert.equal(story.posts, 0);
});

Deno.test("eight agents with the same key sign at once: none fails, nobody loses a tag", async () => {
  const { story, id } = await withKey();
  await using _ = story;
  const tags = Array.from({ length: 8 }, (_, n) => `agent-${n}`);
  for (const tag of tags) await story.push(tag);
  await using stack = new AsyncDisposableStack();
  const machines = await Promise.all(tags.map(async () => {
    const machine = stack.use(await Story.begin(story.peers));
    machine.secrets.push(PASSPHRASE);
    await Deno.mkdir(`${machine.trust}/private`, { recursive: true });
    await Deno.copyFile(`${story.trust}/private/${id}.key`, `${machine.trust}/private/${id}.key`);
    return machine;
  }));
  await Promise.all(
    machines.map((machine, n) => machine.succeed(keySign(machine.gun, "-t", tags[n]!, "--delegation", "alice"), KEY)),
  );
  const { stdout } = await story.succeed(["list", "-r", story.gun]);
  assert.deepEqual(stdout.trim().split("\n").map((line) => line.split(" ")[0]), tags);
  assert.ok(machines.every((machine) => machine.posts > 0));
});

Deno.test("--signing-method key: a server that refuses, or loses its answer", async () => {
  const { story } = await withKey();
  await using _ = story;
  const args = keySign(story.gun, "-t", "v1", "--delegation", "alice");
  story.between = (request, send) =>
    isPost(request) ? Promise.resolve(new Response("", { status: 403 })) : send(request);
  const { stderr } = await story.fail(4, args, ["answers 403", "NOTARY_AUTH"], KEY);
  assert.doesNotMatch(stderr, /tagseal download/, "there is no signing request to go on with");
  story.between = async (request, send) => {
    const response = await send(request);
    if (isPost(request)) throw new TypeError("connection reset");
    return response;
  };
  assert.match((await story.succeed(args, KEY)).stdout, / published\n$/);
});

Deno.test("eight runs on one machine, in one trust directory, some of which withdraw: all succeed", async () => {
  const { story } = await withKey();
  await using _ = story;
  const key = ["--signing-method", "key", "--delegation", "alice"];
  const [gone, made] = [["old-0", "old-1", "old-2", "old-3"], ["new-0", "new-1", "new-2", "new-3"]];
  for (const tag of [...gone, ...made]) await story.push(tag);
  await story.succeed(["sign", "-r", story.gun, "-t", gone.join(","), ...key], KEY);
  // Not by the story: its watch over the folders is for one run at a time.
  const run = (args: readonly string[]) =>
    tagseal([...args, "-r", story.gun, ...key], {
      env: Object.fromEntries(Object.entries({ ...story.env, ...KEY.env }).filter(([, value]) => value !== "")),
      cwd: story.work,
      host: {
        connect: (options) => story.peers.connect(options).send,
        sleep: () => new Promise((done) => setTimeout(done, 0)),
      },
    });
  const runs = await Promise.all([
    ...gone.map((tag) => run(["remove-tag", "-t", tag])),
    ...made.map((tag) => run(["sign", "-t", tag])),
  ]);
  assert.deepEqual(runs.map(({ code }) => code), Array(8).fill(0), runs.map(({ stderr }) => stderr).join("\n"));
  const { stdout } = await story.succeed(["list", "-r", story.gun]);
  assert.deepEqual(stdout.trim().split("\n").map((line) => line.split(" ")[0]), made);
});

Deno.test("--signing-method key: a key that is taken away before the post is not tried again and again", async () => {
  const { story, id } = await withKey();
  await using _ = story;
  await using owner = await Story.begin(story.peers);
  await givenSigner(story, "bob", PASSPHRASE);
  await story.succeed([
    "add-delegation",
    "-r",
    story.gun,
    "--delegation-certificate",
    "bob.cer",
    "--delegation",
    "bob",
  ]);
  for (const name of await story.keys()) {
    await Deno.mkdir(`${owner.trust}/private`, { recursive: true });
    await Deno.copyFile(`${story.trust}/private/${name}`, `${owner.trust}/private/${name}`);
  }
  story.calls.length = 0;
  let taken = false;
  story.between = async (request, send) => {
    if (isPost(request) && !taken) {
      taken = true;
      await owner.succeed(["remove-delegation", "-r", story.gun, "--key", id, "--yes"]);
    }
    return await send(request);
  };
  const { code, stderr } = await story.run(keySign(story.gun, "-t", "v1", "--delegation", "alice"), KEY);
  assert.ok(code === 2 || code === 3, `exit ${code}:\n${stderr}`);
  assert.ok(taken && story.posts <= 3, `${story.posts} posts`);
  assert.equal((await story.succeed(["list", "-r", story.gun])).stdout, "");
});

Deno.test("--signing-method key: a server that takes nothing is not asked for ever, and nothing is claimed", async () => {
  const { story } = await withKey();
  await using _ = story;
  for (const status of [400, 409]) {
    story.calls.length = 0;
    story.between = (request, send) =>
      isPost(request)
        ? Promise.resolve(Response.json({ errors: [{ code: "INVALID_UPDATE", message: "no" }] }, { status }))
        : send(request);
    const { code, stdout } = await story.run(keySign(story.gun, "-t", "v1", "--delegation", "alice"), KEY);
    assert.ok([3, 5, 6].includes(code), `exit ${code}`);
    assert.equal(stdout, "");
    assert.ok(story.posts <= 50, `${story.posts} posts`);
  }
  assert.equal((await story.succeed(["list", "-r", story.gun])).stdout, "");
});
