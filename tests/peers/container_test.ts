/** The container image: its recipe by a linter, and built and run by a real engine as its head says. */
import assert from "node:assert/strict";
import { DockerfileParser } from "npm:dockerfile-ast@0.7.1";
import { validate } from "npm:dockerfile-utils@0.16.3";
import { VERSION } from "../../lib/version.ts";
import { builtFile } from "../support/built_file.ts";
import { engineAddress, startEngine } from "../support/engine.ts";
import { peerTest } from "../support/peer_case.ts";

const RECIPE = new URL("../../ci/container/Dockerfile", import.meta.url).pathname;
const recipe = await Deno.readTextFile(RECIPE);

Deno.test("container: a linter finds nothing in the recipe, and it has no root, no shell form and no image without a version", () => {
  const found = (text: string) => validate(text).map(({ message }) => message);
  assert.deepEqual(found(recipe), []);
  assert.notDeepEqual(found(recipe.replace("USER 65532", "USSER 65532")), [], "it would find something");
  const instructions = DockerfileParser.parse(recipe).getInstructions();
  const of = (keyword: string) => instructions.filter((each) => each.getKeyword() === keyword);
  assert.deepEqual([...of("RUN"), ...of("ADD")], []);
  assert.deepEqual(of("USER").map((each) => each.getArgumentsContent()), ["65532:65532"]);
  assert.match(of("ARG")[0]!.getArgumentsContent()!, /^BASE=\S+:\d+\.\d+\.\d+$/);
  for (const each of [...of("ENTRYPOINT"), ...of("CMD")]) assert.match(each.getArgumentsContent()!, /^\[".*"\]$/);
});

/** What the flags of `docker run` are in the recipe's head, but for what is mounted and handed in. */
function hardening(): string[] {
  const [, line = ""] = /docker run --rm (.*?) \\\n/.exec(recipe) ?? [];
  return line.split(" ");
}

/** An image with Deno, a shell and what both are linked to, as those of this machine are. */
async function baseImage(folder: string): Promise<void> {
  const copy = async (from: string, to: string) => {
    await Deno.mkdir(`${folder}${to}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(from, `${folder}${to}`);
  };
  for (const [from, to] of [[Deno.execPath(), "/bin/deno"], ["/bin/dash", "/bin/sh"]] as const) {
    await copy(from, to);
    const { stdout } = await new Deno.Command("ldd", { args: [from] }).output();
    for (const [library] of new TextDecoder().decode(stdout).matchAll(/\/\S+\.so\S*/g)) await copy(library, library);
  }
}

peerTest("container: built as the recipe says, it runs as nobody, writes nowhere, and signs where it may", [
  "docker",
  "dockerd",
], async () => {
  const dir = await Deno.makeTempDir({ prefix: "tagseal-container-" });
  try {
    await using _engine = await startEngine(dir);
    const docker = async (...args: string[]) => {
      const env = { DOCKER_HOST: engineAddress(dir), DOCKER_CONFIG: `${dir}/docker`, DOCKER_BUILDKIT: "0" };
      const { code, stdout, stderr } = await new Deno.Command("docker", { args, env, stdin: "null" }).output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
      return { code, out, err };
    };
    const done = async (...args: string[]) => {
      const { code, out, err } = await docker(...args);
      assert.equal(code, 0, err);
      return out;
    };
    await baseImage(`${dir}/base`);
    const { success } = await new Deno.Command("tar", { args: ["-C", `${dir}/base`, "-cf", `${dir}/base.tar`, "."] })
      .output();
    assert.ok(success);
    await done("import", `${dir}/base.tar`, "base");
    await Deno.mkdir(`${dir}/dist`);
    await Deno.copyFile(await builtFile(), `${dir}/dist/tagseal`);
    await done("build", "-q", "-f", RECIPE, "-t", "tagseal", "--build-arg", "BASE=base", `${dir}/dist`);

    const flags = ["--network", "none", ...hardening()];
    assert.ok(flags.includes("--read-only") && flags.includes("--cap-drop"), "these are the flags of the head");
    assert.equal(await done("run", "--rm", ...flags, "tagseal", "--version"), `${VERSION}\n`);
    const look =
      `const no = (path) => { try { Deno.writeTextFileSync(path, ""); return false; } catch { return true; } };
      console.log(Deno.uid(), Deno.gid(), ["/x", "/work/x", "/tagseal/x", "/usr/local/bin/tagseal"].every(no));`;
    assert.equal(
      await done("run", "--rm", ...flags, "--entrypoint", "/bin/deno", "tagseal", "eval", look),
      "65532 65532 true\n",
    );

    await Deno.mkdir(`${dir}/work`);
    await Deno.chown(`${dir}/work`, 12345, 12345);
    const told = await done(
      "run",
      "--rm",
      ...flags,
      "--user",
      "12345:12345",
      "-v",
      `${dir}/work:/work`,
      "tagseal",
      "demo",
    );
    assert.match(told, /:v1 sha256:[0-9a-f]{12}… published/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
