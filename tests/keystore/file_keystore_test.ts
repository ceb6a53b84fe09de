import assert from "node:assert/strict";
import { createCipheriv, createHash, generateKeyPairSync } from "node:crypto";
import { concat, utf8 } from "../../lib/bytes/bytes.ts";
import { formatPem, parsePem } from "../../lib/bytes/pem.ts";
import { verifySignature } from "../../lib/crypto/algorithms.ts";
import { keyOfSpki } from "../../lib/crypto/keys.ts";
import { encryptPrivateKey } from "../../lib/crypto/pkcs8.ts";
import { TagsealError } from "../../lib/errors.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import type { PassphraseRequest } from "../../lib/keystore/keystore.ts";
import { failsWith } from "../support/failures.ts";
import { RECORDED, recordedKey } from "../support/recorded.ts";
import { names } from "../support/test_files.ts";
import { GUN, KEYS, newKey } from "../support/trust_builder.ts";

interface Bench {
  readonly folder: string;
  readonly asked: PassphraseRequest[];
  /** A store that answers with these passphrases, one after the other, the last one again and again. */
  store(...passphrases: string[]): ReturnType<typeof createFileKeyStore>;
}

function keyTest(name: string, run: (bench: Bench) => Promise<void>): void {
  Deno.test(`keystore: ${name}`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "tagseal-keys-" });
    const asked: PassphraseRequest[] = [];
    const store = (...passphrases: string[]) =>
      createFileKeyStore(folder, (request) => {
        asked.push(request);
        return Promise.resolve((passphrases.length > 1 ? passphrases.shift() : passphrases[0]) ?? "");
      });
    try {
      await run({ folder, asked, store });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

const PAYLOAD = utf8("{}");
const mode = async (path: string) => (await Deno.stat(path)).mode! & 0o777;

async function put(folder: string, id: string, content: string, permissions = 0o600): Promise<void> {
  await Deno.mkdir(`${folder}/private`, { recursive: true });
  await Deno.writeTextFile(`${folder}/private/${id}.key`, content, { mode: permissions });
  await Deno.chmod(`${folder}/private/${id}.key`, permissions);
}

keyTest(
  "a new key is kept encrypted, for its owner only, before it is handed out",
  async ({ folder, asked, store }) => {
    const { signer } = await store("secret-passphrase").create({ role: "targets", gun: GUN });
    const { id } = signer.publicKey;
    const path = `${folder}/private/${id}.key`;
    assert.deepEqual([await mode(path), await mode(`${folder}/private`)], [0o600, 0o700]);
    const [block, ...others] = parsePem(await Deno.readTextFile(path));
    assert.equal(others.length, 0);
    assert.deepEqual([block!.label, [...block!.headers]], ["ENCRYPTED PRIVATE KEY", [["gun", GUN], [
      "role",
      "targets",
    ]]]);
    assert.deepEqual(asked, [{ purpose: "create", key: { id, role: "targets", gun: GUN }, attempt: 1 }]);
    assert.deepEqual(await names(`${folder}/private`), [".tagseal.lock", `${id}.key`]);

    const opened = await store("secret-passphrase").open(id);
    const { method, bytes } = await opened.sign(PAYLOAD);
    assert.equal(await verifySignature(method, signer.publicKey, PAYLOAD, bytes), true);
    assert.deepEqual(asked[1], {
      purpose: "open",
      key: { id, role: "targets", gun: GUN, location: path },
      attempt: 1,
    });
  },
);

keyTest("a root key carries no repository", async ({ folder, store }) => {
  const { signer } = await store("x").create({ role: "root" });
  const { id } = signer.publicKey;
  assert.deepEqual(await store("x").list(), [{ id, role: "root", location: `${folder}/private/${id}.key` }]);
});

keyTest("a key that nothing depends on can be taken back", async ({ store }) => {
  const key = await store("x").create({ role: "root" });
  await key.discard();
  assert.deepEqual(await store("x").list(), []);
  await failsWith(
    store("x").open(key.signer.publicKey.id),
    "not-found",
    `The key ${key.signer.publicKey.id.slice(0, 7)}… is not in`,
  );
});

keyTest("where no passphrase comes, no key is kept", async ({ folder }) => {
  const refusing = createFileKeyStore(
    folder,
    () => Promise.reject(new TagsealError("bad-input", "Nobody to ask", { remedy: "Set it" })),
  );
  await failsWith(refusing.create({ role: "root" }), "bad-input", "Nobody to ask");
  assert.deepEqual(await refusing.list(), []);
});

for (const role of ["root", "targets"] as const) {
  keyTest(`the ${role} key file of the notary client is listed and opened`, async ({ folder, store }) => {
    const id = RECORDED.keys[role];
    await put(folder, id, recordedKey(role));
    const gun = role === "root" ? {} : { gun: RECORDED.gun };
    assert.deepEqual(await store().list(), [{ id, role, ...gun, location: `${folder}/private/${id}.key` }]);
    const signer = await store(RECORDED.passphrases[role]).open(id);
    assert.equal(signer.publicKey.canonicalId, id);
  });
}

keyTest("a byte order mark in front of a key file is no part of it", async ({ folder, store }) => {
  const id = RECORDED.keys.targets;
  await put(folder, id, `\ufeff${recordedKey("targets")}`);
  assert.equal((await store(RECORDED.passphrases.targets).open(id)).publicKey.canonicalId, id);
});

keyTest("a wrong passphrase is asked for three times", async ({ folder, asked, store }) => {
  const id = RECORDED.keys.targets;
  await put(folder, id, recordedKey("targets"));
  const right = RECORDED.passphrases.targets;
  await store("wrong", "wrong again", right).open(id);
  assert.deepEqual(asked.map(({ attempt }) => attempt), [1, 2, 3]);
  asked.length = 0;
  const error = await failsWith(
    store("wrong", "wrong", "wrong", right).open(id),
    "bad-input",
    `The passphrase does not open the targets key ${id.slice(0, 7)}…`,
  );
  assert.equal(asked.length, 3);
  assert.doesNotMatch(JSON.stringify([error.message, error.details, error.remedy]), /wrong/);
});

for (const permissions of [0o440, 0o640, 0o604, 0o620, 0o610, 0o644, 0o666]) {
  keyTest(
    `a key file of mode ${permissions.toString(8)} is not opened, and no passphrase is asked for`,
    async ({ folder, asked, store }) => {
      const id = RECORDED.keys.root;
      await put(folder, id, recordedKey("root"), permissions);
      const error = await failsWith(
        store(RECORDED.passphrases.root).open(id),
        "bad-input",
        `can be read by others (mode ${permissions.toString(8)})`,
      );
      assert.match(error.remedy, /chmod 600 .*Kubernetes secret, set defaultMode: 0400 .*copy it into/);
      assert.equal(asked.length, 0);
      await Deno.chmod(`${folder}/private/${id}.key`, 0o400);
      await store(RECORDED.passphrases.root).open(id);
    },
  );
}

keyTest(
  "a file that is damaged is told from a wrong passphrase, without a word of what it holds",
  async ({ folder, asked, store }) => {
    const good = recordedKey("root");
    const id = RECORDED.keys.root;
    const plain = KEYS.targets.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    const cases: [content: string | Uint8Array, words: string][] = [
      ["", "it holds no private key in PEM"],
      ["garbage", "it holds no private key in PEM"],
      [new Uint8Array([255, 254]), "it holds no private key in PEM"],
      [good.slice(0, 200), "it holds no private key in PEM"],
      [good.replace("role: root\n", "role: root\nrole: root\n"), "it holds no private key in PEM"],
      [good.replace(/\n\n.{10}/, "\n\n"), "it holds no private key in PEM"],
      [formatPem("CERTIFICATE", KEYS.root.publicKey.certificate!.der), "it holds no private key in PEM"],
      [formatPem("ENCRYPTED PRIVATE KEY", utf8("hello")), "not DER"],
      [plain, '"PRIVATE KEY" is not read here'],
      [formatPem("EC PRIVATE KEY", utf8("x")), '"EC PRIVATE KEY" is not read here'],
    ];
    for (const [content, words] of cases) {
      await put(folder, id, typeof content === "string" ? content : "");
      if (typeof content !== "string") await Deno.writeFile(`${folder}/private/${id}.key`, content);
      const error = await failsWith(
        store("x").open(id),
        "bad-input",
        `The key file "${folder}/private/${id}.key" cannot be used: `,
        words,
      );
      assert.equal(error.cause, undefined, "a parser's words could quote the key");
    }
    assert.ok(asked.length <= 1, "only where a passphrase is of use");
  },
);

keyTest("a file named after another key is not used", async ({ folder, store }) => {
  const id = RECORDED.keys.root;
  await put(folder, id, recordedKey("targets"));
  await failsWith(store(RECORDED.passphrases.targets).open(id), "bad-input", "it holds another key than it is named");
});

keyTest("a key of a kind that Notary refuses is not used", async ({ folder, store }) => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const id = "00".repeat(32);
  await put(
    folder,
    id,
    formatPem(
      "ENCRYPTED PRIVATE KEY",
      await encryptPrivateKey(new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" })), "x"),
    ),
  );
  await failsWith(store("x").open(id), "bad-input", "an RSA key has 1024 bits; at least 2048 are needed");
});

keyTest("an id cannot lead out of the folder", async ({ folder, store }) => {
  const id = newKey().publicKey.id;
  await Deno.writeTextFile(`${folder}/${id}.key`, recordedKey("root"));
  await Deno.mkdir(`${folder}/private`);
  for (const odd of [`../${id}`, id.toUpperCase(), "", "..", id.slice(1), `${id}0`]) {
    await failsWith(store("x").open(odd), "not-found", "is not in");
  }
});

keyTest("the list is sorted, passes over other files, and is empty without a folder", async ({ folder, store }) => {
  assert.deepEqual(await store().list(), []);
  await put(folder, RECORDED.keys.root, recordedKey("root"));
  await put(folder, RECORDED.keys.targets, recordedKey("targets"));
  await Deno.writeTextFile(`${folder}/private/README.key`, "x");
  await Deno.writeTextFile(`${folder}/private/${RECORDED.keys.root}.key.tmp`, "x");
  await Deno.mkdir(`${folder}/private/${"00".repeat(32)}.key`);
  assert.deepEqual((await store().list()).map(({ id }) => id), [RECORDED.keys.root, RECORDED.keys.targets].sort());
});

keyTest("a key is removed for good, and only that one", async ({ folder, store }) => {
  await put(folder, RECORDED.keys.root, recordedKey("root"));
  await put(folder, RECORDED.keys.targets, recordedKey("targets"));
  await store().remove!(RECORDED.keys.targets);
  assert.deepEqual((await store().list()).map(({ id }) => id), [RECORDED.keys.root]);
  await failsWith(store().remove!(RECORDED.keys.targets), "not-found", "is not in");
});

/** Puts a file where the first versions of Notary did. */
async function putOld(folder: string, path: string, content: string): Promise<string> {
  const file = `${folder}/private/${path}`;
  await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(file, content, { mode: 0o600 });
  return file;
}

keyTest("keys in the layout of old are listed and opened, and never removed", async ({ folder, store }) => {
  const bare = (role: "root" | "targets") => recordedKey(role).replace(/-----\n(?:[a-z]+: .*\n)+\n/, "-----\n");
  const { root, targets } = RECORDED.keys;
  const location = {
    root: await putOld(folder, `root_keys/${root}_root.key`, bare("root")),
    targets: await putOld(folder, `tuf_keys/registry.test:5000/acme/app/${targets}_targets.key`, bare("targets")),
  };
  await putOld(folder, `tuf_keys/registry.test/README.key`, "x");
  assert.deepEqual(
    await store().list(),
    [
      { id: root, role: "root", location: location.root },
      { id: targets, role: "targets", gun: "registry.test:5000/acme/app", location: location.targets },
    ].sort((a, b) => a.id < b.id ? -1 : 1),
  );
  for (const role of ["root", "targets"] as const) {
    const signer = await store(RECORDED.passphrases[role]).open(RECORDED.keys[role]);
    assert.equal(signer.publicKey.canonicalId, RECORDED.keys[role]);
    const error = await failsWith(store().remove!(RECORDED.keys[role]), "bad-input", "as old versions of Notary did");
    assert.ok(error.remedy.includes(location[role]), error.remedy);
  }
});

keyTest("a key in the PEM of old is opened with its passphrase alone", async ({ folder, asked, store }) => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { id } = keyOfSpki(new Uint8Array(publicKey.export({ type: "spki", format: "der" })));
  const sec1 = new Uint8Array(privateKey.export({ type: "sec1", format: "der" }));
  // As OpenSSL and Go do it: MD5 of passphrase and salt, again and again, until there are 32 bytes.
  const iv = Uint8Array.fromHex("000102030405060708090a0b0c0d0e0f");
  const md5 = (...parts: Uint8Array[]) => createHash("md5").update(concat(...parts)).digest();
  const first = md5(utf8("old-passphrase"), iv.subarray(0, 8));
  const second = md5(first, utf8("old-passphrase"), iv.subarray(0, 8));
  const cipher = createCipheriv("aes-256-cbc", concat(first, second), iv);
  const sealed = concat(cipher.update(sec1), cipher.final());
  const head = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,000102030405060708090A0B0C0D0E0F\n\n";
  const pem = formatPem("EC PRIVATE KEY", sealed).replace("-----\n", `-----\n${head}`);
  await putOld(folder, `root_keys/${id}_root.key`, pem);
  const signer = await store("wrong", "old-passphrase").open(id);
  assert.equal(signer.publicKey.canonicalId, id);
  assert.deepEqual(asked.map(({ key, attempt }) => [key.role, attempt]), [["root", 1], ["root", 2]]);
  await failsWith(store("wrong").open(id), "bad-input", "does not open the root key");
});

Deno.test("list: a damaged file is told and left out, a link is followed, and the others are there", async () => {
  const dir = await Deno.makeTempDir();
  const told: string[] = [];
  const store = createFileKeyStore(dir, () => Promise.resolve("passphrase"), (error) => void told.push(error.message));
  const { signer } = await store.create({ role: "root" });
  const id = signer.publicKey.canonicalId;
  await Deno.writeTextFile(`${dir}/private/${"0".repeat(64)}.key`, "nothing of use");
  await Deno.rename(`${dir}/private/${id}.key`, `${dir}/elsewhere`);
  await Deno.symlink(`${dir}/elsewhere`, `${dir}/private/${id}.key`);
  assert.deepEqual((await store.list()).map((key) => key.id), [id]);
  assert.equal(told.length, 1);
  assert.match(told[0]!, /0{64}\.key" cannot be used: it holds no private key/);
  assert.equal((await store.open(id)).publicKey.canonicalId, id);
  await Deno.remove(dir, { recursive: true });
});

for (const [name, path] of [["private", "/private"], ["the trust directory", ""]] as const) {
  keyTest(`where everybody may write in ${name}, no key is opened or made`, async ({ folder, asked, store }) => {
    const id = RECORDED.keys.root;
    await put(folder, id, recordedKey("root"));
    await Deno.chmod(`${folder}${path}`, 0o777);
    const words = `Every user of this machine may change the keys in "${folder}${path}"`;
    assert.match((await failsWith(store("x").open(id), "bad-input", words)).remedy, /chmod 700/);
    await failsWith(store("x").create({ role: "targets", gun: GUN }), "bad-input", words);
    assert.equal(asked.length, 0);
    await Deno.chmod(`${folder}${path}`, 0o1777); // with the sticky bit, everybody's own only
    await store(RECORDED.passphrases.root).open(id);
  });
}

keyTest("half-written keys of killed processes go with the next key; other files stay", async ({ folder, store }) => {
  const id = RECORDED.keys.root;
  await put(folder, id, recordedKey("root"));
  const others = [`${id}.key.tmp`, "notes.0123abcd.tmp"];
  for (const name of [`${id}.key.0123abcd.tmp`, ...others]) {
    await Deno.writeTextFile(`${folder}/private/${name}`, "-----BEGIN ENC");
  }
  const { signer } = await store("secret-passphrase").create({ role: "targets", gun: GUN });
  const expected = [".tagseal.lock", `${id}.key`, `${signer.publicKey.canonicalId}.key`, ...others];
  assert.deepEqual(await names(`${folder}/private`), expected.sort());
});
