/** `tagseal export`, and `verify --from`, `list --from`: trust data for the time after its server. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { given, Story } from "../support/local_story.ts";

const LIMITS = { entries: 100, entryBytes: 2 ** 20, totalBytes: 2 ** 20 };
const MANIFEST = "tagseal-export.json";

interface Manifest {
  format: string;
  created: string;
  tool: string;
  repositories: {
    repository: string;
    notaryUrl: string;
    verified: { at: string; rootTrustedBy: string; rootKeyIds: string[]; rootsFrom: number | null };
    files: { path: string; role: string; version: number; sha256: string; length: number; expires: string }[];
  }[];
}

async function exportedStory(): Promise<{ story: Story; digest: string; rootKeyId: string }> {
  const story = await Story.readyToSign();
  const digest = await story.push("v1");
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  const exported = await story.succeed(["export", "-r", story.gun, "--output-artifact-path", "trust.zip", "--json"]);
  const { path, sha256, repositories } = exported.json<
    { path: string; sha256: string; repositories: Manifest["repositories"] }
  >();
  assert.equal(path, story.path("trust.zip"));
  assert.equal(sha256, sha256Hex(await Deno.readFile(path)));
  return { story, digest, rootKeyId: repositories[0]!.verified.rootKeyIds[0]! };
}

async function unpack(story: Story): Promise<{ manifest: Manifest; files: Map<string, Bytes> }> {
  const files = await readZip(await Deno.readFile(story.path("trust.zip")), LIMITS);
  return { manifest: JSON.parse(new TextDecoder().decode(files.get(MANIFEST))), files };
}

/** Packs a changed export again, with hashes and lengths as whoever changes it would set them. */
async function pack(story: Story, manifest: Manifest, files: Map<string, Bytes>): Promise<void> {
  for (const file of manifest.repositories.flatMap(({ files }) => files)) {
    const bytes = files.get(file.path);
    if (bytes) Object.assign(file, { sha256: sha256Hex(bytes), length: bytes.length });
  }
  files.set(MANIFEST, utf8(JSON.stringify(manifest)));
  await given(story, "changed.zip", await writeZip([...files].map(([name, bytes]) => ({ name, bytes }))));
}

/** A machine without network that has nothing but the export. */
async function offline(story: Story, use: (auditor: Story) => Promise<void>, name = "trust.zip"): Promise<void> {
  await using auditor = await Story.begin(story.peers);
  auditor.between = () => Promise.reject(new Error("there is no network here"));
  await given(auditor, "trust.zip", await Deno.readFile(story.path(name)));
  await use(auditor);
  assert.deepEqual(auditor.calls, [], "nobody was asked");
  assert.deepEqual(await auditor.keys(), []);
  assert.ok(![...(await auditor.files()).keys()].some((path) => path.endsWith(".json")), "nothing was kept");
}

Deno.test("export keeps everything as served, and it verifies offline", async (t) => {
  const { story, digest, rootKeyId } = await exportedStory();
  await using _ = story;
  const verify = ["verify", "--from", "trust.zip", "-r", story.gun, "-t"];

  await t.step("what is in it", async () => {
    const { manifest, files } = await unpack(story);
    assert.deepEqual([manifest.format, manifest.tool.split("/")[0]], ["tagseal-export/1", "tagseal"]);
    const [{ repository, notaryUrl, verified, files: listed }] = manifest.repositories as [Manifest["repositories"][0]];
    assert.deepEqual([repository, notaryUrl], [story.gun, "https://localhost:5000"]);
    assert.deepEqual([verified.rootTrustedBy, verified.rootKeyIds, verified.rootsFrom], ["known", [rootKeyId], 1]);
    assert.deepEqual(listed.map(({ path, role, version }) => [path.replace("repositories/1/", ""), role, version]), [
      ["root.json", "root", 1],
      ["timestamp.json", "timestamp", 2],
      ["snapshot.json", "snapshot", 2],
      ["targets.json", "targets", 1],
      ["targets/releases.json", "targets/releases", 1],
      ["targets/signpath.json", "targets/signpath", 1],
      ["1.root.json", "root", 1],
    ]);
    for (const { path, sha256, length } of listed) {
      assert.deepEqual([sha256Hex(files.get(path)!), files.get(path)!.length], [sha256, length]);
    }
  });
  await t.step("verified from the file alone", async () => {
    await offline(story, async (auditor) => {
      const { stdout, stderr } = await auditor.succeed([...verify, "v1", "--root-pin", rootKeyId]);
      assert.equal(stdout, `v1 ${digest}\n`);
      assert.match(stderr, /^tagseal: warning: .* is verified from "trust\.zip", offline, as of \S+Z: .* expiry .*\n$/);
      await auditor.fail(3, [...verify, "v2"], ["Not signed", "v2"]);
      await auditor.fail(3, [...verify, "v1", "--root-pin", "a".repeat(64)], ["pinned"]);
      await auditor.fail(2, ["verify", "--from", "trust.zip", "-r", "acme/app", "-t", "v1"], [
        'does not hold "docker.io/acme/app"',
        `It holds ${story.gun}`,
      ]);
      const listed = (await auditor.succeed(["list", "--from", "trust.zip", "-r", story.gun, "--json"])).json<
        { tags: { tag: string }[]; offline: { file: string; judgedAt: string } }
      >();
      assert.deepEqual([listed.tags.map(({ tag }) => tag), listed.offline.file], [["v1"], "trust.zip"]);
      assert.match((await auditor.succeed(["inspect", "--from", "trust.zip", "-r", story.gun])).stdout, /signpath/);
    });
  });
  await t.step(
    "whatever credentials and Docker's config are like, and without a home where the root is pinned",
    async () => {
      await offline(story, async (auditor) => {
        await given(auditor, "docker", "damaged");
        const env = { NOTARY_AUTH: "damaged", DOCKER_AUTH_CONFIG: "damaged", HOME: "" };
        const pinned = [...verify, "v1", "--root-pin", rootKeyId];
        assert.equal((await auditor.succeed(pinned, { env })).stdout, `v1 ${digest}\n`);
        assert.equal(
          (await auditor.succeed(pinned, { env: { ...env, DOCKER_CONFIG: "docker" } })).stdout,
          `v1 ${digest}\n`,
        );
        const { stderr } = await auditor.succeed([...verify, "v1"], { env });
        assert.match(stderr, /there is no home directory .* was met for the first time and not pinned/s);
      });
    },
  );
  await t.step("also in ten years, when online nothing would be left of it", async () => {
    await offline(story, async (auditor) => {
      const later = { host: { now: () => new Date(Date.now() + 5000 * 86_400_000) } };
      assert.equal((await auditor.succeed([...verify, "v1"], later)).stdout, `v1 ${digest}\n`);
    });
  });
  await t.step("not over what is there, unless forced", async () => {
    const again = ["export", "-r", story.gun, "--output-artifact-path", "trust.zip"];
    await story.fail(6, again, ["exists already"]);
    assert.match((await story.succeed([...again, "--force"])).stdout, /^\/.*trust\.zip sha256:[0-9a-f]{64}\n$/);
  });
});

Deno.test("a forged export is refused where the root is known", async () => {
  const { story, rootKeyId } = await exportedStory();
  await using _ = story;
  await using forger = await Story.readyToSign(); // another stack: the same name, and keys of their own
  assert.equal(forger.gun, story.gun);
  await forger.push("v1");
  await forger.succeed(["sign", "-r", forger.gun, "-t", "v1"]);
  await forger.succeed(["export", "-r", forger.gun, "--output-artifact-path", "trust.zip"]);
  await given(story, "forged.zip", await Deno.readFile(forger.path("trust.zip")));
  for (const more of [[], ["--require-pin"]]) {
    const from = (file: string) => ["verify", "--from", file, "-r", story.gun, "-t", "v1", ...more];
    await story.fail(3, from("forged.zip"), ["is not the pinned one"]);
    const { stderr } = await story.succeed(from("trust.zip"));
    assert.match(stderr, /held to the root key that is known here/);
    assert.doesNotMatch(stderr, /first time/);
  }
  // Whoever knows nothing is told so, and can be told what to pin.
  await offline(forger, async (auditor) => {
    const verify = ["verify", "--from", "trust.zip", "-r", story.gun, "-t", "v1"];
    assert.match((await auditor.succeed(verify)).stderr, /first time/);
    await auditor.fail(3, [...verify, "--root-pin", rootKeyId], ["is not the pinned one"]);
  });
});

Deno.test("a changed export is refused", async (t) => {
  const { story, digest } = await exportedStory();
  await using _ = story;
  const verify = ["verify", "--from", "trust.zip", "-r", story.gun, "-t", "v1"];
  const refused = async (
    name: string,
    code: number,
    words: string[],
    change: (manifest: Manifest, files: Map<string, Bytes>) => void,
  ) => {
    await t.step(name, async () => {
      const { manifest, files } = await unpack(story);
      change(manifest, files);
      await pack(story, manifest, files);
      await offline(story, async (auditor) => void await auditor.fail(code, verify, words), "changed.zip");
    });
  };
  const path = (name: string) => `repositories/1/${name}.json`;
  const other = "f".repeat(64);

  await refused("a digest is replaced, all hashes of the manifest made to fit", 3, ["targets/releases"], (_, files) => {
    const file = new TextDecoder().decode(files.get(path("targets/releases")));
    const sha256 = Uint8Array.fromHex(digest.slice(7)).toBase64();
    assert.ok(file.includes(sha256));
    files.set(path("targets/releases"), utf8(file.replace(sha256, Uint8Array.fromHex(other).toBase64())));
  });
  await refused("a role is left out", 3, ["targets/releases"], ({ repositories }, files) => {
    files.delete(path("targets/releases"));
    repositories[0]!.files = repositories[0]!.files.filter(({ role }) => role !== "targets/releases");
  });
  await refused("a verification time before anything was valid", 3, ["not valid yet"], ({ repositories }) => {
    repositories[0]!.verified.at = "2020-01-01T00:00:00Z";
  });
  await t.step("a verification time in the future is not believed", async () => {
    const { manifest, files } = await unpack(story);
    manifest.repositories[0]!.verified.at = "2100-01-01T00:00:00Z";
    await pack(story, manifest, files);
    await offline(story, async (auditor) => {
      await auditor.succeed(verify);
      const later = { host: { now: () => new Date(Date.now() + 20 * 86_400_000) } };
      await auditor.fail(3, verify, ['"timestamp" expired'], later);
    }, "changed.zip");
  });
  await refused("a file that the manifest does not name", 3, ["does not name"], (_, files) => {
    files.set("repositories/1/more.json", utf8("{}"));
  });
  await refused("a file is missing", 3, ["is not the file that its manifest names"], (_, files) => {
    files.delete(path("timestamp"));
  });
  await refused("another format", 2, ["not an export", "tagseal-export/1"], (manifest) => {
    manifest.format = "tagseal-export/2";
  });
  await refused("another repository's name", 2, ["does not hold"], ({ repositories }) => {
    repositories[0]!.repository = "docker.io/acme/app";
  });
  await t.step("a manifest that does not fit", async () => {
    const { manifest, files } = await unpack(story);
    files.set(path("timestamp"), utf8("{}"));
    files.set(MANIFEST, utf8(JSON.stringify(manifest)));
    await given(story, "changed.zip", await writeZip([...files].map(([name, bytes]) => ({ name, bytes }))));
    await offline(story, async (auditor) => void await auditor.fail(3, verify, ["has been changed"]), "changed.zip");
  });
  await t.step("no ZIP at all", async () => {
    await given(story, "changed.zip", "no ZIP");
    await offline(story, async (auditor) => void await auditor.fail(2, verify, ["cannot be used"]), "changed.zip");
  });
});

Deno.test("export of many: all or nothing, each in a folder of its own", async (t) => {
  await using story = await Story.readyToSign();
  const second = "localhost:5000/demo/second";
  await story.succeed(["init", "-r", second]);
  await t.step("both", async () => {
    await Deno.writeTextFile(story.path("all"), `${story.gun}\n${second}\n`);
    await story.succeed(["export", "--repositories-from", "all", "--output-artifact-path", "trust.zip"]);
    const { manifest } = await unpack(story);
    assert.deepEqual(manifest.repositories.map(({ repository, files }) => [repository, files[0]!.path]), [
      [story.gun, "repositories/1/root.json"],
      [second, "repositories/2/root.json"],
    ]);
    await offline(story, async (auditor) => {
      await given(auditor, "all", `${story.gun}\n${second}\n`);
      const args = ["list", "--from", "trust.zip", "--repositories-from", "all", "--json"];
      const { repositories } = (await auditor.succeed(args)).json<{ repositories: { repository: string }[] }>();
      assert.deepEqual(repositories.map(({ repository }) => repository), [story.gun, second]);
    });
  });
  await t.step("one cannot be verified: nothing is written", async () => {
    await Deno.writeTextFile(story.path("all"), `${story.gun}\nlocalhost:5000/demo/none\n`);
    const args = ["export", "--repositories-from", "all", "--output-artifact-path", "none.zip", "--json"];
    const { code, stdout, stderr } = await story.run(args);
    assert.equal(code, 2);
    assert.deepEqual(
      documentIn(stdout).repositories.map((one: { error?: { code: string } }) => one.error?.code),
      [undefined, "not-found"],
    );
    assert.match(stderr, /Nothing was written/);
    await assert.rejects(Deno.stat(story.path("none.zip")), Deno.errors.NotFound);
  });
});

Deno.test("the end of a Notary server is said by whatever signs, keeps or looks at what is there", async () => {
  await using story = await Story.readyToSign();
  const hub = ["--notary-url", "https://notary.docker.io"];
  const ends = "notary\\.docker\\.io (ends|ended) on 8 December 2026";
  const args = ["export", "-r", story.gun, "--output-artifact-path", "hub.zip", ...hub];
  assert.match((await story.succeed(args)).stderr, new RegExp(`warning: ${ends}\\. .*another Notary server`));
  const { stdout } = await story.succeed(["status", "-r", story.gun, ...hub]);
  assert.match(stdout, new RegExp(`warning: ${ends}\n {4}next: Keep what is signed`));
  const second = await story.another("demo/web");
  await Deno.writeTextFile(story.path("tags"), `${story.gun}:v1\n${second}:v1\n`);
  const { stderr } = await story.succeed(["sign", "--from", "tags", ...hub]);
  assert.deepEqual(stderr.match(new RegExp(ends, "g"))?.length, 1, stderr); // once for both
  assert.match(stderr, new RegExp(`warning: ${ends}: .*tagseal export.*DOCKER_CONTENT_TRUST_SERVER`));
  assert.match(stderr, /Docker 29 and later pull without looking at signatures; tagseal verify checks them/);
  assert.doesNotMatch((await story.succeed(["sign", "--from", "tags"])).stderr, new RegExp(ends));
  const made = await story.succeed(["init", "-r", "localhost:5000/demo/new", ...hub]);
  assert.match(made.stderr, new RegExp(`${ends}[^]*Docker 29 and later`));
});
