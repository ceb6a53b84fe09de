import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
import { type CredentialSources, resolveCredentials } from "../../lib/registry/credentials.ts";

const b64 = (text: string) => new TextEncoder().encode(text).toBase64();
const config = (auths: unknown, more: Record<string, unknown> = {}) => JSON.stringify({ auths, ...more });
const variable = (value: string | undefined) => ({ name: "NOTARY_AUTH" as const, value });
const entry = { auth: b64("file:pw") };

Deno.test("resolveCredentials: flags, then variable, then Docker's config, then anonymous", () => {
  const all: CredentialSources = {
    flags: { username: "flag", password: "pw" },
    variable: variable(b64("var:pw")),
    dockerConfig: config({ "r.example": entry }),
    host: "r.example",
  };
  assert.equal(resolveCredentials(all)?.username, "flag");
  assert.equal(resolveCredentials({ ...all, flags: {} })?.username, "var");
  assert.equal(resolveCredentials({ ...all, flags: {}, variable: variable("") })?.username, "file");
  assert.equal(resolveCredentials({ host: "r.example", dockerConfig: all.dockerConfig })?.username, "file");
  assert.equal(resolveCredentials({ host: "other.example", dockerConfig: all.dockerConfig }), undefined);
  assert.equal(resolveCredentials({ host: "r.example" }), undefined);
});

Deno.test("flags: both or none, and nothing that Basic cannot carry", () => {
  const rows: [NonNullable<CredentialSources["flags"]>, RegExp][] = [
    [{ username: "anna" }, /A password is missing/],
    [{ password: "s3cret" }, /A user name is missing/],
    [{ username: "an:na", password: "s3cret" }, /cannot be sent/],
    [{ username: "", password: "s3cret" }, /cannot be sent/],
    [{ username: "anna", password: "s3cret\n" }, /cannot be sent/],
  ];
  for (const [flags, words] of rows) {
    assert.throws(() => resolveCredentials({ flags, host: "r.example" }), (error) => {
      assert.ok(isTagsealError(error, "usage"));
      assert.match(error.message, words);
      assert.ok(!(error.message + error.remedy + JSON.stringify(error.details)).includes("s3cret"));
      return true;
    });
  }
});

Deno.test("the variable holds the base64 of user:password", () => {
  const rows: [string, string, string][] = [
    [b64("anna:pw"), "anna", "pw"],
    [b64("anna:p:w:"), "anna", "p:w:"],
    [b64("anna:"), "anna", ""],
    [`${b64("jürgen:ßé")}\n`, "jürgen", "ßé"],
    [b64("a:b").replaceAll("=", ""), "a", "b"],
  ];
  for (const [value, username, password] of rows) {
    assert.deepEqual(resolveCredentials({ variable: variable(value), host: "r.example" }), { username, password });
  }
});

Deno.test("a malformed variable is named, and not quoted", () => {
  for (const value of ["s3cret!", "anna:s3cret", b64("s3cret"), b64(":s3cret"), b64("a:s3cret\r\nx"), "/////w=="]) {
    assert.throws(() => resolveCredentials({ variable: variable(value), host: "r.example" }), (error) => {
      assert.ok(isTagsealError(error, "bad-input"), value);
      assert.match(error.message, /^The variable NOTARY_AUTH is not the base64 of "user:password"$/);
      assert.ok(!(error.message + error.remedy + JSON.stringify(error.details)).includes(value));
      assert.equal(error.cause, undefined);
      return true;
    });
  }
});

Deno.test("Docker's config: the keys that docker login writes", () => {
  const hub = ["docker.io", "index.docker.io", "registry-1.docker.io"];
  const rows: [string, string[]][] = [
    ["r.example", ["r.example"]],
    ["https://r.example", ["r.example"]],
    ["http://r.example/v2/", ["r.example"]],
    ["https://r.example:5000/v1/", ["r.example:5000"]],
    ["https://index.docker.io/v1/", hub],
    ["docker.io", hub],
  ];
  for (const [key, hosts] of rows) {
    for (const host of hosts) {
      const found = resolveCredentials({ host, dockerConfig: config({ [key]: entry }) });
      assert.deepEqual(found, { username: "file", password: "pw" }, `${key} for ${host}`);
    }
  }
  for (
    const [key, host] of [["r.example", "r.example:5000"], ["r.example.evil", "r.example"], [
      "x/r.example",
      "r.example",
    ]]
  ) {
    assert.equal(resolveCredentials({ host: host!, dockerConfig: config({ [key!]: entry }) }), undefined);
  }
  const both = config({ "https://r.example/v1/": entry, "r.example": { auth: b64("literal:pw") } });
  assert.equal(resolveCredentials({ host: "r.example", dockerConfig: both })?.username, "literal");
});

Deno.test("Docker's config: forms of an entry", () => {
  const rows: [unknown, string | undefined][] = [
    [{ auth: b64("anna:pw") }, "pw"],
    [{ auth: b64("anna:pw\0\0") }, "pw"],
    [{ username: "anna", password: "pw" }, "pw"],
    [{ auth: "", username: "anna", password: "pw" }, "pw"],
    [{}, undefined],
    [{ username: "anna" }, undefined],
    [{ auth: b64("00000000-0000-0000-0000-000000000000:"), identitytoken: "x" }, undefined],
  ];
  for (const [value, password] of rows) {
    const dockerConfig = config({ "r.example": value }, {
      credsStore: "desktop",
      credHelpers: { "r.example": "pass" },
    });
    assert.equal(resolveCredentials({ host: "r.example", dockerConfig })?.password, password, JSON.stringify(value));
  }
  for (const none of ["{}", config({}), `{"credsStore":"x"}`]) {
    assert.equal(resolveCredentials({ host: "r.example", dockerConfig: none }), undefined);
  }
});

Deno.test("a malformed config is said without quoting it", () => {
  const rows: [string, RegExp][] = [
    ["s3cret", /it is not JSON$/],
    ["", /it is not JSON$/],
    ["[]", /it is not a JSON object$/],
    [config(["s3cret"]), /its "auths" are not an object$/],
    [config({ "r.example": "s3cret" }), /its entry for "r.example" is not an object$/],
    [config({ "r.example": { auth: "s3cret!" } }), /the "auth" of its entry for "r.example" is not the base64/],
    [config({ "r.example": { username: "a:b", password: "s3cret" } }), /unusable user name or password$/],
  ];
  for (const [dockerConfig, words] of rows) {
    assert.throws(() => resolveCredentials({ host: "r.example", dockerConfig }), (error) => {
      assert.ok(isTagsealError(error, "bad-input"), dockerConfig);
      assert.match(error.message, words);
      assert.ok(!error.message.includes("s3cret"));
      assert.equal(error.cause, undefined);
      return true;
    });
  }
  // A broken entry of another host is no business of ours.
  assert.equal(resolveCredentials({ host: "r.example", dockerConfig: config({ "other.example": 7 }) }), undefined);
});
