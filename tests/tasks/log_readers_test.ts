/**
 * What reads the logs of CI jobs takes some lines for commands. No word of a server, a certificate, a file or a signer
 * gets such a line into what a command prints, on stdout, on stderr or in JSON.
 *
 * The parsers follow the runners' own: GitHub's `ActionCommand.TryParse` and `TryParseV2`, Azure's `Command.TryParse`,
 * TeamCity's service messages, GitLab's section marks.
 */
import assert from "node:assert/strict";
import type { Send } from "../../lib/http/send.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { Story } from "../support/local_story.ts";
import { type Outcome, tagseal } from "../support/run.ts";
import { AT, buildFiles, DIGEST, GUN, KEYS } from "../support/trust_builder.ts";

const READERS: Readonly<Record<string, (line: string) => boolean>> = {
  "GitHub, today": (line) => /^\s*::[^]*::/.test(line),
  "GitHub, older": (line) => line.includes("##["),
  "Azure": (line) => line.includes("##vso[") || line.includes("##["),
  "TeamCity": (line) => line.includes("##teamcity["),
  "GitLab": (line) => /section_(start|end):\d+:/.test(line) && /\p{Cc}/u.test(line),
};

/** Each is a command to one of them, at the start of a line and within one. */
const WORDS = [
  "##vso[task.prependpath]/evil",
  "##[add-matcher]/evil.json",
  "##teamcity[buildStatus text='evil']",
  "::add-mask::evil",
  "\n::set-output name=evil::1",
  " \t::error::evil",
  "#\u200b#vso[task.prependpath]/evil",
  "\u001b[0Ksection_start:1700000000:evil\r\u001b[0K",
] as const;
const ALL = WORDS.join(" ");

function assertObeyedByNobody({ stdout, stderr }: Outcome, name: string): void {
  for (const line of `${stdout}\n${stderr}`.split(/\r\n|\r|\n/)) {
    for (const [reader, obeys] of Object.entries(READERS)) assert.ok(!obeys(line), `${reader}, ${name}: ${line}`);
  }
  const hidden = (stdout + stderr).replaceAll("\n", "").match(/[\p{Cc}\p{Cf}\u2028]/gu);
  assert.equal(hidden, null, name);
}

Deno.test("log readers: those words are commands to them", () => {
  for (const [reader, obeys] of Object.entries(READERS)) {
    const lines = WORDS.flatMap((word) => [...word.split("\n"), word]);
    assert.ok(lines.some(obeys), reader);
  }
});

Deno.test("log readers: nothing that a server says becomes a command", async (t) => {
  await using story = await Story.readyToSign();
  const { gun } = story;
  const quoted = ALL.replaceAll(/[\\"]/g, "\\$&").replaceAll(/[\p{Cc}\p{Cf}]/gu, " ");
  const json = (status: number, body: unknown) => () => Response.json(body, { status });
  const errors = { errors: [{ code: ALL, message: ALL, detail: { Name: ALL, Error: { Msg: ALL } } }] };
  const status = { status: ALL, workflowStatus: ALL, isFinalStatus: true, webLink: `https://x.example/${ALL}` };
  const answers: [name: string, path: RegExp, answer: () => Response][] = [
    ["the realm of Basic", /\/v2\//, () => challenge(`Basic realm="${quoted}"`)],
    ["a realm that is no address", /\/v2\//, () => challenge(`Bearer realm="${quoted}",service="${quoted}"`)],
    ["a scheme", /\/v2\//, () => challenge(`${quoted.slice(0, 60)}`)],
    ["errors of 400", /_trust\/tuf/, json(400, errors)],
    ["errors of 403", /_trust\/tuf/, json(403, errors)],
    ["errors of 404", /_trust\/tuf/, json(404, errors)],
    ["errors of 500", /_trust\/tuf/, json(500, errors)],
    ["a publish that is refused", /_trust\/tuf\/$/, json(400, errors)],
    ["errors of the registry", /\/manifests\//, json(429, errors)],
    ["a digest", /\/manifests\//, () => new Response("{}", { headers: { "docker-content-digest": quoted } })],
    ["a media type", /\/manifests\//, () => new Response("{}", { headers: { "content-type": quoted } })],
    ["a redirect", /\/manifests\//, () => new Response(null, { status: 307, headers: { location: quoted } })],
    ["SignPath's refusal", /SigningRequests/, json(400, { title: ALL, detail: ALL, errors: { [ALL]: [ALL] } })],
    ["SignPath's words without JSON", /SigningRequests/, () => new Response(ALL, { status: 403 })],
    ["where a request is filed", /Submit/, () => new Response("{}", { status: 201, headers: { location: quoted } })],
    ["a request's status", /\/Status$/, json(200, status)],
    ["a policy's names", /MySigningPolicies/, json(200, { signingPolicies: [{ [ALL]: ALL, certificateBytes: ALL }] })],
  ];
  for (const [name, path, answer] of answers) {
    await t.step(name, async () => {
      story.between = (request: Request, send: Send) =>
        path.test(new URL(request.url).pathname) ? Promise.resolve(answer()) : send(request);
      const sign = ["sign", "-r", gun, "-t", "v1"];
      const runs = [sign, [...sign, "--json"], [...sign, "--verbose"], ["list", "-r", gun], ["status", "-r", gun]];
      for (const args of runs) assertObeyedByNobody(await story.run(args), args.join(" "));
    });
  }
});

Deno.test("log readers: neither tags that somebody signed, nor names that a user gives, become a command", async () => {
  const plan = {
    delegations: {
      "targets/releases": { keys: [KEYS.releases], tags: Object.fromEntries(WORDS.map((w) => [w, DIGEST])) },
    },
  };
  const files = await buildFiles(plan);
  const send: Send = (request) => {
    const [, role = ""] = /\/_trust\/tuf\/(.*)\.json$/.exec(new URL(request.url).pathname) ?? [];
    const bytes = [...files].find(([name]) => role === name || role.startsWith(`${name}.`))?.[1];
    return Promise.resolve(bytes ? new Response(bytes) : Response.json({ errors: [] }, { status: 404 }));
  };
  const cwd = await Deno.makeTempDir();
  const host = { connect: () => send, now: () => AT };
  const run = (...args: string[]) =>
    tagseal([...args, "--trust-dir", `${cwd}/trust`], { cwd, env: { HOME: cwd }, host });
  for (const more of [[], ["--json"]]) {
    const listed = await run("list", "-r", GUN, ...more);
    assert.equal(listed.code, 0, listed.stderr);
    assert.ok(listed.stdout.includes("evil"), "they are listed");
    assertObeyedByNobody(listed, "list");
    for (const args of [["list", "--all"], ["list", "--role", "targets/releases"], ["inspect"], ["status"]]) {
      assertObeyedByNobody(await run(...args, "-r", GUN, ...more), args.join(" "));
    }
    assertObeyedByNobody(await run("verify", "-r", GUN, "-t", ALL, ...more), "verify");
    assertObeyedByNobody(await run("verify", "-r", ALL, "-t", "v1", ...more), "a repository");
    assertObeyedByNobody(await run("verify", "-r", GUN, "-t", "v1", "--from", ALL, ...more), "a file");
  }
  const commonName = `x ${ALL.replaceAll(/[\r\n]/g, " ")}`.slice(0, 64);
  const names = { commonName, algorithm: "ecdsa-p256", now: AT, days: 30 } as const;
  const { certificateDer } = await createSigningCertificate(names);
  await Deno.writeFile(`${cwd}/odd.cer`, certificateDer);
  assertObeyedByNobody(await run("add-delegation", "-r", GUN, "--delegation-certificate", "odd.cer"), "a certificate");
  await Deno.remove(cwd, { recursive: true });
});

function challenge(value: string): Response {
  return new Response("{}", { status: 401, headers: { "www-authenticate": value } });
}
