import assert from "node:assert/strict";
import { readHostTls } from "../../lib/registry/host_tls.ts";
import { failsWith } from "../support/failures.ts";

const pem = (label: string, name: string) => `-----BEGIN ${label}-----\n${btoa(name)}\n-----END ${label}-----\n`;
const cert = (name: string) => pem("CERTIFICATE", name);
const key = (name: string) => pem("EC PRIVATE KEY", name);

/** Reads the folders `tls` and `certs.d` that hold `files`. */
async function withFiles<T>(
  files: Record<string, string>,
  use: (
    read: (host: string, os?: string) => ReturnType<typeof readHostTls>,
    folder: string,
    warnings: string[],
  ) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${path}`, content);
    }
    const warnings: string[] = [];
    const folders = [`${folder}/tls`, `${folder}/certs.d`];
    return await use((host, os) => readHostTls(folders, host, (line) => warnings.push(line), os), folder, warnings);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Docker's folders: CAs and a client certificate, for exactly one host and port", async () => {
  const files = {
    "tls/r.example:5000/ca.crt": cert("ca"),
    "tls/r.example:5000/client.cert": cert("client"),
    "tls/r.example:5000/client.key": key("client"),
    "tls/r.example:5000/notes.txt": "whatever",
    "certs.d/r.example:5000/b.crt": cert("b"),
    "certs.d/r.example:5000/a.crt": cert("a"),
    "certs.d/r.example:5000/x.cert": cert("x"),
    "certs.d/r.example:5000/x.key": key("x"),
    "certs.d/plain.example/ca.crt": cert("plain"),
    "certs.d/default.example:443/ca.crt": cert("default"),
  };
  await withFiles(files, async (read, folder, warnings) => {
    assert.deepEqual(await read("r.example:5000"), {
      caCerts: [cert("ca"), cert("a"), cert("b")],
      caFiles: ["tls/r.example:5000/ca", "certs.d/r.example:5000/a", "certs.d/r.example:5000/b"].map((path) =>
        `${folder}/${path}.crt`
      ),
      client: { cert: cert("client"), key: key("client") },
      files: [`${folder}/tls/r.example:5000/client.cert`, `${folder}/tls/r.example:5000/client.key`],
    });
    for (const [host, name] of [["plain.example", "plain"], ["default.example", "default"]] as const) {
      const { caCerts, client, files } = (await read(host))!;
      assert.deepEqual({ caCerts, client, files }, { caCerts: [cert(name)], client: undefined, files: [] });
    }
    for (
      const host of ["r.example", "r.example:5001", "sub.plain.example", "plain.example:5000", "..", ".", "[::1]:5000"]
    ) {
      assert.equal(await read(host), undefined, host);
    }
    assert.deepEqual(warnings, []);
  });
});

Deno.test("Docker's folders on Windows: no name holds a colon, and those of Docker's engine are found", async () => {
  const files = {
    "tls/r.example%3A5000/ca.crt": cert("own"),
    "certs.d/r.example5000/ca.crt": cert("engine"),
    "certs.d/r.example:5000/ca.crt": cert("not there on Windows"),
    "certs.d/default.example443/ca.crt": cert("default"),
  };
  await withFiles(files, async (read) => {
    const casOf = async (host: string, os: string) => (await read(host, os))?.caCerts;
    assert.deepEqual(await casOf("r.example:5000", "windows"), [cert("own"), cert("engine")]);
    assert.deepEqual(await casOf("default.example", "windows"), [cert("default")]);
    assert.equal(await casOf("r.example", "windows"), undefined);
    assert.deepEqual(await casOf("r.example:5000", "linux"), [cert("not there on Windows")]);
  });
});

Deno.test("Docker's folders: what is wrong there is said by name, and no key is quoted", async (t) => {
  const at = "tls/r.example/";
  const rows: [string, Record<string, string>, string[]][] = [
    ["a certificate without its key", { "client.cert": cert("c") }, ['client.cert", but no "', 'client.key"']],
    ["a key without its certificate", { "client.key": key("c") }, ['client.key", but no "', 'client.cert"']],
    ["a key of another name", { "a.cert": cert("a"), "b.key": key("b") }, ['b.key", but no "', 'b.cert"']],
    ["two pairs", { "a.cert": cert("a"), "a.key": key("a"), "b.cert": cert("b"), "b.key": key("b") }, [
      "more than one client certificate for one host",
      'a.cert"',
      'b.cert"',
    ]],
    ["a CA that is none", { "ca.crt": "s3cret" }, ['ca.crt" holds no certificate in PEM']],
    ["a CA in DER", { "ca.crt": "0\x82\xff" }, ['ca.crt" holds no certificate in PEM']],
    ["an empty CA", { "ca.crt": "" }, ['ca.crt" holds no certificate in PEM']],
    ["a key that is none", { "c.cert": cert("c"), "c.key": "s3cret" }, ['c.key" holds no private key in PEM']],
    ["a certificate that is none", { "c.cert": "s3cret", "c.key": key("c") }, ['c.cert" holds no certificate in PEM']],
    ["too large", { "ca.crt": cert("x") + "s3cret".repeat(200_000) }, ['ca.crt" cannot be read: it is longer than']],
    ["a folder", { "ca.crt/x": "" }, ['ca.crt" cannot be read: it is not a file']],
    ["too many", Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`${i}.txt`, ""])), [
      "r.example",
      "there are more than 100 files in it",
    ]],
  ];
  for (const [name, files, words] of rows) {
    await t.step(name, async () => {
      const placed = Object.fromEntries(Object.entries(files).map(([path, content]) => [at + path, content]));
      await withFiles(placed, async (read, folder) => {
        const error = await failsWith(read("r.example"), "bad-input", `"${folder}/tls/r.example`, ...words);
        assert.ok(!(error.message + error.remedy).includes("s3cret"));
      });
    });
  }
});

Deno.test("Docker's folders: a file where a folder is needed is said", async () => {
  await withFiles({ "tls/r.example": cert("ca") }, async (read, folder, warnings) => {
    assert.equal(await read("r.example"), undefined);
    assert.deepEqual(warnings, [
      `"${folder}/tls/r.example" is a file, so that it is not used; a folder with the host's certificates is needed`,
    ]);
  });
  await withFiles({ "tls": "" }, async (read, _, warnings) => {
    assert.equal(await read("r.example"), undefined);
    assert.deepEqual(warnings, []);
  });
});

Deno.test({
  name: "Docker's folders: what this user may not read is left out, with a warning",
  ignore: Deno.build.os === "windows" || Deno.uid() === 0, // root may read everything
  async fn() {
    const files = {
      "tls/r.example/ca.crt": cert("ca"),
      "tls/r.example/c.cert": cert("c"),
      "tls/r.example/c.key": key("c"),
    };
    await withFiles(files, async (read, folder, warnings) => {
      await Deno.chmod(`${folder}/tls/r.example/c.key`, 0);
      const caFiles = [`${folder}/tls/r.example/ca.crt`];
      assert.deepEqual(await read("r.example"), { caCerts: [cert("ca")], caFiles, client: undefined, files: [] });
      assert.deepEqual(warnings, [
        `"${folder}/tls/r.example/c.key" may not be read by this user, so that it is not used`,
      ]);
    });
  },
});

Deno.test({
  name: "Docker's folders: a task whose permissions leave them out goes without",
  permissions: { read: ["/nowhere"] },
  async fn() {
    assert.equal(await readHostTls(["/etc/docker/certs.d"], "r.example", assert.fail), undefined);
  },
});
