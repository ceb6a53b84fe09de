/** `show`: who approves sees what is signed, and is told loudly where that is not what the file says. */
import assert from "node:assert/strict";
import { type Bytes, text, utf8 } from "../../lib/bytes/bytes.ts";
import { buildOrigin } from "../../lib/cli/build_origin.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { parseJson } from "../../lib/bytes/json.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { given, Story } from "../support/local_story.ts";

const MANIFEST = "docker-signing-data.json";
const LIMITS = { entries: 100, entryBytes: 2 ** 20, totalBytes: 2 ** 20 };
const EVIL = `sha256:${"e".repeat(64)}`;
// deno-lint-ignore no-explicit-any -- what is changed here is JSON of any shape
type Draft = any;

/** A file of three tags in all schemes: v1 is moved, v2 new, v0 stays; and what they stood for. */
async function prepared(...more: string[]): Promise<{ story: Story; digests: Record<string, string> }> {
  const story = await Story.readyToSign();
  const before = await story.push("v1", "before");
  await story.push("v0");
  await story.succeed(["sign", "-r", story.gun, "-t", "v0,v1"]);
  const digests = { before, v1: await story.push("v1", "after"), v2: await story.push("v2") };
  await story.succeed(["root-certificate", "-r", story.gun, "--output-artifact-path", "root.pem"]);
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v1,v2", "--output-artifact-path", "data.zip", ...more]);
  story.calls.length = 0;
  return { story, digests };
}

const ALL = ["--scheme", "dct,cosign,notation", "--delegation-certificate", "signpath.cer"];
const PINNED = ["--root-pin", "root.pem"];

/** The file with its manifest and entries changed; hashes in the manifest follow the payloads. */
async function changed(
  story: Story,
  change: (manifest: Draft, entries: Map<string, Bytes>) => void,
  from = "data.zip",
): Promise<string> {
  const entries = await readZip(await Deno.readFile(story.path(from)), LIMITS);
  const manifest = JSON.parse(text(entries.get(MANIFEST)!));
  change(manifest, entries);
  const named = [
    ...manifest.repositories.flatMap((one: Draft) => one.roles),
    ...manifest.images?.[0]?.signatures ?? [],
  ];
  for (const one of [...named, ...manifest.images?.[1]?.signatures ?? []]) {
    one.sha256 = sha256Hex(entries.get(one.payload)!);
  }
  entries.set(MANIFEST, utf8(JSON.stringify(manifest)));
  return await given(story, "changed.zip", await writeZip([...entries].map(([name, bytes]) => ({ name, bytes }))));
}

/** Changes the payload of the n-th role. */
function edit(manifest: Draft, entries: Map<string, Bytes>, change: (signed: Draft) => void, n = 0): void {
  const { payload } = manifest.repositories[0].roles[n];
  const signed = JSON.parse(text(entries.get(payload)!));
  change(signed);
  entries.set(payload, canonicalJson(parseJson(utf8(JSON.stringify(signed)))));
}

const target = (digest: string, length = 100) => ({
  hashes: { sha256: Uint8Array.fromHex(digest.slice(7)).toBase64() },
  length,
});

Deno.test("show: what moves from what to what, whose root it is, and nothing is asked of anybody", async (t) => {
  const { story, digests } = await prepared(...ALL);
  await using _ = story;
  await t.step("known here, pinned, and neither", async () => {
    const known = await story.succeed(["show", "data.zip"]);
    assert.match(
      known.stdout,
      /^data\.zip: What would be signed is what the file says\n {2}signatures: none yet, \d+ to be made\n/,
    );
    assert.match(known.stdout, /^ {2}root: known here, key [0-9a-f]{12}$/m);
    const moved = `\n  v1: moved\n    was ${digests["before"]}\n    now ${digests["v1"]}\n  v2: new\n    now ${
      digests["v2"]
    }\n`;
    assert.ok(known.stdout.includes(moved), known.stdout);
    assert.match(known.stdout, /^ {2}targets\/releases: version 1 -> 2, other tags: 1, expires \d{4}-\d\d-\d\d$/m);
    assert.match(known.stdout, /^localhost:5000\/demo\/app \(cosign\)\n.*\n {2}v1: signed\n {4}as sha256:/m);
    assert.match(known.stdout, /^localhost:5000\/demo\/app \(notation\)$/m);
    assert.ok(known.stdout.split("\n").every((line) => line.length <= 100), known.stdout);
    await using stranger = await Story.begin(story.peers);
    for (const name of ["data.zip", "root.pem"]) await given(stranger, name, await Deno.readFile(story.path(name)));
    const pinned = await stranger.succeed(["show", "data.zip", ...PINNED]);
    assert.match(pinned.stdout, /^ {2}root: pinned, key/m);
    assert.doesNotMatch(pinned.stderr, /warning/);
    const first = await stranger.succeed(["show", "data.zip"]);
    assert.match(
      first.stdout,
      /^data\.zip: What would be signed is what the file says, if its root is the right one$/m,
    );
    assert.match(first.stderr, /met for the first time and not pinned/);
    assert.match(first.stdout, /^! The root of "localhost:5000\/demo\/app" is not pinned: .*$/m);
    const refused = await stranger.run(["show", "data.zip", "--require-pin"]);
    assert.deepEqual([refused.code, refused.stdout.includes("root: NOT VERIFIED")], [3, true]);
    const other = await stranger.run(["show", "data.zip", "--root-pin", "0".repeat(64)]);
    assert.deepEqual([other.code, other.stdout.includes("DO NOT APPROVE")], [3, true], other.stdout);
    assert.deepEqual([story.calls, stranger.calls], [[], []]);
  });
  await t.step("signed", async () => {
    await story.succeed(["submit", "--input-artifact-path", "data.zip", "--wait-for-completion"]);
    const { stdout } = await story.succeed(["show", "data.signed.zip"]);
    assert.match(stdout, /^ {2}signatures: (\d+) of \1$/m);
    assert.equal(
      [...stdout.matchAll(/^ {2}SIGNED by: CN=Docker signing \(test\) \([0-9a-f]{12}\)$/gm)].length,
      3,
      stdout,
    );
    assert.match(stdout, /^data\.signed\.zip: What is signed is what the file says$/m);
    const json = (await story.succeed(["show", "data.signed.zip", "--json"])).json<Draft>();
    assert.deepEqual(json.repositories[0].roles.map((role: Draft) => role.signature.state), ["good", "good"]);
    assert.deepEqual([json.isConsistent, json.problems], [true, []]);
    // What was approved is what is published.
    await story.succeed(["push", "--input-artifact-path", "data.signed.zip"]);
  });
  await t.step("signatures that are not", async () => {
    for (
      const [name, from] of [["payload/0001_", "a cosign payload"], ["payload/0006.json", "a role"], [
        ".jws",
        "a notation payload",
      ]]
    ) {
      const path = await changed(story, (_, entries) => {
        const found = [...entries.keys()].find((entry) => entry.includes(name!) && entry.endsWith(".sig"));
        assert.ok(found, `${from}: ${[...entries.keys()].join(" ")}`);
        const bytes = new Uint8Array(entries.get(found)!);
        bytes[bytes.length - 1]! ^= 1;
        entries.set(found, bytes);
      }, "data.signed.zip");
      const { code, stdout, stderr } = await story.run(["show", path]);
      assert.equal(code, 3);
      assert.match(
        stderr,
        /^tagseal: error: What "changed\.zip" would have signed .*\ntagseal: next: Do not approve it/m,
      );
      assert.match(stdout, /^! The signature of the .*payload for .* is by no key that may sign$/m);
    }
    const part = await changed(story, (_, entries) => {
      entries.delete([...entries.keys()].find((name) => name.endsWith(".sig"))!);
    }, "data.signed.zip");
    const { code, stdout } = await story.run(["show", part]);
    assert.deepEqual([code, /Only \d+ of \d+ payloads are signed/.test(stdout)], [3, true]);
  });
});

Deno.test("show: a file that says one thing and signs another is told loudly, by what it signs", async (t) => {
  const { story, digests } = await prepared(...ALL);
  await using _ = story;
  const cases: [name: string, words: RegExp[], change: Parameters<typeof changed>[1]][] = [
    [
      "another digest",
      [/signs "v1" as sha256:e+, where the manifest says sha256:/, /now sha256:e{64}/],
      (m, e) => edit(m, e, (signed) => signed.targets.v1 = target(EVIL)),
    ],
    [
      "one more tag",
      [/signs "latest", of which the manifest says nothing/, /^ {2}latest: new$/m],
      (m, e) => edit(m, e, (signed) => signed.targets.latest = target(EVIL)),
    ],
    [
      "a tag moved unsaid",
      [/signs "v0", of which the manifest says nothing/, /^ {2}v0: moved$/m],
      (m, e) => edit(m, e, (signed) => signed.targets.v0 = target(EVIL), 1),
    ],
    [
      "a tag gone unsaid",
      [/withdraws "v0", of which the manifest says nothing/, /^ {2}v0: withdrawn$/m],
      (m, e) => edit(m, e, (signed) => delete signed.targets.v0),
    ],
    [
      "less than it says",
      [/signs "v2" as nothing, where the manifest says/],
      (m, e) => edit(m, e, (signed) => delete signed.targets.v2),
    ],
    ["a size", [/gives "v2" another size/], (m, e) => edit(m, e, (signed) => signed.targets.v2.length++)],
    [
      "somebody else may sign",
      [/changes something else than tags/],
      (m, e) =>
        edit(
          m,
          e,
          (signed) =>
            signed.delegations.roles = [{ keyids: [], name: "targets/releases/x", paths: [""], threshold: 1 }],
        ),
    ],
    ["more beside the tags", [/changes something else than tags/], (m, e) => edit(m, e, (signed) => signed.extra = 1)],
    [
      "for ever",
      [/expires at 2999-.*, out of bounds/],
      (m, e) => edit(m, e, (signed) => signed.expires = "2999-01-01T00:00:00Z"),
    ],
    [
      "another version",
      [/has version 9, where the manifest says 2/],
      (m, e) => edit(m, e, (signed) => signed.version = 9),
    ],
    ["a version that both say", [/does not follow version 1/], (m, e) => {
      m.repositories[0].roles[0].version = 9;
      edit(m, e, (signed) => signed.version = 9);
    }],
    [
      "another kind of file",
      [/cannot be read as what "targets\/releases" signs/],
      (m, e) => edit(m, e, (signed) => signed._type = "Root"),
    ],
    ["not canonical", [/is not in canonical form/], (m, e) => {
      const { payload } = m.repositories[0].roles[0];
      e.set(payload, utf8(`${text(e.get(payload)!)} `));
    }],
    [
      "a digest from before",
      [/"localhost:5000\/demo\/app:v1" stood for sha256:\w+, where the manifest says sha256:e/],
      (m) => m.repositories[0].tags[0].previousDigest = EVIL,
    ],
    [
      "another key",
      [/The key eeeeeeeeeeee may not sign for/],
      (m) => m.repositories[0].delegationKeyId = "e".repeat(64),
    ],
    [
      "the role that Docker reads left out",
      [/"targets\/releases" of .*, where Docker looks, is left as it is/],
      (m, e) => {
        e.delete(m.repositories[0].roles[0].payload);
        m.repositories[0].roles.shift();
      },
    ],
    [
      "a role that is no delegation",
      [/"targets" of ".*" is no delegation/],
      (m) => m.repositories[0].roles[0].role = "targets",
    ],
    ["trust data of the role forged", [/not proved|does not follow/], (_, e) => {
      const name = "trust/1/targets_releases.json";
      e.set(name, utf8(text(e.get(name)!).replace(/"v0"/, '"v9"')));
    }],
    ["trust data left out", [/What ".*" was before is not proved/, /root: NOT VERIFIED/], (_, e) => {
      for (const name of [...e.keys()]) if (name.startsWith("trust/")) e.delete(name);
    }],
    [
      "another repository",
      [/What "localhost:5000\/demo\/other" was before is not proved/],
      (m) => m.repositories[0].repository = "localhost:5000/demo/other",
    ],
    [
      "cosign: another digest",
      [/The cosign payload for ".*" does not say what the manifest says/, /as sha256:e{64}/],
      (m, e) => {
        const { payload } = m.images[0].signatures[0];
        e.set(payload, utf8(text(e.get(payload)!).replace(digests["v1"]!, EVIL)));
      },
    ],
    [
      "cosign: another repository",
      [/does not say what the manifest says .*, but localhost:5000\/demo\/evil:v1/],
      (m, e) => {
        const { payload } = m.images[0].signatures[0];
        e.set(payload, utf8(text(e.get(payload)!).replace("demo/app", "demo/evil")));
      },
    ],
    ["notation: another digest", [/The notation payload for .* but .*sha256:e/], (m, e) => {
      const { payload } = m.images[1].signatures[0];
      const [header, content] = text(e.get(payload)!).split(".");
      const said = text(Uint8Array.fromBase64(content!, { alphabet: "base64url" })).replace(digests["v1"]!, EVIL);
      e.set(payload, utf8(`${header}.${utf8(said).toBase64({ alphabet: "base64url", omitPadding: true })}`));
    }],
    ["notation: until another time", [/The notation payload for/], (m, e) => {
      const { payload } = m.images[1].signatures[0];
      const [header, content] = text(e.get(payload)!).split(".");
      const said = text(Uint8Array.fromBase64(header!, { alphabet: "base64url" })).replace(/20\d\d-/, "2001-");
      e.set(payload, utf8(`${utf8(said).toBase64({ alphabet: "base64url", omitPadding: true })}.${content}`));
    }],
    ["a scheme that is not known", [/is of a form that "gpg" does not have/], (m) => m.images[0].scheme = "gpg"],
  ];
  for (const [name, words, change] of cases) {
    await t.step(name, async () => {
      const { code, stdout, stderr } = await story.run(["show", await changed(story, change), ...PINNED]);
      assert.equal(code, 3, `${stdout}\n${stderr}`);
      assert.match(stdout, /^changed\.zip: DO NOT APPROVE: /);
      assert.match(stderr, /^tagseal: error: /m);
      for (const word of words) assert.match(`${stdout}\n${stderr}`, word);
    });
  }
  await t.step("a payload of another hash, no ZIP, a name that is none", async () => {
    const entries = await readZip(await Deno.readFile(story.path("data.zip")), LIMITS);
    entries.set([...entries.keys()].find((name) => name.endsWith(".dsse") || name.endsWith(".jws"))!, utf8("x"));
    await given(story, "bad.zip", await writeZip([...entries].map(([name, bytes]) => ({ name, bytes }))));
    await story.fail(3, ["show", "bad.zip"], ["is not the one that the manifest names"]);
    await story.fail(2, ["show", "root.pem"], ["is not a signing data file"]);
    for (const repository of ["<script>alert(1)</script>", "localhost:5000/demo/app:v1", "app"]) {
      const path = await changed(story, (m) => m.repositories[0].repository = repository);
      await story.fail(2, ["show", path], []);
    }
    const odd = await changed(story, (m) => m.images[0].certificates = [{}]);
    await story.fail(2, ["show", odd], ["a certificate in it cannot be read"]);
    const path = await changed(story, (m) => m.created = "yesterday");
    await story.fail(2, ["show", path], ['"created" is not a time']);
  });
});

Deno.test("show: as a page, words from outside are shown and do nothing", async () => {
  const { story } = await prepared();
  await using _ = story;
  const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>&\u202e`;
  const path = await changed(story, (m, e) => {
    m.tool = hostile;
    m.origin = { build: `javascript:alert(1)//${hostile}`, by: hostile, commit: hostile };
    m.repositories[0].notaryUrl = hostile;
    edit(m, e, (signed) => signed.targets["<b>x</b>"] = target(EVIL));
  });
  const { code, stdout, stderr } = await story.run(["show", path, "--format", "html", ...PINNED]);
  assert.equal(code, 3, stderr);
  assert.match(stdout, /^<!DOCTYPE html>\n/);
  const tags = new Set([...stdout.matchAll(/<\/?([a-zA-Z!][^\s>]*)/g)].map(([, name]) => name!.toLowerCase()));
  const allowed =
    "!doctype html head meta title style body main h1 p ul li dl dt dd section h2 h3 table thead tbody tr th td code br";
  assert.deepEqual([...tags].filter((name) => !allowed.split(" ").includes(name)), []);
  assert.doesNotMatch(stdout.replace(/<style>[^]*<\/style>/, ""), /<[^>]*\s(?:on\w+|src|href|style)=/i);
  assert.ok(stdout.includes("default-src &#39;none&#39;") || stdout.includes("default-src 'none'"));
  assert.ok(stdout.includes("&#60;script&#62;alert(1)&#60;/script&#62;") && stdout.includes("&#60;b&#62;x"), stdout);
  assert.ok(stdout.includes("\\u202e"), "a direction mark is shown");
  const good = await story.succeed(["show", "data.zip", "--format", "html"]);
  assert.match(good.stdout, /What would be signed is what the file says\./);
  assert.match(good.stdout, /^<style>\n:root \{.*\nbody \{.*\n[^]*^<\/style>$/m, "nothing in it is escaped");
});

Deno.test("show, and requests: who asks is told, from what CI systems say", async (t) => {
  const systems: [name: string, env: Record<string, string>, origin: Record<string, string>][] = [
    ["GitHub", {
      GITHUB_ACTIONS: "true",
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_REPOSITORY: "team/app",
      GITHUB_RUN_ID: "42",
      GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567",
      GITHUB_ACTOR: "ada",
    }, {
      build: "https://github.com/team/app/actions/runs/42",
      commit: "0123456789abcdef0123456789abcdef01234567",
      by: "ada",
    }],
    ["GitLab", {
      GITLAB_CI: "true",
      CI_JOB_URL: "https://gitlab.test/j/1",
      CI_COMMIT_SHA: "abcdef0",
      GITLAB_USER_LOGIN: "bo",
    }, {
      build: "https://gitlab.test/j/1",
      commit: "abcdef0",
      by: "bo",
    }],
    ["Azure", {
      TF_BUILD: "True",
      SYSTEM_COLLECTIONURI: "https://dev.azure.com/org/",
      SYSTEM_TEAMPROJECT: "My Project",
      BUILD_BUILDID: "7",
      BUILD_REQUESTEDFOR: "Cy",
    }, { build: "https://dev.azure.com/org/My%20Project/_build/results?buildId=7", by: "Cy" }],
    ["Jenkins", { JENKINS_URL: "https://ci.test/", BUILD_URL: "https://ci.test/job/1/", GIT_COMMIT: "nonsense" }, {
      build: "https://ci.test/job/1/",
    }],
    ["with a password", { JENKINS_URL: "x", BUILD_URL: "https://user:secret@ci.test/job/1/" }, {}],
  ];
  for (const [name, env, origin] of systems) {
    await t.step(name, async () => {
      assert.deepEqual(buildOrigin({ env: (name) => env[name] }), origin);
      if (env["GITLAB_CI"]) return; // there, what is said of sections is full of control characters
      await using story = await Story.readyToSign();
      await story.succeed(["signing-data", "-r", story.gun, "-t", "v1", "--output-artifact-path", "data.zip"], { env });
      const json = (await story.succeed(["show", "data.zip", "--json"])).json<Draft>();
      assert.deepEqual(json.origin ?? {}, origin);
      await story.succeed(["submit", "--input-artifact-path", "data.zip"]);
      await story.succeed(["sign", "-r", story.gun, "-t", "v1"], { env });
      for (const { description } of story.peers.signPath.requests()) {
        const build = origin["build"] === undefined ? "" : `; build ${origin["build"]}`;
        assert.match(description, /^localhost:5000\/demo\/app: v1 sha256:[0-9a-f]{12}(?:; build |$)/);
        assert.equal(description.replace(/^[^;]*/, ""), build);
      }
    });
  }
});
