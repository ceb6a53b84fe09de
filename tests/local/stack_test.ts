/** The embedded stack in a folder: all of it is there again after an end, or a kill. */
import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { authorize } from "../../lib/http/auth.ts";
import { createSend } from "../../lib/http/network.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { verifySignature } from "../../lib/crypto/algorithms.ts";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import type { PublicKey } from "../../lib/crypto/keys.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { type HashSigner, localSigner } from "../../lib/crypto/signer.ts";
import { pushTinyImage } from "../../lib/local/image.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { type LocalStack, type LocalStackOptions, startLocalStack } from "../../lib/local/stack.ts";
import { createTrustServer, type TrustServer } from "../../lib/notary/trust_server.ts";
import { sleep } from "../../lib/http/retry.ts";
import { fetchManifest } from "../../lib/registry/manifest.ts";
import { openRepository } from "../../lib/registry/repository.ts";
import { createSignPathClient } from "../../lib/signpath/client.ts";
import { failsWith } from "../support/failures.ts";
import { buildRepository } from "../support/repository.ts";

const GUN = "localhost:5000/team/app";

async function inFolder(use: (dataDir: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-stack-" });
  try {
    await use(`${folder}/data`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const start = (options: Partial<LocalStackOptions> = {}) =>
  startLocalStack({ port: 0, now: () => new Date(), algorithm: "ecdsa-p256", ...options });

/** Clients of a stack's services that trust its CA and nothing else. */
async function withClients<T>(
  stack: LocalStack,
  use: (
    clients: { server: TrustServer; push(tag: string): Promise<string>; digest(tag: string): Promise<string> },
  ) => Promise<T>,
): Promise<T> {
  const { send, close } = createSend({ caCerts: [stack.caPem] });
  try {
    const url = new URL(stack.notaryUrl);
    const service = (name: string) => authorize(send, { service: name, allowHttp: false, remedy: "none" });
    return await use({
      server: createTrustServer({ url, service: service("Notary server"), access: "push,pull" }),
      push: (tag) => pushTinyImage(send, url, "team/app", tag, `hello from ${tag}`),
      digest: async (tag) =>
        (await fetchManifest(
          openRepository({ service: service("registry"), url, path: "team/app", access: "pull", sleep }),
          tag,
        )).digest,
    });
  } finally {
    close();
  }
}

Deno.test("stack: a restart finds images, trust data, keys and names as they were", () =>
  inFolder(async (dataDir) => {
    const known = (stack: LocalStack) => {
      const { caPem, organizationId, apiToken, certificate } = stack;
      return { caPem, organizationId, apiToken, certificate };
    };
    let before, digest, keyId, built;
    {
      await using stack = await start({ dataDir });
      before = known(stack);
      ({ digest, keyId, built } = await withClients(stack, async ({ server, push }) => {
        const digest = await push("v1");
        const managed = {
          snapshot: await server.managedKey(GUN, "snapshot"),
          timestamp: await server.managedKey(GUN, "timestamp"),
        };
        const built = await buildRepository({ gun: GUN, now: new Date(), managed });
        await server.publish(GUN, built.files);
        return { digest, keyId: managed.timestamp.id, built };
      }));
    }
    await using stack = await start({ dataDir });
    assert.deepEqual(known(stack), before);
    await withClients(stack, async ({ server, digest: digestOf }) => {
      assert.equal(await digestOf("v1"), digest);
      assert.equal((await server.managedKey(GUN, "timestamp")).id, keyId);
      assert.deepEqual(await server.read(GUN, "root"), built.files.get("root"));
      assert.deepEqual(await server.read(GUN, "1.root"), built.files.get("root"));
    });
  }));

Deno.test("stack: what a killed one had answered is there", () =>
  inFolder(async (dataDir) => {
    const code = `
      import { startLocalStack } from ${JSON.stringify(new URL("../../lib/local/stack.ts", import.meta.url).href)};
      const { caPem, notaryUrl } = await startLocalStack({ port: 0, now: () => new Date(), dataDir: Deno.args[0] });
      console.log(JSON.stringify({ caPem, notaryUrl }));`;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const script = `${dataDir}.ts`;
    await Deno.writeTextFile(script, code);
    const args = ["run", "--quiet", "--no-check", "--config", config, "-A", script, dataDir];
    const child = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped" }).spawn();
    const output = child.stdout.pipeThrough(new TextDecoderStream());
    let digest = "";
    try {
      let line = "";
      for await (const text of output.values({ preventCancel: true })) {
        line += text;
        if (line.includes("\n")) break;
      }
      const running = JSON.parse(line) as LocalStack;
      await failsWith(start({ dataDir }), "unavailable", `Another process runs the stack of "${dataDir}"`);
      digest = await withClients(running, ({ push }) => push("v1"));
    } finally {
      child.kill("SIGKILL");
      await output.cancel();
    }
    assert.equal((await child.status).signal, "SIGKILL");
    await using stack = await start({ dataDir, algorithm: "rsa-2048" });
    assert.equal(await withClients(stack, ({ digest }) => digest("v1")), digest);
  }));

Deno.test(
  "stack: its folder and its files are for their owner alone",
  { ignore: Deno.build.os === "windows" },
  () =>
    inFolder(async (dataDir) => {
      await using _stack = await start({ dataDir });
      const modes = new Map([[".", (await Deno.stat(dataDir)).mode! & 0o777]]);
      for await (const { name } of Deno.readDir(dataDir)) {
        modes.set(name, (await Deno.stat(`${dataDir}/${name}`)).mode! & 0o777);
      }
      assert.deepEqual(
        [...modes].sort(),
        [
          [".", 0o700],
          ["identity.json", 0o600],
          ["lock", 0o600],
          ["stack.db", 0o600],
          ["stack.db-shm", 0o600],
          ["stack.db-wal", 0o600],
        ],
      );
    }),
);

Deno.test("stack: one folder, one stack at a time", () =>
  inFolder(async (dataDir) => {
    const first = await start({ dataDir });
    const error = await failsWith(start({ dataDir }), "unavailable", "Another process runs the stack of", dataDir);
    assert.equal(error.remedy, "End that one first, or choose another folder");
    await first.stop();
    await first.stop();
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await failsWith(start({ dataDir, port: taken.addr.port }), "bad-input", "Cannot listen on port");
    await using _again = await start({ dataDir }); // neither an end nor a failed start keeps the folder
  }));

Deno.test("stack: without a folder two have nothing in common", async () => {
  await using left = await start();
  await using right = await start();
  assert.notEqual(left.caPem, right.caPem);
  assert.notEqual(left.apiToken, right.apiToken);
  assert.notEqual(left.organizationId, right.organizationId);
  assert.notDeepEqual(left.certificate, right.certificate);
});

Deno.test("stack: a folder is not begun anew over what is damaged", async (t) => {
  const rows: [string, string, string, string[]][] = [
    ["identity.json", "no JSON", "{", ['identity.json" is damaged: ']],
    ["identity.json", "something missing", "{}", ['identity.json" is damaged: "organizationId" is missing']],
    ["stack.db", "no database", "x".repeat(5000), ['stack.db" cannot be used as a database: ']],
  ];
  for (const [name, what, content, words] of rows) {
    await t.step(`${name}: ${what}`, () =>
      inFolder(async (dataDir) => {
        await (await start({ dataDir })).stop();
        await Deno.writeTextFile(`${dataDir}/${name}`, content);
        await failsWith(start({ dataDir }), "bad-input", ...words);
        assert.equal(await Deno.readTextFile(`${dataDir}/${name}`), content);
      }));
  }
  await t.step("a file where the folder should be", () =>
    inFolder(async (dataDir) => {
      await Deno.writeTextFile(dataDir, "a file");
      const error = await failsWith(start({ dataDir }), "bad-input", `"${dataDir}/lock" cannot be locked: `);
      assert.match(error.remedy, /choose another one, on a disk that can lock files/);
    }));
  await t.step("identity.json: another certificate", () =>
    inFolder(async (dataDir) => {
      await (await start({ dataDir })).stop();
      const kept = JSON.parse(await Deno.readTextFile(`${dataDir}/identity.json`));
      const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
      const signingKey = other.export({ type: "pkcs8", format: "pem" });
      await Deno.writeTextFile(`${dataDir}/identity.json`, JSON.stringify({ ...kept, signingKey }));
      await failsWith(start({ dataDir }), "bad-input", "the certificate is not the one of the signing key");
    }));
});

/** A key that is somewhere else, as on a token. */
function elsewhere(): HashSigner {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { publicKey, sign } = localSigner(privateKeyOf(privateKey));
  const key = fileSigningKey(privateKey);
  const signHash: HashSigner["signHash"] = async (sha256) => ({
    method: "ecdsa",
    bytes: await key.signHash(sha256, "Ecdsa"),
  });
  return { publicKey, sign, signHash };
}

/** Has SignPath sign the hash of `payload`. */
async function signedHash(stack: LocalStack, key: PublicKey, payload: Bytes): Promise<Bytes> {
  const { send, close } = createSend({ caCerts: [stack.caPem] });
  try {
    const client = createSignPathClient({
      send,
      apiUrl: new URL(stack.apiUrl),
      organizationId: stack.organizationId,
      token: stack.apiToken,
      serviceUnavailableTimeoutMs: 0,
      transferTimeoutMs: 10_000,
      sleep: () => Promise.resolve(),
      now: () => new Date(),
    });
    const metadata = {
      repository: GUN,
      subject: "targets/signpath, version 1",
      facts: { Role: "targets/signpath", Version: 1 },
      tags: [],
      removedTags: [],
    };
    const { signature } = await client.signHash({
      projectSlug: stack.hashProjectSlug,
      signingPolicySlug: stack.policies.automatic,
      digest: hash("sha256", payload),
      rules: { hash: "sha256", rsaPadding: "pkcs1" },
      key,
      metadata,
    });
    return signature;
  } finally {
    close();
  }
}

Deno.test("stack: a key elsewhere certifies itself and signs what is submitted; only the certificate is kept", () =>
  inFolder(async (dataDir) => {
    const signingKey = elsewhere();
    const { publicKey } = signingKey;
    const options = { dataDir, signingKey };
    const certificate = await (async () => {
      await using stack = await start(options);
      const x509 = new X509Certificate(stack.certificate);
      assert.equal(x509.verify(x509.publicKey), true);
      assert.equal(x509.subject, "CN=Docker signing (local)");
      assert.deepEqual(new Uint8Array(x509.publicKey.export({ type: "spki", format: "der" })), publicKey.spki);
      const payload = utf8("to be signed");
      const signature = await signedHash(stack, publicKey, payload);
      assert.equal(await verifySignature("ecdsa", publicKey, payload, signature), true);
      return stack.certificate;
    })();
    const kept = JSON.parse(await Deno.readTextFile(`${dataDir}/identity.json`));
    assert.equal(kept.signingKey, "");
    assert.equal(createPrivateKey(kept.caKey).asymmetricKeyType, "ec");
    {
      await using stack = await start(options);
      assert.deepEqual(stack.certificate, certificate);
    }
    const words = "was begun with another key: a key on a PKCS#11 token";
    await failsWith(start({ dataDir }), "bad-input", words);
    await failsWith(start({ dataDir, signingKey: elsewhere() }), "bad-input", words);
  }));

Deno.test("stack: the kind of key that a folder was begun with stays", () =>
  inFolder(async (dataDir) => {
    const made = await start({ dataDir });
    await made.stop();
    const words = "was begun with another key: an ECDSA key of its own";
    await failsWith(start({ dataDir, algorithm: "rsa-2048" }), "bad-input", words);
    await failsWith(start({ dataDir, signingKey: elsewhere() }), "bad-input", words);
    await using again = await startLocalStack({ port: 0, now: () => new Date(), dataDir });
    assert.deepEqual(again.certificate, made.certificate);
  }));

Deno.test("stack: a kept one serves TLS long after its begin, with a fresh certificate", () =>
  inFolder(async (dataDir) => {
    const yearsAgo = new Date(Date.now() - 3 * 365 * 86_400_000);
    await (await start({ dataDir, now: () => yearsAgo })).stop();
    await using stack = await start({ dataDir });
    assert.match(await withClients(stack, ({ push }) => push("v1")), /^sha256:[0-9a-f]{64}$/);
    assert.ok(new Date(new X509Certificate(stack.certificate).validTo) > new Date());
  }));
