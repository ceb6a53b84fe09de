/**
 * Secrets are planted wherever tagseal takes one, every command is run well and badly, with `--verbose`, and what it
 * prints and writes is searched for them: in the log, in `--json`, in what CI systems are told and in every file.
 *
 * The servers are hostile in all that they answer to whoever has sent a secret: they write it into words, challenges,
 * addresses and documents, in any form. `TAGSEAL_SECRETS=all` has each of them do it at each request of each command.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { type Bytes, text, utf8 } from "../../lib/bytes/bytes.ts";
import { globalFlags } from "../../lib/cli/common_flags.ts";
import { partsOf } from "../../lib/cli/flags.ts";
import type { Need } from "../../lib/cli/needs.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { given, peersInMemory, Story, type StoryRun } from "../support/local_story.ts";
import { leaksIn, type Planted, waysToWrite } from "../support/planted.ts";
import { type Outcome, tagseal } from "../support/run.ts";
import { inFolder } from "../support/test_files.ts";
import { rsaKey } from "../support/rsa_keys.ts";

const ALL = Deno.env.get("TAGSEAL_SECRETS") === "all";

/** No two have a part in common; what is odd in them is what forms of writing change. */
const random = (length = 18) => crypto.getRandomValues(new Uint8Array(length)).toBase64().replaceAll(/[+/]/g, "q");
const odd = () => `${random()}+"ü&%/=<${random()}`;

const PASSWORDS = { notary: odd(), registry: odd() };
const PLANTED = {
  "the Notary server's password": PASSWORDS.notary,
  "the registry's password": PASSWORDS.registry,
  "a password in Docker's config": odd(),
  "a password from a helper": odd(),
  "an identity token": random(30),
  "the Notary server's bearer token": random(30),
  "the registry's bearer token": random(30),
  "SignPath's token": random(30),
  "the root passphrase": `${random()} & ${random()}`,
  "the targets passphrase": `${random()} ü ${random()}`,
  "the delegation passphrase": `${random()} "x" ${random()}`,
  "a proxy's password": odd(),
  "a PIN": random(9),
  "another program's password": odd(),
} satisfies Planted;
const user = "user-of-ci";
const auth = (password: string) => utf8(`${user}:${password}`).toBase64();

/** The ways in which credentials come; each is a server's password, or the token that stands for it. */
const WAYS: readonly { readonly env?: Record<string, string>; readonly config?: unknown; readonly helper?: true }[] = [
  { env: { NOTARY_AUTH: auth(PASSWORDS.notary), REGISTRY_AUTH: auth(PASSWORDS.registry) } },
  { config: { auths: { "localhost:5000": { auth: auth(PLANTED["a password in Docker's config"]) } } } },
  { config: { auths: { "localhost:5000": { auth: "", identitytoken: PLANTED["an identity token"] } } } },
  { config: { credHelpers: { "localhost:5000": "pass" } }, helper: true },
  {
    env: {
      DOCKER_AUTH_CONFIG: JSON.stringify({
        auths: { "localhost:5000": { auth: auth(PLANTED["a password in Docker's config"]) } },
      }),
    },
  },
];
const GOOD = [PASSWORDS.notary, PASSWORDS.registry, PLANTED["a password in Docker's config"]]
  .concat(PLANTED["a password from a helper"]).map((password) => `Basic ${auth(password)}`);

const REALM = "https://localhost:5000/token";

let open = false;

/** A server that wants a token, of a token server that wants a password. */
function guard(name: "Notary server's" | "registry's") {
  return (request: Request): Promise<Response | undefined> => Promise.resolve(answer(request));

  function answer(request: Request): Response | undefined {
    if (open || request.headers.get("authorization") === `Bearer ${PLANTED[`the ${name} bearer token`]}`) {
      return undefined;
    }
    const challenge = `Bearer realm="${REALM}",service="${name[0]}",scope="repository:demo/app:pull"`;
    return Response.json({ errors: [] }, { status: 401, headers: { "www-authenticate": challenge } });
  }
}

async function tokens(request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname !== "/token") return new Response(null, { status: 404 });
  const form = request.method === "POST" ? new URLSearchParams(await request.text()) : url.searchParams;
  const isGood = form.get("refresh_token") === PLANTED["an identity token"] ||
    GOOD.includes(request.headers.get("authorization") ?? "");
  if (!isGood) return new Response(null, { status: 401 });
  const name = form.get("service") === "N" ? "Notary server's" : "registry's";
  return Response.json({ token: PLANTED[`the ${name} bearer token`], refresh_token: random(30) });
}

/** What a request gives away to whom it is sent. */
async function sentWith(request: Request): Promise<string[]> {
  const [scheme, value] = (request.headers.get("authorization") ?? "").split(" ");
  const form = request.method === "POST" && request.url.startsWith(REALM)
    ? new URLSearchParams(await request.clone().text())
    : undefined;
  const sent = [value, form?.get("refresh_token")].filter((each) => typeof each === "string");
  if (scheme !== "Basic" || value === undefined) return sent;
  const pair = text(Uint8Array.fromBase64(value) as Bytes);
  return [...sent, pair, pair.slice(user.length + 1)];
}

/** What may stand in any header, and in quotes there. */
const FOR_HEADERS = /^[\w%&;#+/=.:~!*()-]+$/;

/** What a hostile server answers, with `echo` in it. */
const HOSTILE: Readonly<Record<string, (echo: string, header: string, request: Request) => Response>> = {
  "words": (echo) => refusal(403, echo),
  "other words": (echo) => refusal(400, echo),
  "broken": (echo) => refusal(500, echo),
  "too many": (echo, header) => refusal(429, echo, { "retry-after": header }),
  "nothing there": (echo) => refusal(404, echo),
  "a challenge": (echo, header) => refusal(401, echo, { "www-authenticate": `Basic realm="${header}"` }),
  "a realm": (echo, header) =>
    refusal(401, echo, {
      "www-authenticate": `Bearer realm="${REALM}/${header}?x=${header}",service="${header}",` +
        `error="insufficient_scope",error_description="${header}"`,
    }),
  "a bad realm": (echo, header) => refusal(401, echo, { "www-authenticate": `Bearer realm="ftp://${header}"` }),
  "an address": (_echo, header) => redirect(`https://localhost:5000/x/${header}?x=${header}`),
  "another host": (_echo, header) => redirect(`https://${header}@elsewhere.example/${header}`),
  "no address": (_echo, header) => redirect(header),
  "garbage": (echo, header) => new Response(echo, { headers: { "content-type": header } }),
  "broken JSON": (echo) => new Response(`{"a":"${echo}`, { headers: { "content-type": "application/json" } }),
  "a document": (echo) => Response.json(documentWith(echo)),
  "no connection": (echo, _header, { url }) => {
    throw new TypeError(`error sending request for url (${url}?${echo}): connection reset`);
  },
};

function refusal(status: number, echo: string, headers: Record<string, string> = {}): Response {
  const error = { code: echo, message: echo, detail: { Name: echo, Error: { Msg: echo } } };
  const words = { title: echo, detail: echo, message: echo, error: echo, error_description: echo, details: echo };
  return Response.json({ errors: [error], ...words }, { status, headers });
}

function redirect(location: string): Response {
  return new Response(null, { status: 307, headers: { location } });
}

/** Says it in every member that some document has. */
function documentWith(echo: string): unknown {
  const names = ["token", "name", "status", "workflowStatus", "signingRequestId", "mediaType", "_type", "id", "webLink"]
    .concat(
      "schemaVersion",
      "artifactType",
      "config",
      "subject",
      "layers",
      "manifests",
      "tags",
      "signed",
      "signatures",
    );
  return { ...Object.fromEntries(names.map((name) => [name, echo])), tags: [echo], isFinalStatus: true };
}

/** The ways in which a run tells: with flags and variables. */
const TELLING: readonly { readonly args: readonly string[]; readonly env?: Record<string, string> }[] = [
  { args: ["--verbose"] },
  { args: ["--json", "--verbose"] },
  { args: [], env: { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: "SUMMARY/github.md" } },
  { args: ["--verbose"], env: { TF_BUILD: "True", AGENT_TEMPDIRECTORY: "SUMMARY" } },
  { args: ["--json"], env: { GITLAB_CI: "true" } },
];

/** What is typed wrong, with a secret in it. */
const MISTAKES: readonly (readonly string[])[] = [
  ["--no-such-flag", PASSWORDS.notary],
  [PLANTED["SignPath's token"], `--api-tokn=${PLANTED["SignPath's token"]}`],
  [`--notary-url=https://me:${encodeURIComponent(PASSWORDS.notary)}@localhost:5000`, "--no-such-flag"],
  [`--registry-url=https://me:${encodeURIComponent(PASSWORDS.registry)}@localhost:5000`, "--no-such-flag"],
  [`--api-url=https://${PLANTED["SignPath's token"]}@localhost:5000/API`, "--no-such-flag"],
];
/** The same as flags that there are, where the command has them. */
const ADDRESSES: Readonly<Record<string, string>> = {
  "notary-url": PASSWORDS.notary,
  "to-notary-url": PASSWORDS.notary,
  "registry-url": PASSWORDS.registry,
  "api-url": PLANTED["SignPath's token"],
  "release-url": PLANTED["another program's password"],
};

/** What stands for a file in a flag's spec. */
const FILES = /^(?:file|file\|id|pin|pem|path|dir)$/;

/** Whoever has such a need sends secrets. */
const CALLS: readonly Need[] = ["notary", "registry", "signpath"];

class Spy implements AsyncDisposable {
  readonly ran = new Map<string, { good: number; told: number }>();
  /** What was found, each once for each command. */
  readonly found = new Set<string>();
  /** All that runs are told with, where it may not be anything. */
  telling: readonly string[] | undefined;
  #turn = 0;

  private constructor(readonly story: Story) {}

  static async begin(): Promise<Spy> {
    const peers = await peersInMemory({
      notary: guard("Notary server's"),
      registry: guard("registry's"),
      elsewhere: tokens,
      apiToken: PLANTED["SignPath's token"],
    });
    const story = await Story.begin(peers);
    await Deno.mkdir(`${story.folder}/summaries`);
    story.env = {
      ...story.env,
      NOTARY_ROOT_PASSPHRASE: PLANTED["the root passphrase"],
      NOTARY_TARGETS_PASSPHRASE: PLANTED["the targets passphrase"],
      NOTARY_DELEGATION_PASSPHRASE: PLANTED["the delegation passphrase"],
      TAGSEAL_PKCS11_PIN: PLANTED["a PIN"],
      PASSWORD_OF_ANOTHER_PROGRAM: PLANTED["another program's password"],
      HTTPS_PROXY: `http://me:${encodeURIComponent(PLANTED["a proxy's password"])}@proxy.example:3128`,
    };
    return new Spy(story);
  }

  /** Pushes an image as its build does. */
  async push(tag: string): Promise<void> {
    open = true;
    await this.story.push(tag);
    open = false;
  }

  #next<T>(all: readonly T[]): T {
    return all[this.#turn++ % all.length]!;
  }

  async run(args: readonly string[], more: StoryRun = {}): Promise<Outcome> {
    const { story } = this;
    const way = this.#next(WAYS);
    const telling = this.telling ? { args: this.telling } : this.#next(TELLING);
    const config = `${story.folder}/home/.docker/config.json`;
    if (way.config) {
      await Deno.mkdir(`${story.folder}/home/.docker`, { recursive: true });
      await Deno.writeTextFile(config, JSON.stringify(way.config));
    }
    let later = 0;
    const outcome = await story.run([...args, ...telling.args.filter((flag) => !args.includes(flag))], {
      filesMayChange: true,
      ...more,
      env: {
        ...Object.fromEntries(
          Object.entries(telling.env ?? {}).map((
            [name, value],
          ) => [name, value.replace("SUMMARY", `${story.folder}/summaries`)]),
        ),
        ...way.env,
        ...more.env,
      },
      host: {
        sleep: (ms) =>
          new Promise<void>((resolve) => {
            later += ms;
            setTimeout(resolve, 0);
          }),
        now: () => new Date(Date.now() + later),
        ...(way.helper
          ? {
            runCredentialHelper: () =>
              Promise.resolve({
                exitCode: 0,
                stdout: utf8(JSON.stringify({ Username: user, Secret: PLANTED["a password from a helper"] })),
                stderr: utf8(PLANTED["a password from a helper"]),
              }),
          }
          : {}),
        ...more.host,
      },
    });
    if (way.config) await Deno.remove(config);
    const written: string[] = [];
    for (const path of (await story.files()).keys()) {
      written.push(new TextDecoder("latin1").decode(await Deno.readFile(`${story.folder}/${path}`)));
    }
    const { stdout, stderr } = outcome;
    for (const leak of [...leaksIn(stdout, PLANTED), ...leaksIn(stderr, PLANTED)]) {
      this.found.add(`${args.join(" ")} ${telling.args}: ${leak}`);
    }
    for (const leak of leaksIn(written.join("\n"), PLANTED)) this.found.add(`${args[0]} writes ${leak}`);
    return outcome;
  }

  /** Runs a command badly, in each way that there is for it, then well. */
  async step(args: readonly string[], more: StoryRun = {}): Promise<Outcome> {
    const { story } = this;
    const ran = this.ran.get(args[0]!) ?? { good: 0, told: 0 };
    this.ran.set(args[0]!, ran);
    const typed = MISTAKES.map((mistake) => [...args, ...mistake]);
    for (const mistaken of ALL ? typed : [this.#next(typed)]) {
      const { code } = await this.run(mistaken, more);
      assert.ok(code !== 0, mistaken.join(" "));
    }
    let isDone = false; // what a command does once is done, where it has met none of it
    const modes = Object.keys(HOSTILE);
    for (const mode of ALL ? modes : [this.#next(modes), this.#next(modes), this.#next(modes)]) {
      for (let at = 0, reached = true; reached && (ALL || at < 1); at++) {
        let sent = 0;
        story.between = async (request, send) => {
          const secrets = await sentWith(request);
          if (secrets.length === 0 || sent++ < (ALL ? at : ran.told % 4)) return await send(request);
          const secret = this.#next(secrets);
          const echoes = [...waysToWrite(secret).values()];
          return HOSTILE[mode]!(
            this.#next(echoes),
            this.#next(echoes.filter((each) => FOR_HEADERS.test(each))),
            request,
          );
        };
        const { code } = await this.run(args, more);
        story.between = (request, send) => send(request);
        isDone ||= code === 0;
        reached = sent > at;
        if (code !== 0 && reached) ran.told++;
      }
    }
    const outcome = await this.run(args, more);
    if (!ALL && !isDone) assert.equal(outcome.code, 0, `tagseal ${args.join(" ")}\n${outcome.stderr}`);
    ran.good++;
    return outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.story[Symbol.asyncDispose]();
  }
}

Deno.test("secrets: no command gives one away, whoever repeats it", async () => {
  await using spy = await Spy.begin();
  const { story } = spy;
  const { gun } = story;
  const step = (...args: string[]) => spy.step(args);
  for (const tag of ["v0", "v1", "v2", "v3"]) await spy.push(tag);
  await step("init", "-r", gun);
  const oldKeys = (await story.succeed(["keys", "--json"])).json<{ keys: { keyId: string; role: string }[] }>().keys;
  await step("env");
  await step("add-delegation", "-r", gun, "--delegation-certificate", "signpath.cer");
  await step("root-certificate", "-r", gun, "--output-artifact-path", "root.pem", "--force");
  await step("sign", "-r", gun, "-t", "v1");
  await step("signing-data", "-r", gun, "-t", "v2", "--output-artifact-path", "data.zip", "--force");
  await step("show", "data.zip");
  const { stdout: submitted } = await step("submit", "--input-artifact-path", "data.zip", "--json");
  const id = JSON.parse(submitted).signingRequestId;
  await step("submit", "--input-artifact-path", "data.zip", "--wait-for-completion", "--force");
  await step("download", id, "--force");
  await step("resume", id, "-r", gun);
  await step("push", "-r", gun, "--input-artifact-path", "data.signed.zip");
  await step("signing-data", "-r", gun, "-t", "v3", "--output-artifact-path", "v3.zip", "--force");
  const manual = ["--signing-policy-slug", "release-signing-with-approval"];
  const waits = await step("submit", "--input-artifact-path", "v3.zip", "--json", ...manual);
  await step("cancel", JSON.parse(waits.stdout).signingRequestId);
  await step("renew", "-r", gun);
  await step("remove-tag", "-r", gun, "-t", "v2");
  await step("list", "-r", gun, "--all");
  await step("verify", "-r", gun, "-t", "v1");
  await step("verify", "-r", gun, "--registry");
  await step("report", "-r", gun, "--output-artifact-path", "report.html", "--force");
  await step("inspect", "-r", gun);
  await step("audit", "-r", gun);
  spy.telling = ["--verbose"];
  for (const format of ["sarif", "junit", "csv"]) await step("audit", "-r", gun, "--format", format);
  spy.telling = undefined;
  await step("status", "-r", gun, "--fail-within", "1");
  await step("export", "-r", gun, "--output-artifact-path", "trust.zip", "--force");
  await step("forget", "-r", gun, "--root-pin", "root.pem");
  await step("diff", "trust.zip", "-r", gun);
  await step("policy", "-r", gun, "--delegation-from-signpath", "--for", "podman", "--output-dir", "p");
  await step("migrate", "-r", gun, "--scheme", "cosign", "--delegation-certificate", "signpath.cer");
  await step("keys");
  await step("completion", "bash");
  await step("help", "exit-codes");
  await step("doctor", "-r", gun);
  await step("rotate-key", "-r", gun, "--role", "targets");
  await step("delete-key", oldKeys.find(({ role }) => role === "targets")!.keyId, "--yes");
  await step("remove-delegation", "-r", gun, "--delegation", "signpath", "--yes");
  await step("move", "-r", gun, "--to-notary-url", `https://${story.peers.host}`, "--to-repository", `${gun}/moved`);
  assert.deepEqual([...spy.found], []);
  const callers = Object.entries(COMMANDS).filter(([, { needs }]) => needs.some((need) => CALLS.includes(need)));
  const seen = Object.keys(COMMANDS).filter((name) => spy.ran.get(name)?.good);
  // These have servers of their own, and no secrets of a user.
  assert.deepEqual(Object.keys(COMMANDS).filter((name) => !seen.includes(name)), ["self-update", "local", "demo"]);
  assert.deepEqual(callers.filter(([name]) => !spy.ran.get(name)?.told).map(([name]) => name), []);
});

Deno.test("secrets: a proxy's password, which the proxy repeats", async () => {
  const password = PLANTED["a proxy's password"];
  const basic = utf8(`me:${password}`).toBase64();
  let asked = 0;
  await using proxy = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    assert.equal(request.headers.get("proxy-authorization"), `Basic ${basic}`);
    const ways = [basic, ...waysToWrite(password).values()];
    return refusal([403, 400, 407][asked % 3]!, ways[asked++ % ways.length]!);
  });
  await inFolder(async (folder) => {
    const url = `http://me:${encodeURIComponent(password)}@127.0.0.1:${proxy.addr.port}`;
    const env = { HOME: folder, HTTP_PROXY: url };
    const args = ["list", "-r", "registry.example/app", "--notary-url", "http://notary.example", "--allow-http"];
    for (let i = 0; i < (ALL ? 15 : 8); i++) {
      for (const more of [["--verbose"], ["--json"]]) {
        const { code, stdout, stderr } = await tagseal([...args, ...more], { env, cwd: folder });
        assert.ok(code > 1, stderr);
        assert.deepEqual(leaksIn(stdout + stderr, PLANTED), []);
      }
    }
  });
  assert.ok(asked >= 16);
});

/** Files with secrets in them; what is given away of each. */
function filesWithSecrets(): readonly (readonly [name: string, content: Uint8Array, planted: Planted])[] {
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const rsa = rsaKey(2048);
  const [word, password, token] = [random(), odd(), random(30)];
  const config = JSON.stringify({ auths: { "localhost:5000": { auth: auth(password), identitytoken: token } } });
  const lines = (pem: string) =>
    Object.fromEntries(pem.split("\n").filter((line) => /^[^-]/.test(line)).map((line, i) => [`line ${i}`, line]));
  const ecPem = ec.export({ format: "pem", type: "pkcs8" }) as string;
  const rsaPem = rsa.export({ format: "pem", type: "pkcs1" }) as string;
  const d = Buffer.from((ec.export({ format: "jwk" }) as { d: string }).d, "base64url").toString("latin1");
  const named = {
    "SIGNPATH_API_TOKEN": token,
    "notary": { "password": password },
    "repositories": ["localhost:5000/x"],
  };
  return [
    ["key.pem", utf8(ecPem), { ...lines(ecPem), "the key": d }],
    ["key.der", new Uint8Array(ec.export({ format: "der", type: "pkcs8" })), { ...lines(ecPem), "the key": d }],
    ["rsa.pem", utf8(`${ecPem.split("\n")[0]}\n${rsaPem}`), lines(rsaPem)],
    ["config.json", utf8(config), { password, token }],
    ["broken.json", utf8(config.slice(0, -1)), { password, token }],
    ["tagseal.json", utf8(JSON.stringify(named)), { password, token }],
    ["words.txt", utf8(`# words\npassword = ${word}\n`), { word }],
    ["words-16.txt", new Uint8Array([0xff, 0xfe, ...Buffer.from(`# words\r\npassword = ${word}`, "utf16le")]), {
      word,
    }],
  ];
}

Deno.test("secrets: a file that holds one is given where another file is meant", async () => {
  await using story = await Story.readyToSign();
  const found = new Set<string>();
  let turn = 0;
  const files = filesWithSecrets();
  for (const [name, content] of files) await given(story, `given/${name}`, content);
  for (const [command, { load }] of Object.entries(COMMANDS)) {
    if (["local", "demo", "self-update"].includes(command)) continue;
    const { flags, argument } = (await load()).command;
    const specs = Object.values({ ...flags, ...globalFlags }).map(({ spec }) => partsOf(spec));
    const fixed: Record<string, string> = {
      "repository": story.gun,
      "tag": "v1",
      "output-artifact-path": "out",
      "output-dir": "out",
      "delegation-certificate": "signpath.cer",
      "for": "podman",
      "role": "targets",
    };
    const args = (but: string) =>
      specs.flatMap(({ long }) => long !== but && fixed[long] !== undefined ? [`--${long}`, fixed[long]] : []);
    const takers = specs.filter(({ placeholder }) => FILES.test(placeholder)).map(({ long }) => long);
    const lines = (path: string) => [
      ...takers.map((flag) => [command, ...argument ? ["signed"] : [], ...args(flag), `--${flag}`, path]),
      ...specs.filter(({ long }) => ADDRESSES[long]).map(({ long }) => [
        ...[command, ...argument ? ["signed"] : [], ...args(long), `--${long}`],
        `https://me:${encodeURIComponent(ADDRESSES[long]!)}@localhost:5000`,
      ]),
      ...argument ? [[command, path, ...args("")]] : [],
    ];
    for (const i of lines("").keys()) {
      for (const [name, , planted] of ALL ? files : [files[turn++ % files.length]!]) {
        const line = lines(`given/${name}`)[i]!;
        const { stdout, stderr } = await story.run([...line, "--verbose", "--no-input"], { filesMayChange: true });
        for (const leak of leaksIn(stdout + stderr, { ...planted, ...PLANTED })) {
          found.add(`${line.join(" ")}: ${leak}`);
        }
      }
    }
  }
  assert.deepEqual([...found], []);
});
