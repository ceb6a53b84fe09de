/** `tagseal add-delegation` and `root-certificate`: which certificates are taken, and who may add them. */
import "reflect-metadata";
import assert from "node:assert/strict";
import * as x509 from "@peculiar/x509";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { given, Story } from "../support/local_story.ts";

const DAY = 86_400_000;

/** A self-signed certificate with the oddity that a test is about. */
async function certificate(
  options: { bits?: number; from?: number; days?: number; name?: string; ca?: boolean } = {},
): Promise<Bytes> {
  const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const modulusLength = options.bits ?? 0;
  const rsa = { name: "RSASSA-PKCS1-v1_5", modulusLength, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
  const algorithm = modulusLength > 0 ? rsa : ecdsa;
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
  const from = Date.now() + (options.from ?? -1) * DAY;
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: [{ CN: [options.name ?? "A signer"] }],
    notBefore: new Date(from),
    notAfter: new Date(from + (options.days ?? 365) * DAY),
    signingAlgorithm: algorithm,
    extensions: options.ca ? [new x509.BasicConstraintsExtension(true, undefined, true)] : [],
  });
  return new Uint8Array(made.rawData);
}

function pem(der: Bytes, label = "CERTIFICATE"): string {
  return `-----BEGIN ${label}-----\n${der.toBase64().replaceAll(/.{64}/g, "$&\n")}\n-----END ${label}-----\n`;
}

Deno.test("add-delegation takes a certificate as PEM and as DER, and knows it again", async () => {
  await using story = await Story.readyToSign();
  const add = (file: string, ...more: string[]) =>
    story.succeed(["add-delegation", "-r", story.gun, "--delegation-certificate", file, "--json", ...more]);
  const der = await certificate({ days: 30 });
  await given(story, "b.cer", der);
  await given(story, "b.pem", `\ufeffsubject=CN=A signer\r\n${pem(der).replaceAll("\n", "\r\n")}`);
  const first = await add("b.pem", "--delegation", "team-b");
  const { keyId, ...rest } = first.json();
  assert.deepEqual(rest, {
    repository: story.gun,
    outcome: "published",
    roles: ["targets/releases", "targets/team-b"],
    targetsVersion: 2,
  });
  assert.match(first.stderr, /CN=A signer/);
  assert.match(first.stderr, /warning: The certificate "b\.pem" expires on \d{4}-/);
  const posts = story.posts;
  const again = (await add("b.cer", "--delegation", "team-b")).json();
  assert.deepEqual([again["outcome"], again["targetsVersion"], again["keyId"]], ["unchanged", 2, keyId]);
  assert.equal(story.posts, posts);
});

Deno.test("add-delegation refuses a certificate that cannot be used", async (t) => {
  await using story = await Story.readyToSign();
  const good = await certificate();
  const cases: [name: string, file: string | Uint8Array, words: string[]][] = [
    ["expired", await certificate({ from: -10, days: 5 }), ["it expired on 20"]],
    ["not yet valid", await certificate({ from: 5 }), ["it is valid from 20"]],
    ["RSA with 1024 bits", await certificate({ bits: 1024 }), ["1024 bits", "2048"]],
    ["garbage text", "hello, this is no certificate", ["there is no certificate"]],
    ["garbage bytes", new Uint8Array([0xff, 0x00, 0xfe, 0x41]), ["neither PEM nor DER"]],
    ["empty", "", ["there is no certificate"]],
    ["cut-off DER", good.subarray(0, 100), ["a certificate cannot be read"]],
    ["DER with garbage behind it", new Uint8Array([...good.subarray(0, 60), ...new Uint8Array(300)]), [
      "cannot be read",
    ]],
    ["another kind of PEM", pem(good, "PUBLIC KEY"), ['it holds a "PUBLIC KEY", and no certificate']],
    ["DER with a word behind it", new Uint8Array([...good, ...utf8("bye")]), [
      "other bytes stand behind the certificate",
    ]],
    ["two certificates", pem(good) + pem(await certificate()), ["it holds 2 certificates", "which one is meant"]],
    ["longer than any certificate", "x".repeat(2 ** 20 + 1), ["it is longer than 1048576 bytes"]],
  ];
  for (const [name, file, words] of cases) {
    await t.step(name, async () => {
      await given(story, "odd.cer", file);
      const args = ["add-delegation", "-r", story.gun, "--delegation-certificate", "odd.cer"];
      story.calls.length = 0;
      await story.fail(2, args, ['"', "odd.cer", ...words], { cacheStays: true });
      assert.deepEqual(story.calls, [], "nobody was asked");
    });
  }
  await t.step("its subject is shown without what could steer a terminal", async () => {
    await given(story, "odd.cer", await certificate({ name: "evil\u001b[2J\u202egood" }));
    const args = ["add-delegation", "-r", story.gun, "--delegation-certificate", "odd.cer", "--delegation", "odd"];
    const { stderr } = await story.succeed(args);
    assert.match(stderr, /Delegation certificate: CN=evil.*\[2J.*good, valid until/);
  });
});

Deno.test("add-delegation needs the targets key and its passphrase", async (t) => {
  await using story = await Story.readyToSign();
  await given(story, "new.cer", await certificate());
  const args = ["add-delegation", "-r", story.gun, "--delegation-certificate", "new.cer", "--delegation", "second"];
  story.secrets.push("not the passphrase");
  await t.step("wrong passphrase", async () => {
    const env = { NOTARY_TARGETS_PASSPHRASE: "not the passphrase" };
    await story.fail(2, args, ["NOTARY_TARGETS_PASSPHRASE does not open the targets key"], { env });
  });
  await t.step("wrong passphrase, three times on a terminal", async () => {
    let asked = 0;
    const askSecret = () => Promise.resolve((asked++, "not the passphrase"));
    const env = { NOTARY_TARGETS_PASSPHRASE: "" };
    await story.fail(2, args, ["does not open the targets key", "when the key was made"], { env, host: { askSecret } });
    assert.equal(asked, 3);
  });
  await t.step("no passphrase and nobody to ask", async () => {
    const env = { NOTARY_TARGETS_PASSPHRASE: "" };
    const words = ["NOTARY_TARGETS_PASSPHRASE or DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE", "run this in a terminal"];
    await story.fail(2, [...args, "--no-input"], words, { env });
  });
  await t.step("a key file that others can read", async () => {
    const paths = (await story.keys()).map((name) => `${story.trust}/private/${name}`);
    for (const path of paths) await Deno.chmod(path, 0o644);
    await story.fail(2, args, ["can be read by others (mode 644)", "chmod 600"]);
    for (const path of paths) await Deno.chmod(path, 0o600);
  });
  await t.step("another machine", async () => {
    await using other = await Story.begin(story.peers);
    await other.fail(2, [
      "add-delegation",
      "-r",
      other.gun,
      "--delegation-certificate",
      "signpath.cer",
      "--delegation",
      "x",
    ], [
      `The targets key of "${other.gun}" is not here`,
      "--trust-dir",
    ]);
    const dir = ["--trust-dir", story.trust];
    const before = await other.files();
    await other.succeed([...args.with(4, story.path("new.cer")), ...dir]);
    assert.deepEqual(await other.files(), before, "--trust-dir is where everything goes");
  });
  await t.step("a flag that is missing", async () => {
    await story.fail(2, ["add-delegation", "-r", story.gun], ["--delegation-certificate is missing"]);
  });
  await t.step("a repository that does not exist", async () => {
    const elsewhere = args.with(2, "localhost:5000/demo/nothing");
    await story.fail(2, elsewhere, ['no trust data for "localhost:5000/demo/nothing"', "tagseal init"]);
  });
  await t.step("a server that refuses the publish", async () => {
    await given(story, "third.cer", await certificate());
    const third = ["add-delegation", "-r", story.gun, "--delegation-certificate", "third.cer"];
    const refuse = (status: number, body: string) => {
      story.between = (request, send) =>
        request.method === "POST" ? Promise.resolve(new Response(body, { status })) : send(request);
    };
    const words = (message: string) =>
      JSON.stringify({ errors: [{ code: "INVALID_UPDATE", message: "no", detail: { Error: { Msg: message } } }] });
    refuse(400, words("bad \u001b[31mthing\u009b1A\u202e"));
    await story.fail(3, third, ["refused to publish targets", "bad [31mthing 1A"]);
    refuse(500, words("disk full"));
    await story.fail(5, third, ["status 500", "disk full"]);
    refuse(403, "");
    await story.fail(4, third, ["answers 403", "anonymously", "NOTARY_AUTH", "push to"]);
    story.between = (request, send) => send(request);
    await story.succeed(third);
  });
});

Deno.test("a root certificate is no delegation certificate", async (t) => {
  await using story = await Story.readyToSign();
  const root = `${story.gun.replaceAll(/[:/]/g, "_")}.root.pem`;
  const own = ["add-delegation", "-r", story.gun, "--delegation-certificate", root];
  const advice = ["The delegation certificate comes from SignPath"];
  await t.step("add-delegation, the repository's own", async () => {
    const { posts } = story;
    await story.fail(2, own, ["This is the repository's own root certificate", ...advice]);
    assert.equal(story.posts, posts);
  });
  await t.step("init of another repository, the first one's", async () => {
    const init = ["init", "-r", "localhost:5000/demo/second", "--delegation-certificate", root];
    await story.fail(2, init, ["This is the certificate of a root key that is here", ...advice]);
  });
  await t.step("init with that very root key", async () => {
    const { rootKeyId } = (await story.succeed(["root-certificate", "-r", story.gun, "--force", "--json"])).json();
    const init = ["init", "-r", "localhost:5000/demo/second", "--delegation-certificate", root];
    await story.fail(2, [...init, "--root-key", String(rootKeyId)], [
      "the repository's own root certificate",
      ...advice,
    ]);
  });
});

Deno.test("add-delegation takes the certificate of a bundle that is no CA, and says so", async () => {
  await using story = await Story.readyToSign();
  const root = await certificate({ name: "An issuer", ca: true });
  await given(story, "bundle.pem", pem(root) + pem(await certificate({ name: "A signer" })));
  const add = ["add-delegation", "-r", story.gun, "--delegation-certificate", "bundle.pem", "--delegation", "b"];
  const { stderr } = await story.succeed(add);
  assert.match(stderr, /Delegation certificate: CN=A signer, /);
  assert.match(stderr, /warning: "bundle\.pem" holds 2 certificates: the one that is no CA is taken/);
});

Deno.test("root-certificate: existing file, no repository, another path", async () => {
  await using story = await Story.readyToSign();
  const args = ["root-certificate", "-r", story.gun];
  const again = await story.succeed(args); // what init has written is the same
  assert.match(again.stderr, /\.root\.pem" is there already, and holds just this/);
  await Deno.writeTextFile(again.stdout.trim(), "mine");
  await story.fail(6, args, ["exists already", "--force"]);
  const { stdout } = await story.succeed([...args, "--output-artifact-path", "certs/root.pem"]);
  assert.equal(stdout, `${story.path("certs/root.pem")}\n`);
  await story.fail(2, ["root-certificate", "-r", "localhost:5000/demo/other"], ["no trust data"], { cacheStays: true });
});

Deno.test("--delegation-from-signpath: the signing policy's own certificate, without a download by hand", async (t) => {
  await using story = await Story.begin();
  const [projectSlug, automatic] = ["demo-images", "release-signing"];
  await t.step("init with the delegation in the first publish, then a tag that its key signs", async () => {
    const init = ["init", "-r", story.gun, "--delegation-from-signpath"];
    const { stderr } = await story.succeed(init);
    assert.match(stderr, /^Delegation certificate: CN=.*, valid until \d{4}-\d\d-\d\d, key [0-9a-f]{64}$/m);
    await story.push("v1");
    await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  });
  const add = ["add-delegation", "-r", story.gun, "--delegation-from-signpath"];
  await t.step("the same once more: nothing to do", async () => {
    assert.equal((await story.succeed([...add, "--json"])).json()["outcome"], "unchanged");
  });
  await t.step("a policy that is not there, a policy that is not asked for, half of the names", async () => {
    await story.fail(2, [...add, "--signing-policy-slug", "nope"], ['no signing policy "nope"', projectSlug]);
    story.between = async (request, send) => {
      const response = await send(request);
      return request.url.includes("/Cryptoki/")
        ? new Response((await response.text()).replaceAll(automatic, "another"))
        : response;
    };
    await story.fail(2, add, [`no signing policy "${automatic}"`]);
    story.between = () => Promise.resolve(new Response('{"signingPolicies":7}'));
    await story.fail(5, add, ["list of signing policies"], { cacheStays: true });
    await story.fail(2, [...add, "--delegation-certificate", "x.cer"], ["--delegation-from-signpath"]);
  });
});
