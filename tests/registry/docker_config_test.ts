import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
import { helperServerName, readDockerConfig } from "../../lib/registry/docker_config.ts";

const b64 = (text: string) => new TextEncoder().encode(text).toBase64();
const config = (auths: unknown, more: Record<string, unknown> = {}) => JSON.stringify({ auths, ...more });
const entry = { auth: b64("file:pw") };
const NOTHING = { helper: undefined, stored: undefined };
const HUB = ["docker.io", "index.docker.io", "registry-1.docker.io"];

Deno.test("Docker's config: the keys that docker login writes", () => {
  const rows: [string, string[]][] = [
    ["r.example", ["r.example"]],
    ["https://r.example", ["r.example"]],
    ["http://r.example/v2/", ["r.example"]],
    ["https://r.example:5000/v1/", ["r.example:5000"]],
    ["https://index.docker.io/v1/", HUB],
    ["r.example:443", ["r.example", "r.example:443", "R.example"]],
    ["R.Example", ["r.example", "r.example:443"]],
    ["https://R.EXAMPLE:443/v2/", ["r.example"]],
    ["r.example", ["r.example:443", "R.EXAMPLE"]],
    ["docker.io", HUB],
  ];
  for (const [key, hosts] of rows) {
    for (const host of hosts) {
      const { stored } = readDockerConfig(config({ [key]: entry }), host);
      assert.deepEqual(stored, { username: "file", password: "pw" }, `${key} for ${host}`);
    }
  }
  for (
    const [key, host] of [
      ["r.example", "r.example:5000"],
      ["r.example:5000", "r.example"],
      ["r.example:4430", "r.example"],
      ["r.example:443", "r.example:444"],
      ["r.example:443.evil", "r.example"],
      ["r.example.evil", "r.example"],
      ["x/r.example", "r.example"],
      ["user@r.example", "r.example"],
      ["r.example:80", "r.example"],
    ] as const
  ) {
    assert.equal(readDockerConfig(config({ [key]: entry }), host).stored, undefined, `${key} for ${host}`);
  }
  const both = config({ "https://r.example/v1/": entry, "R.example": entry, "r.example": { auth: b64("literal:pw") } });
  assert.deepEqual(readDockerConfig(both, "r.example").stored, { username: "literal", password: "pw" });
});

Deno.test("Docker's config: forms of an entry", () => {
  const anna = { username: "anna", password: "pw" };
  const rows: [unknown, unknown][] = [
    [{ auth: b64("anna:pw") }, anna],
    [{ auth: b64("anna:pw\0\0") }, anna],
    [anna, anna],
    [{ auth: "", ...anna }, anna],
    [{}, undefined],
    [null, undefined],
    [{ auth: null, username: null }, undefined],
    [{ auth: b64('_json_key:{\n\t"a": 1\r\n}\n') }, { username: "_json_key", password: '{\n\t"a": 1\r\n}\n' }],
    [{ username: "anna", password: "p\nw\x7f" }, { username: "anna", password: "p\nw\x7f" }],
    [{ username: "anna" }, undefined],
    [{ auth: b64("00000000-0000-0000-0000-000000000000:"), identitytoken: "idt" }, { identityToken: "idt" }],
    [{ auth: b64("anna:pw"), identitytoken: "" }, anna],
    [{ auth: b64("anna:pw"), identitytoken: "idt", registrytoken: "reg" }, { registryToken: "reg" }],
  ];
  for (const [value, stored] of rows) {
    const read = readDockerConfig(config({ "r.example": value }), "r.example");
    assert.deepEqual(read, { helper: undefined, stored }, JSON.stringify(value));
  }
  const nulls = '{"auths":null,"credHelpers":null,"credsStore":null}';
  for (const none of ["{}", config({}), undefined, "", "\n", "null", nulls]) {
    assert.deepEqual(readDockerConfig(none, "r.example"), none === undefined ? {} : NOTHING, none);
  }
});

Deno.test("Docker's config: which helper keeps a registry's credentials", () => {
  const rows: [Record<string, unknown>, string, string | undefined][] = [
    [{}, "r.example", undefined],
    [{ credsStore: "desktop" }, "r.example", "desktop"],
    [{ credsStore: "" }, "r.example", undefined],
    [{ credsStore: "desktop", credHelpers: { "r.example": "ecr-login" } }, "r.example", "ecr-login"],
    [{ credsStore: "desktop", credHelpers: { "r.example": "ecr-login" } }, "r.example:5000", "desktop"],
    [{ credHelpers: { "r.example": "ecr-login" } }, "sub.r.example", undefined],
    [{ credsStore: "desktop", credHelpers: { "r.example": "" } }, "r.example", undefined],
    [{ credHelpers: { "https://index.docker.io/v1/": "pass" } }, "registry-1.docker.io", "pass"],
    [{ credHelpers: { "docker.io": "pass" } }, "registry-1.docker.io", "pass"],
    [{ credsStore: "desktop.exe" }, "r.example", "desktop.exe"],
  ];
  for (const [more, host, helper] of rows) {
    assert.equal(readDockerConfig(config({}, more), host).helper, helper, JSON.stringify(more));
  }
  for (const host of HUB) assert.equal(helperServerName(host), "https://index.docker.io/v1/");
  assert.equal(helperServerName("r.example:5000"), "r.example:5000");
});

Deno.test("a malformed config is said without quoting it", () => {
  const named = (helper: unknown): [string, RegExp] => [
    config({}, { credsStore: helper }),
    /the credential helper that it names for "r\.example" has no usable name$/,
  ];
  const rows: [string, RegExp][] = [
    ["s3cret", /it is not JSON$/],
    ["nil", /it is not JSON$/],
    ["[]", /it is not a JSON object$/],
    [config(["s3cret"]), /its "auths" are not an object$/],
    [config({ "r.example": "s3cret" }), /its entry for "r.example" is not an object$/],
    [config({ "r.example": { auth: "s3cret!" } }), /the "auth" of its entry for "r.example" is not the base64/],
    [config({ "r.example": { username: "a:b", password: "s3cret" } }), /unusable user name or password$/],
    [
      config({ "r.example": { identitytoken: "s3cret\r\nx-evil: 1" } }),
      /its entry for "r.example" has an unusable token$/,
    ],
    [config({ "r.example": { registrytoken: ["s3cret"] } }), /has an unusable token$/],
    [config({}, { credHelpers: ["s3cret"] }), /its "credHelpers" are not an object$/],
    [config({}, { credHelpers: { "r.example": ["s3cret"] } }), /has no usable name$/],
    ...["../s3cret", "s3cret/x", "s3cret x", "s3cret;x", "s3cret\\x", "a".repeat(101), 7, ["s3cret"]].map(named),
  ];
  for (const [dockerConfig, words] of rows) {
    assert.throws(() => readDockerConfig(dockerConfig, "r.example"), (error) => {
      assert.ok(isTagsealError(error, "bad-input"), dockerConfig);
      assert.match(error.message, words);
      assert.ok(!error.message.includes("s3cret"));
      assert.equal(error.cause, undefined);
      return true;
    });
  }
  // A broken entry of another host is no business of ours.
  const other = config({ "other.example": 7, "x": { auth: "!" } }, { credHelpers: { "other.example": 7 } });
  assert.deepEqual(readDockerConfig(other, "r.example"), NOTHING);
  assert.throws(() => readDockerConfig("[]", "r.example", "variable"), {
    message: "The variable DOCKER_AUTH_CONFIG cannot be used: it is not a JSON object",
    remedy: /^Set it to JSON like /,
  });
});
