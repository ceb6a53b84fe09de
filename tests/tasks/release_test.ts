/** A release from the sources as they lie here: built in two clones, published, fetched by tuf-js, and taken by an agent. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { KNOWN_MODULES } from "../../lib/keystore/pkcs11_modules.ts";
import { ReleaseFolder } from "../../lib/releases/repository.ts";
import { VERSION } from "../../lib/version.ts";
import { committed, git, PASSPHRASES, PROJECT, run } from "../support/clones.ts";
import { failsWith } from "../support/failures.ts";
import { copyFolder } from "../support/folders.ts";
import { peerTest } from "../support/peer_case.ts";
import { ReleaseClient } from "../support/releases.ts";

/** No runtime is fetched, and Deno itself takes long to write: any program of this system takes its place. */
const RUNTIME = "/usr/bin/true";

async function filesIn(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) {
      for (const [path, hash] of await filesIn(`${folder}/${name}`)) found.set(`${name}/${path}`, hash);
    } else found.set(name, sha256Hex(await Deno.readFile(`${folder}/${name}`)));
  }
  return new Map([...found].sort());
}

Deno.test({
  name: "release: two clones make the same bytes; tuf-js fetches them, and an agent updates itself from them",
  sanitizeResources: false, // tuf-js leaves the answer of what is not there unread
  async fn(t) {
    const dir = await Deno.makeTempDir({ prefix: "tagseal-release-" });
    const [here, there, site, other, keys] = ["here", "a/longer/way/there", "site", "other", "keys"].map((name) =>
      `${dir}/${name}`
    ) as [string, string, string, string, string];
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const bytes = await Deno.readFile(`${site}${new URL(request.url).pathname}`).catch(() => undefined);
      return new Response(bytes ?? null, { status: bytes ? 200 : 404 });
    });
    const url = `http://127.0.0.1:${server.addr.port}`;
    const release = async (clone: string, output: string, ...args: string[]) => {
      const env = { DENORT_BIN: RUNTIME, TAGSEAL_RELEASE_KEYS: keys, ...PASSPHRASES };
      return await run(Deno.execPath(), ["task", "-q", "release", "--output", output, "--json", ...args], clone, env);
    };
    const agent = `${dir}/agent`;
    const update = (...args: string[]) =>
      run(`${agent}/tagseal`, ["self-update", "--allow-http", ...args], agent, { HOME: agent });
    try {
      await committed(here);

      await t.step("the first run makes keys and root, for the sources to be committed with", async () => {
        const nobody = await run(Deno.execPath(), ["task", "-q", "release", "--output", site, "--keys", keys], here);
        assert.equal(
          nobody.err,
          "tagseal: error: The passphrase of the root key is needed, and there is nobody to ask\n" +
            "tagseal: next: Set TAGSEAL_RELEASE_ROOT_PASSPHRASE, or run this in a terminal\n",
        );
        const { code, out, err } = await release(here, site, "--release-url", url);
        assert.equal(code, 0, err);
        assert.equal(JSON.parse(out).outcome, "begun");
        assert.equal((await git(here, "status", "--porcelain")).trim(), "M lib/updates/release_root.ts");
        const early = await release(here, site);
        assert.equal(early.code, 2);
        assert.match(early.err, /The project is not as it was committed: M lib\/updates\/release_root\.ts/);
        await git(here, "commit", "-qam", "the root of the releases");
      });

      await t.step("two clones in folders of different depth make the same bytes", async () => {
        await Deno.mkdir(there.replace(/\/[^/]*$/, ""), { recursive: true });
        await git(dir, "clone", "-q", here, there);
        await Deno.mkdir(`${other}/metadata`, { recursive: true });
        await Deno.copyFile(`${site}/metadata/1.root.json`, `${other}/metadata/1.root.json`);
        const ends = await Promise.all(
          [[here, site], [there, other]].map(([clone, output]) =>
            release(clone!, output!, "--target", Deno.build.target)
          ),
        );
        for (const { code, out, err } of ends) {
          assert.equal(code, 0, err);
          assert.equal(JSON.parse(out).outcome, "released");
        }
        const [ours, theirs] = [await filesIn(`${site}/${VERSION}`), await filesIn(`${other}/${VERSION}`)];
        assert.deepEqual([...ours.keys()], [
          ...["SHA256SUMS", "provenance.json", "tagseal", `tagseal-${Deno.build.target}`],
          ...["tagseal.cdx.json", "tagseal.cmd"],
        ]);
        assert.deepEqual(ours, theirs);
        assert.deepEqual(await filesIn(`${site}/targets`), await filesIn(`${other}/targets`));
      });

      await t.step("checksums are true, the provenance names commit and files", async () => {
        const { code, err } = await run("sha256sum", ["-c", "--strict", "SHA256SUMS"], `${site}/${VERSION}`);
        assert.equal(code, 0, err);
        const { subject, predicate } = JSON.parse(await Deno.readTextFile(`${site}/${VERSION}/provenance.json`));
        const files = await filesIn(`${site}/${VERSION}`);
        for (const { name, digest } of subject) assert.equal(digest.sha256, files.get(name), name);
        assert.equal(subject.length, 4);
        const { resolvedDependencies: [source, ...tools] } = predicate.buildDefinition;
        assert.equal(source.digest.gitCommit, (await git(here, "rev-parse", "HEAD")).trim());
        assert.deepEqual(tools.map(({ name }: { name: string }) => name.replace(/@.*/, "")), [
          "deno",
          "",
          "deno.lock",
          "DENORT_BIN",
        ]);
        assert.equal(tools[0].digest.sha256, sha256Hex(await Deno.readFile(Deno.execPath())));
      });

      await t.step(
        "the bill of materials names the packages of CONTRIBUTING, and each one from which code is shipped",
        async () => {
          const { metadata, components, dependencies } = JSON.parse(
            await Deno.readTextFile(`${site}/${VERSION}/tagseal.cdx.json`),
          );
          assert.equal(metadata.timestamp, "2026-11-28T12:00:00.000Z");
          const needs = new Map<string, string[]>(
            dependencies.map(({ ref, dependsOn = [] }: { ref: string; dependsOn?: string[] }) => [ref, dependsOn]),
          );
          const direct = needs.get(`tagseal@${VERSION}`)!.map((ref) => ref.replace(/@[^@]*$/, ""));
          const page = await Deno.readTextFile(`${PROJECT}CONTRIBUTING.md`);
          const [, table = ""] = /Run time, all from npm.*?\n\n(\|.*?)\n\n/s.exec(page) ?? [];
          const told = table.split("\n").slice(2).flatMap((row) =>
            [...row.split("|")[1]!.matchAll(/`([^`]+)`/g)].map((m) => m[1]!)
          );
          assert.deepEqual(direct.sort(), [...told, "deno"].sort());
          const reached = new Set<string>();
          const visit = (ref: string) => reached.has(ref) || (reached.add(ref), needs.get(ref)!.forEach(visit));
          visit(`tagseal@${VERSION}`);
          const refs = components.map((each: { "bom-ref": string }) => each["bom-ref"]);
          assert.deepEqual([...reached].filter((ref) => !ref.startsWith("tagseal@")).sort(), refs.sort());
          const lock = JSON.parse(await Deno.readTextFile(`${PROJECT}deno.lock`));
          for (
            const { "bom-ref": ref, hashes: [{ alg, content }], licenses } of components.filter((
              { name }: { name: string },
            ) => name !== "deno")
          ) {
            assert.equal(`sha512-${Uint8Array.fromHex(content).toBase64()}`, lock.npm[ref].integrity, ref);
            assert.equal(alg, "SHA-512");
            assert.ok(licenses.length > 0, ref);
          }
        },
      );

      await t.step("tuf-js fetches a release from the first root", async () => {
        using client = new ReleaseClient(url, await Deno.readFile(`${site}/metadata/1.root.json`));
        assert.equal(await client.fetch(`${VERSION}/tagseal`), await Deno.readTextFile(`${site}/${VERSION}/tagseal`));
        assert.equal(await client.fetch(`${VERSION}/SHA256SUMS`).catch(() => "none"), "none");
      });

      await t.step("an agent with that file updates itself to the next release, over a new root", async () => {
        await Deno.mkdir(agent);
        await Deno.copyFile(`${site}/${VERSION}/tagseal`, `${agent}/tagseal`);
        const current = await update("--check");
        assert.deepEqual([current.code, current.out], [0, `tagseal ${VERSION} unchanged\n`], current.err);
        const common = ["task", "-q", "release-rotate-key", "--role", "targets", "--output", site, "--keys", keys];
        const rotated = await run(Deno.execPath(), common, here, PASSPHRASES);
        assert.equal(rotated.code, 0, rotated.err);
        assert.match(await Deno.readTextFile(`${here}/lib/updates/release_root.ts`), /\\"version\\": 2/);
        for (const name of ["deno.json", "lib/version.ts"]) {
          const text = await Deno.readTextFile(`${here}/${name}`);
          await Deno.writeTextFile(`${here}/${name}`, text.replace(`"${VERSION}"`, '"9.9.9"'));
        }
        await git(here, "commit", "-qam", "9.9.9");
        const next = await release(here, site, "--without-programs");
        assert.equal(next.code, 0, next.err);
        const taken = await update();
        assert.deepEqual([taken.code, taken.out], [0, "tagseal 9.9.9 replaced\n"], taken.err);
        assert.equal((await run(`${agent}/tagseal`, ["--version"], agent)).out, "9.9.9\n");
        const renewal = ["task", "-q", "release-renew", "--output", site, "--keys", keys];
        const renewed = await run(Deno.execPath(), renewal, here, PASSPHRASES);
        assert.deepEqual([renewed.code, renewed.out], [0, "renewed: timestamp\n"], renewed.err);
        assert.equal((await update("--check")).out, "tagseal 9.9.9 unchanged\n");
      });
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

const MODULE = KNOWN_MODULES.find((path) => path.includes("softhsm") && existsSync(path)) ?? "";

peerTest("release: the root key is made on a token, and signs from there", ["softhsm2", "pkcs11 addon"], async () => {
  const dir = await Deno.makeTempDir({ prefix: "tagseal-release-" });
  try {
    const [here, site, keys] = ["here", "site", "keys"].map((name) => `${dir}/${name}`) as [string, string, string];
    await committed(here);
    await copyFolder(`${PROJECT}.tagseal-pkcs11`, `${here}/.tagseal-pkcs11`);
    const env = {
      SOFTHSM2_CONF: `${dir}/softhsm2.conf`,
      TAGSEAL_PKCS11_PIN: "4711",
      ...PASSPHRASES,
      TAGSEAL_RELEASE_ROOT_PASSPHRASE: "",
    };
    await Deno.mkdir(`${dir}/tokens`);
    await Deno.writeTextFile(env.SOFTHSM2_CONF, `directories.tokendir = ${dir}/tokens\n`);
    const named = ["--label", "company", "--so-pin", "12345678", "--pin", "4711"];
    assert.equal((await run("softhsm2-util", ["--init-token", "--free", ...named], dir, env)).code, 0);
    const task = (name: string, ...args: string[]) => {
      const common = ["--output", site, "--keys", keys, "--root-key-store", "pkcs11", "--pkcs11-module", MODULE];
      return run(Deno.execPath(), ["task", "-q", name, ...common, ...args], here, env);
    };
    const begun = await task("release");
    assert.deepEqual([begun.code, begun.out], [0, "root 1 begun\n"], begun.err);
    assert.match(begun.err, /Signing on the token "company"/);
    const modes = [site, `${site}/metadata`, `${site}/metadata/1.root.json`].map((path) =>
      Deno.statSync(path).mode! & 0o777
    );
    assert.deepEqual(modes, [0o755, 0o755, 0o644], "a web server reads it");
    assert.equal([...Deno.readDirSync(`${keys}/private`)].filter(({ name }) => name.endsWith(".key")).length, 3);
    const rotated = await task("release-rotate-key", "--role", "timestamp");
    assert.equal(rotated.code, 0, rotated.err);
    const folder = new ReleaseFolder(site);
    assert.equal((await folder.read(await Deno.readFile(`${site}/metadata/1.root.json`)))!.root.signed.version, 2);
    const withoutToken = ["task", "-q", "release-rotate-key", "--role", "timestamp", "--output", site, "--keys", keys];
    const refused = await run(Deno.execPath(), withoutToken, here, PASSPHRASES);
    assert.equal(refused.code, 2, refused.err);
    assert.match(
      refused.err,
      /The root role of the releases wants 1 of its 1 keys, and 0 are here; missing: [0-9a-f]{7}\n/,
    );
    const absent = await run(Deno.execPath(), [
      "task",
      "-q",
      "release-renew",
      "--output",
      `${dir}/nothing`,
      "--keys",
      keys,
    ], here);
    assert.match(absent.err, /There is no release repository in ".*nothing"/);
    assert.ok(!existsSync(`${dir}/nothing`), "looking makes nothing");
    await failsWith(folder.read(new Uint8Array()), "trust-invalid", "none of this repository's");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
