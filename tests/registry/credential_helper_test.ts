import assert from "node:assert/strict";
import { concat, utf8 } from "../../lib/bytes/bytes.ts";
import { askHelper, type HelperRun } from "../../lib/registry/credential_helper.ts";
import { failsWith } from "../support/failures.ts";

const QUESTION = { helper: "pass", server: "r.example", instead: "REGISTRY_AUTH" };
const ended = (exitCode: number, stdout: string, stderr = ""): HelperRun => ({
  exitCode,
  stdout: utf8(stdout),
  stderr: utf8(stderr),
});
const ask = (run: HelperRun) => askHelper(() => Promise.resolve(run), QUESTION);

Deno.test("a helper's answer: a password, an identity token, or nothing", async () => {
  const rows: [HelperRun, unknown][] = [
    [ended(0, '{"ServerURL":"r.example","Username":"anna","Secret":"pw"}\n'), { username: "anna", password: "pw" }],
    [ended(0, '{"Username":"anna","Secret":"p\\"ä:","More":1}'), { username: "anna", password: 'p"ä:' }],
    [ended(0, '{"Username":"_json_key","Secret":"{\\n}\\n"}'), { username: "_json_key", password: "{\n}\n" }],
    [ended(0, '{"Username":"<token>","Secret":"eyJ.a-b_c"}'), { identityToken: "eyJ.a-b_c" }],
    [ended(0, '{"Username":"","Secret":""}'), undefined],
    [ended(1, "credentials not found in native keychain\n"), undefined],
    [ended(1, "", "Error: Credentials not found in native keychain"), undefined],
  ];
  for (const [run, want] of rows) assert.deepEqual(await ask(run), want);
  const asked: string[][] = [];
  await askHelper(
    (...args) => (asked.push(args), Promise.resolve(ended(1, "credentials not found in native keychain"))),
    {
      ...QUESTION,
      server: "https://index.docker.io/v1/",
    },
  );
  assert.deepEqual(asked, [["docker-credential-pass", "https://index.docker.io/v1/"]]);
});

Deno.test("what is no answer is not quoted", async () => {
  const answers = [
    "s3cret",
    "",
    "null",
    '"s3cret"',
    '["s3cret"]',
    '{"Username":"anna"}',
    '{"Username":"anna","Secret":7}',
    '{"Username":"anna","Secret":""}',
    '{"Username":"","Secret":"s3cret"}',
    '{"Username":"an:na","Secret":"s3cret"}',
    '{"Username":"anna","Secret":"s3cret\\u0000"}',
    '{"Username":"an\\nna","Secret":"s3cret"}',
    '{"Username":"<token>","Secret":"s3cret s3cret"}',
    '{"Username":"anna","Secret":"s3cret"} s3cret',
  ];
  for (const answer of answers) {
    const error = await failsWith(
      ask(ended(0, answer, "s3cret")),
      "unauthenticated",
      "gave no answer that could be used",
    );
    assert.ok(
      !JSON.stringify([error.message, error.remedy, error.details, `${error.cause}`]).includes("s3cret"),
      answer,
    );
  }
});

Deno.test("a helper's failure: its reason on one line, without secrets", async (t) => {
  const jwt = "eyJhbGciOiJIUzI1NiJ9eyJzdWIiOiIxIn0";
  const rows: [string, HelperRun, string][] = [
    ["stderr", ended(1, "", "the store is locked\n"), "failed with exit code 1: the store is locked"],
    [
      "stdout, as the protocol has it",
      ended(2, "pass store is uninitialized\n"),
      "code 2: pass store is uninitialized",
    ],
    ["nothing", ended(1, ""), "failed with exit code 1: it gives no reason"],
    ["an answer on stdout", ended(1, '{"Username":"a","Secret":"hunter2"}'), "it gives no reason"],
    ["the answer's secret on stderr", ended(1, '{"Secret":"hunter2"}', "hunter2 is old"), "code 1: … is old"],
    [
      "the secret of an answer that is no text",
      { ...ended(1, "", "hunter2 is old"), stdout: concat(utf8('{"Secret":"hunter2","x":"'), Uint8Array.of(0xba)) },
      "code 1: … is old",
    ],
    ["assignment", ended(1, "", "bad password=hunter2, sorry"), "bad password=…, sorry"],
    ["JSON", ended(1, "", 'got {"secret": "hunter2"}'), 'got {"secret": "…"}'],
    ["address", ended(1, "", "cannot read https://anna:hunter2@r.example/x"), "cannot read https://…@r.example/x"],
    ["header", ended(1, "", "sent Bearer hunter2"), "sent Bearer …"],
    ["token", ended(1, "", `refused ${jwt}`), "refused …"],
    ["control characters", ended(1, "", "\x1b[31mred\x07\u202e\nline"), "code 1: [31mred line"],
    ["a host's name stays", ended(1, "no token for 123456789012.dkr.ecr.eu-central-1.amazonaws.com"), "amazonaws.com"],
  ];
  for (const [name, run, words] of rows) {
    await t.step(name, async () => {
      const error = await failsWith(ask(run), "unauthenticated", '"docker-credential-pass"', '"r.example"', words);
      for (const secret of ["hunter2", jwt]) assert.ok(!error.message.includes(secret), error.message);
      assert.match(error.message, /^[ -~…]+$/);
      assert.match(error.remedy, /REGISTRY_AUTH/);
    });
  }
  await t.step("a long story", async () => {
    const { message } = await failsWith(ask(ended(1, "", "so sad ".repeat(10_000))), "unauthenticated", "so sad");
    assert.ok(message.length < 500, `${message.length}`);
  });
  await t.step("bytes that are no text", async () => {
    await failsWith(
      ask({ exitCode: 1, stdout: new Uint8Array([255]), stderr: new Uint8Array([255]) }),
      "unauthenticated",
      "no reason",
    );
  });
});

Deno.test("a helper that could not be asked: why, and what to do", async () => {
  const rows: [HelperRun, string, RegExp][] = [
    [{ failure: "missing" }, "is not on PATH", /^Install "docker-credential-pass", or .* REGISTRY_AUTH$/],
    [
      { failure: "forbidden" },
      "is not among those that tagseal may run",
      /^Give the credentials in REGISTRY_AUTH, or log in with a credential store that tagseal's SECURITY\.md names$/,
    ],
    [{ failure: "not started" }, "cannot be run", /is a program for this machine/],
    [{ failure: "too slow" }, "gave no answer within 60 s", /^Unlock the store/],
    [{ failure: "too long" }, "gave an answer of more than 65536 bytes", /is one of Docker's credential helpers/],
  ];
  for (const [run, words, remedy] of rows) {
    assert.match((await failsWith(ask(run), "unauthenticated", words)).remedy, remedy);
  }
});
