/** `verify --registry` and `verify -r name@sha256:…`: what is served now, and which tags sign a digest. */
import assert from "node:assert/strict";
import { Story } from "../support/local_story.ts";

Deno.test("verify: digests, and what the registry serves", async (t) => {
  await using story = await Story.readyToSign();
  const { gun } = story;
  const v1 = await story.push("v1");
  await story.push("latest", "v1");
  const v2 = await story.push("v2");
  await story.succeed(["sign", "-r", gun, "-t", "v1,v2,latest"]);
  const other = `sha256:${"f".repeat(64)}`;

  await t.step("which tags sign a digest", async () => {
    assert.equal((await story.succeed(["verify", "-r", `${gun}@${v1}`])).stdout, `latest ${v1}\nv1 ${v1}\n`);
    const { tags } = (await story.succeed(["verify", "-r", `${gun}@${v2}`, "--json"])).json<{ tags: object[] }>();
    assert.deepEqual(tags.map((one) => Object(one).tag), ["v2"]);
  });
  await t.step("a digest that no tag signs", async () => {
    await story.fail(3, ["verify", "-r", `${gun}@${other}`], ["Not signed", other, "Do not use what is not signed"]);
  });
  await t.step("a digest and tags exclude each other, and need the other flag", async () => {
    await story.fail(2, ["verify", "-r", `${gun}@${v1}`, "-t", "v1"], [`--expect-digest v1=${v1}`], {
      cacheStays: true,
    });
  });
  await t.step("all that is signed is served", async () => {
    const all = ["verify", "-r", gun, "--registry"];
    assert.equal((await story.succeed(all)).stdout, `latest ${v1}\nv1 ${v1}\nv2 ${v2}\n`);
    assert.deepEqual((await story.succeed([...all, "--json"])).json()["gone"], []);
    assert.equal((await story.succeed([...all, "-t", "v2"])).stdout, `v2 ${v2}\n`);
  });
  await t.step("a tag that was moved: named, with both digests; the others are not printed", async () => {
    const moved = await story.push("latest", "something else");
    const outcome = await story.fail(3, ["verify", "-r", gun, "--registry"], [
      `"latest" is signed as ${v1}, and ${moved} is served`,
      "Pull by the signed digests alone",
    ]);
    assert.equal(outcome?.stdout ?? "", "");
    // Who asks for the others is not kept from them, nor is the signed digest less signed.
    await story.succeed(["verify", "-r", gun, "--registry", "-t", "v1,v2"]);
    assert.equal((await story.succeed(["verify", "-r", gun, "-t", "latest"])).stdout, `latest ${v1}\n`);
    await story.fail(3, ["verify", "-r", `${gun}@${v1}`, "--registry"], ['"latest" is signed as']);
  });
  await t.step("a tag that is gone: said of all, an error where it was asked for", async () => {
    await story.push("latest", "v1");
    const list = `${gun}:gone@${other} 528\n`;
    await Deno.writeTextFile(story.path("gone.txt"), list);
    await story.succeed(["sign", "--from", "gone.txt"]);
    const all = await story.succeed(["verify", "-r", gun, "--registry", "--json"]);
    assert.deepEqual(all.json()["gone"], ["gone"]);
    assert.match(all.stderr, /not in the registry any more: gone/);
    await story.fail(2, ["verify", "-r", gun, "--registry", "-t", "v1,gone"], ["not in the registry: gone"]);
  });
  await t.step("where the registry is read anyhow", async () => {
    const args = ["verify", "-r", gun, "-t", "v1", "--registry", "--scheme", "dct,cosign", "--key", "signpath.cer"];
    await story.fail(2, args, ["--registry is of no use here", "Leave it out"], { cacheStays: true });
  });
});
