/** The single file, as `deno task bundle` writes it, started as on an agent: without the project, its packages, its flags. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createLocalCa } from "../../lib/local/certificates.ts";
import { VERSION } from "../../lib/version.ts";
import { CREDENTIAL_HELPERS } from "../../tasks/permissions.ts";
import { singleFile } from "../../tasks/single_file.ts";
import { builtFile } from "../support/built_file.ts";

const PATH = Deno.env.get("PATH")!;

interface End {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An agent: a folder with a blank in its name, which is the home and holds nothing but the file. */
class Agent implements AsyncDisposable {
  private constructor(readonly home: string, readonly file: string) {}

  static async begin(): Promise<Agent> {
    const home = await Deno.makeTempDir({ prefix: "tagseal agent " });
    await Deno.chmod(home, 0o755);
    await Deno.copyFile(await builtFile(), `${home}/tagseal`);
    return new Agent(home, `${home}/tagseal`);
  }

  /** Starts the file, or another program, with these variables and no other ones. */
  async run(args: readonly string[], env: Record<string, string> = {}, program = this.file): Promise<End> {
    const variables = { PATH, HOME: this.home, NO_COLOR: "1", ...env };
    const options = { args: [...args], cwd: this.home, env: variables, clearEnv: true, stdin: "null" as const };
    const { code, stdout, stderr } = await new Deno.Command(program, options).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  async script(path: string, lines: string): Promise<void> {
    await Deno.mkdir(`${this.home}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${this.home}/${path}`, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.home, { recursive: true });
  }
}

const works = { code: 0, stdout: `${VERSION}\n`, stderr: "" };

Deno.test("single file: its first line is short enough for every kernel, and both languages read all of it", async () => {
  const path = await builtFile();
  const [first, ...lines] = (await Deno.readTextFile(path)).split("\n");
  assert.equal(first, "#!/bin/sh");
  const program = lines.findIndex((line) => line === "const parts = {");
  assert.deepEqual(lines.slice(0, program).filter((line) => !line.startsWith('":" //; ')), []);
  assert.match(lines[program - 1]!, /^":" \/\/; exec deno run /);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o755);
  assert.ok((await Deno.readFile(path)).every((byte) => byte < 0x80), "all of it is ASCII");
});

Deno.test("single file: it is about as large as README says", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const [, said] = /one executable file of ([\d.]+) MB/.exec(readme)!;
  const { size } = await Deno.stat(await builtFile());
  assert.ok(Math.abs(size / 1e6 - Number(said)) < 0.2, `${size} bytes`);
});

Deno.test("single file: the whole story in an empty folder, with a cache of its own", async () => {
  await using agent = await Agent.begin();
  const told = await agent.run(["demo"]);
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, /:v1 sha256:[0-9a-f]{12}… published/);
  const asked = await agent.run(["sign", "-r", "localhost:1/x", "-t", "v1"]);
  assert.equal(asked.code, 2);
  assert.match(asked.stderr, /--organization-id is missing/);
  const help = await agent.run(["sign", "--help"]);
  assert.match(help.stdout, /--project-slug/);
});

Deno.test("single file: by a link, through PATH, by another shell, by hand, beside files that are none of its business", async () => {
  await using agent = await Agent.begin();
  await Deno.symlink(agent.file, `${agent.home}/linked`);
  for (const name of ["package.json", "deno.json", ".npmrc", "tsconfig.json"]) {
    await Deno.writeTextFile(`${agent.home}/${name}`, "{ this is no JSON");
  }
  assert.deepEqual(await agent.run(["--version"]), works);
  assert.deepEqual(await agent.run(["--version"], {}, `${agent.home}/linked`), works);
  assert.deepEqual(await agent.run(["-c", "tagseal --version"], { PATH: `${agent.home}:${PATH}` }, "/bin/sh"), works);
  for (const shell of ["dash", "bash", "busybox"]) {
    const args = [...shell === "busybox" ? ["sh"] : [], "tagseal", "--version"];
    const end = await agent.run(args, {}, shell).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    if (end) assert.deepEqual(end, works, shell);
  }
  const byHand = ["run", "-q", "-A", "--no-config", "--ext=js", "tagseal", "--version"];
  assert.deepEqual(await agent.run(byHand, {}, Deno.execPath()), works);
  const odd = await agent.run(["a b'\"$(id)`id`*"]);
  assert.match(odd.stderr, /"a b'\\"\$\(id\)`id`\*"/, "what is given arrives as it is");
});

Deno.test("single file: each of the credential helpers runs through it, and no other program", async () => {
  await using agent = await Agent.begin();
  const ca = await createLocalCa(new Date(), "tests");
  const { certPem: cert, keyPem: key } = await ca.issue(["localhost"]);
  await Deno.writeTextFile(`${agent.home}/ca.pem`, ca.caPem);
  const seen = new Set<string>();
  const servers = [...CREDENTIAL_HELPERS, "docker-credential-other"].map((helper) => ({
    helper,
    server: Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, (request) => {
      const authorization = request.headers.get("authorization");
      if (authorization) seen.add(atob(authorization.slice("Basic ".length)));
      const headers = { "www-authenticate": 'Basic realm="r"' };
      return new Response(null, authorization ? { status: 404 } : { status: 401, headers });
    }),
  }));
  const credHelpers: Record<string, string> = {};
  for (const { helper, server } of servers) {
    credHelpers[`localhost:${server.addr.port}`] = helper.slice("docker-credential-".length);
    await agent.script(`bin/${helper}`, `printf '{"ServerURL":"x","Username":"${helper}","Secret":"s"}'`);
  }
  await Deno.mkdir(`${agent.home}/.docker`);
  await Deno.writeTextFile(`${agent.home}/.docker/config.json`, JSON.stringify({ credHelpers }));
  const names = Object.keys(credHelpers).map((host) => `${host}/demo/app\n`).join("");
  await Deno.writeTextFile(`${agent.home}/repositories`, names);

  const args = ["list", "--repositories-from", "repositories", "--ca", "ca.pem"];
  const { stderr } = await agent.run(args, { PATH: `${agent.home}/bin:${PATH}` });
  await Promise.all(servers.map(({ server }) => server.shutdown()));
  assert.deepEqual([...seen].sort(), CREDENTIAL_HELPERS.map((helper) => `${helper}:s`).sort(), stderr);
  assert.match(stderr, /"docker-credential-other", which .* is not among those that tagseal may run/);
});

Deno.test("single file: it asks nobody for updates", async () => {
  await using agent = await Agent.begin();
  const wanted = new Set<string>();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const proxy = (async () => {
    for await (const connection of listener) {
      const buffer = new Uint8Array(4096);
      const n = await connection.read(buffer).catch(() => null);
      wanted.add(new TextDecoder().decode(buffer.subarray(0, n ?? 0)).split(" ")[1] ?? "");
      if (wanted.has("dl.deno.land:443")) await Deno.writeTextFile(`${agent.home}/asked`, "");
      await connection.write(new TextEncoder().encode("HTTP/1.1 502 no\r\nContent-Length: 0\r\n\r\n")).catch(() => {});
      connection.close();
    }
  })();
  const env = { HTTPS_PROXY: `http://127.0.0.1:${listener.addr.port}`, DENO_DIR: `${agent.home}/cache` };
  const args = ["verify", "-r", "registry.invalid/x", "-t", "v1"];
  assert.equal((await agent.run(args, env)).code, 5);
  assert.deepEqual([...wanted], ["registry.invalid:443"]);
  // Deno would, and this proxy would see it.
  const idle = `${agent.home}/idle.js`;
  await Deno.writeTextFile(
    idle,
    `const hasAsked = () => Deno.stat("${agent.home}/asked").then(() => true, () => false);
     for (let looks = 0; looks < 300 && !await hasAsked(); looks++) await new Promise((later) => setTimeout(later, 100));`,
  );
  await agent.run(["run", "-q", "-A", idle], { ...env, DENO_DIR: `${agent.home}/cache2` }, Deno.execPath());
  assert.deepEqual([...wanted].sort(), ["dl.deno.land:443", "registry.invalid:443"]);
  listener.close();
  await proxy.catch(() => {});
});

Deno.test("single file: without Deno, and with one that is too old, it says what it needs", async () => {
  await using agent = await Agent.begin();
  assert.deepEqual(await agent.run(["list"], { PATH: `${agent.home}/nowhere` }), {
    code: 127,
    stdout: "",
    stderr: "tagseal: error: Deno is not on PATH; install Deno 2.9 or newer (https://deno.com)\n",
  });
  const shim = `${agent.home}/old.js`;
  const rows: [string, boolean][] = [
    ["1.46.3", false],
    ["2.4.0", false],
    ["2.8.12", false],
    ["2.9.0", true],
    ["2.10.1", true],
    ["3.0.0", true],
  ];
  for (const [version, isEnough] of rows) {
    // The real one, which says that it is another one.
    await Deno.writeTextFile(shim, `Object.defineProperty(Deno, "version", { value: { deno: "${version}" } });`);
    await agent.script("bin/deno", `shift; exec '${Deno.execPath()}' run "--preload=${shim}" "$@"`);
    const end = await agent.run(["--version"], { PATH: `${agent.home}/bin:${PATH}` });
    assert.deepEqual(
      end,
      isEnough ? works : {
        code: 2,
        stdout: "",
        stderr: `tagseal: error: tagseal needs Deno 2.9 or newer, and this is ${version}\n` +
          "tagseal: next: Install a newer one: deno upgrade, or https://deno.com\n",
      },
    );
  }
});

Deno.test("single file: native code only from the folder that TAGSEAL_PKCS11_ADDON names", async () => {
  await using agent = await Agent.begin();
  const addon = `${agent.home}/addon`;
  await Deno.mkdir(`${addon}/node_modules/pkcs11js`, { recursive: true });
  await Deno.writeTextFile(`${addon}/node_modules/pkcs11js/pkcs11.node`, "");
  await Deno.writeTextFile(`${addon}/node_modules/pkcs11js/index.js`, 'module.exports = require("./pkcs11.node");');
  const keys = ["keys", "--root-key-store", "pkcs11"];
  const without = await agent.run(keys);
  assert.match(without.stderr, /addon is not part of this file\ntagseal: next: .*, and set TAGSEAL_PKCS11_ADDON to/);
  const named = await agent.run(keys, { TAGSEAL_PKCS11_ADDON: addon });
  assert.match(named.stderr, /The PKCS#11 addon in ".*" cannot be loaded: /, "it was tried, and it is an empty file");
  const flags = ["run", "-q", "--no-config", "--ext=js", "--allow-read", "--allow-env", agent.file, ...keys];
  const byHand = await agent.run(flags, { TAGSEAL_PKCS11_ADDON: addon }, Deno.execPath());
  assert.equal(byHand.code, 4);
  assert.match(byHand.stderr, /may not be loaded under these permissions\ntagseal: next: .*--allow-ffi=".*addon"/);
});

Deno.test("single file: homes of all kinds; Deno's cache is the user's own, or there is none", async (t) => {
  await using agent = await Agent.begin();
  const cacheOf = (home: string) => [...Deno.readDirSync(home)].some(({ name }) => name === ".cache");
  await t.step("a home", async () => {
    assert.deepEqual(await agent.run(["--version"]), works);
    assert.ok(cacheOf(agent.home));
  });
  if (Deno.uid() !== 0) return;
  const as = (uid: number, env: Record<string, string>) => {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const user = ["--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups"];
    return agent.run([...user, "env", "-i", `PATH=${PATH}`, ...variables, agent.file, "--version"], {}, "setpriv");
  };
  const folder = async (name: string, mode: number, uid: number) => {
    await Deno.mkdir(`${agent.home}/${name}`);
    await Deno.chown(`${agent.home}/${name}`, uid, uid);
    await Deno.chmod(`${agent.home}/${name}`, mode);
    return `${agent.home}/${name}`;
  };
  const uid = 54321; // of nobody whom this machine knows
  const readOnly = await folder("read-only", 0o555, uid);
  const others = await folder("others", 0o777, uid + 1);
  const own = await folder("own", 0o700, uid);
  const named = await folder("named", 0o700, uid);
  const rows: [string, Record<string, string>][] = [
    ["no HOME", {}],
    ["an empty HOME", { HOME: "" }],
    ["HOME=/", { HOME: "/" }],
    ["a HOME that is not there", { HOME: `${agent.home}/none` }],
    ["a HOME that cannot be written to", { HOME: readOnly }],
    ["a HOME of somebody else, who could have prepared a cache", { HOME: others }],
    ["its own HOME", { HOME: own }],
    ["DENO_DIR", { HOME: others, DENO_DIR: `${named}/cache` }],
  ];
  for (const [name, env] of rows) await t.step(name, async () => assert.deepEqual(await as(uid, env), works));
  assert.deepEqual([readOnly, others, own].map(cacheOf), [false, false, true]);
  assert.deepEqual([...Deno.readDirSync(named)].map((entry) => entry.name), ["cache"]);
});

Deno.test("single file: parts are read as they were written, each when something of it is used, and once", async () => {
  const home = await Deno.makeTempDir({ prefix: "tagseal-parts-" });
  const run = async (parts: Record<string, string>) => {
    await Deno.writeTextFile(`${home}/tagseal`, singleFile(new Map(Object.entries(parts))), { mode: 0o755 });
    const options = { args: [], env: { NO_COLOR: "1" }, stdin: "null" as const };
    const { code, stdout, stderr } = await new Deno.Command(`${home}/tagseal`, options).output();
    return {
      code,
      out: new TextDecoder().decode(stdout).split("\n").slice(0, -1),
      err: new TextDecoder().decode(stderr),
    };
  };
  try {
    const text = "a*/ // b\r\n \\ \u2026 ${c} `d`";
    const end = await run({
      "main.js": `const say = console.log, text = ${JSON.stringify(text)}; exports.main = async () => {
          say(escape(text)); say(/x*/.test("x"));
          say(require("./a.js") === require("./a.js"), require("./a.js").url === programUrl);
          const unused = require("./unused.js"), bad = require("./bad.js");
          for (let i = 0; i < 2; i++) try { bad.half } catch (error) { say(error.message, error.stack.includes("tagseal/bad.js")) }
          const path = require("node:path"); say(path.basename("/x/y"), "join" in { ...path }, Object.hasOwn(path, "none"));
          const library = (0,module.createRequire)(programUrl);
          class Quiet extends library("node:stream") {} say(new Quiet() instanceof library("node:events"), library("./a.js").url === programUrl);
          try { require("nothing-of-this-name") } catch (error) { say(error.code) }
        };`,
      "a.js": "console.log('once'); exports.url = programUrl",
      "bad.js": "exports.half = 1; throw new Error('bad')",
      "unused.js": "console.log('unused')",
    });
    assert.deepEqual(end, {
      code: 0,
      out: [
        escape(text),
        "true",
        "once",
        "true true",
        "bad true",
        "bad true",
        "y true false",
        "true true",
        "MODULE_NOT_FOUND",
      ],
      err: "",
    });
    // A command that waits has run by then what it names and has not used yet; what fails is told where it is used.
    const many = Array.from({ length: 40 }, (_, i) => `many${i}.js`);
    const waiting = await run({
      "main.js": `const say = console.log, parts = [${many.map((name) => `require("./${name}")`)}];
        const [ahead, bad] = [require("./ahead.js"), require("./bad.js")];
        exports.main = async () => {
          for (const { used } of parts) if (!used) say("never");
          say("waits"); await new Promise((answered) => setTimeout(answered, 500)); say("goes on", ahead.x);
          try { bad.half } catch (error) { say(error.message) }
        };`,
      ...Object.fromEntries(many.map((name) => [name, "exports.used = true"])),
      "ahead.js": "console.log('ahead'); exports.x = 1",
      "bad.js": "throw new Error('bad')",
    });
    assert.deepEqual(waiting, { code: 0, out: ["waits", "ahead", "goes on 1", "bad"], err: "" });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
  const make = (source: string) => () => singleFile(new Map([["main.js", source]]));
  assert.throws(make('require("./b.js")'), /There is no part "b\.js"/);
  assert.throws(make('"*~/"'), /"main\.js" holds "\*~\/"/);
});

Deno.test("single file: it knows where it lies and what it was given, whoever starts it and whatever the path", async () => {
  const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "tagseal-paths-" }));
  try {
    const main = "exports.main = async () => console.log(JSON.stringify([programUrl, Deno.args]))";
    const told = async (program: string, args: readonly string[], cwd = home, env = {}) => {
      const options = { args: [...args], cwd, env, stdin: "null" as const };
      const { stdout, stderr } = await new Deno.Command(program, options).output();
      assert.equal(new TextDecoder().decode(stderr), "", `${program} ${args}`);
      const [url, seen] = JSON.parse(new TextDecoder().decode(stdout));
      return [fileURLToPath(url), seen];
    };
    const refused = async (path: string) => {
      const { code, stderr } = await new Deno.Command("sh", { args: [path], stdin: "null" }).output();
      assert.equal(code, 2);
      return new TextDecoder().decode(stderr);
    };
    const given = ["", "--", "a b'\"$(id)`id`*%20", "-A", "--allow-run"];
    for (const name of ["a b", "#1 %41?x", "\u00e9+&@=", "data:it's", "--help"]) {
      const folder = `${home}/${name}`;
      await Deno.mkdir(folder);
      await Deno.writeTextFile(`${folder}/tagseal`, singleFile(new Map([["main.js", main]])), { mode: 0o755 });
      const byHand = ["run", "-q", "-A", "--no-config", "--ext=js"];
      const ways: [program: string, args: string[], cwd: string][] = [
        [`${folder}/tagseal`, [], home],
        ["sh", ["tagseal"], folder],
        ["sh", [`./${name}/tagseal`], home],
        [Deno.execPath(), [...byHand, `${folder}/tagseal`], home],
        [Deno.execPath(), [...byHand, "./tagseal"], folder],
      ];
      for (const [program, args, cwd] of ways) {
        assert.deepEqual(await told(program, [...args, ...given], cwd), [`${folder}/tagseal`, given]);
      }
    }
    // The shell of Windows passes the file itself; from there programs may not read, and Deno may.
    const file = `${home}/a b/tagseal`;
    assert.deepEqual(await told(file, given, home, { OS: "Windows_NT" }), [file, given]);
    if (Deno.build.os !== "linux") return;
    assert.deepEqual(await told("sh", [`/proc/self/root${file}`, ...given]), [`/proc/self/root${file}`, given]);
    // What tests may do does not go there; a shell may.
    const shell = async (script: string) => {
      const { stdout } = await new Deno.Command("sh", { args: ["-c", script, "sh", file], stdin: "null" }).output();
      return new TextDecoder().decode(stdout).trim();
    };
    const shared = await shell('folder=$(mktemp -d /dev/shm/tagseal-XXXXXX) && cp "$1" "$folder" && echo "$folder"');
    try {
      assert.deepEqual(await told(`${shared}/tagseal`, given), [`${shared}/tagseal`, given]);
      await Deno.symlink(`${shared}/tagseal`, `${home}/link`);
      assert.match(await refused(`${home}/link`), /\/link is not the whole program, or Deno may not read it there\n/);
    } finally {
      await shell(`rm -r '${shared}'`);
    }
    assert.deepEqual((await told("bash", ["-c", `bash <(cat '${file}') "$@"`, "bash", ...given]))[1], given);
    const whole = await Deno.readTextFile(file);
    for (const length of [3_000, whole.length - 100]) {
      await Deno.writeTextFile(`${home}/cut`, whole.slice(0, length));
      assert.match(await refused(`${home}/cut`), /\/cut is not the whole program.*\ntagseal: next: Fetch it anew/);
    }
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("bundle: a bundler that is not the known one is refused before it runs", async () => {
  const cache = await Deno.makeTempDir({ prefix: "tagseal-bundler-" });
  try {
    const { os, arch } = Deno.build;
    const platform = `${os}-${arch === "x86_64" ? "x64" : "arm64"}`;
    const script = `#!/bin/sh\ntouch '${cache}/it-ran'\n`;
    const places = [`dl/esbuild-0.25.5-1/esbuild-${platform}`, `npm/mirror/@esbuild/${platform}/0.25.5/bin/esbuild`];
    for (const place of places) {
      const path = `${cache}/${place}`;
      await Deno.mkdir(path.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(path, script, { mode: 0o755 });
      const project = new URL("../../", import.meta.url).pathname;
      const options = { args: ["task", "-q", "bundle"], cwd: project, env: { DENO_DIR: cache, NO_COLOR: "1" } };
      const { code, stderr } = await new Deno.Command(Deno.execPath(), options).output();
      const said = new TextDecoder().decode(stderr);
      assert.equal(code, 3, said);
      assert.ok(said.includes(`error: "${path}" is not the bundler that tasks/bundler.ts knows`), said);
      await Deno.remove(path);
    }
    assert.ok(![...Deno.readDirSync(cache)].some(({ name }) => name === "it-ran"));
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});
