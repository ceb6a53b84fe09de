/** `self-update` as it is shipped: single files with a release root, built as a release is, which replace themselves. */
import assert from "node:assert/strict";
import { DOCUMENTS } from "../../tasks/documents.ts";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { VERSION } from "../../lib/version.ts";
import { builtFile } from "../support/built_file.ts";
import { copyFolder } from "../support/folders.ts";
import { ReleaseHttp, ReleaseRepository, singleFileOf } from "../support/release_repository.ts";
import { documentIn, tagseal } from "../support/run.ts";
import { differences } from "../support/shapes.ts";

const PROJECT = new URL("../../", import.meta.url).pathname;
const PATH = Deno.env.get("PATH")!;
const NEXT = "999.0.0";

/**
 * Builds the single file with a release root in it. The next one is the same with another version: that a later release is
 * built and taken is shown by `release_test.ts`.
 */
async function buildFiles(
  root: Uint8Array,
  url: URL,
): Promise<{ old: Uint8Array<ArrayBuffer>; next: Uint8Array<ArrayBuffer> }> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-release-" });
  try {
    for (const name of ["lib", "tasks"]) await copyFolder(`${PROJECT}${name}`, `${folder}/${name}`);
    for (const name of ["deno.json", "deno.lock", "tagseal.schema.json"]) {
      await Deno.copyFile(`${PROJECT}${name}`, `${folder}/${name}`);
    }
    const text = JSON.stringify(new TextDecoder().decode(root));
    await Deno.writeTextFile(
      `${folder}/lib/updates/release_root.ts`,
      `export const RELEASE_ROOT: string | undefined = ${text};\n` +
        `export const RELEASE_URL: string | undefined = ${JSON.stringify(url.href)};\n`,
    );
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["task", "-q", "bundle"], cwd: folder })
      .output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const old = await Deno.readTextFile(`${folder}/dist/tagseal`);
    const [before, after, ...more] = old.split(`"${VERSION}"`);
    assert.deepEqual(more, [], "the version stands in one place");
    return { old: utf8(old), next: utf8(`${before}"${NEXT}"${after}`) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** An agent: a folder with a blank in its name, which is the home and holds the file. */
class Agent implements AsyncDisposable {
  readonly home: string = Deno.makeTempDirSync({ prefix: "tagseal agent " });
  readonly file: string = `${this.home}/tagseal`;

  constructor(bytes: Uint8Array) {
    Deno.chmodSync(this.home, 0o755);
    Deno.writeFileSync(this.file, bytes, { mode: 0o755 });
  }

  /** Runs the file, or another one, with `before` in front of it. */
  async run(
    args: readonly string[],
    env: Record<string, string> = {},
    before: readonly string[] = [],
    file: string = this.file,
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const [program, ...rest] = [...before, file, ...args];
    const { code, stdout, stderr } = await new Deno.Command(program!, {
      args: rest,
      cwd: this.home,
      env: { PATH, HOME: this.home, NO_COLOR: "1", ...env },
      clearEnv: true,
      stdin: "null",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  /** The document of `--json`, held to what the reference says. */
  async document(args: readonly string[]): Promise<Record<string, unknown>> {
    const document = documentIn((await this.run([...args, "--json"])).stdout);
    assert.deepEqual([...differences(document, DOCUMENTS["self-update"]![""]!, "")], []);
    return document;
  }

  names(): string[] {
    return [...Deno.readDirSync(this.home)].map(({ name }) => name).filter((name) => !name.startsWith(".")).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.home, { recursive: true });
  }
}

Deno.test("self-update: the single file replaces itself", async (t) => {
  const repository = new ReleaseRepository();
  await using http = new ReleaseHttp(repository);
  const { old, next } = await buildFiles(repository.root(1), http.url);
  repository.publish([singleFileOf(VERSION, old)]);
  await using agent = new Agent(old);
  const [now, then] = [`${VERSION}\n`, `${NEXT}\n`];
  const version = async (file?: string) => (await agent.run(["--version"], {}, [], file)).stdout;

  await t.step("to look says with its exit code whether there is a newer one", async () => {
    assert.deepEqual(await agent.run(["self-update", "--check"]), {
      code: 0,
      stdout: `tagseal ${VERSION} unchanged\n`,
      stderr: "",
    });
    repository.publish([singleFileOf(VERSION, old), singleFileOf(NEXT, next, { oldestDeno: "2.9" })]);
    const args = ["self-update", "--check", "--release-url", http.url.href];
    const { code, stdout, stderr } = await agent.run(args, { TAGSEAL_RELEASE_URL: "https://not.asked.invalid" });
    assert.deepEqual([code, stdout], [10, `tagseal ${NEXT} available\n`], stderr);
    assert.equal(stderr, `To take it: ./tagseal self-update --release-url ${http.url.href}\n`);
    assert.deepEqual(await agent.document(["self-update", "--check"]), {
      outcome: "available",
      version: VERSION,
      newVersion: NEXT,
      path: agent.file,
    });
  });

  await t.step("switched off by the variable it still looks, and replaces nothing", async () => {
    const off = { TAGSEAL_NO_SELF_UPDATE: "1" };
    assert.equal((await agent.run(["self-update", "--check"], off)).code, 10);
    const { code, stderr } = await agent.run(["self-update"], off);
    assert.equal(code, 2);
    assert.match(stderr, /switched off here, by the variable TAGSEAL_NO_SELF_UPDATE/);
    assert.equal(await version(), now);
  });

  await t.step("a tampered release is refused, with exit code 3", async () => {
    http.between = (path) => path.startsWith("targets/") ? new Response(old) : undefined;
    const { code, stderr } = await agent.run(["self-update"]);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /"999\.0\.0\/tagseal" is not what the metadata says: Expected (?:hash|length)/);
    http.between = () => undefined;
    assert.equal(await version(), now);
    assert.deepEqual(agent.names(), ["tagseal"]);
  });

  await t.step("where this user may not write, that is said before anything is downloaded", async () => {
    if (Deno.uid() !== 0) return;
    http.asked.length = 0;
    const somebody = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"];
    const { code, stdout, stderr } = await agent.run(["self-update"], {}, somebody);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, /error: ".*\/tagseal" cannot be replaced: Permission denied/);
    assert.match(stderr, /is not remembered/);
    assert.ok(!http.asked.some((path) => path.startsWith("targets/")), `${http.asked}`);
    assert.equal((await agent.run(["self-update", "--check"], {}, somebody)).code, 10);
    assert.deepEqual(agent.names(), ["tagseal"]);
  });

  await t.step("it is replaced, the old file is kept, and both run", async () => {
    const { code, stdout, stderr } = await agent.run(["self-update"]);
    assert.deepEqual([code, stdout], [0, `tagseal ${NEXT} replaced\n`], stderr);
    assert.match(stderr, /^Downloading tagseal 999\.0\.0, \d\.\d MB$/m);
    const [, back] = /^The file before it is kept\. To go back: (mv .*)$/m.exec(stderr)!;
    assert.equal(await version(), then);
    assert.deepEqual(agent.names(), ["tagseal", "tagseal.previous"]);
    assert.equal(await version(`${agent.file}.previous`), now);
    assert.deepEqual(await agent.run(["self-update", "--check"]), {
      code: 0,
      stdout: `tagseal ${NEXT} unchanged\n`,
      stderr: "",
    });
    await new Deno.Command("sh", { args: ["-c", back!] }).output();
    assert.equal(await version(), now);
    assert.deepEqual(agent.names(), ["tagseal"]);
  });

  await t.step("two at once: both end well, and the old file is the one that is kept", async () => {
    const both = await Promise.all([agent.document(["self-update"]), agent.document(["self-update"])]);
    assert.deepEqual(both.map(({ outcome }) => outcome), ["replaced", "replaced"]);
    assert.equal(both.filter(({ previousPath }) => previousPath !== undefined).length, 1);
    assert.equal(await version(), then);
    assert.equal(await version(`${agent.file}.previous`), now);
  });

  await t.step("a server that goes back is noticed by the next run", async () => {
    const back = new ReleaseRepository();
    back.keys = repository.keys;
    back.files.clear();
    back.publish([singleFileOf(VERSION, old)]);
    http.between = (path) => {
      const bytes = back.files.get(path);
      return bytes ? new Response(bytes) : undefined;
    };
    const { code, stderr } = await agent.run(["self-update", "--check"]);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /version 1 is less than current version 2/);
  });
});

Deno.test("self-update: what was built without a release root, or is no file of a release, says so", async () => {
  await using agent = new Agent(await Deno.readFile(await builtFile()));
  const bare = await agent.run(["self-update", "--check"]);
  assert.equal(bare.code, 2);
  assert.match(bare.stderr, /built without a release root/);
  const project = await tagseal(["self-update"]);
  assert.equal(project.code, 2);
  assert.match(project.stderr, /git pull/);
});
