/** Text files as programs of Windows write them, wherever commands read one. */
import assert from "node:assert/strict";
import { Story } from "../support/local_story.ts";
import { windowsForms } from "../support/text_forms.ts";

Deno.test("text files of Windows: lists, pins, certificates, metadata of builds and Docker's logins are read", async (t) => {
  await using story = await Story.readyToSign();
  const { gun } = story;
  await story.succeed(["sign", "-r", gun, "-t", "v1"]);
  await story.succeed(["root-certificate", "-r", gun, "--output-artifact-path", "plain.pem"]);
  const digest = (await story.succeed(["list", "-r", gun])).stdout.match(/sha256:[0-9a-f]{64}/)![0];
  const pem = await Deno.readTextFile(story.path("plain.pem"));
  const texts = {
    "repositories.txt": `# ours\n${gun}\n`,
    "tags.txt": `# ours\n${gun}:v1@${digest}\n`,
    "root.pem": pem,
    "build.json": JSON.stringify({ "containerimage.digest": digest, "image.name": `${gun}:v1` }),
    "tagseal.json": JSON.stringify({ repositories: [gun] }),
    "docker/config.json": '{"auths":{}}\n',
  };
  await Deno.mkdir(story.path("docker"));
  for (const [i, [form]] of windowsForms("").entries()) {
    await t.step(form, async () => {
      for (const [name, text] of Object.entries(texts)) {
        await Deno.writeFile(story.path(name), windowsForms(text)[i]![1]);
      }
      assert.match(
        (await story.succeed(["status", "--repositories-from", "repositories.txt"])).stdout,
        /^\S+\/demo\/app/,
      );
      assert.ok((await story.succeed(["list"])).stdout.includes(digest));
      assert.match((await story.succeed(["sign", "--from", "tags.txt"])).stdout, / unchanged\n$/);
      await story.succeed(["verify", "-r", gun, "-t", "v1", "--root-pin", "root.pem", "--require-pin"]);
      await story.succeed(["sign", "-r", gun, "--buildx-metadata", "build.json"]);
      const quiet = await story.succeed(["verify", "-r", gun, "-t", "v1", "--root-pin", "root.pem"], {
        env: { DOCKER_CONFIG: "docker" },
      });
      assert.equal(quiet.stderr, "", "a config.json that cannot be read would be warned of");
    });
  }
});
