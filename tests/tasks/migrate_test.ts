/** `tagseal migrate`: what Docker Content Trust vouches for is signed in other schemes, and nothing else. */
import assert from "node:assert/strict";
import { given, peersInMemory, Story, type StoryRun } from "../support/local_story.ts";
import { identity, newKey } from "../support/notation.ts";
import type { Outcome } from "../support/run.ts";
import { givenSigner } from "../support/story_keys.ts";

interface Tag {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

interface Migrated {
  readonly signingRequestId: string | null;
  readonly repositories: readonly {
    readonly repository: string;
    readonly outcome: string;
    readonly signatures?: readonly (Tag & { readonly scheme: string; readonly outcome: string })[];
  }[];
  readonly moved: readonly (Tag & { readonly now: string | null })[];
  readonly gone: readonly Tag[];
  readonly failed?: readonly { readonly repository: string; readonly error: { readonly code: string } }[];
}

const COSIGN = ["--scheme", "cosign"];
/** `scheme tag` of what was signed, or was there. */
const signed = ({ repositories }: Migrated, outcome = "published") =>
  repositories.flatMap(({ signatures = [] }) => signatures).filter((one) => one.outcome === outcome)
    .map(({ scheme, tag }) => `${scheme} ${tag}`);

/** Has the registry forget an image, or a tag alone. */
async function forget(story: Story, reference: string, path = "demo/app"): Promise<void> {
  const { send } = story.peers.connect({});
  const url = `https://${story.peers.host}/v2/${path}/manifests/${reference}`;
  assert.equal((await send(new Request(url, { method: "DELETE" }))).status, 202);
}

interface World {
  readonly story: Story;
  /** What was signed under each tag. */
  readonly digests: Readonly<Record<string, string>>;
  /** What `moved` stands for now. */
  readonly now: string;
}

/** Signed: `v1`, `moved`, `untagged`, `gone`; pushed, and not signed: `v2`. */
async function world(...peers: Parameters<typeof peersInMemory>): Promise<World> {
  const story = await Story.readyToSign(await peersInMemory(...peers));
  const digests: Record<string, string> = {};
  for (const tag of ["v1", "moved", "untagged", "gone"]) digests[tag] = await story.push(tag);
  await story.succeed(["sign", "-r", story.gun, "-t", Object.keys(digests).join(",")]);
  const now = await story.push("moved", "something new");
  await forget(story, "untagged");
  await forget(story, digests["gone"]!);
  story.calls.length = 0;
  return { story, digests, now };
}

Deno.test("migrate: the signed digest is signed, and what is gone or has moved is told", async (t) => {
  const { story, digests, now } = await world();
  await using _ = story;
  const { gun } = story;
  const before = story.signingRequests;
  const migrate = ["migrate", "-r", gun];
  const done = await story.succeed([...migrate, "--json"]);
  const report = done.json<Migrated>();
  await t.step("every signed image that is there, in both schemes, in one request", () => {
    const tags = ["moved", "untagged", "v1"];
    assert.deepEqual(signed(report), ["cosign", "notation"].flatMap((scheme) => tags.map((tag) => `${scheme} ${tag}`)));
    for (const { tag, digest } of report.repositories[0]!.signatures!) assert.equal(digest, digests[tag]);
    assert.equal(story.signingRequests, before + 1);
    assert.equal(report.signingRequestId, story.peers.signPath.requests().at(-1)!.id);
  });
  await t.step("gone and moved", () => {
    const tag = (name: string) => ({ repository: gun, tag: name, digest: digests[name] });
    assert.deepEqual(report.gone, [tag("gone")]);
    assert.deepEqual(report.moved, [{ ...tag("moved"), now }, { ...tag("untagged"), now: null }]);
    assert.match(done.stderr, /4 signed tags, 3 in the registry/);
    assert.ok(done.stderr.includes(`left out: ${gun}:gone (${digests["gone"]})`), done.stderr);
    assert.ok(done.stderr.includes(`${gun}:moved (${digests["moved"]}; now ${now})`), done.stderr);
  });
  await t.step("nothing is written beside what nobody vouches for, nor into the trust data", () => {
    assert.ok(!story.writes().some((call) => call.includes(now.replace(":", "-")) || call.includes("/_trust/")));
    assert.ok(story.writes().some((call) => call.endsWith(`/manifests/${digests["moved"]!.replace(":", "-")}.sig`)));
  });
  await t.step("a second run files nothing and writes nothing", async () => {
    story.calls.length = 0;
    const { stdout } = await story.succeed(migrate);
    const lines = ["cosign", "notation"].flatMap((scheme) =>
      ["moved", "untagged", "v1"].map((name) => `${gun}:${name} ${digests[name]} unchanged (${scheme})`)
    );
    assert.deepEqual(stdout.trimEnd().split("\n"), [
      ...lines,
      `${gun}:moved ${digests["moved"]} moved to ${now}`,
      `${gun}:untagged ${digests["untagged"]} moved to nothing`,
      `${gun}:gone ${digests["gone"]} gone`,
    ]);
    assert.deepEqual([story.writes(), story.signingRequests], [[], before + 1]);
  });
});

Deno.test("migrate: only what is vouched for under the pin is signed", async (t) => {
  const { story } = await world();
  await using _ = story;
  await using other = await Story.begin(story.peers);
  await given(other, "repositories.txt", story.gun);
  const filed = story.signingRequests;
  const cases: [string, number, string[], string[], Story?][] = [
    ["another root", 3, ["--root-pin", "ab".repeat(32)], [story.gun], other],
    ["a root that nobody knows, where one must", 3, ["--require-pin"], [story.gun], other],
    ["a tag that is not signed", 3, ["-t", "v1,v2"], [`Not signed in "${story.gun}": v2`]],
    ["a tag whose image is gone, alone", 2, ["-t", "gone"], ["has none of the 1 signed images"]],
    ["dct", 2, ["--scheme", "cosign,dct"], ["--scheme names dct"]],
    ["no repository", 2, ["--repositories-from", "repositories.txt"], ["exclude each other"]],
  ];
  for (const [name, code, more, words, machine = story] of cases) {
    await t.step(name, async () => {
      await machine.fail(code, ["migrate", "-r", story.gun, ...more], words);
    });
  }
  await t.step("a copy does not stand in for a server that is out of reach", async () => {
    story.between = (request, send) =>
      request.url.includes("/_trust/") ? Promise.resolve(new Response(null, { status: 503 })) : send(request);
    await story.succeed(["list", "-r", story.gun]);
    await story.fail(5, ["migrate", "-r", story.gun], ["503"]);
  });
  assert.equal(story.signingRequests, filed);
  assert.deepEqual([...story.writes(), ...other.writes()], []);
});

Deno.test("migrate, sign: a certificate that Notation does not take is refused before anything is signed in cosign", async () => {
  const { story } = await world();
  await using _ = story;
  const { certificate } = await identity(newKey("P-256"), { usage: null });
  await given(story, "odd.cer", certificate.der);
  // SignPath does not tell whose key it is, so that nothing else is in the way.
  story.between = (request, send) =>
    request.url.includes("/Cryptoki/") ? Promise.resolve(new Response(null, { status: 403 })) : send(request);
  const filed = story.signingRequests;
  const more = ["-r", story.gun, "-t", "v1", "--delegation-certificate", "odd.cer", "--scheme", "cosign,notation"];
  for (const command of ["migrate", "sign"]) await story.fail(2, [command, ...more], ["key usage"]);
  assert.deepEqual([story.writes(), story.signingRequests], [[], filed]);
});

Deno.test("migrate: tags that are named, and one of them gone", async () => {
  const { story, digests } = await world();
  await using _ = story;
  const some = await story.succeed(["migrate", "-r", story.gun, "-t", "v1", "--json", ...COSIGN]);
  assert.deepEqual(signed(some.json()), ["cosign v1"]);
  const { code, stdout } = await story.run(["migrate", "-r", story.gun, "-t", "moved,gone", ...COSIGN], {});
  assert.equal(code, 2, "what was asked for by name was not done");
  assert.ok(stdout.includes(`${story.gun}:gone ${digests["gone"]} gone\n`), stdout);
  assert.ok(stdout.includes(`${story.gun}:moved ${digests["moved"]} published (cosign)\n`), stdout);
});

Deno.test("migrate: from an export, without the Notary server", async () => {
  const { story, digests } = await world();
  await using _ = story;
  await story.succeed(["root-certificate", "-r", story.gun, "--output-artifact-path", "root.pem"]);
  await story.succeed(["export", "-r", story.gun, "--output-artifact-path", "trust.zip"]);
  await using machine = await Story.begin(story.peers);
  for (const name of ["root.pem", "trust.zip"]) await Deno.copyFile(story.path(name), machine.path(name));
  const migrate = ["migrate", "-r", story.gun, "--from", "trust.zip", "--root-pin"];
  await machine.fail(3, [...migrate, "ab".repeat(32)], [story.gun]);
  const done = await machine.succeed([...migrate, "root.pem", "--json"]);
  assert.match(done.stderr, /verified from "trust\.zip", offline, as of/);
  assert.equal(signed(done.json()).length, 6);
  assert.deepEqual(done.json<Migrated>().gone.map(({ digest }) => digest), [digests["gone"]]);
  assert.ok(!machine.calls.some((call) => call.includes("/_trust/")), "the server is not asked");
  await machine.fail(2, ["migrate", "-r", `${story.gun}2`, "--from", "trust.zip"], ["does not hold"]);
});

Deno.test("migrate: a dry run tells the same, writes nothing, and files nothing", async () => {
  const { story, digests, now } = await world();
  await using _ = story;
  const filed = story.signingRequests;
  const dry = ["migrate", "-r", story.gun, "--dry-run", "--delegation-certificate", "signpath.cer"];
  const { stdout } = await story.succeed(dry);
  const lines = ["cosign", "notation"].flatMap((scheme) =>
    ["moved", "untagged", "v1"].map((name) => `${story.gun}:${name} ${digests[name]} (${scheme})`)
  );
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    ...lines,
    `${story.gun}:moved ${digests["moved"]} moved to ${now}`,
    `${story.gun}:untagged ${digests["untagged"]} moved to nothing`,
    `${story.gun}:gone ${digests["gone"]} gone`,
  ]);
  assert.deepEqual((await story.succeed([...dry, "--json"])).json<Migrated>().gone.map(({ tag }) => tag), ["gone"]);
  assert.deepEqual([story.writes(), story.signingRequests], [[], filed]);
});

Deno.test("migrate: a request that waits for an approval is gone on with as printed, and is the only one", async () => {
  const { story } = await world();
  await using _ = story;
  const filed = story.signingRequests;
  const waiting = ["--signing-policy-slug", "release-signing-with-approval", "--wait-for-completion-timeout", "0"];
  const { stderr } = await story.fail(8, ["migrate", "-r", story.gun, ...waiting], ["Go on with:"]);
  assert.deepEqual(story.writes(), []);
  await story.peers.signPath.approve(story.peers.signPath.requests().at(-1)!.id);
  for (const command of /Go on with: (.*)\n$/m.exec(stderr)![1]!.split(" && ")) {
    await story.succeed(command.split(" ").slice(1).map((word) => word.replace(/^'(.*)'$/, "$1")));
  }
  const again = (await story.succeed(["migrate", "-r", story.gun, "--json"])).json<Migrated>();
  assert.deepEqual([signed(again), signed(again, "unchanged").length, again.signingRequestId], [[], 6, null]);
  assert.equal(story.signingRequests, filed + 1);
});

Deno.test("migrate: by hash, and with a key of this machine", async (t) => {
  const { story } = await world();
  await using _ = story;
  const last = (outcome: Outcome) => outcome.json<Migrated>();
  await t.step("hash", async () => {
    const env = { env: { SIGNPATH_PROJECT_SLUG: "demo-hashes" } };
    const migrate = ["migrate", "-r", story.gun, "--signing-method", "hash", "--json"];
    assert.equal(signed(last(await story.succeed(migrate, env))).length, 6);
    assert.equal(signed(last(await story.succeed(migrate, env)), "unchanged").length, 6);
  });
  await t.step("key", async () => {
    await givenSigner(story, "alice", "the signer's own words", "rsa-2048");
    const run: StoryRun = { env: { NOTARY_DELEGATION_PASSPHRASE: "the signer's own words", SIGNPATH_API_TOKEN: "" } };
    const filed = story.signingRequests;
    const migrate = ["migrate", "-r", story.gun, "--signing-method", "key", "--delegation-certificate", "alice.cer"];
    assert.equal(
      signed(last(await story.succeed([...migrate, "--json"], run))).length,
      6,
      "beside those of another key",
    );
    assert.equal(signed(last(await story.succeed([...migrate, "--json"], run)), "unchanged").length, 6);
    assert.equal(story.signingRequests, filed);
  });
});

Deno.test("migrate: repositories stand alone, and a second run publishes what was signed and could not be published", async () => {
  await using story = await Story.begin();
  const names = await Promise.all(["one", "two", "lost", "unsigned"].map((name) => story.another(`team/${name}`)));
  const [one, two, lost, unsigned] = names as [string, string, string, string];
  await given(story, "tags.txt", [one, two, lost].map((name) => `${name}:v1`).join("\n"));
  await story.succeed(["sign", "--from", "tags.txt"]);
  await forget(story, await story.push("v1", "v1", "team/lost"), "team/lost");
  const strange = `${story.peers.host}/team/strange`;
  await given(story, "repositories.txt", [...names, strange].join("\n"));
  story.between = async (request, send) => {
    const isSignature = request.method === "PUT" && /\/team\/two\/manifests\/.*\.sig$/.test(request.url);
    return isSignature ? new Response(null, { status: 403 }) : await send(request);
  };
  const migrate = ["migrate", "--repositories-from", "repositories.txt", "--json", "--delegation-certificate"];
  const dry = await story.run([...migrate, "signpath.cer", "--dry-run"], {});
  assert.deepEqual(dry.json<Migrated>().failed!.map(({ repository }) => repository).sort(), [lost, strange].sort());
  const filed = story.signingRequests;
  const first = await story.run([...migrate, "signpath.cer"]);
  assert.equal(first.code, 4, first.stderr);
  const { failed, repositories } = first.json<Migrated>();
  assert.deepEqual(failed!.map(({ repository, error }) => [repository, error.code]), [
    [two, "forbidden"],
    [lost, "not-found"],
    [strange, "not-found"],
  ]);
  assert.deepEqual(repositories.map(({ repository, outcome }) => [repository, outcome]), [
    [one, "published"],
    [unsigned, "unchanged"],
  ]);
  assert.equal(story.signingRequests, filed + 1);

  story.between = (request, send) => send(request);
  const second = await story.run([...migrate, "signpath.cer"]);
  assert.equal(second.code, 2, "two of them are still not there");
  assert.deepEqual(signed(second.json()), ["cosign v1", "notation v1"]);
  assert.equal(story.signingRequests, filed + 1, "its signatures are in the request that was filed");
});

Deno.test("migrate: the registry is asked for eight things of a repository at a time", async () => {
  const { story } = await world();
  await using _ = story;
  const tags = Array.from({ length: 30 }, (_, i) => `t${i}`);
  for (const tag of tags) await story.push(tag);
  await story.succeed(["sign", "-r", story.gun, "-t", tags.join(",")]);
  let [open, most] = [0, 0];
  story.between = async (request, send) => {
    if (!request.url.includes("/v2/demo/app/")) return await send(request);
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return await send(request).finally(() => open--);
  };
  const report = (await story.succeed(["migrate", "-r", story.gun, "--json"])).json<Migrated>();
  assert.equal(signed(report).length, 66);
  assert.ok(most >= 4 && most <= 8, `${most} at a time`);
});
