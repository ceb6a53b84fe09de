/** `tagseal doctor`: each fault is made real, is found, and hides nothing else. */
import assert from "node:assert/strict";
import { TagsealError } from "../../lib/errors.ts";
import { given, peersInMemory, Story, type StoryRun } from "../support/local_story.ts";
import { createTokenIssuer } from "../support/token_issuer.ts";

interface Check {
  readonly name: string;
  readonly repository?: string;
  readonly server?: string;
  readonly state: "ok" | "warning" | "error" | "skipped";
  readonly found: string;
  readonly code?: string;
  readonly remedy?: string;
  readonly command?: string;
}

const DAY_MS = 86_400_000;
const ALWAYS_SKIPPED = ["artifact-configuration skipped"];

async function examined(story: Story, code: number, args: string[] = [], run: StoryRun = {}): Promise<Check[]> {
  const outcome = await story.run(["doctor", "-r", story.gun, ...args, "--json"], { cacheStays: true, ...run });
  assert.equal(outcome.code, code, outcome.stderr + outcome.stdout);
  assert.equal(outcome.stderr, "", "all that there is to say is a finding");
  const { checks } = outcome.json<{ checks: Check[] }>();
  for (const { state, remedy, code, name } of checks) {
    assert.equal(remedy === undefined, state === "ok", `${name}: what is not well has a remedy`);
    assert.equal(code === undefined, state !== "error");
  }
  return checks;
}

/** What is not well, but for what nobody can look at. */
function faults(checks: readonly Check[]): string[] {
  const found = checks.filter(({ state }) => state !== "ok").map(({ name, state }) => `${name} ${state}`);
  return found.filter((one) => !ALWAYS_SKIPPED.includes(one));
}

function only(checks: readonly Check[], name: string): Check {
  const found = checks.filter((check) => check.name === name);
  assert.equal(found.length, 1, `"${name}" says one thing`);
  return found[0]!;
}

/** Has servers say what time it is there, as real ones do. */
function withDates(story: Story, aheadMs = 0): void {
  const before = story.between;
  story.between = async (request, send) => {
    const response = await before(request, send);
    const headers = new Headers(response.headers);
    headers.set("date", new Date(Date.now() + aheadMs).toUTCString());
    return new Response(response.body, { status: response.status, headers });
  };
}

/** A server, or a part of it, that nobody answers for, in the runtime's words. */
function down(story: Story, path: RegExp): void {
  const before = story.between;
  story.between = (request, send) =>
    path.test(new URL(request.url).pathname)
      ? Promise.reject(
        new TypeError("error sending request: client error (Connect): tcp connect error: Connection refused"),
      )
      : before(request, send);
}

Deno.test("doctor: all is well, nothing is filed, published or kept, and calls are few", async (t) => {
  await using story = await Story.readyToSign();
  withDates(story);
  await t.step("with the flags of sign", async () => {
    const before = await story.files();
    const checks = await examined(story, 0);
    assert.deepEqual(faults(checks), []);
    assert.deepEqual(checks.map(({ name }) => name), [
      ...["runtime", "proxy", "cas", "trust-dir", "clock", "notary", "registry"],
      ...["signpath", "signing-policy", "policy-certificate", "artifact-configuration"],
      ...["notary-access", "trust-data", "pin", "expiry", "delegation", "policy-key", "registry-access"],
    ]);
    assert.deepEqual(await story.files(), before);
    assert.deepEqual([story.signingRequests, story.writes()], [0, []]);
    assert.ok(story.calls.length < 20, `${story.calls.length} calls`);
  });
  await t.step("all schemes: the registry takes pushes, and the certificate is fit", async () => {
    const checks = await examined(story, 0, ["--scheme", "dct,cosign,notation"]);
    assert.deepEqual(faults(checks), []);
    assert.match(only(checks, "registry-access").found, /Takes pushes/);
    assert.match(only(checks, "scheme-certificate").found, /fit for cosign and notation/);
    assert.deepEqual(story.writes(), []);
  });
  await t.step("without a repository: those that are known here, each server once", async () => {
    const other = await story.another("demo/other");
    const { stdout } = await story.succeed(["doctor"]);
    assert.match(stdout, new RegExp(`^${story.gun}\n[^]*^${other}\n`, "m"));
    assert.equal(stdout.match(/ notary: /g)?.length, 1);
    assert.match(stdout, /\n0 wrong, 0 to look at, \d+ right, 1 not looked at\n$/);
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
  });
  await t.step("of many what is well takes a line each", async () => {
    const more = [await story.another("demo/c"), await story.another("demo/d")];
    await story.push("v1", "v1", "demo/e");
    await Deno.writeTextFile(story.path("names"), [story.gun, ...more, "localhost:5000/demo/e"].join("\n"));
    const { code, stdout } = await story.run(["doctor", "--repositories-from", "names"]);
    assert.equal(code, 2);
    for (const gun of [story.gun, ...more]) assert.match(stdout, new RegExp(`^${gun}: all 7 right$`, "m"));
    assert.match(stdout, /^localhost:5000\/demo\/e\n {2}ok {6}notary-access: .*\n {2}error {3}trust-data: /m);
  });
  await t.step("fit for a ticket: no home folder, no secret", async () => {
    const { stdout } = await story.succeed(["doctor", "--json"]);
    assert.ok(!stdout.includes(story.folder), stdout);
    assert.match(stdout, /~\/\.docker\/trust/);
  });
  await t.step("a machine that knows nothing keeps nothing, and is told of the pin", async () => {
    await using other = await Story.begin(story.peers);
    withDates(other);
    const checks = await examined(other, 0);
    assert.deepEqual(faults(checks), ["pin warning"]);
    assert.equal([...(await other.files()).keys()].filter((path) => path.endsWith("root.json")).length, 0);
    const certificate = await Deno.readFile(story.path(`${story.gun.replaceAll(/[/:]/g, "_")}.root.pem`));
    await given(other, "root.pem", certificate);
    assert.deepEqual(faults(await examined(other, 0, ["--root-pin", "root.pem"])), []);
    const wrong = await examined(other, 3, ["--root-pin", "0".repeat(64)]);
    assert.equal(only(wrong, "trust-data").code, "trust-invalid");
    assert.deepEqual(faults(wrong).filter((one) => one.endsWith("error")), ["trust-data error"]);
  });
});

Deno.test("doctor: what is wrong at SignPath", async (t) => {
  await using story = await Story.readyToSign();
  withDates(story);
  const rows: readonly [string, number, Record<string, string>, string, string, RegExp][] = [
    ["wrong token", 4, { SIGNPATH_API_TOKEN: "wrong" }, "signpath", "unauthenticated", /token/],
    ["wrong organization", 2, { SIGNPATH_ORGANIZATION_ID: "nobody" }, "signpath", "not-found", /organization|there/],
    ["no token", 2, { SIGNPATH_API_TOKEN: "" }, "signpath", "usage", /--api-token is missing/],
    [
      "wrong project",
      2,
      { SIGNPATH_PROJECT_SLUG: "demo-image" },
      "signing-policy",
      "not-found",
      /no project "demo-image"; there is demo-images, demo-hashes/,
    ],
    [
      "wrong policy",
      2,
      { SIGNPATH_SIGNING_POLICY_SLUG: "release" },
      "signing-policy",
      "not-found",
      /no signing policy "release" in the project "demo-images"; there is release-signing, /,
    ],
    [
      "a policy with another certificate",
      2,
      { SIGNPATH_SIGNING_POLICY_SLUG: "other-signing" },
      "policy-key",
      "bad-input",
      /signs with the key [0-9a-f]{12}, which may not sign for/,
    ],
  ];
  for (const [name, code, env, check, error, found] of rows) {
    await t.step(name, async () => {
      const checks = await examined(story, code, [], { env });
      assert.deepEqual(faults(checks).filter((one) => one.endsWith("error")), [`${check} error`]);
      const fault = only(checks, check);
      assert.equal(fault.code, error);
      assert.match(fault.found, found);
      assert.equal(only(checks, "registry-access").state, "ok");
      assert.equal(only(checks, "delegation").state, "ok");
    });
  }
  await t.step("nobody answers", async () => {
    await using alone = await Story.begin(story.peers);
    withDates(alone);
    down(alone, /^\/API/);
    const checks = await examined(alone, 5);
    assert.equal(only(checks, "signpath").code, "unavailable");
    assert.deepEqual(only(checks, "policy-key").state, "skipped");
    assert.deepEqual(only(checks, "trust-data").state, "ok");
  });
  await t.step("nothing said of it: not looked at", async () => {
    const none = Object.keys(story.env).filter((name) => name.startsWith("SIGNPATH_"));
    const checks = await examined(story, 0, [], { env: Object.fromEntries(none.map((name) => [name, ""])) });
    assert.deepEqual(faults(checks), ["signpath skipped"]);
    assert.match(only(checks, "signpath").remedy!, /SIGNPATH_API_TOKEN/);
  });
  await t.step("a key at hand signs: SignPath is not asked", async () => {
    story.calls.length = 0;
    const checks = await examined(story, 2, ["--signing-method", "key"]);
    assert.equal(only(checks, "delegation").code, "not-found");
    assert.deepEqual(story.calls.filter((call) => call.includes("/API/")), []);
  });
});

Deno.test("doctor: what ends, and clocks", async (t) => {
  await using story = await Story.readyToSign();
  withDates(story);
  const inDays = (days: number) => ({ host: { now: () => new Date(Date.now() + days * DAY_MS) } });
  await t.step("a certificate that ends soon", async () => {
    const checks = await examined(story, 3, [], inDays(360));
    assert.ok(faults(checks).includes("policy-certificate warning"));
  });
  await t.step("expired roles", async () => {
    await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
    const checks = await examined(story, 3, [], inDays(3 * 365 + 5));
    const expired = checks.filter(({ name, state }) => name === "expiry" && state === "error");
    assert.deepEqual(expired.map(({ found }) => /^"(\S+)" expired/.exec(found)?.[1]).filter(Boolean), [
      ...["targets", "snapshot", "timestamp", "targets/releases", "targets/signpath"],
    ]);
    assert.match(expired.map(({ command }) => command).join(), /tagseal sign -r \S+ --renew-role targets\/releases/);
    assert.equal(only(checks, "policy-certificate").code, "bad-input");
  });
  await t.step("this machine's clock", async () => {
    for (const [minutes, state, code] of [[3, "warning", 0], [-10, "error", 1], [0.5, "ok", 0]] as const) {
      const clock = only(await examined(story, code, [], inDays(minutes / 1440)), "clock");
      assert.equal(clock.state, state);
      if (minutes === -10) assert.match(clock.found, /10 min behind that of https:\/\/localhost:5000/);
    }
  });
});

Deno.test("doctor: servers that are down, are others, or let nobody write", async (t) => {
  await t.step("the Notary server is down: said once, and the rest is looked at", async () => {
    await using story = await Story.readyToSign();
    const other = await story.another("demo/other");
    withDates(story);
    down(story, /_trust|_notary|^\/v2\/$/);
    const checks = await examined(story, 5, ["--notary-url", "https://localhost:5001"]);
    const told = checks.filter(({ found }) => found.includes("nobody answers on that port"));
    assert.deepEqual(told.map(({ server }) => server), ["https://localhost:5001", "https://localhost:5000"]);
    assert.equal(only(checks, "policy-certificate").state, "ok");
    assert.ok(!checks.some(({ repository }) => repository === other));
  });
  await t.step("no Notary server there", async () => {
    await using story = await Story.readyToSign();
    withDates(story);
    const before = story.between;
    story.between = (request, send) =>
      /_trust|_notary/.test(request.url)
        ? Promise.resolve(new Response("404 page not found", { status: 404 }))
        : before(request, send);
    const checks = await examined(story, 2);
    assert.match(only(checks, "notary").found, /There is no Notary server at/);
    assert.equal(only(checks, "registry").state, "ok");
  });
  await t.step("tokens that do not suffice: to push, at both", async () => {
    const realm = "https://localhost:5000/token";
    const [user, password] = ["reader", "password-of-reader"];
    const issuer = await createTokenIssuer({ issuer: "i", service: "s", user, password, now: () => new Date() });
    let readOnly = false;
    const guard = (request: Request, scope: { repository: string; actions: "pull" | "push,pull" }) => {
      const refused = issuer.check(request, scope, realm);
      if (refused || !readOnly || scope.actions === "pull") return refused;
      const challenge = `Bearer realm="${realm}",service="s",error="insufficient_scope"`;
      return new Response("{}", { status: 401, headers: { "www-authenticate": challenge } });
    };
    const peers = await peersInMemory({
      notary: guard,
      registry: (request, scope) => Promise.resolve(guard(request, scope)),
      elsewhere: issuer.handle,
    });
    await using story = await Story.begin(peers);
    story.secrets.push(password, btoa(`${user}:${password}`));
    const auth = btoa(`${user}:${password}`);
    story.env = { ...story.env, NOTARY_AUTH: auth, REGISTRY_AUTH: auth };
    await story.succeed(["init", "-r", story.gun, "--delegation-certificate", "signpath.cer"]);
    withDates(story);
    assert.deepEqual(faults(await examined(story, 0)), ["registry-access warning"], "nothing was pushed yet");
    readOnly = true;
    const checks = await examined(story, 4, ["--scheme", "dct,cosign"]);
    assert.match(only(checks, "notary").found, new RegExp(`tokens come from ${realm}`));
    for (const name of ["notary-access", "registry-access"]) {
      const { code, found } = only(checks, name);
      assert.equal(code, "forbidden", name);
      assert.match(found, /that user may not push to it; tried as user "reader"/);
    }
    assert.equal(only(checks, "trust-data").state, "ok");
    const strangers = await examined(story, 4, [], { env: { NOTARY_AUTH: btoa("reader:wrong") } });
    assert.equal(only(strangers, "notary-access").code, "unauthenticated");
  });
});

Deno.test("doctor: certificates that the schemes do not take, and another key's", async () => {
  await using story = await Story.readyToSign();
  withDates(story);
  await given(story, "other.cer", story.peers.otherCertificate!);
  const root = `${story.gun.replaceAll(/[/:]/g, "_")}.root.pem`;
  const notation = ["--scheme", "cosign,notation", "--delegation-certificate"];
  for (
    const [file, found] of [
      ["other.cer", /signs with the key [0-9a-f]{12}, not with that of the certificate/],
      [root, /certificate/],
    ] as const
  ) {
    const checks = await examined(story, 2, [...notation, file]);
    const { code, found: words } = only(checks, "scheme-certificate");
    assert.equal(code, "bad-input");
    assert.match(words, found);
    assert.deepEqual(faults(checks).filter((one) => one.endsWith("error")), ["scheme-certificate error"]);
    assert.ok(!checks.some(({ name }) => name === "notary"), "content trust is not signed");
  }
});

Deno.test("doctor: what is wrong on this machine", async (t) => {
  await using story = await Story.readyToSign();
  withDates(story);
  await t.step("a proxy's variable that holds none: said once, and nobody is called", async () => {
    const elsewhere = ["--notary-url", "https://notary.example.com"];
    story.calls.length = 0;
    const env = { HTTPS_PROXY: "'http://proxy:3128'" };
    const checks = await examined(story, 2, elsewhere, { env });
    assert.deepEqual(faults(checks).filter((one) => one.endsWith("error")), ["proxy error"]);
    assert.deepEqual(story.calls, []);
    const good = { HTTPS_PROXY: "http://me:s3cret-of-proxy@proxy:3128" };
    story.secrets.push("s3cret-of-proxy");
    const { found } = only(await examined(story, 0, elsewhere, { env: good }), "proxy");
    assert.equal(found, "https://notary.example.com through http://proxy:3128; https://localhost:5000 directly");
  });
  await t.step("files with CAs", async () => {
    const none = await examined(story, 2, ["--ca", await given(story, "none.pem", "no PEM")]);
    assert.equal(only(none, "cas").code, "bad-input");
    assert.equal(only(none, "trust-dir").state, "ok");
    assert.equal(none.filter(({ state }) => state === "error").length, 1, "all others wait for it");
  });
  await t.step("a trust directory that is open to all", async () => {
    await Deno.chmod(story.trust, 0o777);
    const checks = await examined(story, 0);
    assert.match(checks.find(({ name, state }) => name === "trust-dir" && state !== "ok")!.found, /Every user/);
    await Deno.chmod(story.trust, 0o700);
  });
  await t.step("no home", async () => {
    const checks = await examined(story, 0, [], { env: { HOME: "" } });
    assert.match(only(checks, "trust-dir").found, /There is no home directory/);
    assert.match(only(checks, "trust-dir").remedy!, /--trust-dir/);
  });
  await t.step("interrupted", async () => {
    const control = new AbortController();
    story.between = (request) => {
      control.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Run it again" }));
      return Promise.reject(request.signal.reason ?? new TypeError("cut"));
    };
    const { code, stdout } = await story.run(["doctor", "-r", story.gun], { signal: control.signal });
    assert.deepEqual([code, stdout], [130, ""]);
  });
});
