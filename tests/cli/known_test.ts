/** The names that shells are offered: repositories and tags of the trust directory, as far as they are names. */
import assert from "node:assert/strict";
import { inFolder } from "../support/test_files.ts";
import { tagseal } from "../support/run.ts";
import { utf16 } from "../support/text_forms.ts";

/** Puts a copy of a repository into a trust directory. */
async function keep(folder: string, path: string, tags: Record<string, readonly string[] | string>): Promise<void> {
  const metadata = `${folder}/docker/trust/tuf/${path}/metadata`;
  await Deno.mkdir(`${metadata}/targets`, { recursive: true });
  await Deno.writeTextFile(`${metadata}/root.json`, "{}");
  for (const [role, names] of Object.entries(tags)) {
    const text = typeof names === "string"
      ? names
      : JSON.stringify({ signed: { targets: Object.fromEntries(names.map((name) => [name, {}])) } });
    await Deno.writeTextFile(`${metadata}/${role}.json`, text);
  }
}

Deno.test("known names: repositories and their tags, as they are typed; nothing else is a name", () =>
  inFolder(async (folder) => {
    const asked = async (...words: string[]) => {
      const options = { cwd: folder, env: { HOME: folder, DOCKER_CONFIG: `${folder}/docker` } };
      const { code, stdout, stderr } = await tagseal(["__known", ...words], options);
      assert.deepEqual([code, stderr], [0, ""]);
      return stdout.split("\n").filter(Boolean);
    };
    assert.deepEqual(await asked("repository", ""), [], "there is no trust directory");
    await keep(folder, "registry.example.com/team/app", { "targets/releases": ["v2", "$(id)"], targets: ["v1", "-x"] });
    await keep(folder, "docker.io/library/alpine", { targets: ["3"] });
    await keep(folder, "localhost:5000/broken", {
      "targets/releases": '{"signed":',
      targets: '{"signed":{"targets":7}}',
    });
    for (const name of ["$(id)", "a b", "Upper", "-r", "a\nb"]) await keep(folder, `localhost:5000/${name}`, {});
    const repositories = ["docker.io/library/alpine", "localhost:5000/broken", "registry.example.com/team/app"];
    assert.deepEqual((await asked("repository", "")).sort(), repositories);
    assert.deepEqual(await asked("repository"), await asked("repository", ""));
    assert.deepEqual(await asked("repository", "reg"), ["registry.example.com/team/app"]);
    const of = (...words: string[]) => asked("tag", "", "sign", ...words);
    assert.deepEqual(await of("-r", "registry.example.com/team/app"), ["v1", "v2"]);
    assert.deepEqual(await of("-r", "other", "--repository='registry.example.com/team/app'"), ["v1", "v2"]);
    assert.deepEqual(await of("-r", "alpine"), ["3"], "as Docker normalises it");
    for (const words of [["-r", "localhost:5000/broken"], ["-r", "../../.."], ["-r"], [], ["-t", "alpine"]]) {
      assert.deepEqual(await of(...words), [], words.join(" "));
    }
    assert.deepEqual(await of("-r", "alpine", "--trust-dir", "elsewhere"), []);
    assert.deepEqual(await of("-r", "alpine", "--trust-dir", "docker/trust"), ["3"]);
    assert.deepEqual(await asked("nothing", ""), []);
    const ours = ["registry.example.com/team/web", "registry.example.com/team/app", "a b", "$(id)", 7];
    await Deno.writeFile(`${folder}/tagseal.json`, utf16(JSON.stringify({ repositories: ours })));
    const known = ["registry.example.com/team/app", "registry.example.com/team/web"];
    assert.deepEqual(await asked("repository", "registry"), known, "those of the project file as well, each once");
    await Deno.writeTextFile(`${folder}/tagseal.json`, "{");
    assert.deepEqual(await asked("repository", "registry"), known.slice(0, 1));
  }));

Deno.test("known names: no more than a shell can show", () =>
  inFolder(async (folder) => {
    await keep(folder, "localhost:5000/app", { targets: Array.from({ length: 3000 }, (_, i) => `v${i}`) });
    const options = { cwd: folder, env: { DOCKER_CONFIG: `${folder}/docker` } };
    const { stdout } = await tagseal(["__known", "tag", "", "list", "-r", "localhost:5000/app"], options);
    assert.equal(stdout.trimEnd().split("\n").length, 1000);
    const typed = await tagseal(["__known", "tag", "v2999", "list", "-r", "localhost:5000/app"], options);
    assert.equal(typed.stdout, "v2999\n", "what is typed is looked for among all of them");
  }));
