import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
import type { Credentials } from "../../lib/http/auth.ts";
import { type CredentialSources, resolveCredentials } from "../../lib/registry/credentials.ts";
import type { HelperRun, RunHelper } from "../../lib/registry/credential_helper.ts";
import { failsWith } from "../support/failures.ts";

const b64 = (text: string) => new TextEncoder().encode(text).toBase64();
const config = (auths: unknown, more: Record<string, unknown> = {}) => JSON.stringify({ auths, ...more });
const variable = (value: string | undefined) => ({ name: "NOTARY_AUTH" as const, value });
const entry = { auth: b64("file:pw") };
const noHelper: RunHelper = (program) => assert.fail(`${program} was run`);

type Given = Partial<CredentialSources> & { readonly host: string };

function source(given: Given, run: RunHelper = noHelper): () => Promise<Credentials | undefined> {
  return resolveCredentials({ flags: {}, variable: variable(undefined), ...given }, run);
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
    const credentials = await source(given, run)();
    return credentials && "password" in credentials ? credentials.username : credentials;
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

Deno.test("nothing is run before the credentials are wanted, and a helper's failure is not passed over", async () => {
  const dockerConfig = config({ "r.example": entry }, { credsStore: "pass" });
  let runs = 0;
  const wanted = source({ dockerConfig, host: "r.example" }, () => (runs++, Promise.resolve({ failure: "missing" })));
  assert.equal(runs, 0);
  const error = await failsWith(
    wanted,
    "unauthenticated",
    'The credential helper "docker-credential-pass"',
    "is not on PATH",
  );
  assert.equal(error.remedy, 'Install "docker-credential-pass", or give the credentials in NOTARY_AUTH');
  assert.equal(runs, 1);
});

Deno.test("flags: both or none, and nothing that Basic cannot carry", () => {
  const rows: [CredentialSources["flags"], RegExp][] = [
    [{ username: "anna" }, /A password is missing/],
    [{ password: "s3cret" }, /A user name is missing/],
    [{ username: "an:na", password: "s3cret" }, /cannot be sent/],
    [{ username: "", password: "s3cret" }, /cannot be sent/],
    [{ username: "anna", password: "s3cret\n" }, /cannot be sent/],
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
    [b64("a:b").replaceAll("=", ""), "a", "b"],
  ];
  for (const [value, username, password] of rows) {
    assert.deepEqual(await source({ variable: variable(value), host: "r.example" })(), { username, password });
  }
});

Deno.test("a malformed variable is named, and not quoted", () => {
  for (const value of ["s3cret!", "anna:s3cret", b64("s3cret"), b64(":s3cret"), b64("a:s3cret\r\nx"), "/////w=="]) {
    assert.throws(() => source({ variable: variable(value), host: "r.example" }), (error) => {
      assert.ok(isTagsealError(error, "bad-input"), value);
      assert.match(error.message, /^The variable NOTARY_AUTH is not the base64 of "user:password"$/);
      assert.ok(!(error.message + error.remedy + JSON.stringify(error.details)).includes(value));
      assert.equal(error.cause, undefined);
      return true;
    });
  }
});
