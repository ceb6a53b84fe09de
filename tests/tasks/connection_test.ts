/** Whose credentials reach which server, and how servers are reached. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { createTokenIssuer } from "../support/token_issuer.ts";
import { given, type PeerOptions, peersInMemory, Story, type StoryRun } from "../support/local_story.ts";

const base64 = (user: string, password: string) => utf8(`${user}:${password}`).toBase64();

/** Servers that let only one user in, and take note of who knocked. */
async function guarded(): Promise<{ story: Story; seen: Record<"notary" | "registry", (string | null)[]> }> {
  const seen: Record<"notary" | "registry", (string | null)[]> = { notary: [], registry: [] };
  let open = true;
  const guard = (name: "notary" | "registry"): PeerOptions["registry"] => (request) => {
    if (open) return Promise.resolve(undefined);
    const given = request.headers.get("authorization");
    seen[name].push(given && new TextDecoder().decode(Uint8Array.fromBase64(given.replace("Basic ", ""))));
    const good = given === `Basic ${base64(`${name}-user`, `pw-of-${name}`)}`;
    const headers = { "www-authenticate": 'Basic realm="a realm"' };
    return Promise.resolve(good ? undefined : new Response(null, { status: 401, headers }));
  };
  const story = await Story.readyToSign(
    await peersInMemory({ notary: guard("notary"), registry: guard("registry") }),
  );
  open = false;
  for (const [user, password] of CREDENTIALS) story.secrets.push(password, base64(user, password));
  return { story, seen };
}

const GOOD = { notary: ["notary-user", "pw-of-notary"], registry: ["registry-user", "pw-of-registry"] } as const;
const CREDENTIALS = [
  GOOD.notary,
  GOOD.registry,
  ["flag-user", "flag-password"],
  ["variable-user", "variable-password"],
  [
    "config-user",
    "config-password",
  ],
] as const;

Deno.test("credentials: flag before variable before Docker's config before nothing", async (t) => {
  const { story, seen } = await guarded();
  await using _ = story;
  await Deno.mkdir(`${story.folder}/home/.docker`, { recursive: true });
  const config = (host: string) =>
    JSON.stringify({ auths: { [host]: { auth: base64("config-user", "config-password") } } });
  await Deno.writeTextFile(`${story.folder}/home/.docker/config.json`, config(story.peers.host));
  const list = ["list", "-r", story.gun];
  const flags = ["--notary-username", "flag-user", "--notary-password", "env:PASSWORD"];
  const PASSWORD = "flag-password";
  const NOTARY_AUTH = base64("variable-user", "variable-password");
  const cases: [name: string, args: string[], env: Record<string, string>, who: string | null][] = [
    ["flag", flags, { PASSWORD, NOTARY_AUTH }, "flag-user:flag-password"],
    ["variable", [], { NOTARY_AUTH }, "variable-user:variable-password"],
    ["config", [], {}, "config-user:config-password"],
    [
      "the registry's variable is not for the Notary server",
      [],
      { REGISTRY_AUTH: NOTARY_AUTH },
      "config-user:config-password",
    ],
    ["another DOCKER_CONFIG without credentials", [], { DOCKER_CONFIG: "docker" }, null],
  ];
  for (const [name, args, env, who] of cases) {
    await t.step(name, async () => {
      seen.notary.length = 0;
      const user = who === null ? "anonymously" : `as user "${who.split(":")[0]}"`;
      const words = ["refuses access", user, "NOTARY_AUTH", "--notary-password"];
      await story.fail(4, [...list, ...args], words, { env, cacheStays: true });
      assert.deepEqual(new Set(seen.notary), new Set(who === null ? [null] : [null, who]));
    });
  }
  await t.step("each server gets its own", async () => {
    const env = { NOTARY_AUTH: base64(...GOOD.notary), REGISTRY_AUTH: base64(...GOOD.registry) };
    Object.values(seen).forEach((list) => list.length = 0);
    await story.succeed(["sign", "-r", story.gun, "-t", "v1"], { env });
    assert.deepEqual(new Set(seen.notary), new Set([null, GOOD.notary.join(":")]));
    assert.deepEqual(new Set(seen.registry), new Set([null, GOOD.registry.join(":")]));
  });
  await t.step("the registry's user is refused", async () => {
    const env = { NOTARY_AUTH: base64(...GOOD.notary) };
    const words = ["The registry", 'as user "config-user"', "REGISTRY_AUTH", "right to pull"];
    await story.fail(4, ["sign", "-r", story.gun, "-t", "v2"], words, { env });
    assert.equal(story.peers.signPath.requests().length, 1, "nothing more was submitted");
  });
  await t.step("DOCKER_CONFIG moves the trust directory, too", async () => {
    await Deno.mkdir(story.path("docker"));
    const auths = { auths: { [`https://${story.peers.host}/v1/`]: { auth: base64(...GOOD.notary) } } };
    await Deno.writeTextFile(story.path("docker/config.json"), `\ufeff${JSON.stringify(auths)}`);
    await story.succeed(list, { env: { DOCKER_CONFIG: "docker" } });
    const root = `docker/trust/tuf/${story.gun}/metadata/root.json`;
    assert.ok((await story.files()).has(`work/${root}`));
  });
});

Deno.test("credentials that cannot be used", async (t) => {
  const { story } = await guarded();
  await using _ = story;
  story.secrets.push("s3cret");
  const list = ["list", "-r", story.gun];
  const cases: [name: string, args: string[], words: string[], run?: StoryRun][] = [
    ["NOTARY_AUTH that is no base64", [], ["NOTARY_AUTH is not the base64"], { env: { NOTARY_AUTH: "user:s3cret" } }],
    ["NOTARY_AUTH without a colon", [], ["NOTARY_AUTH is not the base64"], { env: { NOTARY_AUTH: btoa("s3cret") } }],
    ["user without password", ["--notary-username", "u"], ["password is missing"]],
    ["password without user", ["--notary-password", "env:P"], ["user name is missing"], { env: { P: "s3cret" } }],
    ["variable that is not set", ["--notary-username", "u", "--notary-password", "env:P"], [
      "--notary-password names the variable P, which is not set",
    ]],
    ["file that is not there", ["--notary-username", "u", "--notary-password", "file:no.txt"], ["There is no file"]],
    ["empty file", ["--notary-username", "u", "--notary-password", "file:empty.txt"], [
      "The secret of --notary-password is empty",
    ]],
    ["empty value", ["--notary-username", "u", "--notary-password", ""], ["The secret of --notary-password is empty"]],
    ["user name with a colon", ["--notary-username", "u:v", "--notary-password", "env:P"], ["neither a colon nor"], {
      env: { P: "s3cret" },
    }],
  ];
  await given(story, "empty.txt", "\n");
  for (const [name, args, words, run] of cases) {
    await t.step(name, async () => {
      await story.fail(2, [...list, ...args], words, { cacheStays: true, ...run });
    });
  }
  await t.step("damaged config.json", async () => {
    await Deno.writeTextFile(`${story.folder}/home/.docker/config.json`, '{"auths": s3cret');
    const words = ["refuses access", "Docker's config.json cannot be used: it is not JSON", "DOCKER_CONFIG"];
    await story.fail(4, list, words, { cacheStays: true });
    assert.match((await story.run(list)).stderr, /^tagseal: warning: Docker's config\.json .*; going on without it$/m);
  });
  await t.step("DOCKER_CONFIG that names the file", async () => {
    await given(story, "config.json", "{}");
    const words = ['DOCKER_CONFIG names a file, "config.json": a folder is needed', "folder that holds config.json"];
    await story.fail(2, list, words, { env: { DOCKER_CONFIG: "config.json" }, cacheStays: true });
  });
});

Deno.test("Docker's config and its helpers stop nobody who can do without them", async (t) => {
  let open = true;
  const guard: PeerOptions["registry"] = (request) => {
    const authorization = request.headers.get("authorization");
    const good = open || ["Bearer anybody", `Basic ${base64("anna", "pw")}`].includes(authorization ?? "");
    const headers = { "www-authenticate": 'Bearer realm="https://localhost:5000/token"' };
    return Promise.resolve(good ? undefined : new Response(null, { status: 401, headers }));
  };
  const askedBy: (string | null)[] = [];
  const elsewhere: PeerOptions["elsewhere"] = (request) => {
    askedBy.push(request.headers.get("authorization"));
    return Promise.resolve(Response.json({ token: "anybody" }));
  };
  await using story = await Story.readyToSign(await peersInMemory({ notary: guard, registry: guard, elsewhere }));
  const docker = `${story.folder}/home/.docker`;
  const list = ["list", "-r", story.gun];
  const helper = { runCredentialHelper: () => Promise.resolve({ failure: "missing" as const }) };
  const kinds: [name: string, make: (path: string) => Promise<void>, words: RegExp | undefined][] = [
    ["a folder", (path) => Deno.mkdir(path), /config\.json" cannot be read: it is not a file; going on without it$/m],
    ["damaged", (path) => Deno.writeTextFile(path, '{"auths"'), /config\.json cannot be used: it is not JSON; going/],
    ["empty", (path) => Deno.writeTextFile(path, ""), undefined],
    ["nothing in it", (path) => Deno.writeTextFile(path, '{"auths":null,"credsStore":null}'), undefined],
    [
      "another host's entry is damaged",
      (path) => Deno.writeTextFile(path, '{"auths":{"r.example":{"auth":"!"},"x":7}}'),
      undefined,
    ],
    [
      "a helper that is not there",
      (path) => Deno.writeTextFile(path, '{"credsStore":"desktop.exe"}'),
      /^tagseal: warning: The credential helper "docker-credential-desktop\.exe", .* is not on PATH; going on/m,
    ],
  ];
  for (const [name, make, words] of kinds) {
    await t.step(name, async () => {
      await make(`${docker}/config.json`);
      const warnings = (stderr: string) => stderr.split("\n").filter((line) => line.includes("going on"));
      open = true;
      assert.deepEqual(warnings((await story.succeed(list, { host: helper })).stderr), [], "not asked for");
      open = false;
      const NOTARY_AUTH = base64("anna", "pw");
      const given = await story.succeed(list, { env: { NOTARY_AUTH }, host: helper });
      assert.deepEqual(warnings(given.stderr), [], "given otherwise");
      askedBy.length = 0;
      const { stderr } = await story.succeed([
        "signing-data",
        "--force",
        "-r",
        story.gun,
        "-t",
        "v1",
        "--output-artifact-path",
        "d.zip",
      ], {
        host: helper,
      });
      assert.deepEqual(new Set(askedBy), new Set([null]));
      assert.equal(warnings(stderr).length, words ? 1 : 0, stderr);
      if (words) assert.match(stderr, words);
      await Deno.remove(`${docker}/config.json`, { recursive: true });
    });
  }
  await t.step("DOCKER_AUTH_CONFIG of a CI system", async () => {
    askedBy.length = 0;
    const DOCKER_AUTH_CONFIG = JSON.stringify({
      auths: { [story.peers.host]: { auth: base64("ci", "pw\nof\nlines") } },
    });
    await story.succeed(list, { env: { DOCKER_AUTH_CONFIG } });
    assert.deepEqual(askedBy, [`Basic ${base64("ci", "pw\nof\nlines")}`]);
  });
  await t.step("a host in upper case is said to be another one", async () => {
    const { stderr } = await story.fail(2, ["list", "-r", story.gun.toUpperCase().replace("DEMO/APP", "demo/app")], []);
    assert.match(stderr, /warning: the host of "LOCALHOST:5000\/demo\/app" is in upper case: .* than "localhost:5000/);
  });
});

Deno.test("a secret may be in a variable, in a file, on stdin; on the command line it is warned of", async (t) => {
  const { story } = await guarded();
  await using _ = story;
  const list = (
    password: string,
  ) => ["list", "--quiet", "-r", story.gun, "--notary-username", "notary-user", "--notary-password", password];
  await given(story, "password.txt", "pw-of-notary\r\n");
  const readStdin = () => Promise.resolve("pw-of-notary\n");
  await t.step("variable", async () => {
    assert.equal((await story.succeed(list("env:P"), { env: { P: "pw-of-notary" } })).stderr, "");
  });
  await t.step("file", async () => {
    assert.equal((await story.succeed(list("file:password.txt"))).stderr, "");
  });
  await t.step("stdin", async () => {
    assert.equal((await story.succeed(list("-"), { host: { readStdin } })).stderr, "");
  });
  await t.step("command line", async () => {
    const { stderr } = await story.succeed(list("pw-of-notary"));
    assert.match(
      stderr,
      /^tagseal: warning: --notary-password: a secret on the command line .* use env:NAME or file:PATH\n$/,
    );
  });
  await t.step("SignPath's token, too", async () => {
    const env = {
      NOTARY_AUTH: base64(...GOOD.notary),
      REGISTRY_AUTH: base64(...GOOD.registry),
      SIGNPATH_API_TOKEN: "wrong",
    };
    await given(story, "token", `${story.peers.apiToken}\n`);
    await story.succeed(["sign", "-r", story.gun, "-t", "v1", "--api-token", "file:token"], { env });
  });
});

Deno.test("tokens: the scope is what the command needs, and the password goes to the realm only", async () => {
  const realm = "https://localhost:5000/token";
  const [user, password] = ["bench", "bench-password"];
  const options = { issuer: "test issuer", service: "test service", user, password, now: () => new Date() };
  const issuer = await createTokenIssuer(options);
  const asked: string[] = [];
  const peers = await peersInMemory({
    notary: (request, scope) => issuer.check(request, scope, realm),
    registry: (request, scope) => Promise.resolve(issuer.check(request, scope, realm)),
    elsewhere(request) {
      asked.push(...new URL(request.url).searchParams.getAll("scope"));
      return issuer.handle(request);
    },
  });
  await using story = await Story.begin(peers);
  story.secrets.push(password, base64(user, password));
  const basic: string[] = [];
  story.between = async (request, send) => {
    if (request.headers.get("authorization")?.startsWith("Basic ")) basic.push(new URL(request.url).pathname);
    const response = await send(request);
    // Tokens of a careless server are secrets as well.
    if (new URL(request.url).pathname === "/token" && response.ok) {
      story.secrets.push((await response.clone().json()).token);
    }
    return response;
  };
  const env = { NOTARY_AUTH: base64(user, password), REGISTRY_AUTH: base64(user, password) };
  await story.succeed(["init", "-r", story.gun], { env });
  assert.deepEqual(new Set(asked.splice(0)), new Set([`repository:${story.gun}:push,pull`]));
  await story.succeed(["list", "-r", story.gun], { env });
  assert.deepEqual(new Set(asked.splice(0)), new Set([`repository:${story.gun}:pull`]));
  assert.deepEqual(new Set(basic), new Set(["/token"]));
  await story.fail(4, ["list", "-r", story.gun], ["anonymously", realm, `repository:${story.gun}:pull`]);
  const wrong = { NOTARY_AUTH: base64(user, "wrong-password") };
  story.secrets.push("wrong-password");
  await story.fail(4, ["list", "-r", story.gun], ['as user "bench"', realm], {
    env: wrong,
  });
});

Deno.test("plain http is for this machine, unless it is allowed", async (t) => {
  await using story = await Story.readyToSign();
  const list = ["list", "-r", story.gun, "--notary-url"];
  await t.step("another machine", async () => {
    story.calls.length = 0;
    // How to do it all the same is nobody's next move.
    const { stderr } = await story.fail(2, [...list, "http://notary.example.com"], ["is not encrypted", "Use https:"], {
      cacheStays: true,
    });
    assert.doesNotMatch(stderr, /--allow-http/);
    const env = { DOCKER_CONTENT_TRUST_SERVER: "http://notary.example.com" };
    await story.fail(2, list.slice(0, 3), ["is not encrypted"], { env, cacheStays: true });
    const registry = ["sign", "-r", story.gun, "-t", "v1", "--registry-url", "http://registry.example.com"];
    await story.fail(2, registry, ["registry's address", "is not encrypted"], { cacheStays: true });
    const api = ["sign", "-r", story.gun, "-t", "v1", "--api-url", "http://signpath.example.com"];
    await story.fail(2, api, ["SignPath API's address", "is not encrypted"], { cacheStays: true });
    assert.deepEqual(story.calls, []);
  });
  await t.step("allowed, with a warning", async () => {
    const { stderr } = await story.succeed([...list, "http://notary.example.com", "--allow-http", "--quiet"]);
    assert.match(stderr, /^tagseal: warning: --allow-http: whoever is on the way can read passwords and tokens\n$/);
  });
  await t.step("loopback", async () => {
    assert.equal((await story.succeed([...list, "http://localhost:9999", "--quiet"])).stderr, "");
  });
  await t.step("no address at all: where it comes from is named, and what it looks like", async () => {
    const api = ["sign", "-r", story.gun, "-t", "v1", "--api-url", "nonsense"];
    await story.fail(2, api, [
      "The SignPath API's address (--api-url or SIGNPATH_API_URL) is not a plain https URL",
      "Give it as https://host[:port], for example https://app.signpath.io/API, with",
    ], { cacheStays: true });
    const registry = ["sign", "-r", story.gun, "-t", "v1", "--registry-url", "ftp://nonsense"];
    await story.fail(2, registry, [
      "The registry's address (--registry-url) is not a plain https URL",
      "Give it as https://host[:port], with",
    ], { cacheStays: true });
    story.secrets.push("s3cret");
    for (const url of ["notary.example.com", "ftp://x", "https://user:s3cret@notary.example.com", "https://"]) {
      await story.fail(2, [...list, url], [
        "Notary server's address (--notary-url or DOCKER_CONTENT_TRUST_SERVER) is not a plain https URL",
      ], { cacheStays: true });
    }
  });
});

Deno.test("a server that cannot be reached is named, with what to do", async (t) => {
  await using story = await Story.readyToSign();
  for (
    const reason of ["tcp connect error: Connection refused (os error 111)", "dns error: failed to lookup address"]
  ) {
    await t.step(reason, async () => {
      story.between = () => Promise.reject(new TypeError(`error sending request: ${reason}`));
      const words = ["Notary server", "https://localhost:5000", reason, "run the command again"];
      await story.fail(5, ["verify", "-r", story.gun, "-t", "v1"], words, { cacheStays: true });
      const looked = await story.succeed(["list", "-r", story.gun]);
      assert.match(looked.stderr, /warning: .*The local copy of .* is used: it is verified, and may not be the newest/);
    });
  }
  await t.step("the registry alone", async () => {
    story.between = (request, send) =>
      request.url.includes("/manifests/") ? Promise.reject(new TypeError("dns error")) : send(request);
    await story.fail(5, ["sign", "-r", story.gun, "-t", "v1"], ["Registry", "dns error"]);
  });
  await t.step("an endless answer", async () => {
    const piece = new Uint8Array(2 ** 20);
    const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(piece) });
    story.between = () => Promise.resolve(new Response(endless()));
    await story.fail(5, ["init", "-r", "localhost:5000/demo/x"], ["its answer is too long"], { cacheStays: true });
  });
});

Deno.test("a short interruption does not stop a read, and is told; a first publish is not repeated", async (t) => {
  await using story = await Story.readyToSign();
  const failing = (method: string, times: number) => {
    let left = times;
    story.calls.length = 0;
    story.between = (request, send) =>
      request.method === method && request.url.includes("/_trust/tuf/") && left-- > 0
        ? Promise.resolve(new Response(null, { status: 503, headers: { "retry-after": "1" } }))
        : send(request);
  };
  await t.step("reads", async () => {
    failing("GET", 1);
    const { stderr } = await story.succeed(["list", "-r", story.gun]);
    assert.match(stderr, /^Notary server at "https:\/\/localhost:5000" answers 503; trying again$/m);
    assert.equal(stderr.split("trying again").length, 2, "told once");
  });
  await t.step("a longer one ends it, after seven tries for each file", async () => {
    failing("GET", Infinity);
    await story.fail(5, ["verify", "-r", story.gun, "-t", "v1", "--no-input"], ["status 503"]);
    const root = story.calls.filter((call) => call.endsWith("/timestamp.json"));
    assert.equal(root.length, 7);
  });
  await t.step("a publish", async () => {
    failing("POST", 1);
    await story.fail(5, ["init", "-r", "localhost:5000/demo/other"], ["status 503"], { keysMayStay: true });
    assert.equal(story.posts, 1);
  });
});
