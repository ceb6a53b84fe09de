/** `tagseal.json`: where it is found, how far it is believed, what goes before it, and what is said of mistakes in it. */
import assert from "node:assert/strict";
import { Story } from "../support/local_story.ts";
import { type Outcome, tagseal } from "../support/run.ts";

const UNSET = { SIGNPATH_ORGANIZATION_ID: "", SIGNPATH_PROJECT_SLUG: "", SIGNPATH_SIGNING_POLICY_SLUG: "" };
const write = (path: string, file: unknown) =>
  Deno.writeTextFile(path, typeof file === "string" ? file : JSON.stringify(file));

/** What a project of the story needs, so that `sign -t v1` does. */
function projectOf({ gun, peers }: Story): { repositories: string[]; defaults: Record<string, unknown> } {
  return {
    repositories: [gun],
    defaults: {
      "organization-id": peers.organizationId,
      "project-slug": "demo-images",
      "signing-policy-slug": "release-signing",
    },
  };
}

Deno.test("project file: tagseal sign -t v1 is enough, and flags go before variables before the file", async () => {
  await using story = await Story.readyToSign();
  const project = projectOf(story);
  await write(story.path("tagseal.json"), project);
  const { stderr } = await story.succeed(["sign", "-t", "v1"], { env: UNSET });
  assert.match(stderr, new RegExp(`^Repositories of "${story.path("tagseal.json")}": ${story.gun}$`, "m"));
  const policies = () => story.peers.signPath.requests().map(({ signingPolicySlug }) => signingPolicySlug);
  assert.deepEqual(policies(), ["release-signing"]);
  project.defaults["signing-policy-slug"] = "no-such-policy";
  await write(story.path("tagseal.json"), project);
  await story.fail(2, ["sign", "-t", "v2"], ["no-such-policy"], { env: UNSET, cacheStays: false });
  const variable = { SIGNPATH_SIGNING_POLICY_SLUG: "release-signing" };
  await story.succeed(["sign", "-t", "v2"], { env: { ...UNSET, ...variable } });
  await story.push("v3");
  const flag = ["--signing-policy-slug", "other-variable-policy"];
  await story.fail(2, ["sign", "-t", "v3", ...flag], ["other-variable-policy"], { env: { ...UNSET, ...variable } });
});

Deno.test("project file: sign -t v1 signs the tag in all repositories of the file with one request; verify asks which", async () => {
  await using story = await Story.readyToSign();
  const other = await story.another("demo/other");
  await write(story.path("tagseal.json"), { ...projectOf(story), repositories: [story.gun, other] });
  const signed = await story.succeed(["sign", "-t", "v1", "--json"], { env: UNSET });
  const { repositories } = signed.json<{ repositories: { repository: string; outcome: string }[] }>();
  assert.deepEqual(repositories.map(({ repository, outcome }) => [repository, outcome]), [
    [story.gun, "published"],
    [other, "published"],
  ]);
  assert.equal(story.signingRequests, 1);
  const listed = await story.succeed(["list"]);
  assert.deepEqual(listed.stdout.split("\n").map((line) => line.split(" ")[0]), [`${story.gun}:v1`, `${other}:v1`, ""]);
  const inspected = await story.succeed(["inspect", "--json"]);
  assert.equal(inspected.json<{ repositories: unknown[] }>().repositories.length, 2);
  await story.succeed(["export", "-r", other, "--output-artifact-path", "one.zip"]);
  const exported = await story.succeed(["list", "--from", "one.zip"]);
  assert.doesNotMatch(exported.stdout, new RegExp(story.gun), "a file that is named says which");
  assert.match(exported.stdout, /v1/);
  await story.fail(2, ["verify", "-t", "v1"], [`lists 2 repositories`, `Give --repository: ${story.gun}, ${other}`]);
  await story.succeed(["verify", "-t", "v1", "-r", other]);
  await story.fail(2, ["sign", "-t", "v1", "--expect-digest", `v1=sha256:${"0".repeat(64)}`], ["one repository"]);
});

Deno.test("project file: what is advised goes by the same file", async () => {
  await using story = await Story.readyToSign();
  const project = projectOf(story);
  project.defaults["signing-policy-slug"] = "release-signing-with-approval";
  await write(story.path("mine.json"), project);
  const args = ["sign", "-t", "v1", "--config", "mine.json", "--wait-for-completion-timeout", "0"];
  const { stderr } = await story.fail(8, args, ["Go on with: tagseal resume "], { env: UNSET, keysMayStay: true });
  assert.match(stderr, new RegExp(`tagseal resume \\S+ -r ${story.gun} --config mine\\.json\\n`));
});

Deno.test("project file: what changes or deletes takes its repository from no file, be it of one", async () => {
  await using story = await Story.readyToSign();
  await write(story.path("tagseal.json"), { ...projectOf(story), pins: {} });
  const named = ["--config", "tagseal.json"];
  const lines = [
    ["remove-tag", "-t", "v1"],
    ["remove-delegation", "--delegation", "signpath"],
    ["add-delegation", "--delegation-certificate", "signpath.cer"],
    ["delete-key", "--role", "targets"],
    ["rotate-key", "--role", "targets"],
    ["move", "--to-notary-url", "https://elsewhere.example.com"],
    ["init"],
  ];
  for (const line of lines) {
    const { stderr } = await story.fail(2, [...line, ...named], [], { env: UNSET });
    assert.match(stderr, /--repository is missing|It is not said which key/, line[0]);
  }
  assert.equal(story.posts, 0);
});

Deno.test("project file: what was only found cannot decide whom to trust, where secrets go, what is run or written", async () => {
  await using story = await Story.readyToSign();
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  const hostile: [command: string, settings: Record<string, unknown>][] = [
    ["verify", { "notary-url": "https://evil.example.com" }],
    ["verify", { "ca": "evil.pem" }],
    ["verify", { "allow-http": true }],
    ["verify", { "trust-dir": "evil" }],
    ["verify", { "registry-url": "https://evil.example.com" }],
    ["verify", { "notary-username": "evil" }],
    ["sign", { "api-url": "https://evil.example.com" }],
    ["sign", { "signing-method": "key" }],
    ["sign", { "signing-method": "hash" }],
    ["sign", { "pkcs11-module": "evil.so" }],
    ["sign", { "delegation-certificate": "evil.pem" }],
    ["sign", { "description": "harmless" }],
    ["sign", { "parameter": { "a": "b" } }],
    ["sign", { "buildx-metadata": "evil.json" }],
    ["download", { "api-url": "https://evil.example.com" }],
    ["keys", { "trust-dir": "evil" }],
  ];
  for (const [command, defaults] of hostile) {
    await write(story.path("tagseal.json"), { defaults });
    const args = command === "keys"
      ? [command]
      : command === "download"
      ? [command, crypto.randomUUID()]
      : [command, "-r", story.gun, "-t", "v1"];
    story.calls.length = 0;
    const [name] = Object.keys(defaults);
    const words = ["was only found", `/defaults/${name}`, `--config ${story.work}/tagseal.json`];
    const said = await story.fail(2, args, words, { env: { SIGNPATH_API_URL: "" } });
    assert.match(said.stderr, new RegExp(`give --${name} yourself`));
    assert.deepEqual(story.calls, [], name);
    await story.succeed(command === "download" ? ["keys", "--config", "none"] : [...args, "--config", "none"]);
  }
  await write(story.path("tagseal.json"), { schemes: ["cosign"], commands: { verify: { key: "evil.pem" } } });
  await story.fail(2, ["verify", "-r", story.gun, "-t", "v1"], ["was only found", "/schemes"]);
  await write(story.path("tagseal.json"), { commands: { export: { "output-artifact-path": "/tmp/evil.zip" } } });
  await story.fail(2, ["export", "-r", story.gun], ["was only found", "/commands/export/output-artifact-path"]);
});

Deno.test("project file: repositories of a file that was only found get no secret that belongs to no host", async () => {
  await using story = await Story.readyToSign();
  await write(story.path("tagseal.json"), { repositories: [story.gun] });
  const secret = btoa("user:s3cret");
  const server = { DOCKER_CONTENT_TRUST_SERVER: `https://${story.peers.host}` };
  const cases: [args: string[], env: Record<string, string>, sent: string][] = [
    [["list"], { NOTARY_AUTH: secret }, "NOTARY_AUTH"],
    [
      ["list", "--notary-username", "user", "--notary-password", "env:P"],
      { P: "s3cret" },
      "--notary-password",
    ],
    [["sign", "-t", "v1"], { NOTARY_AUTH: secret, REGISTRY_AUTH: secret, ...server }, "REGISTRY_AUTH"],
    [["doctor"], { NOTARY_AUTH: secret, REGISTRY_AUTH: secret }, "NOTARY_AUTH and REGISTRY_AUTH"],
  ];
  for (const [args, env, sent] of cases) {
    story.calls.length = 0;
    const words = ["was only found", `sent ${sent}: /repositories`, "give --repository yourself", "--config"];
    await story.fail(2, args, words, { env });
    assert.deepEqual(story.calls, [], args.join(" "));
  }
  const env = { NOTARY_AUTH: secret };
  await story.succeed(["list"], { env: { ...env, ...server } }); // it goes where DOCKER_CONTENT_TRUST_SERVER says
  await story.succeed(["list", "--config", "tagseal.json"], { env });
  await story.succeed(["list", "-r", story.gun], { env });
});

Deno.test("project file: what is typed is not asked of the file, and a file that was named counts", async () => {
  await using story = await Story.readyToSign();
  await Deno.mkdir(story.path("sub"));
  await write(story.path("tagseal.json"), { defaults: { "trust-dir": "kept", "description": "from the project" } });
  await story.succeed(["list", "-r", story.gun, "--trust-dir", `${story.folder}/home/.docker/trust`]);
  // Paths are those of the file's folder, wherever the user is.
  await story.succeed(["list", "-r", story.gun, "--config", "tagseal.json"], {
    env: { TAGSEAL_CONFIG: "elsewhere.json" },
  });
  assert.ok([...(await story.files()).keys()].some((path) => path.startsWith("work/kept/tuf/")));
  await story.succeed(["list", "-r", story.gun], { env: { TAGSEAL_CONFIG: story.path("tagseal.json") } });
  await story.fail(2, ["list", "-r", story.gun], ["There is no file", "elsewhere.json"], {
    env: { TAGSEAL_CONFIG: "elsewhere.json" },
  });
});

Deno.test("project file: at a terminal whoever is shown what a found file sets can agree to it, for this once", async () => {
  await using story = await Story.readyToSign();
  const path = story.path("tagseal.json");
  await write(path, { defaults: { "trust-dir": "kept", "allow-http": true, "project-slug": "x" } });
  const asked: string[] = [];
  const says = (answer: boolean | undefined) => ({
    host: { confirm: (question: string) => Promise.resolve((asked.push(question), answer)) },
  });
  const list = ["list", "-r", story.gun];
  await story.succeed(list, says(true));
  assert.deepEqual(asked, [
    `"${path}" was found, and sets what decides whom to trust or what is done (/defaults/trust-dir: ` +
    `${story.path("kept")}; /defaults/allow-http: true). Use it this once?`,
  ]);
  assert.ok([...(await story.files()).keys()].some((file) => file.startsWith("work/kept/tuf/")));
  for (const answer of [false, undefined]) await story.fail(2, [...list, "--yes"], ["was only found"], says(answer));
  asked.length = 0;
  await story.succeed([...list, "--config", "tagseal.json"], says(false));
  await write(path, { defaults: { "require-pin": false, "allow-http": false, "project-slug": "x" } });
  await story.succeed(list, says(false));
  assert.deepEqual(asked, []);
});

Deno.test("project file: pins count by the longest prefix, narrow what a found file's reader trusts, and never serve --require-pin unnamed", async () => {
  await using story = await Story.readyToSign();
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  await Deno.mkdir(story.path("certificates"));
  const [file] = [...Deno.readDirSync(story.work)].filter(({ name }) => name.endsWith(".root.pem"));
  await Deno.rename(story.path(file!.name), story.path("certificates/root.pem"));
  const host = story.peers.host;
  const wrong = "0".repeat(64);
  const fresh = { DOCKER_CONFIG: `${story.folder}/new`, SIGNPATH_API_TOKEN: "" };
  const pinned = async (pins: Record<string, unknown>, ...more: string[]): Promise<Outcome> => {
    await write(story.path("tagseal.json"), { repositories: [story.gun], pins });
    await Deno.remove(`${story.folder}/new`, { recursive: true }).catch(() => {});
    return await story.run(["verify", "-t", "v1", ...more], { env: fresh });
  };
  const good = await pinned({ [host]: wrong, [`${host}/demo`]: "certificates/root.pem", "*": wrong });
  assert.equal(good.code, 0, good.stderr);
  assert.doesNotMatch(good.stderr, /met for the first time/);
  assert.equal((await pinned({ [host]: "certificates/root.pem", [`${host}/demo/`]: wrong })).code, 3);
  assert.equal((await pinned({ [`${host}/demo`]: [wrong, "certificates/root.pem"] })).code, 0);
  // Whoever pins means to be strict: what no pin covers is not met on trust.
  assert.equal((await pinned({ "other.example.com": "certificates/root.pem" })).code, 3);
  const unnamed = await pinned({ [host]: "certificates/root.pem" }, "--require-pin");
  assert.equal(unnamed.code, 3);
  assert.match(unnamed.stderr, /--require-pin: the pins of ".*tagseal\.json" do not count, as it was only found/);
  assert.equal(
    (await pinned({ [host]: "certificates/root.pem" }, "--require-pin", "--config", "tagseal.json")).code,
    0,
  );
  // A pin of the command line goes before it, and two that contradict each other are told.
  const two = await pinned({ [host]: wrong }, "--root-pin", "certificates/root.pem");
  assert.equal(two.code, 0, two.stderr);
  assert.match(
    two.stderr,
    /warning: ".*tagseal\.json" pins another root of "localhost:5000\/demo\/app" than --root-pin/,
  );
  const same = await pinned({ [host]: "certificates/root.pem" }, "--root-pin", "certificates/root.pem");
  assert.doesNotMatch(same.stderr, /pins another root/);
});

Deno.test("project file: the nearest one upwards, as far as the project, the home or what others cannot write", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-project-" });
  const inside = `${folder}/home/project/a/b`;
  await Deno.mkdir(inside, { recursive: true });
  const wrong = (name: string) => write(`${folder}/${name}`, { mark: name });
  /** The folder of the file that is read, told from the complaint about it. */
  const found = async (env: Record<string, string> = {}) => {
    const { code, stderr } = await tagseal(["keys"], { cwd: inside, env: { HOME: `${folder}/home`, ...env } });
    assert.ok(code === 0 || code === 2, stderr);
    return /"([^"]*)tagseal\.json"/.exec(stderr)?.[1]?.slice(folder.length);
  };
  await t.step("no file", async () => assert.equal(await found(), undefined));
  await t.step("above home nobody looks, above the project neither", async () => {
    await wrong("tagseal.json");
    assert.equal(await found(), undefined);
    await wrong("home/tagseal.json");
    assert.equal(await found(), "/home/");
    await Deno.mkdir(`${folder}/home/project/.git`);
    assert.equal(await found(), undefined);
    await wrong("home/project/tagseal.json");
    assert.equal(await found(), "/home/project/");
  });
  await t.step("a folder of that name is none, none is read where none is wanted", async () => {
    await Deno.mkdir(`${inside}/tagseal.json`);
    assert.equal(await found(), "/home/project/");
    assert.equal(await found({ TAGSEAL_CONFIG: "none" }), undefined);
  });
  const refused = async (why: RegExp) => {
    const { code, stderr } = await tagseal(["keys"], { cwd: inside, env: { HOME: `${folder}/home` } });
    assert.equal(code, 2);
    assert.match(stderr, why);
    assert.match(stderr, /next: Look into it; .*--config .*--config none goes without/);
  };
  await t.step({
    name: "what every user may write is not used, and what belongs to another user neither, nor a link of theirs",
    ignore: Deno.build.os === "windows",
    async fn() {
      const path = `${folder}/home/project/tagseal.json`;
      await Deno.chmod(path, 0o666);
      await refused(/was found, and is not used: every user of this machine may write it/);
      await Deno.chmod(path, 0o664);
      assert.equal(await found(), "/home/project/");
      if (Deno.uid() !== 0) return; // nobody else can give a file away
      await Deno.chown(path, 12345, null);
      await refused(/is not used: it belongs to another user/);
      await Deno.chown(path, 0, null);
      await Deno.rename(path, `${folder}/mine.json`);
      await Deno.symlink(`${folder}/mine.json`, path);
      assert.equal(await found(), "/home/project/");
      await new Deno.Command("chown", { args: ["-h", "12345", path] }).output();
      await refused(/is not used: it belongs to another user/);
    },
  });
  await Deno.remove(folder, { recursive: true });
});

const MISTAKES: readonly (readonly [file: unknown, said: RegExp, next: RegExp])[] = [
  [{ defaults: { "notary-ulr": "x" } }, /\/defaults\/notary-ulr is not known/, /^Did you mean "notary-url"\?/],
  [{ defaults: { notaryUrl: "x" } }, /\/defaults\/notaryUrl is not known/, /^Did you mean "notary-url"\?/],
  [{ "notary-url": "x" }, /\/notary-url is not known/, /^Did you mean "notary-url"\? It stands in "defaults"/],
  [{ commands: { sing: {} } }, /\/commands\/sing is not known/, /^Did you mean "sign"\?/],
  [{ commands: { constructor: {} } }, /\/commands\/constructor is not known/, /^Take it out/],
  ['{"__proto__": {}}', /\/__proto__ is not known/, /^Take it out/],
  [{ defaults: { "notary-url": 3 } }, /\/defaults\/notary-url must be a text/, /^Correct the file/],
  [{ defaults: { "notary-url": "" } }, /\/defaults\/notary-url must be a text that is not empty/, /^Correct/],
  [{ commands: { list: { "notary-url": [] } } }, /\/commands\/list\/notary-url must be a text/, /^Correct/],
  [{ defaults: { "require-pin": "yes" } }, /\/defaults\/require-pin must be true or false/, /^Correct/],
  [{ defaults: { "signing-method": "zipp" } }, /must be "zip" or "hash" or "key" or "pkcs11"/, /^Correct/],
  [{ defaults: { "wait-for-completion-timeout": "10" } }, /must be a whole number/, /^Correct/],
  [{ defaults: { "parameter": { a: 1 } } }, /\/defaults\/parameter\/a must be a text/, /^Correct/],
  [{ defaults: { "force": true } }, /\/defaults\/force is not known/, /^--force belongs to a single call/],
  [{ defaults: { "yes": true } }, /\/defaults\/yes is not known/, /^--yes belongs to a single call/],
  [{ defaults: { "root-pin": "x" } }, /\/defaults\/root-pin is not known/, /^Write it as "pins"/],
  [{ commands: { "remove-tag": { tags: ["v1"] } } }, /\/commands\/remove-tag\/tags is not known/, /^Did|^Take/],
  [{ schemes: ["dtc"] }, /\/schemes\/0 must be "dct" or "cosign" or "notation"/, /^Correct/],
  [{ repositories: [] }, /\/repositories must be a list/, /^Correct/],
  [
    { repositories: Array.from({ length: 10_001 }, (_, i) => `a.example/${i}`) },
    /\/repositories must be a list/,
    /^Correct/,
  ],
  [{ repositories: ["UPPER"] }, /upper-case letters \(\/repositories\/0 in/, /^Write full names/],
  [{ pins: { "a/b": [3] } }, /\/pins\/a~1b\/0 must be a text|\/pins\/a~1b must be/, /^Correct/],
  [{ pins: { "a/b": "x", "a/b/": "y" } }, /"a\/b" and "a\/b\/" are the same prefix/, /^Write a name/],
  [{ pins: { "A B": "x" } }, /"A B" cannot begin a repository's name/, /^Write a name/],
  [{ schemes: Array(100_000).fill("dtc") }, /\/schemes\/0 must be "dct"/, /^Correct/],
  [[], /\/ must be an object/, /^Correct/],
  ['{\n  "repositories": ["a"],\n}', /is not JSON: a member name is missing in line 3, column 1/, /^Mend/],
  ['{"schemes": ["dct"], "schemes": ["cosign"]}', /"schemes" stands there twice in line 1/, /^Mend/],
  ["\ufeff{", /is not JSON: a member name is missing in line 1, column 2/, /^Mend/],
  [" ".repeat(2 ** 20 + 1), /is longer than/, /./],
];

Deno.test("project file: mistakes are told with their place and what may have been meant", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-project-" });
  for (const [file, said, next] of MISTAKES) {
    await t.step(String(said), async () => {
      await write(`${folder}/tagseal.json`, file);
      const { code, stdout, stderr } = await tagseal(["list"], { cwd: folder, env: { HOME: folder } });
      const [, error = "", remedy = ""] = /^tagseal: error: (.*)\ntagseal: next: (.*)\n$/.exec(stderr) ?? [];
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(error, said);
      assert.ok(error.includes(`"${folder}/tagseal.json"`), error);
      assert.match(remedy, next);
    });
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("project file: as many names as one may hold, some of them twice, take no time to speak of", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-project-" });
  const names = Array.from({ length: 10_000 }, (_, i) => `registry.example.com/${i % 9_999}`);
  await write(`${folder}/tagseal.json`, { repositories: names, pins: { "registry.example.com": "0".repeat(64) } });
  const begun = performance.now();
  const args = ["env", "list", "--json"];
  const { stdout } = await tagseal(args, { cwd: folder, env: { HOME: folder } });
  const took = performance.now() - begun;
  assert.equal(stdout.split("registry.example.com/9998").length, 2);
  assert.equal(stdout.split("registry.example.com/0 ").length, 2, "once");
  assert.ok(took < 3000, `${took} ms`); // comparing each with each would take far longer
  await Deno.remove(folder, { recursive: true });
});

Deno.test("project file: secrets are refused wherever they stand, and repeated nowhere", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-project-" });
  const secret = "s3cret-Of-Somebody";
  const cases: [unknown, RegExp][] = [
    [{ defaults: { "api-token": secret } }, /set SIGNPATH_API_TOKEN instead/],
    [{ defaults: { apiToken: "env:NAME" } }, /set SIGNPATH_API_TOKEN instead/],
    [{ SIGNPATH_API_TOKEN: secret }, /set SIGNPATH_API_TOKEN instead/],
    [{ commands: { sign: { "registry-password": secret } } }, /set REGISTRY_AUTH instead/],
    [{ defaults: { "notary-password": "file:x" } }, /set NOTARY_AUTH instead/],
    [{ NOTARY_ROOT_PASSPHRASE: secret }, /set NOTARY_ROOT_PASSPHRASE instead/],
    [{ defaults: { passphrase: secret } }, /set NOTARY_ROOT_PASSPHRASE or .* or NOTARY_DELEGATION_PASSPHRASE instead/],
    [{ defaults: { "pkcs11-pin": secret } }, /set TAGSEAL_PKCS11_PIN instead/],
    [{ defaults: { "notary-url": `https://user:${secret}@notary.example.com` } }, /set NOTARY_AUTH or REGISTRY_AUTH/],
  ];
  for (const [file, next] of cases) {
    await t.step(JSON.stringify(file).replace(secret, "…"), async () => {
      await write(`${folder}/tagseal.json`, file);
      const { code, stdout, stderr } = await tagseal(["list", "--json", "--verbose"], {
        cwd: folder,
        env: { HOME: folder },
      });
      assert.equal(code, 2);
      assert.match(stderr, /holds a secret, which belongs into no project file: \//);
      assert.match(stderr, next);
      assert.ok(!`${stdout}${stderr}`.includes(secret));
    });
  }
  // The label of a token is none, and repositories may be called what they like.
  await write(`${folder}/tagseal.json`, {
    defaults: { "pkcs11-token": "mine" },
    pins: { "registry.example.com/secret-service/api-token": "0".repeat(64) },
  });
  assert.equal((await tagseal(["keys", "--config", "none"], { cwd: folder, env: { HOME: folder } })).code, 0);
  assert.match((await tagseal(["list"], { cwd: folder, env: { HOME: folder } })).stderr, /--repository is missing/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("init offers the file: written where the terminal or --write-config says so, with the root key as pin", async () => {
  await using story = await Story.begin();
  const path = story.path("tagseal.json");
  const read = async () => JSON.parse(await Deno.readTextFile(path));
  const asked: string[] = [];
  const answers = (answer: boolean) => ({
    host: {
      confirm(question: string) {
        asked.push(question);
        return Promise.resolve(answer);
      },
    },
  });
  const init = (name: string) => ["init", "-r", `${story.peers.host}/demo/${name}`];
  await story.succeed(init("no"), answers(false));
  await story.succeed([...init("quiet"), "--json"], answers(true));
  await story.succeed([...init("yes"), "--yes"], answers(true));
  await story.succeed(init("nobody"));
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  assert.deepEqual(asked, [
    `Write "${path}", so that commands know "${story.peers.host}/demo/no" and hold it to this root?`,
  ]);

  const first = await story.succeed([...init("app"), "--delegation-certificate", "signpath.cer"], answers(true));
  const { repositories, pins, defaults, ...rest } = await read();
  assert.deepEqual([repositories, rest], [[story.gun], {}]);
  assert.match(pins[story.gun], /^[0-9a-f]{64}$/);
  assert.deepEqual(defaults, {
    "organization-id": story.peers.organizationId,
    "project-slug": "demo-images",
    "signing-policy-slug": "release-signing",
  });
  assert.match(first.stdout, /root\.pem\n$/, "the path of the certificate is the last line all the same");
  // From here on the tag is all that is said: the pin is held, and the found file names what signs.
  await story.push("v1");
  await story.succeed(["sign", "-t", "v1"], { env: { ...UNSET, DOCKER_CONFIG: `${story.folder}/new` } });
  const proved = await story.succeed(["verify", "-t", "v1"], { env: { DOCKER_CONFIG: `${story.folder}/newer` } });
  assert.doesNotMatch(proved.stderr, /met for the first time/);

  // A file that is there is completed, and keeps what it says, and how it is written.
  const mine = { ...await read(), defaults: { "project-slug": "mine" }, commands: { list: { "role": "targets" } } };
  await Deno.writeTextFile(path, JSON.stringify(mine, undefined, "\t"));
  const ca = ["--notary-url", `https://${story.peers.host}`, "--ca", "sub/ca.pem"];
  await Deno.mkdir(story.path("sub"));
  const { certificatePem } = await import("../../lib/crypto/x509.ts");
  const { readCertificateFile } = await import("../../lib/crypto/certificate_file.ts");
  await Deno.writeTextFile(
    story.path("sub/ca.pem"),
    certificatePem(readCertificateFile(story.peers.certificate).certificate),
  );
  const second = await story.succeed([...init("web"), ...ca, "--write-config", "--json"]);
  assert.equal(second.json()["projectFile"], path);
  assert.match(second.stderr, /counts once it is named: --config/);
  const after = await read();
  assert.deepEqual(after.repositories, [story.gun, `${story.peers.host}/demo/web`]);
  assert.deepEqual(after.commands, mine.commands);
  assert.deepEqual([after.defaults["project-slug"], after.defaults.ca], ["mine", "sub/ca.pem"]);
  assert.match(await Deno.readTextFile(path), /^\{\n\t"repositories"/);

  // What cannot be written is said before anything is published.
  const late = [...init("late"), "--write-config"];
  const posts = story.posts;
  await story.fail(6, [...late, "--config", "none"], ["exists already", "Leave --config none out"]);
  await Deno.rename(path, story.path("sub/tagseal.json"));
  await Deno.symlink(story.path("sub/tagseal.json"), path);
  await story.fail(2, [...late, "--config", "tagseal.json"], ["tagseal.json", "a symbolic link is there"]);
  assert.equal(story.posts, posts);
});
