import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
import type { CredentialsSource } from "../../lib/http/auth.ts";
import { type CredentialSources, resolveCredentials } from "../../lib/registry/credentials.ts";
import type { HelperRun, RunHelper } from "../../lib/registry/credential_helper.ts";

const b64 = (text: string) => new TextEncoder().encode(text).toBase64();
const config = (auths: unknown, more: Record<string, unknown> = {}) => JSON.stringify({ auths, ...more });
const variable = (value: string | undefined) => ({ name: "NOTARY_AUTH" as const, value });
const entry = { auth: b64("file:pw") };
/** As Google's registries take it: a key in JSON for a password. */
const JSON_KEY = '_json_key:{\n  "type": "service_account",\n\t"private_key": "s3cret\\n"\n}\n';
const noHelper: RunHelper = (program) => assert.fail(`${program} was run`);

type Given = Partial<Omit<CredentialSources, "dockerConfig">> & {
  readonly host: string;
  readonly dockerConfig?: string | undefined;
};

/** Where nothing may be warned of, unless the warnings are wanted. */
function source(
  { dockerConfig, ...given }: Given,
  run: RunHelper = noHelper,
  warn: (line: string) => void = (line) => assert.fail(line),
): CredentialsSource {
  const read = () => Promise.resolve(dockerConfig);
  return resolveCredentials({ flags: {}, variable: variable(undefined), warn, ...given, dockerConfig: read }, run);
}

/** What a helper that ends by itself says. */
function says(answer: unknown, exitCode = 0): HelperRun {
  const stdout = typeof answer === "string" ? answer : JSON.stringify(answer);
  return { exitCode, stdout: new TextEncoder().encode(stdout), stderr: new Uint8Array() };
}

Deno.test("resolveCredentials: flags, then variable, then helpers, then what is stored, then anonymous", async () => {
  const all: Given = {
    flags: { username: "flag", password: "pw" },
    variable: variable(b64("var:pw")),
    dockerConfig: config({ "r.example": entry }, { credsStore: "store", credHelpers: { "r.example": "own" } }),
    host: "r.example",
  };
  const asked: string[] = [];
  const answering = (...answers: HelperRun[]): RunHelper => (program, server) => {
    asked.push(`${program} ${server}`);
    return Promise.resolve(answers.shift()!);
  };
  const own = says({ ServerURL: "r.example", Username: "helped", Secret: "pw" });
  const none = says("credentials not found in native keychain\n", 1);
  const userOf = async (given: Given, run?: RunHelper) => {
    const found = await source(given, run)();
    return found && "password" in found ? found.username : found;
  };
  assert.equal(await userOf(all), "flag");
  assert.equal(await userOf({ ...all, flags: {} }), "var");
  const { dockerConfig, host } = all;
  assert.equal(await userOf({ variable: variable(""), dockerConfig, host }, answering(own)), "helped");
  assert.equal(await userOf({ dockerConfig, host }, answering(none)), "file");
  assert.equal(await userOf({ dockerConfig, host: "other.example" }, answering(none)), undefined);
  assert.equal(await userOf({ host }), undefined);
  assert.deepEqual(asked, [
    "docker-credential-own r.example",
    "docker-credential-own r.example",
    "docker-credential-store other.example",
  ]);
});

Deno.test("DOCKER_AUTH_CONFIG goes before the file and its helpers, for the hosts that it names", async () => {
  const authConfig = config({ "r.example": { auth: b64("ci:pw") } }, { credsStore: "ignored" });
  const dockerConfig = config({}, { credsStore: "store" });
  const helped = says({ ServerURL: "x", Username: "helped", Secret: "pw" });
  const ask = (host: string) => source({ authConfig, dockerConfig, host }, () => Promise.resolve(helped))();
  assert.deepEqual(await ask("r.example"), { username: "ci", password: "pw" });
  assert.deepEqual(await ask("other.example"), { username: "helped", password: "pw" });
  const both = { authConfig, host: "r.example" };
  assert.deepEqual(await source({ ...both, flags: { username: "flag", password: "pw" } })(), {
    username: "flag",
    password: "pw",
  });
  assert.deepEqual(await source({ ...both, variable: variable(b64("var:pw")) })(), { username: "var", password: "pw" });
});

Deno.test("what Docker keeps is read when it is wanted, and not where it is not needed", async () => {
  let reads = 0;
  const dockerConfig = () => (reads++, Promise.resolve("{}"));
  const sources = { flags: {}, host: "r.example", dockerConfig, warn: (line: string) => assert.fail(line) };
  const none = resolveCredentials({ ...sources, variable: variable(undefined) }, noHelper);
  await resolveCredentials({ ...sources, variable: variable(b64("a:b")) }, noHelper)();
  await resolveCredentials({
    ...sources,
    flags: { username: "a", password: "b" },
    variable: variable(undefined),
  }, noHelper)();
  assert.equal(reads, 0);
  assert.equal(await none(), undefined);
  assert.equal(reads, 1);
});

Deno.test("what Docker keeps and cannot be used is warned of, and said where the service refuses", async (t) => {
  const missing: RunHelper = () => Promise.resolve({ failure: "missing" });
  const host = "r.example";
  const rows: [name: string, given: Given, words: RegExp][] = [
    [
      "a helper that is not there",
      { host, dockerConfig: config({ "r.example": entry }, { credsStore: "desktop.exe" }) },
      /^The credential helper "docker-credential-desktop\.exe", .* is not on PATH; going on without it$/,
    ],
    [
      "a damaged file",
      { host, dockerConfig: "s3cret" },
      /^Docker's config\.json cannot be used: it is not JSON; going/,
    ],
    [
      "a damaged variable",
      { host, authConfig: "{" },
      /^The variable DOCKER_AUTH_CONFIG cannot be used: it is not JSON;/,
    ],
  ];
  for (const [name, given, words] of rows) {
    await t.step(name, async () => {
      const warnings: string[] = [];
      const found = await source(given, missing, (line) => void warnings.push(line))();
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, words);
      assert.ok(found && "outOfReach" in found);
      assert.equal(`${found.outOfReach.message}; going on without it`, warnings[0]);
      assert.match(found.outOfReach.remedy, /give the credentials/);
    });
  }
  await t.step("a damaged variable, and a file that serves", async () => {
    const warnings: string[] = [];
    const given = { host, authConfig: "[]", dockerConfig: config({ "r.example": entry }) };
    const found = await source(given, noHelper, (line) => void warnings.push(line))();
    assert.deepEqual(found, { username: "file", password: "pw" });
    assert.equal(warnings.length, 1);
  });
  await t.step("an interruption is none of these", async () => {
    const stop = new Error("stop");
    const interrupted = source(rows[0]![1], () => Promise.reject(stop));
    await assert.rejects(interrupted(), (error) => error === stop);
  });
});

Deno.test("flags: both or none, and nothing that Basic cannot carry", () => {
  const rows: [CredentialSources["flags"], RegExp][] = [
    [{ username: "anna" }, /A password is missing/],
    [{ password: "s3cret" }, /A user name is missing/],
    [{ username: "an:na", password: "s3cret" }, /cannot be sent/],
    [{ username: "", password: "s3cret" }, /cannot be sent/],
    [{ username: "an\nna", password: "s3cret" }, /cannot be sent/],
    [{ username: "anna", password: "s3cret\0" }, /cannot be sent/],
  ];
  for (const [flags, words] of rows) {
    assert.throws(() => source({ flags, host: "r.example" }), (error) => {
      assert.ok(isTagsealError(error, "usage"));
      assert.match(error.message, words);
      assert.ok(!(error.message + error.remedy + JSON.stringify(error.details)).includes("s3cret"));
      return true;
    });
  }
});

Deno.test("the variable holds the base64 of user:password", async () => {
  const rows: [string, string, string][] = [
    [b64("anna:pw"), "anna", "pw"],
    [b64("anna:p:w:"), "anna", "p:w:"],
    [b64("anna:"), "anna", ""],
    [`${b64("jürgen:ßé")}\n`, "jürgen", "ßé"],
    [b64("a:bc").replaceAll("=", ""), "a", "bc"],
    [`${b64("anna:pw").slice(0, 4)}\r\n${b64("anna:pw").slice(4)} \r\n`, "anna", "pw"],
    [b64("anna: pw\r\n"), "anna", "pw"],
    [b64(JSON_KEY), "_json_key", JSON_KEY.slice("_json_key:".length).trim()],
  ];
  for (const [value, username, password] of rows) {
    assert.deepEqual(await source({ variable: variable(value), host: "r.example" })(), { username, password });
  }
});

Deno.test("a malformed variable is named, and not quoted", () => {
  for (const value of ["s3cret!", "anna:s3cret", b64("s3cret"), b64(":s3cret"), b64("a:s3\0cret"), "/////w=="]) {
    assert.throws(() => source({ variable: variable(value), host: "r.example" }), (error) => {
      assert.ok(isTagsealError(error, "bad-input"), value);
      assert.match(error.message, /^The variable NOTARY_AUTH is not the base64 of "user:password"$/);
      assert.ok(!(error.message + error.remedy + JSON.stringify(error.details)).includes(value));
      assert.equal(error.cause, undefined);
      return true;
    });
  }
});
